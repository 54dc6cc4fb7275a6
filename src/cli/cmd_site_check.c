/*
 * offkit site check: everything that is wrong with a site file, and with what it names; with
 * --connect with its database and its bucket as well. Changes nothing.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/face.h"
#include "engine/staging.h"
#include "mongo/mongo.h"
#include "object/open.h"
#include "steps/hook.h"
#include "steps/preflight.h"
#include "text/text.h"

enum { CHECKS_MAX = 256, NAME_COLUMNS = 11, PATIENCE = 10000 /* ms */, PEM_MAX = 1024 * 1024 };

struct site_check_values {
	bool connect;
};

static const struct option options[] = {
	OPTION_ROW_FLAG("connect", 0, struct site_check_values, connect,
		"ask the database too: login, version, privileges"),
	OPTION_END,
};

struct site_checks {
	struct face *face;
	struct site site;
	size_t count, wrong;
	enum err_code code; /* of the first that is wrong, */
	const char *first;  /* and what is said of it */
	struct {
		const char *name, *text; /* of the record, which is English; */
		const char *said;	 /* and to the operator */
		enum face_sign sign;
	} list[CHECKS_MAX];
};

static const char *outcome_name(enum face_sign sign)
{
	static const char *const NAMES[] = {[SIGN_GOOD] = "good",
		[SIGN_BAD] = "wrong",
		[SIGN_WARN] = "warning",
		[SIGN_NONE] = "skipped"};

	return NAMES[sign];
}

static const char *keep(struct site_checks *checks, const struct str *text)
{
	const char *kept = text->failed ? NULL : arena_string(&checks->face->arena, str_text(text));

	return kept != NULL ? kept : "out of memory";
}

static void add(struct site_checks *checks, const char *name, enum face_sign sign,
	const struct str *text, const struct str *said)
{
	const char *kept = keep(checks, text);

	if (sign == SIGN_BAD && checks->wrong++ == 0 && checks->first == NULL)
		checks->first = kept;
	if (checks->count == CHECKS_MAX)
		return;
	checks->list[checks->count].name = name;
	checks->list[checks->count].text = kept;
	checks->list[checks->count].said = said == text ? kept : keep(checks, said);
	checks->list[checks->count++].sign = sign;
}

/* A sentence of the record, or names alone: the same in every language. */
static void tell_text(
	struct site_checks *checks, const char *name, enum face_sign sign, const char *text)
{
	CLEANUP_STR struct str copy = STR_INIT;

	str_append_text(&copy, text);
	add(checks, name, sign, &copy, &copy);
}

static void tell_any(
	struct site_checks *checks, const char *name, enum face_sign sign, enum message which, ...)
{
	CLEANUP_STR struct str text = STR_INIT, said = STR_INIT;
	va_list arguments;

	va_start(arguments, which);
	str_append_arguments(&text, message_text(NULL, which), arguments);
	va_end(arguments);
	va_start(arguments, which);
	str_append_arguments(&said, face_text(checks->face, which), arguments);
	va_end(arguments);
	add(checks, name, sign, &text, &said);
}

#define tell(checks, name, sign, which, ...)                                                       \
	(MESSAGE_ARGUMENTS_FIT(which __VA_OPT__(, ) __VA_ARGS__),                                  \
		tell_any(checks, name, sign, which __VA_OPT__(, ) __VA_ARGS__))

/*
 * Not the file is wrong but a server that it names; no server's failure had effects here. next is
 * MSG_NONE where the failure says itself what to do.
 */
static void tell_of_server(
	struct site_checks *checks, const char *name, const struct err *err, enum message next)
{
	CLEANUP_STR struct str text = STR_INIT, said = STR_INIT;
	const struct language *language = checks->face->language;
	enum err_code code = err->code;

