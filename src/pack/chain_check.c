#include "pack/chain_check.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "trust/chain.h"

static int check_root(const struct trust_root *before, const struct trust_root *root,
	int64_t version, struct err *err)
{
	if (trust_root_version(root) != version)
		return err_set(err, ERR_TRUST_INVALID, "it is version %lld",
			(long long)trust_root_version(root));
	if (before == NULL)
		return trust_root_signed_by(root, root, err);
	if (trust_root_version(before) + 1 != version)
		return err_set(err, ERR_TRUST_GAP, "version %lld before it is missing",
			(long long)version - 1);
	return trust_root_follow(before, root, err);
}

int chain_check(
	int dirfd, const struct input *input, struct trust_root **ret_newest, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *before = NULL;

	for (size_t i = 0; i < input->root_count; i++) {
		CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
		CLEANUP_STR struct str text = STR_INIT;
		const char *name = input->roots[i];
		int rc = file_read_at(dirfd, name, ROOT_SIZE_MAX, &text, err);
		if (rc == 0)
			rc = trust_root_parse(str_bytes(&text), &root, err);
		if (rc == 0)
			rc = check_root(
				before, root, strtoll(name + strlen("trust/"), NULL, 10), err);
		if (rc < 0)
			return err_context(err, "%s", name);
		trust_root_free(before);
		before = STEAL(root);
	}
	*ret_newest = STEAL(before);
	return 0;
}

size_t chain_accepted(const struct trust_root *root, const struct signers *signers)
{
	const struct trust_role *role = trust_root_role(root, "targets");
	size_t count = 0;

	for (size_t i = 0; i < role->key_count; i++)
		for (size_t j = 0; j < signers->count; j++)
			if (sha256_equal(public_key_fingerprint(role->keys[i]->key),
				    &signers->signers[j].fingerprint))
				count++;
	return count;
}
