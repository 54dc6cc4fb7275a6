#include "json/json_write.h"

#include <string.h>

#include "base/clock.h"
#include "json/json_internal.h"
#include "text/text.h"

/* A call that the grammar does not allow here is a bug of the caller. */
static void require(bool condition)
{
	if (!condition)
		__builtin_trap();
}

void json_write_begin(struct json_writer *writer, struct str *out)
{
	*writer = (struct json_writer){.out = out};
}

static void separate(struct json_writer *writer)
{
	unsigned level = writer->depth - 1;

	if (writer->has_members[level])
		str_append_char(writer->out, ',');
	writer->has_members[level] = true;
}

static void before_value(struct json_writer *writer)
{
	if (writer->depth == 0)
		return;
	if (writer->is_object[writer->depth - 1])
		require(writer->after_name);
	else
		separate(writer);
	writer->after_name = false;
}

static void open_container(struct json_writer *writer, bool is_object)
{
	before_value(writer);
	require(writer->depth < JSON_WRITE_DEPTH);
	writer->is_object[writer->depth] = is_object;
	writer->has_members[writer->depth] = false;
	writer->depth++;
	str_append_char(writer->out, is_object ? '{' : '[');
}

void json_write_object(struct json_writer *writer)
{
	open_container(writer, true);
}

void json_write_array(struct json_writer *writer)
{
	open_container(writer, false);
}

void json_write_end(struct json_writer *writer)
{
	require(writer->depth > 0 && !writer->after_name);
	writer->depth--;
	str_append_char(writer->out, writer->is_object[writer->depth] ? '}' : ']');
}

void json_write_name(struct json_writer *writer, const char *name)
{
	require(writer->depth > 0 && writer->is_object[writer->depth - 1] && !writer->after_name);
	separate(writer);
	json_append_safe_string(writer->out, name, strlen(name));
	str_append_char(writer->out, ':');
	writer->after_name = true;
}

static const char *escape_of(unsigned char c)
{
	static const char *const escapes[] = {
		['\b'] = "\\b",
		['\t'] = "\\t",
		['\n'] = "\\n",
		['\f'] = "\\f",
		['\r'] = "\\r",
		['"'] = "\\\"",
		['\\'] = "\\\\",
	};

	return c < sizeof escapes / sizeof *escapes ? escapes[c] : NULL;
}

static void append_escape(struct str *out, uint32_t character)
{
	if (character < 0x10000) {
		str_append_format(out, "\\u%04x", character);
		return;
	}
	character -= 0x10000;
	str_append_format(
		out, "\\u%04x\\u%04x", 0xD800 + (character >> 10), 0xDC00 + (character & 0x3FF));
}

static void append_string(struct str *out, const char *text, size_t size, bool for_terminal)
{
	struct bytes bytes = bytes_make(text, size);
	size_t plain = 0; /* where the octets begin that need no escape */
	size_t offset = 0;
	unsigned marks = TEXT_NO_BASE;

	str_append_char(out, '"');
	while (offset < size) {
		unsigned char c = (unsigned char)text[offset];
		uint32_t character = 0;
		size_t step = utf8_next(bytes, offset, &character);
		const char *escape = escape_of(c);
		bool shown = !for_terminal || text_shows(character, &marks);
		if (step > 0 && c >= 0x20 && escape == NULL && shown) {
			offset += step;
			continue;
		}
		str_append(out, text + plain, offset - plain);
		/* Our own reader refuses U+0000. */
		if (step == 0 || c == '\0')
			str_append_text(out, "\uFFFD");
		else if (escape != NULL)
			str_append_text(out, escape);
		else
			append_escape(out, character);
		offset += step > 0 ? step : 1;
		plain = offset;
	}
	str_append(out, text + plain, offset - plain);
	str_append_char(out, '"');
}

void json_append_string(struct str *out, const char *text, size_t size)
{
	append_string(out, text, size, false);
}

void json_append_safe_string(struct str *out, const char *text, size_t size)
{
	append_string(out, text, size, true);
}

void json_write_string_n(struct json_writer *writer, const char *text, size_t size)
{
	before_value(writer);
	json_append_safe_string(writer->out, text, size);
}

void json_write_string(struct json_writer *writer, const char *text)
{
	json_write_string_n(writer, text, strlen(text));
}

void json_write_integer(struct json_writer *writer, int64_t number)
{
	require(number >= -JSON_INTEGER_MAX && number <= JSON_INTEGER_MAX);
	json_write_number(writer, (double)number);
}

void json_write_number(struct json_writer *writer, double number)
{
	char text[JSON_NUMBER_SIZE];

	before_value(writer);
	json_format_number(number, text);
	str_append_text(writer->out, text);
}

void json_write_bool(struct json_writer *writer, bool value)
{
	before_value(writer);
	str_append_text(writer->out, value ? "true" : "false");
}

void json_write_null(struct json_writer *writer)
{
	before_value(writer);
	str_append_text(writer->out, "null");
}

void json_write_value(struct json_writer *writer, const struct json *value)
{
	before_value(writer);
	json_append_value(writer->out, value);
}

void json_write_members(struct json_writer *writer, const struct json *object)
{
	for (const struct json *member = json_first(object); member != NULL;
		member = json_next(member))
		json_member_value(writer, json_name(member), member);
}

void json_write_time(struct json_writer *writer, int64_t time)
{
	char text[RFC3339_SIZE];

	time_format(time, text);
	json_write_string(writer, text);
}

void json_member_string(struct json_writer *writer, const char *name, const char *text)
{
	json_write_name(writer, name);
	json_write_string(writer, text);
}

void json_member_integer(struct json_writer *writer, const char *name, int64_t number)
{
	json_write_name(writer, name);
	json_write_integer(writer, number);
}

void json_member_number(struct json_writer *writer, const char *name, double number)
{
	json_write_name(writer, name);
	json_write_number(writer, number);
}

void json_member_bool(struct json_writer *writer, const char *name, bool value)
{
	json_write_name(writer, name);
	json_write_bool(writer, value);
}

void json_member_null(struct json_writer *writer, const char *name)
{
	json_write_name(writer, name);
	json_write_null(writer);
}

void json_member_time(struct json_writer *writer, const char *name, int64_t time)
{
	json_write_name(writer, name);
	json_write_time(writer, time);
}

void json_member_value(struct json_writer *writer, const char *name, const struct json *value)
{
	json_write_name(writer, name);
	json_write_value(writer, value);
}

void json_member_object(struct json_writer *writer, const char *name)
{
	json_write_name(writer, name);
	json_write_object(writer);
}

void json_member_array(struct json_writer *writer, const char *name)
{
	json_write_name(writer, name);
	json_write_array(writer);
}
