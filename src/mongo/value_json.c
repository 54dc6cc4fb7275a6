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

int doc_from_json_text(struct bytes text, struct str *out, struct err *err)
{
	bson_error_t error;
	bson_t doc;

	if (text.size == 0 || text.size > SSIZE_MAX || !utf8_valid(text))
		return err_set(err, ERR_SYNTAX, "not MongoDB Extended JSON");
	if (!bson_init_from_json(&doc, (const char *)text.data, (ssize_t)text.size, &error))
		return err_set(err, ERR_SYNTAX, "not MongoDB Extended JSON: %s", error.message);
	int result = doc_check(bytes_make(bson_get_data(&doc), doc.len), err);
	if (result == 0) {
		str_append(out, bson_get_data(&doc), doc.len);
		result = str_check(out, err);
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
