#include "site/site.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "json/json.h"

enum {
	URI_MAX = 4096,
	PATH_SIZE_MAX = 1024,
	ARGUMENT_MAX = 4096,
	PEM_MAX = 4096,
	NAME_SIZE_MAX = 100,
	COLLECTION_MAX = 255,
	DATABASE_MAX = 63
};

static const char uri_variable[] = "OFFKIT_MONGODB_URI";

static int wrong(struct err *err)
{
	return err_recode(err, ERR_SITE);
}

/* ---- files that decide what is done and where: nobody else may have written them */

static int check_owner(int fd, const char *path, mode_t forbidden, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return err_set_errno(err, ERR_SITE, errno, "%s", path);
	if (status.st_uid != 0 && status.st_uid != geteuid())
		return err_set(err, ERR_SITE,
			"%s belongs to another user (uid %u): it must be root's or yours", path,
			(unsigned)status.st_uid);
	if ((status.st_mode & forbidden) != 0)
		return err_set(err, ERR_SITE, "%s may be %s by others: chmod %s it", path,
			(forbidden & S_IROTH) != 0 ? "read" : "written",
			(forbidden & S_IROTH) != 0 ? "0600" : "go-w");
	return 0;
}

static int read_fd(int fd, const char *path, struct str *content, struct err *err)
{
	char buffer[4096];

	for (;;) {
		ssize_t got = read(fd, buffer, sizeof buffer);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_SITE, errno, "%s", path);
		if (got == 0)
			return str_check(content, err);
		str_append(content, buffer, (size_t)got);
		if (content->size > SITE_SIZE_MAX)
			return err_set(err, ERR_SITE, "%s is over %d octets", path, SITE_SIZE_MAX);
	}
}

/* *ret_private: nobody else may read it. */
static int read_guarded(
	const char *path, mode_t forbidden, struct str *content, bool *ret_private, struct err *err)
{
	CLEANUP_FD int fd = -1;
	struct stat status;
	int result = file_open_at(AT_FDCWD, path, &fd, err);

	if (result != 0)
		return wrong(err);
	result = check_owner(fd, path, forbidden, err);
	if (result == 0 && fstat(fd, &status) != 0)
		result = err_set_errno(err, ERR_SITE, errno, "%s", path);
	if (result == 0)
		result = read_fd(fd, path, content, err);
	if (result == 0)
		*ret_private = (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
	return result;
}

/* ---- reading */

struct reader {
	struct arena *arena;
	struct site *site;
	bool is_private; /* the site file */
	struct err *err;
};

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
		return wrong(reader->err);
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
		return err_set(reader->err, ERR_SITE, "%s must be an absolute path", name);
	*ret = path;
	return 0;
}

/* A number of the file's unit, kept in milliseconds (scale 1000) or as it is. */
static int take_number(struct reader *reader, const struct json *object, const char *name,
	int64_t min, int64_t max, int64_t scale, int64_t *ret)
{
	int64_t number = -1;

	if (json_optional_integer(object, name, min, max, &number, reader->err) != 0)
		return wrong(reader->err);
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
		return wrong(reader->err);
	if (list == NULL)
		return 0;
	if (json_count(list) > max_count)
		return err_set(
			reader->err, ERR_SITE, "%s has more than %zu entries", name, max_count);
	const char **texts = arena_array(reader->arena, json_count(list) + 1, sizeof *texts);
	if (texts == NULL)
		return err_no_memory(reader->err);
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		if (json_type(item) != JSON_STRING || strlen(json_string(item)) > max_size)
			return err_set(reader->err, ERR_SITE,
				"%s: entry %zu must be a string of at most %zu octets", name,
				count + 1, max_size);
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
		return wrong(reader->err);
	if (inner != NULL && json_closed(inner, members, reader->err) != 0) {
		(void)err_context(reader->err, "%s", name);
		return wrong(reader->err);
	}
	*ret = inner;
	return 0;
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
		result = err_set(reader->err, ERR_SITE,
			"argv must begin with the absolute path of the command");
	return result != 0 ? err_context(reader->err, "%s", name) : 0;
}

static int take_frozen(struct reader *reader, const struct json *ingest)
{
	struct site *site = reader->site;
	int result = take_list(reader, ingest, "collections", SITE_COLLECTIONS_MAX, COLLECTION_MAX,
		&site->frozen, &site->frozen_count);

	for (size_t i = 0; result == 0 && i < site->frozen_count; i++)
		if (site->frozen[i][0] == '\0' || site->frozen[i][0] == '$' ||
			strncmp(site->frozen[i], "system.", 7) == 0)
			result = err_set(reader->err, ERR_SITE,
				"collections: entry %zu is no name of a collection", i + 1);
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
	return result != 0 ? err_context(reader->err, "ingest") : 0;
}

