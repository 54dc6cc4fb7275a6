/*
 * try_step: carries out one migration of a kit's sources by itself, without engine and kit, so that
 * a step can be tried in all its states.
 *
 *	try_step [--batch-size N] [--run ID] [--stop-after N] [--die-after N] [--stop-on-error]
 *	         [--max-conflicts N] [--workers N] apply|undo|verify|plan MIGRATION.json URI
 *DATABASE FOLDER
 *
 * The last checkpoint is kept in FOLDER/checkpoint-ID-RUN.json and taken up again.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/step.h"

struct trial {
	int dirfd;
	char name[160];
	long checkpoints, stop_after, die_after;
	const char *stop_at; /* a file: stop as soon as it is there */
	long told, die_told; /* of progress */
	bool refuses;	     /* every question is answered with no */
	struct arena arena;
	const struct json *checkpoint;
	struct json_doc *docs[2];
};

static int on_check(
	void *self, const char *name, enum check_outcome outcome, const char *text, struct err *err)
{
	static const char *const outcomes[] = {"passed", "failed", "warning", "skipped"};

	(void)self;
	(void)err;
	(void)fprintf(stderr, "check %s %s: %s\n", name, outcomes[outcome], text);
	return 0;
}

static int on_note(void *self, const char *text, struct err *err)
{
	(void)self;
	(void)err;
	(void)fprintf(stderr, "note: %s\n", text);
	return 0;
}

static int on_checkpoint(void *self, struct bytes fields, struct err *err)
{
	struct trial *trial = self;
	int result = file_write_durable_at(trial->dirfd, trial->name, fields, 0600, err);

	if (result == 0 && ++trial->checkpoints == trial->die_after)
		(void)raise(SIGKILL);
	return result;
}

static int on_alert(void *self, const char *name, const char *text, bool firing, struct err *err)
{
	(void)self;
	(void)err;
	(void)fprintf(stderr, "alert %s %s: %s\n", name, firing ? "on" : "off", text);
	return 0;
}

static int on_answered(
	void *self, const char *question, const char *flag, bool *ret_yes, struct err *err)
{
	const struct trial *trial = self;

	(void)err;
	(void)fprintf(stderr, "question %s: %s\n", flag, question);
	*ret_yes = !trial->refuses;
	return 0;
}

static void on_progress(void *self, const struct step_progress *progress)
{
	struct trial *trial = self;

	if (strcmp(progress->unit, "changes") != 0)
		(void)fprintf(stderr, "progress %s: %lld %s\n", progress->phase,
			(long long)progress->done, progress->unit);
	if (++trial->told == trial->die_told)
		(void)raise(SIGKILL);
}

static bool on_stop_requested(void *self)
{
	const struct trial *trial = self;

	return (trial->stop_after > 0 && trial->checkpoints >= trial->stop_after) ||
	       (trial->stop_at != NULL && access(trial->stop_at, F_OK) == 0);
}

static const struct json *checkpoint_of(void *self, const char *step_name)
{
	(void)self;
	(void)step_name;
	return NULL;
}

static int load_checkpoint(struct trial *trial, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	int result = file_read_at(trial->dirfd, trial->name, 64 * 1024 * 1024, &text, err);

	if (result == -ERR_NOT_FOUND)
		return 0;
	if (result == 0)
		result = json_parse(str_bytes(&text), JSON_LIMITS(text.size), &trial->docs[1], err);
	if (result == 0)
		trial->checkpoint = json_root(trial->docs[1]);
	return result;
}

static int show_report(const struct step_context *context, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	int result = context->step->kind->report(context, &writer, err);
	json_write_end(&writer);
	if (result == 0)
		(void)printf("%s\n", str_text(&text));
	return result;
}

static int show_plan(const struct step_context *context, struct err *err)
{
	struct step_plan plan = {.takes = -1};
	int result = context->step->kind->plan(context, &plan, err);

	for (size_t i = 0; result == 0 && i < plan.what_count; i++)
		(void)printf("%s\n", plan.what[i]);
	if (result == 0)
		(void)printf("%s; %s; %s%s\n", plan.size, plan.changes, plan.way_back_text,
			plan.nothing_to_do ? "; nothing to do" : "");
	return result;
}

static int carry_out(
	struct trial *trial, struct step_context *context, const char *verb, struct err *err)
{
	const struct step_kind *kind = context->step->kind;
	int result = 0;

	if (strcmp(verb, "plan") == 0)
		return show_plan(context, err);
	if (strcmp(verb, "undo") == 0)
		return kind->undo(context, err);
	if (strcmp(verb, "verify") == 0)
		return kind->verify(context, err);
	result = kind->apply(context, err);
	json_release(trial->docs[1]);
	trial->docs[1] = NULL;
	trial->checkpoint = NULL;
	if (result == 0)
		result = load_checkpoint(trial, err);
	context->checkpoint = trial->checkpoint;
	if (result == 0)
		result = kind->verify(context, err);
	return result == 0 ? show_report(context, err) : result;
}

