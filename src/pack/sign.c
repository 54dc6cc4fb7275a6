#include "pack/sign.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kit/detached.h"
#include "trust/compose.h"

static int load_file(const char *path, struct private_key **ret_key, struct err *err)
{
	CLEANUP_STR struct str pem = STR_INIT;

	int rc = file_read_path(path, KEY_PEM_MAX, &pem, err);
	if (rc < 0)
		return rc;
	rc = private_key_from_pem(str_bytes(&pem), ret_key, err);
	if (pem.text != NULL)
		explicit_bzero(pem.text, pem.size);
	return rc < 0 ? err_context(err, "%s", path) : 0;
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

int signers_choose_schemes(
	struct signers *signers, const struct option_list *schemes, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < signers->count && rc == 0; i++)
		rc = choose_scheme(schemes, &signers->signers[i], err);
	for (size_t i = 0; i < schemes->count && rc == 0; i++)
		rc = check_scheme(schemes->items[i], signers, err);
	return rc;
}

/* Takes key over. */
static int add(struct signers *signers, const char *path, struct private_key *key, struct err *err)
{
	const struct public_key *public = private_key_public(key);
	struct signer *signer = &signers->signers[signers->count++];

	*signer = (struct signer){
		.path = path,
		.key = key,
		.scheme = public_key_default_scheme(public),
		.fingerprint = *public_key_fingerprint(public),
	};
	for (struct signer *other = signers->signers; other < signer; other++)
		if (sha256_equal(&other->fingerprint, &signer->fingerprint))
			return err_set(err, ERR_USAGE,
				"%s has the same key as %s, which would count once", path,
				other->path);
	return 0;
}

static int load_all(
	struct face *face, const struct sign_with *with, struct signers *signers, struct err *err)
{
	struct private_key *key = NULL;
	const char *path;
	int rc = 0;

	for (size_t i = 0; i < with->keys.count && rc == 0; i++) {
		path = with->keys.items[i];
		rc = load_file(path, &key, err);
		if (rc == 0)
			rc = add(signers, path, key, err);
	}
	for (size_t i = 0; i < with->signers.count && rc == 0; i++) {
		rc = signer_open(
			face, with->signers.items[i], with->signer_timeout, &path, &key, err);
		if (rc == 0)
			rc = add(signers, path, key, err);
	}
	return rc;
}

int signers_load(struct face *face, const struct sign_with *with, struct signers *ret_signers,
	struct err *err)
{
	struct signers signers = {0};

	signers.signers =
		calloc(with->keys.count + with->signers.count + 1, sizeof *signers.signers);
	if (signers.signers == NULL)
		return err_no_memory(err);
	int rc = load_all(face, with, &signers, err);
	if (rc == 0)
		rc = signers_choose_schemes(&signers, &with->schemes, err);
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

int sign_envelope(const struct signers *signers, struct envelope *envelope, struct arena *arena,
	struct err *err)
{
	for (size_t i = 0; i < signers->count; i++) {
		const struct signer *signer = &signers->signers[i];
		if (envelope_sign(envelope, signer->key, signer->scheme, "", arena, err) < 0)
			return err_context(err, "%s", signer->path);
	}
	return 0;
}

int sign_statement(
	const struct signers *signers, struct bytes payload, struct str *out, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct envelope envelope = {
		.payload_type = ENVELOPE_TYPE_IN_TOTO, .untrusted_payload = payload};

	int rc = sign_envelope(signers, &envelope, &arena, err);
	return rc < 0 ? rc : envelope_write(&envelope, out, err);
}

int sign_sums(const struct signers *signers, struct bytes sums, struct str *out, struct err *err)
{
	if (signers->count == 0)
		return err_set(err, ERR_USAGE, "there is no key to sign SHA256SUMS");
	const struct signer *signer = &signers->signers[0];
	if (detached_sign(sums, signer->key, signer->scheme, out, err) < 0)
		return err_context(err, "%s", signer->path);
	return 0;
}

int sign_root(const struct signers *signers, const struct trust_root *previous, struct str *text,
	struct err *err)
{
	for (size_t i = 0; i < signers->count; i++) {
		CLEANUP_STR struct str out = STR_INIT;
		const struct signer *signer = &signers->signers[i];
		if (trust_root_sign(str_bytes(text), previous, signer->key, &out, err) < 0)
			return err_context(err, "%s", signer->path);
		str_truncate(text, 0);
		str_append(text, out.text, out.size);
	}
	return str_check(text, err);
}
