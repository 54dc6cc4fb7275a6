/* Statements, provenance in them, and SBOMs of anybody's making: read within their limits, or
 * refused as malformed. */
#include <string.h>

#include "base/cleanup.h"
#include "kit/provenance.h"
#include "kit/spdx.h"
#include "kit/statement.h"
#include "tests/fuzz/target.h"

static void check_statement(struct bytes text, struct arena *arena)
{
	struct statement statement;
	struct err err = {0};
	int rc = statement_parse(text, arena, &statement, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
	if (rc < 0)
		return;
	HOLDS(*statement.predicate_type != '\0');
	HOLDS((predicate_type_title(statement.predicate_type) == NULL) ==
		(predicate_type_word(statement.predicate_type) == NULL));
	HOLDS(statement.subject_count >= 1 && statement.subject_count <= STATEMENT_SUBJECTS_MAX);
	for (size_t i = 0; i < statement.subject_count; i++)
		HOLDS(statement.subjects[i].name != NULL);
}

static void check_provenance(struct bytes text, struct arena *arena)
{
	struct provenance provenance;
	struct err err = {0};
	int rc = provenance_parse(text, arena, &provenance, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
	if (rc < 0)
		return;
	HOLDS(uri_valid(provenance.builder) && uri_valid(provenance.build_type));
	HOLDS(provenance.dependency_count <= PROVENANCE_THINGS_MAX);
}

static void check_spdx(struct bytes text, struct arena *arena)
{
	struct spdx spdx;
	struct err err = {0};
	size_t described = 0;
	int rc = spdx_parse(text, arena, &spdx, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
	if (rc < 0)
		return;
	HOLDS(spdx.package_count <= SPDX_PACKAGES_MAX && spdx.file_count <= SPDX_FILES_MAX);
	for (size_t i = 0; i < spdx.package_count; i++) {
		const struct spdx_package *package = &spdx.packages[i];
		HOLDS(strncmp(package->id, "SPDXRef-", 8) == 0 && *package->name != '\0');
		HOLDS(package->version != NULL && *package->licence != '\0');
		for (size_t j = 0; j < i; j++)
			HOLDS(strcmp(package->id, spdx.packages[j].id) != 0);
		described += package->described;
	}
	HOLDS(spdx.described_count >= 1 && described <= spdx.described_count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;

	check_statement(bytes_make(data, size), &arena);
	check_provenance(bytes_make(data, size), &arena);
	check_spdx(bytes_make(data, size), &arena);
	return 0;
}
