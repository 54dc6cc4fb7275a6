#include "crypto/base64.h"

#include <stdlib.h>

#include "base/cleanup.h"

static const char digits_of_standard[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

enum { NOT_A_DIGIT = 64 };

/* What digits 62 and 63 are. */
struct alphabet {
	char digit_62, digit_63;
};

static const struct alphabet standard = {'+', '/'}, url_safe = {'-', '_'};

static unsigned digit_of(const struct alphabet *alphabet, uint8_t c)
{
	if (c >= 'A' && c <= 'Z')
		return c - 'A';
	if (c >= 'a' && c <= 'z')
		return c - 'a' + 26;
	if (c >= '0' && c <= '9')
		return c - '0' + 52;
	return c == alphabet->digit_62 ? 62 : c == alphabet->digit_63 ? 63 : NOT_A_DIGIT;
}

/* The first character that only one alphabet has decides for the whole value. */
static const struct alphabet *choose_alphabet(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++) {
		if (text.data[i] == '+' || text.data[i] == '/')
			return &standard;
		if (text.data[i] == '-' || text.data[i] == '_')
			return &url_safe;
	}
	return &standard;
}

static size_t count_padding(struct bytes text)
{
	if (text.size < 4 || text.data[text.size - 1] != '=')
		return 0;
	return text.data[text.size - 2] == '=' ? 2 : 1;
}

static int decode(const struct alphabet *alphabet, struct bytes untrusted_text, uint8_t *out,
	size_t *ret_size, struct err *err)
{
	if (untrusted_text.size % 4 != 0)
		return err_set(err, ERR_SYNTAX, "base64: the length is no multiple of 4");
	size_t digits = untrusted_text.size - count_padding(untrusted_text);
	uint8_t values[256];
	size_t size = 0;
	uint32_t group = 0;
	unsigned bits = 0;

	for (unsigned c = 0; c < sizeof values; c++)
		values[c] = (uint8_t)digit_of(alphabet, (uint8_t)c);
	for (size_t i = 0; i < digits; i++) {
		unsigned digit = values[untrusted_text.data[i]];
		if (digit == NOT_A_DIGIT)
			return err_set(err, ERR_SYNTAX,
				"base64: character %zu is not of the alphabet", i + 1);
		group = (group << 6 | digit) & 0xFFFFFF;
		bits += 6;
		if (bits >= 8) {
			bits -= 8;
			out[size++] = (uint8_t)(group >> bits);
		}
	}
	if ((group & ((1U << bits) - 1)) != 0)
		return err_set(err, ERR_SYNTAX, "base64: unused bits are not zero");
	*ret_size = size;
	return 0;
}

int base64_decode_into(struct bytes untrusted_text, uint8_t *out, size_t *ret_size, struct err *err)
{
	return decode(&standard, untrusted_text, out, ret_size, err);
}

int base64_decode_either_into(
	struct bytes untrusted_text, uint8_t *out, size_t *ret_size, struct err *err)
{
	return decode(choose_alphabet(untrusted_text), untrusted_text, out, ret_size, err);
}

int base64_decode(struct bytes untrusted_text, struct str *out, struct err *err)
{
	CLEANUP_FREE uint8_t *data = malloc(base64_decoded_size(untrusted_text) + 1);
	size_t size;

	if (data == NULL)
		return err_no_memory(err);
	int status = base64_decode_into(untrusted_text, data, &size, err);
	if (status != 0)
		return status;
	str_append(out, data, size);
	return str_check(out, err);
}

/* Of at most three octets; all are read before the first character is written. */
static void encode_group(const uint8_t *data, size_t size, uint8_t *out)
{
	uint32_t group = (uint32_t)data[0] << 16 | (size > 1 ? (uint32_t)data[1] << 8 : 0) |
			 (size > 2 ? data[2] : 0);

	out[0] = (uint8_t)digits_of_standard[group >> 18];
	out[1] = (uint8_t)digits_of_standard[group >> 12 & 63];
	out[2] = size > 1 ? (uint8_t)digits_of_standard[group >> 6 & 63] : '=';
	out[3] = size > 2 ? (uint8_t)digits_of_standard[group & 63] : '=';
}

void base64_encode(struct bytes data, struct str *out)
{
	uint8_t *text = str_extend(out, base64_encoded_size(data.size));

	if (text == NULL)
		return;
	for (size_t i = 0; i < data.size; i += 3)
		encode_group(data.data + i, data.size - i, text + i / 3 * 4);
}

/* From the end on: a group's text never reaches octets that are still to be read. */
void base64_encode_in_place(uint8_t *memory, size_t size, size_t offset)
{
	for (size_t group = (size + 2) / 3; group > 0; group--) {
		size_t at = (group - 1) * 3;
		encode_group(memory + at, size - at, memory + offset + (group - 1) * 4);
	}
}
