/*
 * sign: what signs: an envelope by every key, SHA256SUMS by the first one.
 */
#ifndef OFFKIT_PACK_SIGN_H
#define OFFKIT_PACK_SIGN_H

#include "base/arena.h"
#include "crypto/key.h"
#include "kit/envelope.h"
#include "pack/sign_options.h"
#include "trust/root.h"

struct signer {
	const char *path; /* of the key, or of the public key of one that is elsewhere */
	struct private_key *key;
	enum key_scheme scheme;
	struct sha256 fingerprint;
};

struct signers {
	size_t count;
	struct signer *signers;
};

/*
 * The keys in files first, then those of commands. The same key twice is ERR_USAGE: it would count
 * once. Each key signs by the one of the schemes that its type can, else by its type's usual one; a
 * scheme that no key takes, and two for one key, are ERR_USAGE. The face outlives them.
 */
MUST_CHECK int signers_load(struct face *face, const struct sign_with *with,
	struct signers *ret_signers, struct err *err);
/* As signers_load does. */
MUST_CHECK int signers_choose_schemes(
	struct signers *signers, const struct option_list *schemes, struct err *err);
void signers_release(struct signers *signers);

/* Adds the signatures of all keys; everything new lives in arena. */
MUST_CHECK int sign_envelope(const struct signers *signers, struct envelope *envelope,
	struct arena *arena, struct err *err);

/* A statement's envelope as one line, with the signatures of all keys (none is allowed here). */
MUST_CHECK int sign_statement(
	const struct signers *signers, struct bytes payload, struct str *out, struct err *err);

/* As `cosign sign-blob` writes it: base64. There must be a key. */
MUST_CHECK int sign_sums(
	const struct signers *signers, struct bytes sums, struct str *out, struct err *err);

/* A root's text becomes the same with all signatures; previous as in trust_root_sign. */
MUST_CHECK int sign_root(const struct signers *signers, const struct trust_root *previous,
	struct str *text, struct err *err);

#endif
