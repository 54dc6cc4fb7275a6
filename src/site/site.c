#include "site/site.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "json/json.h"
#include "site/site_file.h"
#include "text/text.h"

enum {
	PATH_SIZE_MAX = 1024,
	ARGUMENT_MAX = 4096,
	PEM_MAX = 4096,
	NAME_SIZE_MAX = 100,
	COLLECTION_MAX = 255,
	DATABASE_MAX = 63
};

static const char uri_variable[] = "OFFKIT_MONGODB_URI";

/* ---- reading */

struct reader {
	struct arena *arena;
	struct site *site;
	bool is_private; /* the site file */
	struct err *err;
	/* Who hears of every problem, of which none ends the reading; NULL: the first one does. */
	site_problem *problem;
	void *argument;
	const char *section, *subsection; /* members that are being read, for problem; NULL: none */
};

/* What a reader returns for what is wrong, which stands in its err. */
static int found(struct reader *reader)
{
	struct err *err = reader->err;

	if (err->code == ERR_NO_MEMORY || reader->problem == NULL)
		return err->code == ERR_NO_MEMORY ? -ERR_NO_MEMORY : err_recode(err, ERR_SITE);
	if (reader->subsection != NULL)
		(void)err_context(err, "%s", reader->subsection);
	if (reader->section != NULL)
		(void)err_context(err, "%s", reader->section);
	reader->problem(reader->argument, err->message);
	return 0;
}

#define FOUND(reader, ...) (err_set((reader)->err, ERR_SITE, __VA_ARGS__), found(reader))

/* Of an object that take_object gave: its members are read. */
static int leave(struct reader *reader, const char *name, int result)
{
	*(reader->subsection != NULL ? &reader->subsection : &reader->section) = NULL;
	return result != 0 ? err_context(reader->err, "%s", name) : 0;
}

static bool is_listed(const char *name, const char *const *members)
{
	for (; *members != NULL; members++)
		if (strcmp(*members, name) == 0)
			return true;
	return false;
}

/* A misspelt setting must not be a silent default; "_" begins a comment. */
static int check_members(
	struct reader *reader, const struct json *object, const char *const *members)
{
	int result = 0;

	if (reader->problem == NULL)
		return json_closed(object, members, reader->err) != 0 ? found(reader) : 0;
	for (const struct json *at = json_first(object); result == 0 && at != NULL;
		at = json_next(at)) {
		const char *name = json_name(at), *near = text_nearest(name, members);
		if (*name == '_' || is_listed(name, members))
			continue;
		CLEANUP_STR struct str shown = STR_INIT;
		text_escape(&shown, bytes_of_string(name), 60);
		result = FOUND(reader, "unknown member %s%s%s%s", str_text(&shown),
			near != NULL ? "; is " : "", near != NULL ? near : "",
			near != NULL ? " meant?" : "");
	}
	return result;
}

static const char *keep(struct reader *reader, const char *text)
{
	return arena_string(reader->arena, text);
}

/* ret is untouched if the member is missing and not needed. */
static int take_string(struct reader *reader, const struct json *object, const char *name,
	size_t max, bool needed, const char **ret)
{
	const char *text = NULL;
	int result = needed ? json_need_string(object, name, max, &text, reader->err)
			    : json_optional_string(object, name, max, &text, reader->err);

	if (result != 0)
		return found(reader);
	if (text == NULL)
		return 0;
	text = keep(reader, text);
	if (text == NULL)
		return err_no_memory(reader->err);
	*ret = text;
	return 0;
}

static int take_path(
	struct reader *reader, const struct json *object, const char *name, const char **ret)
{
	const char *path = NULL;
	int result = take_string(reader, object, name, PATH_SIZE_MAX, false, &path);

	if (result != 0 || path == NULL)
		return result;
	if (path[0] != '/')
		return FOUND(reader, "%s must be an absolute path", name);
	*ret = path;
	return 0;
}

