#include "pack/sign.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kit/detached.h"

static int load(const char *path, struct signer *signer, struct err *err)
{
	CLEANUP_STR struct str pem = STR_INIT;

	int rc = file_read_path(path, KEY_PEM_MAX, &pem, err);
	if (rc < 0)
		return rc;
	rc = private_key_from_pem(str_bytes(&pem), &signer->key, err);
	if (pem.text != NULL)
		explicit_bzero(pem.text, pem.size);
	if (rc < 0)
		return err_context(err, "%s", path);
	const struct public_key *public = private_key_public(signer->key);
	signer->scheme = public_key_default_scheme(public);
	signer->fingerprint = *public_key_fingerprint(public);
	return 0;
}

/* The one scheme of the list that such a key can sign by, or its usual one. */
static int choose_scheme(const struct option_list *schemes, struct signer *signer, struct err *err)
{
	const struct public_key *public = private_key_public(signer->key);
	bool chosen = false;

	for (size_t i = 0; i < schemes->count; i++) {
		enum key_scheme scheme = key_scheme_by_name(schemes->items[i]);
		if (!public_key_supports(public, scheme))
			continue;
		if (chosen && scheme != signer->scheme)
			return err_set(err, ERR_USAGE,
				"a key of type %s cannot sign by both %s and %s",
				public_key_description(public), key_scheme_name(signer->scheme),
				schemes->items[i]);
		signer->scheme = scheme;
		chosen = true;
	}
	return 0;
}

static int check_scheme(const char *name, const struct signers *signers, struct err *err)
{
	enum key_scheme scheme = key_scheme_by_name(name);

	if (scheme == KEY_SCHEME_NONE)
		return err_set(err, ERR_USAGE, "there is no scheme \"%s\"", name);
	for (size_t i = 0; i < signers->count; i++)
		if (signers->signers[i].scheme == scheme)
			return 0;
	return err_set(err, ERR_USAGE, "none of the keys can sign by %s", name);
}

static int choose_schemes(
	const struct option_list *schemes, struct signers *signers, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < signers->count && rc == 0; i++)
		rc = choose_scheme(schemes, &signers->signers[i], err);
	for (size_t i = 0; i < schemes->count && rc == 0; i++)
		rc = check_scheme(schemes->items[i], signers, err);
	return rc;
}

static int load_all(const struct option_list *files, struct signers *signers, struct err *err)
{
	for (size_t i = 0; i < files->count; i++) {
		int rc = load(files->items[i], &signers->signers[i], err);
		if (rc < 0)
			return rc;
		signers->count++;
		for (size_t k = 0; k < i; k++)
			if (sha256_equal(&signers->signers[k].fingerprint,
				    &signers->signers[i].fingerprint))
				return err_set(err, ERR_USAGE,
					"%s has the same key as %s, which would count once",
					files->items[i], files->items[k]);
	}
	return 0;
}

int signers_load(const struct option_list *files, const struct option_list *schemes,
	struct signers *ret_signers, struct err *err)
{
	struct signers signers = {0};

	signers.signers = calloc(files->count + 1, sizeof *signers.signers);
	if (signers.signers == NULL)
		return err_no_memory(err);
	int rc = load_all(files, &signers, err);
	if (rc == 0 && schemes != NULL)
		rc = choose_schemes(schemes, &signers, err);
	if (rc < 0) {
		signers_release(&signers);
		return rc;
	}
	*ret_signers = signers;
	return 0;
}

void signers_release(struct signers *signers)
{
	for (size_t i = 0; i < signers->count; i++)
		private_key_free(signers->signers[i].key);
	free(signers->signers);
	*signers = (struct signers){0};
}

int sign_statement(
	const struct signers *signers, struct bytes payload, struct str *out, struct err *err)
{
	struct arena arena = ARENA_INIT;
	struct envelope envelope = {
		.payload_type = ENVELOPE_TYPE_IN_TOTO, .untrusted_payload = payload};
	int rc = 0;

	for (size_t i = 0; i < signers->count && rc == 0; i++)
		rc = envelope_sign(&envelope, signers->signers[i].key, signers->signers[i].scheme,
			"", &arena, err);
	if (rc == 0)
		rc = envelope_write(&envelope, out, err);
	arena_release(&arena);
	return rc;
}

int sign_sums(const struct signers *signers, struct bytes sums, struct str *out, struct err *err)
{
	if (signers->count == 0)
		return err_set(err, ERR_USAGE, "there is no key to sign SHA256SUMS");
	return detached_sign(sums, signers->signers[0].key, signers->signers[0].scheme, out, err);
}
