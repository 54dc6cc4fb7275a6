#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "base/cleanup.h"
#include "mongo/value.h"

static struct bytes sample(struct str *out)
{
	static const uint8_t id[OBJECT_ID_SIZE] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 255};
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_object_id(&writer, "_id", id);
	doc_write_string(&writer, "name", "caf\303\251");
	doc_write_int32(&writer, "n", -7);
	doc_write_int64(&writer, "big", INT64_MAX);
	doc_write_double(&writer, "score", 9.8);
	doc_write_bool(&writer, "yes", true);
	doc_write_date(&writer, "at", 1234567890123);
	doc_write_null(&writer, "none");
	doc_write_document(&writer, "source");
	doc_write_string(&writer, "vendor", "ghsa");
	doc_write_array(&writer, "list");
	doc_write_int32(&writer, NULL, 1);
	doc_write_string(&writer, NULL, "two");
	doc_write_document(&writer, NULL);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	return str_bytes(out);
}

static void what_is_written_is_read_back(void **state)
{
	(void)state;
	CLEANUP_STR struct str out = STR_INIT;
	struct bytes doc = sample(&out);
	struct err err;
	int64_t number = 0;
	char hex[OBJECT_ID_HEX_SIZE];

	assert_int_equal(doc_check(doc, &err), 0);
	assert_int_equal(doc_count(doc), 9);
	object_id_to_hex(doc_get(doc, "_id").object_id, hex);
	assert_string_equal(hex, "0102030405060708090a0bff");
	assert_string_equal(doc_get_string(doc, "name"), "caf\303\251");
	assert_true(doc_get_integer(doc, "n", &number));
	assert_int_equal(number, -7);
	assert_true(doc_get_integer(doc, "big", &number));
	assert_true(number == INT64_MAX);
	assert_false(doc_get_integer(doc, "score", &number));
	assert_true(doc_get_bool(doc, "yes"));
	assert_false(doc_get_bool(doc, "n"));
	assert_true(doc_get(doc, "at").int64 == 1234567890123);
	assert_int_equal(doc_get(doc, "none").type, VALUE_NULL);
	assert_int_equal(doc_get(doc, "nam").type, VALUE_MISSING);
	assert_int_equal(doc_get(doc, "names").type, VALUE_MISSING);
	assert_int_equal(doc_get_path(doc, "source.vendor").type, VALUE_STRING);
	assert_int_equal(doc_get_path(doc, "source.vendor.x").type, VALUE_MISSING);
	assert_int_equal(doc_get_path(doc, "source.list.0").type, VALUE_MISSING);
	struct value list = doc_get_path(doc, "source.list");
	assert_int_equal(list.type, VALUE_ARRAY);
	assert_int_equal(doc_count(list.bytes), 3);
	assert_string_equal(doc_get_string(list.bytes, "1"), "two");
}

/* Every cut and every changed octet is refused or leaves a document that can be walked. */
static void walk(struct bytes doc)
{
	struct doc_iter iter = doc_iter_begin(doc);
	struct value value;
	const char *name;

	while (doc_iter_next(&iter, &name, &value))
		if (value.type == VALUE_DOCUMENT || value.type == VALUE_ARRAY)
			walk(value.bytes);
	assert_int_equal(iter.offset, doc.size - 1);
}

static void damaged_documents_are_refused_or_whole(void **state)
{
	(void)state;
	CLEANUP_STR struct str out = STR_INIT;
	struct bytes doc = sample(&out);
	struct err err;

	for (size_t size = 0; size < doc.size; size++)
		assert_int_equal(doc_check(bytes_make(doc.data, size), &err), -ERR_SYNTAX);
	for (size_t at = 0; at < doc.size; at++)
		for (int change = 1; change < 256; change++) {
			CLEANUP_STR struct str copy = STR_INIT;
			str_append(&copy, doc.data, doc.size);
			copy.text[at] = (char)(copy.text[at] ^ change);
			if (doc_check(str_bytes(&copy), &err) == 0)
				walk(str_bytes(&copy));
		}
}

static void nested(struct str *out, unsigned depth)
{
	/* from the inside: each level wraps what is there already */
	str_append(out, "\5\0\0\0\0", 5);
	for (unsigned i = 1; i < depth; i++) {
		CLEANUP_STR struct str inner = STR_INIT;
		struct doc_writer writer;
		str_append(&inner, out->text, out->size);
		str_truncate(out, 0);
		doc_write_begin(&writer, out);
		doc_write_raw(&writer, "a", str_bytes(&inner));
		doc_write_end(&writer);
	}
}

static void nesting_is_limited(void **state)
{
	(void)state;
	CLEANUP_STR struct str allowed = STR_INIT, over = STR_INIT;
	struct err err;

	nested(&allowed, DOC_DEPTH_MAX);
	assert_int_equal(doc_check(str_bytes(&allowed), &err), 0);
	nested(&over, DOC_DEPTH_MAX + 1);
	assert_int_equal(doc_check(str_bytes(&over), &err), -ERR_SYNTAX);
}

