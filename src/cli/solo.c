#include "cli/solo.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/stop.h"

static int host_check(
	void *self, const char *name, enum check_outcome outcome, const char *text, struct err *err)
{
	static const char *const words[] = {"passed", "failed", "warning", "skipped"};
	struct solo *solo = self;

	(void)err;
	face_note(solo->face, "%s: %s: %s", name,
		message_of_record(solo->face->language, words[outcome]), text);
	return 0;
}

static int host_note(void *self, const char *text, struct err *err)
{
	(void)err;
	face_note(((struct solo *)self)->face, "%s", text);
	return 0;
}

int solo_keep_checkpoint(struct solo *solo, struct bytes fields, struct err *err)
{
	struct json_doc *doc = NULL;
	int rc = json_parse(fields, JSON_LIMITS_OWN(1024 * 1024), &doc, err);

	if (rc < 0)
		return err_recode(err, ERR_INTERNAL);
	json_release(solo->checkpoint);
	solo->checkpoint = doc;
	return 0;
}

static int host_checkpoint(void *self, struct bytes fields, struct err *err)
{
	return solo_keep_checkpoint(self, fields, err);
}

static int host_alert(void *self, const char *name, const char *text, bool firing, struct err *err)
{
	(void)err;
	face_note(((struct solo *)self)->face, "%s: %s%s", name, firing ? "" : "over: ", text);
	return 0;
}

static int host_answered(
	void *self, const char *question, const char *flag, bool *ret_yes, struct err *err)
{
	(void)flag;
	(void)self;
	(void)err;
	(void)question;
	*ret_yes = false;
	return 0;
}

static void host_progress(void *self, const struct step_progress *progress)
{
	face_progress(((struct solo *)self)->face, progress->phase, (uint64_t)progress->done,
		(uint64_t)progress->total);
}

static bool host_stop_requested(void *self)
{
	(void)self;
	return stop_wanted();
}

static const struct json *no_checkpoint(void *self, const char *step_name)
{
	(void)self;
	(void)step_name;
	return NULL;
}

/* The chain that is kept in the state folder makes no demo root a vendor's: the embedded one says.
 */
static int check_root(struct face *face, const struct site *site, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	int rc = face_load_root(face, -1, &root, err);

	return rc < 0 ? rc : face_check_root(site, root, err);
}

int solo_begin(struct face *face, struct solo *ret_solo, struct err *err)
{
	struct solo solo = {.face = face, .options = {.batch_size = 500, .max_conflicts = -1}};

	int rc = site_load(
		face->options.site, face->options.state_dir, &face->arena, &solo.site, err);
	if (rc == 0)
		rc = check_root(face, &solo.site, err);
	if (rc < 0)
		return rc;
	run_new_id(solo.run_id);
	mongo_library_begin();
	rc = mongo_connect(solo.site.uri, solo.site.database, &solo.mongo, err);
	if (rc < 0)
		return rc;
	stop_watch();
	*ret_solo = solo;
	solo_host(ret_solo);
	return 0;
}

void solo_host(struct solo *solo)
{
	solo->host = (struct step_host){
		.self = solo,
		.check = host_check,
		.note = host_note,
		.checkpoint = host_checkpoint,
		.alert = host_alert,
		.answered = host_answered,
		.progress = host_progress,
		.stop_requested = host_stop_requested,
	};
}

int solo_take_lease(struct solo *solo, const char *command, int state_dirfd, struct err *err)
{
	enum { SLICE = 200 };
	const struct lease_claim claim = {
		.uri = solo->site.uri,
		.database = solo->site.database,
		.owner = solo->run_id,
		.command = command,
		.state_dirfd = state_dirfd,
		.length = solo->site.lease,
		.broken = -1,
	};
	int rc = lease_take(&claim, &solo->lease, err);

	if (rc < 0)
		return rc;
	mongo_set_guard(solo->mongo, lease_guard(solo->lease));
	int64_t until = clock_boottime() + lease_patience(solo->lease), left;
	if (lease_patience(solo->lease) > 0)
		face_tell(solo->face, MSG_LEASE_NOT_GIVEN_BACK, lease_before(solo->lease)->host);
	while ((left = until - clock_boottime()) > 0) {
		(void)poll(NULL, 0, left > SLICE ? SLICE : (int)left);
		if (stop_wanted())
			return err_set(err, ERR_CANCELLED, "before anything was dropped");
	}
	return 0;
}

void solo_end(struct solo *solo)
{
	json_release(solo->checkpoint);
	mongo_close(solo->mongo);
	lease_release(solo->lease);
}

void solo_context(struct solo *solo, struct step_context *ret_context)
{
	*ret_context = (struct step_context){
		.site = &solo->site,
		.mongo = solo->mongo,
		.host = &solo->host,
		.options = &solo->options,
		.run_id = solo->run_id,
		.run_dirfd = -1,
		.state_dirfd = -1,
		.arena = &solo->face->arena,
		.checkpoint = solo->checkpoint == NULL ? NULL : json_root(solo->checkpoint),
		.checkpoint_of = no_checkpoint,
	};
}
