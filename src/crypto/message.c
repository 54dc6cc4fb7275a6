#include "crypto/message.h"

#include <openssl/evp.h>

static const EVP_MD *method_of(enum digest_size size)
{
	return size == DIGEST_256 ? EVP_sha256() : size == DIGEST_384 ? EVP_sha384() : EVP_sha512();
}

int signed_message_digest(struct signed_message *message, enum digest_size size,
	struct bytes *ret_digest, struct err *err)
{
	struct message_digest *digest = size == DIGEST_256   ? &message->sha256
					: size == DIGEST_384 ? &message->sha384
							     : &message->sha512;
	static const uint8_t nothing;
	unsigned written = 0;

	if (!digest->known) {
		const void *data = message->octets.size > 0 ? message->octets.data : &nothing;
		if (EVP_Digest(data, message->octets.size, digest->octets, &written,
			    method_of(size), NULL) != 1 ||
			written != (unsigned)size)
			return err_set(err, ERR_INTERNAL, "the message could not be digested");
		digest->known = true;
	}
	*ret_digest = bytes_make(digest->octets, (size_t)size);
	return 0;
}

int signed_message_spend(struct signed_message *message, struct err *err)
{
	size_t count = message->pure_count;

	/* The division cannot overflow as the product of both would. */
	if (count >= MESSAGE_PURE_COUNT_MAX &&
		message->octets.size > MESSAGE_PURE_OCTETS_MAX / (count + 1))
		return err_set(err, ERR_LIMIT,
			"too many signatures to try by Ed25519 over a message of %zu octets: more "
			"than %d",
			message->octets.size, (int)count);
	message->pure_count = count + 1;
	return 0;
}
