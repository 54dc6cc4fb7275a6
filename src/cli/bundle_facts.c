/* The program, the machine and the site file, and what must not leave with them. */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/version.h"
#include "cli/bundle.h"
#include "site/s3.h"

enum { FACT_FILE_MAX = 64 * 1024, SECRET_SIZE_MIN = 6 };

extern char **environ;

/* ---- what is known to be a secret */

static const char *unescape_percent(struct arena *arena, struct bytes text)
{
	char *out = arena_string_n(arena, text.data, text.size);
	size_t size = 0;

	for (const char *at = out; at != NULL && *at != '\0'; at++) {
		unsigned octet;
		if (*at == '%' && isxdigit((unsigned char)at[1]) &&
			isxdigit((unsigned char)at[2]) && sscanf(at + 1, "%2x", &octet) == 1 &&
			octet != 0) {
			out[size++] = (char)octet;
			at += 2;
		} else {
			out[size++] = *at;
		}
	}
	if (out != NULL)
		out[size] = '\0';
	return out;
}

/* As it is, and as JSON writes it. */
static void know_secret(struct bundle *bundle, const char *secret)
{
	CLEANUP_STR struct str json = STR_INIT;
	struct json_writer writer;

	(void)redact_know(&bundle->redaction, secret, REDACTED);
	if (secret == NULL || strpbrk(secret, "\"\\/") == NULL)
		return;
	json_write_begin(&writer, &json);
	json_write_string(&writer, secret);
	if (json.size > 2)
		(void)redact_know(&bundle->redaction,
			arena_string_n(&bundle->face->arena, json.text + 1, json.size - 2),
			REDACTED);
}

static void know_hosts(struct bundle *bundle, struct bytes hosts)
{
	const char *text = (const char *)hosts.data;

	for (size_t begin = 0; begin < hosts.size;) {
		size_t end = begin;
		while (end < hosts.size && text[end] != ',')
			end++;
		size_t name_end = begin;
		while (name_end < end && text[name_end] != ':')
			name_end++;
		if (redact_know(&bundle->redaction,
			    arena_string_n(&bundle->face->arena, text + begin, name_end - begin),
			    arena_format(&bundle->face->arena, "host-%zu", bundle->host_count + 1)))
			bundle->host_count++;
		begin = end + 1;
	}
}

static void know_uri(struct bundle *bundle, const char *uri)
{
	struct arena *arena = &bundle->face->arena;
	struct bytes user, hosts;

	if (uri == NULL || !redact_uri_parts(bytes_of_string(uri), &user, &hosts))
		return;
	const char *colon = user.size > 0 ? memchr(user.data, ':', user.size) : NULL;
	if (colon != NULL) {
		size_t size = user.size - (size_t)(colon + 1 - (const char *)user.data);
		know_secret(bundle, arena_string_n(arena, colon + 1, size));
		know_secret(bundle, unescape_percent(arena, bytes_make(colon + 1, size)));
	}
	if (bundle->redaction.hosts)
		know_hosts(bundle, hosts);
}

static void know_uri_file(struct bundle *bundle, const struct json *object)
{
	const struct json *path = json_member(object, "uriFile");
	const char *uri = NULL;
	struct err ignored;

	if (path != NULL && json_type(path) == JSON_STRING &&
		site_read_uri_file(json_string(path), &bundle->face->arena, &uri, &ignored) == 0)
		know_uri(bundle, uri);
}

/* The keys of a bucket, and where it is. */
static void know_bucket(struct bundle *bundle, const struct json *store)
{
	struct site_s3 s3;
	struct site_s3_keys keys;
	struct err ignored;

	if (store == NULL || json_type(store) != JSON_OBJECT ||
		site_s3_read(store, &bundle->face->arena, &s3, &ignored) < 0)
		return;
	know_uri(bundle, s3.endpoint);
	if (site_s3_keys(&s3, &bundle->face->arena, &keys, &ignored) < 0)
		return;
	know_secret(bundle, keys.access_key);
	know_secret(bundle, keys.secret_key);
	know_secret(bundle, keys.session_token);
}

/* Values of variables whose name says that they are secret. */
static void know_environment(struct bundle *bundle)
{
	for (char **at = environ; *at != NULL; at++) {
		const char *value = strchr(*at, '=');
		if (value == NULL || strlen(value + 1) < SECRET_SIZE_MIN)
			continue;
		const char *name = arena_string_n(&bundle->face->arena, *at, (size_t)(value - *at));
		if (name == NULL)
			continue;
		if (redact_is_secret_name(name))
			know_secret(bundle, value + 1);
		if (strcmp(name, "OFFKIT_MONGODB_URI") == 0)
			know_uri(bundle, value + 1);
	}
}