/* A number of the file's unit, kept in milliseconds (scale 1000) or as it is. */
static int take_number(struct reader *reader, const struct json *object, const char *name,
	int64_t min, int64_t max, int64_t scale, int64_t *ret)
{
	int64_t number = -1;

	if (json_optional_integer(object, name, min, max, &number, reader->err) != 0)
		return found(reader);
	if (number >= 0)
		*ret = number * scale;
	return 0;
}

static int take_list(struct reader *reader, const struct json *object, const char *name,
	size_t max_count, size_t max_size, const char ***ret_list, size_t *ret_count)
{
	const struct json *list = NULL;
	size_t count = 0;

	if (json_optional(object, name, JSON_ARRAY, &list, reader->err) != 0)
		return found(reader);
	if (list == NULL)
		return 0;
	if (json_count(list) > max_count)
		return FOUND(reader, "%s has more than %zu entries", name, max_count);
	const char **texts = arena_array(reader->arena, json_count(list) + 1, sizeof *texts);
	if (texts == NULL)
		return err_no_memory(reader->err);
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		if (json_type(item) != JSON_STRING || strlen(json_string(item)) > max_size)
			return FOUND(reader, "%s: entry %zu must be a string of at most %zu octets",
				name, count + 1, max_size);
		texts[count] = keep(reader, json_string(item));
		if (texts[count++] == NULL)
			return err_no_memory(reader->err);
	}
	*ret_list = texts;
	*ret_count = count;
	return 0;
}

static int take_object(struct reader *reader, const struct json *object, const char *name,
	const char *const *members, const struct json **ret)
{
	const struct json *inner = NULL;

	if (json_optional(object, name, JSON_OBJECT, &inner, reader->err) != 0)
		return found(reader);
	*ret = inner;
	if (inner == NULL)
		return 0;
	*(reader->section == NULL ? &reader->section : &reader->subsection) = name;
	int result = check_members(reader, inner, members);
	return result != 0 ? err_context(reader->err, "%s", name) : 0;
}

static int take_hook(
	struct reader *reader, const struct json *ingest, const char *name, struct site_hook *hook)
{
	static const char *const members[] = {"argv", "timeoutSeconds", NULL};
	const struct json *object = NULL;
	size_t count = 0;
	int result = take_object(reader, ingest, name, members, &object);

	if (result != 0 || object == NULL)
		return result;
	result = take_list(
		reader, object, "argv", HOOK_ARGUMENTS_MAX, ARGUMENT_MAX, &hook->argv, &count);
	if (result == 0)
		result = take_number(
			reader, object, "timeoutSeconds", 1, 86400, 1000, &hook->timeout);
	if (result == 0 && (count == 0 || hook->argv[0][0] != '/'))
		result = FOUND(reader, "argv must begin with the absolute path of the command");
	return leave(reader, name, result);
}

static int take_frozen(struct reader *reader, const struct json *ingest)
{
	struct site *site = reader->site;
	int result = take_list(reader, ingest, "collections", SITE_COLLECTIONS_MAX, COLLECTION_MAX,
		&site->frozen, &site->frozen_count);

	for (size_t i = 0; result == 0 && i < site->frozen_count; i++)
		if (site->frozen[i][0] == '\0' || site->frozen[i][0] == '$' ||
			strncmp(site->frozen[i], "system.", 7) == 0)
			result = FOUND(
				reader, "collections: entry %zu is no name of a collection", i + 1);
	return result;
}

