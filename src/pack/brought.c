#include "pack/brought.h"

#include <stdlib.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kit/detached.h"
#include "pack/load_key.h"

/* The holder of the key has signed already: this is what. */
static int hand_out(void *argument, enum key_scheme scheme, const struct signed_message *message,
	struct str *untrusted_output, struct err *err)
{
	const struct bytes *text = argument;

	(void)scheme;
	(void)message;
	str_append(untrusted_output, text->data, text->size);
	return str_check(untrusted_output, err);
}

/* As a tool writes it, or a Sigstore bundle around it. */
static int read_signature(
	struct face *face, const char *path, struct bytes **ret_text, struct err *err)
{
	CLEANUP_STR struct str content = STR_INIT;
	struct bytes *text = arena_alloc(&face->arena, sizeof *text);
	struct detached detached;

	int rc = file_read_path(path, DETACHED_SIZE_MAX, &content, err);
	if (rc < 0)
		return rc;
	if (text == NULL)
		return err_no_memory(err);
	if (content.size > 0 && content.text[0] == '{') {
		if (detached_parse(str_bytes(&content), &face->arena, &detached, err) < 0)
			return err_context(err, "%s", path);
		*text = detached.signature;
	} else {
		*text = arena_bytes(&face->arena, str_bytes(&content));
		if (text->data == NULL && content.size > 0)
			return err_no_memory(err);
	}
	*ret_text = text;
	return 0;
}

static int load(struct face *face, const char *given, struct signer *signer, struct err *err)
{
	struct public_key *public = NULL;
	struct bytes *text = NULL;
	const char *path;
	int rc = load_given_key(&face->arena, "--signature", given, "SIGNATURE, its file",
		&signer->path, &path, &public, err);

	if (rc < 0)
		return rc;
	rc = read_signature(face, path, &text, err);
	if (rc < 0) {
		public_key_free(public);
		return rc;
	}
	rc = private_key_elsewhere(public, hand_out, text, &signer->key, err);
	if (rc < 0)
		return rc;
	signer->path = path;
	signer->scheme = public_key_default_scheme(public);
	signer->fingerprint = *public_key_fingerprint(public);
	return 0;
}

int brought_load(struct face *face, const struct option_list *given,
	const struct option_list *schemes, struct signers *ret_signers, struct err *err)
{
	CLEANUP(signers_release) struct signers signers = {0};
	int rc = 0;

	signers.signers = calloc(given->count + 1, sizeof *signers.signers);
	if (signers.signers == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < given->count && rc == 0; i++) {
		rc = load(face, given->items[i], &signers.signers[i], err);
		signers.count += rc == 0;
	}
	if (rc == 0)
		rc = signers_choose_schemes(&signers, schemes, err);
	if (rc < 0)
		return rc;
	*ret_signers = signers;
	signers = (struct signers){0};
	return 0;
}

int brought_by_keys(struct signers *signers, const struct merge_keys *keys, struct err *err)
{
	for (size_t i = 0; i < signers->count; i++) {
		struct signer *signer = &signers->signers[i];
		size_t k = 0;
		while (k < keys->count && !sha256_equal(public_key_fingerprint(keys->keys[k]->key),
						  &signer->fingerprint))
			k++;
		if (k == keys->count)
			return err_set(err, ERR_MANIFEST_SIGNATURE,
				"%s: it is by none of the keys that the trust root names",
				signer->path);
		signer->scheme = keys->keys[k]->scheme;
	}
	return 0;
}

static int add_sums(const struct signer *signer, const struct str *sums, struct str *sums_signature,
	struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	int rc = detached_sign(str_bytes(sums), signer->key, signer->scheme, &text, err);

	if (rc < 0)
		return rc;
	str_truncate(sums_signature, 0);
	str_append(sums_signature, text.text, text.size);
	return str_check(sums_signature, err);
}

static int add(const struct signer *signer, struct envelope *envelope, const struct str *sums,
	struct str *sums_signature, struct arena *arena, struct err *err)
{
	struct err tried;
	int rc = envelope_sign(envelope, signer->key, signer->scheme, "", arena, &tried);

	if (rc == -ERR_SIGNER && sums != NULL)
		rc = add_sums(signer, sums, sums_signature, &tried);
	if (rc == 0)
		return 0;
	*err = tried;
	if (rc == -ERR_SIGNER) {
		(void)err_recode(err, ERR_MANIFEST_SIGNATURE);
		(void)err_context(err, "it signs %s",
			sums != NULL ? "neither the manifest nor SHA256SUMS" : "something else");
	}
	return err_context(err, "%s", signer->path);
}

int brought_add(const struct signers *signers, struct envelope *envelope, const struct str *sums,
	struct str *sums_signature, struct arena *arena, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < signers->count && rc == 0; i++)
		rc = add(&signers->signers[i], envelope, sums, sums_signature, arena, err);
	return rc;
}
