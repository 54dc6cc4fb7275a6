#include "engine/server_wait.h"

#include <poll.h>

#include "base/clock.h"
#include "engine/run.h"
#include "text/text.h"

enum {
	SECOND_PAUSE = 1000, /* ms, doubled after each try; the first one is made at once */
	LONGEST_PAUSE = 30 * 1000,
	TRY_BOUND = 3000, /* that a server has to answer: a stop is heard no later */
	SLICE = 100,
	TELL_EVERY = 1000,
};

void run_progressed(struct run *run)
{
	run->wait.used = 0;
	run->wait.tries = 0;
}

int64_t run_pause_before(unsigned tries)
{
	int64_t pause = SECOND_PAUSE;

	/* A connection that broke is no server that is gone. */
	if (tries == 0)
		return 0;
	while (--tries > 0 && pause < LONGEST_PAUSE)
		pause *= 2;
	return pause < LONGEST_PAUSE ? pause : LONGEST_PAUSE;
}

static int64_t time_left(const struct run *run)
{
	int64_t left = run->options->server_wait - run->wait.used;

	return left > 0 ? left : 0;
}

/* A countdown goes from 3 to 2, not from 2.9 to 1.9. */
static int64_t whole_seconds(int64_t milliseconds)
{
	return (milliseconds + 999) / 1000 * 1000;
}

/* next: ms until the next try, 0: now; -1: it is over. */
static int tell(struct run *run, int64_t next, const struct err *lost, struct err *err)
{
	struct json_writer *writer = run_event(run, EVENT_WAITING);

	json_member_string(writer, "step", run->walk.steps[run->current].name);
	json_member_bool(writer, "waiting", next >= 0);
	json_member_integer(writer, "attempt", run->wait.tries + 1);
	json_member_integer(writer, "next", next < 0 ? 0 : whole_seconds(next));
	json_member_integer(writer, "left", whole_seconds(time_left(run)));
	json_member_string(writer, "text", lost->message);
	return run_event_end(run, err);
}

static int note_lost(struct run *run, const struct err *lost, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	str_append_format(&text, "the server went away: %s", lost->message);
	return run_note(run, run->walk.steps[run->current].name, &text, err);
}

static int note_back(struct run *run, int64_t waited, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	char duration[TEXT_DURATION_SIZE];

	str_append_format(
		&text, "the server answers again, after %s", text_duration(waited, duration));
	return run_note(run, run->walk.steps[run->current].name, &text, err);
}

/* Waits before the next try, and counts it down. */
static int count_down(struct run *run, int64_t pause, const struct err *lost, struct err *err)
{
	int64_t begun = clock_boottime(), told = -1, used = run->wait.used;
	int rc = 0;

	for (int64_t gone = 0; rc == 0 && gone < pause; gone = clock_boottime() - begun) {
		run->wait.used = used + gone;
		if (told < 0 || gone - told >= TELL_EVERY) {
			told = gone;
			rc = tell(run, pause - gone, lost, err);
		}
		if (rc == 0)
			rc = run_check_stop(run, err);
		if (rc == 0)
			(void)poll(NULL, 0, pause - gone < SLICE ? (int)(pause - gone) : SLICE);
	}
	run->wait.used = used + clock_boottime() - begun;
	return rc;
}

/* 1: it answers; 0: it does not, and the time is over. */
static int wait_for_it(struct run *run, const struct err *lost, struct err *err)
{
	const struct site *site = run->options->site;
	struct err still = *lost;

	while (time_left(run) > 0) {
		int64_t pause = run_pause_before(run->wait.tries), left = time_left(run);
		int rc = count_down(run, pause < left ? pause : left, &still, err);
		if (rc == 0)
			rc = tell(run, 0, &still, err);
		if (rc < 0)
			return rc;
		int64_t begun = clock_boottime();
		run->wait.tries++;
		rc = mongo_answers(site->uri, site->database, TRY_BOUND, &still);
		run->wait.used += clock_boottime() - begun;
		if (rc == 0)
			return 1;
	}
	return 0;
}

static int give_up(const struct err *lost, int64_t waited, struct err *err)
{
	char duration[TEXT_DURATION_SIZE];

	*err = *lost;
	/* A server that failed at once, each time that it was asked, was not waited for. */
	if (waited > 0)
		(void)err_context(err, "waited %s for the server", text_duration(waited, duration));
	return -(int)err->code;
}

static int wait_out(struct run *run, const struct err *lost, struct err *err)
{
	int64_t begun = clock_boottime();
	int rc = note_lost(run, lost, err);

	if (rc == 0)
		rc = wait_for_it(run, lost, err);
	if (rc < 0 && err->code != ERR_STOPPED)
		return rc;
	int64_t waited = clock_boottime() - begun;
	struct err stopped = rc < 0 ? *err : (struct err){0};
	int told = tell(run, -1, lost, err);
	if (told < 0)
		return told;
	if (rc == 1)
		return note_back(run, waited, err);
	if (rc == 0)
		return give_up(lost, waited, err);
	*err = stopped;
	return rc;
}

bool run_server_came_back(struct run *run, struct err *err)
{
	const struct err lost = *err;

	if (lost.code != ERR_DATABASE_LOST || !run->effects || time_left(run) == 0)
		return false;
	/* The old connection may be half dead. */
	mongo_close(run->mongo);
	run->mongo = NULL;
	return wait_out(run, &lost, err) == 0;
}
