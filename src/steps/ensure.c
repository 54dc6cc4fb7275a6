#include "steps/ensure.h"

#include <string.h>

#include "base/cleanup.h"
#include "text/text.h"

enum { BUILD_RATE = 50000 }; /* documents a second that a server indexes, before it was measured */

/* ---- plan */

static void append_counts(struct str *text, const size_t counts[static ENSURE_KIND_COUNT])
{
	size_t begin = text->size;

	for (enum ensure_kind kind = 0; kind < ENSURE_KIND_COUNT; kind++) {
		if (counts[kind] == 0)
			continue;
		if (text->size > begin)
			str_append_text(text, ", ");
		text_plural(text, (int64_t)counts[kind], ensure_kind_noun(kind, false),
			ensure_kind_noun(kind, true));
	}
}

static const char *keep_text(const struct step_context *context, const struct str *text)
{
	return text->failed ? NULL : arena_string(context->arena, str_text(text));
}

/* Changes of what is there are told one by one; what is only added is counted. */
static bool is_told(const struct ensure_change *change)
{
	return change->kind == ENSURE_SET_TTL || change->kind == ENSURE_REPLACE_INDEX ||
	       change->kind == ENSURE_CONFLICT || change->expiring > 0 ||
	       change->way_back != WAY_BACK_EXACT ||
	       (change->kind == ENSURE_SET_VALIDATOR && change->over_documents);
}

static int tell_change(const struct step_context *context, const struct ensure_change *change,
	const char **ret_line, struct err *err)
{
	CLEANUP_STR struct str line = STR_INIT;

	ensure_place(&line, change->collection, change->index);
	str_append_format(&line, ": %s", change->text);
	if (change->expiring > 0) {
		str_append_text(&line, "; ");
		text_plural(&line, change->expiring, "document will expire by it",
			"documents will expire by it");
	}
	str_append_char(&line, '.');
	*ret_line = keep_text(context, &line);
	return *ret_line == NULL ? err_no_memory(err) : 0;
}

static int plan_lines(const struct step_context *context, const struct ensure_diff *diff,
	struct step_plan *plan, struct err *err)
{
	const struct migration *migration = context->step->migration;
	size_t left = 0;

	if (*migration->what != '\0')
		plan->what[plan->what_count++] = migration->what;
	for (size_t i = 0; i < diff->count; i++) {
		int rc = 0;
		if (!is_told(&diff->changes[i]))
			continue;
		if (plan->what_count == STEP_LINES_MAX - 1)
			left++;
		else
			rc = tell_change(
				context, &diff->changes[i], &plan->what[plan->what_count++], err);
		if (rc < 0)
			return rc;
	}
	if (left == 0)
		return 0;
	const char *more =
		arena_format(context->arena, "And %zu more that are not as declared.", left);
	if (more == NULL)
		return err_no_memory(err);
	plan->what[plan->what_count++] = more;
	return 0;
}

/* The one change whose way back is the worst says what that is. */
static const char *way_back_text(
	const struct step_context *context, const struct ensure_diff *diff, enum way_back way)
{
	CLEANUP_STR struct str text = STR_INIT;

	if (way == WAY_BACK_EXACT)
		return "undo: what was made is removed, what was changed is put back";
	for (size_t i = 0; i < diff->count && text.size == 0; i++) {
		if (diff->changes[i].way_back != way)
			continue;
		str_append_text(&text, way == WAY_BACK_NONE ? "none for the shard key of "
							    : "the backup, for what expires by ");
		ensure_place(&text, diff->changes[i].collection, diff->changes[i].index);
	}
	return keep_text(context, &text);
}

/* What the server builds over documents that are there; the rest is done at once. */
static int estimate(const struct step_context *context, const struct ensure_diff *diff,
	int64_t *ret_takes, struct err *err)
{
	int64_t documents = 0;

	for (size_t i = 0; i < diff->count; i++) {
		const struct ensure_change *change = &diff->changes[i];
		struct mongo_stats stats = {0};
		if (!change->over_documents || (change->kind != ENSURE_CREATE_INDEX &&
						       change->kind != ENSURE_REPLACE_INDEX))
			continue;
		int rc = mongo_collection_stats(context->mongo, change->collection, &stats, err);
		if (rc < 0)
			return rc;
		documents += stats.count;
	}
	if (documents >= BUILD_RATE)
		*ret_takes = documents * 1000 / BUILD_RATE;
	return 0;
}