static int read_site(struct bundle *bundle, struct json_doc **ret_doc, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	const char *path = bundle->face->options.site;
	int rc = file_read_path(path != NULL ? path : SITE_DEFAULT_PATH, SITE_SIZE_MAX, &text, err);

	return rc < 0 ? rc : json_parse(str_bytes(&text), JSON_LIMITS(SITE_SIZE_MAX), ret_doc, err);
}

void bundle_learn(struct bundle *bundle)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct utsname machine;
	struct err ignored;

	know_environment(bundle);
	if (bundle->redaction.hosts && uname(&machine) == 0)
		(void)redact_know(&bundle->redaction,
			arena_string(&bundle->face->arena, machine.nodename), "this-host");
	if (read_site(bundle, &doc, &ignored) < 0)
		return;
	const struct json *database = json_member(json_root(doc), "database");
	const struct json *uri = json_member(database, "uri");
	if (uri != NULL && json_type(uri) == JSON_STRING)
		know_uri(bundle, arena_string(&bundle->face->arena, json_string(uri)));
	know_uri_file(bundle, database);
	know_uri_file(bundle, json_member(json_root(doc), "rehearsal"));
	know_bucket(bundle, json_member(json_root(doc), "objectStore"));
}

/* ---- the site file */

int bundle_assume_state(struct bundle *bundle, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct face *face = bundle->face;
	struct site site;
	struct err trouble, unreadable;
	const char *path = SITE_DEFAULT_STATE_DIR;

	if (face->options.state_dir != NULL ||
		site_load(face->options.site, NULL, &face->arena, &site, &trouble) == 0)
		return 0;
	int rc = read_site(bundle, &doc, &unreadable);
	/* There is none, and none was named: as every command takes it. */
	if (rc == -ERR_NOT_FOUND && face->options.site == NULL)
		return 0;
	const struct json *named = rc == 0 ? json_member(json_root(doc), "stateDir") : NULL;
	if (named != NULL && json_type(named) == JSON_STRING && json_string(named)[0] == '/')
		path = json_string(named);
	bundle->assumed_state = arena_string(&face->arena, path);
	if (bundle->assumed_state == NULL)
		return err_no_memory(err);
	face->options.state_dir = bundle->assumed_state;
	face_note(face, "the site file is no good, so the state folder is taken to be %s%s",
		bundle->assumed_state,
		rc == 0 ? ""
			: ": --state-dir names another; the passwords in the site file are not "
			  "known, "
			  "and taken out only where they look like some");
	return 0;
}

/* Comments, and what a hook is called with, may say anything. */
static void write_site(struct json_writer *writer, const struct json *value, const char *name)
{
	bool first = true;

	switch (json_type(value)) {
	case JSON_OBJECT:
		json_write_object(writer);
		for (const struct json *at = json_first(value); at != NULL; at = json_next(at)) {
			json_write_name(writer, json_name(at));
			write_site(writer, at, json_name(at));
		}
		json_write_end(writer);
		return;
	case JSON_ARRAY:
		json_write_array(writer);
		for (const struct json *at = json_first(value); at != NULL; at = json_next(at)) {
			if (!first && strcmp(name, "argv") == 0)
				json_write_string(writer, REDACTED);
			else
				write_site(writer, at, name);
			first = false;
		}
		json_write_end(writer);
		return;
	case JSON_STRING:
		json_write_string(writer, name[0] == '_' ? REDACTED : json_string(value));
		return;
	case JSON_NULL:
	case JSON_BOOL:
	case JSON_NUMBER:
		json_write_value(writer, value);
	}
}

static int add_site(struct bundle *bundle, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;
	struct err trouble;

	if (read_site(bundle, &doc, &trouble) < 0)
		return bundle_leave_out(bundle, "site.json", 0, trouble.message, err);
	json_write_begin(&writer, &text);
	write_site(&writer, json_root(doc), "");
	str_append_char(&text, '\n');
	int rc = str_check(&text, err);
	return rc < 0 ? rc : bundle_add(bundle, "site.json", str_bytes(&text), err);
}

/* ---- the machine */

/* Of lines "NAME<separator>VALUE" the first value of a name. */
static const char *value_of(struct arena *arena, const char *text, const char *name)
{
	size_t size = strlen(name);

	for (const char *line = text; line != NULL && *line != '\0';) {
		const char *feed = strchr(line, '\n');
		size_t line_size = feed == NULL ? strlen(line) : (size_t)(feed - line);
		if (strncmp(line, name, size) == 0 && strchr("\t :=", line[size]) != NULL) {
			size_t begin = size + strspn(line + size, "\t :=\"");
			while (line_size > begin && line[line_size - 1] == '"')
				line_size--;
			const char *value = arena_string_n(arena, line + begin, line_size - begin);
			return value != NULL ? value : "";
		}
		line = feed == NULL ? NULL : feed + 1;
	}
	return "";
}

