/* Any template is refused with its place, or compiles; and then gives twice the same of a document.
 */
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "derive/derive.h"
#include "tests/fuzz/target.h"

static const char DOCUMENT[] =
	"{\"_id\": {\"$oid\": \"65f1c0d29ae2000000000001\"}, \"s\": \"Gr\xc3\xbc\xc3\x9f"
	"e\", \"n\": 5,"
	" \"d\": -2.5, \"z\": null, \"t\": true, \"big\": {\"$numberLong\": "
	"\"9223372036854775807\"},"
	" \"when\": {\"$date\": \"2021-09-26T23:32:08.989Z\"}, \"a\": [3, \"x\", [1, {\"k\": 1}], "
	"null],"
	" \"l\": [{\"k\": 1, \"v\": [1, 2]}, {\"k\": 2}, 7], \"o\": {\"x\": {\"y\": [{\"z\": 1}]}},"
	" \"e\": [], \"dec\": {\"$numberDecimal\": \"1.5\"}, \"bin\": {\"$binary\": {\"base64\": "
	"\"AA==\","
	" \"subType\": \"00\"}}}";

static void show(const struct value *value, struct str *out)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_value(&writer, "r", value);
	doc_write_end(&writer);
}

static int ask(const struct derive *derive, struct bytes document, struct str *out, struct err *err)
{
	struct arena scratch = ARENA_INIT;
	struct value variable = {.type = VALUE_STRING, .bytes = bytes_of_string("run")}, value;
	struct derive_run run = {.root = document, .variables = &variable, .scratch = &scratch};
	int rc = derive_evaluate(derive, &run, &value, err);

	if (rc == 0)
		show(&value, out);
	arena_release(&scratch);
	return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct derive_names NAMES = {.names = {"runId"}, .count = 1};
	CLEANUP(json_cleanup) struct json_doc *template = NULL;
	CLEANUP(json_cleanup) struct json_doc *source = NULL;
	CLEANUP_STR struct str document = STR_INIT, once = STR_INIT, twice = STR_INIT;
	const struct derive *derive = NULL;
	struct arena arena = ARENA_INIT;
	struct err err = {0}, other = {0};

	if (json_parse(bytes_make(data, size), JSON_LIMITS(1 << 16), &template, &err) < 0)
		return 0;
	HOLDS(json_parse(bytes_of_string(DOCUMENT), JSON_LIMITS(1 << 16), &source, &err) == 0);
	HOLDS(doc_from_json(json_root(source), &document, &err) == 0);
	int rc = derive_compile(json_root(template), "t", &NAMES, &arena, &derive, &err);
	if (rc < 0) {
		HOLDS(rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
		HOLDS(err.message[0] == 't');
		arena_release(&arena);
		return 0;
	}
	rc = ask(derive, str_bytes(&document), &once, &err);
	HOLDS(ask(derive, str_bytes(&document), &twice, &other) == rc);
	HOLDS(rc == 0 || rc == -ERR_MIGRATION || rc == -ERR_LIMIT);
	HOLDS(rc < 0 || bytes_equal(str_bytes(&once), str_bytes(&twice)));
	HOLDS(rc < 0 || doc_check(str_bytes(&once), &err) == 0);
	arena_release(&arena);
	return 0;
}