	if (code == ERR_DATABASE_LOST)
		code = ERR_DATABASE;
	else if (err_exit_code(code) != err_exit_code(ERR_PREFLIGHT))
		code = ERR_PREFLIGHT;
	if (checks->wrong == 0) {
		checks->code = code;
		checks->first = arena_string(&checks->face->arena, err->message);
	}
	str_append_format(&text, "%s; %s", err->message,
		next != MSG_NONE ? message_text(NULL, next) : err_next(code));
	str_append_format(&said, "%s; %s", err->message,
		next != MSG_NONE ? message_text(language, next)
				 : message_of_record(language, err_next(code)));
	add(checks, name, SIGN_BAD, &text, &said);
}

static void found_problem(void *argument, const char *text)
{
	tell_text(argument, "site file", SIGN_BAD, text);
}

/* ---- what it names */

/* A folder that is not there yet is made, but only in one that is. */
static void check_folder(
	struct site_checks *checks, const char *name, const char *path, bool others_may_read)
{
	CLEANUP_FD int fd = -1;
	struct stat status;
	struct err err;
	uint64_t octets;
	char size[TEXT_SIZE_SIZE];

	if (path == NULL)
		return;
	if (checks->site.state_dir != NULL && path_is_within(path, checks->site.state_dir) &&
		stat(path, &status) != 0 && errno == ENOENT) {
		tell(checks, name, SIGN_GOOD, MSG_MADE_IN_STATE_DIR, path);
		return;
	}
	if (stat(path, &status) != 0 && errno == ENOENT) {
		CLEANUP_FREE char *parent = strdup(path);
		char *slash = parent != NULL ? strrchr(parent, '/') : NULL;
		if (slash != NULL)
			slash[slash == parent ? 1 : 0] = '\0';
		if (slash != NULL && access(parent, W_OK | X_OK) == 0)
			tell(checks, name, SIGN_GOOD, MSG_WILL_BE_MADE, path);
		else
			tell(checks, name, SIGN_WARN, MSG_PARENTS_MISSING, path, path);
		return;
	}
	if (folder_open(path, &fd, &err) < 0 || fstat(fd, &status) != 0) {
		tell_text(checks, name, SIGN_BAD, err.message);
	} else if (status.st_uid != geteuid()) {
		tell(checks, name, SIGN_BAD, MSG_FOLDER_BELONGS, path, (unsigned)status.st_uid,
			(unsigned)geteuid());
	} else if ((status.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
		tell(checks, name, SIGN_BAD, MSG_FOLDER_WRITABLE, path);
	} else if (faccessat(fd, ".", W_OK, AT_EACCESS) != 0) {
		tell(checks, name, SIGN_BAD, MSG_FOLDER_NOT_WRITABLE, path, strerror(errno));
	} else if (free_space(fd, &octets, &err) < 0) {
		tell_text(checks, name, SIGN_BAD, err.message);
	} else if (!others_may_read && (status.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		tell(checks, name, SIGN_WARN, MSG_FOLDER_READABLE, path);
	} else {
		tell(checks, name, SIGN_GOOD, MSG_FOLDER_FREE, path, text_size(octets, size));
	}
}

static void check_hook(struct site_checks *checks, const char *name, const struct site_hook *hook)
{
	struct err err;

	if (hook->argv == NULL)
		tell(checks, name, SIGN_WARN, MSG_HOOK_NONE, name);
	else if (hook_check(hook, &err) < 0)
		tell_text(checks, name, SIGN_BAD, err.message);
	else
		tell_text(checks, name, SIGN_GOOD, hook->argv[0]);
}

/* member: how the site file names it, with what stands before the path. */
static void check_pem(
	struct site_checks *checks, const char *name, const char *member, const char *path)
{
	CLEANUP_STR struct str content = STR_INIT, named = STR_INIT;
	struct err err;

	str_append_format(&named, "%s%s", member, path);
	if (file_read_path(path, PEM_MAX, &content, &err) < 0) {
		str_append_format(&named, ": %s", err.message);
		add(checks, name, SIGN_BAD, &named, &named);
	} else if (strstr(str_text(&content), "-----BEGIN ") == NULL) {
		tell(checks, name, SIGN_BAD, MSG_NOTHING_IN_PEM, str_text(&named));
	} else {
		add(checks, name, SIGN_GOOD, &named, &named);
	}
}

/* A file that the URI names, by "option=PATH"; its percent signs are few, and are left alone. */
static void check_uri_file(struct site_checks *checks, const char *option)
{
	const char *at = strstr(checks->site.uri, option);

	if (at == NULL)
		return;
	at += strlen(option);
	const char *path = arena_string_n(&checks->face->arena, at, strcspn(at, "&"));
	if (path != NULL && strchr(path, '%') == NULL)
		check_pem(checks, "TLS", option, path);
}

static void check_uri(struct site_checks *checks)
{
	CLEANUP_STR struct str shown = STR_INIT;
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	const struct site *site = &checks->site;
	struct err err;

	if (site->uri == NULL)
		return;
	mongo_uri_redact(site->uri, &shown);
	if (strchr(str_text(&shown), '(') == str_text(&shown)) {
		tell(checks, "database", SIGN_BAD, MSG_URI_REFUSED);
		return;
	}
	tell(checks, "database", SIGN_GOOD, MSG_URI_AND_DATABASE, str_text(&shown),
		site->database != NULL ? site->database : "?");
	check_uri_file(checks, "tlsCAFile=");
	check_uri_file(checks, "tlsCertificateKeyFile=");
	if (site->environment == NULL || face_load_root(checks->face, -1, &root, &err) < 0)
		return;
	if (face_check_root(site, root, &err) < 0)
		tell_text(checks, "trust root", SIGN_BAD, err.message);
}

/* Whether the file itself is wrong there. */
static bool is_told(const struct site_checks *checks, const char *member)
{
	for (size_t i = 0; i < checks->count; i++)
		if (strncmp(checks->list[i].text, member, strlen(member)) == 0)
			return true;
	return false;
}

static void check_bucket(struct site_checks *checks)
{
	CLEANUP_STR struct str shown = STR_INIT;
	const struct site *site = &checks->site;
	struct site_s3_keys keys;
	struct err err;

	if (object_store_describe(site, &shown, &err) < 0 ||
		site_s3_keys(&site->s3, &checks->face->arena, &keys, &err) < 0)
		tell_text(checks, "objectStore", SIGN_BAD, err.message);
	else
		tell_text(checks, "objectStore", SIGN_GOOD, str_text(&shown));
	if (strncmp(site->s3.endpoint, "https://", 8) != 0)
		tell(checks, "objectStore", SIGN_WARN, MSG_STORE_BY_HTTP);
	else if (site->s3.ca == NULL)
		tell(checks, "objectStore", SIGN_BAD, MSG_STORE_WITHOUT_CA);
	else
		check_pem(checks, "objectStore", "ca ", site->s3.ca);
}

static void check_object_store(struct site_checks *checks)
{
	const struct site *site = &checks->site;

	if (site->s3.endpoint != NULL)
		check_bucket(checks);
	else if (!is_told(checks, "objectStore"))
		check_folder(checks, "objectStore", site->object_store, true);
}

/* Production asks for staging's receipt, and staging's key for that. */
static void check_staging_key(struct site_checks *checks)
{
	CLEANUP(public_key_cleanup) struct public_key *key = NULL;
	const struct site *site = &checks->site;
	char hex[SHA256_HEX_SIZE];
	struct err err;

	if (site->environment == NULL || strcmp(site->environment, "production") != 0)
		return;
	if (site->staging_key == NULL) {
		tell(checks, "stagingKey", SIGN_WARN, MSG_STAGING_KEY_NONE);
		return;
	}
	if (staging_key_load(site, &key, &err) < 0) {
		tell_text(checks, "stagingKey", SIGN_BAD, err.message);
		return;
	}
	sha256_to_hex(public_key_fingerprint(key), hex);
	tell(checks, "stagingKey", SIGN_GOOD, MSG_STAGING_KEY_COMPARE, hex);
}

static void check_named(struct site_checks *checks)
{
	const struct site *site = &checks->site;

	check_uri(checks);
	check_staging_key(checks);
	check_folder(checks, "stateDir", site->state_dir, false);
	check_folder(checks, "backupDir", site->backup_dir, false);
	check_object_store(checks);
	check_hook(checks, "freeze", &site->freeze);
	check_hook(checks, "unfreeze", &site->unfreeze);
	if (site->frozen_count == 0)
		tell(checks, "collections", SIGN_WARN, MSG_COLLECTIONS_NONE);
}

/* ---- the database */

static void check_login(struct site_checks *checks, struct mongo *mongo)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	CLEANUP_STR struct str missing = STR_INIT, partly = STR_INIT;
	struct doc_writer writer;
	struct value user = {VALUE_MISSING};
	const char *index;
	struct err err;

	doc_write_begin(&writer, &command);
	doc_write_int32(&writer, "connectionStatus", 1);
	doc_write_bool(&writer, "showPrivileges", true);
	doc_write_end(&writer);
	if (mongo_admin_command(mongo, str_bytes(&command), &reply, NULL, &err) < 0) {
		tell_of_server(checks, "login", &err, MSG_NONE);
		return;
	}
	struct value users = doc_get_path(str_bytes(&reply), "authInfo.authenticatedUsers");
	struct value privileges =
		doc_get_path(str_bytes(&reply), "authInfo.authenticatedUserPrivileges");
	struct doc_iter iter = doc_iter_begin(users.bytes);
	if (users.type != VALUE_ARRAY || !doc_iter_next(&iter, &index, &user) ||
		user.type != VALUE_DOCUMENT) {
		tell(checks, "login", SIGN_WARN, MSG_LOGIN_NOBODY);
		return;
	}
	const char *name = doc_get_string(user.bytes, "user"),
		   *db = doc_get_string(user.bytes, "db");
	tell(checks, "login", SIGN_GOOD, MSG_LOGIN_OF, name != NULL ? name : "?",
		db != NULL ? db : "?");
	if (privileges.type != VALUE_ARRAY ||
		preflight_missing_actions(
			privileges.bytes, mongo_database(mongo), &missing, &partly, &err) < 0)
		tell(checks, "privileges", SIGN_NONE, MSG_PRIVILEGES_NOT_TOLD);
	else if (missing.size > 0) {
		(void)err_set(&err, ERR_PREFLIGHT, "the login may not: %s", str_text(&missing));
		tell_of_server(checks, "privileges", &err, MSG_GRANT_IT);
	} else if (partly.size > 0)
		tell(checks, "privileges", SIGN_WARN, MSG_PRIVILEGES_PARTLY, str_text(&partly));
	else
		tell(checks, "privileges", SIGN_GOOD, MSG_PRIVILEGES_GOOD);
}

/* A bucket; of a folder is said all that there is without connecting. */
static void reach_object_store(struct site_checks *checks)
{
	CLEANUP(object_store_cleanup) struct object_store *store = NULL;
	struct err err;

	if (checks->site.s3.endpoint == NULL)
		return;
	if (object_store_open_there(&checks->site, &store, &err) < 0)
		tell_of_server(checks, "objectStore", &err, MSG_LOOK_AT_STORE);
	else
		tell(checks, "objectStore", SIGN_GOOD, MSG_BUCKET_LISTED);
}

static void connect_to(struct site_checks *checks)
{
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	struct mongo_server server;
	struct err err;

	mongo_library_begin();
	int rc = mongo_connect_within(
		checks->site.uri, checks->site.database, PATIENCE, &mongo, &err);
	if (rc == 0)
		rc = mongo_server(mongo, &server, &err);
	if (rc < 0) {
		tell_of_server(checks, "server", &err, MSG_NONE);
		return;
	}
	if (server.topology == TOPOLOGY_STANDALONE)
		tell(checks, "server", SIGN_WARN, MSG_SERVER_STANDALONE, server.version);
	else if (server.topology == TOPOLOGY_REPLICA_SET)
		tell(checks, "server", SIGN_GOOD, MSG_SERVER_REPLICA_SET, server.version,
			server.set_name);
	else
		tell(checks, "server", SIGN_GOOD, MSG_SERVER_SHARDED, server.version);
	check_login(checks, mongo);
}

/* ---- the command */

static void show_json(const struct site_checks *checks, const char *path)
{
	struct json_writer writer;

	json_write_begin(&writer, &checks->face->result);
	json_write_object(&writer);
	json_member_string(&writer, "site", path);
	json_member_bool(&writer, "good", checks->wrong == 0);
	json_member_array(&writer, "checks");
	for (size_t i = 0; i < checks->count; i++) {
		json_write_object(&writer);
		json_member_string(&writer, "name", checks->list[i].name);
		json_member_string(&writer, "outcome", outcome_name(checks->list[i].sign));
		json_member_string(&writer, "text", checks->list[i].text);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(&checks->face->result, '\n');
}

/* The site file's own names are the same in every language. */
static const char *check_name(const struct face *face, const char *name)
{
	static const enum message NAMES[] = {MSG_CHECK_FILE, MSG_CHECK_DATABASE,
		MSG_CHECK_TRUST_ROOT, MSG_CHECK_LOGIN, MSG_CHECK_PRIVILEGES, MSG_CHECK_SERVER};

	for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++)
		if (strcmp(message_text(NULL, NAMES[i]), name) == 0)
			return face_text(face, NAMES[i]);
	return name;
}

static void show_text(const struct site_checks *checks, const char *path)
{
	CLEANUP_STR struct str shown = STR_INIT;
	struct face *face = checks->face;
	struct str *out = &face->result;

	text_escape(&shown, bytes_of_string(path), 0);
	message_append(out, face->language, MSG_SITE_FILE_AT, str_text(&shown));
	str_append_char(out, '\n');
	for (size_t i = 0; i < checks->count; i++) {
		str_append_format(out, "%s ", face_sign(face, checks->list[i].sign));
		text_append_column(out, check_name(face, checks->list[i].name), NAME_COLUMNS);
		str_append_char(out, ' ');
		text_escape(out, bytes_of_string(checks->list[i].said), 0);
		str_append_char(out, '\n');
	}
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const struct site_check_values *given = values;
	const char *path = operand_count > 0		? operands[0]
			   : face->options.site != NULL ? face->options.site
							: SITE_DEFAULT_PATH;
	struct site_checks *checks = arena_alloc(&face->arena, sizeof *checks);

	if (checks == NULL)
		return err_no_memory(err);
	checks->face = face;
	checks->code = access(path, F_OK) != 0 && errno == ENOENT ? ERR_NO_SITE : ERR_SITE;
	int rc = site_check(path, face->options.state_dir, &face->arena, found_problem, checks,
		&checks->site, err);
	if (rc < 0)
		return rc;
	/* What could not be read at all names nothing. */
	if (checks->site.name != NULL || checks->site.database != NULL)
		check_named(checks);
	if (given->connect && checks->wrong > 0) {
		tell(checks, "server", SIGN_NONE, MSG_NOT_ASKED);
	} else if (given->connect) {
		connect_to(checks);
		reach_object_store(checks);
	}
	if (face->json)
		show_json(checks, path);
	else
		show_text(checks, path);
	face->result_tells = true;
	face->object = path;
	return checks->wrong == 0
		       ? 0
		       : err_set(err, checks->code, "%zu of %zu checks found something wrong: %s",
				 checks->wrong, checks->count,
				 checks->first != NULL ? checks->first : "out of memory");
}

const struct command command_site_check = {
	.name = "site check",
	.synopsis = "[FILE]",
	.summary = "everything that is wrong with a site file and what it names",
	.options = options,
	.values_size = sizeof(struct site_check_values),
	.operands_max = 1,
	.run = run,
};
