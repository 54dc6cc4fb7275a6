/* The declaration of an ensure: strict, with a path into it; what no server would build is refused
 * here, before anything is done. */
#include <string.h>

#include "base/cleanup.h"
#include "steps/preflight.h"
#include "steps/record.h"
#include "steps/ttl.h"

enum {
	COLLECTION_NAME_MAX = 200, /* octets, beside the database's within a namespace of 255 */
	INDEX_NAME_MAX = 127,
	FIELD_NAME_MAX = 255,
};

/* What kinds of key an index has. */
enum { KEY_ORDERED = 1, KEY_HASHED = 2, KEY_TEXT = 4, KEY_SPHERE = 8, KEY_WILDCARD = 16 };

struct facts {
	const struct json *declared;
	struct bytes keys;
	unsigned kinds;
	size_t hashed;
	struct ensure_index index;
};

static int keep_doc(
	const struct json *object, struct arena *arena, struct bytes *ret_doc, struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT;
	int rc = doc_from_json(object, &doc, err);

	if (rc < 0)
		return rc;
	struct bytes kept = arena_bytes(arena, str_bytes(&doc));
	if (kept.data == NULL)
		return err_no_memory(err);
	*ret_doc = kept;
	return 0;
}

static int optional_doc(const struct json *object, const char *name, struct arena *arena,
	struct bytes *ret_doc, struct err *err)
{
	const struct json *member = NULL;
	int rc = json_optional(object, name, JSON_OBJECT, &member, err);

	if (rc < 0 || member == NULL)
		return rc;
	rc = keep_doc(member, arena, ret_doc, err);
	return rc < 0 ? err_context(err, "%s", name) : 0;
}

/* ---- keys */

static bool is_wildcard(const char *field)
{
	size_t size = strlen(field);

	return strcmp(field, "$**") == 0 || (size > 4 && strcmp(field + size - 4, ".$**") == 0);
}

static unsigned key_kind(const char *field, const struct value *value)
{
	static const struct {
		const char *name;
		unsigned kind;
	} NAMED[] = {{"hashed", KEY_HASHED}, {"text", KEY_TEXT}, {"2dsphere", KEY_SPHERE}};

	if (value->type == VALUE_INT32 && (value->int32 == 1 || value->int32 == -1))
		return is_wildcard(field) ? KEY_WILDCARD : KEY_ORDERED;
	if (value->type == VALUE_STRING)
		for (size_t i = 0; i < sizeof NAMED / sizeof *NAMED; i++)
			if (bytes_equal(value->bytes, bytes_of_string(NAMED[i].name)))
				return NAMED[i].kind;
	return 0;
}

static bool is_field(const char *field)
{
	size_t size = strlen(field);

	if (size == 0 || size > FIELD_NAME_MAX)
		return false;
	if (is_wildcard(field))
		return true;
	if (field[0] == '.' || field[size - 1] == '.' || strstr(field, "..") != NULL)
		return false;
	return field[0] != '$' && strstr(field, ".$") == NULL;
}

static int load_keys(
	const struct json *object, struct arena *arena, struct facts *facts, struct err *err)
{
	const struct json *keys;
	int rc = json_need(object, "keys", JSON_OBJECT, &keys, err);

	if (rc == 0)
		rc = keep_doc(keys, arena, &facts->keys, err);
	if (rc < 0)
		return rc;
	struct doc_iter iter = doc_iter_begin(facts->keys);
	struct value value;
	const char *field;
	while (doc_iter_next(&iter, &field, &value)) {
		unsigned kind = key_kind(field, &value);
		if (!is_field(field))
			return err_set(err, ERR_SYNTAX, "\"keys\": \"%s\" is no field", field);
		if (kind == 0)
			return err_set(err, ERR_SYNTAX,
				"\"keys\": %s is not 1, -1, \"hashed\", \"text\" or \"2dsphere\"",
				field);
		facts->kinds |= kind;
		facts->hashed += kind == KEY_HASHED;
	}
	size_t count = doc_count(facts->keys);
	if (count == 0)
		return err_set(err, ERR_SYNTAX, "\"keys\" is empty");
	return count > ENSURE_KEYS_MAX ? err_set(err, ERR_LIMIT, "%zu keys are more than %d", count,
						 (int)ENSURE_KEYS_MAX)
				       : 0;
}

