#include "crypto/der.h"

#include <string.h>

/* The length's octets: returns how many, 0 if it is not DER or beyond what we ever read. */
static size_t take_length(struct bytes rest, size_t *ret_length)
{
	if (rest.size < 1)
		return 0;
	uint8_t first = rest.data[0];
	if (first < 0x80) {
		*ret_length = first;
		return 1;
	}
	size_t count = first & 0x7F;
	if (count < 1 || count > 2 || rest.size < 1 + count || rest.data[1] == 0)
		return 0;
	size_t length = rest.data[1];
	if (count == 2)
		length = length << 8 | rest.data[2];
	if (length < 0x80)
		return 0; /* the short form would have done */
	*ret_length = length;
	return 1 + count;
}

bool der_take(struct bytes *rest, uint8_t tag, struct bytes *ret_content)
{
	size_t length;

	if (rest->size < 2 || rest->data[0] != tag)
		return false;
	size_t header = take_length(bytes_make(rest->data + 1, rest->size - 1), &length);
	if (header == 0 || rest->size - 1 - header < length)
		return false;
	*ret_content = bytes_make(rest->data + 1 + header, length);
	*rest = bytes_make(ret_content->data + length, rest->size - 1 - header - length);
	return true;
}

bool der_take_positive(struct bytes *rest, struct bytes *ret_magnitude)
{
	struct bytes after = *rest, content;

	if (!der_take(&after, DER_INTEGER, &content) || content.size == 0 ||
		(content.data[0] & 0x80) != 0)
		return false;
	if (content.data[0] == 0) {
		/* A leading zero only where the next octet would read as a sign; so no zero. */
		if (content.size == 1 || (content.data[1] & 0x80) == 0)
			return false;
		content = bytes_make(content.data + 1, content.size - 1);
	}
	*ret_magnitude = content;
	*rest = after;
	return true;
}

bool der_ecdsa_signature(struct bytes untrusted_der, struct bytes *ret_r, struct bytes *ret_s)
{
	struct bytes rest = untrusted_der, sequence, r, s;

	if (!der_take(&rest, DER_SEQUENCE, &sequence) || rest.size != 0 ||
		!der_take_positive(&sequence, &r) || !der_take_positive(&sequence, &s) ||
		sequence.size != 0)
		return false;
	*ret_r = r;
	*ret_s = s;
	return true;
}

bool der_rsa_key(struct bytes untrusted_der, struct bytes *ret_modulus, struct bytes *ret_exponent)
{
	/* SEQUENCE { rsaEncryption, NULL } */
	static const uint8_t algorithm[] = {0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7,
		0x0d, 0x01, 0x01, 0x01, 0x05, 0x00};
	struct bytes rest = untrusted_der, info, bits, key, modulus, exponent;

	if (!der_take(&rest, DER_SEQUENCE, &info) || rest.size != 0 ||
		info.size < sizeof algorithm || memcmp(info.data, algorithm, sizeof algorithm) != 0)
		return false;
	info = bytes_make(info.data + sizeof algorithm, info.size - sizeof algorithm);
	if (!der_take(&info, DER_BIT_STRING, &bits) || info.size != 0 || bits.size < 1 ||
		bits.data[0] != 0)
		return false;
	bits = bytes_make(bits.data + 1, bits.size - 1);
	if (!der_take(&bits, DER_SEQUENCE, &key) || bits.size != 0 ||
		!der_take_positive(&key, &modulus) || !der_take_positive(&key, &exponent) ||
		key.size != 0)
		return false;
	*ret_modulus = modulus;
	*ret_exponent = exponent;
	return true;
}
