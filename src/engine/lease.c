#include "engine/lease.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/thread.h"
#include "engine/lease_document.h"
#include "text/message.h"
#include "text/text.h"

/* ---- arithmetic */

struct lease_times lease_times_of(int64_t length)
{
	return (struct lease_times){
		.length = length,
		.write_time = length / 3,
		.margin = length / 12,
		.renewal = length / 6,
	};
}

bool lease_covers(const struct lease_times *times, int64_t renewed, int64_t now)
{
	return renewed + times->length - now > times->write_time + times->margin;
}

bool lease_is_held(const struct lease_holder *holder)
{
	return holder->token > 0 && holder->expires > holder->now;
}

int64_t lease_patience_with(const struct lease_holder *holder)
{
	int64_t wait = holder->wait < 0 || holder->wait > LEASE_MAX ? LEASE_MAX : holder->wait;
	int64_t left = holder->expires - holder->now;

	if (holder->token == 0 || holder->expires == 0 || left + wait < 0)
		return 0;
	return left > LEASE_MAX ? LEASE_MAX + wait : left + wait;
}

void lease_describe(
	const struct language *language, const struct lease_holder *holder, struct str *out)
{
	CLEANUP_STR struct str owner = STR_INIT, command = STR_INIT, host = STR_INIT;
	char since[RFC3339_SIZE], until[RFC3339_SIZE];

	time_format(holder->since / 1000 * 1000, since);
	time_format(holder->expires / 1000 * 1000, until);
	text_escape(&owner, bytes_of_string(holder->owner), 64);
	text_escape(&command, bytes_of_string(holder->command), 64);
	text_escape(&host, bytes_of_string(holder->host), 128);
	message_append(out, language, MSG_LEASE_HOLDER, str_text(&owner), str_text(&command),
		(long long)holder->pid, str_text(&host), since);
	if (holder->expires != 0)
		message_append(out, language, MSG_LEASE_UNTIL, until);
}

/* ---- the lease of a run */

struct lease {
	struct arena arena;
	char *uri, *database;
	struct lease_self self;
	struct lease_holder before, ours;
	int64_t token, patience;
	struct str document; /* as it was when we took it */
	struct mongo_guard guard;

	pthread_t thread;
	bool thread_runs;
	struct mongo *mongo; /* the thread's; before and after it the maker's */
	bool unsure;	     /* what was sent last may still come */

	pthread_mutex_t mutex; /* for what is below */
	pthread_cond_t changed;
	int64_t renewed;	   /* boottime at which the last renewal that held was sent */
	uint64_t begun, ended;	   /* renewals */
	bool wanted, ending, lost; /* wanted: at once */
	struct err failure; /* of the last renewal, while it is none that held; code 0: none */
};

static const int64_t RETRY_INTERVAL = 500;

/* Answers must come soon; a slow server is no reason to give a run up that has time. */
static int64_t answer_time(const struct lease_times *times)
{
	int64_t time = times->length / 4;

	return time < 5000 ? 5000 : time > 15000 ? 15000 : time;
}

static int connect_again(struct lease *lease, struct err *err)
{
	if (lease->mongo != NULL)
		return 0;
	return mongo_connect_within(
		lease->uri, lease->database, answer_time(&lease->self.times), &lease->mongo, err);
}

static int renew(struct lease *lease, bool *ret_ours, struct err *err)
{
	int rc = connect_again(lease, err);

	if (rc == 0)
		rc = lease_document_renew(lease->mongo, lease->token, lease->self.times.length,
			bytes_make(NULL, 0), ret_ours, err);
	if (rc < 0) {
		mongo_close(lease->mongo); /* it may be half dead */
		lease->mongo = NULL;
	}
	return rc;
}

/* Who has it now, for the message. */
static int taken(struct mongo *mongo, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str doc = STR_INIT, who = STR_INIT;
	struct lease_holder holder;
	struct err ignored;

	if (lease_look(mongo, &doc, &ignored) < 0 || doc.size == 0 ||
		lease_holder_read(str_bytes(&doc), &arena, &holder, &ignored) < 0)
		return err_set(err, ERR_LEASE_LOST, "the lease document is gone or is another's");
	lease_describe(NULL, &holder, &who);
	return err_set(err, ERR_LEASE_LOST, "it is now of %s", str_text(&who));
}

/* With the mutex. */
static void settle(struct lease *lease, int rc, bool ours, int64_t sent, const struct err *failure)
{
	if (rc == 0 && ours && sent > lease->renewed)
		lease->renewed = sent;
	if (rc == 0 && ours)
		lease->failure.code = ERR_NONE;
	else if (!lease->lost)
		lease->failure = *failure;
	lease->lost = lease->lost || (rc == 0 && !ours);
	(void)pthread_cond_broadcast(&lease->changed);
}

