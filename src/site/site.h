/*
 * site: what the site says of itself: the site file (offkit-site(5), kit-layout/site.schema.json).
 *
 * Strict JSON; an unknown member is an error. The database URI comes, in this order, from
 * the environment (OFFKIT_MONGODB_URI), from the file that database.uriFile names (owner only), or
 * from database.uri, and is never shown whole. Errors are ERR_SITE, and
 * ERR_NO_SITE where there is no site file.
 */
#ifndef OFFKIT_SITE_SITE_H
#define OFFKIT_SITE_SITE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "compress/stream.h"
#include "site/s3.h"

enum { SITE_SIZE_MAX = 256 * 1024, HOOK_ARGUMENTS_MAX = 64, SITE_COLLECTIONS_MAX = 256 };

#define SITE_DEFAULT_PATH      "/etc/offkit/site.json"
#define SITE_DEFAULT_STATE_DIR "/var/lib/offkit"

/* A command of the site: an argument vector, no shell. argv[0] is absolute. */
struct site_hook {
	const char **argv; /* NULL-terminated; NULL: the site names no such hook */
	int64_t timeout;   /* ms, 120,000 by default */
};

struct site {
	const char *name;	 /* "vault-3" */
	const char *environment; /* "staging", "production", "demo" */
	const char *staging_key; /* production: a PEM, or the path of one; NULL: none is named */
	const char *uri;	 /* with its secrets: never print it, see mongo_uri_redact */
	const char *database;
	const char *rehearsal_uri; /* with its secrets too; NULL: the same server */
	const char *state_dir;	   /* "/var/lib/offkit" by default */
	const char *backup_dir;	   /* state_dir/backups by default */
	const char *object_store;  /* a folder, unless s3 has an endpoint; state_dir/objects */
	struct site_s3 s3;

	struct site_hook freeze;
	struct site_hook unfreeze;
	size_t frozen_count; /* collections in which silence is looked for */
	const char **frozen;
	int64_t silence;	/* ms of silence to be seen, 5,000 by default */
	int64_t watch;		/* ms of watching after ingest is resumed, 300,000 by default */
	int64_t backlog_limit;	/* events, 500 by default */
	int64_t backlog_time;	/* ms over the limit before it is an alert, 600,000 by default */
	int64_t lease;		/* ms that the lease on the database holds unless renewed, 60,000 */
	int64_t max_lag;	/* ms of replication lag, 60,000 by default */
	int64_t max_imbalance;	/* per cent of a sharded collection, 20 by default */
	int64_t backup_workers; /* ranges read at once, 4 by default */
	int64_t backup_checkpoint_seconds; /* between two that keep what is read; 5 by default */
	int64_t backup_divide_octets;	   /* a collection of so many is read by ranges; 256 MiB */
	enum compression backup_compression; /* gzip by default: mongorestore reads it, not zstd */
};

/* path NULL: SITE_DEFAULT_PATH. state_dir, if not NULL, overrides the file's. Lives in arena. */
MUST_CHECK int site_load(const char *path, const char *state_dir, struct arena *arena,
	struct site *ret_site, struct err *err);

/*
 * The same, but everything that is wrong is told, each in a line that names the member; what could
 * not be read is as it is by default, or NULL. An error is only that memory is out.
 */
typedef void site_problem(void *argument, const char *text);
MUST_CHECK int site_check(const char *path, const char *state_dir, struct arena *arena,
	site_problem *problem, void *argument, struct site *ret_site, struct err *err);

/* Whether a file for its owner only may have this text; what it names is read too. */
MUST_CHECK int site_check_text(struct bytes text, struct arena *arena, struct err *err);

/* The one line of a file that only its owner may read. Lives in arena. */
MUST_CHECK int site_read_uri_file(
	const char *path, struct arena *arena, const char **ret_uri, struct err *err);

/* What a server takes as one: 1 to 63 octets, without / \ . space " $ * < > : | ? */
bool site_is_database_name(const char *name);

#endif
