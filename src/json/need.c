/* Typed reading of an object's members. */
#include "json/json.h"

#include <string.h>

#include "base/cleanup.h"
#include "text/text.h"

static const char *type_with_article(enum json_type type)
{
	static const char *const names[] = {
		[JSON_NULL] = "null",
		[JSON_BOOL] = "a boolean",
		[JSON_NUMBER] = "a number",
		[JSON_STRING] = "a string",
		[JSON_ARRAY] = "an array",
		[JSON_OBJECT] = "an object",
	};

	return names[type];
}

static int fail_type(
	const char *name, const char *wanted, const struct json *member, struct err *err)
{
	return err_set(err, ERR_SYNTAX, "\"%s\" must be %s, not %s", name, wanted,
		type_with_article(json_type(member)));
}

static int check_string(
	const struct json *member, const char *name, size_t max_octets, struct err *err)
{
	if (json_type(member) != JSON_STRING)
		return fail_type(name, "a string", member, err);
	size_t size = strlen(json_string(member));
	if (size > max_octets)
		return err_set(
			err, ERR_LIMIT, "\"%s\" is longer than %zu octets", name, max_octets);
	return 0;
}

static int check_integer(
	const struct json *member, const char *name, int64_t min, int64_t max, struct err *err)
{
	char low[TEXT_COUNT_SIZE];
	char high[TEXT_COUNT_SIZE];

	if (json_type(member) != JSON_NUMBER)
		return fail_type(name, "an integer", member, err);
	if (!json_is_integer(member) || json_integer(member) < min || json_integer(member) > max)
		return err_set(err, ERR_SYNTAX, "\"%s\" must be an integer from %s to %s", name,
			text_count(min, low), text_count(max, high));
	return 0;
}

int json_optional(const struct json *object, const char *name, enum json_type type,
	const struct json **ret, struct err *err)
{
	const struct json *member = json_member(object, name);

	if (member == NULL)
		return 0;
	if (json_type(member) != type)
		return fail_type(name, type_with_article(type), member, err);
	*ret = member;
	return 0;
}

int json_optional_string(const struct json *object, const char *name, size_t max_octets,
	const char **ret, struct err *err)
{
	const struct json *member = json_member(object, name);

	if (member == NULL)
		return 0;
	int rc = check_string(member, name, max_octets, err);
	if (rc < 0)
		return rc;
	*ret = json_string(member);
	return 0;
}

int json_optional_integer(const struct json *object, const char *name, int64_t min, int64_t max,
	int64_t *ret, struct err *err)
{
	const struct json *member = json_member(object, name);

	if (member == NULL)
		return 0;
	int rc = check_integer(member, name, min, max, err);
	if (rc < 0)
		return rc;
	*ret = json_integer(member);
	return 0;
}

int json_optional_bool(const struct json *object, const char *name, bool *ret, struct err *err)
{
	const struct json *member = NULL;
	int rc = json_optional(object, name, JSON_BOOL, &member, err);

	if (rc == 0 && member != NULL)
		*ret = json_bool(member);
	return rc;
}

static int need_member(const struct json *object, const char *name, struct err *err)
{
	if (json_type(object) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "an object with \"%s\" is expected, not %s", name,
			type_with_article(json_type(object)));
	if (json_member(object, name) == NULL)
		return err_set(err, ERR_SYNTAX, "\"%s\" is missing", name);
	return 0;
}

int json_need(const struct json *object, const char *name, enum json_type type,
	const struct json **ret, struct err *err)
{
	int rc = need_member(object, name, err);

	return rc < 0 ? rc : json_optional(object, name, type, ret, err);
}

int json_need_string(const struct json *object, const char *name, size_t max_octets,
	const char **ret, struct err *err)
{
	const char *text = NULL;
	int rc = need_member(object, name, err);

	if (rc == 0)
		rc = json_optional_string(object, name, max_octets, &text, err);
	if (rc < 0)
		return rc;
	if (*text == '\0')
		return err_set(err, ERR_SYNTAX, "\"%s\" must not be empty", name);
	*ret = text;
	return 0;
}

int json_need_integer(const struct json *object, const char *name, int64_t min, int64_t max,
	int64_t *ret, struct err *err)
{
	int rc = need_member(object, name, err);

	return rc < 0 ? rc : json_optional_integer(object, name, min, max, ret, err);
}

int json_need_bool(const struct json *object, const char *name, bool *ret, struct err *err)
{
	int rc = need_member(object, name, err);

	return rc < 0 ? rc : json_optional_bool(object, name, ret, err);
}

static bool is_listed(const char *name, const char *const *names)
{
	for (; *names != NULL; names++)
		if (strcmp(name, *names) == 0)
			return true;
	return false;
}

static int fail_unknown(const char *untrusted_name, const char *const *names, struct err *err)
{
	enum { QUOTED_COLUMNS = 60 };
	CLEANUP_STR struct str escaped = STR_INIT;
	const char *nearest = text_nearest(untrusted_name, names);

	text_escape(&escaped, bytes_of_string(untrusted_name), QUOTED_COLUMNS);
	int rc = str_check(&escaped, err);
	if (rc < 0)
		return rc;
	if (nearest == NULL)
		return err_set(err, ERR_SYNTAX, "\"%s\" is not known here", str_text(&escaped));
	return err_set(err, ERR_SYNTAX, "\"%s\" is not known here; is \"%s\" meant?",
		str_text(&escaped), nearest);
}

int json_closed(const struct json *object, const char *const *names, struct err *err)
{
	if (json_type(object) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "an object is expected, not %s",
			type_with_article(json_type(object)));
	for (const struct json *member = json_first(object); member != NULL;
		member = json_next(member)) {
		const char *name = json_name(member);
		if (*name != '_' && !is_listed(name, names))
			return fail_unknown(name, names, err);
	}
	return 0;
}
