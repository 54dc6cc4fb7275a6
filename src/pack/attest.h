/*
 * attest: an in-toto Statement v1 about files and images, of any predicate.
 */
#ifndef OFFKIT_PACK_ATTEST_H
#define OFFKIT_PACK_ATTEST_H

#include "base/arena.h"
#include "base/bytes.h"
#include "crypto/digest.h"
#include "pack/face.h"
#include "pack/sign.h"

/* Rows of a values struct whose members are base, out and with. */
#define ATTEST_OPTION_ROWS(values)                                                                 \
	OPTION_ROW_TEXT("base", 0, "DIR", values, base,                                            \
		"the folder that the files' names are relative to; else this one"),                \
		SIGN_OPTION_ROWS(values), SCHEME_OPTION_ROW(values),                               \
		OPTION_ROW_TEXT("out", 'o', "FILE", values, out, "where the envelope goes")

struct attest_subject {
	const char *name;
	struct sha256 digest;
};

struct attest_subjects {
	size_t count, room;
	struct attest_subject *items; /* in an arena */
};

/* "slsaprovenance1" and the other names that cosign has, or a URI as it is; NULL: neither. */
const char *attest_predicate_type(const char *name);

/* A subject of whatever name; both live in arena. ERR_LIMIT. */
MUST_CHECK int attest_add(struct attest_subjects *subjects, const char *name,
	const struct sha256 *digest, struct arena *arena, struct err *err);

/*
 * Files by their SHA-256. The names are relative to the folder, in the form that names in a kit
 * have (name.h), each once, and live longer. ERR_USAGE, and what reading files meets.
 */
MUST_CHECK int attest_add_files(struct attest_subjects *subjects, int dirfd,
	const char *const *names, size_t count, struct arena *arena, struct err *err);

/* An image by the digest that the OCI layout in that file leads to; called FILE@sha256:DIGEST, as
 * offkit verify calls it. The errors of verify/image.h. */
MUST_CHECK int attest_add_image(struct attest_subjects *subjects, int dirfd, const char *name,
	struct arena *arena, struct err *err);

/* Writes the statement as RFC 8785 has it; predicate is a JSON object. ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK int attest_statement(const struct attest_subjects *subjects, const char *predicate_type,
	struct bytes predicate, struct str *out, struct err *err);

/* Signs it, writes its envelope to out, and shows the result; a note says that nobody has signed it
 * yet. The errors of attest_statement, signing and place_file. */
MUST_CHECK int attest_finish(struct face *face, const struct signers *signers,
	const struct attest_subjects *subjects, const char *predicate_type, struct bytes predicate,
	const char *out, struct err *err);

#endif
