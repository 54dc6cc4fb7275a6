/*
 * bundle: what a vendor needs of a site, gathered in memory and redacted (text/redact.h), so that
 * all of it can be listed before any of it is written. Reads only.
 *
 * Never gathered: backups and other documents of the site (their sizes are), keys, hooks' further
 * arguments, the environment's values.
 */
#ifndef OFFKIT_CLI_BUNDLE_H
#define OFFKIT_CLI_BUNDLE_H

#include "cli/face.h"
#include "engine/history.h"
#include "text/redact.h"

enum {
	BUNDLE_ENTRIES_MAX = 512,
	BUNDLE_FILE_MAX = 16 * 1024 * 1024, /* octets of a file; of a larger one its end */
	BUNDLE_SIZE_MAX = 96 * 1024 * 1024, /* of all */
};

struct bundle_entry {
	const char *path;
	struct bytes content; /* as it will be written; of what is left out none */
	int64_t size;	      /* octets of the content, of what is left out those of the file */
	size_t redacted;      /* places */
	const char *why;      /* it is left out, or only its end is there; NULL: whole */
};

struct bundle {
	struct face *face; /* its arena has everything here */
	struct redaction redaction;
	char run[RUN_ID_SIZE];	   /* "": there is none */
	const char *assumed_state; /* the site file does not say where it is; NULL: it does */
	size_t count, left_out_count, host_count;
	int64_t size;
	struct bundle_entry entries[BUNDLE_ENTRIES_MAX];
	struct bundle_entry left_out[BUNDLE_ENTRIES_MAX];
};

/* run: NULL is the newest. ERR_NOT_FOUND if one was named and is not there; what else cannot be
 * read is left out, and it is said why. */
MUST_CHECK int bundle_gather(
	struct bundle *bundle, struct face *face, const char *run, bool hosts, struct err *err);

/* Redacts content and adds it; sorted by path in the end. */
MUST_CHECK int bundle_add(
	struct bundle *bundle, const char *path, struct bytes content, struct err *err);
MUST_CHECK int bundle_leave_out(
	struct bundle *bundle, const char *path, int64_t size, const char *why, struct err *err);

/* ---- bundle_facts.c */

/* What is to be taken out wherever it stands: passwords and hosts of the site. */
void bundle_learn(struct bundle *bundle);
/* A site file that is missing or no good: the state folder that it names nevertheless, or the usual
 * one, for all that follows. It says so. */
MUST_CHECK int bundle_assume_state(struct bundle *bundle, struct err *err);
/* The program, the machine, the site file. */
MUST_CHECK int bundle_add_facts(struct bundle *bundle, int state_dirfd, struct err *err);

#endif
