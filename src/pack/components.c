#include "pack/components.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "json/json.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"

static int need_text(const struct json *object, const char *name, const char *allowed,
	struct arena *arena, const char **ret, struct err *err)
{
	const char *text;
	int rc = json_need_string(object, name, COMPONENT_TEXT_MAX, &text, err);

	if (rc < 0)
		return rc;
	if (allowed != NULL && text[strspn(text, allowed)] != '\0')
		return err_set(err, ERR_SYNTAX, "\"%s\" has characters that it may not have", name);
	*ret = arena_string(arena, text);
	return *ret == NULL ? err_no_memory(err) : 0;
}

/* File and digest: both or neither. */
static int read_digest(const struct json *object, struct arena *arena, struct component *component,
	struct err *err)
{
	const char *hex;

	if (json_member(object, "file") == NULL && json_member(object, "sha256") == NULL)
		return 0;
	int rc = need_text(object, "file", NULL, arena, &component->file, err);
	if (rc == 0)
		rc = json_need_string(object, "sha256", SHA256_HEX_SIZE, &hex, err);
	if (rc == 0 && !sha256_from_hex(bytes_of_string(hex), &component->digest))
		rc = err_set(err, ERR_SYNTAX, "\"sha256\" is not 64 lower-case hexadecimal digits");
	return rc;
}

static int read_component(const struct json *object, struct arena *arena,
	struct component *ret_component, struct err *err)
{
	static const char *const names[] = {
		"name", "version", "licence", "purl", "file", "sha256", "source", NULL};
	struct component component = {.source = ""};

	int rc = json_closed(object, names, err);
	if (rc == 0)
		rc = need_text(object, "name", LETTERS, arena, &component.name, err);
	if (rc == 0 && strlen(component.name) > COMPONENT_NAME_MAX)
		rc = err_set(err, ERR_SYNTAX, "\"name\" is longer than %d", COMPONENT_NAME_MAX);
	if (rc == 0)
		rc = need_text(object, "version", NULL, arena, &component.version, err);
	if (rc == 0)
		rc = need_text(object, "licence", LETTERS "+() :", arena, &component.licence, err);
	if (rc == 0)
		rc = need_text(object, "purl", NULL, arena, &component.purl, err);
	if (rc == 0 && strncmp(component.purl, "pkg:", 4) != 0)
		rc = err_set(err, ERR_SYNTAX, "\"purl\" does not begin with \"pkg:\"");
	if (rc == 0 && json_member(object, "source") != NULL)
		rc = need_text(object, "source", NULL, arena, &component.source, err);
	if (rc == 0)
		rc = read_digest(object, arena, &component, err);
	if (rc == 0)
		*ret_component = component;
	return rc;
}

static int check_unique(const struct component_list *list, struct err *err)
{
	for (size_t i = 0; i < list->count; i++)
		for (size_t j = 0; j < i; j++)
			if (strcmp(list->items[i].name, list->items[j].name) == 0)
				return err_set(
					err, ERR_SYNTAX, "%s is there twice", list->items[i].name);
	return 0;
}

static int read_all(const struct json *root, struct arena *arena, struct component_list *ret_list,
	struct err *err)
{
	static const char *const names[] = {"components", NULL};
	struct component_list list = {0};
	const struct json *items;

	int rc = json_need(root, "components", JSON_ARRAY, &items, err);
	if (rc == 0)
		rc = json_closed(root, names, err);
	if (rc < 0)
		return rc;
	if (json_count(items) > COMPONENTS_MAX)
		return err_set(err, ERR_LIMIT, "there are more than %d components", COMPONENTS_MAX);
	list.items = arena_array(arena, json_count(items), sizeof *list.items);
	if (list.items == NULL)
		return err_no_memory(err);
	for (const struct json *item = json_first(items); item != NULL; item = json_next(item)) {
		if (read_component(item, arena, &list.items[list.count], err) < 0)
			return err_context(err, "component %zu", list.count + 1);
		list.count++;
	}
	rc = check_unique(&list, err);
	if (rc == 0)
		*ret_list = list;
	return rc;
}

static int read_file(
	const char *path, struct arena *arena, struct component_list *ret_list, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;

	int rc = file_read_path(path, COMPONENTS_SIZE_MAX, &text, err);
	if (rc < 0)
		return rc;
	rc = json_parse(str_bytes(&text), JSON_LIMITS(COMPONENTS_SIZE_MAX), &doc, err);
	if (rc == 0)
		rc = read_all(json_root(doc), arena, ret_list, err);
	if (rc < 0) {
		(void)err_context(err, "%s", path);
		if (err->code != ERR_NO_MEMORY)
			return err_recode(err, ERR_USAGE);
	}
	return rc;
}

/* The file of "linux/ARCHITECTURE=FILE" if it is for that architecture, or of "FILE". */
static const char *path_for(const char *given, const char *architecture)
{
	static const char system[] = "linux/";
	const char *equals = strchr(given, '=');

	if (strncmp(given, system, sizeof system - 1) != 0 || equals == NULL)
		return given;
	const char *theirs = given + sizeof system - 1;
	size_t size = (size_t)(equals - theirs);
	return size == strlen(architecture) && strncmp(theirs, architecture, size) == 0 ? equals + 1
											: NULL;
}

int components_read(const struct option_list *given, const struct program_list *programs,
	struct arena *arena, const struct component_list **ret_lists, struct err *err)
{
	for (size_t i = 0; i < programs->count; i++) {
		const char *architecture = programs->items[i].architecture, *path = NULL;
		struct component_list *list = arena_alloc(arena, sizeof *list);
		if (list == NULL)
			return err_no_memory(err);
		for (size_t j = 0; j < given->count && path == NULL; j++)
			path = path_for(given->items[j], architecture);
		if (path == NULL)
			return err_set(err, ERR_USAGE,
				"no --components says what the program for linux/%s contains",
				architecture);
		int rc = read_file(path, arena, list, err);
		if (rc < 0)
			return rc;
		ret_lists[i] = list;
	}
	return 0;
}

/* Whether one before that, in a list before or in its own, has the same licence. */
static bool had_licence(
	const struct component_list *const *lists, size_t list, size_t item, const char *licence)
{
	for (size_t i = 0; i <= list; i++)
		for (size_t j = 0; j < (i < list ? lists[i]->count : item); j++)
			if (strcmp(lists[i]->items[j].licence, licence) == 0)
				return true;
	return false;
}

void components_licences(
	const char *own, const struct component_list *const *lists, size_t count, struct str *out)
{
	str_append_text(out, own);
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < lists[i]->count; j++) {
			const char *licence = lists[i]->items[j].licence;
			bool is_choice = strstr(licence, " OR ") != NULL;
			if (strcmp(licence, own) != 0 && !had_licence(lists, i, j, licence))
				str_append_format(
					out, is_choice ? " AND (%s)" : " AND %s", licence);
		}
}