/* ---- what no server builds */

static bool has(const struct facts *facts, const char *name)
{
	return json_member(facts->declared, name) != NULL;
}

static bool is_of_id(const struct facts *facts)
{
	return doc_count(facts->keys) == 1 && doc_get(facts->keys, "_id").type == VALUE_INT32;
}

static bool has_taken_name(const struct facts *facts)
{
	return strcmp(facts->index.name, "*") == 0 || strcmp(facts->index.name, "_id_") == 0;
}

static bool has_odd_unique(const struct facts *facts)
{
	return facts->index.unique && (facts->kinds & (KEY_HASHED | KEY_WILDCARD)) != 0;
}

static bool is_sparse_and_partial(const struct facts *facts)
{
	return facts->index.sparse && has(facts, "partialFilterExpression");
}

static bool expires_oddly(const struct facts *facts)
{
	return facts->index.expiry >= 0 &&
	       (doc_count(facts->keys) != 1 || facts->kinds != KEY_ORDERED ||
		       doc_get(facts->keys, "_id").type != VALUE_MISSING);
}

static bool has_two_hashes(const struct facts *facts)
{
	return facts->hashed > 1;
}

static bool has_text_options_only(const struct facts *facts)
{
	return (facts->kinds & KEY_TEXT) == 0 &&
	       (has(facts, "weights") || has(facts, "default_language") ||
		       has(facts, "language_override"));
}

static bool has_projection_only(const struct facts *facts)
{
	return has(facts, "wildcardProjection") &&
	       doc_get(facts->keys, "$**").type == VALUE_MISSING;
}

static const struct {
	bool (*is_broken)(const struct facts *facts);
	const char *text;
} RULES[] = {
	{has_taken_name, "\"name\": an index cannot have this name"},
	{is_of_id, "\"keys\": every collection has the index of _id already"},
	{has_odd_unique, "\"unique\": not with hashed or wildcard keys"},
	{is_sparse_and_partial, "\"sparse\" and \"partialFilterExpression\" exclude each other"},
	{expires_oddly, "\"expireAfterSeconds\": documents expire by one field in order, not _id"},
	{has_two_hashes, "\"keys\": only one of them can be hashed"},
	{has_text_options_only, "weights and languages are of text keys only"},
	{has_projection_only, "\"wildcardProjection\": only with the key $**"},
};

static int check_rules(const struct facts *facts, struct err *err)
{
	for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++)
		if (RULES[i].is_broken(facts))
			return err_set(err, ERR_SYNTAX, "%s", RULES[i].text);
	return 0;
}

/* ---- an index */

static const char *const OPTIONS[] = {"unique", "sparse", "hidden", "expireAfterSeconds",
	"partialFilterExpression", "collation", "wildcardProjection", "weights", "default_language",
	"language_override"};

static int write_spec(
	const struct json *object, struct arena *arena, struct ensure_index *index, struct err *err)
{
	CLEANUP_STR struct str spec = STR_INIT;
	struct bytes whole;
	struct doc_writer writer;
	int rc = keep_doc(object, arena, &whole, err);

	if (rc < 0)
		return rc;
	doc_write_begin(&writer, &spec);
	doc_write_raw(&writer, "key", index->keys);
	doc_write_string(&writer, "name", index->name);
	for (size_t i = 0; i < sizeof OPTIONS / sizeof(*OPTIONS); i++) {
		struct value value = doc_get(whole, OPTIONS[i]);
		doc_write_value(&writer, OPTIONS[i], &value);
	}
	doc_write_end(&writer);
	rc = str_check(&spec, err);
	if (rc == 0)
		index->spec = arena_bytes(arena, str_bytes(&spec));
	return rc < 0 ? rc : index->spec.data == NULL ? err_no_memory(err) : 0;
}

