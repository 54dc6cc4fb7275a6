/*
 * attest: an in-toto Statement v1 about files, of any predicate.
 */
#ifndef OFFKIT_PACK_ATTEST_H
#define OFFKIT_PACK_ATTEST_H

#include "base/bytes.h"

/* "slsaprovenance1" and the other names that cosign has, or a URI as it is; NULL: neither. */
const char *attest_predicate_type(const char *name);

/*
 * Writes the statement as RFC 8785 has it. The names are relative to the folder, in the form that
 * names in a kit have (name.h), each once; predicate is a JSON object. ERR_SYNTAX, ERR_LIMIT,
 * ERR_USAGE and what reading files meets.
 */
MUST_CHECK int attest_statement(int dirfd, const char *const *names, size_t count,
	const char *predicate_type, struct bytes predicate, struct str *out, struct err *err);

#endif