static int try_step(struct trial *trial, char **rest, const char *run,
	const struct step_options *options, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct mongo *mongo CLEANUP(mongo_cleanup) = NULL;
	struct migration migration;
	int result = file_read_path(rest[1], MIGRATION_SIZE_MAX, &text, err);

	if (result == 0)
		result = json_parse(
			str_bytes(&text), JSON_LIMITS(MIGRATION_SIZE_MAX), &trial->docs[0], err);
	if (result == 0)
		result = migration_parse(json_root(trial->docs[0]), &migration, err);
	if (result == 0)
		result = folder_make(rest[4], &trial->dirfd, err);
	if (result != 0)
		return result;
	(void)snprintf(trial->name, sizeof trial->name, "checkpoint-%s-%s.json", migration.id, run);
	result = load_checkpoint(trial, err);
	if (result == 0)
		result = mongo_connect(rest[2], rest[3], &mongo, err);
	if (result != 0)
		return result;
	const struct step_host host = {
		.self = trial,
		.check = on_check,
		.note = on_note,
		.checkpoint = on_checkpoint,
		.alert = on_alert,
		.answered = on_answered,
		.progress = on_progress,
		.stop_requested = on_stop_requested,
	};
	const struct step step = {
		.name = migration.id,
		.label = migration.title,
		.kind = step_kind_by_name(migration.kind),
		.migration = &migration,
	};
	char objects[4096];
	(void)snprintf(objects, sizeof objects, "%s/objects", rest[4]);
	const struct site site = {
		.name = "trial", .database = rest[3], .max_lag = 60000, .object_store = objects};
	struct step_context context = {
		.site = &site,
		.mongo = mongo,
		.host = &host,
		.options = options,
		.step = &step,
		.steps = &step,
		.step_count = 1,
		.run_id = run,
		.run_dirfd = trial->dirfd,
		.state_dirfd = trial->dirfd,
		.arena = &trial->arena,
		.checkpoint = trial->checkpoint,
		.checkpoint_of = checkpoint_of,
	};
	return carry_out(trial, &context, rest[0], err);
}

static int usage(void)
{
	(void)fputs("usage: try_step [--batch-size N] [--run ID] [--stop-after N] [--die-after N]\n"
		    "                [--stop-on-error] [--max-conflicts N] [--workers N]\n"
		    "                apply|undo|verify|plan MIGRATION.json URI DATABASE FOLDER\n",
		stderr);
	return 64;
}

int main(int argc, char **argv)
{
	struct step_options options = {.batch_size = 500, .max_conflicts = -1};
	struct trial trial = {.dirfd = -1};
	const char *run = "trial";
	char *rest[5];
	int given = 0;
	struct err err;

	for (int i = 1; i < argc; i++) {
		bool more = i + 1 < argc;
		if (strcmp(argv[i], "--stop-on-error") == 0)
			options.stop_on_error = true;
		else if (strcmp(argv[i], "--accept-inexact") == 0)
			options.reason = "a trial", options.accept_inexact = true;
		else if (strcmp(argv[i], "--refuse") == 0)
			trial.refuses = true;
		else if (strcmp(argv[i], "--die-told") == 0 && more)
			trial.die_told = atol(argv[++i]);
		else if (strcmp(argv[i], "--build-wait") == 0 && more)
			options.build_wait = atol(argv[++i]);
		else if (strcmp(argv[i], "--stop-at") == 0 && more)
			trial.stop_at = argv[++i];
		else if (strcmp(argv[i], "--batch-size") == 0 && more)
			options.batch_size = atol(argv[++i]);
		else if (strcmp(argv[i], "--max-conflicts") == 0 && more)
			options.max_conflicts = atol(argv[++i]);
		else if (strcmp(argv[i], "--workers") == 0 && more)
			options.workers = atol(argv[++i]);
		else if (strcmp(argv[i], "--run") == 0 && more)
			run = argv[++i];
		else if (strcmp(argv[i], "--stop-after") == 0 && more)
			trial.stop_after = atol(argv[++i]);
		else if (strcmp(argv[i], "--die-after") == 0 && more)
			trial.die_after = atol(argv[++i]);
		else if (argv[i][0] != '-' && given < 5)
			rest[given++] = argv[i];
		else
			return usage();
	}
	if (given != 5)
		return usage();
	mongo_library_begin();
	int result = try_step(&trial, rest, run, &options, &err);
	json_release(trial.docs[0]);
	json_release(trial.docs[1]);
	arena_release(&trial.arena);
	if (trial.dirfd >= 0)
		(void)close(trial.dirfd);
	mongo_library_end();
	if (result != 0)
		(void)fprintf(stderr, "%s: %s\n", err_name(err.code), err.message);
	return result != 0 ? err_exit_code(err.code) : 0;
}
