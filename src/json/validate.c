/*
 * The grammar of RFC 8259 within I-JSON, walked once without building anything.
 *
 * The library that builds the tree accepts much that is no JSON; what is refused here it never
 * sees.
 */
#include "json/json_internal.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "text/text.h"

/*
 * The library copies a number to a buffer of 64 octets and silently cuts it there. Shortest forms
 * of doubles need 25.
 */
enum { NUMBER_SIZE_MAX = 63 };

/* A value of one octet becomes one of eighty in memory: enough for the largest kit, not more. */
enum { VALUES_MAX = 4 * 1024 * 1024 };

/* How much of a name is quoted in a message. */
enum { QUOTED_COLUMNS = 60 };

struct name {
	const uint8_t *data; /* unescaped: in the text, or in the arena */
	size_t size;
	size_t offset; /* of its opening quote */
};

struct walk {
	struct bytes text;
	size_t offset;
	unsigned depth;
	unsigned depth_max;
	const struct json_limits *limits;
	size_t values;
	struct name *names; /* of all objects that are open, innermost last */
	size_t name_count;
	size_t name_room;
	struct arena arena;
	struct err *err;
};

static int walk_value(struct walk *walk);

/* Line and column of an offset, both from 1; a column is a character. */
static int fail_at(struct walk *walk, size_t offset, enum err_code code, const char *what)
{
	size_t line = 1;
	size_t column = 1;

	for (size_t i = 0; i < offset; i++) {
		uint8_t octet = walk->text.data[i];
		if (octet == '\n') {
			line++;
			column = 1;
		} else if ((octet & 0xC0) != 0x80) {
			column++;
		}
	}
	return err_set(walk->err, code, "line %zu, column %zu: %s", line, column, what);
}

static int fail(struct walk *walk, const char *what)
{
	return fail_at(walk, walk->offset, ERR_SYNTAX, what);
}

/* The octet at the place, -1 at the end. */
static int peek(const struct walk *walk)
{
	return walk->offset < walk->text.size ? walk->text.data[walk->offset] : -1;
}

static bool take(struct walk *walk, char c)
{
	if (peek(walk) != c)
		return false;
	walk->offset++;
	return true;
}

static void skip_space(struct walk *walk)
{
	for (;;) {
		int c = peek(walk);
		if (c != ' ' && c != '\t' && c != '\n' && c != '\r')
			return;
		walk->offset++;
	}
}