static const struct {
	const char *what;
	const char *octets;
	size_t size;
	int result;
} hostile[] = {
#define DOC(what, text, result)                                                                    \
	{                                                                                          \
		what, text, sizeof(text) - 1, result                                               \
	}
	DOC("empty", "\5\0\0\0\0", 0),
	DOC("longer than it says", "\5\0\0\0\0\0", -ERR_SYNTAX),
	DOC("negative length", "\377\377\377\377\0", -ERR_SYNTAX),
	DOC("length 4", "\4\0\0\0", -ERR_SYNTAX),
	DOC("no terminator", "\5\0\0\0\1", -ERR_SYNTAX),
	DOC("null", "\10\0\0\0\12a\0\0", 0),
	DOC("name without end", "\7\0\0\0\12a\0", -ERR_SYNTAX),
	DOC("name not UTF-8", "\10\0\0\0\12\377\0\0", -ERR_SYNTAX),
	DOC("unknown type", "\10\0\0\0\24a\0\0", -ERR_SYNTAX),
	DOC("type 0 inside", "\10\0\0\0\0a\0\0", -ERR_SYNTAX),
	DOC("boolean 1", "\11\0\0\0\10a\0\1\0", 0),
	DOC("boolean 2", "\11\0\0\0\10a\0\2\0", -ERR_SYNTAX),
	DOC("string", "\16\0\0\0\2a\0\2\0\0\0b\0\0", 0),
	DOC("string of length 0", "\14\0\0\0\2a\0\0\0\0\0\0", -ERR_SYNTAX),
	DOC("string unterminated", "\16\0\0\0\2a\0\2\0\0\0bb\0", -ERR_SYNTAX),
	DOC("string over the end", "\16\0\0\0\2a\0\3\0\0\0b\0\0", -ERR_SYNTAX),
	DOC("string not UTF-8", "\16\0\0\0\2a\0\2\0\0\0\300\0\0", -ERR_SYNTAX),
	DOC("string with NUL", "\17\0\0\0\2a\0\3\0\0\0\0b\0\0", 0),
	DOC("binary", "\16\0\0\0\5a\0\1\0\0\0\0x\0", 0),
	DOC("binary over the end", "\16\0\0\0\5a\0\2\0\0\0\0x\0", -ERR_SYNTAX),
	DOC("old binary", "\22\0\0\0\5a\0\5\0\0\0\2\1\0\0\0x\0", 0),
	DOC("old binary, other length", "\22\0\0\0\5a\0\5\0\0\0\2\2\0\0\0x\0", -ERR_SYNTAX),
	DOC("regex", "\13\0\0\0\13a\0b\0\0\0", 0),
	DOC("regex without options", "\12\0\0\0\13a\0b\0\0", -ERR_SYNTAX),
	DOC("scope", "\27\0\0\0\17a\0\17\0\0\0\2\0\0\0x\0\5\0\0\0\0\0", 0),
	DOC("scope that is no document", "\27\0\0\0\17a\0\17\0\0\0\2\0\0\0x\0\6\0\0\0\0\0",
		-ERR_SYNTAX),
	DOC("inner document over the end", "\15\0\0\0\3a\0\6\0\0\0\0\0", -ERR_SYNTAX),
#undef DOC
};

static void hostile_documents(void **state)
{
	(void)state;
	struct err err;

	for (size_t i = 0; i < sizeof hostile / sizeof hostile[0]; i++) {
		int result = doc_check(bytes_make(hostile[i].octets, hostile[i].size), &err);
		if (result != hostile[i].result)
			fail_msg("%s: %d", hostile[i].what, result);
	}
}

static void a_string_with_nul_is_no_c_string(void **state)
{
	(void)state;
	const char doc[] = "\17\0\0\0\2a\0\3\0\0\0\0b\0";

	assert_null(doc_get_string(bytes_make(doc, sizeof doc), "a"));
	assert_int_equal(doc_get(bytes_make(doc, sizeof doc), "a").bytes.size, 2);
}

static struct value int64_value(int64_t number)
{
	return (struct value){.type = VALUE_INT64, .int64 = number};
}

static struct value double_value(double number)
{
	return (struct value){.type = VALUE_DOUBLE, .number = number};
}

static void numbers_compare_by_value(void **state)
{
	(void)state;
	/* decimal128 of 1 (E 0), of 10 as 1E1, of 0.1, NaN, -Infinity */
	static const uint8_t one[16] = {1, [14] = 0x40, [15] = 0x30};
	static const uint8_t ten[16] = {1, [14] = 0x42, [15] = 0x30};
	static const uint8_t tenth[16] = {1, [14] = 0x3E, [15] = 0x30};
	static const uint8_t nan_decimal[16] = {[15] = 0x7C};
	static const uint8_t minus_infinity[16] = {[15] = 0xF8};
#define DECIMAL(octets)                                                                            \
	((struct value){.type = VALUE_DECIMAL128, .bytes = bytes_make(octets, sizeof(octets))})
	struct value in_order[] = {
		double_value(NAN),
		DECIMAL(minus_infinity),
		int64_value(INT64_MIN),
		double_value(-0.5),
		int64_value(0),
		double_value(0x1p-1074),
		DECIMAL(tenth),
		double_value(0.1), /* a little over a tenth */
		DECIMAL(one),
		{.type = VALUE_INT32, .int32 = 2},
		DECIMAL(ten),
		int64_value((1LL << 53) + 1),
		double_value(0x1p53 + 2),
		int64_value(INT64_MAX),
		double_value(0x1p63),
		double_value(INFINITY),
	};
	const size_t count = sizeof in_order / sizeof in_order[0];

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			int wanted = (i > j) - (i < j);
			if (value_compare(&in_order[i], &in_order[j]) != wanted)
				fail_msg("%zu and %zu", i, j);
		}
	struct value nan_too = DECIMAL(nan_decimal), zero = double_value(-0.0);
	assert_int_equal(value_compare(&in_order[0], &nan_too), 0);
	assert_int_equal(value_compare(&in_order[4], &zero), 0);
	assert_false(value_equal(&in_order[4], &zero));
}

