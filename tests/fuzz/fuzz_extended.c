/* Extended JSON: a document that is taken is BSON, and the same after being written and read. */
#include "base/cleanup.h"
#include "mongo/value.h"
#include "tests/fuzz/target.h"

static void from_text(struct bytes text)
{
	CLEANUP_STR struct str doc = STR_INIT;
	struct err err = {0};
	int rc = doc_from_json_text(text, &doc, &err);

	HOLDS(rc == 0 || err_exit_code(err.code) == 3);
	HOLDS(rc < 0 || doc_check(str_bytes(&doc), &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(json_cleanup) struct json_doc *json = NULL, *other = NULL;
	CLEANUP_STR struct str doc = STR_INIT, text = STR_INIT, again = STR_INIT;
	struct err err = {0};

	from_text(bytes_make(data, size));
	if (json_parse(bytes_make(data, size), JSON_LIMITS(1 << 16), &json, &err) < 0)
		return 0;
	int rc = doc_from_json(json_root(json), &doc, &err);
	HOLDS(rc == 0 || err_exit_code(err.code) == 3);
	if (rc < 0)
		return 0;
	HOLDS(doc_check(str_bytes(&doc), &err) == 0);
	HOLDS(doc_to_json(str_bytes(&doc), true, &text, &err) == 0);
	if (json_parse(str_bytes(&text), JSON_LIMITS_OWN(1 << 20), &other, &err) < 0)
		return 0;
	HOLDS(doc_from_json(json_root(other), &again, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&doc), str_bytes(&again)));
	return 0;
}
