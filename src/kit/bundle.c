#include "kit/bundle.h"

#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "kit/envelope_internal.h"
#include "text/text.h"

enum { MEDIA_TYPE_MAX = 128, ALGORITHM_MAX = 64 };

/* The last two are one version: the suffix became part of the name while 0.3 was made. */
static const char *const media_types[] = {
	"application/vnd.dev.sigstore.bundle+json;version=0.1",
	"application/vnd.dev.sigstore.bundle+json;version=0.2",
	"application/vnd.dev.sigstore.bundle+json;version=0.3",
	"application/vnd.dev.sigstore.bundle.v0.3+json",
};
enum { MEDIA_TYPE_COUNT = sizeof media_types / sizeof media_types[0] };

/* HashAlgorithm of sigstore_common.proto, as far as a scheme of ours has it. */
static const struct {
	const char *name;
	enum digest_size size;
} algorithms[] = {
	{"SHA2_256", DIGEST_256},
	{"SHA2_384", DIGEST_384},
	{"SHA2_512", DIGEST_512},
};
enum { ALGORITHM_COUNT = sizeof algorithms / sizeof algorithms[0] };

/* NULL if it is absent or null. */
static const struct json *find(const struct json *object, const char *name)
{
	const struct json *member = json_member(object, name);

	return member != NULL && json_type(member) != JSON_NULL ? member : NULL;
}

static int find_typed(const struct json *object, const char *name, enum json_type type,
	const struct json **ret, struct err *err)
{
	if (find(object, name) != NULL)
		return json_need(object, name, type, ret, err);
	*ret = NULL;
	return 0;
}

/* Octets in the standard alphabet; not empty. */
static int need_octets(const struct json *object, const char *name, size_t text_max,
	struct arena *arena, struct bytes *ret, struct err *err)
{
	const char *text;
	int status = json_need_string(object, name, text_max, &text, err);

	if (status != 0)
		return status;
	struct bytes untrusted_text = bytes_of_string(text);
	uint8_t *data = arena_alloc(arena, base64_decoded_size(untrusted_text));
	size_t size;
	if (data == NULL)
		return err_no_memory(err);
	if (base64_decode_into(untrusted_text, data, &size, err) != 0)
		return err_context(err, "%s", name);
	*ret = bytes_make(data, size);
	return 0;
}

static int check_media_type(const struct json *root, struct err *err)
{
	CLEANUP_STR struct str shown = STR_INIT;
	const char *type;
	int status = json_need_string(root, "mediaType", MEDIA_TYPE_MAX, &type, err);

	if (status != 0)
		return status;
	for (size_t i = 0; i < MEDIA_TYPE_COUNT; i++)
		if (strcmp(type, media_types[i]) == 0)
			return 0;
	text_escape(&shown, bytes_of_string(type), MEDIA_TYPE_MAX);
	return err_set(err, ERR_SYNTAX,
		"its media type is \"%s\", not a bundle of version 0.1 to 0.3", str_text(&shown));
}

/* Counts the objects of a list that may be absent. octets: a member of each, NULL for none. */
static int count_proofs(const struct json *object, const char *name, const char *octets,
	struct arena *arena, size_t *ret_count, struct err *err)
{
	const struct json *list;
	struct bytes unused;
	int status = find_typed(object, name, JSON_ARRAY, &list, err);

	if (status != 0 || list == NULL)
		return status;
	if (json_count(list) > BUNDLE_PROOFS_MAX)
		return err_set(
			err, ERR_LIMIT, "\"%s\" has more than %d entries", name, BUNDLE_PROOFS_MAX);
	for (const struct json *value = json_first(list); value != NULL; value = json_next(value)) {
		if (json_type(value) != JSON_OBJECT)
			return err_set(
				err, ERR_SYNTAX, "\"%s\" has an entry that is no object", name);
		if (octets != NULL && (status = need_octets(value, octets, BUNDLE_PROOF_TEXT_MAX,
					       arena, &unused, err)) != 0)
			return err_context(err, "%s", name);
	}
	*ret_count = json_count(list);
	return 0;
}

/* Exactly one of what a bundle may be signed by. */
static int parse_signer(
	const struct json *material, struct arena *arena, struct bundle *bundle, struct err *err)
{
	const struct json *key, *chain, *certificate;
	const char *hint = "";
	struct bytes unused;
	int status;

	if ((status = find_typed(material, "publicKey", JSON_OBJECT, &key, err)) != 0 ||
		(status = find_typed(material, "x509CertificateChain", JSON_OBJECT, &chain, err)) !=
			0 ||
		(status = find_typed(material, "certificate", JSON_OBJECT, &certificate, err)) != 0)
		return status;
	if ((key != NULL) + (chain != NULL) + (certificate != NULL) != 1)
		return err_set(err, ERR_SYNTAX, "it must have a public key or a certificate");
	bundle->proofs.certificates = certificate != NULL;
	if (key != NULL && find(key, "hint") != NULL)
		status = json_optional_string(key, "hint", ENVELOPE_KEYID_MAX, &hint, err);
	if (chain != NULL)
		status = count_proofs(chain, "certificates", "rawBytes", arena,
			&bundle->proofs.certificates, err);
	if (certificate != NULL)
		status = need_octets(
			certificate, "rawBytes", BUNDLE_PROOF_TEXT_MAX, arena, &unused, err);
	if (status != 0)
		return status;
	bundle->untrusted_hint = arena_string(arena, hint);
	return bundle->untrusted_hint == NULL ? err_no_memory(err) : 0;
}