static void renew_now(struct lease *lease)
{
	struct err failure;
	bool ours = false;

	lease->wanted = false;
	lease->begun++;
	(void)pthread_mutex_unlock(&lease->mutex);
	int64_t sent = clock_boottime();
	int rc = renew(lease, &ours, &failure);
	if (rc == 0 && !ours)
		(void)!taken(lease->mongo, &failure);
	(void)pthread_mutex_lock(&lease->mutex);
	lease->ended++;
	settle(lease, rc, ours, sent, &failure);
}

static void *keep_renewing(void *argument)
{
	struct lease *lease = argument;

	(void)pthread_mutex_lock(&lease->mutex);
	int64_t next = lease->renewed + lease->self.times.renewal;
	while (!lease->ending && !lease->lost) {
		int64_t now = clock_boottime();
		if (!lease->wanted && now < next) {
			const struct timespec until = clock_deadline(next - now);
			(void)pthread_cond_timedwait(&lease->changed, &lease->mutex, &until);
			continue;
		}
		renew_now(lease);
		now = clock_boottime();
		next = lease->failure.code == ERR_NONE ? now + lease->self.times.renewal
						       : now + RETRY_INTERVAL;
	}
	(void)pthread_mutex_unlock(&lease->mutex);
	return NULL;
}

/* ---- the guard */

static int refuse(const struct lease *lease, struct err *err)
{
	*err = lease->failure;
	return -(int)err->code;
}

static int may_write(void *self, struct err *err)
{
	struct lease *lease = self;
	int rc = 0;

	(void)pthread_mutex_lock(&lease->mutex);
	if (!lease->lost && !lease_covers(&lease->self.times, lease->renewed, clock_boottime())) {
		/* One that begins from now on: what is under way was sent too long ago. */
		uint64_t wanted = lease->begun + 1;
		lease->wanted = true;
		(void)pthread_cond_broadcast(&lease->changed);
		while (lease->ended < wanted && !lease->lost && !lease->ending)
			(void)pthread_cond_wait(&lease->changed, &lease->mutex);
	}
	if (lease->lost)
		rc = refuse(lease, err);
	else if (!lease_covers(&lease->self.times, lease->renewed, clock_boottime()))
		rc = lease->failure.code != ERR_NONE
			     ? err_set(err, ERR_DATABASE_LOST, "the lease cannot be renewed: %s",
				       lease->failure.message)
			     : err_set(err, ERR_DATABASE_LOST,
				       "the lease is renewed more slowly than it expires");
	(void)pthread_mutex_unlock(&lease->mutex);
	return rc;
}

const struct mongo_guard *lease_guard(const struct lease *lease)
{
	return &lease->guard;
}

int lease_write(struct lease *lease, struct mongo *mongo, struct bytes fields, struct err *err)
{
	struct err failure;
	int64_t sent = clock_boottime();
	bool ours = false;
	int rc = lease_document_renew(
		mongo, lease->token, lease->self.times.length, fields, &ours, err);

	if (rc < 0)
		return rc;
	if (!ours)
		(void)!taken(mongo, &failure);
	(void)pthread_mutex_lock(&lease->mutex);
	settle(lease, 0, ours, sent, &failure);
	if (!ours)
		rc = refuse(lease, err);
	(void)pthread_mutex_unlock(&lease->mutex);
	return rc;
}

/* ---- taking it, giving it back */

/* What no other folder of any kernel that runs is called; "" if that cannot be known. */
static void find_place(int state_dirfd, char place[static PLACE_SIZE])
{
	CLEANUP_STR struct str boot = STR_INIT;
	struct err ignored;
	struct stat status;

	place[0] = '\0';
	if (file_read_path("/proc/sys/kernel/random/boot_id", 128, &boot, &ignored) < 0 ||
		boot.size < 37 || fstat(state_dirfd, &status) != 0)
		return;
	(void)snprintf(place, PLACE_SIZE, "%.36s %llx:%llx", str_text(&boot),
		(unsigned long long)status.st_dev, (unsigned long long)status.st_ino);
}

static int copy_claim(struct lease *lease, const struct lease_claim *claim, struct err *err)
{
	char place[PLACE_SIZE];
	struct utsname host;

	if (uname(&host) != 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "uname");
	find_place(claim->state_dirfd, place);
	lease->uri = strdup(claim->uri);
	lease->database = strdup(claim->database);
	lease->self = (struct lease_self){
		.owner = arena_string(&lease->arena, claim->owner),
		.command = arena_string(&lease->arena, claim->command),
		.host = arena_string(&lease->arena, host.nodename),
		.place = arena_string(&lease->arena, place),
		.pid = getpid(),
		.times = lease_times_of(claim->length),
		.broken = claim->broken,
	};
	if (lease->uri == NULL || lease->database == NULL || lease->self.owner == NULL ||
		lease->self.command == NULL || lease->self.host == NULL ||
		lease->self.place == NULL)
		return err_no_memory(err);
	return 0;
}

