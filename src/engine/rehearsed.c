#include "engine/rehearsed.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "text/text.h"

enum { NEWEST_SIZE_MAX = 1024 * 1024 };

static const char *text_of(const struct json *object, const char *name)
{
	const struct json *text = object == NULL ? NULL : json_member(object, name);

	return text != NULL && json_type(text) == JSON_STRING ? json_string(text) : "";
}

static int64_t number_of(const struct json *object, const char *name)
{
	const struct json *number = object == NULL ? NULL : json_member(object, name);

	return number != NULL && json_is_integer(number) && json_integer(number) >= 0
		       ? json_integer(number)
		       : -1;
}

struct json_doc *rehearsed_load(
	const char *state_dir, const struct trusted_kit *kit, const char *database)
{
	CLEANUP_STR struct str path = STR_INIT, text = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	char hex[SHA256_HEX_SIZE];
	struct err ignored;

	str_append_format(&path, "%s/%s/%s", state_dir, REHEARSAL_FOLDER, REHEARSAL_NEWEST);
	if (path.failed || file_read_path(str_text(&path), NEWEST_SIZE_MAX, &text, &ignored) < 0 ||
		json_parse(str_bytes(&text), JSON_LIMITS(NEWEST_SIZE_MAX), &doc, &ignored) < 0 ||
		json_type(json_root(doc)) != JSON_OBJECT)
		return NULL;
	const struct json *its_kit = json_member(json_root(doc), "kit");
	sha256_to_hex(trusted_kit_manifest_digest(kit), hex);
	if (its_kit == NULL || json_type(its_kit) != JSON_OBJECT ||
		strcmp(text_of(its_kit, "digest"), hex) != 0 ||
		strcmp(text_of(json_root(doc), "database"), database) != 0)
		return NULL;
	return STEAL(doc);
}

int64_t rehearsed_takes(const struct json_doc *doc, const char *step_name)
{
	const struct json *steps = doc == NULL ? NULL : json_member(json_root(doc), "steps");

	if (steps == NULL || json_type(steps) != JSON_ARRAY)
		return -1;
	for (const struct json *step = json_first(steps); step != NULL; step = json_next(step))
		if (json_type(step) == JSON_OBJECT && strcmp(text_of(step, "name"), step_name) == 0)
			return number_of(step, "expected");
	return -1;
}

static void say_newest(const struct json *root, struct str *out)
{
	const struct json *expected = json_member(root, "expected");
	char takes[TEXT_DURATION_SIZE];
	int64_t total = -1, rollback = -1;

	if (expected != NULL && json_type(expected) == JSON_OBJECT) {
		total = number_of(expected, "total");
		rollback = number_of(expected, "rollback");
	}
	str_append_text(out, "this kit was rehearsed here, there and back, at ");
	text_escape(out, bytes_of_string(text_of(root, "began")), 40);
	if (total >= 0)
		str_append_format(
			out, ": about %s are expected in all", text_duration(total, takes));
	if (rollback >= 0)
		str_append_format(out, ", and %s to go back", text_duration(rollback, takes));
}

void rehearsed_say(const struct json_doc *doc, const char *environment, struct str *out)
{
	if (doc != NULL)
		say_newest(json_root(doc), out);
	else if (strcmp(environment, "production") == 0)
		str_append_text(out,
			"this kit was not rehearsed here: offkit rehearse measures it on a copy");
}
