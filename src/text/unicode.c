/* What needs the tables of Unicode: widths, normal forms, and which characters may be shown. */
#include "text/text.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

static size_t width_of(uint32_t character)
{
	int width = utf8proc_charwidth((utf8proc_int32_t)character);

	return width > 0 ? (size_t)width : 0;
}

static size_t cut(const char *text, size_t columns, size_t *ret_width)
{
	struct bytes bytes = bytes_of_string(text);
	uint32_t character;
	size_t offset = 0;
	size_t size;

	*ret_width = 0;
	while ((size = utf8_next(bytes, offset, &character)) > 0) {
		size_t width = width_of(character);
		if (width > columns - *ret_width)
			break;
		*ret_width += width;
		offset += size;
	}
	return offset;
}

size_t text_width(const char *text)
{
	size_t width;

	(void)cut(text, SIZE_MAX, &width);
	return width;
}

void text_append_column(struct str *out, const char *text, size_t columns)
{
	str_append_text(out, text);
	for (size_t width = text_width(text); width < columns; width++)
		str_append_char(out, ' ');
}

size_t text_cut(const char *text, size_t columns)
{
	size_t width;

	return cut(text, columns, &width);
}

static bool is_ascii(struct bytes text)
{
	for (size_t i = 0; i < text.size; i++)
		if (text.data[i] >= 0x80)
			return false;
	return true;
}

static utf8proc_ssize_t normalize(
	struct bytes text, utf8proc_option_t options, utf8proc_uint8_t **ret_normal)
{
	if (text.size > SIZE_MAX / 64)
		return UTF8PROC_ERROR_OVERFLOW;
	return utf8proc_map(text.data, (utf8proc_ssize_t)text.size, ret_normal, options);
}

int text_check_nfc(struct bytes text, struct err *err)
{
	utf8proc_uint8_t *normal = NULL;

	if (is_ascii(text))
		return 0;
	/* The library lets some invalid forms pass. */
	if (!utf8_valid(text))
		return err_set(err, ERR_SYNTAX, "invalid UTF-8");
	utf8proc_ssize_t size = normalize(text, UTF8PROC_STABLE | UTF8PROC_COMPOSE, &normal);
	if (size < 0)
		return err_no_memory(err);
	bool same = bytes_equal(text, bytes_make(normal, (size_t)size));
	free(normal);
	return same ? 0 : err_set(err, ERR_SYNTAX, "not in normal form C");
}

/* Of what is in ASCII, nothing but capitals has another form. */
static int fold_ascii(struct bytes text, struct str *out, struct err *err)
{
	uint8_t *to = str_extend(out, text.size);

	for (size_t i = 0; to != NULL && i < text.size; i++) {
		uint8_t c = text.data[i];
		to[i] = c >= 'A' && c <= 'Z' ? (uint8_t)(c - 'A' + 'a') : c;
	}
	return str_check(out, err);
}

int text_fold(struct bytes text, struct str *out, struct err *err)
{
	utf8proc_uint8_t *folded = NULL;

	if (is_ascii(text))
		return fold_ascii(text, out, err);
	if (!utf8_valid(text))
		return err_set(err, ERR_SYNTAX, "invalid UTF-8");
	if (text.size == 0)
		return str_check(out, err);
	utf8proc_ssize_t size = normalize(text,
		UTF8PROC_STABLE | UTF8PROC_COMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD |
			UTF8PROC_IGNORE,
		&folded);
	if (size < 0)
		return err_no_memory(err);
	str_append(out, folded, (size_t)size);
	free(folded);
	return str_check(out, err);
}

bool text_shows(uint32_t character, unsigned *marks)
{
	unsigned before = *marks;

	*marks = 0;
	if (character < 0x80 && character >= 0x20 && character != 0x7F)
		return true;
	*marks = TEXT_NO_BASE;
	if (character < 0x80)
		return false;
	const utf8proc_property_t *property = utf8proc_get_property((utf8proc_int32_t)character);
	if (property->ignorable)
		return false;
	switch ((utf8proc_category_t)property->category) {
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_CO:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return false;
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_ME:
		/* Without a base it would change what stands before the text. */
		if (before >= TEXT_MARKS_MAX)
			return false;
		*marks = before + 1;
		return true;
	default:
		*marks = 0;
		return true;
	}
}

/* Appends one character or octet, escaped where it must be; returns the octets that it took. */
static size_t escape_next(struct str *out, struct bytes untrusted_text, size_t offset,
	const char *backslash, unsigned *marks, size_t *ret_width)
{
	uint32_t character = untrusted_text.data[offset];
	size_t before = out->size;
	size_t size = utf8_next(untrusted_text, offset, &character);

	if (size > 0 && character != '\\' && text_shows(character, marks)) {
		str_append(out, untrusted_text.data + offset, size);
		*ret_width = width_of(character);
		return size;
	}
	if (character == '\\')
		str_append_text(out, backslash);
	else
		str_append_format(
			out, size == 0 || character < 0x80 ? "\\x%02x" : "\\u{%x}", character);
	*marks = TEXT_NO_BASE;
	*ret_width = out->size - before;
	return size > 0 ? size : 1;
}

void text_escape(struct str *out, struct bytes untrusted_text, size_t max_columns)
{
	size_t columns = 0;
	size_t offset = 0;
	size_t cut_at = out->size; /* where there is still room for the ellipsis */
	unsigned marks = TEXT_NO_BASE;

	while (offset < untrusted_text.size && !out->failed) {
		size_t width;
		offset += escape_next(out, untrusted_text, offset, "\\\\", &marks, &width);
		if (max_columns == 0)
			continue;
		columns += width;
		if (columns < max_columns)
			cut_at = out->size;
		if (columns > max_columns) {
			str_truncate(out, cut_at);
			str_append_text(out, "\u2026");
			return;
		}
	}
}

void text_guard(struct str *out, struct bytes line)
{
	unsigned marks = TEXT_NO_BASE;
	size_t width;

	for (size_t offset = 0; offset < line.size && !out->failed;)
		offset += escape_next(out, line, offset, "\\", &marks, &width);
}
