/* doc_check, and everything that relies on it. */
#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "mongo/value.h"
#include "tests/fuzz/target.h"

static void walk(struct bytes doc)
{
	struct doc_iter iter = doc_iter_begin(doc);
	struct value value, before = {.type = VALUE_MISSING};
	const char *name;

	while (doc_iter_next(&iter, &name, &value)) {
		CLEANUP_STR struct str text = STR_INIT;
		value_to_text(&value, &text);
		if (value_compare(&value, &value) != 0 || !value_equal(&value, &value))
			__builtin_trap();
		if (value_compare(&value, &before) != -value_compare(&before, &value))
			__builtin_trap();
		before = value;
		if (value.type == VALUE_DOCUMENT || value.type == VALUE_ARRAY)
			walk(value.bytes);
	}
	if (iter.offset != doc.size - 1)
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_STR struct str json = STR_INIT, copy = STR_INIT;
	struct bytes doc = bytes_make(data, size);
	struct doc_iter iter = doc_iter_begin(doc);
	struct doc_writer writer;
	struct value value;
	const char *name;
	struct err err;

	if (doc_check(doc, &err) != 0)
		return 0;
	walk(doc);
	doc_write_begin(&writer, &copy);
	while (doc_iter_next(&iter, &name, &value))
		doc_write_value(&writer, name, &value);
	doc_write_end(&writer);
	/* Nothing is lost or added by reading and writing. */
	if (!bytes_equal(doc, str_bytes(&copy)))
		__builtin_trap();
	if (doc_to_json(doc, true, &json, &err) != 0 && err.code != ERR_SYNTAX)
		__builtin_trap();
	return 0;
}
