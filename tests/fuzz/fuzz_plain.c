/* A payload's JSON as a document: what is taken is a document that says the same. */
#include <string.h>

#include "base/cleanup.h"
#include "mongo/value.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_STR struct str doc = STR_INIT, again = STR_INIT, text = STR_INIT;
	struct json_limits limits = {size, 32, true};
	CLEANUP(json_cleanup) struct json_doc *json = NULL;
	struct err err = {0};
	/* Nothing stands behind the text that could end a number. */
	uint8_t *copy = malloc(size + 1);

	HOLDS(copy != NULL);
	memcpy(copy, data, size);
	copy[size] = '9';
	int rc = doc_from_plain_json(bytes_make(copy, size), &doc, &err);
	int tree = json_parse(bytes_make(copy, size), &limits, &json, &err);
	HOLDS(rc == 0 || doc.size == 0);
	HOLDS((rc == 0) == (tree == 0 && json_type(json_root(json)) == JSON_OBJECT));
	if (rc == 0) {
		HOLDS(doc_check(str_bytes(&doc), &err) == 0);
		HOLDS(doc_count(str_bytes(&doc)) == json_count(json_root(json)));
	}
	free(copy);
	return 0;
}