static int take_ingest(struct reader *reader, const struct json *root)
{
	static const char *const members[] = {"collections", "freeze", "unfreeze", "silenceSeconds",
		"watchSeconds", "backlogLimit", "backlogMinutes", NULL};
	struct site *site = reader->site;
	const struct json *object = NULL;
	int result = take_object(reader, root, "ingest", members, &object);

	if (result != 0 || object == NULL)
		return result;
	result = take_frozen(reader, object);
	if (result == 0)
		result = take_hook(reader, object, "freeze", &site->freeze);
	if (result == 0)
		result = take_hook(reader, object, "unfreeze", &site->unfreeze);
	if (result == 0)
		result = take_number(
			reader, object, "silenceSeconds", 0, 3600, 1000, &site->silence);
	if (result == 0)
		result = take_number(reader, object, "watchSeconds", 0, 86400, 1000, &site->watch);
	if (result == 0)
		result = take_number(
			reader, object, "backlogLimit", 0, 1000000000, 1, &site->backlog_limit);
	if (result == 0)
		result = take_number(
			reader, object, "backlogMinutes", 0, 1440, 60000, &site->backlog_time);
	return leave(reader, "ingest", result);
}

/* mongodb://USER:PASSWORD@HOST/: a password has no "/" and no "@" of its own (they are escaped). */
static bool has_password(const char *uri)
{
	const char *user = strstr(uri, "://");

	if (user == NULL)
		return false;
	user += 3;
	const char *at = user + strcspn(user, "@/");
	const char *colon = user + strcspn(user, ":@/");
	return *at == '@' && colon < at;
}

static int take_uri_file(struct reader *reader, const char *path, const char **ret_uri)
{
	return site_read_uri_file(path, reader->arena, ret_uri, reader->err) != 0 ? found(reader)
										  : 0;
}

static int take_uri(struct reader *reader, const struct json *object)
{
	const char *from_environment = getenv(uri_variable);
	const char *file = NULL;

	int result = take_path(reader, object, "uriFile", &file);
	if (result == 0)
		result = take_string(reader, object, "uri", URI_MAX, false, &reader->site->uri);
	if (result != 0)
		return result;
	if (from_environment != NULL && from_environment[0] != '\0') {
		reader->site->uri = keep(reader, from_environment);
		return reader->site->uri == NULL ? err_no_memory(reader->err) : 0;
	}
	if (file != NULL)
		return take_uri_file(reader, file, &reader->site->uri);
	if (reader->site->uri != NULL && has_password(reader->site->uri) && !reader->is_private)
		return FOUND(reader,
			"uri has a password, and others may read this file: chmod 0600 it, or name "
			"a uriFile");
	if (reader->site->uri == NULL)
		return FOUND(reader, "neither uri nor uriFile is there, nor %s", uri_variable);
	return 0;
}

bool site_is_database_name(const char *name)
{
	size_t size = strlen(name);

	return size > 0 && size <= DATABASE_MAX && strpbrk(name, "/\\. \"$*<>:|?") == NULL;
}

static int take_database(struct reader *reader, const struct json *root)
{
	static const char *const members[] = {"uri", "uriFile", "name", NULL};
	const struct json *object = NULL;
	int result = take_object(reader, root, "database", members, &object);

	if (result != 0)
		return result;
	if (object == NULL)
		return FOUND(reader, "database is missing");
	result = take_string(reader, object, "name", DATABASE_MAX, true, &reader->site->database);
	if (result == 0 && reader->site->database != NULL &&
		!site_is_database_name(reader->site->database))
		result = FOUND(reader, "name is no name of a database");
	if (result == 0)
		result = take_uri(reader, object);
	return leave(reader, "database", result);
}

static int take_compression(struct reader *reader, const struct json *backup)
{
	const char *name = NULL;
	int result = take_string(reader, backup, "compression", NAME_SIZE_MAX, false, &name);

	if (result != 0 || name == NULL)
		return result;
	if (!compression_by_name(name, &reader->site->backup_compression))
		return FOUND(reader, "compression must be \"gzip\", \"zstd\" or \"none\"");
	return 0;
}

static int take_limits(struct reader *reader, const struct json *root)
{
	static const char *const members[] = {
		"maxLagSeconds", "maxImbalancePercent", "leaseSeconds", NULL};
	struct site *site = reader->site;
	const struct json *limits = NULL;
	int result = take_object(reader, root, "limits", members, &limits);

	if (result != 0 || limits == NULL)
		return result;
	result = take_number(reader, limits, "maxLagSeconds", 1, 3600, 1000, &site->max_lag);
	if (result == 0)
		result = take_number(
			reader, limits, "maxImbalancePercent", 0, 100, 1, &site->max_imbalance);
	if (result == 0)
		result = take_number(reader, limits, "leaseSeconds", 2, 3600, 1000, &site->lease);
	return leave(reader, "limits", result);
}

