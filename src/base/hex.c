#include "base/hex.h"

#include <string.h>

static const char digits[] = "0123456789abcdef";

static int value_of(uint8_t digit)
{
	if (digit >= '0' && digit <= '9')
		return digit - '0';
	return digit >= 'a' && digit <= 'f' ? digit - 'a' + 10 : -1;
}

bool hex_decode(struct bytes text, uint8_t *out)
{
	if (text.size % 2 != 0)
		return false;
	for (size_t i = 0; i < text.size / 2; i++) {
		int high = value_of(text.data[2 * i]), low = value_of(text.data[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

bool hex_append_decoded(struct bytes text, struct str *out)
{
	size_t before = out->size;
	uint8_t octet;

	for (size_t i = 0; i < text.size; i += 2) {
		size_t left = text.size - i;
		if (!hex_decode(bytes_make(text.data + i, left < 2 ? left : 2), &octet)) {
			str_truncate(out, before);
			return false;
		}
		str_append(out, &octet, 1);
	}
	return true;
}

void hex_encode(struct bytes octets, char *text)
{
	for (size_t i = 0; i < octets.size; i++) {
		*text++ = digits[octets.data[i] >> 4];
		*text++ = digits[octets.data[i] & 15];
	}
	*text = '\0';
}
