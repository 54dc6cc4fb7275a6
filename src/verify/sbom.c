/* SBOMs and the components of the manifest: each describes the other. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "text/text.h"
#include "verify/evidence_private.h"

#define SPDX_ENDING ".spdx.json"

/* The components by name and version, and which of them an SBOM describes. */
struct component_index {
	size_t count;
	const struct manifest_component **sorted;
	size_t *described_by; /* number of the newest SBOM that does, from 1; 0: none yet */
};

static int compare_texts(
	const char *name, const char *version, const struct manifest_component *component)
{
	int order = strcmp(name, component->name);

	return order != 0 ? order : strcmp(version, component->version);
}

static int compare_components(const void *left, const void *right)
{
	const struct manifest_component *component =
		*(const struct manifest_component *const *)left;

	return compare_texts(component->name, component->version,
		*(const struct manifest_component *const *)right);
}

static int index_components(
	const struct evidence_reading *reading, struct component_index *index, struct err *err)
{
	const struct manifest *manifest = reading->manifest;

	index->count = manifest->component_count;
	index->sorted = calloc(index->count + 1, sizeof *index->sorted);
	index->described_by = calloc(index->count + 1, sizeof *index->described_by);
	if (index->sorted == NULL || index->described_by == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < index->count; i++)
		index->sorted[i] = &manifest->components[i];
	qsort(index->sorted, index->count, sizeof *index->sorted, compare_components);
	return 0;
}

/* The first component that is not before that name and version. */
static size_t find_first(const struct component_index *index, const char *name, const char *version)
{
	size_t low = 0, high = index->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (compare_texts(name, version, index->sorted[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* What the manifest leaves out may be anything; what it says, the SBOM must say too. */
static bool digests_agree(
	const struct manifest_component *component, const struct spdx_package *package)
{
	return !component->has_digest ||
	       (package->has_sha256 && sha256_equal(&component->digest, &package->digest));
}

static int refuse_package(const struct component_index *index, const struct spdx_package *package,
	size_t first, struct err *err)
{
	CLEANUP_STR struct str name = STR_INIT, version = STR_INIT, other = STR_INIT;

	text_escape(&name, bytes_of_string(package->name), 80);
	text_escape(&version, bytes_of_string(package->version), 80);
	if (first < index->count &&
		compare_texts(package->name, package->version, index->sorted[first]) == 0)
		return err_set(err, ERR_SBOM,
			package->has_sha256 ? "it describes %s %s with another SHA-256 than the "
					      "manifest's component"
					    : "it describes %s %s without the SHA-256 of the "
					      "manifest's component",
			str_text(&name), str_text(&version));
	first = find_first(index, package->name, "");
	if (first == index->count || strcmp(index->sorted[first]->name, package->name) != 0)
		return err_set(err, ERR_SBOM,
			"it describes %s, which is no component of the manifest", str_text(&name));
	text_escape(&other, bytes_of_string(index->sorted[first]->version), 80);
	return err_set(err, ERR_SBOM, "it describes %s %s; the manifest's component is %s %s",
		str_text(&name),
		package->version[0] == '\0' ? "without a version" : str_text(&version),
		str_text(&name), str_text(&other));
}

/* Of several components with one name and version (two platforms), the digest tells which. */
static int match_package(struct component_index *index, const struct spdx_package *package,
	size_t number, struct sbom *sbom, struct err *err)
{
	size_t first = find_first(index, package->name, package->version);
	bool matched = false;

	for (size_t i = first; i < index->count && compare_texts(package->name, package->version,
							   index->sorted[i]) == 0;
		i++) {
		if (!digests_agree(index->sorted[i], package))
			continue;
		matched = true;
		if (index->described_by[i] == number)
			continue;
		index->described_by[i] = number;
		sbom->components_here++;
		sbom->by_checksum += index->sorted[i]->has_digest;
	}
	return matched ? 0 : refuse_package(index, package, first, err);
}

static int check_sbom(const struct evidence_reading *reading, const struct manifest_file *file,
	struct component_index *index, struct err *err)
{
	struct sbom *sbom = &reading->evidence->sboms[reading->evidence->sbom_count++];
	const uint8_t *content = reading->contents[file - reading->manifest->files];
	size_t ending = sizeof SPDX_ENDING - 1, size = strlen(file->name);

	if (size <= ending || strcmp(file->name + size - ending, SPDX_ENDING) != 0)
		return err_set(err, ERR_SBOM,
			"it is no SPDX document in JSON: the name of one ends in " SPDX_ENDING);
	sbom->file = file->name;
	int rc = spdx_parse(
		bytes_make(content, (size_t)file->size), reading->arena, &sbom->spdx, err);
	for (size_t i = 0; i < sbom->spdx.package_count && rc == 0; i++) {
		if (sbom->spdx.packages[i].described)
			rc = match_package(index, &sbom->spdx.packages[i],
				reading->evidence->sbom_count, sbom, err);
	}
	return rc;
}

static int check_all_described(const struct component_index *index, struct err *err)
{
	CLEANUP_STR struct str name = STR_INIT, version = STR_INIT;

	for (size_t i = 0; i < index->count; i++) {
		if (index->described_by[i] != 0)
			continue;
		text_escape(&name, bytes_of_string(index->sorted[i]->name), 80);
		text_escape(&version, bytes_of_string(index->sorted[i]->version), 80);
		return err_set(err, ERR_SBOM, "no SBOM describes the component %s %s",
			str_text(&name), str_text(&version));
	}
	return 0;
}

static int check_all(const struct evidence_reading *reading, size_t count,
	struct component_index *index, struct err *err)
{
	const struct manifest *manifest = reading->manifest;
	int rc = index_components(reading, index, err);

	if (rc < 0)
		return rc;
	reading->evidence->sboms =
		arena_array(reading->arena, count, sizeof *reading->evidence->sboms);
	if (reading->evidence->sboms == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < manifest->file_count; i++)
		if (manifest->files[i].role == ROLE_SBOM &&
			check_sbom(reading, &manifest->files[i], index, err) < 0)
			return err_context(err, "%s", manifest->files[i].name);
	return check_all_described(index, err);
}

int sboms_check(const struct evidence_reading *reading, struct err *err)
{
	const struct manifest *manifest = reading->manifest;
	struct component_index index = {0};
	size_t count = 0;

	for (size_t i = 0; i < manifest->file_count; i++)
		count += manifest->files[i].role == ROLE_SBOM;
	if (count == 0) {
		reading->evidence->undescribed_count = manifest->component_count;
		return 0;
	}
	int rc = check_all(reading, count, &index, err);
	free(index.sorted);
	free(index.described_by);
	return rc;
}
