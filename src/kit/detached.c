#include "kit/detached.h"

#include "base/cleanup.h"
#include "crypto/base64.h"

int detached_parse(struct bytes untrusted_text, struct str *out, struct err *err)
{
	struct bytes line = untrusted_text;

	if (line.size > DETACHED_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "the signature is larger than %d octets",
			DETACHED_SIZE_MAX);
	if (line.size > 0 && line.data[line.size - 1] == '\n')
		line.size--;
	if (line.size == 0)
		return err_set(err, ERR_SYNTAX, "the signature is empty");
	return base64_decode(line, out, err);
}

int detached_sign(struct bytes content, const struct private_key *key, enum key_scheme scheme,
	struct str *out, struct err *err)
{
	CLEANUP_STR struct str signature = STR_INIT;
	struct signed_message message = signed_message_make(KEY_USE_BLOB, content);
	int status = private_key_sign(key, scheme, &message, &signature, err);

	if (status < 0)
		return status;
	base64_encode(str_bytes(&signature), out);
	return str_check(out, err);
}
