/*
 * statement: an in-toto Statement, v0.1 or v1, of anybody's making: its type, its subjects and the
 * type of its predicate. The predicate itself is whatever its type says.
 */
#ifndef OFFKIT_KIT_STATEMENT_H
#define OFFKIT_KIT_STATEMENT_H

#include "base/arena.h"
#include "crypto/digest.h"
#include "json/json_write.h"
#include "json/json.h"

#define STATEMENT_TYPE_0_1 "https://in-toto.io/Statement/v0.1"

enum {
	STATEMENT_SIZE_MAX = 4 * 1024 * 1024,
	STATEMENT_SUBJECTS_MAX = 10000,
	STATEMENT_TEXT_MAX = 1024,
};

struct statement_subject {
	const char *name; /* "" if absent */
	bool has_sha256;  /* other digests say nothing here */
	struct sha256 digest;
};

struct statement {
	const char *predicate_type;
	size_t subject_count; /* at least 1 */
	struct statement_subject *subjects;
};

/*
 * As the Attestation Framework has it: unknown members are passed over, a subject has at least one
 * digest of whatever algorithm, and its name identifies nothing (v0.1 asks for one all the same).
 * Everything lives in arena. ERR_SYNTAX, ERR_LIMIT.
 */
MUST_CHECK int statement_parse(struct bytes payload, struct arena *arena,
	struct statement *ret_statement, struct err *err);

/* An entry of the array "subject", its members in the order of RFC 8785. */
void statement_write_subject(
	struct json_writer *json, const char *name, const struct sha256 *digest);

/* RFC 3986 section 3: a scheme, then octets that a URI may have. What predicate types are. */
bool uri_valid(const char *text);

/* What people call a predicate type: "SLSA provenance v1", and in a word "provenance"; NULL: it is
 * not one that is known here. */
const char *predicate_type_title(const char *predicate_type);
const char *predicate_type_word(const char *predicate_type);

#endif