int site_read_uri_file(const char *path, struct arena *arena, const char **ret_uri, struct err *err)
{
	CLEANUP_STR struct str content = STR_INIT;
	bool is_private = false;
	int result = read_guarded(path, S_IRWXG | S_IRWXO, &content, &is_private, err);

	if (result != 0)
		return result;
	size_t size = strcspn(str_text(&content), "\r\n");
	if (size == 0 || size > URI_MAX || strlen(str_text(&content)) != content.size ||
		strspn(str_text(&content) + size, "\r\n") != content.size - size)
		return err_set(err, ERR_SITE,
			"%s must hold the database URI in one line and nothing else", path);
	const char *uri = arena_string_n(arena, str_text(&content), size);
	if (uri == NULL)
		return err_no_memory(err);
	*ret_uri = uri;
	return 0;
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
		return site_read_uri_file(file, reader->arena, &reader->site->uri, reader->err);
	if (reader->site->uri != NULL && has_password(reader->site->uri) && !reader->is_private)
		return err_set(reader->err, ERR_SITE,
			"uri has a password, and others may read this file: chmod 0600 it, or name "
			"a uriFile");
	if (reader->site->uri == NULL)
		return err_set(reader->err, ERR_SITE, "neither uri nor uriFile is there, nor %s",
			uri_variable);
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
		return err_set(reader->err, ERR_SITE, "database is missing");
	result = take_string(reader, object, "name", DATABASE_MAX, true, &reader->site->database);
	if (result == 0 && !site_is_database_name(reader->site->database))
		result = err_set(reader->err, ERR_SITE, "name is no name of a database");
	if (result == 0)
		result = take_uri(reader, object);
	return result != 0 ? err_context(reader->err, "database") : 0;
}

static int take_compression(struct reader *reader, const struct json *backup)
{
	const char *name = NULL;
	int result = take_string(reader, backup, "compression", NAME_SIZE_MAX, false, &name);

	if (result != 0 || name == NULL)
		return result;
	if (!compression_by_name(name, &reader->site->backup_compression))
		return err_set(reader->err, ERR_SITE,
			"backup: compression must be \"gzip\", \"zstd\" or \"none\"");
	return 0;
}

static int take_rest(struct reader *reader, const struct json *root)
{
	static const char *const limit_members[] = {
		"maxLagSeconds", "maxImbalancePercent", "leaseSeconds", NULL};
	static const char *const backup_members[] = {
		"workers", "compression", "checkpointSeconds", "divideMebibytes", NULL};
	struct site *site = reader->site;
	const struct json *limits = NULL, *backup = NULL;
	int result = take_object(reader, root, "limits", limit_members, &limits);

	if (result == 0 && limits != NULL)
		result =
			take_number(reader, limits, "maxLagSeconds", 1, 3600, 1000, &site->max_lag);
	if (result == 0 && limits != NULL)
		result = take_number(
			reader, limits, "maxImbalancePercent", 0, 100, 1, &site->max_imbalance);
	if (result == 0 && limits != NULL)
		result = take_number(reader, limits, "leaseSeconds", 2, 3600, 1000, &site->lease);
	if (result == 0)
		result = take_object(reader, root, "backup", backup_members, &backup);
	if (result == 0 && backup != NULL)
		result = take_number(reader, backup, "workers", 1, 32, 1, &site->backup_workers);
	if (result == 0 && backup != NULL)
		result = take_number(reader, backup, "checkpointSeconds", 0, 3600, 1,
			&site->backup_checkpoint_seconds);
	if (result == 0 && backup != NULL)
		result = take_number(reader, backup, "divideMebibytes", 1, 1024 * 1024, 1024 * 1024,
			&site->backup_divide_octets);
	if (result == 0 && backup != NULL)
		result = take_compression(reader, backup);
	return result;
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
		result = site_read_uri_file(
			file, reader->arena, &reader->site->rehearsal_uri, reader->err);
	return result != 0 ? err_context(reader->err, "rehearsal") : 0;
}

/* Whose receipts open the gate before production: the key itself, or where it is. */
static int take_staging_key(struct reader *reader, const struct json *root)
{
	const char *key = NULL;
	int result = take_string(reader, root, "stagingKey", PEM_MAX, false, &key);

	if (result != 0 || key == NULL)
		return result;
	if (key[0] != '/' && strncmp(key, "-----BEGIN PUBLIC KEY-----\n", 27) != 0)
		return err_set(reader->err, ERR_SITE,
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
	if (result != 0)
		return result;
	for (const char *const *known = environments; *known != NULL; known++)
		if (strcmp(*known, site->environment) == 0)
			return take_staging_key(reader, root);
	return err_set(reader->err, ERR_SITE,
		"environment must be \"demo\", \"staging\" or \"production\"");
}

static int take_folders(struct reader *reader, const struct json *root, const char *state_dir)
{
	struct site *site = reader->site;
	int result = take_path(reader, root, "stateDir", &site->state_dir);

	if (result == 0)
		result = take_path(reader, root, "backupDir", &site->backup_dir);
	if (result == 0)
		result = take_path(reader, root, "objectStore", &site->object_store);
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
		return err_set(reader->err, ERR_SITE, "a site file is a JSON object");
	if (json_closed(root, members, reader->err) != 0)
		return wrong(reader->err);
	int result = take_identity(reader, root);
	if (result == 0)
		result = take_database(reader, root);
	if (result == 0)
		result = take_folders(reader, root, state_dir);
	if (result == 0)
		result = take_ingest(reader, root);
	if (result == 0)
		result = take_rest(reader, root);
	if (result == 0)
		result = take_rehearsal(reader, root);
	return result;
}

int site_load(const char *path, const char *state_dir, struct arena *arena, struct site *ret_site,
	struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str content = STR_INIT;
	struct site site = {
		.state_dir = "/var/lib/offkit",
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
	struct reader reader = {.arena = arena, .site = &site, .err = err};

	if (path == NULL)
		path = SITE_DEFAULT_PATH;
	int result = read_guarded(path, S_IWGRP | S_IWOTH, &content, &reader.is_private, err);
	if (result != 0)
		return result;
	if (json_parse(str_bytes(&content), JSON_LIMITS(SITE_SIZE_MAX), &doc, err) != 0)
		result = wrong(err);
	else
		result = take_site(&reader, json_root(doc), state_dir);
	if (result != 0)
		return err_context(err, "%s", path);
	*ret_site = site;
	return 0;
}
