#include "object/xml.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static int syntax(struct err *err, const char *what)
{
	return err_set(err, ERR_SYNTAX, "XML: %s", what);
}

struct xml xml_begin(struct bytes untrusted_text)
{
	return (struct xml){.text = untrusted_text};
}

static bool begins(const struct xml *xml, const char *with)
{
	size_t size = strlen(with);

	return xml->text.size >= size && memcmp(xml->text.data, with, size) == 0;
}

static void skip(struct xml *xml, size_t size)
{
	xml->text = bytes_make(xml->text.data + size, xml->text.size - size);
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static void skip_space(struct xml *xml)
{
	while (xml->text.size > 0 && is_space(*xml->text.data))
		skip(xml, 1);
}

/* ---- text */

static void append_utf8(struct str *out, unsigned long c)
{
	if (c < 0x80) {
		str_append_char(out, (char)c);
	} else if (c < 0x800) {
		str_append_char(out, (char)(0xc0 | c >> 6));
		str_append_char(out, (char)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		str_append_char(out, (char)(0xe0 | c >> 12));
		str_append_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		str_append_char(out, (char)(0x80 | (c & 0x3f)));
	} else {
		str_append_char(out, (char)(0xf0 | c >> 18));
		str_append_char(out, (char)(0x80 | (c >> 12 & 0x3f)));
		str_append_char(out, (char)(0x80 | (c >> 6 & 0x3f)));
		str_append_char(out, (char)(0x80 | (c & 0x3f)));
	}
}

/* XML 1.0 section 2.2 */
static bool is_character(unsigned long c)
{
	return c == 0x9 || c == 0xa || c == 0xd || (c >= 0x20 && c <= 0xd7ff) ||
	       (c >= 0xe000 && c <= 0xfffd) || (c >= 0x10000 && c <= 0x10ffff);
}

/* name: "&…;" without both; a character reference begins with "#". */
static int append_reference(const char *name, struct str *out, struct err *err)
{
	static const struct {
		const char *name;
		char character;
	} entities[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};

	for (size_t i = 0; i < sizeof entities / sizeof entities[0]; i++)
		if (strcmp(name, entities[i].name) == 0) {
			str_append_char(out, entities[i].character);
			return 0;
		}
	const bool hex = name[0] == '#' && name[1] == 'x';
	const char *digits = name + (hex ? 2 : 1);
	if (name[0] != '#' || *digits == '\0' ||
		digits[strspn(digits, hex ? "0123456789abcdefABCDEF" : "0123456789")] != '\0')
		return syntax(err, "an entity that is not known");
	unsigned long c = strtoul(digits, NULL, hex ? 16 : 10);
	if (!is_character(c))
		return syntax(err, "a reference to no character");
	append_utf8(out, c);
	return 0;
}

static int take_reference(struct xml *xml, struct str *out, struct err *err)
{
	char name[9];
	size_t size = 0;

	skip(xml, 1);
	while (size < xml->text.size && xml->text.data[size] != ';' && size < sizeof name - 1) {
		name[size] = (char)xml->text.data[size];
		size++;
	}
	if (size == xml->text.size || xml->text.data[size] != ';')
		return syntax(err, "a reference without its end");
	name[size] = '\0';
	skip(xml, size + 1);
	return append_reference(name, out, err);
}

static int take_text(struct xml *xml, struct str *content, struct err *err)
{
	while (xml->text.size > 0 && *xml->text.data != '<') {
		int rc = 0;
		if (*xml->text.data == '&') {
			rc = take_reference(xml, content, err);
		} else if (*xml->text.data == '\0') {
			rc = syntax(err, "an octet 0");
		} else {
			str_append_char(content, (char)*xml->text.data);
			skip(xml, 1);
		}
		if (rc < 0)
			return rc;
	}
	return str_check(content, err);
}

/* ---- tags */

static bool is_name(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '-' || c == '.' || c == ':';
}

/* Without what stands before a colon. */
static int take_name(struct xml *xml, char name[static XML_NAME_MAX + 1], struct err *err)
{
	size_t size = 0;

	while (xml->text.size > 0 && is_name(*xml->text.data)) {
		if (*xml->text.data == ':')
			size = 0;
		else if (size == XML_NAME_MAX)
			return err_set(
				err, ERR_LIMIT, "XML: a name of over %d octets", XML_NAME_MAX);
		else
			name[size++] = (char)*xml->text.data;
		skip(xml, 1);
	}
	name[size] = '\0';
	return size == 0 ? syntax(err, "a tag without a name") : 0;
}

/* Name spaces and the like are no matter. */
static int skip_attributes(struct xml *xml, struct err *err)
{
	char ignored[XML_NAME_MAX + 1];

	for (skip_space(xml); xml->text.size > 0 && is_name(*xml->text.data); skip_space(xml)) {
		int rc = take_name(xml, ignored, err);
		if (rc < 0)
			return rc;
		if (!begins(xml, "=\"") && !begins(xml, "='"))
			return syntax(err, "an attribute without a value");
		const uint8_t quote = xml->text.data[1];
		skip(xml, 2);
		const uint8_t *end = memchr(xml->text.data, quote, xml->text.size);
		if (end == NULL)
			return syntax(err, "a value without its end");
		skip(xml, (size_t)(end - xml->text.data) + 1);
	}
	return 0;
}

static int take_open(struct xml *xml, struct err *err)
{
	if (xml->depth == XML_DEPTH_MAX)
		return err_set(
			err, ERR_LIMIT, "XML: over %d elements in each other", XML_DEPTH_MAX);
	if (xml->depth == 0 && xml->rooted)
		return syntax(err, "a second document");
	skip(xml, 1);
	int rc = take_name(xml, xml->names[xml->depth], err);
	if (rc == 0)
		rc = skip_attributes(xml, err);
	if (rc < 0)
		return rc;
	xml->is_void = begins(xml, "/>");
	if (!xml->is_void && !begins(xml, ">"))
		return syntax(err, "a tag without its end");
	skip(xml, xml->is_void ? 2 : 1);
	xml->depth++;
	xml->begun = xml->rooted = true;
	return 0;
}

static int take_close(struct xml *xml, struct err *err)
{
	char name[XML_NAME_MAX + 1];

	if (xml->depth == 0)
		return syntax(err, "an end of nothing");
	skip(xml, 2);
	int rc = take_name(xml, name, err);
	if (rc < 0)
		return rc;
	skip_space(xml);
	if (!begins(xml, ">") || strcmp(name, xml->names[xml->depth - 1]) != 0)
		return syntax(err, "an end of another element");
	skip(xml, 1);
	xml->depth--;
	return 0;
}

static int take_declaration(struct xml *xml, struct err *err)
{
	if (xml->begun || !begins(xml, "<?xml "))
		return syntax(err, "an instruction");
	const uint8_t *end = memchr(xml->text.data, '>', xml->text.size);
	if (end == NULL || end[-1] != '?')
		return syntax(err, "a declaration without its end");
	skip(xml, (size_t)(end - xml->text.data) + 1);
	xml->begun = true;
	skip_space(xml);
	return 0;
}

static int check_outside(const struct str *content, struct err *err)
{
	for (size_t i = 0; i < content->size; i++)
		if (!is_space((uint8_t)content->text[i]))
			return syntax(err, "text outside the document");
	return 0;
}

static int take_end(const struct xml *xml, struct err *err)
{
	return xml->depth > 0 || !xml->rooted ? syntax(err, "it is cut off") : 0;
}

int xml_next(struct xml *xml, enum xml_event *ret_event, struct str *content, struct err *err)
{
	int rc = 0;

	str_truncate(content, 0);
	if (xml->is_void) {
		xml->is_void = false;
		xml->depth--;
		*ret_event = XML_CLOSE;
		return 0;
	}
	if (begins(xml, "<?"))
		rc = take_declaration(xml, err);
	if (rc == 0)
		rc = take_text(xml, content, err);
	if (rc == 0 && xml->depth == 0)
		rc = check_outside(content, err);
	if (rc < 0)
		return rc;
	if (xml->text.size == 0) {
		*ret_event = XML_END;
		return take_end(xml, err);
	}
	if (begins(xml, "<?") || begins(xml, "<!"))
		return syntax(err, "a comment, CDATA, instruction or document type");
	*ret_event = begins(xml, "</") ? XML_CLOSE : XML_OPEN;
	return *ret_event == XML_CLOSE ? take_close(xml, err) : take_open(xml, err);
}

/* ---- finding */

/* Of the first depth names. */
static bool matches(const struct xml *xml, size_t depth, const char *path)
{
	for (size_t i = 0; i < depth; i++) {
		size_t size = strlen(xml->names[i]);
		if (strncmp(path, xml->names[i], size) != 0)
			return false;
		path += size;
		if (i + 1 < depth && *path++ != '/')
			return false;
	}
	return *path == '\0';
}

bool xml_is_at(const struct xml *xml, const char *path)
{
	return matches(xml, xml->depth, path);
}

int xml_find(struct bytes untrusted_text, const char *path, struct str *out, struct err *err)
{
	CLEANUP_STR struct str content = STR_INIT;
	struct xml xml = xml_begin(untrusted_text);
	enum xml_event event = XML_OPEN;
	bool found = false;
	int rc = 0;

	while (rc == 0 && event != XML_END) {
		rc = xml_next(&xml, &event, &content, err);
		if (rc == 0 && event == XML_CLOSE && !found && matches(&xml, xml.depth + 1, path)) {
			str_append(out, content.text, content.size);
			found = true;
		}
	}
	return rc < 0 ? rc : str_check(out, err);
}