static struct value string_value(const char *text)
{
	return (struct value){.type = VALUE_STRING, .bytes = bytes_of_string(text)};
}

static void types_compare_in_the_servers_order(void **state)
{
	(void)state;
	static const uint8_t id[OBJECT_ID_SIZE] = {0};
	static const uint8_t empty[] = {5, 0, 0, 0, 0};
	struct value in_order[] = {
		{.type = VALUE_MIN_KEY},
		{.type = VALUE_MISSING},
		{.type = VALUE_NULL},
		int64_value(5),
		string_value(""),
		string_value("a"),
		string_value("ab"),
		string_value("b"),
		{.type = VALUE_DOCUMENT, .bytes = bytes_make(empty, sizeof empty)},
		{.type = VALUE_ARRAY, .bytes = bytes_make(empty, sizeof empty)},
		{.type = VALUE_BINARY, .bytes = bytes_make("\1\0\0\0\0z", 6)},
		{.type = VALUE_BINARY, .bytes = bytes_make("\2\0\0\0\0aa", 7)},
		{.type = VALUE_OBJECT_ID, .object_id = id},
		{.type = VALUE_BOOL, .boolean = false},
		{.type = VALUE_BOOL, .boolean = true},
		{.type = VALUE_DATE, .int64 = -1},
		{.type = VALUE_DATE, .int64 = 1},
		{.type = VALUE_TIMESTAMP, .int64 = 1},
		{.type = VALUE_TIMESTAMP, .int64 = -1}, /* unsigned: the greatest */
		{.type = VALUE_REGEX, .bytes = bytes_make("a\0i\0", 4)},
		{.type = VALUE_REGEX, .bytes = bytes_make("ab\0\0", 4)},
		{.type = VALUE_MAX_KEY},
	};
	const size_t count = sizeof in_order / sizeof in_order[0];

	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			int wanted = (i > j) - (i < j);
			if (value_compare(&in_order[i], &in_order[j]) != wanted)
				fail_msg("%zu and %zu", i, j);
			assert_int_equal(value_equal(&in_order[i], &in_order[j]), i == j);
		}
}

static void write_pair(struct str *out, const char *name, int number)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_int32(&writer, name, number);
	doc_write_end(&writer);
}

static void documents_compare_field_by_field(void **state)
{
	(void)state;
	CLEANUP_STR struct str a = STR_INIT, b = STR_INIT, c = STR_INIT;

	write_pair(&a, "a", 2);
	write_pair(&b, "b", 1);
	write_pair(&c, "a", 3);
	struct value value_a = {.type = VALUE_DOCUMENT, .bytes = str_bytes(&a)};
	struct value value_b = {.type = VALUE_DOCUMENT, .bytes = str_bytes(&b)};
	struct value value_c = {.type = VALUE_DOCUMENT, .bytes = str_bytes(&c)};
	assert_int_equal(value_compare(&value_a, &value_b), -1);
	assert_int_equal(value_compare(&value_a, &value_c), -1);
	value_a.type = value_b.type = VALUE_ARRAY;
	assert_int_equal(value_compare(&value_a, &value_b), 1); /* names do not count */
}

static void copied_values_are_the_same(void **state)
{
	(void)state;
	CLEANUP_STR struct str out = STR_INIT, copy = STR_INIT;
	struct bytes doc = sample(&out);
	struct doc_iter iter = doc_iter_begin(doc);
	struct doc_writer writer;
	struct value value;
	const char *name;

	doc_write_begin(&writer, &copy);
	while (doc_iter_next(&iter, &name, &value))
		doc_write_value(&writer, name, &value);
	doc_write_end(&writer);
	assert_true(bytes_equal(doc, str_bytes(&copy)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(damaged_documents_are_refused_or_whole),
		cmocka_unit_test(nesting_is_limited),
		cmocka_unit_test(hostile_documents),
		cmocka_unit_test(a_string_with_nul_is_no_c_string),
		cmocka_unit_test(numbers_compare_by_value),
		cmocka_unit_test(types_compare_in_the_servers_order),
		cmocka_unit_test(documents_compare_field_by_field),
		cmocka_unit_test(copied_values_are_the_same),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
