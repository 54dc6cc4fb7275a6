#include "json/slice.h"

#include <string.h>

#include "base/cleanup.h"
#include "json/json_internal.h"

int json_check(struct bytes untrusted_text, const struct json_limits *limits, struct err *err)
{
	return json_validate(untrusted_text, limits, err);
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static void skip(struct bytes *text, size_t size)
{
	*text = bytes_make(text->data + size, text->size - size);
}

static void skip_space(struct bytes *text)
{
	while (text->size > 0 && is_space(*text->data))
		skip(text, 1);
}

/* The octets of a string with its quotes: to the first quote with an even number of backslashes. */
static size_t string_size(struct bytes text)
{
	const uint8_t *end = text.data + text.size;

	for (const uint8_t *at = text.data + 1; (at = memchr(at, '"', (size_t)(end - at))) != NULL;
		at++) {
		const uint8_t *before = at;
		while (before[-1] == '\\')
			before--;
		if ((at - before) % 2 == 0)
			return (size_t)(at - text.data) + 1;
	}
	return text.size;
}

/* The octets of the value that begins the text. */
static size_t value_size(struct bytes text)
{
	size_t depth = 0;
	size_t i = 0;

	if (text.data[0] == '"')
		return string_size(text);
	if (text.data[0] != '{' && text.data[0] != '[') {
		while (i < text.size && !is_space(text.data[i]) && text.data[i] != ',' &&
			text.data[i] != ']' && text.data[i] != '}')
			i++;
		return i;
	}
	while (i < text.size) {
		uint8_t c = text.data[i];
		if (c == '"') {
			i += string_size(bytes_make(text.data + i, text.size - i));
			continue;
		}
		depth += c == '{' || c == '[';
		depth -= c == '}' || c == ']';
		i++;
		if (depth == 0)
			break;
	}
	return i;
}

static struct bytes take(struct bytes *text, size_t size)
{
	struct bytes taken = bytes_make(text->data, size);

	skip(text, size);
	return taken;
}

/* Past "[" or "{" or ",", to the next element or member; false at the end. */
static bool next_part(struct bytes *rest)
{
	skip_space(rest);
	if (rest->size == 0)
		return false;
	skip(rest, 1);
	skip_space(rest);
	return rest->size > 0 && *rest->data != ']' && *rest->data != '}';
}

bool json_slice_element(struct bytes *rest, struct bytes *ret_element)
{
	skip_space(rest);
	if (rest->size == 0 || (*rest->data != '[' && *rest->data != ',') || !next_part(rest))
		return false;
	*ret_element = take(rest, value_size(*rest));
	return true;
}

/* quoted has its quotes. */
static int is_name(struct bytes quoted, const char *name, bool *ret_is, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;

	if (memchr(quoted.data, '\\', quoted.size) == NULL) {
		*ret_is = bytes_equal(
			bytes_make(quoted.data + 1, quoted.size - 2), bytes_of_string(name));
		return 0;
	}
	int rc = json_parse_checked(quoted, &doc, err);
	if (rc == 0)
		*ret_is = strcmp(json_string(json_root(doc)), name) == 0;
	return rc;
}

int json_slice_member(
	struct bytes checked_text, const char *name, struct bytes *ret_value, struct err *err)
{
	struct bytes rest = checked_text;

	skip_space(&rest);
	if (rest.size > 0 && *rest.data != '{')
		rest.size = 0;
	while (rest.size > 0 && next_part(&rest)) {
		bool found = false;
		int rc = is_name(take(&rest, string_size(rest)), name, &found, err);
		if (rc < 0)
			return rc;
		skip_space(&rest);
		skip(&rest, 1);
		skip_space(&rest);
		struct bytes value = take(&rest, value_size(rest));
		if (found) {
			*ret_value = value;
			return 0;
		}
	}
	*ret_value = bytes_make(NULL, 0);
	return 0;
}
