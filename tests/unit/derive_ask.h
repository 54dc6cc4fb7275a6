/* Expressions from JSON text, asked of our evaluator. */
#ifndef OFFKIT_TESTS_DERIVE_ASK_H
#define OFFKIT_TESTS_DERIVE_ASK_H

#include <string.h>

#include "base/cleanup.h"
#include "derive/derive.h"

static inline void parse_text(const char *text, struct json_doc **ret_doc)
{
	struct err err;

	if (json_parse(bytes_of_string(text), JSON_LIMITS(64 * 1024 * 1024), ret_doc, &err) != 0)
		fail_msg("%s: %s", text, err.message);
}

/* {"r": text} as BSON; the value of r views it. */
static inline struct value value_of_text(const char *text, struct str *out)
{
	struct json_doc *doc CLEANUP(json_cleanup) = NULL;
	CLEANUP_STR struct str wrapped = STR_INIT;
	struct err err;

	str_append_format(&wrapped, "{\"r\": %s}", text);
	parse_text(str_text(&wrapped), &doc);
	if (doc_from_json(json_root(doc), out, &err) != 0)
		fail_msg("%s: %s", text, err.message);
	return doc_get(str_bytes(out), "r");
}

static inline int ask(const char *expression, const char *document, struct arena *arena,
	struct value *ret_value, struct err *err)
{
	static const struct derive_names no_names;
	struct json_doc *doc CLEANUP(json_cleanup) = NULL;
	CLEANUP_STR struct str root = STR_INIT;
	const struct derive *derive = NULL;

	parse_text(expression, &doc);
	int result = derive_compile(json_root(doc), "template", &no_names, arena, &derive, err);
	if (result != 0)
		return result;
	struct value value = value_of_text(document, &root);
	struct derive_run run = {
		.root = arena_bytes(arena, value.bytes), .variables = NULL, .scratch = arena};
	return derive_evaluate(derive, &run, ret_value, err);
}

/* {"r": value} in canonical Extended JSON. */
static inline void show(const struct value *value, struct str *out)
{
	CLEANUP_STR struct str doc = STR_INIT;
	struct doc_writer writer;
	struct err err;

	doc_write_begin(&writer, &doc);
	doc_write_value(&writer, "r", value);
	doc_write_end(&writer);
	if (doc_to_json(str_bytes(&doc), true, out, &err) != 0)
		fail_msg("%s", err.message);
}

#endif
