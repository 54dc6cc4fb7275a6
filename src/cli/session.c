#include "cli/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/follow.h"
#include "cli/inherited.h"
#include "cli/stop.h"
#include "engine/lock.h"
#include "trust/store.h"

enum {
	BATCH_SIZE_DEFAULT = 500,
	SERVER_WAIT_DEFAULT = 5 * 60, /* s */
	SERVER_WAIT_MAX = 24 * 60 * 60,
	CONFLICTS_MAX = 1000000000,
};

/* ---- options */

/* An option whose 0 is not the same as its absence, which leaves *ret_number. */
static int read_number(
	const char *option, const char *text, int64_t max, int64_t *ret_number, struct err *err)
{
	char *end = NULL;

	if (text == NULL)
		return 0;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || errno != 0 || number > max)
		return err_set(err, ERR_USAGE, "--%s %s: a number up to %lld", option, text,
			(long long)max);
	*ret_number = number;
	return 0;
}

static int read_options(struct session *session, const char *command,
	const struct run_values *values, struct err *err)
{
	struct engine_options *options = &session->options;
	int64_t server_wait = SERVER_WAIT_DEFAULT;

	*options = (struct engine_options){
		.step = {.batch_size = BATCH_SIZE_DEFAULT, .max_conflicts = -1},
		.command = command,
		.state_dirfd = -1,
		.lock_fd = -1,
		.without_ui_questions = session->face->options.yes,
	};
	if (values == NULL)
		return 0;
	if (values->force != (values->force_reason != NULL))
		return err_set(err, ERR_USAGE,
			"--force-activate and --force-reason are given together or not at all");
	if (values->accept_inexact && values->reason == NULL)
		return err_set(err, ERR_USAGE, "--accept-inexact needs --reason TEXT");
	if (values->allow_expiry && values->reason == NULL)
		return err_set(err, ERR_USAGE, "--allow-expiry needs --reason TEXT");
	if (values->break_lease && values->reason == NULL)
		return err_set(err, ERR_USAGE, "--break-lease needs --reason TEXT");
	if (values->adopt && values->reason == NULL)
		return err_set(err, ERR_USAGE, "--adopt needs --reason TEXT");
	if (values->without_staging && values->reason == NULL)
		return err_set(err, ERR_USAGE, "--without-staging needs --reason TEXT");
	if (values->without_staging && values->staging_receipt != NULL)
		return err_set(err, ERR_USAGE,
			"--without-staging and --staging-receipt exclude each other");
	options->staging_receipt = values->staging_receipt;
	options->without_staging = values->without_staging;
	options->adopt = values->adopt;
	options->with = values->with;
	options->step.remove_objects = values->remove_objects;
	options->break_lease = values->break_lease;
	if (values->batch_size > 0)
		options->step.batch_size = values->batch_size;
	options->step.max_lag = values->max_lag * 1000;
	options->step.workers = values->workers;
	options->step.max_rate = values->max_rate;
	options->step.sample_size = values->sample_size;
	options->step.stop_on_error = values->stop_on_error;
	options->step.accept_inexact = values->accept_inexact;
	options->step.build_wait = values->build_wait * 1000;
	options->step.allow_expiry = values->allow_expiry;
	options->step.reason = values->reason;
	options->force_reason = values->force_reason;
	int rc = read_number("max-conflicts", values->max_conflicts, CONFLICTS_MAX,
		&options->step.max_conflicts, err);
	if (rc == 0)
		rc = read_number(
			"server-wait", values->server_wait, SERVER_WAIT_MAX, &server_wait, err);
	options->server_wait = server_wait * 1000;
	return rc;
}

/* ---- the places */

