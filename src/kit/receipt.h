/*
 * receipt: what a site says of a run, signed by its own key: an in-toto Statement v1 about the
 * files of the run's report, of predicate type urn:offkit:receipt:v1
 * (kit-layout/receipt.schema.json), in a DSSE envelope.
 *
 * A site's key is nobody's but the site's: what it says is as good as the way on which its public
 * half came here. One that was read is whole and within the limits, and written again it is the
 * same.
 */
#ifndef OFFKIT_KIT_RECEIPT_H
#define OFFKIT_KIT_RECEIPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "crypto/digest.h"
#include "crypto/key.h"
#include "json/json_write.h"

#define RECEIPT_TYPE	 "urn:offkit:receipt:v1"
#define RECEIPT_NAME	 "receipt.dsse"
#define RECEIPT_KEY_NAME "site-key.pub"

enum {
	RECEIPT_SIZE_MAX = 8 * 1024 * 1024, /* octets of the envelope */
	RECEIPT_TEXT_MAX = 1000, /* octets of each text; what is longer is cut by the writer */
	RECEIPT_STEPS_MAX = 300,
	RECEIPT_ANSWERS_MAX = 200, /* the newest; the report has them all */
	RECEIPT_HASHES_MAX = 300,
	RECEIPT_FILES_MAX = 8,
};

struct receipt_step {
	const char *name, *kind, *outcome;
	int64_t duration; /* ms */
};

struct receipt_answer {
	int64_t time;
	const char *kind, *step, *text, *choice, *by,
		*reason; /* kind, step, text, reason: "" if there is none */
};

struct receipt_hash {
	const char *step, *sha256; /* of a backfill's report */
};

struct receipt_file {
	const char *name;
	struct sha256 digest;
};

/* Texts are never NULL; what is optional and absent is "". Digests are lower-case hexadecimal. */
struct receipt {
	const char *run, *outcome; /* done, failed, stopped, undone, cancelled */
	const char *validation;	   /* passed, failed, skipped, none */
	int64_t exit, begun, ended, duration;
	const char *offkit_version;
	int64_t offkit_commit;
	const char *kit_name, *kit_version, *kit_digest; /* digest: of the manifest */
	int64_t kit_sequence;
	int64_t root_version;
	const char *root_digest;
	const char *site, *environment, *database;
	const char *host, *machine; /* machine: of its id, see kit-layout; optional */
	int64_t events;
	const char *head; /* of the event chain */
	const char *force_reason;
	struct {
		const char *receipt, *key, *run, *site; /* the staging receipt that was accepted */
		const char *reason;			/* or why there was none */
	} staging;
	size_t step_count, answer_count, hash_count, file_count;
	struct receipt_step *steps;
	struct receipt_answer *answers;
	struct receipt_hash *hashes;
	struct receipt_file *files; /* at least 1 */
};

/* The statement as RFC 8785 has it. */
MUST_CHECK int receipt_write(const struct receipt *receipt, struct str *out, struct err *err);

/* Its predicate alone, as the members of an open object. */
void receipt_write_members(const struct receipt *receipt, struct json_writer *writer);

/* Everything lives in arena. ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK int receipt_parse(struct bytes untrusted_payload, struct arena *arena,
	struct receipt *ret_receipt, struct err *err);

/* Whether it can be a site's: ERR_RECEIPT. */
MUST_CHECK int receipt_key_check(const struct public_key *key, struct err *err);

/*
 * An envelope that key, an Ed25519 key, has signed. Only what it signed is parsed. ERR_RECEIPT, for
 * whatever is wrong with it.
 */
MUST_CHECK int receipt_open(struct bytes untrusted_text, const struct public_key *key,
	struct arena *arena, struct receipt *ret_receipt, struct err *err);

#endif
