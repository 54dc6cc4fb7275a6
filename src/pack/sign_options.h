/*
 * sign_options: what a command signs with: private keys in files, and commands that have them.
 */
#ifndef OFFKIT_PACK_SIGN_OPTIONS_H
#define OFFKIT_PACK_SIGN_OPTIONS_H

#include "pack/signer.h"

struct sign_with {
	struct option_list keys, signers, schemes;
	int64_t signer_timeout; /* s; 0: the usual one */
};

/* Rows of a values struct of which the sign_with is the member "with". */
#define SIGN_OPTION_ROWS(values)                                                                   \
	OPTION_ROW_LIST("key", 'k', "FILE", values, with.keys, "sign with this PEM key"),          \
		OPTION_ROW_LIST("signer", 0, "KEY.pub=COMMAND", values, with.signers,              \
			"have COMMAND sign: it reads octets and writes a signature"),              \
		OPTION_ROW_INTEGER("signer-timeout", 0, "SECONDS", 1, SIGNER_TIMEOUT_MAX, values,  \
			with.signer_timeout, "that a command has for a signature; else 120")

/* Where no trust root says by which scheme a key signs. */
#define SCHEME_OPTION_ROW(values)                                                                  \
	OPTION_ROW_LIST("scheme", 0, "SCHEME", values, with.schemes,                               \
		"what keys of its type sign by, as the trust root has it")

static inline bool sign_with_any(const struct sign_with *with)
{
	return with->keys.count > 0 || with->signers.count > 0;
}

#endif
