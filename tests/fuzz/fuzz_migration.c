/*
 * A migration.json, its head and the body of its kind: compiled, or refused as what it is. What an
 * ensure declares is compared with a database that has nothing, and with one that has just that.
 */
#include <string.h>

#include "base/cleanup.h"
#include "kit/migration.h"
#include "steps/backfill.h"
#include "steps/ensure.h"
#include "tests/fuzz/aid.h"

enum { COLLECTIONS_MAX = 8 };

static void compare(const struct json *list, bool exists)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct ensure_collection collections[COLLECTIONS_MAX] = {0};
	struct ensure_state state = {.collections = collections};
	struct ensure_diff diff;
	struct err err;

	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		const char *name = "";
		if (state.count == COLLECTIONS_MAX || json_type(item) != JSON_OBJECT ||
			json_need_string(item, "name", 100, &name, &err) < 0)
			return;
		collections[state.count++] = (struct ensure_collection){.declared = item,
			.name = name,
			.exists = exists,
			.options = json_member(item, "options"),
			.indexes = json_member(item, "there"),
			.exact_options = json_member(item, "options"),
			.exact_indexes = json_member(item, "there")};
	}
	int rc = ensure_compare(&state, &arena, &diff, &err);
	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
	for (size_t i = 0; rc == 0 && i < diff.count; i++)
		HOLDS(*ensure_kind_name(diff.changes[i].kind) != '\0');
}

static void backfill(const struct migration *migration)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct backfill backfill;
	struct err err;
	int rc = backfill_load(migration, &arena, &backfill, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
	if (rc < 0)
		return;
	HOLDS(backfill.phase_count >= 1 && backfill.target_count <= BACKFILL_TARGETS_MAX);
	for (size_t i = 0; i < backfill.phase_count; i++) {
		CLEANUP_STR struct str order = STR_INIT;
		HOLDS(backfill.phases[i].write_count >= 1);
		HOLDS(backfill.phases[i].case_count <= BACKFILL_CASES_MAX);
		backfill_order(&backfill.phases[i], &order);
		HOLDS(doc_check(str_bytes(&order), &err) == 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct migration migration;
	const struct json *list;
	struct err err;

	if (json_parse(bytes_make(data, size), JSON_LIMITS(1 << 16), &doc, &err) < 0)
		return 0;
	int rc = migration_parse(json_root(doc), &migration, &err);
	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
	if (rc < 0)
		return 0;
	HOLDS(migration_id_valid(migration.id) && migration.what != NULL);
	backfill(&migration);
	list = json_member(migration.body, "collections");
	if (list != NULL && json_type(list) == JSON_ARRAY) {
		compare(list, false);
		compare(list, true);
	}
	return 0;
}