static int parse_material(
	const struct json *root, struct arena *arena, struct bundle *bundle, struct err *err)
{
	const struct json *material, *timestamps;
	int status;

	if ((status = json_need(root, "verificationMaterial", JSON_OBJECT, &material, err)) != 0)
		return status;
	if ((status = parse_signer(material, arena, bundle, err)) == 0 &&
		(status = count_proofs(material, "tlogEntries", NULL, arena,
			 &bundle->proofs.log_entries, err)) == 0)
		status = find_typed(
			material, "timestampVerificationData", JSON_OBJECT, &timestamps, err);
	if (status == 0 && timestamps != NULL)
		status = count_proofs(timestamps, "rfc3161Timestamps", "signedTimestamp", arena,
			&bundle->proofs.timestamps, err);
	return status != 0 ? err_context(err, "verificationMaterial") : 0;
}

/* cosign 3.1 writes an empty object where a key of Ed25519 signed. */
static int parse_digest(
	const struct json *signature, struct arena *arena, struct detached *blob, struct err *err)
{
	const struct json *digest;
	const char *name;
	size_t i = 0;
	int status = find_typed(signature, "messageDigest", JSON_OBJECT, &digest, err);

	if (status != 0 || digest == NULL)
		return status;
	if (find(digest, "algorithm") == NULL && find(digest, "digest") == NULL)
		return 0;
	if ((status = json_need_string(digest, "algorithm", ALGORITHM_MAX, &name, err)) != 0 ||
		(status = need_octets(digest, "digest", ENVELOPE_SIGNATURE_TEXT_MAX, arena,
			 &blob->digest, err)) != 0)
		return err_context(err, "messageDigest");
	while (i < ALGORITHM_COUNT && strcmp(algorithms[i].name, name) != 0)
		i++;
	if (i == ALGORITHM_COUNT || blob->digest.size != (size_t)algorithms[i].size)
		return err_set(err, ERR_SYNTAX,
			"messageDigest: it is no digest of SHA2_256, SHA2_384 or SHA2_512");
	blob->digest_size = algorithms[i].size;
	return 0;
}

static int parse_message(
	const struct json *signature, struct arena *arena, struct detached *blob, struct err *err)
{
	int status = need_octets(
		signature, "signature", ENVELOPE_SIGNATURE_TEXT_MAX, arena, &blob->signature, err);

	if (status == 0)
		status = parse_digest(signature, arena, blob, err);
	return status != 0 ? err_context(err, "messageSignature") : 0;
}

static int parse_content(
	const struct json *root, struct arena *arena, struct bundle *bundle, struct err *err)
{
	const struct json *envelope, *message;
	int status;

	if ((status = find_typed(root, "dsseEnvelope", JSON_OBJECT, &envelope, err)) != 0 ||
		(status = find_typed(root, "messageSignature", JSON_OBJECT, &message, err)) != 0)
		return status;
	if ((envelope != NULL) == (message != NULL))
		return err_set(
			err, ERR_SYNTAX, "it must have a DSSE envelope or a message's signature");
	if (message != NULL)
		return parse_message(message, arena, &bundle->blob, err);
	bundle->has_envelope = true;
	if ((status = envelope_from_json(envelope, 1, arena, &bundle->envelope, err)) != 0)
		return status;
	if (bundle->envelope.signature_count != 1)
		return err_set(err, ERR_SYNTAX, "a bundle's envelope has one signature, not %zu",
			bundle->envelope.signature_count);
	return 0;
}

static int parse_root(
	const struct json *root, struct arena *arena, struct bundle *ret_bundle, struct err *err)
{
	struct bundle bundle = {0};

	if (json_type(root) != JSON_OBJECT) {
		(void)err_set(err, ERR_SYNTAX, "it is no object");
		return err_context(err, "bundle");
	}
	if (check_media_type(root, err) != 0 || parse_material(root, arena, &bundle, err) != 0 ||
		parse_content(root, arena, &bundle, err) != 0)
		return err_context(err, "bundle");
	bundle.envelope.proofs = bundle.proofs;
	bundle.blob.proofs = bundle.proofs;
	*ret_bundle = bundle;
	return 0;
}

int bundle_parse(struct bytes untrusted_text, struct arena *arena, struct bundle *ret_bundle,
	struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;

	if (json_parse(untrusted_text, JSON_LIMITS(BUNDLE_SIZE_MAX), &doc, err) != 0)
		return err_context(err, "bundle");
	return parse_root(json_root(doc), arena, ret_bundle, err);
}

static int parse_either(struct bytes untrusted_text, size_t least, struct arena *arena,
	struct envelope *ret_envelope, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct bundle bundle;

	if (json_parse(untrusted_text, JSON_LIMITS(BUNDLE_SIZE_MAX), &doc, err) != 0)
		return err_context(err, "envelope");
	const struct json *root = json_root(doc);
	if (json_member(root, "mediaType") == NULL)
		return envelope_from_json(root, least, arena, ret_envelope, err);
	int status = parse_root(root, arena, &bundle, err);
	if (status != 0)
		return status;
	if (!bundle.has_envelope)
		return err_set(err, ERR_SYNTAX, "bundle: it has no DSSE envelope");
	*ret_envelope = bundle.envelope;
	return 0;
}

int envelope_or_bundle_parse(struct bytes untrusted_text, struct arena *arena,
	struct envelope *ret_envelope, struct err *err)
{
	return parse_either(untrusted_text, 1, arena, ret_envelope, err);
}

int envelope_or_bundle_parse_draft(struct bytes untrusted_text, struct arena *arena,
	struct envelope *ret_envelope, struct err *err)
{
	return parse_either(untrusted_text, 0, arena, ret_envelope, err);
}
