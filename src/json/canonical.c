/* Whole values as text: as they stand, and in the two canonical forms. */
#include "json/json_internal.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "json/json_write.h"

/* What tells the forms apart. */
struct form {
	json_compare *compare; /* NULL: in the document's order */
	void (*append_string)(struct str *out, const char *text, size_t size);
	int (*append_number)(struct str *out, const struct json *number, struct err *err);
};

static int append(
	struct str *out, const struct json *value, const struct form *form, struct err *err);

static int append_number(struct str *out, const struct json *number, struct err *err)
{
	char text[JSON_NUMBER_SIZE];

	(void)err;
	json_format_number(json_number(number), text);
	str_append_text(out, text);
	return 0;
}

static int append_olpc_number(struct str *out, const struct json *number, struct err *err)
{
	if (!json_is_integer(number))
		return err_set(err, ERR_SYNTAX, "%.17g has no form in canonical JSON",
			json_number(number));
	return append_number(out, number, err);
}

static void append_olpc_string(struct str *out, const char *text, size_t size)
{
	str_append_char(out, '"');
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '"' || text[i] == '\\')
			str_append_char(out, '\\');
		str_append_char(out, text[i]);
	}
	str_append_char(out, '"');
}

static int append_member(
	struct str *out, const struct json *member, const struct form *form, struct err *err)
{
	const char *name = json_name(member);

	form->append_string(out, name, strlen(name));
	str_append_char(out, ':');
	return append(out, member, form, err);
}

static int append_sorted(
	struct str *out, const struct json *object, const struct form *form, struct err *err)
{
	size_t count;
	CLEANUP_FREE const cJSON **members =
		json_sorted_members(item_of(object), form->compare, &count);

	if (members == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			str_append_char(out, ',');
		int rc = append_member(out, value_of(members[i]), form, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int append_in_order(
	struct str *out, const struct json *container, const struct form *form, struct err *err)
{
	bool is_object = json_type(container) == JSON_OBJECT;

	for (const struct json *value = json_first(container); value != NULL;
		value = json_next(value)) {
		if (value != json_first(container))
			str_append_char(out, ',');
		int rc = is_object ? append_member(out, value, form, err)
				   : append(out, value, form, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int append(
	struct str *out, const struct json *value, const struct form *form, struct err *err)
{
	int rc = 0;

	switch (json_type(value)) {
	case JSON_NULL:
		str_append_text(out, "null");
		break;
	case JSON_BOOL:
		str_append_text(out, json_bool(value) ? "true" : "false");
		break;
	case JSON_NUMBER:
		rc = form->append_number(out, value, err);
		break;
	case JSON_STRING:
		form->append_string(out, json_string(value), strlen(json_string(value)));
		break;
	case JSON_ARRAY:
		str_append_char(out, '[');
		rc = append_in_order(out, value, form, err);
		str_append_char(out, ']');
		break;
	case JSON_OBJECT:
		str_append_char(out, '{');
		rc = form->compare != NULL ? append_sorted(out, value, form, err)
					   : append_in_order(out, value, form, err);
		str_append_char(out, '}');
		break;
	}
	return rc;
}

/* All or nothing: what was appended before a failure is taken back. */
static int append_whole(
	struct str *out, const struct json *value, const struct form *form, struct err *err)
{
	size_t before = out->size;
	int rc = append(out, value, form, err);

	if (rc == 0)
		rc = str_check(out, err);
	if (rc < 0)
		str_truncate(out, before);
	return rc;
}

void json_append_value(struct str *out, const struct json *value)
{
	static const struct form as_it_stands = {
		.append_string = json_append_safe_string,
		.append_number = append_number,
	};
	struct err unused;

	/* Without sorting nothing can fail but the string, which keeps it. */
	(void)!append(out, value, &as_it_stands, &unused);
}

int json_canonical(const struct json *value, struct str *out, struct err *err)
{
	static const struct form rfc8785 = {
		.compare = json_compare_utf16,
		.append_string = json_append_string,
		.append_number = append_number,
	};

	return append_whole(out, value, &rfc8785, err);
}

int json_canonical_text(struct bytes text, struct str *out, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	int rc = json_parse(text, JSON_LIMITS_OWN(SIZE_MAX), &doc, err);

	return rc < 0 ? rc : json_canonical(json_root(doc), out, err);
}

int json_canonical_olpc(const struct json *value, struct str *out, struct err *err)
{
	static const struct form olpc = {
		.compare = json_compare_code_points,
		.append_string = append_olpc_string,
		.append_number = append_olpc_number,
	};

	return append_whole(out, value, &olpc, err);
}
