/* Extended JSON by libbson, and values as people read them in a message. */
#include "mongo/value.h"

#include <bson/bson.h>
#include <inttypes.h>
#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "json/json_write.h"
#include "text/text.h"

int doc_to_json(struct bytes doc, bool canonical, struct str *out, struct err *err)
{
	bson_t view;
	size_t size = 0;

	/* libbson writes "..." for what is nested too deeply, and stops at what is malformed. */
	int result = doc_check(doc, err);
	if (result != 0)
		return result;
	if (!bson_init_static(&view, doc.data, doc.size))
		return err_set(err, ERR_SYNTAX, "BSON: a document does not end where it says");
	char *json = canonical ? bson_as_canonical_extended_json(&view, &size)
			       : bson_as_relaxed_extended_json(&view, &size);
	if (json == NULL)
		return err_set(err, ERR_SYNTAX, "BSON: a document has no form in JSON");
	str_append(out, json, size);
	bson_free(json);
	return str_check(out, err);
}

/*
 * libbson takes "$type" at the front of an object for the second half of an old binary, unless a
 * name follows: the query {"$type": ["int", "long"]} or {"$type": 2} is an error to it. So that
 * operator passes it under a name that it does not know, as long, and gets its own back in the
 * octets.
 */
static const char type_operator[] = "$type", type_stand_in[] = "\x7Ftype";

static size_t skip_space(const char *text, size_t size, size_t at)
{
	while (at < size && strchr(" \t\r\n", text[at]) != NULL)
		at++;
	return at;
}

/* Behind a string that begins (after its quote) at `from`: where its closing quote is. */
static size_t end_of_string(const char *text, size_t size, size_t from)
{
	while (from < size && text[from] != '"')
		from += text[from] == '\\' ? 2 : 1;
	return from < size ? from : size;
}

static bool has_list_or_number(const char *text, size_t size, size_t at)
{
	at = skip_space(text, size, at);
	if (at >= size || text[at] != ':')
		return false;
	at = skip_space(text, size, at + 1);
	return at < size && strchr("[-0123456789", text[at]) != NULL;
}

/* Returns how many were renamed. */
static size_t hide_type_operators(struct str *json)
{
	enum { LENGTH = sizeof type_operator - 1 };
	char *text = json->text;
	size_t hidden = 0;

	for (size_t at = 0; at < json->size; at++) {
		if (text[at] != '"')
			continue;
		size_t from = at + 1;
		at = end_of_string(text, json->size, from);
		if (at - from == LENGTH && memcmp(text + from, type_operator, LENGTH) == 0 &&
			has_list_or_number(text, json->size, at + 1)) {
			text[from] = type_stand_in[0];
			hidden++;
		}
	}
	return hidden;
}

/* Returns how many were renamed: more than were hidden, and one had the stand-in's name itself. */
static size_t show_type_operators(char *octets, struct bytes doc)
{
	struct doc_iter iter = doc_iter_begin(doc);
	struct value value;
	const char *name;
	size_t shown = 0;

	while (doc_iter_next(&iter, &name, &value)) {
		if (strcmp(name, type_stand_in) == 0) {
			octets[name - (const char *)doc.data] = type_operator[0];
			shown++;
		}
		if (value.type == VALUE_DOCUMENT || value.type == VALUE_ARRAY)
			shown += show_type_operators(
				octets + (value.bytes.data - doc.data), value.bytes);
	}
	return shown;
}

int doc_from_json_text(struct bytes text, struct str *out, struct err *err)
{
	CLEANUP_STR struct str json = STR_INIT;
	bson_error_t error;
	bson_t doc;

	if (text.size == 0 || text.size > SSIZE_MAX || !utf8_valid(text))
		return err_set(err, ERR_SYNTAX, "not MongoDB Extended JSON");
	str_append(&json, text.data, text.size);
	int result = str_check(&json, err);
	if (result != 0)
		return result;
	size_t hidden = hide_type_operators(&json);
	if (!bson_init_from_json(&doc, json.text, (ssize_t)json.size, &error))
		return err_set(err, ERR_SYNTAX, "not MongoDB Extended JSON: %s", error.message);
	struct bytes octets = bytes_make(bson_get_data(&doc), doc.len);
	result = doc_check(octets, err);
	if (result == 0) {
		size_t from = out->size;
		str_append(out, octets.data, octets.size);
		result = str_check(out, err);
		if (result == 0 && show_type_operators(out->text + from, octets) != hidden) {
			str_truncate(out, from);
			result = err_set(err, ERR_SYNTAX,
				"not MongoDB Extended JSON: a name has a control character");
		}
	}
	bson_destroy(&doc);
	return result;
}

int doc_from_json(const struct json *object, struct str *out, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	if (json_type(object) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "a document must be a JSON object");
	json_write_begin(&writer, &text);
	json_write_value(&writer, object);
	int result = str_check(&text, err);
	return result != 0 ? result : doc_from_json_text(str_bytes(&text), out, err);
}

static void date_to_text(int64_t time, struct str *out)
{
	char text[RFC3339_SIZE];

	time_format(time, text);
	str_append_text(out, text);
}

static void decimal_to_text(const struct value *value, struct str *out)
{
	uint8_t doc[4 + 1 + 2 + 16 + 1] = {sizeof doc, 0, 0, 0, VALUE_DECIMAL128, 'n', 0};
	char text[BSON_DECIMAL128_STRING];
	bson_decimal128_t decimal;
	bson_iter_t iter;

	memcpy(doc + 7, value->bytes.data, 16);
	if (!bson_iter_init_from_data(&iter, doc, sizeof doc) || !bson_iter_next(&iter) ||
		!bson_iter_decimal128(&iter, &decimal))
		return;
	bson_decimal128_to_string(&decimal, text);
	str_append_text(out, text);
}

void value_to_text(const struct value *value, struct str *out)
{
	char hex[OBJECT_ID_HEX_SIZE];

	switch (value->type) {
	case VALUE_DOUBLE:
		str_append_format(out, "%.17g", value->number);
		break;
	case VALUE_STRING:
		text_escape(out, value->bytes, 80);
		break;
	case VALUE_OBJECT_ID:
		object_id_to_hex(value->object_id, hex);
		str_append_text(out, hex);
		break;
	case VALUE_BOOL:
		str_append_text(out, value->boolean ? "true" : "false");
		break;
	case VALUE_DATE:
		date_to_text(value->int64, out);
		break;
	case VALUE_INT32:
		str_append_format(out, "%" PRId32, value->int32);
		break;
	case VALUE_INT64:
		str_append_format(out, "%" PRId64, value->int64);
		break;
	case VALUE_TIMESTAMP:
		str_append_format(out, "%" PRIu32 ":%" PRIu32,
			(uint32_t)((uint64_t)value->int64 >> 32), (uint32_t)value->int64);
		break;
	case VALUE_DECIMAL128:
		decimal_to_text(value, out);
		break;
	case VALUE_DOCUMENT: {
		CLEANUP_STR struct str json = STR_INIT;
		struct err ignored;
		if (doc_to_json(value->bytes, false, &json, &ignored) == 0) {
			text_escape(out, str_bytes(&json), 80);
			break;
		}
		str_append_text(out, "(object)");
		break;
	}
	case VALUE_NULL:
		str_append_text(out, "null");
		break;
	default:
		str_append_format(out, "(%s)", value_type_name(value->type));
	}
}