static int open_state(struct session *session, enum session_access access, struct err *err)
{
	const char *path = session->site.state_dir;
	int rc = access == SESSION_BEGINS ? folder_make(path, &session->state_dirfd, err)
					  : folder_open(path, &session->state_dirfd, err);

	if (rc == -ERR_NOT_FOUND && access == SESSION_READS)
		return 0;
	if (rc == -ERR_NOT_FOUND)
		return err_set(err, ERR_NO_RUN, "nothing was done here yet: there is no %s", path);
	if (rc == 0 && access != SESSION_READS)
		rc = lock_take(
			session->state_dirfd, session->options.command, &session->lock_fd, err);
	return rc < 0 ? face_state_failed(path, err) : 0;
}

int session_open(struct face *face, const char *command, enum session_access access,
	const struct run_values *values, struct session *session, struct err *err)
{
	*session = SESSION_INIT;
	session->face = face;
	int rc = read_options(session, command, values, err);

	if (rc == 0)
		rc = site_load(face->options.site, face->options.state_dir, &face->arena,
			&session->site, err);
	if (rc == 0)
		rc = open_state(session, access, err);
	if (rc == 0)
		rc = face_load_root(face, session->state_dirfd, &session->root, err);
	if (rc == 0)
		rc = face_check_root(&session->site, session->root, err);
	if (rc < 0)
		return rc;
	session->options.site = &session->site;
	session->options.state_dirfd = session->state_dirfd;
	session->options.lock_fd = session->lock_fd;
	mongo_library_begin();
	return 0;
}

void session_release(struct session *session)
{
	trust_root_free(session->root);
	cleanup_close(&session->lock_fd);
	cleanup_close(&session->state_dirfd);
	*session = SESSION_INIT;
}

/* ---- the kit */

static void show_progress(void *argument, const struct verify_progress *progress)
{
	face_progress(argument, "Verifying", progress->octets_done, progress->octets_total);
}

int session_unpack(struct session *session, const char *path, const char *force_reason, bool late,
	struct trusted_kit **ret_kit, struct err *err)
{
	CLEANUP_STR struct str quarantine = STR_INIT;
	const struct verify_options options = {
		.state_dirfd = session->state_dirfd,
		.now = clock_now(),
		.ignore_time = late,
		.force_reason = force_reason,
		.part_folder_count = session->face->parts.count,
		.part_folders = session->face->parts.items,
		.base = session->face->base,
		.progress = show_progress,
		.argument = session->face,
	};
	int rc = verify_and_unpack(path, session->root, &options, ret_kit, &quarantine, err);

	face_progress_end(session->face);
	if (rc < 0 && quarantine.size > 0)
		face_tell(session->face, MSG_UNPACKED_IN, session->site.state_dir,
			str_text(&quarantine));
	/* Nothing waits to be resumed yet. */
	if (rc == -ERR_DISK && !late) {
		(void)err_context(err, "the state folder %s", session->site.state_dir);
		return err_recode(err, ERR_SPACE);
	}
	return rc;
}

/* ---- the face */

int session_need_consent(const struct face *face, struct err *err)
{
	if (face->options.yes)
		return 0;
	if (face->json)
		return err_set(err, ERR_NO_TERMINAL, "--output json asks nothing: it needs --yes");
	if (has_terminal())
		return 0;
	return err_set(err, ERR_NO_TERMINAL, "a missing terminal is no consent");
}

/* ---- the engine, in a process of its own, and this command as its first face */

static int begin_engine(void)
{
	inherited_close();
	return stop_watch_engine();
}

int session_run(struct session *session, feed_run *run, void *argument, struct err *err)
{
	const struct feed_options options = {
		.state_dirfd = session->lock_fd < 0 ? -1 : session->state_dirfd,
		.lock_fd = session->lock_fd,
		.command = session->options.command,
		.yes = session->face->options.yes,
		.begin = begin_engine,
	};
	struct feed *feed = NULL;

	stop_watch();
	int rc = feed_start(run, argument, &options, &feed, err);
	/* The lock is the engine's alone: it is free as soon as that has ended. */
	cleanup_close(&session->lock_fd);
	session->lock_fd = -1;
	return rc < 0 ? rc : follow_run(session->face, feed, PLAIN_STARTS, err);
}
