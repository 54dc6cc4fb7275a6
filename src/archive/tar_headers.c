#include "archive/tar_headers.h"

#include <string.h>

/* The fields of a header that tell where the next one is (POSIX.1-2017, ustar). */
enum { TYPE_AT = 156, SIZE_AT = 124, SIZE_DIGITS = 12 };
enum { KEYWORDS_MAX = 64 };

static int broken(struct err *err)
{
	return err_set(err, ERR_UNSAFE_ARCHIVE, "a member has a header that breaks the format");
}

/* Octal digits, spaces in front of them, and a space or NUL behind: as every writer has them. */
static bool read_size(const uint8_t *header, size_t *ret_size)
{
	const uint8_t *digit = header + SIZE_AT, *end = digit + SIZE_DIGITS;
	size_t size = 0, count = 0;

	while (digit < end && *digit == ' ')
		digit++;
	for (; digit < end && *digit >= '0' && *digit <= '7'; digit++, count++)
		size = size * 8 + (size_t)(*digit - '0');
	if (count == 0 || (digit < end && *digit != ' ' && *digit != '\0'))
		return false;
	*ret_size = size;
	return true;
}

/* "LENGTH keyword=value\n", LENGTH in decimal and of the whole record. */
static bool next_record(struct bytes *records, struct bytes *ret_keyword)
{
	size_t length = 0, digits = 0;
	const uint8_t *data = records->data;

	while (digits < records->size && data[digits] >= '0' && data[digits] <= '9' && digits < 8)
		length = length * 10 + (size_t)(data[digits++] - '0');
	if (digits == 0 || data[0] == '0' || length > records->size || length < digits + 4 ||
		data[digits] != ' ' || data[length - 1] != '\n')
		return false;
	const uint8_t *keyword = data + digits + 1;
	const uint8_t *equals = memchr(keyword, '=', length - digits - 2);
	if (equals == NULL || equals == keyword)
		return false;
	*ret_keyword = bytes_make(keyword, (size_t)(equals - keyword));
	*records = bytes_make(data + length, records->size - length);
	return true;
}

static int check_records(struct bytes records, struct err *err)
{
	struct bytes keywords[KEYWORDS_MAX];
	size_t count = 0;

	while (records.size > 0) {
		if (count == KEYWORDS_MAX || !next_record(&records, &keywords[count]))
			return broken(err);
		for (size_t i = 0; i < count; i++)
			if (bytes_equal(keywords[i], keywords[count]))
				return err_set(err, ERR_UNSAFE_ARCHIVE,
					"a member's extended header says one thing twice");
		count++;
	}
	return 0;
}

static int check_own(uint8_t type, struct err *err)
{
	/* Links and devices are refused by name, where the name is known. */
	if (strchr("01234567S", type) != NULL)
		return 0;
	return err_set(err, ERR_UNSAFE_ARCHIVE,
		"a member has the type 0x%02x, which not every tar reads as one thing", type);
}

static int check_extended(struct bytes blocks, size_t *ret_size, struct err *err)
{
	uint8_t type = blocks.data[TYPE_AT];
	size_t size;

	if (type == 'g')
		return err_set(err, ERR_UNSAFE_ARCHIVE,
			"the archive has a pax global header, which not every tar obeys");
	if (type != 'x' && type != 'L' && type != 'K')
		return check_own(type, err) < 0 ? -(int)err->code : broken(err);
	if (!read_size(blocks.data, &size) || size > blocks.size - TAR_BLOCK)
		return broken(err);
	*ret_size = TAR_BLOCK + (size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	if (type != 'x')
		return 0;
	return check_records(bytes_make(blocks.data + TAR_BLOCK, size), err);
}

int tar_headers_check(struct bytes untrusted_blocks, struct err *err)
{
	struct bytes blocks = untrusted_blocks;

	for (unsigned extended = 0; blocks.size > TAR_BLOCK; extended++) {
		size_t size = 0;
		int rc = check_extended(blocks, &size, err);
		if (rc < 0)
			return rc;
		if (extended > 0)
			return err_set(err, ERR_UNSAFE_ARCHIVE,
				"a member has more than one extended header");
		if (size >= blocks.size)
			return broken(err);
		blocks = bytes_make(blocks.data + size, blocks.size - size);
	}
	if (blocks.size != TAR_BLOCK)
		return broken(err);
	return check_own(blocks.data[TYPE_AT], err);
}
