#include "steps/targets.h"

#include <string.h>

#include "base/cleanup.h"
#include "steps/outbox.h"

static int take(
	const struct json *row, struct arena *arena, struct oplog_target *target, struct err *err)
{
	enum { NAME_SIZE_MAX = 1024 };
	const char *collection, *path;
	int rc = json_need_string(row, "collection", NAME_SIZE_MAX, &collection, err);

	if (rc == 0)
		rc = json_need_string(row, "run", NAME_SIZE_MAX, &path, err);
	if (rc < 0)
		return rc;
	target->collection = arena_string(arena, collection);
	target->run_path = arena_string(arena, path);
	return target->collection == NULL || target->run_path == NULL ? err_no_memory(err) : 0;
}

static int take_all(const struct json *deletes, struct arena *arena,
	struct oplog_target **ret_targets, size_t *ret_count, struct err *err)
{
	size_t count = 0;

	if (json_count(deletes) > TARGETS_MAX)
		return err_set(err, ERR_LIMIT, "more than %d collections", (int)TARGETS_MAX);
	struct oplog_target *targets = arena_array(arena, json_count(deletes) + 1, sizeof *targets);
	if (targets == NULL)
		return err_no_memory(err);
	for (const struct json *row = json_first(deletes); row != NULL; row = json_next(row)) {
		int rc = take(row, arena, &targets[count++], err);
		if (rc < 0)
			return rc;
	}
	*ret_targets = targets;
	*ret_count = count;
	return 0;
}

int targets_of_step(const struct step_context *context, const struct step *step,
	struct oplog_target **ret_targets, size_t *ret_count, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const struct json *deletes = NULL;
	char name[MIGRATION_ID_MAX + 32];

	*ret_targets = NULL;
	*ret_count = 0;
	(void)snprintf(name, sizeof name, "migrations/%s/rollback.json", step->name);
	struct bytes text = trusted_kit_file(context->kit, name);
	if (text.data == NULL)
		return 0;
	int rc = json_parse(text, JSON_LIMITS(MIGRATION_SIZE_MAX), &doc, err);
	if (rc == 0)
		rc = json_need(json_root(doc), "delete", JSON_ARRAY, &deletes, err);
	if (rc == 0)
		rc = take_all(deletes, context->arena, ret_targets, ret_count, err);
	return rc < 0 ? err_context(err, "%s", name) : 0;
}

int targets_of_walk(const struct step_context *context, struct oplog_target **ret_targets,
	size_t *ret_count, struct err *err)
{
	struct oplog_target *all = arena_array(context->arena, TARGETS_MAX, sizeof *all);
	size_t count = 0;

	if (all == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < context->step_count; i++) {
		struct oplog_target *some = NULL;
		size_t some_count = 0;
		if (!is_backfill(&context->steps[i]))
			continue;
		int rc = targets_of_step(context, &context->steps[i], &some, &some_count, err);
		if (rc < 0)
			return rc;
		if (count + some_count > TARGETS_MAX)
			return err_set(
				err, ERR_LIMIT, "more than %d collections", (int)TARGETS_MAX);
		if (some_count > 0)
			memcpy(all + count, some, some_count * sizeof *some);
		count += some_count;
	}
	*ret_targets = all;
	*ret_count = count;
	return 0;
}