static int ensure_plan(const struct step_context *context, struct step_plan *plan, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	size_t counts[ENSURE_KIND_COUNT] = {0};
	struct ensure_state state;
	struct ensure_diff diff;
	struct ensure ensure;
	int rc = ensure_look(context, &ensure, &state, &diff, err);

	if (rc == 0)
		rc = ensure_measure(context, &diff, err);
	if (rc == 0)
		rc = plan_lines(context, &diff, plan, err);
	if (rc == 0)
		rc = estimate(context, &diff, &plan->takes, err);
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
	plan->way_back_text = way_back_text(context, &diff, plan->way_back);
	return plan->size == NULL || plan->way_back_text == NULL ? err_no_memory(err) : 0;
}

/* ---- apply */

static int refuse_conflicts(const struct ensure_diff *diff, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	for (size_t i = 0; i < diff->count; i++) {
		const struct ensure_change *change = &diff->changes[i];
		if (change->kind != ENSURE_CONFLICT)
			continue;
		str_append_text(&text, text.size == 0 ? "" : "; ");
		ensure_place(&text, change->collection, change->index);
		str_append_format(&text, ": %s", change->text);
	}
	return err_set(err, ERR_MIGRATION, "%s", str_text(&text));
}

static bool was_allowed(const struct step_context *context)
{
	const struct json *preflight =
		context->checkpoint_of == NULL
			? NULL
			: context->checkpoint_of(context->host->self, "preflight");
	const struct json *allowed =
		preflight == NULL ? NULL : json_member(preflight, "expiryAllowed");

	return (context->options->allow_expiry && context->options->reason != NULL) ||
	       (allowed != NULL && json_type(allowed) == JSON_BOOL && json_bool(allowed));
}

