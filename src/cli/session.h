/*
 * session: what the commands that work on a site begin with: the site file, the state folder, its
 * lock, the trust root, and the face that shows the run.
 */
#ifndef OFFKIT_CLI_SESSION_H
#define OFFKIT_CLI_SESSION_H

#include "cli/face.h"
#include "engine/feed.h"

/* The options of the commands that run steps. */
struct run_values {
	int64_t batch_size; /* 0: not given */
	int64_t workers;    /* 0: not given */
	bool stop_on_error;
	const char *max_conflicts; /* NULL: not given */
	const char *server_wait;   /* s, NULL: not given */
	int64_t max_lag;	   /* s, 0: not given */
	int64_t max_rate;	   /* documents a second, 0: not given */
	int64_t sample_size;	   /* 0: not given */
	bool accept_inexact;
	int64_t build_wait; /* s, 0: not given */
	bool allow_expiry;
	const char *reason;
	bool force;
	const char *force_reason;
	bool dry_run;
	const char *with;
	bool remove_objects;
	bool if_interrupted;
	bool break_lease;
	bool adopt;
	const char *staging_receipt;
	bool without_staging;
	struct option_list parts;
	const char *base;
};

#define RUN_OPTION_ROWS                                                                            \
	OPTION_ROW_INTEGER("batch-size", 0, "N", 1, 100000, struct run_values, batch_size,         \
		"documents in a batch of a backfill (500)"),                                       \
		OPTION_ROW_INTEGER("workers", 0, "N", 1, 32, struct run_values, workers,           \
			"batches of a copy at once (by the number of cores)"),                     \
		OPTION_ROW_FLAG("stop-on-error", 0, struct run_values, stop_on_error,              \
			"a backfill stops at its first error"),                                    \
		OPTION_ROW_TEXT("max-conflicts", 0, "N", struct run_values, max_conflicts,         \
			"conflicts at which a backfill stops"),                                    \
		OPTION_ROW_TEXT("server-wait", 0, "SECONDS", struct run_values, server_wait,       \
			"how long a server is waited for that goes away (300)"),                   \
		OPTION_ROW_INTEGER("max-lag", 0, "SECONDS", 1, 3600, struct run_values, max_lag,   \
			"replication lag at which a copy waits (60)"),                             \
		OPTION_ROW_INTEGER("max-rate", 0, "N", 1, 1000000, struct run_values, max_rate,    \
			"documents a second that are copied (as fast as it goes)"),                \
		OPTION_ROW_INTEGER("sample-size", 0, "N", 1, 10000, struct run_values,             \
			sample_size, "documents that validate derives again (200)"),               \
		OPTION_ROW_FLAG("accept-inexact", 0, struct run_values, accept_inexact,            \
			"go on where going back is not exact; needs --reason"),                    \
		OPTION_ROW_INTEGER("build-wait", 0, "SECONDS", 1, 86400, struct run_values,        \
			build_wait, "how long a stop waits for an index build (120)"),             \
		OPTION_ROW_FLAG("allow-expiry", 0, struct run_values, allow_expiry,                \
			"a TTL may delete documents that are there; needs --reason"),              \
		OPTION_ROW_TEXT(                                                                   \
			"reason", 0, "TEXT", struct run_values, reason, "why, for the evidence")

#define WITH_OPTION_ROWS                                                                           \
	OPTION_ROW_TEXT("with", 0, "MIGRATION", struct run_values, with,                           \
		"carry out this migration too, which the kit has on request")

#define LEASE_OPTION_ROWS                                                                          \
	OPTION_ROW_FLAG("break-lease", 0, struct run_values, break_lease,                          \
		"take another host's lease on the database; needs --reason")

#define STAGING_OPTION_ROWS                                                                        \
	OPTION_ROW_TEXT("staging-receipt", 0, "FILE", struct run_values, staging_receipt,          \
		"production: staging's receipt of this kit"),                                      \
		OPTION_ROW_FLAG("without-staging", 0, struct run_values, without_staging,          \
			"production without a receipt of staging; needs --reason")

#define FORCE_OPTION_ROWS                                                                          \
	OPTION_ROW_FLAG("force-activate", 0, struct run_values, force,                             \
		"do not refuse an older or expired kit (code 8)"),                                 \
		OPTION_ROW_TEXT("force-reason", 0, "TEXT", struct run_values, force_reason,        \
			"why, for the evidence")

struct session {
	struct face *face;
	struct site site;
	int state_dirfd;
	int lock_fd;
	struct trust_root *root;
	struct engine_options options;
};

#define SESSION_INIT ((struct session){.state_dirfd = -1, .lock_fd = -1})

enum session_access {
	SESSION_READS,	 /* the state folder may be missing; nothing is written */
	SESSION_CHANGES, /* it must be there, and is locked */
	SESSION_BEGINS,	 /* it is made, and locked */
};

/* values may be NULL. Release it also after a failure. */
MUST_CHECK int session_open(struct face *face, const char *command, enum session_access access,
	const struct run_values *values, struct session *session, struct err *err);
void session_release(struct session *session);

/* ERR_NO_TERMINAL unless there is a terminal to ask on, or --yes. Before anything is touched. */
MUST_CHECK int session_need_consent(const struct face *face, struct err *err);

struct trusted_kit;

/* Verifies a kit and unpacks it into the state folder; says where one that fails was put. late: it
 * was begun here already, so that its age does not count. */
MUST_CHECK int session_unpack(struct session *session, const char *path, const char *force_reason,
	bool late, struct trusted_kit **ret_kit, struct err *err);

/* Starts the engine in a process of its own, which has the lock from then on, and shows the run by
 * the face that was asked for. */
MUST_CHECK int session_run(struct session *session, feed_run *run, void *argument, struct err *err);

#endif
