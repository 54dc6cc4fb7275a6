#include "engine/server.h"

#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/thread.h"
#include "engine/control.h"
#include "engine/history.h"
#include "engine/server_inside.h"

void server_lock(struct server *server)
{
	(void)pthread_mutex_lock(&server->mutex);
}

void server_unlock(struct server *server)
{
	(void)pthread_mutex_unlock(&server->mutex);
}

void server_wake(const struct server *server)
{
	(void)eventfd_write(server->wake_fd, 1);
}

static void set_text(struct str *str, const char *text)
{
	str_truncate(str, 0);
	str_append_text(str, text);
}

/* ---- what the run tells */

static void changed(struct server *server)
{
	server->version++;
	server_wake(server);
}

static bool begins_work(const char *event)
{
	return strcmp(event, event_name(EVENT_STEP_BEGIN)) == 0 ||
	       strcmp(event, event_name(EVENT_UNDO_BEGIN)) == 0 ||
	       strcmp(event, event_name(EVENT_RUN_RESUME)) == 0;
}

/* What a face that comes later is told in one line. */
static void follow(struct server *server, const struct json *event)
{
	const char *name = history_text(event, "event");

	if (begins_work(name)) {
		set_text(&server->step, history_text(event, "step"));
		server->step_since = clock_boottime();
	} else if (strcmp(name, event_name(EVENT_QUESTION)) == 0) {
		set_text(&server->question_id, history_text(event, "id"));
		set_text(&server->question_text, history_text(event, "text"));
	} else if (strcmp(name, event_name(EVENT_ANSWER)) == 0) {
		set_text(&server->question_id, "");
	} else if (strcmp(name, event_name(EVENT_STOPPING)) == 0) {
		server->stopping = true;
		server->version++;
	}
}

static void on_event(void *self, struct bytes line, const struct json *event)
{
	struct server *server = self;
	struct err ignored;

	server_lock(server);
	/* Memory that is out costs the faces, never the run: their stream ends there. */
	int rc = told_event(&server->told, line, event, &ignored);
	(void)rc;
	follow(server, event);
	server_unlock(server);
	server_wake(server);
}

static void on_journal(void *self, int run_dirfd)
{
	struct server *server = self;
	struct err ignored;

	server_lock(server);
	int rc = told_journal(&server->told, run_dirfd, &ignored);
	(void)rc;
	server_unlock(server);
	server_wake(server);
}

/* ---- what the run asks */

static int answer_yes(const struct json *question, struct str *ret_choice, struct err *err)
{
	const char *kind = history_text(question, "kind");

	const char *flag = history_text(question, "flag");

	if (strcmp(kind, "confirm") == 0 || strcmp(kind, "type") == 0)
		return err_set(err, ERR_PREFLIGHT,
			"--yes does not answer \"%s\": repeat with %s --reason TEXT",
			history_text(question, "text"), *flag == '\0' ? "--accept-inexact" : flag);
	str_append_text(ret_choice, history_text(question, "default"));
	return 0;
}

/* What must be typed is compared by the run; everything else is one of its choices. */
static bool is_offered(const struct json *question, const char *answer)
{
	const struct json *choices = json_member(question, "choices");

	if (*history_text(question, "expected") != '\0')
		return true;
	for (const struct json *choice = choices == NULL ? NULL : json_first(choices);
		choice != NULL; choice = json_next(choice))
		if (strcmp(history_text(choice, "name"), answer) == 0)
			return true;
	return choices == NULL;
}

/* An answer to this question that can be taken; one that cannot is forgotten. */
static bool take_answer(struct server *server, const struct json *question, struct str *ret_choice)
{
	if (server->answer_id.size == 0)
		return false;
	bool taken = strcmp(str_text(&server->answer_id), history_text(question, "id")) == 0 &&
		     is_offered(question, str_text(&server->answer));
	if (taken)
		str_append(ret_choice, server->answer.text, server->answer.size);
	else
		server->answer_refused = true;
	str_truncate(&server->answer_id, 0);
	return taken;
}

static int wait_for_answer(
	struct server *server, const struct json *question, struct str *ret_choice, struct err *err)
{
	for (;;) {
		if (take_answer(server, question, ret_choice))
			return 0;
		if (server->answer_refused)
			server_wake(server);
		if (server->stop)
			return err_set(err, ERR_STOPPED, "the operator asked for it");
		(void)pthread_cond_wait(&server->changed, &server->mutex);
	}
}

static int on_ask(void *self, const struct json *question, struct str *ret_choice,
	const char **ret_by, struct err *err)
{
	struct server *server = self;

	if (server->options.yes) {
		*ret_by = "--yes";
		return answer_yes(question, ret_choice, err);
	}
	server_lock(server);
	server->asking = true;
	changed(server);
	int rc = wait_for_answer(server, question, ret_choice, err);
	server->asking = false;
	set_text(&server->question_id, "");
	changed(server);
	server_unlock(server);
	if (rc == 0)
		*ret_by = "operator";
	return rc;
}

static void tell_paused(struct server *server, bool paused)
{
	static const char *const LINES[] = {"{\"event\":\"paused\",\"paused\":false}",
		"{\"event\":\"paused\",\"paused\":true}"};
	struct told_state *state = &server->told.states[EVENT_PAUSED];

	server->paused = paused;
	set_text(&state->line, LINES[paused]);
	str_append_char(&state->line, '\n');
	state->version = ++server->told.version;
	changed(server);
}

