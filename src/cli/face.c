#include "cli/face.h"

#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/confine.h"
#include "base/file.h"
#include "base/version.h"
#include "engine/lock.h"
#include "json/failure.h"
#include "mongo/mongo.h"
#include "site/site.h"
#include "text/text.h"
#include "trust/store.h"

const char *face_sign(const struct face *face, enum face_sign sign)
{
	static const struct {
		const char *utf8, *ascii, *utf8_color, *ascii_color;
	} signs[] = {
		[SIGN_GOOD] = {"\342\234\223", "+", "\033[32m\342\234\223\033[0m",
			"\033[32m+\033[0m"},
		[SIGN_BAD] = {"\342\234\227", "x", "\033[31m\342\234\227\033[0m",
			"\033[31mx\033[0m"},
		[SIGN_WARN] = {"!", "!", "\033[33m!\033[0m", "\033[33m!\033[0m"},
		[SIGN_NONE] = {"-", "-", "-", "-"},
	};

	if (face->color)
		return face->utf8 ? signs[sign].utf8_color : signs[sign].ascii_color;
	return face->utf8 ? signs[sign].utf8 : signs[sign].ascii;
}

void face_append_fingerprint(struct str *out, const struct sha256 *digest, const char *indent)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	for (size_t i = 0; i < 8; i++)
		str_append_format(out, "%s%.8s%s", i % 4 == 0 ? indent : " ", hex + i * 8,
			i % 4 == 3 ? "\n" : "");
}

/* A log line has its time; the text may be several lines. */
static void write_log(struct face *face, const char *text)
{
	char time[RFC3339_SIZE];

	if (face->log == NULL)
		return;
	time_format(clock_now() / 1000 * 1000, time);
	while (*text != '\0') {
		int size = (int)strcspn(text, "\n");
		(void)fprintf(face->log, "%s %.*s\n", time, size, text);
		text += size + (text[size] == '\n');
	}
	(void)fflush(face->log);
}

static void say(struct face *face, const char *text)
{
	face_progress_end(face);
	(void)fputs(text, stderr);
	write_log(face, text);
}

void face_say(struct face *face, const struct str *text)
{
	CLEANUP_STR struct str line = STR_INIT;

	str_append(&line, str_text(text), strlen(str_text(text)));
	str_append_char(&line, '\n');
	say(face, str_text(&line));
}

