#include "text/text.h"

#include <string.h>

/* RFC 3629 section 4: the second octet's range depends on the first. */
static const struct {
	uint8_t first_min, first_max;
	uint8_t second_min, second_max;
	uint8_t size;
} sequences[] = {
	{0xC2, 0xDF, 0x80, 0xBF, 2},
	{0xE0, 0xE0, 0xA0, 0xBF, 3},
	{0xE1, 0xEC, 0x80, 0xBF, 3},
	{0xED, 0xED, 0x80, 0x9F, 3},
	{0xEE, 0xEF, 0x80, 0xBF, 3},
	{0xF0, 0xF0, 0x90, 0xBF, 4},
	{0xF1, 0xF3, 0x80, 0xBF, 4},
	{0xF4, 0xF4, 0x80, 0x8F, 4},
};

static size_t sequence_size(const uint8_t *data, size_t size)
{
	for (size_t i = 0; i < sizeof sequences / sizeof *sequences; i++) {
		if (data[0] < sequences[i].first_min || data[0] > sequences[i].first_max)
			continue;
		if (size < sequences[i].size || data[1] < sequences[i].second_min ||
			data[1] > sequences[i].second_max)
			return 0;
		for (size_t j = 2; j < sequences[i].size; j++)
			if ((data[j] & 0xC0) != 0x80)
				return 0;
		return sequences[i].size;
	}
	return 0;
}

size_t utf8_next(struct bytes text, size_t offset, uint32_t *ret_character)
{
	if (offset >= text.size)
		return 0;
	const uint8_t *data = text.data + offset;
	if (data[0] < 0x80) {
		*ret_character = data[0];
		return 1;
	}
	size_t size = sequence_size(data, text.size - offset);
	if (size == 0)
		return 0;
	uint32_t character = data[0] & (0xFFU >> (size + 1));
	for (size_t i = 1; i < size; i++)
		character = character << 6 | (data[i] & 0x3FU);
	*ret_character = character;
	return size;
}

/* Most text is ASCII: eight octets at once. */
static size_t ascii_size(struct bytes text, size_t offset)
{
	size_t at = offset;

	for (uint64_t octets; text.size - at >= sizeof octets; at += sizeof octets) {
		memcpy(&octets, text.data + at, sizeof octets);
		if ((octets & UINT64_C(0x8080808080808080)) != 0)
			break;
	}
	while (at < text.size && text.data[at] < 0x80)
		at++;
	return at - offset;
}

bool utf8_valid(struct bytes text)
{
	uint32_t character;
	size_t offset = 0;

	while (offset < text.size) {
		offset += ascii_size(text, offset);
		if (offset == text.size)
			break;
		size_t size = utf8_next(text, offset, &character);
		if (size == 0)
			return false;
		offset += size;
	}
	return true;
}
