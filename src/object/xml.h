/*
 * xml: the little of XML 1.0 that an S3 server answers with: elements, text, the five entities and
 * character references. No document type, CDATA, comment or processing instruction but the
 * declaration: ERR_SYNTAX. At most XML_DEPTH_MAX elements in each other: ERR_LIMIT.
 */
#ifndef OFFKIT_OBJECT_XML_H
#define OFFKIT_OBJECT_XML_H

#include "base/bytes.h"

enum { XML_DEPTH_MAX = 16, XML_NAME_MAX = 64 };

struct xml {
	struct bytes text; /* what is left */
	size_t depth;
	bool begun;
	bool rooted;  /* the one element that is in no other was opened */
	bool is_void; /* the element was opened by a tag that closes it too */
	char names[XML_DEPTH_MAX][XML_NAME_MAX + 1]; /* of the open elements, without a prefix */
};

struct xml xml_begin(struct bytes untrusted_text);

enum xml_event {
	XML_OPEN,  /* xml->names[xml->depth - 1] is open now */
	XML_CLOSE, /* xml->names[xml->depth] was */
	XML_END,
};

/* content: what text stood before the event, decoded; it is emptied first. */
MUST_CHECK int xml_next(
	struct xml *xml, enum xml_event *ret_event, struct str *content, struct err *err);

/*
 * Appends the text of the first element that a path leads to ("Error/Code"), nothing if there is
 * none. The document is read to its end.
 */
MUST_CHECK int xml_find(
	struct bytes untrusted_text, const char *path, struct str *out, struct err *err);

/* Whether the open elements are those of the path. */
bool xml_is_at(const struct xml *xml, const char *path);

#endif
