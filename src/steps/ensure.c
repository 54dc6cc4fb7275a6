#include "steps/ensure.h"

#include <string.h>

#include "base/cleanup.h"
#include "text/text.h"

/* ---- what was done, as the journal has it */

struct entry {
	const char *kind;
	const char *collection;
	const char *index; /* NULL: none */
	const struct json *before;
	bool done;
};

struct entries {
	struct entry *list;
	size_t count;
};

static const char *text_of(const struct json *object, const char *name)
{
	const struct json *member = json_member(object, name);

	return member != NULL && json_type(member) == JSON_STRING ? json_string(member) : NULL;
}

static int read_entries(
	const struct step_context *context, struct entries *entries, struct err *err)
{
	const struct json *rows =
		context->checkpoint == NULL ? NULL : json_member(context->checkpoint, "changes");

	entries->count = 0;
	entries->list = arena_array(context->arena, 2 * ENSURE_CHANGES_MAX, sizeof *entries->list);
	if (entries->list == NULL)
		return err_no_memory(err);
	if (rows == NULL)
		return 0;
	for (const struct json *row = json_first(rows); row != NULL; row = json_next(row)) {
		const struct json *done = json_member(row, "done");
		struct entry entry = {
			.kind = text_of(row, "kind"),
			.collection = text_of(row, "collection"),
			.index = text_of(row, "index"),
			.before = json_member(row, "before"),
			.done = done != NULL && json_type(done) == JSON_BOOL && json_bool(done),
		};
		if (entry.kind == NULL || entry.collection == NULL ||
			entries->count == ENSURE_CHANGES_MAX)
			return err_set(err, ERR_JOURNAL, "%s: the checkpoint's changes",
				context->step->name);
		entries->list[entries->count++] = entry;
	}
	return 0;
}