void face_note(struct face *face, const char *format, ...)
{
	char text[ERR_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(text, sizeof text - 1, format, args);
	va_end(args);
	(void)strcat(text, "\n");
	say(face, text);
}

void face_count_documents(const struct face *face, uint64_t documents, uint64_t collections,
	struct str *ret_documents, struct str *ret_collections)
{
	message_append_count(ret_documents, face->language, (int64_t)documents, MSG_ONE_DOCUMENT,
		MSG_SOME_DOCUMENTS);
	message_append_count(ret_collections, face->language, (int64_t)collections,
		MSG_ONE_COLLECTION, MSG_SOME_COLLECTIONS);
}

void face_progress(struct face *face, const char *what, uint64_t done, uint64_t total)
{
	CLEANUP_STR struct str line = STR_INIT;

	progress_line_text(&face->progress, isatty(STDERR_FILENO) == 1, clock_boottime(), what,
		done, total, &line);
	(void)fputs(str_text(&line), stderr);
	(void)fflush(stderr);
}

void face_progress_end(struct face *face)
{
	(void)fputs(progress_line_erase(&face->progress), stderr);
}

void face_failure(struct face *face, const struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	if (err->code == ERR_CANCELLED) {
		if (!face->end_told)
			face_note(face, "%s", face_text(face, MSG_CANCELLED_LINE));
	} else if (!face->end_told) {
		failure_text(face->language, "offkit", face->object, err, &text);
		say(face, str_text(&text));
	}
	if (!face->json || face->result_tells)
		return;
	str_truncate(&text, 0);
	failure_json(face->object, err, &text);
	(void)fputs(str_text(&text), stdout);
}

/* What reads a kit before its signatures hold has no rights, as far as this kernel can take them.
 */
static void show_rights(struct str *out)
{
	struct confine_rights rights;

	confine_rights(&rights);
	str_append_text(out, "kits are decoded by a process without rights: ");
	str_append_text(out, rights.seccomp ? "seccomp" : "no seccomp here");
	if (rights.landlock > 0)
		str_append_format(out, ", Landlock ABI %d\n", rights.landlock);
	else
		str_append_text(out, ", no Landlock here\n");
}

void face_show_version(struct str *out)
{
	str_append_format(out, "offkit %s\n", version_text());
	if (trust_root_embedded_is_demo())
		str_append_format(out, "%s\n", message_text(NULL, MSG_DEMO_ROOT_PROGRAM));
	show_rights(out);
}

/* A site file that was named must be good; the usual one may be missing. */
static int state_path(struct face *face, const char **ret_path, struct err *err)
{
	struct site site;

	if (face->options.state_dir != NULL) {
		*ret_path = face->options.state_dir;
		return 0;
	}
	*ret_path = SITE_DEFAULT_STATE_DIR;
	if (face->options.site == NULL && access(SITE_DEFAULT_PATH, F_OK) != 0)
		return 0;
	int rc = site_load(face->options.site, NULL, &face->arena, &site, err);
	if (rc == 0)
		*ret_path = site.state_dir;
	return rc;
}

int face_open_state(struct face *face, int *ret_fd, struct err *err)
{
	const char *path = NULL;
	struct err opening;
	int rc = state_path(face, &path, err);

	if (rc < 0)
		return rc;
	rc = folder_open(path, ret_fd, &opening);
	if (rc == -ERR_NOT_FOUND) {
		*ret_fd = -1;
		return 0;
	}
	if (rc < 0) {
		/* What was installed here is part of the check: it is never skipped in silence. */
		*err = opening;
		(void)err_context(err, "the state folder");
		return err_recode(err, ERR_STATE_FOLDER);
	}
	return 0;
}

int face_state_failed(const char *path, struct err *err)
{
	if (err->code == ERR_LOCKED || err->code == ERR_NO_MEMORY)
		return -(int)err->code;
	(void)err_context(err, "the state folder %s", path);
	return err_recode(err, ERR_STATE_FOLDER);
}

int face_lock_state(
	struct face *face, const char *command, int *ret_fd, int *ret_lock_fd, struct err *err)
{
	CLEANUP_FD int fd = -1;
	const char *path = NULL;
	int lock_fd = -1;
	int rc = state_path(face, &path, err);

	if (rc < 0)
		return rc;
	if (folder_make(path, &fd, err) < 0 || lock_take(fd, command, &lock_fd, err) < 0)
		return face_state_failed(path, err);
	*ret_fd = fd;
	fd = -1;
	*ret_lock_fd = lock_fd;
	return 0;
}

int face_load_root(
	struct face *face, int state_dirfd, struct trust_root **ret_root, struct err *err)
{
	(void)face;
	return trust_store_load(state_dirfd, ret_root, err);
}

int face_check_root(const struct site *site, const struct trust_root *root, struct err *err)
{
	CLEANUP_STR struct str uri = STR_INIT;

	if (!trust_root_is_demo(root))
		return 0;
	if (strcmp(site->environment, "production") == 0)
		return err_set(err, ERR_TRUST_PERMISSION,
			"DEMO ROOT: keys that anybody has, and site %s is a production site",
			site->name);
	if (mongo_uri_is_loopback(site->uri))
		return 0;
	mongo_uri_redact(site->uri, &uri);
	int rc = str_check(&uri, err);
	if (rc < 0)
		return rc;
	return err_set(err, ERR_TRUST_PERMISSION,
		"DEMO ROOT: keys that anybody has, and the database is not on this machine: %s",
		str_text(&uri));
}
