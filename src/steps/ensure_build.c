/*
 * A long build is watched: the server works on it in one command, beside which this looks how far
 * it is, and whether the operator wants to stop. A build cannot be paused: a stop waits for it for
 * a while, and then asks the server to give it up.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/crew.h"
#include "steps/ensure_command.h"
#include "text/text.h"

enum {
	WATCHED_DOCUMENTS = 10000, /* below it is done before anybody looks */
	LOOK_INTERVAL = 1000,	   /* ms between two questions how far it is */
	PATIENCE = 120 * 1000,	   /* ms that a stop waits, unless it is said otherwise */
};

struct build {
	const struct step_context *context;
	const char *collection;
	struct bytes spec;
	const char *place; /* "advisory_raw, index x" */
	struct mongo_refusal refusal;
	int64_t started, looked, asked; /* CLOCK_BOOTTIME; asked: to stop, 0: not */
	int64_t done, total;		/* of documents; total 0: the server does not say */
	bool blind;			/* the server does not tell what it does */
	bool given_up;
};

/* ---- how far it is */

static int ask_server(struct build *build, struct str *reply, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	struct mongo_refusal refusal = {0};
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_int32(&writer, "aggregate", 1);
	doc_write_array(&writer, "pipeline");
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "$currentOp");
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "$match");
	doc_write_string(&writer, "command.createIndexes", build->collection);
	doc_write_string(&writer, "command.$db", mongo_database(build->context->mongo));
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_document(&writer, "cursor");
	doc_write_end(&writer);
	doc_write_end(&writer);
	int rc = str_check(&command, err);
	return rc < 0 ? rc
		      : mongo_admin_command(
				build->context->mongo, str_bytes(&command), reply, &refusal, err);
}

static void look_how_far(struct build *build)
{
	CLEANUP_STR struct str reply = STR_INIT;
	struct value list, operation;
	struct doc_iter iter;
	struct err ignored;
	const char *name;

	if (build->blind)
		return;
	if (ask_server(build, &reply, &ignored) < 0) {
		build->blind = true;
		return;
	}
	list = doc_get_path(str_bytes(&reply), "cursor.firstBatch");
	if (list.type != VALUE_ARRAY)
		return;
	iter = doc_iter_begin(list.bytes);
	while (doc_iter_next(&iter, &name, &operation)) {
		struct value progress = operation.type == VALUE_DOCUMENT
						? doc_get(operation.bytes, "progress")
						: (struct value){VALUE_MISSING};
		if (progress.type != VALUE_DOCUMENT)
			continue;
		(void)doc_get_integer(progress.bytes, "done", &build->done);
		(void)doc_get_integer(progress.bytes, "total", &build->total);
	}
}

static int64_t time_left(const struct build *build, int64_t elapsed)
{
	if (build->total <= 0 || build->done <= 0 || build->done > build->total)
		return -1;
	return (int64_t)((double)elapsed * (double)(build->total - build->done) /
			 (double)build->done);
}

static void tell_progress(struct build *build, int64_t elapsed)
{
	const bool known = build->total > 0;
	const struct step_progress progress = {
		.phase = build->place,
		.done = known ? build->done : elapsed / 1000,
		.total = known ? build->total : 0,
		.unit = known ? "documents" : "seconds",
		.left = time_left(build, elapsed),
		.lag = -1,
	};

	build->context->host->progress(build->context->host->self, &progress);
}

/* ---- stopping */

static int64_t patience(const struct build *build)
{
	int64_t wait = build->context->options->build_wait;

	return wait <= 0 ? PATIENCE : wait;
}

static int say_stop(struct build *build, int64_t elapsed, struct err *err)
{
	char so_far[TEXT_DURATION_SIZE], most[TEXT_DURATION_SIZE], left[TEXT_DURATION_SIZE];
	const struct step_host *host = build->context->host;
	CLEANUP_STR struct str text = STR_INIT;

	str_append_format(&text, "%s is being built, for %s so far", build->place,
		text_duration(elapsed, so_far));
	if (time_left(build, elapsed) >= 0)
		str_append_format(&text, ", about %s are left",
			text_duration(time_left(build, elapsed), left));
	str_append_format(&text,
		"; stopping waits for it for %s at most, then the server gives it up and resume "
		"builds it again",
		text_duration(patience(build), most));
	int rc = str_check(&text, err);
	return rc < 0 ? rc : host->note(host->self, str_text(&text), err);
}

/* MongoDB 4.4 and newer abort a build by dropping it; where there is nothing to drop yet it goes
 * on. */
static int give_up(struct build *build, struct err *err)
{
	const char *name = doc_get_string(build->spec, "name");
	struct mongo_refusal refusal;

	build->given_up = true;
	if (name == NULL)
		return 0;
	return ensure_drop_index(build->context, build->collection, name, &refusal, err);
}

static int look_at_stop(struct build *build, int64_t now, struct err *err)
{
	const struct step_host *host = build->context->host;

	if (build->asked == 0) {
		if (!host->stop_requested(host->self))
			return 0;
		build->asked = now;
		return say_stop(build, now - build->started, err);
	}
	if (build->given_up || now - build->asked < patience(build))
		return 0;
	return give_up(build, err);
}

/* ---- beside it */

static int work(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	struct build *build = self;
	struct step_context context = *build->context;

	(void)item;
	(void)tally;
	context.mongo = mongo;
	return ensure_build(&context, build->collection, build->spec, &build->refusal, err);
}

static int look(void *self, struct err *err)
{
	struct build *build = self;
	int64_t now = clock_boottime();

	if (now - build->looked >= LOOK_INTERVAL) {
		build->looked = now;
		look_how_far(build);
		tell_progress(build, now - build->started);
	}
	return look_at_stop(build, now, err);
}

static int watch(struct build *build, struct err *err)
{
	const struct crew crew = {
		.self = build,
		.mongo = build->context->mongo,
		.workers = 1,
		.work = work,
		.look = look,
	};
	int rc = crew_run(&crew, 1, err);

	if (!build->given_up)
		return rc;
	/* Whether it was there already when it was dropped is for the next look at the state. */
	build->refusal = (struct mongo_refusal){0};
	return err_set(
		err, ERR_STOPPED, "the operator asked for it; %s is not built", build->place);
}

int ensure_build_watched(const struct step_context *context, const char *collection,
	struct bytes spec, struct mongo_refusal *refusal, struct err *err)
{
	CLEANUP_STR struct str place = STR_INIT;
	struct mongo_stats stats = {0};
	int rc = mongo_collection_stats(context->mongo, collection, &stats, err);

	*refusal = (struct mongo_refusal){0};
	if (rc < 0)
		return rc;
	if (stats.count < WATCHED_DOCUMENTS)
		return ensure_build(context, collection, spec, refusal, err);
	ensure_place(&place, collection, doc_get_string(spec, "name"));
	rc = str_check(&place, err);
	if (rc < 0)
		return rc;
	struct build build = {
		.context = context,
		.collection = collection,
		.spec = spec,
		.place = str_text(&place),
		.started = clock_boottime(),
	};
	build.looked = build.started;
	rc = watch(&build, err);
	*refusal = build.refusal;
	return rc;
}
