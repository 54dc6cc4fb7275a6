/*
 * attest: an in-toto Statement v1 about files and images, of any predicate.
 */
#ifndef OFFKIT_PACK_ATTEST_H
#define OFFKIT_PACK_ATTEST_H

#include "base/arena.h"
#include "base/bytes.h"
#include "crypto/digest.h"
#include "pack/face.h"

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

/* The result of a command that wrote one to out; a note says that nobody has signed it yet. */
void attest_write_result(struct face *face, const char *out, const char *predicate_type,
	size_t subject_count, size_t signature_count);

#endif