static int held_by_another(struct lease *lease, struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT, who = STR_INIT;
	struct lease_holder holder;
	int rc = lease_look(lease->mongo, &doc, err);

	if (rc == 0 && doc.size == 0)
		return err_set(err, ERR_LOCKED, "the lease document is being changed");
	if (rc == 0)
		rc = lease_holder_read(str_bytes(&doc), &lease->arena, &holder, err);
	if (rc < 0)
		return rc;
	lease_describe(NULL, &holder, &who);
	return err_set(err, ERR_LOCKED, "the lease on database %s is held by %s", lease->database,
		str_text(&who));
}

/* The server's clock at which we took it stands in "since". */
static int read_taken(struct lease *lease, struct bytes doc, struct err *err)
{
	struct value before = doc_get(doc, "before");
	int rc = lease_holder_read(doc, &lease->arena, &lease->ours, err);

	if (rc == 0 && before.type != VALUE_DOCUMENT)
		rc = err_set(err, ERR_JOURNAL, "the lease: an answer without its former owner");
	if (rc == 0)
		rc = lease_holder_read(before.bytes, &lease->arena, &lease->before, err);
	if (rc < 0)
		return rc;
	lease->token = lease->ours.token;
	lease->before.now = lease->ours.since;
	bool same_place =
		*lease->ours.place != '\0' && strcmp(lease->ours.place, lease->before.place) == 0;
	lease->patience = same_place ? 0 : lease_patience_with(&lease->before);
	return 0;
}

static int start_thread(struct lease *lease, struct err *err)
{
	int rc = thread_condition(&lease->changed, err);

	if (rc < 0)
		return rc;
	(void)pthread_mutex_init(&lease->mutex, NULL);
	rc = thread_start(&lease->thread, keep_renewing, lease, err);
	lease->thread_runs = rc == 0;
	if (rc < 0) {
		(void)pthread_cond_destroy(&lease->changed);
		(void)pthread_mutex_destroy(&lease->mutex);
	}
	return rc;
}

static int take(struct lease *lease, const struct lease_claim *claim, struct err *err)
{
	bool got = false;
	int rc = copy_claim(lease, claim, err);

	if (rc == 0)
		rc = connect_again(lease, err);
	if (rc < 0)
		return rc;
	lease->renewed = clock_boottime();
	rc = lease_document_take(lease->mongo, &lease->self, &lease->document, &got, err);
	if (rc < 0)
		return rc;
	if (!got)
		return held_by_another(lease, err);
	rc = read_taken(lease, str_bytes(&lease->document), err);
	return rc < 0 ? rc : start_thread(lease, err);
}

int lease_take(const struct lease_claim *claim, struct lease **ret_lease, struct err *err)
{
	struct lease *lease = calloc(1, sizeof *lease);

	if (lease == NULL)
		return err_no_memory(err);
	lease->arena = ARENA_INIT;
	int rc = take(lease, claim, err);
	if (rc < 0) {
		lease_release(lease);
		return rc;
	}
	lease->guard = (struct mongo_guard){
		.self = lease,
		.write_time = lease->self.times.write_time,
		.may_write = may_write,
	};
	*ret_lease = lease;
	return 0;
}

static void give_back(struct lease *lease)
{
	struct err ignored;
	bool ours = false;

	if (lease->token == 0 || lease->lost || lease->failure.code != ERR_NONE ||
		connect_again(lease, &ignored) < 0)
		return;
	/* One that has expired is waited for, one that is free is not. */
	(void)!lease_document_renew(lease->mongo, lease->token, lease->unsure ? 1 : 0,
		bytes_make(NULL, 0), &ours, &ignored);
}

void lease_unsure(struct lease *lease)
{
	lease->unsure = true;
}

void lease_release(struct lease *lease)
{
	if (lease == NULL)
		return;
	if (lease->thread_runs) {
		(void)pthread_mutex_lock(&lease->mutex);
		lease->ending = true;
		(void)pthread_cond_broadcast(&lease->changed);
		(void)pthread_mutex_unlock(&lease->mutex);
		(void)pthread_join(lease->thread, NULL);
		(void)pthread_cond_destroy(&lease->changed);
		(void)pthread_mutex_destroy(&lease->mutex);
	}
	give_back(lease);
	mongo_close(lease->mongo);
	str_release(&lease->document);
	arena_release(&lease->arena);
	free(lease->uri);
	free(lease->database);
	free(lease);
}

const struct lease_holder *lease_before(const struct lease *lease)
{
	return &lease->before;
}

const struct lease_holder *lease_ours(const struct lease *lease)
{
	return &lease->ours;
}

struct bytes lease_document(const struct lease *lease)
{
	return str_bytes(&lease->document);
}

int64_t lease_token(const struct lease *lease)
{
	return lease->token;
}

int64_t lease_patience(const struct lease *lease)
{
	return lease->patience;
}
