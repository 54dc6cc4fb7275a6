/*
 * A migration.json, its head and the body of its kind: compiled, or refused as what it is. What an
 * ensure declares is compared with a database that has nothing, and with one that has just that.
 */
#include <string.h>

#include "base/cleanup.h"
#include "kit/migration.h"
#include "steps/backfill.h"
#include "steps/ensure.h"
#include "steps/object_store.h"
#include "tests/fuzz/aid.h"

enum { COLLECTIONS_MAX = 8 };

/* Each collection against nothing, or against one that has just what is declared, on a router. */
static void compare(const struct ensure *ensure, struct arena *arena, bool exists)
{
	struct ensure_collection collections[COLLECTIONS_MAX] = {0};
	struct ensure_state state = {.collections = collections, .sharded = true};
	struct ensure_diff diff;
	struct err err;

	for (size_t i = 0; i < ensure->count && i < COLLECTIONS_MAX; i++) {
		struct ensure_collection *collection = &collections[state.count++];
		const struct ensure_declared *declared = &ensure->collections[i];
		collection->declared = declared;
		if (!exists)
			continue;
		collection->type = "collection";
		collection->indexes =
			arena_array(arena, declared->index_count + 1, sizeof(struct bytes));
		for (size_t k = 0; collection->indexes != NULL && k < declared->index_count; k++)
			collection->indexes[collection->index_count++] = declared->indexes[k].spec;
		collection->shard_key = declared->shard_key;
		collection->shard_unique = declared->shard_unique;
	}
	HOLDS(ensure_compare(&state, arena, &diff, &err) == 0);
	for (size_t i = 0; i < diff.count; i++) {
		HOLDS(*ensure_kind_name(diff.changes[i].kind) != '\0');
		/* What is as declared differs in nothing, but for options that were not given. */
		HOLDS(!exists || diff.changes[i].index == NULL);
	}
}

static void ensure(const struct migration *migration)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct ensure ensure;
	struct err err;
	int rc = ensure_load(migration->body, &arena, &ensure, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
	if (rc < 0)
		return;
	HOLDS(ensure.count >= 1 && ensure.count <= ENSURE_COLLECTIONS_MAX);
	compare(&ensure, &arena, false);
	compare(&ensure, &arena, true);
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

static void object_store(const struct migration *migration)
{
	struct object_migration loaded;
	struct err err;
	int rc = object_migration_load(migration->body, &loaded, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
	if (rc == 0)
		HOLDS(*loaded.bucket != '\0' && strlen(loaded.pointers) <= OBJECT_BUCKET_NAME_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct migration migration;
	struct err err;

	if (json_parse(bytes_make(data, size), JSON_LIMITS(1 << 16), &doc, &err) < 0)
		return 0;
	int rc = migration_parse(json_root(doc), &migration, &err);
	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
	if (rc < 0)
		return 0;
	HOLDS(migration_id_valid(migration.id) && migration.what != NULL);
	backfill(&migration);
	ensure(&migration);
	object_store(&migration);
	return 0;
}
