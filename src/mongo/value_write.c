#include "mongo/value.h"

#include <endian.h>
#include <stdio.h>
#include <string.h>

#include "base/hex.h"

enum { LEVELS = sizeof((struct doc_writer *)0)->starts / sizeof(size_t) };

static void append_u32(struct str *out, uint32_t number)
{
	number = htole32(number);
	str_append(out, &number, sizeof number);
}

static void append_u64(struct str *out, uint64_t number)
{
	number = htole64(number);
	str_append(out, &number, sizeof number);
}

static void open_level(struct doc_writer *writer, bool is_array)
{
	if (writer->depth >= LEVELS)
		__builtin_trap();
	writer->starts[writer->depth] = writer->out->size;
	writer->indexes[writer->depth] = 0;
	writer->is_array[writer->depth] = is_array;
	writer->depth++;
	append_u32(writer->out, 0);
}

void doc_write_begin(struct doc_writer *writer, struct str *out)
{
	writer->out = out;
	writer->depth = 0;
	open_level(writer, false);
}

void doc_write_end(struct doc_writer *writer)
{
	struct str *out = writer->out;

	if (writer->depth == 0)
		__builtin_trap();
	str_append_char(out, '\0');
	size_t start = writer->starts[--writer->depth];
	if (out->failed)
		return;
	size_t size = out->size - start;
	if (size > INT32_MAX) {
		out->failed = true;
		return;
	}
	uint32_t length = htole32((uint32_t)size);
	memcpy(out->text + start, &length, sizeof length);
}

/* "0", "1", … from the end of a text; every element of an array has one. */
static const char *index_to_text(uint32_t index, char text[static 11])
{
	char *at = text + 10;

	*at = '\0';
	do
		*--at = (char)('0' + index % 10);
	while ((index /= 10) > 0);
	return at;
}

static void element(struct doc_writer *writer, enum value_type type, const char *name)
{
	unsigned level = writer->depth - 1;
	char index[11];

	if (writer->depth == 0)
		__builtin_trap();
	if (writer->is_array[level])
		name = index_to_text(writer->indexes[level]++, index);
	str_append_char(writer->out, (char)type);
	str_append(writer->out, name, strlen(name) + 1);
}

static void append_string(struct str *out, struct bytes text)
{
	if (text.size >= INT32_MAX) {
		out->failed = true;
		return;
	}
	append_u32(out, (uint32_t)text.size + 1);
	str_append(out, text.data, text.size);
	str_append_char(out, '\0');
}

static void append_double(struct str *out, double number)
{
	uint64_t raw;

	memcpy(&raw, &number, sizeof raw);
	append_u64(out, raw);
}

void doc_write_value(struct doc_writer *writer, const char *name, const struct value *value)
{
	struct str *out = writer->out;

	if (value->type == VALUE_MISSING)
		return;
	element(writer, value->type, name);
	switch (value->type) {
	case VALUE_DOUBLE:
		append_double(out, value->number);
		break;
	case VALUE_STRING:
		append_string(out, value->bytes);
		break;
	case VALUE_OBJECT_ID:
		str_append(out, value->object_id, OBJECT_ID_SIZE);
		break;
	case VALUE_BOOL:
		str_append_char(out, value->boolean ? 1 : 0);
		break;
	case VALUE_INT32:
		append_u32(out, (uint32_t)value->int32);
		break;
	case VALUE_INT64:
	case VALUE_DATE:
	case VALUE_TIMESTAMP:
		append_u64(out, (uint64_t)value->int64);
		break;
	case VALUE_UNDEFINED:
	case VALUE_NULL:
	case VALUE_MIN_KEY:
	case VALUE_MAX_KEY:
		break;
	default:
		str_append(out, value->bytes.data, value->bytes.size);
	}
}

void doc_write_document(struct doc_writer *writer, const char *name)
{
	element(writer, VALUE_DOCUMENT, name);
	open_level(writer, false);
}

void doc_write_array(struct doc_writer *writer, const char *name)
{
	element(writer, VALUE_ARRAY, name);
	open_level(writer, true);
}

void doc_write_string(struct doc_writer *writer, const char *name, const char *text)
{
	element(writer, VALUE_STRING, name);
	append_string(writer->out, bytes_of_string(text));
}

void doc_write_int32(struct doc_writer *writer, const char *name, int32_t number)
{
	element(writer, VALUE_INT32, name);
	append_u32(writer->out, (uint32_t)number);
}

void doc_write_int64(struct doc_writer *writer, const char *name, int64_t number)
{
	element(writer, VALUE_INT64, name);
	append_u64(writer->out, (uint64_t)number);
}

void doc_write_double(struct doc_writer *writer, const char *name, double number)
{
	element(writer, VALUE_DOUBLE, name);
	append_double(writer->out, number);
}

void doc_write_bool(struct doc_writer *writer, const char *name, bool value)
{
	element(writer, VALUE_BOOL, name);
	str_append_char(writer->out, value ? 1 : 0);
}

void doc_write_date(struct doc_writer *writer, const char *name, int64_t time)
{
	element(writer, VALUE_DATE, name);
	append_u64(writer->out, (uint64_t)time);
}

void doc_write_null(struct doc_writer *writer, const char *name)
{
	element(writer, VALUE_NULL, name);
}

void doc_write_object_id(struct doc_writer *writer, const char *name, const uint8_t *id)
{
	element(writer, VALUE_OBJECT_ID, name);
	str_append(writer->out, id, OBJECT_ID_SIZE);
}

void doc_write_raw(struct doc_writer *writer, const char *name, struct bytes doc)
{
	element(writer, VALUE_DOCUMENT, name);
	str_append(writer->out, doc.data, doc.size);
}

void object_id_to_hex(const uint8_t *id, char hex[static OBJECT_ID_HEX_SIZE])
{
	hex_encode(bytes_make(id, OBJECT_ID_SIZE), hex);
}
