#include "steps/backfill.h"

#include <string.h>

#include "base/cleanup.h"

enum { NAME_MAX_OCTETS = 255 };

struct loading {
	struct arena *arena;
	struct derive_names names;
	size_t common; /* names that every case sees */
};

static const char *place(struct loading *loading, const char *where, const char *name)
{
	const char *text = arena_format(loading->arena, "%s.%s", where, name);

	return text == NULL ? where : text;
}

static int compile(struct loading *loading, const struct json *object, const char *name,
	const char *where, const struct derive **ret_derive, struct err *err)
{
	return derive_compile(json_member(object, name), place(loading, where, name),
		&loading->names, loading->arena, ret_derive, err);
}

static int add_name(struct loading *loading, const char *name, const char *where, size_t *ret_slot,
	struct err *err)
{
	if (!derive_name_valid(name))
		return err_set(
			err, ERR_SYNTAX, "%s: \"%s\" cannot be a variable's name", where, name);
	if (loading->names.count == DERIVE_VARIABLES_MAX)
		return err_set(
			err, ERR_LIMIT, "%s: more than %d variables", where, DERIVE_VARIABLES_MAX);
	*ret_slot = loading->names.count;
	loading->names.names[loading->names.count++] = name;
	return 0;
}

static size_t find_name(const struct derive_names *names, const char *name)
{
	for (size_t i = 0; i < names->count; i++)
		if (strcmp(names->names[i], name) == 0)
			return i;
	return SIZE_MAX;
}

/* Each binding may use those before it. */
static int load_bindings(struct loading *loading, const struct json *object, const char *where,
	struct backfill_bindings *bindings, struct err *err)
{
	if (object == NULL)
		return 0;
	if (json_type(object) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "%s is not an object", where);
	bindings->list =
		arena_array(loading->arena, json_count(object) + 1, sizeof *bindings->list);
	if (bindings->list == NULL)
		return err_no_memory(err);
	for (const struct json *member = json_first(object); member != NULL;
		member = json_next(member)) {
		const char *name = json_name(member);
		struct backfill_binding *binding = &bindings->list[bindings->count];
		if (name[0] == '_')
			continue;
		size_t known = find_name(&loading->names, name);
		if (known < loading->names.count)
			return err_set(err, ERR_SYNTAX, "%s: \"%s\" is bound already", where, name);
		int result = compile(loading, object, name, where, &binding->value, err);
		if (result == 0)
			result = add_name(loading, name, where, &binding->slot, err);
		if (result != 0)
			return result;
		bindings->count++;
	}
	return 0;
}

/* ---- source and lookups */

static int load_strings(struct loading *loading, const struct json *array, const char *where,
	size_t max, const char **strings, size_t *ret_count, struct err *err)
{
	size_t count = 0;

	(void)loading;
	for (const struct json *item = array == NULL ? NULL : json_first(array); item != NULL;
		item = json_next(item)) {
		if (json_type(item) != JSON_STRING || json_string(item)[0] == '\0' ||
			strlen(json_string(item)) > NAME_MAX_OCTETS)
			return err_set(err, ERR_SYNTAX, "%s: a name is not a string of 1 to %d",
				where, NAME_MAX_OCTETS);
		if (count == max)
			return err_set(err, ERR_LIMIT, "%s: more than %zu", where, max);
		strings[count++] = json_string(item);
	}
	*ret_count = count;
	return 0;
}

static int load_source(struct loading *loading, const struct json *object, const char *where,
	struct backfill_phase *phase, struct err *err)
{
	static const char *const known[] = {"collection", "groupBy", NULL};
	const struct json *source = NULL, *group_by = NULL;
	int result = json_need(object, "source", JSON_OBJECT, &source, err);

