/* Whatever the reader takes survives being written, in all forms; whatever it refuses is named. */
#include <stdbool.h>
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str olpc = STR_INIT;
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
	HOLDS(json_canonical_olpc(json_root(doc), &olpc, &err) == 0 || olpc.size == 0);
	return 0;
}
