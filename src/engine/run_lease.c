/* The lease of a run: before its first effect; who had it; the wait for who may still be writing.
 */
#include <poll.h>

#include "base/clock.h"
#include "engine/run.h"
#include "text/text.h"

enum { WAIT_SLICE = 200 }; /* ms between two looks whether the operator wants to stop */

/* ---- a lease that somebody holds, and the operator wants to break */

static int ask_break(struct run *run, const struct lease_holder *holder, struct err *err)
{
	static const struct choice CHOICES[] = {
		{"break", "break it"}, {"leave", "leave"}, {NULL, NULL}};
	CLEANUP_STR struct str text = STR_INIT;

	if (run->options->without_ui_questions)
		return 0; /* the flag and its reason are the answer */
	str_append_format(&text, "Break the lease on database %s? It is held by ",
		run->options->site->database);
	lease_describe(NULL, holder, &text);
	str_append_text(&text, ". If that one is still at work, two would change one database.");
	return run_ask_name(run, CHOICES, &text, ERR_LOCKED, "the lease was not broken", err);
}

/* *ret_token: of the lease that may be broken, -1: none is to be. */
static int may_break(struct run *run, struct arena *arena, int64_t *ret_token, struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT;
	struct lease_holder holder;

	*ret_token = -1;
	if (!run->options->break_lease)
		return 0;
	int rc = lease_look(run->mongo, &doc, err);
	if (rc < 0 || doc.size == 0)
		return rc;
	rc = lease_holder_read(str_bytes(&doc), arena, &holder, err);
	if (rc < 0 || !lease_is_held(&holder))
		return rc;
	rc = ask_break(run, &holder, err);
	if (rc == 0)
		*ret_token = holder.token;
	return rc;
}

/* ---- taking it */

int run_take_lease(struct run *run, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct lease_claim claim = {
		.uri = run->options->site->uri,
		.database = run->options->site->database,
		.owner = run->id,
		.command = run->options->command,
		.state_dirfd = run->options->state_dirfd,
		.length = run->options->site->lease,
	};

	if (run->lease != NULL)
		return 0;
	int rc = may_break(run, &arena, &claim.broken, err);
	if (rc == 0)
		rc = lease_take(&claim, &run->lease, err);
	if (rc < 0)
		return run_lost_before_or_after(run, err);
	mongo_set_guard(run->mongo, lease_guard(run->lease));
	run->lease_taken = clock_boottime();
	run->lease_broken = claim.broken == lease_before(run->lease)->token;
	return 0;
}

/* ---- telling it, and waiting */

static const char *how_taken(const struct run *run)
{
	const struct lease_holder *before = lease_before(run->lease);

	if (run->lease_broken)
		return "broken";
	if (before->token == 0 || before->expires == 0)
		return "free";
	return lease_is_held(before) ? "again" : "expired";
}

static int tell(struct run *run, struct err *err)
{
	const struct lease_holder *before = lease_before(run->lease);
	struct json_writer *writer = run_event(run, EVENT_LEASE);

	json_member_integer(writer, "token", lease_token(run->lease));
	json_member_string(writer, "taken", how_taken(run));
	json_member_integer(writer, "waits", lease_patience(run->lease));
	if (*before->owner != '\0') {
		json_member_object(writer, "before");
		json_member_string(writer, "run", before->owner);
		json_member_string(writer, "host", before->host);
		json_member_integer(writer, "pid", before->pid);
		json_member_string(writer, "command", before->command);
		json_member_time(writer, "since", before->since);
		if (before->expires != 0)
			json_member_time(writer, "until", before->expires);
		json_write_end(writer);
	}
	if (run->lease_broken && run->options->step.reason != NULL)
		json_member_string(writer, "reason", run->options->step.reason);
	return run_event_end(run, err);
}

static int tell_waiting(struct run *run, int64_t left, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	char duration[TEXT_DURATION_SIZE];

	str_append_text(&text, "the lease was not given back by host ");
	text_escape(&text, bytes_of_string(lease_before(run->lease)->host), 128);
	str_append_format(&text, ": nothing is written for %s, so that what it may have sent ends",
		text_duration(left, duration));
	return run_note(run, "", &text, err);
}

int run_await_lease(struct run *run, struct err *err)
{
	int64_t until = run->lease_taken + lease_patience(run->lease), left;
	int rc = tell(run, err);

	if (rc == 0 && until > clock_boottime())
		rc = tell_waiting(run, until - clock_boottime(), err);
	while (rc == 0 && (left = until - clock_boottime()) > 0) {
		(void)poll(NULL, 0, left > WAIT_SLICE ? WAIT_SLICE : (int)left);
		rc = run_check_stop(run, err);
	}
	return rc;
}