/* Options that are only handed on: their types. */
static int check_types(const struct json *object, struct err *err)
{
	static const struct {
		const char *name;
		enum json_type type;
	} TYPES[] = {
		{"hidden", JSON_BOOL},
		{"partialFilterExpression", JSON_OBJECT},
		{"collation", JSON_OBJECT},
		{"wildcardProjection", JSON_OBJECT},
		{"weights", JSON_OBJECT},
		{"default_language", JSON_STRING},
		{"language_override", JSON_STRING},
	};
	const struct json *ignored;

	for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++) {
		int rc = json_optional(object, TYPES[i].name, TYPES[i].type, &ignored, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int load_index(
	const struct json *object, struct arena *arena, struct ensure_index *ret, struct err *err)
{
	static const char *const known[] = {"name", "keys", "unique", "sparse", "hidden",
		"expireAfterSeconds", "partialFilterExpression", "collation", "wildcardProjection",
		"weights", "default_language", "language_override", "replace", NULL};
	struct facts facts = {.declared = object, .index = {.expiry = -1}};
	struct ensure_index *index = &facts.index;
	int rc = json_type(object) == JSON_OBJECT
			 ? json_closed(object, known, err)
			 : err_set(err, ERR_SYNTAX, "an index is an object");

	if (rc == 0)
		rc = json_need_string(object, "name", INDEX_NAME_MAX, &index->name, err);
	if (rc == 0)
		rc = load_keys(object, arena, &facts, err);
	if (rc == 0)
		rc = json_optional_bool(object, "unique", &index->unique, err);
	if (rc == 0)
		rc = json_optional_bool(object, "sparse", &index->sparse, err);
	if (rc == 0)
		rc = json_optional_bool(object, "replace", &index->replace, err);
	/* The largest there is means "disarmed" (ttl.h). */
	if (rc == 0)
		rc = json_optional_integer(
			object, "expireAfterSeconds", 0, TTL_DISARMED - 1, &index->expiry, err);
	if (rc == 0)
		rc = check_types(object, err);
	if (rc == 0)
		rc = check_rules(&facts, err);
	index->keys = facts.keys;
	if (rc == 0)
		rc = write_spec(object, arena, index, err);
	if (rc == 0)
		*ret = *index;
	return rc;
}

static int check_distinct(const struct ensure_declared *declared, size_t place, struct err *err)
{
	const struct ensure_index *index = &declared->indexes[place];

	for (size_t i = 0; i < place; i++) {
		if (strcmp(declared->indexes[i].name, index->name) == 0)
			return err_set(
				err, ERR_SYNTAX, "two indexes have the name %s", index->name);
		if (ensure_same_keys(declared->indexes[i].keys, index->keys))
			return err_set(err, ERR_SYNTAX, "indexes %s and %s have the same keys",
				declared->indexes[i].name, index->name);
	}
	return 0;
}

static int load_indexes(const struct json *object, struct arena *arena,
	struct ensure_declared *declared, struct err *err)
{
	const struct json *list = NULL;
	int rc = json_optional(object, "indexes", JSON_ARRAY, &list, err);

	if (rc < 0 || list == NULL)
		return rc;
	size_t count = json_count(list);
	if (count > ENSURE_INDEXES_MAX)
		return err_set(err, ERR_LIMIT, "%zu indexes are more than %d", count,
			(int)ENSURE_INDEXES_MAX);
	declared->indexes = arena_array(arena, count + 1, sizeof *declared->indexes);
	if (declared->indexes == NULL)
		return err_no_memory(err);
	for (const struct json *row = json_first(list); row != NULL; row = json_next(row)) {
		size_t place = declared->index_count++;
		rc = load_index(row, arena, &declared->indexes[place], err);
		if (rc == 0)
			rc = check_distinct(declared, place, err);
		if (rc < 0)
			return err_context(err, "indexes[%zu]", place);
	}
	return 0;
}

/* ---- a shard key */

static bool begins_with(struct bytes keys, struct bytes first)
{
	struct doc_iter keys_iter = doc_iter_begin(keys), first_iter = doc_iter_begin(first);
	struct value a, b;
	const char *a_name, *b_name;

	while (doc_iter_next(&first_iter, &b_name, &b))
		if (!doc_iter_next(&keys_iter, &a_name, &a) || strcmp(a_name, b_name) != 0 ||
			!value_equal(&a, &b))
			return false;
	return true;
}

/* The index comes first, and a server keeps no other index unique across shards. */
static int check_shard_indexes(const struct ensure_declared *declared, struct err *err)
{
	bool found = doc_count(declared->shard_key) == 1 &&
		     doc_get(declared->shard_key, "_id").type == VALUE_INT32;

	for (size_t i = 0; i < declared->index_count; i++) {
		const struct ensure_index *index = &declared->indexes[i];
		bool begins = begins_with(index->keys, declared->shard_key);
		bool whole = !index->sparse &&
			     doc_get(index->spec, "partialFilterExpression").type == VALUE_MISSING;
		if (index->unique && !begins)
			return err_set(err, ERR_SYNTAX,
				"the unique index %s does not begin with it, and could not be kept "
				"unique across shards",
				index->name);
		found = found || (begins && whole &&
					 (!declared->shard_unique ||
						 (index->unique && ensure_same_keys(index->keys,
									   declared->shard_key))));
	}
	if (found)
		return 0;
	return err_set(err, ERR_SYNTAX, "no index of the collection %s it",
		declared->shard_unique ? "is unique and has" : "begins with");
}

static int load_shard_key(const struct json *object, struct arena *arena,
	struct ensure_declared *declared, struct err *err)
{
	static const char *const known[] = {"keys", "unique", NULL};
	struct facts facts = {.declared = object};
	int rc = json_closed(object, known, err);

	if (rc == 0)
		rc = load_keys(object, arena, &facts, err);
	if (rc == 0)
		rc = json_optional_bool(object, "unique", &declared->shard_unique, err);
	if (rc < 0)
		return rc;
	struct doc_iter iter = doc_iter_begin(facts.keys);
	struct value value;
	const char *field;
	while (doc_iter_next(&iter, &field, &value))
		if (value.type == VALUE_INT32 && value.int32 != 1)
			return err_set(
				err, ERR_SYNTAX, "\"keys\": %s is not 1 or \"hashed\"", field);
	if ((facts.kinds & ~(unsigned)(KEY_ORDERED | KEY_HASHED)) != 0 || facts.hashed > 1)
		return err_set(err, ERR_SYNTAX, "\"keys\": 1, and \"hashed\" at most once");
	if (declared->shard_unique && facts.hashed > 0)
		return err_set(err, ERR_SYNTAX, "\"unique\": not with a hashed key");
	declared->shard_key = facts.keys;
	return check_shard_indexes(declared, err);
}

/* ---- a collection */

/* What the server and offkit itself keep is none of a kit's. */
static bool name_is_valid(const char *name)
{
	static const char *const own[] = {MONGO_OWN_COLLECTION, RECORD_COLLECTION};
	static const char *const begin[] = {"system.", PREFLIGHT_SCRATCH};

	for (size_t i = 0; i < 2; i++)
		if (strcmp(name, own[i]) == 0 || strncmp(name, begin[i], strlen(begin[i])) == 0)
			return false;
	return strchr(name, '$') == NULL;
}

static int optional_word(const struct json *object, const char *name, const char *const *words,
	const char **ret_word, struct err *err)
{
	const char *text = NULL;
	int rc = json_optional_string(object, name, 32, &text, err);

	if (rc < 0 || text == NULL)
		return rc;
	for (; *words != NULL; words++)
		if (strcmp(text, *words) == 0) {
			*ret_word = *words;
			return 0;
		}
	return err_set(err, ERR_SYNTAX, "\"%s\" cannot be \"%s\"", name, text);
}

static int load_validator(const struct json *object, struct arena *arena,
	struct ensure_declared *declared, struct err *err)
{
	static const char *const levels[] = {"off", "moderate", "strict", NULL};
	static const char *const actions[] = {"error", "warn", NULL};
	const char *level = NULL, *action = NULL;
	int rc = optional_doc(object, "validator", arena, &declared->validator, err);

	if (rc == 0)
		rc = optional_word(object, "validationLevel", levels, &level, err);
	if (rc == 0)
		rc = optional_word(object, "validationAction", actions, &action, err);
	if (rc < 0)
		return rc;
	if (declared->validator.size == 0 && (level != NULL || action != NULL))
		return err_set(err, ERR_SYNTAX,
			"validationLevel and validationAction mean nothing without a validator");
	declared->validation_level = level == NULL ? "strict" : level;
	declared->validation_action = action == NULL ? "error" : action;
	return 0;
}

static int load_collection(const struct json *object, struct arena *arena,
	struct ensure_declared *declared, struct err *err)
{
	static const char *const known[] = {"name", "collation", "validator", "validationLevel",
		"validationAction", "indexes", "shardKey", NULL};
	const struct json *shard = NULL;
	int rc = json_type(object) == JSON_OBJECT
			 ? json_closed(object, known, err)
			 : err_set(err, ERR_SYNTAX, "a collection is an object");

	if (rc == 0)
		rc = json_need_string(object, "name", COLLECTION_NAME_MAX, &declared->name, err);
	if (rc == 0 && !name_is_valid(declared->name))
		rc = err_set(err, ERR_SYNTAX, "\"name\": \"%s\" is no collection of a kit",
			declared->name);
	if (rc == 0)
		rc = optional_doc(object, "collation", arena, &declared->collation, err);
	if (rc == 0)
		rc = load_validator(object, arena, declared, err);
	if (rc == 0)
		rc = load_indexes(object, arena, declared, err);
	if (rc == 0)
		rc = json_optional(object, "shardKey", JSON_OBJECT, &shard, err);
	if (rc == 0 && shard != NULL) {
		rc = load_shard_key(shard, arena, declared, err);
		if (rc < 0)
			return err_context(err, "shardKey");
	}
	return rc;
}

int ensure_load(
	const struct json *body, struct arena *arena, struct ensure *ret_ensure, struct err *err)
{
	static const char *const known[] = {"id", "kind", "title", "what", "collections", NULL};
	struct ensure ensure = {0};
	const struct json *list;
	int rc = json_closed(body, known, err);

	if (rc == 0)
		rc = json_need(body, "collections", JSON_ARRAY, &list, err);
	if (rc < 0)
		return rc;
	size_t count = json_count(list);
	if (count == 0)
		return err_set(err, ERR_SYNTAX, "\"collections\" is empty");
	if (count > ENSURE_COLLECTIONS_MAX)
		return err_set(err, ERR_LIMIT, "%zu collections are more than %d", count,
			(int)ENSURE_COLLECTIONS_MAX);
	ensure.collections = arena_array(arena, count, sizeof *ensure.collections);
	if (ensure.collections == NULL)
		return err_no_memory(err);
	for (const struct json *row = json_first(list); row != NULL; row = json_next(row)) {
		struct ensure_declared *declared = &ensure.collections[ensure.count];
		rc = load_collection(row, arena, declared, err);
		for (size_t i = 0; rc == 0 && i < ensure.count; i++)
			if (strcmp(ensure.collections[i].name, declared->name) == 0)
				rc = err_set(
					err, ERR_SYNTAX, "%s is declared twice", declared->name);
		if (rc < 0)
			return err_context(err, "collections[%zu]", ensure.count);
		ensure.count++;
	}
	*ret_ensure = ensure;
	return 0;
}

const struct ensure_index *ensure_find_declared(
	const struct ensure *ensure, const char *collection, const char *index)
{
	for (size_t i = 0; i < ensure->count; i++) {
		const struct ensure_declared *declared = &ensure->collections[i];
		for (size_t k = 0; k < declared->index_count; k++)
			if (strcmp(declared->name, collection) == 0 &&
				strcmp(declared->indexes[k].name, index) == 0)
				return &declared->indexes[k];
	}
	return NULL;
}