	if (result == 0)
		result = json_closed(source, known, err);
	if (result == 0)
		result = json_need_string(
			source, "collection", NAME_MAX_OCTETS, &phase->collection, err);
	if (result == 0)
		result = json_optional(source, "groupBy", JSON_ARRAY, &group_by, err);
	if (result == 0)
		result = load_strings(loading, group_by, "groupBy", BACKFILL_KEYS_MAX, phase->keys,
			&phase->key_count, err);
	for (size_t i = 0; result == 0 && i < phase->key_count; i++)
		if (strchr(phase->keys[i], '.') != NULL || phase->keys[i][0] == '$')
			result = err_set(
				err, ERR_SYNTAX, "groupBy takes names of fields, not paths");
	return result != 0 ? err_context(err, "%s.source", where) : 0;
}

static int load_lookup_fields(struct loading *loading, const struct json *object, const char *where,
	struct backfill_lookup *lookup, struct err *err)
{
	const struct json *fields = NULL;
	int result = json_optional(object, "fields", JSON_ARRAY, &fields, err);

	if (result != 0)
		return result;
	size_t count = fields == NULL ? 0 : json_count(fields);
	lookup->fields = arena_array(loading->arena, count + 2, sizeof *lookup->fields);
	if (lookup->fields == NULL)
		return err_no_memory(err);
	result = load_strings(
		loading, fields, where, count, lookup->fields, &lookup->field_count, err);
	/* What leads on is read as well. */
	if (result == 0 && lookup->field_count > 0 && lookup->chain != NULL)
		lookup->fields[lookup->field_count++] = lookup->chain;
	return result;
}

static int load_collection_lookup(struct loading *loading, const struct json *object,
	const char *where, const struct backfill_phase *phase, struct backfill_lookup *lookup,
	struct err *err)
{
	static const char *const known[] = {
		"as", "collection", "key", "field", "fields", "many", "missing", "chain", NULL};
	const char *missing = "error";
	int result = json_closed(object, known, err);

	lookup->field = "_id";
	if (result == 0)
		result = json_need_string(
			object, "collection", NAME_MAX_OCTETS, &lookup->collection, err);
	if (result == 0)
		result =
			json_optional_string(object, "field", NAME_MAX_OCTETS, &lookup->field, err);
	if (result == 0)
		result = json_optional_bool(object, "many", &lookup->many, err);
	if (result == 0)
		result = json_optional_string(object, "missing", 16, &missing, err);
	if (result == 0)
		result =
			json_optional_string(object, "chain", NAME_MAX_OCTETS, &lookup->chain, err);
	lookup->missing_is_finding = strcmp(missing, "finding") == 0;
	if (result == 0 && !lookup->missing_is_finding && strcmp(missing, "error") != 0)
		result = err_set(err, ERR_SYNTAX, "\"missing\" is neither error nor finding");
	if (result == 0 && lookup->chain != NULL &&
		(lookup->many || phase->key_count > 0 || strcmp(lookup->field, "_id") != 0 ||
			strcmp(lookup->collection, phase->collection) != 0))
		result = err_set(err, ERR_SYNTAX,
			"\"chain\" is for one document of the phase's own source, by its _id");
	return result != 0 ? result : load_lookup_fields(loading, object, where, lookup, err);
}

static int load_lookup(struct loading *loading, const struct json *object, const char *where,
	const struct backfill_phase *phase, struct backfill_lookup *lookup, struct err *err)
{
	static const char *const known[] = {"as", "bucket", "key", "sha256", NULL};
	bool payload = json_member(object, "bucket") != NULL;
	int result = payload ? json_closed(object, known, err)
			     : load_collection_lookup(loading, object, where, phase, lookup, err);

	if (result == 0)
		result = json_need_string(object, "as", 64, &lookup->as, err);
	if (result == 0 && payload)
		result = json_need_string(object, "bucket", NAME_MAX_OCTETS, &lookup->bucket, err);
	if (result == 0 && json_member(object, "key") == NULL)
		result = err_set(err, ERR_SYNTAX, "\"key\" is missing");
	if (result == 0 && find_name(&loading->names, lookup->as) != SIZE_MAX)
		result = err_set(err, ERR_SYNTAX, "\"%s\" is bound already", lookup->as);
	if (result != 0)
		return err_context(err, "%s", where);
	/* Its key sees the document and $$runId only: all lookups of a batch are one round each. */
	size_t visible = loading->names.count;
	loading->names.count = 1;
	result = compile(loading, object, "key", where, &lookup->key, err);
	if (result == 0 && json_member(object, "sha256") != NULL)
		result = compile(loading, object, "sha256", where, &lookup->sha256, err);
	loading->names.count = visible;
	return result != 0 ? result : add_name(loading, lookup->as, where, &lookup->slot, err);
}

