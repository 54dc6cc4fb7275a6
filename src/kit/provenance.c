#include "kit/provenance.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "kit/statement.h"

static int check_strings(const struct json *object, const char *const *names, struct err *err)
{
	const char *text;
	int rc = 0;

	for (; *names != NULL && rc == 0; names++)
		rc = json_optional_string(object, *names, PROVENANCE_TEXT_MAX, &text, err);
	return rc;
}

static int need_uri(const struct json *object, const char *name, struct arena *arena,
	const char **ret, struct err *err)
{
	const char *text, *copy;
	int rc = json_need_string(object, name, PROVENANCE_TEXT_MAX, &text, err);

	if (rc < 0)
		return rc;
	if (!uri_valid(text))
		return err_set(err, ERR_SYNTAX, "\"%s\" is no URI", name);
	copy = arena_string(arena, text);
	if (copy == NULL)
		return err_no_memory(err);
	*ret = copy;
	return 0;
}

/* A map of texts: of digests, of versions. */
static int check_map(const struct json *map, const char *name, struct err *err)
{
	if (map == NULL)
		return 0;
	for (const struct json *value = json_first(map); value != NULL; value = json_next(value))
		if (json_type(value) != JSON_STRING)
			return err_set(err, ERR_SYNTAX, "a value of \"%s\" is not a string", name);
	return 0;
}

/* ResourceDescriptor (in-toto Attestation Framework v1): at least one of uri, digest, content. */
static int check_descriptor(const struct json *descriptor, struct err *err)
{
	static const char *const names[] = {
		"name", "uri", "downloadLocation", "mediaType", "content", NULL};
	const struct json *digest = NULL, *annotations = NULL;
	int rc;

	if (json_type(descriptor) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "it is no object");
	if ((rc = check_strings(descriptor, names, err)) < 0 ||
		(rc = json_optional(descriptor, "digest", JSON_OBJECT, &digest, err)) < 0 ||
		(rc = json_optional(descriptor, "annotations", JSON_OBJECT, &annotations, err)) <
			0 ||
		(rc = check_map(digest, "digest", err)) < 0)
		return rc;
	if ((digest == NULL || json_count(digest) == 0) && json_member(descriptor, "uri") == NULL &&
		json_member(descriptor, "content") == NULL)
		return err_set(
			err, ERR_SYNTAX, "it has none of \"uri\", \"digest\" and \"content\"");
	return 0;
}

static int check_descriptors(
	const struct json *object, const char *name, size_t *ret_count, struct err *err)
{
	const struct json *list = NULL;
	size_t count = 0;

	if (json_optional(object, name, JSON_ARRAY, &list, err) < 0)
		return -(int)err->code;
	if (list == NULL) {
		*ret_count = 0;
		return 0;
	}
	if (json_count(list) > PROVENANCE_THINGS_MAX)
		return err_set(err, ERR_LIMIT, "\"%s\" has more than %d entries", name,
			PROVENANCE_THINGS_MAX);
	for (const struct json *value = json_first(list); value != NULL; value = json_next(value))
		if (count++, check_descriptor(value, err) < 0)
			return err_context(err, "%s, entry %zu", name, count);
	*ret_count = count;
	return 0;
}

static int check_definition(const struct json *definition, struct arena *arena,
	struct provenance *provenance, struct err *err)
{
	const struct json *parameters;
	int rc;

	if ((rc = need_uri(definition, "buildType", arena, &provenance->build_type, err)) < 0 ||
		(rc = json_need(definition, "externalParameters", JSON_OBJECT, &parameters, err)) <
			0 ||
		(rc = json_optional(
			 definition, "internalParameters", JSON_OBJECT, &parameters, err)) < 0)
		return rc;
	return check_descriptors(
		definition, "resolvedDependencies", &provenance->dependency_count, err);
}

static int check_builder(const struct json *details, struct arena *arena,
	struct provenance *provenance, struct err *err)
{
	const struct json *builder, *version = NULL;
	size_t count;
	int rc = json_need(details, "builder", JSON_OBJECT, &builder, err);

	if (rc < 0)
		return rc;
	if ((rc = need_uri(builder, "id", arena, &provenance->builder, err)) < 0 ||
		(rc = json_optional(builder, "version", JSON_OBJECT, &version, err)) < 0 ||
		(rc = check_map(version, "version", err)) < 0 ||
		(rc = check_descriptors(builder, "builderDependencies", &count, err)) < 0)
		return err_context(err, "builder");
	return 0;
}

static int optional_time(const struct json *object, const char *name, int64_t *time,
	bool *ret_there, struct err *err)
{
	const char *text = NULL;
	int rc = json_optional_string(object, name, PROVENANCE_TEXT_MAX, &text, err);

	if (rc == 0 && text != NULL)
		rc = time_parse(text, time, err);
	if (rc < 0)
		return err_context(err, "%s", name);
	*ret_there = text != NULL;
	return 0;
}

static int check_metadata(const struct json *details, struct err *err)
{
	static const char *const names[] = {"invocationId", NULL};
	const struct json *metadata = NULL;
	int64_t started = 0, finished = 0;
	bool has_started, has_finished;
	int rc = json_optional(details, "metadata", JSON_OBJECT, &metadata, err);

	if (rc < 0 || metadata == NULL)
		return rc;
	if ((rc = check_strings(metadata, names, err)) < 0 ||
		(rc = optional_time(metadata, "startedOn", &started, &has_started, err)) < 0 ||
		(rc = optional_time(metadata, "finishedOn", &finished, &has_finished, err)) < 0)
		return err_context(err, "metadata");
	if (has_started && has_finished && finished < started)
		return err_set(err, ERR_SYNTAX, "metadata: it finished before it started");
	return 0;
}

static int check(const struct json *predicate, struct arena *arena, struct provenance *provenance,
	struct err *err)
{
	const struct json *definition, *details;
	size_t count;
	int rc;

	if (json_type(predicate) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "it is no object");
	if ((rc = json_need(predicate, "buildDefinition", JSON_OBJECT, &definition, err)) < 0 ||
		(rc = json_need(predicate, "runDetails", JSON_OBJECT, &details, err)) < 0)
		return rc;
	if (check_definition(definition, arena, provenance, err) < 0)
		return err_context(err, "buildDefinition");
	if ((rc = check_builder(details, arena, provenance, err)) < 0 ||
		(rc = check_metadata(details, err)) < 0 ||
		(rc = check_descriptors(details, "byproducts", &count, err)) < 0)
		return err_context(err, "runDetails");
	return 0;
}

int provenance_check(const struct json *predicate, struct arena *arena,
	struct provenance *ret_provenance, struct err *err)
{
	struct provenance provenance = {0};

	if (check(predicate, arena, &provenance, err) < 0)
		return err_context(err, "SLSA provenance v1");
	*ret_provenance = provenance;
	return 0;
}

int provenance_parse(struct bytes statement, struct arena *arena, struct provenance *ret_provenance,
	struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const struct json *predicate;
	int rc = json_parse(statement, JSON_LIMITS(STATEMENT_SIZE_MAX), &doc, err);

	if (rc == 0)
		rc = json_need(json_root(doc), "predicate", JSON_OBJECT, &predicate, err);
	return rc < 0 ? rc : provenance_check(predicate, arena, ret_provenance, err);
}