static int take_backup(struct reader *reader, const struct json *root)
{
	static const char *const members[] = {
		"workers", "compression", "checkpointSeconds", "divideMebibytes", NULL};
	struct site *site = reader->site;
	const struct json *backup = NULL;
	int result = take_object(reader, root, "backup", members, &backup);

	if (result != 0 || backup == NULL)
		return result;
	result = take_number(reader, backup, "workers", 1, 32, 1, &site->backup_workers);
	if (result == 0)
		result = take_number(reader, backup, "checkpointSeconds", 0, 3600, 1,
			&site->backup_checkpoint_seconds);
	if (result == 0)
		result = take_number(reader, backup, "divideMebibytes", 1, 1024 * 1024, 1024 * 1024,
			&site->backup_divide_octets);
	if (result == 0)
		result = take_compression(reader, backup);
	return leave(reader, "backup", result);
}

/* Where a rehearsal's scratch database may be made, if not on the site's own server. */
static int take_rehearsal(struct reader *reader, const struct json *root)
{
	static const char *const members[] = {"uriFile", NULL};
	const struct json *object = NULL;
	const char *file = NULL;
	int result = take_object(reader, root, "rehearsal", members, &object);

	if (result != 0 || object == NULL)
		return result;
	result = take_path(reader, object, "uriFile", &file);
	if (result == 0 && file != NULL)
		result = take_uri_file(reader, file, &reader->site->rehearsal_uri);
	return leave(reader, "rehearsal", result);
}

/* Whose receipts open the gate before production: the key itself, or where it is. */
static int take_staging_key(struct reader *reader, const struct json *root)
{
	const char *key = NULL;
	int result = take_string(reader, root, "stagingKey", PEM_MAX, false, &key);

	if (result != 0 || key == NULL)
		return result;
	if (key[0] != '/' && strncmp(key, "-----BEGIN PUBLIC KEY-----\n", 27) != 0)
		return FOUND(reader,
			"stagingKey must be a public key in PEM, or the absolute path of one");
	reader->site->staging_key = key;
	return 0;
}

static int take_identity(struct reader *reader, const struct json *root)
{
	static const char *const environments[] = {"demo", "staging", "production", NULL};
	struct site *site = reader->site;
	int result = take_string(reader, root, "name", NAME_SIZE_MAX, true, &site->name);

	if (result == 0)
		result = take_string(
			reader, root, "environment", NAME_SIZE_MAX, true, &site->environment);
	if (result != 0 || site->environment == NULL)
		return result;
	for (const char *const *known = environments; *known != NULL; known++)
		if (strcmp(*known, site->environment) == 0)
			return take_staging_key(reader, root);
	return FOUND(reader, "environment must be \"demo\", \"staging\" or \"production\"");
}

/* The path of a folder, or an object that names a bucket. */
static int take_object_store(struct reader *reader, const struct json *root)
{
	const struct json *value = json_member(root, "objectStore");

	if (value == NULL || json_type(value) != JSON_OBJECT)
		return take_path(reader, root, "objectStore", &reader->site->object_store);
	int result = site_s3_read(value, reader->arena, &reader->site->s3, reader->err);
	return result != 0 ? found(reader) : 0;
}

