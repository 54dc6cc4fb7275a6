#include "kit/detached.h"

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "kit/bundle.h"

static int parse_bundle(struct bytes untrusted_text, struct arena *arena,
	struct detached *ret_detached, struct err *err)
{
	struct bundle bundle;
	int status = bundle_parse(untrusted_text, arena, &bundle, err);

	if (status != 0)
		return status;
	if (bundle.has_envelope)
		return err_set(err, ERR_SYNTAX, "bundle: it has no message's signature");
	*ret_detached = bundle.blob;
	return 0;
}

static int parse_line(struct bytes untrusted_text, struct arena *arena,
	struct detached *ret_detached, struct err *err)
{
	struct bytes line = untrusted_text;
	struct detached detached = {0};
	size_t size;

	if (line.size > 0 && line.data[line.size - 1] == '\n')
		line.size--;
	if (line.size == 0)
		return err_set(err, ERR_SYNTAX, "the signature is empty");
	uint8_t *octets = arena_alloc(arena, base64_decoded_size(line));
	if (octets == NULL)
		return err_no_memory(err);
	int status = base64_decode_into(line, octets, &size, err);
	if (status != 0)
		return status;
	detached.signature = bytes_make(octets, size);
	*ret_detached = detached;
	return 0;
}

int detached_parse(struct bytes untrusted_text, struct arena *arena, struct detached *ret_detached,
	struct err *err)
{
	if (untrusted_text.size > DETACHED_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "the signature is larger than %d octets",
			DETACHED_SIZE_MAX);
	if (untrusted_text.size > 0 && untrusted_text.data[0] == '{')
		return parse_bundle(untrusted_text, arena, ret_detached, err);
	return parse_line(untrusted_text, arena, ret_detached, err);
}

int detached_fits(const struct detached *detached, struct signed_message *message, bool *ret_fits,
	struct err *err)
{
	struct bytes digest;

	if (detached->digest_size == DIGEST_NONE) {
		*ret_fits = true;
		return 0;
	}
	int status = signed_message_digest(message, detached->digest_size, &digest, err);
	if (status == 0)
		*ret_fits = bytes_equal(digest, detached->digest);
	return status;
}

void detached_write(struct bytes signature, struct str *out)
{
	base64_encode(signature, out);
}

int detached_sign(struct bytes content, const struct private_key *key, enum key_scheme scheme,
	struct str *out, struct err *err)
{
	CLEANUP_STR struct str signature = STR_INIT;
	struct signed_message message = signed_message_make(KEY_USE_BLOB, content);
	int status = private_key_sign(key, scheme, &message, &signature, err);

	if (status < 0)
		return status;
	detached_write(str_bytes(&signature), out);
	return str_check(out, err);
}