/* ---- cases */

/* The names that any case binds, each once: the same name is the same slot in every case. */
static int collect_case_names(
	struct loading *loading, const struct json *cases, const char *where, struct err *err)
{
	loading->common = loading->names.count;
	for (const struct json *one = json_first(cases); one != NULL; one = json_next(one)) {
		const struct json *let = json_member(one, "let");
		for (const struct json *member = let == NULL ? NULL : json_first(let);
			member != NULL; member = json_next(member)) {
			const char *name = json_name(member);
			size_t slot = find_name(&loading->names, name);
			if (name[0] == '_' || (slot != SIZE_MAX && slot >= loading->common))
				continue;
			if (slot != SIZE_MAX)
				return err_set(err, ERR_SYNTAX, "%s: \"%s\" is bound already",
					where, name);
			int result = add_name(loading, name, where, &slot, err);
			if (result != 0)
				return result;
		}
	}
	return 0;
}

/* A case sees what it has bound itself; the other cases' names stand there as "?". */
static int load_case(struct loading *loading, const struct json *object, const char *where,
	struct backfill_case *one, struct err *err)
{
	static const char *const known[] = {"name", "when", "let", NULL};
	struct derive_names all = loading->names;
	const struct json *let = NULL;
	int result = json_closed(object, known, err);

	if (result == 0)
		result = json_need_string(object, "name", 64, &one->name, err);
	if (result == 0 && json_member(object, "when") == NULL)
		result = err_set(err, ERR_SYNTAX, "\"when\" is missing");
	if (result == 0)
		result = json_optional(object, "let", JSON_OBJECT, &let, err);
	if (result != 0)
		return err_context(err, "%s", where);
	for (size_t i = loading->common; i < all.count; i++)
		loading->names.names[i] = "?";
	result = compile(loading, object, "when", where, &one->when, err);
	size_t count = let == NULL ? 0 : json_count(let);
	one->let.list = arena_array(loading->arena, count + 1, sizeof *one->let.list);
	if (one->let.list == NULL)
		return err_no_memory(err);
	where = place(loading, where, "let");
	for (const struct json *member = let == NULL ? NULL : json_first(let);
		result == 0 && member != NULL; member = json_next(member)) {
		struct backfill_binding *binding = &one->let.list[one->let.count];
		if (json_name(member)[0] == '_')
			continue;
		binding->slot = find_name(&all, json_name(member));
		result = compile(loading, let, json_name(member), where, &binding->value, err);
		loading->names.names[binding->slot] = json_name(member);
		one->let.count++;
	}
	loading->names = all;
	return result;
}

static int load_cases(struct loading *loading, const struct json *array, const char *where,
	struct backfill_phase *phase, struct err *err)
{
	if (array == NULL)
		return 0;
	int result = collect_case_names(loading, array, where, err);

	for (const struct json *item = json_first(array); result == 0 && item != NULL;
		item = json_next(item)) {
		const char *at =
			arena_format(loading->arena, "%s.cases[%zu]", where, phase->case_count);
		if (at == NULL)
			return err_no_memory(err);
		if (phase->case_count == BACKFILL_CASES_MAX)
			return err_set(err, ERR_LIMIT, "%s: more than %d cases", where,
				BACKFILL_CASES_MAX);
		result = load_case(loading, item, at, &phase->cases[phase->case_count++], err);
	}
	return result;
}

/* ---- writes */

