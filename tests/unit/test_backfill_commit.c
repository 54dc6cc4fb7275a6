/* The end of a batch: what is a conflict only since it was written, by another writer's doing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "steps/backfill.h"
#include "steps/throttle.h"

#define MUST(call)                                                                                 \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, err.message);                                    \
	} while (0)

static const char line[] = "{\"kind\":\"conflict\"}\n";

static int count_checkpoint(void *self, struct bytes fields, struct err *err)
{
	(void)fields;
	(void)err;
	++*(int *)self;
	return 0;
}

static void no_progress(void *self, const struct step_progress *progress)
{
	(void)self;
	(void)progress;
}

struct outcome {
	int result;
	struct err err;
	int checkpoints;
	off_t told; /* octets of conflicts.ndjson */
};

/* A batch of one document, which is a conflict that was not refused: five are allowed. */
static struct outcome commit_conflict(bool stop_on_error)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP(throttle_cleanup) struct throttle *throttle = NULL;
	char folder[] = "/tmp/offkit-test-commit-XXXXXX";
	struct outcome outcome = {0};
	struct err err;
	const struct step_host host = {.self = &outcome.checkpoints,
		.checkpoint = count_checkpoint,
		.progress = no_progress};
	const struct step_options options = {.stop_on_error = stop_on_error};
	struct step_context context = {.host = &host, .options = &options, .run_id = "run"};
	struct backfill_phase phase = {.name = "one", .collection = "source"};
	struct backfill_work work = {.context = &context,
		.backfill = {.id = "21-102", .phase_count = 1, .phases = &phase},
		.batch_size = 1,
		.workers = 1,
		.conflict_limit = 5};
	struct backfill_tally tally = {
		.number = 1, .unit_count = 1, .conflicts = 1, .lines = bytes_of_string(line)};
	struct stat status;

	assert_non_null(mkdtemp(folder));
	context.run_dirfd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(context.run_dirfd >= 0);
	(void)err_set(&tally.why, ERR_CONFLICT, "it differs");
	MUST(backfill_state_new(&arena, &work.state, &err));
	MUST(throttle_new(&context, &throttle, &err));
	work.throttle = throttle;
	outcome.result = backfill_commit(&work, &tally, false, &outcome.err);
	if (fstatat(context.run_dirfd, "conflicts.ndjson", &status, 0) == 0)
		outcome.told = status.st_size;
	backfill_state_release(work.state);
	(void)unlinkat(context.run_dirfd, "conflicts.ndjson", 0);
	assert_int_equal(close(context.run_dirfd), 0);
	assert_int_equal(rmdir(folder), 0);
	return outcome;
}

static void what_is_allowed_is_counted_and_goes_on(void **state)
{
	(void)state;
	struct outcome outcome = commit_conflict(false);

	assert_int_equal(outcome.result, 0);
	assert_int_equal(outcome.checkpoints, 1);
	assert_int_equal(outcome.told, sizeof line - 1);
}

static void the_first_error_stops_it_when_that_is_asked_for(void **state)
{
	(void)state;
	struct outcome outcome = commit_conflict(true);

	assert_int_equal(outcome.result, -ERR_CONFLICT);
	assert_non_null(strstr(outcome.err.message, "batch 1 was written in part"));
	assert_int_equal(outcome.checkpoints, 0);
	assert_int_equal(outcome.told, sizeof line - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_allowed_is_counted_and_goes_on),
		cmocka_unit_test(the_first_error_stops_it_when_that_is_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
