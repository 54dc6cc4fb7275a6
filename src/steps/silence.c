#include "steps/silence.h"

#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/targets.h"
#include "text/text.h"

enum { WAIT_SLICE = 200 }; /* ms */

struct print {
	int64_t count;
	struct str newest; /* the document {_id} with the greatest one */
};

static void print_release(struct print *print)
{
	str_release(&print->newest);
}

static int find_newest(
	struct mongo *mongo, const char *collection, struct str *newest, struct err *err)
{
	CLEANUP_STR struct str sort = STR_INIT;
	CLEANUP_STR struct str projection = STR_INIT;
	struct doc_writer writer;
	bool found = false;

	doc_write_begin(&writer, &sort);
	doc_write_int32(&writer, "_id", -1);
	doc_write_end(&writer);
	doc_write_begin(&writer, &projection);
	doc_write_int32(&writer, "_id", 1);
	doc_write_end(&writer);
	const struct mongo_find find = {
		.collection = collection,
		.sort = str_bytes(&sort),
		.projection = str_bytes(&projection),
		.limit = 1,
	};
	return mongo_find_one(mongo, &find, newest, &found, err);
}

static int take_print(
	struct mongo *mongo, const char *collection, struct print *print, struct err *err)
{
	int rc = mongo_count(mongo, collection, bytes_make(NULL, 0), &print->count, err);

	str_truncate(&print->newest, 0);
	if (rc == 0)
		rc = find_newest(mongo, collection, &print->newest, err);
	return rc < 0 ? err_context(err, "%s", collection) : 0;
}

static int compare(const char *collection, const struct print *before, const struct print *now,
	struct err *err)
{
	if (before->count != now->count)
		return err_set(err, ERR_NOT_SILENT, "%s: %lld documents became %lld", collection,
			(long long)before->count, (long long)now->count);
	if (!bytes_equal(str_bytes(&before->newest), str_bytes(&now->newest)))
		return err_set(err, ERR_NOT_SILENT, "%s has a new document", collection);
	return 0;
}

int wait_watching(const struct step_context *context, int64_t milliseconds, struct err *err)
{
	int64_t until = clock_boottime() + milliseconds;

	for (int64_t left = milliseconds; left > 0; left = until - clock_boottime()) {
		if (context->host->stop_requested(context->host->self))
			return err_set(err, ERR_STOPPED, "the operator asked for it");
		(void)poll(NULL, 0, left > WAIT_SLICE ? WAIT_SLICE : (int)left);
	}
	return 0;
}

/* The collections that the site names and the database has; all of them if it names none. */
static int choose(const struct step_context *context, const char ***ret_names, size_t *ret_count,
	struct err *err)
{
	const struct site *site = context->site;
	struct mongo_collection *collections = NULL;
	size_t count = 0, used = 0;
	int rc = mongo_collections(context->mongo, context->arena, &collections, &count, err);

	if (rc < 0)
		return rc;
	const char **names = arena_array(context->arena, count + 1, sizeof(*names));
	if (names == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		bool wanted = site->frozen_count == 0 && strcmp(collections[i].type, "view") != 0;
		for (size_t k = 0; k < site->frozen_count; k++)
			wanted = wanted || strcmp(site->frozen[k], collections[i].name) == 0;
		if (wanted)
			names[used++] = collections[i].name;
	}
	*ret_names = names;
	*ret_count = used;
	return 0;
}