static void write_file_facts(struct bundle *bundle, struct json_writer *writer, const char *path,
	const char *const (*facts)[2])
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char buffer[4096];
	ssize_t got;

	while (fd >= 0 && text.size < FACT_FILE_MAX && (got = read(fd, buffer, sizeof buffer)) > 0)
		str_append(&text, buffer, (size_t)got);
	for (; (*facts)[0] != NULL; facts++)
		json_member_string(writer, (*facts)[0],
			value_of(&bundle->face->arena, str_text(&text), (*facts)[1]));
}

static void write_machine(struct bundle *bundle, struct json_writer *writer)
{
	static const char *const CPU[][2] = {{"cpu", "model name"}, {NULL, NULL}};
	static const char *const MEMORY[][2] = {
		{"memory", "MemTotal"}, {"swap", "SwapTotal"}, {NULL, NULL}};
	static const char *const OS[][2] = {{"os", "PRETTY_NAME"}, {NULL, NULL}};
	struct utsname machine;

	json_member_object(writer, "machine");
	if (uname(&machine) == 0) {
		json_member_string(writer, "kernel", machine.release);
		json_member_string(writer, "kernelVersion", machine.version);
		json_member_string(writer, "architecture", machine.machine);
		json_member_string(writer, "nodename", machine.nodename);
	}
	json_member_integer(writer, "cores", sysconf(_SC_NPROCESSORS_ONLN));
	write_file_facts(bundle, writer, "/proc/cpuinfo", CPU);
	write_file_facts(bundle, writer, "/proc/meminfo", MEMORY);
	write_file_facts(bundle, writer, "/etc/os-release", OS);
	json_member_integer(writer, "user", (int64_t)geteuid());
	json_write_end(writer);
}

static void write_folder(struct json_writer *writer, const char *what, const char *path)
{
	CLEANUP_FD int fd = -1;
	uint64_t octets;
	struct err trouble;

	json_member_object(writer, what);
	json_member_string(writer, "path", path);
	if (folder_open(path, &fd, &trouble) < 0 || free_space(fd, &octets, &trouble) < 0)
		json_member_string(writer, "error", trouble.message);
	else
		json_member_number(writer, "freeMebibytes", (double)(octets >> 20));
	json_write_end(writer);
}

static void write_folders(struct bundle *bundle, struct json_writer *writer)
{
	struct site site;
	struct err trouble;

	if (site_load(bundle->face->options.site, bundle->face->options.state_dir,
		    &bundle->face->arena, &site, &trouble) < 0) {
		json_member_string(writer, "site", trouble.message);
		if (bundle->assumed_state != NULL)
			json_member_string(writer, "assumedState", bundle->assumed_state);
		return;
	}
	json_member_object(writer, "folders");
	write_folder(writer, "state", site.state_dir);
	write_folder(writer, "backup", site.backup_dir);
	json_write_end(writer);
}

/* Which variables are set decides much; what they say is the site's. */
static void write_environment(struct json_writer *writer)
{
	static const char *const NAMES[] = {"OFFKIT_MONGODB_URI", "OFFKIT_LANG", "NO_COLOR",
		"PAGER", "TERM", "LANG", "LC_ALL", "SSL_CERT_FILE", "HTTPS_PROXY", "https_proxy"};

	json_member_array(writer, "environment");
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++)
		if (getenv(NAMES[i]) != NULL)
			json_write_string(writer, NAMES[i]);
	json_write_end(writer);
}

static void write_root(struct bundle *bundle, int state_dirfd, struct json_writer *writer)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	char hex[SHA256_HEX_SIZE];
	struct err trouble;

	json_member_object(writer, "trustRoot");
	if (face_load_root(bundle->face, state_dirfd, &root, &trouble) < 0) {
		json_member_string(writer, "error", trouble.message);
	} else {
		json_member_integer(writer, "version", trust_root_version(root));
		json_member_time(writer, "expires", trust_root_expires(root));
		sha256_to_hex(trust_root_digest(root), hex);
		json_member_string(writer, "digest", hex);
		json_member_bool(writer, "demo", trust_root_is_demo(root));
	}
	json_write_end(writer);
}

int bundle_add_facts(struct bundle *bundle, int state_dirfd, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP_STR struct str version = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	json_member_string(&writer, "offkit", version_text());
	json_member_time(&writer, "commit", version_commit_time());
	write_root(bundle, state_dirfd, &writer);
	write_machine(bundle, &writer);
	write_folders(bundle, &writer);
	write_environment(&writer);
	json_write_end(&writer);
	str_append_char(&text, '\n');
	face_show_version(&version);
	int rc = str_check(&text, err);
	if (rc == 0)
		rc = str_check(&version, err);
	if (rc == 0)
		rc = bundle_add(bundle, "facts.json", str_bytes(&text), err);
	if (rc == 0)
		rc = bundle_add(bundle, "version.txt", str_bytes(&version), err);
	return rc < 0 ? rc : add_site(bundle, err);
}
