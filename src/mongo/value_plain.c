/* A payload's JSON as a document: what it says, and nothing that it could mean as Extended JSON. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "json/slice.h"
#include "mongo/value.h"

enum { PLAIN_DEPTH_MAX = 32 }; /* as deep as a document is written */

/* Of a text that was checked: every octet is where it has to be. */
struct reader {
	const uint8_t *at;
	struct doc_writer *writer;
	struct str name, text;
};

static void skip_space(struct reader *reader)
{
	while (*reader->at == ' ' || *reader->at == '\t' || *reader->at == '\n' ||
		*reader->at == '\r')
		reader->at++;
}

static unsigned hex_unit(const uint8_t *at)
{
	unsigned unit = 0;

	for (int i = 0; i < 4; i++) {
		unsigned digit = at[i] <= '9' ? at[i] - '0' : (at[i] | 0x20) - 'a' + 10;
		unit = unit << 4 | digit;
	}
	return unit;
}

static void append_scalar(struct str *out, unsigned scalar)
{
	static const uint8_t first[] = {0x00, 0xC0, 0xE0, 0xF0};
	unsigned more = scalar < 0x80 ? 0 : scalar < 0x800 ? 1 : scalar < 0x10000 ? 2 : 3;

	str_append_char(out, (char)(first[more] | scalar >> (6 * more)));
	while (more-- > 0)
		str_append_char(out, (char)(0x80 | (scalar >> (6 * more) & 0x3F)));
}

/* At the "u" of an escape, of two when it is a surrogate pair. */
static void read_unicode(struct reader *reader, struct str *out)
{
	unsigned unit = hex_unit(reader->at + 1);

	reader->at += 5;
	if (unit >= 0xD800 && unit < 0xDC00) {
		unsigned low = hex_unit(reader->at + 2);
		unit = 0x10000 + ((unit - 0xD800) << 10 | (low - 0xDC00));
		reader->at += 6;
	}
	append_scalar(out, unit);
}

static void read_escape(struct reader *reader, struct str *out)
{
	static const char letters[] = "bfnrt", meanings[] = "\b\f\n\r\t";
	char c = (char)*++reader->at;

	if (c == 'u') {
		read_unicode(reader, out);
		return;
	}
	const char *letter = strchr(letters, c);
	str_append_char(out, letter == NULL ? c : meanings[letter - letters]);
	reader->at++;
}

static void read_string(struct reader *reader, struct str *out)
{
	str_truncate(out, 0);
	reader->at++;
	while (*reader->at != '"') {
		const uint8_t *begin = reader->at;
		while (*reader->at != '"' && *reader->at != '\\')
			reader->at++;
		str_append(out, begin, (size_t)(reader->at - begin));
		if (*reader->at == '\\')
			read_escape(reader, out);
	}
	reader->at++;
}

static struct value read_number(struct reader *reader)
{
	const char *begin = (const char *)reader->at;
	size_t size = strspn(begin, "+-.0123456789eE");
	struct value value = {.type = VALUE_DOUBLE};

	reader->at += size;
	if (memchr(begin, '.', size) != NULL || memchr(begin, 'e', size) != NULL ||
		memchr(begin, 'E', size) != NULL) {
		value.number = strtod(begin, NULL);
		return value;
	}
	long long integer = strtoll(begin, NULL, 10);
	if (integer >= INT32_MIN && integer <= INT32_MAX)
		return (struct value){.type = VALUE_INT32, .int32 = (int32_t)integer};
	return (struct value){.type = VALUE_INT64, .int64 = integer};
}

static struct value read_scalar(struct reader *reader)
{
	struct value value = {.type = VALUE_NULL};

	switch (*reader->at) {
	case '"':
		read_string(reader, &reader->text);
		return (struct value){.type = VALUE_STRING, .bytes = str_bytes(&reader->text)};
	case 't':
		value = (struct value){.type = VALUE_BOOL, .boolean = true};
		reader->at += 4;
		return value;
	case 'f':
		value = (struct value){.type = VALUE_BOOL, .boolean = false};
		reader->at += 5;
		return value;
	case 'n':
		reader->at += 4;
		return value;
	default:
		return read_number(reader);
	}
}

static void read_members(struct reader *reader);

/* A name of NULL is an element's. */
static void read_value(struct reader *reader, const char *name)
{
	skip_space(reader);
	if (*reader->at != '{' && *reader->at != '[') {
		struct value value = read_scalar(reader);
		doc_write_value(reader->writer, name, &value);
		return;
	}
	if (*reader->at == '{')
		doc_write_document(reader->writer, name);
	else
		doc_write_array(reader->writer, name);
	read_members(reader);
	doc_write_end(reader->writer);
}

/* As deep as the text, which is at most PLAIN_DEPTH_MAX. */
static void read_members(struct reader *reader)
{
	bool named = *reader->at++ == '{';

	skip_space(reader);
	while (*reader->at != '}' && *reader->at != ']') {
		if (named) {
			read_string(reader, &reader->name);
			skip_space(reader);
			reader->at++; /* the colon */
		}
		read_value(reader, named ? str_text(&reader->name) : NULL);
		skip_space(reader);
		if (*reader->at == ',')
			reader->at++;
		skip_space(reader);
	}
	reader->at++;
}

int doc_from_plain_json(struct bytes untrusted_text, struct str *out, struct err *err)
{
	const struct json_limits limits = {untrusted_text.size, PLAIN_DEPTH_MAX, true};
	struct doc_writer writer;
	struct reader reader = {.at = untrusted_text.data, .writer = &writer};
	size_t from = out->size;
	int result = json_check(untrusted_text, &limits, err);

	if (result != 0)
		return result;
	skip_space(&reader);
	if (*reader.at != '{')
		return err_set(err, ERR_SYNTAX, "it is not a JSON object");
	doc_write_begin(&writer, out);
	read_members(&reader);
	doc_write_end(&writer);
	result = str_check(out, err);
	if (result == 0)
		result = str_check(&reader.name, err);
	if (result == 0)
		result = str_check(&reader.text, err);
	str_release(&reader.name);
	str_release(&reader.text);
	if (result != 0)
		str_truncate(out, from);
	return result;
}