static int take_folders(struct reader *reader, const struct json *root, const char *state_dir)
{
	struct site *site = reader->site;
	int result = take_path(reader, root, "stateDir", &site->state_dir);

	if (result == 0)
		result = take_path(reader, root, "backupDir", &site->backup_dir);
	if (result == 0)
		result = take_object_store(reader, root);
	if (result != 0)
		return result;
	if (state_dir != NULL)
		site->state_dir = keep(reader, state_dir);
	if (site->backup_dir == NULL && site->state_dir != NULL)
		site->backup_dir = arena_format(reader->arena, "%s/backups", site->state_dir);
	if (site->object_store == NULL && site->state_dir != NULL)
		site->object_store = arena_format(reader->arena, "%s/objects", site->state_dir);
	return site->state_dir == NULL || site->backup_dir == NULL || site->object_store == NULL
		       ? err_no_memory(reader->err)
		       : 0;
}

static int take_site(struct reader *reader, const struct json *root, const char *state_dir)
{
	static const char *const members[] = {"name", "environment", "stagingKey", "database",
		"stateDir", "backupDir", "objectStore", "ingest", "limits", "backup", "rehearsal",
		NULL};

	if (json_type(root) != JSON_OBJECT)
		return FOUND(reader, "a site file is a JSON object");
	int result = check_members(reader, root, members);
	if (result == 0)
		result = take_identity(reader, root);
	if (result == 0)
		result = take_database(reader, root);
	if (result == 0)
		result = take_folders(reader, root, state_dir);
	if (result == 0)
		result = take_ingest(reader, root);
	if (result == 0)
		result = take_limits(reader, root);
	if (result == 0)
		result = take_backup(reader, root);
	if (result == 0)
		result = take_rehearsal(reader, root);
	return result;
}

static int read_site(
	const char *path, const char *state_dir, struct reader *reader, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str content = STR_INIT;

	reader->err = err;
	int result = site_read_guarded(path, S_IWGRP | S_IWOTH, &content, &reader->is_private, err);
	if (result == -ERR_NOT_FOUND && reader->problem == NULL)
		return err_recode(err, ERR_NO_SITE);
	if (result != 0)
		return found(reader);
	if (json_parse(str_bytes(&content), JSON_LIMITS(SITE_SIZE_MAX), &doc, err) != 0)
		result = found(reader);
	else
		result = take_site(reader, json_root(doc), state_dir);
	return result != 0 ? err_context(err, "%s", path) : 0;
}

static const struct site DEFAULTS = {
	.state_dir = SITE_DEFAULT_STATE_DIR,
	.freeze.timeout = 120 * 1000,
	.unfreeze.timeout = 120 * 1000,
	.silence = 5 * 1000,
	.watch = 300 * 1000,
	.backlog_limit = 500,
	.backlog_time = 600 * 1000,
	.max_lag = 60 * 1000,
	.max_imbalance = 20,
	.lease = 60 * 1000,
	.backup_workers = 4,
	.backup_checkpoint_seconds = 5,
	.backup_divide_octets = 256 * 1024 * 1024,
	.backup_compression = COMPRESSION_GZIP,
};

int site_check_text(struct bytes text, struct arena *arena, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct site site = DEFAULTS;
	struct reader reader = {.arena = arena, .site = &site, .is_private = true, .err = err};

	return json_parse(text, JSON_LIMITS(SITE_SIZE_MAX), &doc, err) != 0
		       ? found(&reader)
		       : take_site(&reader, json_root(doc), NULL);
}

int site_load(const char *path, const char *state_dir, struct arena *arena, struct site *ret_site,
	struct err *err)
{
	struct site site = DEFAULTS;
	struct reader reader = {.arena = arena, .site = &site};
	int result = read_site(path != NULL ? path : SITE_DEFAULT_PATH, state_dir, &reader, err);

	if (result == 0)
		*ret_site = site;
	return result;
}

int site_check(const char *path, const char *state_dir, struct arena *arena, site_problem *problem,
	void *argument, struct site *ret_site, struct err *err)
{
	struct site site = DEFAULTS;
	struct reader reader = {
		.arena = arena, .site = &site, .problem = problem, .argument = argument};
	struct err last = {0};
	int result = read_site(path != NULL ? path : SITE_DEFAULT_PATH, state_dir, &reader, &last);

	if (result != 0)
		*err = last;
	else
		*ret_site = site;
	return result;
}
