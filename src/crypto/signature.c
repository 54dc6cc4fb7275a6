#include "crypto/signature.h"

#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "crypto/der.h"
#include "crypto/key_internal.h"

enum { INTEGER_OCTETS_MAX = 66, LONG_FORM = 0x80, LONGEST_SHORT = 127 };

/* Octets of r, and of s; 0: not of ECDSA. */
static const size_t half_sizes[KIND_COUNT] = {[KIND_P256] = 32, [KIND_P384] = 48, [KIND_P521] = 66};

static void append_header(struct str *out, uint8_t tag, size_t size)
{
	str_append_char(out, (char)tag);
	if (size > LONGEST_SHORT)
		str_append_char(out, (char)(LONG_FORM | 1));
	str_append_char(out, (char)size);
}

/* The shortest INTEGER: no zeros in front but the one that says it is positive. */
static void append_integer(struct str *out, struct bytes magnitude)
{
	while (magnitude.size > 1 && magnitude.data[0] == 0)
		magnitude = bytes_make(magnitude.data + 1, magnitude.size - 1);
	bool marked = magnitude.data[0] >= LONG_FORM;
	append_header(out, DER_INTEGER, magnitude.size + marked);
	if (marked)
		str_append_char(out, '\0');
	str_append(out, magnitude.data, magnitude.size);
}

static int write_pair(struct bytes pair, struct str *out, struct err *err)
{
	char memory[2 * INTEGER_OCTETS_MAX + 16];
	CLEANUP_STR struct str integers = STR_BORROW(memory, sizeof memory);
	size_t half = pair.size / 2;

	append_integer(&integers, bytes_make(pair.data, half));
	append_integer(&integers, bytes_make(pair.data + half, half));
	int rc = str_check(&integers, err);
	if (rc < 0)
		return rc;
	append_header(out, DER_SEQUENCE, integers.size);
	str_append(out, integers.text, integers.size);
	return str_check(out, err);
}

/* false: octets are none of the key's forms. */
static bool is_plain(const struct public_key *key, struct bytes octets)
{
	struct bytes r, s;

	if (half_sizes[key->kind] > 0)
		return der_ecdsa_signature(octets, &r, &s);
	return octets.size == (key->kind == KIND_RSA ? key->octets.size : 64);
}

static bool is_zero(const uint8_t *octets, size_t size)
{
	while (size > 0 && octets[size - 1] == 0)
		size--;
	return size == 0;
}

/* ret_found false: and nothing was appended. */
static int take_octets(const struct public_key *key, struct bytes octets, struct str *out,
	bool *ret_found, struct err *err)
{
	size_t half = half_sizes[key->kind];

	*ret_found = true;
	if (is_plain(key, octets)) {
		str_append(out, octets.data, octets.size);
		return str_check(out, err);
	}
	if (half > 0 && octets.size == 2 * half && !is_zero(octets.data, half) &&
		!is_zero(octets.data + half, half))
		return write_pair(octets, out, err);
	*ret_found = false;
	return 0;
}

static int take_text(const struct public_key *key, struct bytes text, struct str *out,
	bool *ret_found, struct err *err)
{
	CLEANUP_STR struct str octets = STR_INIT;
	struct err not_base64;

	int rc = take_octets(key, text, out, ret_found, err);
	if (rc < 0 || *ret_found)
		return rc;
	rc = base64_decode(text, &octets, &not_base64);
	if (rc == -ERR_NO_MEMORY) {
		*err = not_base64;
		return rc;
	}
	return rc < 0 ? 0 : take_octets(key, str_bytes(&octets), out, ret_found, err);
}

int signature_take(const struct public_key *key, struct bytes untrusted_output, struct str *out,
	struct err *err)
{
	struct bytes text = untrusted_output;
	bool found;

	if (text.size == 0)
		return err_set(err, ERR_SIGNER, "there is no signature: it is empty");
	int rc = take_text(key, text, out, &found, err);
	if (rc == 0 && !found && text.data[text.size - 1] == '\n')
		rc = take_text(key, bytes_make(text.data, text.size - 1), out, &found, err);
	if (rc < 0 || found)
		return rc;
	return err_set(err, ERR_SIGNER,
		"%zu octets are no signature of a key of type %s, raw or in base64", text.size,
		public_key_description(key));
}