/* Asked in the preflight; what came due since, or in a run without one, is asked here. */
static int ask_expiry(
	const struct step_context *context, const struct ensure_diff *diff, struct err *err)
{
	for (size_t i = 0; i < diff->count; i++) {
		const struct ensure_change *change = &diff->changes[i];
		CLEANUP_STR struct str text = STR_INIT;
		bool yes = false;
		if (change->expiring == 0 || was_allowed(context))
			continue;
		ensure_expiry_question(change, &text);
		int rc = str_check(&text, err);
		if (rc == 0)
			rc = context->host->answered(context->host->self, str_text(&text),
				ENSURE_EXPIRY_FLAG, &yes, err);
		if (rc == 0 && !yes)
			return err_set(err, ERR_STOPPED, "because documents would expire");
		if (rc == -ERR_PREFLIGHT)
			return err_recode(err, ERR_MIGRATION);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static void tell_progress(
	const struct step_context *context, const char *phase, size_t done, size_t total)
{
	const struct step_progress progress = {
		.phase = phase,
		.done = (int64_t)done,
		.total = (int64_t)total,
		.unit = "changes",
		.left = -1,
		.lag = -1,
	};

	context->host->progress(context->host->self, &progress);
}

static int make_change(const struct step_context *context, const struct ensure_change *change,
	struct ensure_entries *entries, struct err *err)
{
	struct ensure_entry *entry;
	bool refused = false;
	struct err failed;
	int rc = ensure_entries_put(entries, change, &entry, err);

	if (rc == 0)
		rc = ensure_entries_checkpoint(context, entries, 0, err);
	if (rc < 0)
		return rc;
	rc = ensure_make(context, change, &refused, &failed);
	if (rc == 0) {
		entry->done = true;
		return 0;
	}
	*err = failed;
	if (!refused)
		return rc;
	/* Nothing to take back: an undo must not touch what bears its name. */
	entry->refused = true;
	if (ensure_entries_checkpoint(context, entries, 0, &failed) < 0)
		return err_context(err, "%s", failed.message);
	return rc;
}

static int make_changes(const struct step_context *context, const struct ensure_diff *diff,
	struct ensure_entries *entries, struct err *err)
{
	for (size_t i = 0; i < diff->count; i++) {
		if (context->host->stop_requested(context->host->self))
			return err_set(err, ERR_STOPPED, "the operator asked for it");
		int rc = make_change(context, &diff->changes[i], entries, err);
		if (rc < 0)
			return rc;
		tell_progress(context, "", i + 1, diff->count);
	}
	/* A change that an interrupted run made, but could not tell of, is in the state now. */
	for (size_t i = 0; i < entries->count; i++)
		entries->list[i].done = !entries->list[i].refused;
	return 0;
}

static int64_t count_already(const struct ensure_state *state, const struct ensure_entries *entries)
{
	int64_t count = 0;

	for (size_t i = 0; i < state->count; i++) {
		const struct ensure_declared *declared = state->collections[i].declared;
		count += 1 + (int64_t)declared->index_count + (declared->validator.size > 0) +
			 (state->sharded && declared->shard_key.size > 0);
	}
	for (size_t i = 0; i < entries->count; i++)
		count -= !entries->list[i].refused;
	return count < 0 ? 0 : count;
}

static int apply(
	const struct step_context *context, struct ensure_entries *entries, struct err *err)
{
	struct ensure_state state;
	struct ensure_diff diff;
	struct ensure ensure;
	int rc = ensure_look(context, &ensure, &state, &diff, err);

	if (rc == 0)
		rc = ensure_entries_read(context, entries, err);
	if (rc < 0)
		return rc;
	if (diff.conflicts > 0)
		return refuse_conflicts(&diff, err);
	rc = ensure_measure(context, &diff, err);
	if (rc == 0)
		rc = ask_expiry(context, &diff, err);
	if (rc == 0)
		rc = make_changes(context, &diff, entries, err);
	return rc < 0 ? rc
		      : ensure_entries_checkpoint(
				context, entries, count_already(&state, entries), err);
}

static int ensure_apply(const struct step_context *context, struct err *err)
{
	CLEANUP(ensure_entries_release) struct ensure_entries entries = {0};

	return apply(context, &entries, err);
}

static int ensure_verify(const struct step_context *context, struct err *err)
{
	struct ensure_state state;
	struct ensure_diff diff;
	struct ensure ensure;
	int rc = ensure_look(context, &ensure, &state, &diff, err);

	for (size_t i = 0; rc == 0 && i < diff.count; i++) {
		CLEANUP_STR struct str place = STR_INIT;
		/* The server has answered, and there is nothing to read it from. */
		if (diff.changes[i].kind == ENSURE_SHARD && state.shard_unknown != NULL)
			continue;
		ensure_place(&place, diff.changes[i].collection, diff.changes[i].index);
		rc = err_set(err, ERR_MIGRATION, "%s was changed, but: %s", str_text(&place),
			diff.changes[i].text);
	}
	return rc;
}

static int undo(const struct step_context *context, struct ensure_entries *entries, struct err *err)
{
	struct ensure ensure;
	int rc = ensure_load(context->step->migration->body, context->arena, &ensure, err);

	if (rc == 0)
		rc = ensure_entries_read(context, entries, err);
	for (size_t left = entries->count; rc == 0 && left > 0; left--) {
		rc = ensure_take_back(context, &ensure, &entries->list[left - 1], err);
		if (rc == 0)
			tell_progress(context, "", entries->count - left + 1, entries->count);
	}
	return rc;
}

static int ensure_undo(const struct step_context *context, struct err *err)
{
	CLEANUP(ensure_entries_release) struct ensure_entries entries = {0};

	return undo(context, &entries, err);
}

/* ---- report */

static int report(const struct step_context *context, struct ensure_entries *entries,
	struct json_writer *writer, struct err *err)
{
	CLEANUP_STR struct str summary = STR_INIT;
	size_t counts[ENSURE_KIND_COUNT] = {0};
	int64_t already = 0;
	int rc = ensure_entries_read(context, entries, err);

	if (rc == 0 && context->checkpoint != NULL)
		rc = json_optional_integer(
			context->checkpoint, "already", 0, INT32_MAX, &already, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < entries->count; i++)
		for (enum ensure_kind kind = 0; kind < ENSURE_KIND_COUNT; kind++)
			counts[kind] += !entries->list[i].refused &&
					strcmp(entries->list[i].kind, ensure_kind_name(kind)) == 0;
	append_counts(&summary, counts);
	str_append_format(
		&summary, "%s%lld already there", summary.size > 0 ? ", " : "", (long long)already);
	rc = str_check(&summary, err);
	if (rc < 0)
		return rc;
	json_member_string(writer, "summary", str_text(&summary));
	ensure_entries_write(entries, writer);
	json_member_integer(writer, "already", already);
	return 0;
}

static int ensure_report(
	const struct step_context *context, struct json_writer *writer, struct err *err)
{
	CLEANUP(ensure_entries_release) struct ensure_entries entries = {0};

	return report(context, &entries, writer, err);
}

static int ensure_compile(const struct migration *migration, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct ensure compiled;

	return ensure_load(migration->body, &arena, &compiled, err);
}

const struct step_kind step_ensure = {
	.name = "ensure",
	.weight = 10,
	.gate = true,
	.takeover = TAKEOVER_AS_IT_IS,
	.failure = ERR_MIGRATION,
	.compile = ensure_compile,
	.plan = ensure_plan,
	.apply = ensure_apply,
	.verify = ensure_verify,
	.undo = ensure_undo,
	.report = ensure_report,
};