static int take_all(const struct step_context *context, const char *const *names, size_t count,
	struct print *prints, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		int rc = take_print(context->mongo, names[i], &prints[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int silence_observe(const struct step_context *context, size_t *ret_collections, struct err *err)
{
	const char **names = NULL;
	size_t count = 0;
	int rc = choose(context, &names, &count, err);

	if (rc < 0)
		return rc;
	struct print *before = arena_array(context->arena, count + 1, sizeof *before);
	struct print *now = arena_array(context->arena, count + 1, sizeof *now);
	if (before == NULL || now == NULL)
		return err_no_memory(err);
	rc = take_all(context, names, count, before, err);
	if (rc == 0)
		rc = wait_watching(context, context->site->silence, err);
	if (rc == 0)
		rc = take_all(context, names, count, now, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = compare(names[i], &before[i], &now[i], err);
	for (size_t i = 0; i < count; i++) {
		print_release(&before[i]);
		print_release(&now[i]);
	}
	if (rc == 0)
		*ret_collections = count;
	return rc;
}

/* ---- by the oplog */

static int make_watch(
	const struct step_context *context, struct oplog_watch *ret_watch, struct err *err)
{
	struct oplog_target *targets = NULL;
	struct oplog_watch watch = {
		.database = context->site->database,
		.run_id = context->run_id,
		.collections = context->site->frozen,
		.collection_count = context->site->frozen_count,
	};
	int rc = targets_of_walk(context, &targets, &watch.target_count, err);

	if (rc < 0)
		return rc;
	watch.targets = targets;
	*ret_watch = watch;
	return 0;
}

/* Everything after silence->position. What the oplog cannot say is not proved. */
static int prove(const struct step_context *context, struct silence *silence, struct err *err)
{
	struct oplog_watch watch;
	bool whole = false;
	int rc = make_watch(context, &watch, err);

	if (rc == 0)
		rc = oplog_read(
			context->mongo, &watch, silence->position, &silence->result, &whole, err);
	if (rc < 0)
		return rc;
	if (!whole) {
		silence->state = SILENCE_OBSERVED;
		silence->why = "the oplog does not reach back to the freeze any more";
		silence->position = 0;
		return 0;
	}
	silence->state = silence->result.foreign > 0 ? SILENCE_BROKEN : SILENCE_PROVED;
	silence->position = silence->result.newest;
	return 0;
}

void silence_say(const struct silence *silence, struct str *out)
{
	const struct oplog_result *result = &silence->result;

	text_plural(out, result->foreign, "write that is not ours", "writes that are not ours");
	str_append_text(out, " since ingest was frozen");
	for (size_t i = 0; i < result->example_count; i++)
		str_append_format(out, "%s%s", i == 0 ? ": " : ", ", result->examples[i]);
	if ((int64_t)result->example_count < result->foreign)
		str_append_text(out, ", ...");
}

static int not_silent(const struct silence *silence, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	silence_say(silence, &text);
	return err_set(err, ERR_NOT_SILENT, "%s", str_text(&text));
}

int silence_begin(const struct step_context *context, struct silence *ret_silence, struct err *err)
{
	struct silence silence = {.state = SILENCE_OBSERVED};
	const char **names = NULL;
	int rc = oplog_newest(context->mongo, &silence.position, &silence.why, err);

	if (rc < 0)
		return rc;
	if (silence.position == 0) {
		rc = silence_observe(context, &silence.collections, err);
	} else {
		rc = choose(context, &names, &silence.collections, err);
		if (rc == 0)
			rc = wait_watching(context, context->site->silence, err);
		if (rc == 0)
			rc = prove(context, &silence, err);
		if (rc == 0 && silence.state == SILENCE_BROKEN)
			rc = not_silent(&silence, err);
	}
	if (rc == 0)
		*ret_silence = silence;
	return rc;
}

static const char *text_of(const struct json *object, const char *name)
{
	const struct json *member = object == NULL ? NULL : json_member(object, name);

	return member != NULL && json_type(member) == JSON_STRING ? json_string(member) : "";
}

/* Positions only grow: the later look decides. */
static int64_t last_position(const struct step_context *context)
{
	static const char *const STEPS[] = {"freeze", "backup", "validate"};
	int64_t position = 0;

	for (size_t i = 0; i < sizeof STEPS / sizeof *STEPS; i++) {
		const struct json *checkpoint =
			context->checkpoint_of(context->host->self, STEPS[i]);
		int64_t its = oplog_position_of_text(text_of(checkpoint, "position"));
		if (its > position)
			position = its;
	}
	return position;
}

int silence_look(const struct step_context *context, struct silence *ret_silence, struct err *err)
{
	const struct json *freeze = context->checkpoint_of(context->host->self, "freeze");
	struct silence silence = {.state = SILENCE_OBSERVED};
	int rc = 0;

	silence.position = last_position(context);
	if (context->went_back) {
		silence.why = "a step of this run was taken back, and that wrote too";
		silence.position = 0;
	} else if (silence.position == 0) {
		silence.why = text_of(freeze, "why");
		if (*silence.why == '\0')
			silence.why = "it was not proved at the freeze";
	} else {
		rc = prove(context, &silence, err);
	}
	if (rc == 0 && silence.why != NULL) {
		silence.why = arena_string(context->arena, silence.why);
		if (silence.why == NULL)
			rc = err_no_memory(err);
	}
	if (rc == 0)
		*ret_silence = silence;
	return rc;
}

void silence_write(const struct silence *silence, struct json_writer *writer)
{
	static const char *const STATES[] = {"observed", "proved", "broken"};
	char position[OPLOG_POSITION_SIZE];

	json_member_string(writer, "silence", STATES[silence->state]);
	if (silence->state == SILENCE_OBSERVED && silence->why != NULL)
		json_member_string(writer, "why", silence->why);
	if (silence->state == SILENCE_PROVED) {
		oplog_position_to_text(silence->position, position);
		json_member_string(writer, "position", position);
	}
}