static int walk_literal(struct walk *walk)
{
	static const char *const literals[] = {"true", "false", "null"};
	size_t i = 0;

	while (i < sizeof literals / sizeof *literals && peek(walk) != *literals[i])
		i++;
	if (i == sizeof literals / sizeof *literals)
		return fail(walk, peek(walk) < 0 ? "the text ends where a value is expected"
						 : "a value is expected");
	for (const char *c = literals[i]; *c != '\0'; c++)
		if (!take(walk, *c))
			return fail(walk, "true, false or null is expected");
	return 0;
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static size_t take_digits(struct walk *walk)
{
	size_t before = walk->offset;

	while (is_digit(peek(walk)))
		walk->offset++;
	return walk->offset - before;
}

static int check_number(struct walk *walk, size_t start, bool is_integer)
{
	char digits[NUMBER_SIZE_MAX + 1];
	size_t size = walk->offset - start;

	if (size > NUMBER_SIZE_MAX)
		return fail_at(walk, start, ERR_LIMIT, "a number with more than 63 characters");
	memcpy(digits, walk->text.data + start, size);
	digits[size] = '\0';
	double number = strtod(digits, NULL);
	/*
	 * However it is spelt (9007199254740991.6, 1e20): from there to 1e21 every double is an
	 * integer, and ECMAScript writes it as one. What is larger has an exponent.
	 */
	if (fabs(number) > (double)JSON_INTEGER_MAX && (is_integer || fabs(number) < 1e21))
		return fail_at(walk, start, ERR_SYNTAX, "an integer beyond 2^53 - 1");
	if (!isfinite(number))
		return fail_at(walk, start, ERR_SYNTAX, "a number that is too large");
	if (number == 0 && strcspn(digits, "123456789") < strcspn(digits, "eE"))
		return fail_at(walk, start, ERR_SYNTAX, "a number that is too small");
	return 0;
}

static int walk_number(struct walk *walk)
{
	size_t start = walk->offset;
	bool is_integer = true;

	(void)take(walk, '-');
	if (!is_digit(peek(walk)))
		return fail(walk, "a digit is expected");
	if (take(walk, '0')) {
		if (is_digit(peek(walk)))
			return fail_at(walk, start, ERR_SYNTAX, "a number that begins with 0");
	} else {
		(void)take_digits(walk);
	}
	if (take(walk, '.')) {
		is_integer = false;
		if (take_digits(walk) == 0)
			return fail(walk, "a digit is expected");
	}
	if (take(walk, 'e') || take(walk, 'E')) {
		is_integer = false;
		if (!take(walk, '+'))
			(void)take(walk, '-');
		if (take_digits(walk) == 0)
			return fail(walk, "a digit is expected");
	}
	return check_number(walk, start, is_integer);
}

static bool take_hex4(struct walk *walk, uint32_t *ret_unit)
{
	uint32_t unit = 0;

	for (int i = 0; i < 4; i++) {
		int c = peek(walk);
		int digit = is_digit(c)		   ? c - '0'
			    : c >= 'a' && c <= 'f' ? c - 'a' + 10
			    : c >= 'A' && c <= 'F' ? c - 'A' + 10
						   : -1;
		if (digit < 0)
			return false;
		unit = unit << 4 | (uint32_t)digit;
		walk->offset++;
	}
	*ret_unit = unit;
	return true;
}

/* Unicode 23.7: U+FDD0 to U+FDEF, and the last two characters of each plane. */
static bool is_noncharacter(uint32_t character)
{
	return (character >= 0xFDD0 && character <= 0xFDEF) || (character & 0xFFFE) == 0xFFFE;
}

static int check_character(struct walk *walk, size_t start, uint32_t character)
{
	if (!walk->limits->own && is_noncharacter(character))
		return fail_at(walk, start, ERR_SYNTAX, "a noncharacter in a string");
	return 0;
}

/* The place is behind "\u". */
static int walk_unicode_escape(struct walk *walk, uint32_t *ret_character)
{
	size_t start = walk->offset - 2;
	uint32_t unit;
	uint32_t low;

	if (!take_hex4(walk, &unit))
		return fail(walk, "four hexadecimal digits are expected");
	if (unit == 0)
		return fail_at(walk, start, ERR_SYNTAX, "U+0000 in a string");
	if (unit < 0xD800 || unit > 0xDFFF) {
		*ret_character = unit;
		return check_character(walk, start, unit);
	}
	if (unit > 0xDBFF || !take(walk, '\\') || !take(walk, 'u'))
		return fail_at(walk, start, ERR_SYNTAX, "a lone surrogate");
	if (!take_hex4(walk, &low))
		return fail(walk, "four hexadecimal digits are expected");
	if (low < 0xDC00 || low > 0xDFFF)
		return fail_at(walk, start, ERR_SYNTAX, "a lone surrogate");
	*ret_character = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
	return check_character(walk, start, *ret_character);
}

static int walk_escape(struct walk *walk, uint32_t *ret_character)
{
	static const char letters[] = "\"\\/bfnrt";
	static const char meanings[] = "\"\\/\b\f\n\r\t";
	int c;

	walk->offset++;
	c = peek(walk);
	if (c == 'u') {
		walk->offset++;
		return walk_unicode_escape(walk, ret_character);
	}
	const char *letter = c > 0 ? strchr(letters, c) : NULL;
	if (letter == NULL)
		return fail(walk, "an unknown escape");
	walk->offset++;
	*ret_character = (uint32_t)(unsigned char)meanings[letter - letters];
	return 0;
}

static size_t encode(uint32_t character, uint8_t *to)
{
	if (character < 0x80) {
		to[0] = (uint8_t)character;
		return 1;
	}
	if (character < 0x800) {
		to[0] = (uint8_t)(0xC0 | character >> 6);
		to[1] = (uint8_t)(0x80 | (character & 0x3F));
		return 2;
	}
	if (character < 0x10000) {
		to[0] = (uint8_t)(0xE0 | character >> 12);
		to[1] = (uint8_t)(0x80 | (character >> 6 & 0x3F));
		to[2] = (uint8_t)(0x80 | (character & 0x3F));
		return 3;
	}
	to[0] = (uint8_t)(0xF0 | character >> 18);
	to[1] = (uint8_t)(0x80 | (character >> 12 & 0x3F));
	to[2] = (uint8_t)(0x80 | (character >> 6 & 0x3F));
	to[3] = (uint8_t)(0x80 | (character & 0x3F));
	return 4;
}

/* One character of a string, escaped or not. */
static int walk_character(struct walk *walk, uint32_t *ret_character)
{
	int c = peek(walk);

	if (c < 0)
		return fail(walk, "the text ends inside of a string");
	if (c < 0x20)
		return fail(walk, "a control character in a string");
	if (c == '\\')
		return walk_escape(walk, ret_character);
	size_t size = utf8_next(walk->text, walk->offset, ret_character);
	if (size == 0)
		return fail(walk, "invalid UTF-8");
	int rc = check_character(walk, walk->offset, *ret_character);
	walk->offset += size;
	return rc;
}

/* Most of what a large document is: to be passed over at the speed of memory. */
static void skip_plain(struct walk *walk)
{
	const uint8_t *at = walk->text.data + walk->offset;
	const uint8_t *end = walk->text.data + walk->text.size;

	while (at < end && *at >= ' ' && *at < 0x7F && *at != '"' && *at != '\\')
		at++;
	walk->offset = (size_t)(at - walk->text.data);
}

/* Tells where its inside begins, and whether something in it is escaped. */
static int walk_string(struct walk *walk, bool *ret_escaped)
{
	uint32_t character;
	bool escaped = false;

	for (walk->offset++, skip_plain(walk); !take(walk, '"'); skip_plain(walk)) {
		escaped = escaped || peek(walk) == '\\';
		int rc = walk_character(walk, &character);
		if (rc < 0)
			return rc;
	}
	*ret_escaped = escaped;
	return 0;
}

/* The name that was just walked, unescaped into the arena. */
static int unescape(struct walk *walk, struct name *name)
{
	size_t end = walk->offset;
	uint8_t *data = arena_alloc(&walk->arena, name->size);
	uint32_t character = 0;

	if (data == NULL)
		return err_no_memory(walk->err);
	name->data = data;
	name->size = 0;
	for (walk->offset = name->offset + 1; walk->offset < end - 1;) {
		int rc = walk_character(walk, &character);
		if (rc < 0)
			return rc;
		name->size += encode(character, data + name->size);
	}
	walk->offset = end;
	return 0;
}

static int walk_name(struct walk *walk)
{
	struct name name = {.offset = walk->offset};
	bool escaped;

	if (peek(walk) != '"')
		return fail(walk, "a name in quotes is expected");
	int rc = walk_string(walk, &escaped);
	if (rc < 0)
		return rc;
	name.data = walk->text.data + name.offset + 1;
	name.size = walk->offset - name.offset - 2;
	if (escaped) {
		rc = unescape(walk, &name);
		if (rc < 0)
			return rc;
	}
	if (walk->name_count == walk->name_room) {
		size_t room = walk->name_room == 0 ? 64 : walk->name_room * 2;
		struct name *names = reallocarray(walk->names, room, sizeof *names);
		if (names == NULL)
			return err_no_memory(walk->err);
		walk->names = names;
		walk->name_room = room;
	}
	walk->names[walk->name_count++] = name;
	return 0;
}

static int compare_names(const void *a, const void *b)
{
	const struct name *x = a;
	const struct name *y = b;

	/* By size first: it is cheaper, and only equality matters. */
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	int order = x->size > 0 ? memcmp(x->data, y->data, x->size) : 0;
	if (order != 0)
		return order;
	return x->offset < y->offset ? -1 : x->offset > y->offset;
}

/* Of the names of the object that ends here. Sorted, so that a hostile object costs n log n. */
static int check_duplicates(struct walk *walk, size_t first_name)
{
	CLEANUP_STR struct str message = STR_INIT;
	struct name *names = walk->names + first_name;
	size_t count = walk->name_count - first_name;
	const struct name *duplicate = NULL;

	walk->name_count = first_name;
	if (count < 2)
		return 0;
	qsort(names, count, sizeof *names, compare_names);
	for (size_t i = 1; i < count; i++) {
		bool same = bytes_equal(bytes_make(names[i].data, names[i].size),
			bytes_make(names[i - 1].data, names[i - 1].size));
		if (same && (duplicate == NULL || names[i].offset < duplicate->offset))
			duplicate = &names[i];
	}
	if (duplicate == NULL)
		return 0;
	str_append_text(&message, "the name \"");
	text_escape(&message, bytes_make(duplicate->data, duplicate->size), QUOTED_COLUMNS);
	str_append_text(&message, "\" is there twice");
	int rc = str_check(&message, walk->err);
	if (rc < 0)
		return rc;
	return fail_at(walk, duplicate->offset, ERR_SYNTAX, str_text(&message));
}

static int walk_member(struct walk *walk)
{
	int rc = walk_name(walk);

	if (rc < 0)
		return rc;
	skip_space(walk);
	if (!take(walk, ':'))
		return fail(walk, "a colon is expected");
	return walk_value(walk);
}

/* An array or an object: what they have in common is all but the members. */
static int walk_container(struct walk *walk, char close, int (*walk_one)(struct walk *walk))
{
	size_t first_name = walk->name_count;

	if (walk->depth == walk->depth_max)
		return fail_at(walk, walk->offset, ERR_LIMIT, "nested too deeply");
	walk->depth++;
	walk->offset++;
	skip_space(walk);
	for (bool first = true; !take(walk, close); first = false) {
		if (!first) {
			if (!take(walk, ','))
				return fail(walk, close == ']' ? "a comma or ] is expected"
							       : "a comma or } is expected");
			skip_space(walk);
		}
		int rc = walk_one(walk);
		if (rc < 0)
			return rc;
		skip_space(walk);
	}
	walk->depth--;
	return close == '}' ? check_duplicates(walk, first_name) : 0;
}

static int walk_value(struct walk *walk)
{
	bool escaped;

	skip_space(walk);
	if (++walk->values > VALUES_MAX)
		return fail_at(walk, walk->offset, ERR_LIMIT, "too many values");
	switch (peek(walk)) {
	case '{':
		return walk_container(walk, '}', walk_member);
	case '[':
		return walk_container(walk, ']', walk_value);
	case '"':
		return walk_string(walk, &escaped);
	case '-':
	case '0' ... '9':
		return walk_number(walk);
	default:
		return walk_literal(walk);
	}
}

int json_validate(struct bytes untrusted_text, const struct json_limits *limits, struct err *err)
{
	struct walk walk = {
		.text = untrusted_text, .limits = limits, .arena = ARENA_INIT, .err = err};

	walk.depth_max = limits->depth < JSON_DEPTH_MAX ? limits->depth : JSON_DEPTH_MAX;
	if (untrusted_text.size > limits->size)
		return err_set(err, ERR_LIMIT, "larger than %zu octets", limits->size);
	int rc = walk_value(&walk);
	if (rc == 0) {
		skip_space(&walk);
		if (walk.offset < untrusted_text.size)
			rc = fail(&walk, "something follows the end");
	}
	arena_release(&walk.arena);
	free(walk.names);
	return rc;
}
