/*
 * brought: signatures that were made elsewhere, over what `offkit-pack prepare` wrote, each brought
 * with the public key by which it is verified. Here they are signers that have signed already.
 */
#ifndef OFFKIT_PACK_BROUGHT_H
#define OFFKIT_PACK_BROUGHT_H

#include "pack/merge.h"
#include "pack/sign.h"

/*
 * Each given is "KEY.pub=SIGNATURE", both files, the latter in a form of crypto/signature.h or in a
 * Sigstore bundle; a signer's path is the signature's. Schemes as in
 * signers_load; a key may come again. The texts live in the face's arena. ERR_USAGE, ERR_LIMIT, and
 * what reading meets.
 */
MUST_CHECK int brought_load(struct face *face, const struct option_list *given,
	const struct option_list *schemes, struct signers *ret_signers, struct err *err);

/* Each signs by the scheme of its entry in keys. ERR_MANIFEST_SIGNATURE: one has none. */
MUST_CHECK int brought_by_keys(
	struct signers *signers, const struct merge_keys *keys, struct err *err);

/*
 * Adds each to the envelope, in place of its key's former one, or puts it into sums_signature if it
 * signs sums. ERR_MANIFEST_SIGNATURE: one signs neither; then what was added before is there. sums
 * NULL: there are none.
 */
MUST_CHECK int brought_add(const struct signers *signers, struct envelope *envelope,
	const struct str *sums, struct str *sums_signature, struct arena *arena, struct err *err);

#endif
