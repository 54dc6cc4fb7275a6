/*
 * Whatever the reader takes is what a second, simple reader takes, survives being written, in all
 * forms; whatever it refuses is named.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "json/json_write.h"
#include "tests/fuzz/target.h"
#include "text/text.h"

static void write_and_read_again(const struct json *value)
{
	CLEANUP(json_cleanup) struct json_doc *again = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;
	struct err err;

	json_write_begin(&writer, &text);
	json_write_value(&writer, value);
	HOLDS(json_parse(str_bytes(&text), JSON_LIMITS(SIZE_MAX), &again, &err) == 0);
	HOLDS(json_equal(value, json_root(again)));
}

static void canonical_is_a_fixed_point(const struct json *value)
{
	CLEANUP_STR struct str once = STR_INIT;
	CLEANUP_STR struct str twice = STR_INIT;
	struct err err;

	HOLDS(json_canonical(value, &once, &err) == 0);
	HOLDS(json_canonical_text(str_bytes(&once), &twice, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&once), str_bytes(&twice)));
}

/* ---- a second reader, of text that is valid: each value against the tree's */

static void skip_space(const char **at)
{
	*at += strspn(*at, " \t\r\n");
}

static uint32_t four_digits(const char **at)
{
	char digits[5] = {(*at)[0], (*at)[1], (*at)[2], (*at)[3], '\0'};

	*at += 4;
	return (uint32_t)strtoul(digits, NULL, 16);
}

static void append_character(struct str *out, uint32_t c)
{
	if (c < 0x80) {
		str_append_char(out, (char)c);
		return;
	}
	unsigned more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;
	static const unsigned first[] = {0, 0xc0, 0xe0, 0xf0};
	str_append_char(out, (char)(first[more] | c >> (6 * more)));
	while (more-- > 0)
		str_append_char(out, (char)(0x80 | (c >> (6 * more) & 0x3f)));
}

static void read_string(const char **at, struct str *out)
{
	static const char escapes[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";

	for (++*at; **at != '"';) {
		if (**at != '\\') {
			str_append_char(out, *(*at)++);
			continue;
		}
		char escape = *++*at;
		++*at;
		if (escape != 'u') {
			str_append_char(out, meant[strchr(escapes, escape) - escapes]);
			continue;
		}
		uint32_t c = four_digits(at);
		if (c >= 0xd800 && c < 0xdc00) {
			*at += 2;
			c = 0x10000 + ((c - 0xd800) << 10) + (four_digits(at) - 0xdc00);
		}
		append_character(out, c);
	}
	++*at;
}

static void same_string(const char **at, const char *found)
{
	CLEANUP_STR struct str text = STR_INIT;

	read_string(at, &text);
	HOLDS(strcmp(str_text(&text), found) == 0 && text.size == strlen(found));
}

static void same_value(const char **at, const struct json *value);

static void same_members(const char **at, const struct json *container, char end)
{
	++*at;
	skip_space(at);
	for (const struct json *member = json_first(container); member != NULL;
		member = json_next(member)) {
		skip_space(at);
		if (end == '}') {
			same_string(at, json_name(member));
			skip_space(at);
			HOLDS(*(*at)++ == ':');
			HOLDS(json_member(container, json_name(member)) == member);
		}
		same_value(at, member);
		skip_space(at);
		HOLDS(json_next(member) == NULL || *(*at)++ == ',');
	}
	HOLDS(*(*at)++ == end);
}

static void same_value(const char **at, const struct json *value)
{
	char *end;

	skip_space(at);
	switch (json_type(value)) {
	case JSON_OBJECT:
		same_members(at, value, '}');
		break;
	case JSON_ARRAY:
		same_members(at, value, ']');
		break;
	case JSON_STRING:
		same_string(at, json_string(value));
		break;
	case JSON_NUMBER:
		HOLDS(strtod(*at, &end) == json_number(value) && end > *at);
		*at = end;
		break;
	case JSON_BOOL:
		HOLDS(strncmp(*at, json_bool(value) ? "true" : "false", json_bool(value) ? 4 : 5) ==
			0);
		*at += json_bool(value) ? 4 : 5;
		break;
	case JSON_NULL:
		HOLDS(strncmp(*at, "null", 4) == 0);
		*at += 4;
		break;
	}
}

static void second_reader_agrees(struct bytes text, const struct json *root)
{
	CLEANUP_STR struct str copy = STR_INIT;
	const char *at;

	str_append(&copy, text.data, text.size);
	at = str_text(&copy);
	same_value(&at, root);
	skip_space(&at);
	HOLDS(at == str_text(&copy) + copy.size);
}

/* OLPC canonical JSON escapes no control characters; without one it is JSON, and the same. */
static void olpc_is_the_same(const struct json *value)
{
	CLEANUP(json_cleanup) struct json_doc *again = NULL;
	CLEANUP_STR struct str olpc = STR_INIT;
	struct err err;

	if (json_canonical_olpc(value, &olpc, &err) < 0) {
		HOLDS(olpc.size == 0);
		return;
	}
	for (size_t i = 0; i < olpc.size; i++)
		if ((unsigned char)olpc.text[i] < 0x20)
			return;
	HOLDS(json_parse(str_bytes(&olpc), JSON_LIMITS_OWN(SIZE_MAX), &again, &err) == 0);
	HOLDS(json_equal(value, json_root(again)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct err err = {0};
	int rc = json_parse(bytes_make(data, size), JSON_LIMITS(1 << 20), &doc, &err);

	if (rc < 0) {
		HOLDS(doc == NULL);
		HOLDS(rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
		HOLDS(rc == -ERR_LIMIT || strncmp(err.message, "line ", 5) == 0);
		HOLDS(utf8_valid(bytes_of_string(err.message)));
		return 0;
	}
	HOLDS(utf8_valid(bytes_make(data, size)));
	write_and_read_again(json_root(doc));
	canonical_is_a_fixed_point(json_root(doc));
	second_reader_agrees(bytes_make(data, size), json_root(doc));
	olpc_is_the_same(json_root(doc));
	return 0;
}