static bool on_stop_requested(void *self)
{
	struct server *server = self;

	server_lock(server);
	if (server->pause && !server->stop) {
		tell_paused(server, true);
		while (server->pause && !server->stop)
			(void)pthread_cond_wait(&server->changed, &server->mutex);
		tell_paused(server, false);
	}
	bool stop = server->stop;
	server_unlock(server);
	return stop;
}

static bool on_signalled(void *self)
{
	struct server *server = self;

	server_lock(server);
	bool signalled = server->signalled;
	server_unlock(server);
	return signalled;
}

/* ---- how it stands */

void server_state_line(const struct server *server, int place, struct str *out)
{
	struct json_writer writer;

	json_write_begin(&writer, out);
	json_write_object(&writer);
	json_member_string(&writer, "event", "feed.state");
	json_member_string(&writer, "command", server->options.command);
	json_member_integer(&writer, "pid", getpid());
	json_member_bool(&writer, "yes", server->options.yes);
	json_member_integer(&writer, "faces", (int64_t)server->faces);
	json_member_bool(&writer, "taken", server->commander >= 0);
	json_member_bool(&writer, "inCommand", place >= 0 && server->commander == place);
	json_member_bool(&writer, "paused", server->paused);
	json_member_bool(&writer, "pausing", server->pause && !server->paused);
	json_member_bool(&writer, "stopping", server->stop || server->stopping);
	if (server->asking) {
		json_member_string(&writer, "question", str_text(&server->question_id));
		json_member_string(&writer, "text", str_text(&server->question_text));
	}
	if (server->step_since != 0) {
		json_member_string(&writer, "step", str_text(&server->step));
		json_member_integer(&writer, "spent", clock_boottime() - server->step_since);
	}
	json_write_end(&writer);
	str_append_char(out, '\n');
}

/* ---- beginning and end */

static void release(struct server *server)
{
	if (server->listen_fd >= 0)
		(void)close(server->listen_fd);
	if (server->wake_fd >= 0)
		(void)close(server->wake_fd);
	for (size_t i = 0; i < SERVER_FACES_MAX; i++) {
		if (server->links[i].up.fd >= 0)
			(void)close(server->links[i].up.fd);
		lines_release(&server->links[i].up);
		str_release(&server->links[i].out);
	}
	told_release(&server->told);
	str_release(&server->question_id);
	str_release(&server->question_text);
	str_release(&server->answer_id);
	str_release(&server->answer);
	str_release(&server->step);
	str_release(&server->end);
	(void)pthread_cond_destroy(&server->changed);
	(void)pthread_mutex_destroy(&server->mutex);
	free(server);
}

static struct server *make(const struct server_options *options)
{
	struct server *server = calloc(1, sizeof *server);

	if (server == NULL)
		return NULL;
	server->options = *options;
	server->listen_fd = server->commander = -1;
	server->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	server->told = TOLD_INIT;
	for (size_t i = 0; i < SERVER_FACES_MAX; i++)
		server->links[i].up.fd = -1;
	(void)pthread_mutex_init(&server->mutex, NULL);
	(void)pthread_cond_init(&server->changed, NULL);
	server->face = (struct engine_face){
		.self = server,
		.event = on_event,
		.ask = on_ask,
		.stop_requested = on_stop_requested,
		.signalled = on_signalled,
		.journal = on_journal,
	};
	return server;
}

int server_start(const struct server_options *options, int first_fd, struct server **ret_server,
	struct err *err)
{
	struct server *server = make(options);
	int rc = server == NULL || server->wake_fd < 0 ? err_no_memory(err) : 0;

	if (server == NULL)
		return rc;
	if (first_fd >= 0) {
		server->links[0].up.fd = first_fd;
		server->links[0].introduced = true;
		server->commander = 0;
		server->faces = 1;
		server->version = 1;
	}
	if (rc == 0 && options->state_dirfd >= 0)
		rc = control_listen(options->state_dirfd, &server->listen_fd, err);
	if (rc == 0)
		rc = thread_start(&server->thread, server_thread, server, err);
	if (rc < 0) {
		server_hide(server);
		server->links[0].up.fd = -1;
		release(server);
		return rc;
	}
	*ret_server = server;
	return 0;
}

const struct engine_face *server_face(struct server *server)
{
	return &server->face;
}

void server_hide(struct server *server)
{
	if (server->listen_fd >= 0)
		control_remove(server->options.state_dirfd);
}

void server_end_line(const struct err *outcome, struct str *out)
{
	struct json_writer writer;
	bool well = outcome->code == ERR_NONE;

	json_write_begin(&writer, out);
	json_write_object(&writer);
	json_member_string(&writer, "event", "feed.end");
	json_member_string(&writer, "code", well ? "NONE" : err_name(outcome->code));
	json_member_integer(&writer, "exit", err_exit_code(outcome->code));
	json_member_string(&writer, "message", well ? "" : outcome->message);
	json_write_end(&writer);
	str_append_char(out, '\n');
}

void server_end(struct server *server, const struct err *outcome)
{
	server_lock(server);
	server_end_line(outcome, &server->end);
	server_unlock(server);
	server_wake(server);
	(void)pthread_join(server->thread, NULL);
	release(server);
}
