#include "pack/provenance.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "json/json_write.h"
#include "kit/provenance.h"
#include "kit/statement.h"
#include "pack/pins.h"

/* ---- parameters */

static int write_given(const struct option_list *given, struct arena *arena,
	struct json_writer *json, struct err *err)
{
	for (size_t i = 0; i < given->count; i++) {
		const char *equals = strchr(given->items[i], '=');
		if (equals == NULL || equals == given->items[i])
			return err_set(err, ERR_USAGE, "--parameter %s: NAME=VALUE is meant",
				given->items[i]);
		const char *name =
			arena_string_n(arena, given->items[i], (size_t)(equals - given->items[i]));
		if (name == NULL)
			return err_no_memory(err);
		json_member_string(json, name, equals + 1);
	}
	return 0;
}

static int write_object_of(const char *path, struct json_writer *json, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	int rc = file_read_path(path, STATEMENT_SIZE_MAX, &text, err);

	if (rc < 0)
		return rc;
	rc = json_parse(str_bytes(&text), JSON_LIMITS(STATEMENT_SIZE_MAX), &doc, err);
	if (rc == 0 && json_type(json_root(doc)) != JSON_OBJECT)
		rc = err_set(err, ERR_SYNTAX, "it is no object");
	if (rc < 0)
		return err_context(err, "%s", path);
	json_write_members(json, json_root(doc));
	return 0;
}

static int write_parameters(const struct provenance_plan *plan, struct arena *arena,
	struct json_writer *json, struct err *err)
{
	int rc = 0;

	json_member_object(json, "externalParameters");
	if (plan->external != NULL)
		rc = write_object_of(plan->external, json, err);
	if (rc == 0)
		rc = write_given(&plan->parameters, arena, json, err);
	json_write_end(json);
	if (rc < 0 || plan->internal == NULL)
		return rc;
	json_member_object(json, "internalParameters");
	rc = write_object_of(plan->internal, json, err);
	json_write_end(json);
	return rc;
}

/* ---- what it was built from */

/* "@ALGORITHM:DIGEST" at the end of a dependency; NULL: it has none. */
static const char *find_digest(const char *dependency)
{
	static const char word[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_";
	const char *at = strrchr(dependency, '@');

	if (at == NULL)
		return NULL;
	size_t algorithm = strspn(at + 1, word);
	if (algorithm == 0 || at[1 + algorithm] != ':')
		return NULL;
	const char *digits = at + 2 + algorithm;
	size_t count = strspn(digits, "0123456789abcdef");
	return count >= 32 && digits[count] == '\0' ? at : NULL;
}

static int write_dependency(
	const char *given, struct arena *arena, struct json_writer *json, struct err *err)
{
	const char *at = find_digest(given);
	size_t size = at != NULL ? (size_t)(at - given) : strlen(given);
	const char *uri = arena_string_n(arena, given, size);

	if (uri == NULL)
		return err_no_memory(err);
	if (!uri_valid(uri))
		return err_set(err, ERR_USAGE,
			"--dependency %s: a URI is meant, and behind it @ALGORITHM:DIGEST", given);
	json_write_object(json);
	if (at != NULL) {
		const char *colon = strchr(at, ':');
		const char *algorithm = arena_string_n(arena, at + 1, (size_t)(colon - at - 1));
		if (algorithm == NULL)
			return err_no_memory(err);
		json_member_object(json, "digest");
		json_member_string(json, algorithm, colon + 1);
		json_write_end(json);
	}
	json_member_string(json, "uri", uri);
	json_write_end(json);
	return 0;
}

static void write_pin(const struct pin *pin, struct json_writer *json)
{
	CLEANUP_STR struct str purl = STR_INIT;

	pin_purl(pin, &purl);
	json_write_object(json);
	json_member_object(json, "digest");
	json_member_string(json, "sha1", pin->sha1);
	json_member_string(json, "sha256", pin->sha256);
	json_write_end(json);
	json_member_string(json, "name", pin->file);
	json_member_string(json, "uri", str_text(&purl));
	json_write_end(json);
}

static int write_pins(
	const char *path, struct arena *arena, struct json_writer *json, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct pins pins;
	int rc = file_read_path(path, PINS_SIZE_MAX, &text, err);

	if (rc < 0)
		return rc;
	if (pins_parse(str_bytes(&text), arena, &pins, err) < 0)
		return err_context(err, "%s", path);
	for (size_t i = 0; i < pins.count; i++)
		write_pin(&pins.pins[i], json);
	return 0;
}

static int write_dependencies(const struct provenance_plan *plan, struct arena *arena,
	struct json_writer *json, struct err *err)
{
	int rc = 0;

	if (plan->dependencies.count + plan->pins.count == 0)
		return 0;
	json_member_array(json, "resolvedDependencies");
	for (size_t i = 0; i < plan->dependencies.count && rc == 0; i++)
		rc = write_dependency(plan->dependencies.items[i], arena, json, err);
	for (size_t i = 0; i < plan->pins.count && rc == 0; i++)
		rc = write_pins(plan->pins.items[i], arena, json, err);
	json_write_end(json);
	return rc;
}

/* ---- the whole */

static void write_details(const struct provenance_plan *plan, struct json_writer *json)
{
	const struct {
		const char *name, *value;
	} metadata[] = {
		{"finishedOn", plan->finished},
		{"invocationId", plan->invocation},
		{"startedOn", plan->started},
	};

	json_member_object(json, "runDetails");
	json_member_object(json, "builder");
	json_member_string(json, "id", plan->builder);
	json_write_end(json);
	if (plan->invocation != NULL || plan->started != NULL || plan->finished != NULL) {
		json_member_object(json, "metadata");
		for (size_t i = 0; i < 3; i++)
			if (metadata[i].value != NULL)
				json_member_string(json, metadata[i].name, metadata[i].value);
		json_write_end(json);
	}
	json_write_end(json);
}

static int check_written(const struct str *text, struct err *err)
{
	CLEANUP(arena_release) struct arena scratch = ARENA_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct provenance provenance;
	int rc = json_parse(str_bytes(text), JSON_LIMITS(STATEMENT_SIZE_MAX), &doc, err);

	if (rc == 0)
		rc = provenance_check(json_root(doc), &scratch, &provenance, err);
	return rc == -ERR_SYNTAX ? err_recode(err, ERR_USAGE) : rc;
}

int provenance_write(
	const struct provenance_plan *plan, struct arena *arena, struct str *out, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer json;
	int rc;

	json_write_begin(&json, &text);
	json_write_object(&json);
	json_member_object(&json, "buildDefinition");
	json_member_string(&json, "buildType", plan->build_type);
	if ((rc = write_parameters(plan, arena, &json, err)) < 0 ||
		(rc = write_dependencies(plan, arena, &json, err)) < 0)
		return rc;
	json_write_end(&json);
	write_details(plan, &json);
	json_write_end(&json);
	if ((rc = str_check(&text, err)) < 0 || (rc = check_written(&text, err)) < 0)
		return rc;
	str_append(out, text.text, text.size);
	return str_check(out, err);
}
