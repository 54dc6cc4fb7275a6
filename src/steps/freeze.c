/*
 * freeze: the site's hook stops ingest; silence is looked for; nothing expires until it is over.
 */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/hook.h"
#include "steps/hook_step.h"
#include "steps/silence.h"
#include "steps/ttl.h"
#include "text/text.h"

static const char *silence_text(const struct site *site, struct arena *arena)
{
	char duration[TEXT_DURATION_SIZE];
	bool all = site->frozen_count == 0;

	if (site->silence == 0)
		return all ? "Looks for silence over every collection, once."
			   : "Looks for silence over the collections that ingest fills, once.";
	return arena_format(arena,
		all ? "Looks for silence over every collection for %s."
		    : "Looks for silence over the collections that ingest fills for %s.",
		text_duration(site->silence, duration));
}

static int freeze_plan(const struct step_context *context, struct step_plan *plan, struct err *err)
{
	const struct site *site = context->site;

	plan->what[plan->what_count++] =
		site->freeze.argv == NULL
			? "The site names no freeze hook: stop ingest by hand before this begins."
			: arena_format(
				  context->arena, "Runs the site's hook %s.", site->freeze.argv[0]);
	plan->what[plan->what_count++] = silence_text(site, context->arena);
	plan->what[plan->what_count++] =
		"With an oplog it is proved, and looked at again until ingest is resumed.";
	plan->what[plan->what_count++] = "Disarms their TTL indexes until ingest is resumed.";
	for (size_t i = 0; i < plan->what_count; i++)
		if (plan->what[i] == NULL)
			return err_no_memory(err);
	plan->size = "";
	plan->takes = site->silence;
	plan->changes = "no document";
	plan->way_back = WAY_BACK_EXACT;
	plan->way_back_text = "resume ingest";
	return 0;
}

/* What was disarmed by a run that was interrupted stays in the list: its expiry is known from there
 * alone. */
static int disarm(
	const struct step_context *context, struct ttl_index *list, size_t *count, struct err *err)
{
	const struct site *site = context->site;
	struct mongo_collection *collections = NULL;
	size_t collection_count = 0;
	int rc = mongo_collections(
		context->mongo, context->arena, &collections, &collection_count, err);

	for (size_t i = 0; rc == 0 && i < collection_count; i++) {
		bool wanted = site->frozen_count == 0;
		for (size_t k = 0; k < site->frozen_count; k++)
			wanted = wanted || strcmp(site->frozen[k], collections[i].name) == 0;
		if (wanted && strcmp(collections[i].type, "collection") == 0)
			rc = ttl_find(context->mongo, collections[i].name, context->arena, list,
				TTL_INDEXES_MAX, count, err);
	}
	return rc;
}

/* silence: NULL while it is looked for. */
static int leave_checkpoint(const struct step_context *context, const struct ttl_index *list,
	size_t count, const struct silence *silence, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	json_member_bool(&writer, "hook", context->site->freeze.argv != NULL);
	if (json_member(context->checkpoint, "frozenAt") != NULL)
		json_member_value(
			&writer, "frozenAt", json_member(context->checkpoint, "frozenAt"));
	else
		json_member_time(&writer, "frozenAt", clock_now());
	if (silence == NULL)
		json_member_string(&writer, "silence", "looking");
	else
		silence_write(silence, &writer);
	json_member_integer(
		&writer, "collections", silence == NULL ? 0 : (int64_t)silence->collections);
	json_member_integer(&writer, "silentFor", context->site->silence);
	ttl_write(&writer, list, count);
	json_write_end(&writer);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : context->host->checkpoint(context->host->self, str_bytes(&text), err);
}

static int freeze_apply(const struct step_context *context, struct err *err)
{
	struct ttl_index list[TTL_INDEXES_MAX];
	struct silence silence;
	size_t count = ttl_read(context->checkpoint, list);
	int rc = hook_step(context, &context->site->freeze, "freeze", err);

	if (rc == 0)
		rc = disarm(context, list, &count, err);
	/* What is about to be changed is written down before it is. */
	if (rc == 0)
		rc = leave_checkpoint(context, list, count, NULL, err);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = ttl_set(context->mongo, &list[i], TTL_DISARMED, err);
	if (rc == 0)
		rc = silence_begin(context, &silence, err);
	if (rc == 0)
		rc = leave_checkpoint(context, list, count, &silence, err);
	return rc;
}

static int freeze_undo(const struct step_context *context, struct err *err)
{
	size_t armed = 0;
	int rc = ttl_arm(context, &armed, err);

	return rc < 0 ? rc : hook_step(context, &context->site->unfreeze, "unfreeze", err);
}

static int64_t number_of(const struct json *object, const char *name)
{
	struct err ignored;
	int64_t number = 0;

	if (json_optional_integer(object, name, 0, INT64_C(1) << 52, &number, &ignored) < 0)
		return 0;
	return number;
}

static int freeze_report(
	const struct step_context *context, struct json_writer *writer, struct err *err)
{
	CLEANUP_STR struct str summary = STR_INIT;
	const struct json *checkpoint = context->checkpoint;
	char duration[TEXT_DURATION_SIZE];

	if (checkpoint == NULL)
		return 0;
	const struct json *ttl = json_member(checkpoint, "ttl");
	size_t disarmed = ttl == NULL ? 0 : json_count(ttl);
	const struct json *silence = json_member(checkpoint, "silence");
	str_append_format(&summary, "silence %s",
		silence != NULL && json_type(silence) == JSON_STRING ? json_string(silence)
								     : "observed");
	if (number_of(checkpoint, "silentFor") > 0)
		str_append_format(&summary, " for %s",
			text_duration(number_of(checkpoint, "silentFor"), duration));
	str_append_text(&summary, " over ");
	text_plural(&summary, number_of(checkpoint, "collections"), "collection", NULL);
	if (disarmed > 0) {
		str_append_text(&summary, ", ");
		text_plural(
			&summary, (int64_t)disarmed, "TTL index disarmed", "TTL indexes disarmed");
	}
	int rc = str_check(&summary, err);
	if (rc < 0)
		return rc;
	json_member_string(writer, "summary", str_text(&summary));
	json_write_members(writer, checkpoint);
	return 0;
}

const struct step_kind step_freeze = {
	.name = "freeze",
	.label = "Freeze ingest",
	.weight = 5,
	.gate = true,
	.takeover = TAKEOVER_AS_IT_IS,
	.failure = ERR_HOOK,
	.plan = freeze_plan,
	.apply = freeze_apply,
	.undo = freeze_undo,
	.report = freeze_report,
};
