/* An answer of an object store: elements end as they began, and it is read the same twice. */
#include <string.h>

#include "base/cleanup.h"
#include "object/xml.h"
#include "tests/fuzz/target.h"

static size_t read_all(struct bytes data, struct str *seen, int *ret_rc)
{
	CLEANUP_STR struct str content = STR_INIT;
	struct xml xml = xml_begin(data);
	enum xml_event event = XML_OPEN;
	size_t events = 0, depth = 0;
	struct err err;
	int rc = 0;

	while (rc == 0 && event != XML_END) {
		rc = xml_next(&xml, &event, &content, &err);
		if (rc < 0)
			break;
		events++;
		depth += event == XML_OPEN ? 1 : 0;
		depth -= event == XML_CLOSE ? 1 : 0;
		HOLDS(xml.depth == depth && depth <= XML_DEPTH_MAX);
		HOLDS(memchr(content.size > 0 ? content.text : "x", '\0',
			      content.size > 0 ? content.size : 1) == NULL);
		str_append(seen, content.text, content.size);
		str_append_char(seen, (char)event);
	}
	HOLDS(rc == 0 ? depth == 0 : err.code == ERR_SYNTAX || err.code == ERR_LIMIT);
	HOLDS(events <= data.size + 1);
	*ret_rc = rc;
	return events;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_STR struct str first = STR_INIT, second = STR_INIT, found = STR_INIT;
	const struct bytes text = bytes_make(data, size);
	struct err err;
	int one = 0, two = 0;

	HOLDS(read_all(text, &first, &one) == read_all(text, &second, &two));
	HOLDS(one == two && bytes_equal(str_bytes(&first), str_bytes(&second)));
	HOLDS(xml_find(text, "Error/Code", &found, &err) == one);
	HOLDS(found.size <= size);
	return 0;
}