static const struct json *template_at(const struct json *template, const char *path)
{
	char name[NAME_MAX_OCTETS + 1];

	for (;;) {
		size_t size = strcspn(path, ".");
		if (size > NAME_MAX_OCTETS || template == NULL ||
			json_type(template) != JSON_OBJECT)
			return NULL;
		memcpy(name, path, size);
		name[size] = '\0';
		template = json_member(template, name);
		if (path[size] == '\0')
			return template;
		path += size + 1;
	}
}

/* The run's id stands in one volatile path: by it undo finds what a run wrote. */
static int find_run_path(const struct json *template, struct backfill_write *write, struct err *err)
{
	for (size_t i = 0; i < write->volatile_count; i++) {
		const struct json *value = template_at(template, write->volatile_paths[i]);
		if (value == NULL)
			return err_set(err, ERR_SYNTAX,
				"the volatile path %s is not in the document",
				write->volatile_paths[i]);
		if (json_type(value) == JSON_STRING && strcmp(json_string(value), "$$runId") == 0 &&
			write->run_path == NULL)
			write->run_path = write->volatile_paths[i];
	}
	if (write->run_path == NULL)
		return err_set(err, ERR_SYNTAX, "no volatile path of the document is \"$$runId\"");
	return 0;
}

static int load_write(struct loading *loading, const struct json *object, const char *where,
	struct backfill_write *write, struct err *err)
{
	static const char *const known[] = {
		"collection", "role", "when", "document", "volatile", NULL};
	static const char *const roles[] = {
		"observations", "linksets", "events", "tombstones", "documents"};
	const struct json *document = NULL, *volatile_paths = NULL;
	bool has_role = false;
	int result = json_closed(object, known, err);

	if (result == 0)
		result = json_need_string(
			object, "collection", NAME_MAX_OCTETS, &write->collection, err);
	if (result == 0)
		result = json_need_string(object, "role", 64, &write->role, err);
	for (size_t i = 0; result == 0 && i < sizeof roles / sizeof roles[0]; i++)
		has_role = has_role || strcmp(roles[i], write->role) == 0;
	if (result == 0 && !has_role)
		result = err_set(err, ERR_SYNTAX, "there is no role \"%s\"", write->role);
	if (result == 0)
		result = json_need(object, "document", JSON_OBJECT, &document, err);
	if (result == 0 && json_member(document, "_id") == NULL)
		result = err_set(err, ERR_SYNTAX, "the document has no _id");
	if (result == 0)
		result = json_optional(object, "volatile", JSON_ARRAY, &volatile_paths, err);
	if (result == 0)
		result = load_strings(loading, volatile_paths, "volatile", BACKFILL_VOLATILE_MAX,
			write->volatile_paths, &write->volatile_count, err);
	if (result == 0)
		result = find_run_path(document, write, err);
	if (result != 0)
		return err_context(err, "%s", where);
	if (json_member(object, "when") != NULL)
		result = compile(loading, object, "when", where, &write->when, err);
	if (result == 0)
		result = compile(loading, object, "document", where, &write->document, err);
	return result;
}

static int load_writes(struct loading *loading, const struct json *array, const char *where,
	struct backfill *backfill, struct backfill_phase *phase, struct err *err)
{
	int result = 0;

	if (json_count(array) == 0)
		return err_set(err, ERR_SYNTAX, "%s writes nothing", where);
	for (const struct json *item = json_first(array); result == 0 && item != NULL;
		item = json_next(item)) {
		const char *at =
			arena_format(loading->arena, "%s.write[%zu]", where, phase->write_count);
		if (at == NULL)
			return err_no_memory(err);
		if (phase->write_count == BACKFILL_WRITES_MAX)
			return err_set(err, ERR_LIMIT, "%s: it writes more than %d documents",
				where, BACKFILL_WRITES_MAX);
		struct backfill_write *write = &phase->writes[phase->write_count++];
		write->target = backfill->target_count;
		backfill->targets[backfill->target_count++] = write;
		result = load_write(loading, item, at, write, err);
	}
	return result;
}

/* ---- phases */

