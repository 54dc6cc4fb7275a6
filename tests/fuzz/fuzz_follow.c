/*
 * Rotation of roots: the members "signed" of up to three roots come from the input and are signed
 * here. A root that is followed is one version on and signed by enough keys of both.
 *
 * Pieces: for each root who signs it (an octet, bits as the keys of aid.h), then the text of its
 * member "signed".
 */
#include "base/cleanup.h"
#include "tests/fuzz/aid.h"
#include "trust/chain.h"

enum { ROOTS_MAX = 3 };

/* How many of a root's own keys for roots are among the signers. */
static unsigned count(const struct trust_root *root, unsigned signers)
{
	const struct trust_role *role = trust_root_role(root, "root");
	unsigned found = 0;

	for (size_t i = 0; i < role->key_count; i++)
		for (unsigned key = 0; key < AID_KEYS; key++)
			found += (signers >> key & 1) != 0 &&
				 sha256_equal(public_key_fingerprint(role->keys[i]->key),
					 public_key_fingerprint(private_key_public(aid_key(key))));
	return found;
}

static unsigned threshold(const struct trust_root *root)
{
	return trust_root_role(root, "root")->threshold;
}

/* The same walk by the chain, to which they are offered backwards. */
static void chain(struct str *texts, struct trust_root *const *roots, int given, int followed)
{
	struct root_offer offers[ROOTS_MAX];
	struct trust_chain chain = trust_chain_begin(aid_root());
	struct err err;

	for (int i = 0; i < given; i++)
		offers[given - 1 - i] =
			(struct root_offer){roots[i] != NULL ? trust_root_version(roots[i]) : i + 2,
				str_bytes(&texts[i]), "root"};
	int rc = trust_chain_follow(&chain, offers, (size_t)given, NULL, &err);
	HOLDS(rc == 0 || rc == -ERR_TRUST_INVALID);
	int64_t reached = trust_root_version(chain.in_force);
	HOLDS(reached == trust_root_version(aid_root()) + (int64_t)chain.steps);
	HOLDS((chain.brought != NULL) == (chain.steps > 0));
	HOLDS(followed < given || (rc == 0 && chain.steps == (size_t)given));
	rc = trust_chain_check_known(&chain, offers, (size_t)given, &err);
	HOLDS(rc == 0 || rc == -ERR_TRUST_INVALID);
	HOLDS(followed < given || rc == 0);
	trust_chain_release(&chain);
}

/* 0, or why it does not follow. */
static int follow(const struct trust_root *last, unsigned signers, struct bytes text,
	struct trust_root **ret_root)
{
	struct err err;
	int rc = trust_root_parse(text, ret_root, &err);

	if (rc == 0)
		rc = trust_root_follow(last, *ret_root, &err);
	HOLDS(rc == 0 || rc == -ERR_TRUST_INVALID);
	if (rc < 0)
		return rc;
	HOLDS(trust_root_version(*ret_root) == trust_root_version(last) + 1);
	HOLDS(count(last, signers) >= threshold(last));
	HOLDS(count(*ret_root, signers) >= threshold(*ret_root));
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_make(data, size);
	struct trust_root *owned[ROOTS_MAX] = {NULL};
	struct str texts[ROOTS_MAX] = {STR_INIT};
	const struct trust_root *last = aid_root();
	int given = 0, followed = 0;

	for (; rest.size > 0 && given < ROOTS_MAX; given++) {
		unsigned signers = octet_of(take_piece(&rest), 0);
		aid_sign_root(take_piece(&rest), signers, &texts[given]);
		if (followed == given &&
			follow(last, signers, str_bytes(&texts[given]), &owned[given]) == 0)
			last = owned[followed++];
	}
	chain(texts, owned, given, followed);
	for (int i = 0; i < ROOTS_MAX; i++) {
		trust_root_free(owned[i]);
		str_release(&texts[i]);
	}
	return 0;
}