static bool same_index(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

/* The entry of a change; one that an interrupted run began keeps what was there before it. */
static struct entry *put_entry(struct entries *entries, const struct ensure_change *change)
{
	const char *kind = ensure_kind_name(change->kind);

	for (size_t i = 0; i < entries->count; i++) {
		struct entry *entry = &entries->list[i];
		if (strcmp(entry->kind, kind) == 0 &&
			strcmp(entry->collection, change->collection) == 0 &&
			same_index(entry->index, change->index))
			return entry;
	}
	struct entry *entry = &entries->list[entries->count++];
	*entry = (struct entry){kind, change->collection, change->index, change->before, false};
	return entry;
}

static void write_entries(struct json_writer *writer, const struct entries *entries)
{
	json_member_array(writer, "changes");
	for (size_t i = 0; i < entries->count; i++) {
		const struct entry *entry = &entries->list[i];
		json_write_object(writer);
		json_member_string(writer, "kind", entry->kind);
		json_member_string(writer, "collection", entry->collection);
		if (entry->index != NULL)
			json_member_string(writer, "index", entry->index);
		if (entry->before != NULL)
			json_member_value(writer, "before", entry->before);
		json_member_bool(writer, "done", entry->done);
		json_write_end(writer);
	}
	json_write_end(writer);
}

static int leave_checkpoint(const struct step_context *context, const struct entries *entries,
	int64_t already, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	write_entries(&writer, entries);
	json_member_integer(&writer, "already", already);
	json_write_end(&writer);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : context->host->checkpoint(context->host->self, str_bytes(&text), err);
}

/* ---- plan */

static const struct {
	const char *one;
	const char *many;
} NOUNS[ENSURE_KIND_COUNT] = {
	[ENSURE_CREATE_COLLECTION] = {"collection", "collections"},
	[ENSURE_SET_VALIDATOR] = {"validator", "validators"},
	[ENSURE_CREATE_INDEX] = {"index", "indexes"},
	[ENSURE_SET_TTL] = {"TTL", "TTLs"},
	[ENSURE_REPLACE_INDEX] = {"index replaced", "indexes replaced"},
	[ENSURE_CONFLICT] = {"conflict", "conflicts"},
};

static void append_counts(struct str *text, const size_t counts[static ENSURE_KIND_COUNT])
{
	size_t begin = text->size;

	for (size_t kind = 0; kind < ENSURE_KIND_COUNT; kind++) {
		if (counts[kind] == 0)
			continue;
		if (text->size > begin)
			str_append_text(text, ", ");
		text_plural(text, (int64_t)counts[kind], NOUNS[kind].one, NOUNS[kind].many);
	}
}

static const char *keep_text(const struct step_context *context, const struct str *text)
{
	return text->failed ? NULL : arena_string(context->arena, str_text(text));
}

static int plan_lines(const struct step_context *context, const struct ensure_diff *diff,
	struct step_plan *plan, struct err *err)
{
	const struct migration *migration = context->step->migration;
	size_t room = STEP_LINES_MAX - 1;

	if (*migration->what != '\0')
		plan->what[plan->what_count++] = migration->what;
	for (size_t i = 0; i < diff->count; i++) {
		const struct ensure_change *change = &diff->changes[i];
		if (change->kind != ENSURE_SET_TTL && change->kind != ENSURE_REPLACE_INDEX &&
			change->kind != ENSURE_CONFLICT)
			continue;
		if (plan->what_count == room)
			break;
		const char *line = arena_format(context->arena, "%s, index %s: %s.",
			change->collection, change->index, change->text);
		if (line == NULL)
			return err_no_memory(err);
		plan->what[plan->what_count++] = line;
	}
	return 0;
}

static int ensure_plan(const struct step_context *context, struct step_plan *plan, struct err *err)
{
	CLEANUP(ensure_state_release) struct ensure_state state = {0};
	CLEANUP_STR struct str text = STR_INIT;
	size_t counts[ENSURE_KIND_COUNT] = {0};
	struct ensure_diff diff;
	int rc = ensure_state_read(context, &state, err);

	if (rc == 0)
		rc = ensure_compare(&state, context->arena, &diff, err);
	if (rc == 0)
		rc = plan_lines(context, &diff, plan, err);
	if (rc < 0)
		return rc;
	plan->way_back = WAY_BACK_EXACT;
	for (size_t i = 0; i < diff.count; i++) {
		counts[diff.changes[i].kind]++;
		if (diff.changes[i].way_back > plan->way_back)
			plan->way_back = diff.changes[i].way_back;
	}
	append_counts(&text, counts);
	plan->nothing_to_do = diff.count == 0;
	plan->size = keep_text(context, &text);
	plan->changes = plan->size;
	plan->way_back_text =
		plan->way_back == WAY_BACK_EXACT ? "undo: what was made is removed" : "the backup";
	return plan->size == NULL ? err_no_memory(err) : 0;
}

/* ---- apply */

static int refuse_conflicts(const struct ensure_diff *diff, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	for (size_t i = 0; i < diff->count; i++) {
		const struct ensure_change *change = &diff->changes[i];
		if (change->kind == ENSURE_CONFLICT)
			str_append_format(&text, "%s%s, index %s: %s", text.size == 0 ? "" : "; ",
				change->collection, change->index, change->text);
	}
	return err_set(err, ERR_MIGRATION, "%s", str_text(&text));
}

static void tell_progress(const struct step_context *context, size_t done, size_t total)
{
	const struct step_progress progress = {
		.phase = "",
		.done = (int64_t)done,
		.total = (int64_t)total,
		.unit = "changes",
		.left = -1,
		.lag = -1,
	};

	context->host->progress(context->host->self, &progress);
}

static int make_changes(const struct step_context *context, const struct ensure_diff *diff,
	struct entries *entries, struct err *err)
{
	for (size_t i = 0; i < diff->count; i++) {
		if (context->host->stop_requested(context->host->self))
			return err_set(err, ERR_STOPPED, "the operator asked for it");
		struct entry *entry = put_entry(entries, &diff->changes[i]);
		int rc = leave_checkpoint(context, entries, 0, err);
		if (rc == 0)
			rc = ensure_make(context, &diff->changes[i], err);
		if (rc < 0)
			return rc;
		entry->done = true;
		tell_progress(context, i + 1, diff->count);
	}
	/* A change that an interrupted run made, but could not tell of, is in the state now. */
	for (size_t i = 0; i < entries->count; i++)
		entries->list[i].done = true;
	return 0;
}

static int apply_shard_keys(
	const struct step_context *context, const struct ensure_state *state, struct err *err)
{
	struct mongo_server server;
	int rc = mongo_server(context->mongo, &server, err);

	if (rc < 0 || server.topology != TOPOLOGY_SHARDED)
		return rc;
	for (size_t i = 0; rc == 0 && i < state->count; i++)
		rc = ensure_shard(context, &state->collections[i], err);
	return rc;
}

static size_t declared_count(const struct ensure_state *state)
{
	size_t count = state->count;

	for (size_t i = 0; i < state->count; i++) {
		const struct json *indexes = json_member(state->collections[i].declared, "indexes");
		count += indexes == NULL ? 0 : json_count(indexes);
		count += json_member(state->collections[i].declared, "validator") != NULL;
	}
	return count;
}

static int ensure_apply(const struct step_context *context, struct err *err)
{
	CLEANUP(ensure_state_release) struct ensure_state state = {0};
	struct ensure_diff diff;
	struct entries entries;
	int rc = ensure_state_read(context, &state, err);

	if (rc == 0)
		rc = ensure_compare(&state, context->arena, &diff, err);
	if (rc == 0)
		rc = read_entries(context, &entries, err);
	if (rc < 0)
		return rc;
	if (diff.conflicts > 0)
		return refuse_conflicts(&diff, err);
	rc = make_changes(context, &diff, &entries, err);
	if (rc == 0)
		rc = apply_shard_keys(context, &state, err);
	if (rc == 0)
		rc = leave_checkpoint(
			context, &entries, (int64_t)(declared_count(&state) - entries.count), err);
	return rc;
}

static int ensure_verify(const struct step_context *context, struct err *err)
{
	CLEANUP(ensure_state_release) struct ensure_state state = {0};
	struct ensure_diff diff;
	int rc = ensure_state_read(context, &state, err);

	if (rc == 0)
		rc = ensure_compare(&state, context->arena, &diff, err);
	if (rc == 0 && diff.count > 0) {
		const struct ensure_change *change = &diff.changes[0];
		rc = err_set(err, ERR_MIGRATION, "%s%s%s was changed, but: %s", change->collection,
			change->index == NULL ? "" : ", index ",
			change->index == NULL ? "" : change->index, change->text);
	}
	return rc;
}

static int ensure_undo(const struct step_context *context, struct err *err)
{
	const struct json *changes =
		context->checkpoint == NULL ? NULL : json_member(context->checkpoint, "changes");
	size_t count = changes == NULL ? 0 : json_count(changes);
	const struct json **rows = arena_array(context->arena, count + 1, sizeof(*rows));
	size_t used = 0;

	if (rows == NULL)
		return err_no_memory(err);
	for (const struct json *row = count == 0 ? NULL : json_first(changes); row != NULL;
		row = json_next(row))
		rows[used++] = row;
	while (used > 0) {
		int rc = ensure_take_back(context, rows[--used], err);
		if (rc < 0)
			return rc;
		tell_progress(context, count - used, count);
	}
	return 0;
}

static int ensure_report(
	const struct step_context *context, struct json_writer *writer, struct err *err)
{
	CLEANUP_STR struct str summary = STR_INIT;
	size_t counts[ENSURE_KIND_COUNT] = {0};
	struct entries entries;
	int64_t already = 0;
	int rc = read_entries(context, &entries, err);

	if (rc == 0 && context->checkpoint != NULL)
		rc = json_optional_integer(
			context->checkpoint, "already", 0, INT32_MAX, &already, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < entries.count; i++)
		for (enum ensure_kind kind = 0; kind < ENSURE_KIND_COUNT; kind++)
			counts[kind] += strcmp(entries.list[i].kind, ensure_kind_name(kind)) == 0;
	append_counts(&summary, counts);
	str_append_format(
		&summary, "%s%lld already there", summary.size > 0 ? ", " : "", (long long)already);
	rc = str_check(&summary, err);
	if (rc < 0)
		return rc;
	json_member_string(writer, "summary", str_text(&summary));
	write_entries(writer, &entries);
	json_member_integer(writer, "already", already);
	return 0;
}

const struct step_kind step_ensure = {
	.name = "ensure",
	.weight = 10,
	.gate = true,
	.failure = ERR_MIGRATION,
	.plan = ensure_plan,
	.apply = ensure_apply,
	.verify = ensure_verify,
	.undo = ensure_undo,
	.report = ensure_report,
};
