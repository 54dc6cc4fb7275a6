#include "kit/json_digest.h"

int json_digest_need(const struct json *object, struct sha256 *ret_digest, struct err *err)
{
	const char *hex;
	int rc = json_need_string(object, "sha256", SHA256_HEX_SIZE - 1, &hex, err);

	if (rc == 0 && !sha256_from_hex(bytes_of_string(hex), ret_digest))
		rc = err_set(
			err, ERR_SYNTAX, "\"sha256\" must be 64 lower-case hexadecimal digits");
	return rc;
}

void json_digest_member(struct json_writer *json, const struct sha256 *digest)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	json_member_string(json, "sha256", hex);
}
