#include "crypto/hmac.h"

#include <limits.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

int hmac_sha256(struct bytes key, struct bytes data, struct sha256 *ret_code, struct err *err)
{
	unsigned size = 0;

	if (key.size == 0 || key.size > INT_MAX ||
		HMAC(EVP_sha256(), key.data, (int)key.size, data.data, data.size, ret_code->octets,
			&size) == NULL ||
		size != SHA256_SIZE)
		return err_set(err, ERR_INTERNAL, "HMAC-SHA256 could not be computed");
	return 0;
}