static int load_phase(struct loading *loading, const struct json *object, const char *where,
	struct backfill *backfill, struct backfill_phase *phase, struct err *err)
{
	static const char *const known[] = {
		"name", "source", "countBy", "lookups", "let", "cases", "write", NULL};
	const struct json *lookups = NULL, *cases = NULL, *writes = NULL;
	int result = json_closed(object, known, err);

	loading->names = (struct derive_names){.names = {"runId"}, .count = 1};
	if (result == 0)
		result = json_need_string(object, "name", 64, &phase->name, err);
	if (result == 0)
		result = json_optional(object, "lookups", JSON_ARRAY, &lookups, err);
	if (result == 0)
		result = json_optional(object, "cases", JSON_ARRAY, &cases, err);
	if (result == 0)
		result = json_need(object, "write", JSON_ARRAY, &writes, err);
	if (result != 0)
		return err_context(err, "%s", where);
	result = load_source(loading, object, where, phase, err);
	if (result == 0 && json_member(object, "countBy") != NULL)
		result = compile(loading, object, "countBy", where, &phase->count_by, err);
	for (const struct json *item = lookups == NULL ? NULL : json_first(lookups);
		result == 0 && item != NULL; item = json_next(item)) {
		const char *at =
			arena_format(loading->arena, "%s.lookups[%zu]", where, phase->lookup_count);
		if (at == NULL)
			return err_no_memory(err);
		if (phase->lookup_count == BACKFILL_LOOKUPS_MAX)
			return err_set(err, ERR_LIMIT, "%s: more than %d lookups", where,
				BACKFILL_LOOKUPS_MAX);
		result = load_lookup(
			loading, item, at, phase, &phase->lookups[phase->lookup_count++], err);
	}
	if (result == 0)
		result = load_bindings(loading, json_member(object, "let"),
			place(loading, where, "let"), &phase->let, err);
	if (result == 0)
		result = load_cases(loading, cases, where, phase, err);
	if (result == 0)
		result = load_writes(loading, writes, where, backfill, phase, err);
	phase->variable_count = loading->names.count;
	return result;
}

static int load(struct loading *loading, const struct migration *migration,
	struct backfill *backfill, struct err *err)
{
	static const char *const known[] = {
		"id", "kind", "title", "what", "maxConflicts", "events", "links", "phases", NULL};
	const struct json *body = migration->body, *events = NULL, *phases = NULL;
	int result = json_closed(body, known, err);

	if (result == 0)
		result = json_optional_integer(body, "maxConflicts", 0, INT64_C(1000000000),
			&backfill->max_conflicts, err);
	if (result == 0)
		result = json_optional(body, "events", JSON_OBJECT, &events, err);
	if (result == 0 && events != NULL)
		result = json_need_bool(events, "publish", &backfill->publish_events, err);
	if (result == 0)
		result = json_need(body, "phases", JSON_ARRAY, &phases, err);
	if (result != 0)
		return result;
	size_t count = json_count(phases);
	if (count == 0 || count > BACKFILL_PHASES_MAX)
		return err_set(err, ERR_LIMIT, "phases: not 1 to %d", BACKFILL_PHASES_MAX);
	backfill->phases = arena_array(loading->arena, count, sizeof *backfill->phases);
	if (backfill->phases == NULL)
		return err_no_memory(err);
	for (const struct json *item = json_first(phases); result == 0 && item != NULL;
		item = json_next(item)) {
		const char *where =
			arena_format(loading->arena, "phases[%zu]", backfill->phase_count);
		if (where == NULL)
			return err_no_memory(err);
		result = load_phase(loading, item, where, backfill,
			&backfill->phases[backfill->phase_count++], err);
	}
	return result;
}

int backfill_load(const struct migration *migration, struct arena *arena,
	struct backfill *ret_backfill, struct err *err)
{
	struct loading loading = {.arena = arena};
	struct backfill backfill = {.id = migration->id, .publish_events = true};
	int result = load(&loading, migration, &backfill, err);

	if (result != 0)
		return err_context(err, "migration %s", migration->id);
	*ret_backfill = backfill;
	return 0;
}
