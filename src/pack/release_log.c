#include "pack/release_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"
#include "json/json.h"
#include "kit/manifest.h"

static int read_digest(
	const struct json *object, const char *name, struct sha256 *ret_digest, struct err *err)
{
	const char *hex;
	int rc = json_need_string(object, name, SHA256_HEX_SIZE - 1, &hex, err);

	if (rc == 0 && !sha256_from_hex(bytes_of_string(hex), ret_digest))
		rc = err_set(err, ERR_SYNTAX, "\"%s\" is no SHA-256", name);
	return rc;
}

static int read_release(
	struct release_log *log, const struct json *root, struct release *release, struct err *err)
{
	const struct json *kit;
	int rc = json_need(root, "kit", JSON_OBJECT, &kit, err);

	if (rc == 0)
		rc = json_need_string(kit, "name", MANIFEST_NAME_MAX, &release->name, err);
	if (rc == 0)
		rc = json_need_string(kit, "version", MANIFEST_VERSION_MAX, &release->version, err);
	if (rc == 0)
		rc = json_need_integer(
			kit, "sequence", 1, MANIFEST_SEQUENCE_MAX, &release->sequence, err);
	if (rc == 0)
		rc = read_digest(kit, "manifestDigest", &release->manifest, err);
	if (rc == 0)
		rc = json_need_string(root, "place", RELEASE_PLACE_MAX, &release->place, err);
	if (rc < 0)
		return rc;
	release->name = arena_string(&log->arena, release->name);
	release->version = arena_string(&log->arena, release->version);
	release->place = arena_string(&log->arena, release->place);
	return release->name == NULL || release->version == NULL || release->place == NULL
		       ? err_no_memory(err)
		       : 0;
}

static int add(struct release_log *log, const struct release *release, struct err *err)
{
	if (log->count == log->room) {
		size_t room = log->room * 2 + 16;
		struct release *grown = realloc(log->releases, room * sizeof *grown);
		if (grown == NULL)
			return err_no_memory(err);
		log->releases = grown;
		log->room = room;
	}
	log->releases[log->count++] = *release;
	return 0;
}

static int read_line(struct release_log *log, struct bytes line, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct release release;
	struct sha256 previous;
	int rc = json_parse(line, JSON_LIMITS_OWN(RELEASE_LINE_SIZE_MAX), &doc, err);

	if (rc == 0)
		rc = read_digest(json_root(doc), "previous", &previous, err);
	if (rc == 0 && !sha256_equal(&previous, &log->last))
		rc = err_set(err, ERR_JOURNAL, "it does not follow the line before");
	if (rc == 0)
		rc = read_release(log, json_root(doc), &release, err);
	if (rc == 0)
		rc = add(log, &release, err);
	return rc < 0 ? rc : sha256_of(line, &log->last, err);
}

static int read_lines(struct release_log *log, struct bytes text, struct err *err)
{
	size_t begin = 0;

	while (begin < text.size) {
		const uint8_t *at = text.data + begin;
		const uint8_t *end = memchr(at, '\n', text.size - begin);
		size_t size = end == NULL ? 0 : (size_t)(end - at);
		int rc = end == NULL ? err_set(err, ERR_JOURNAL,
					       "it is cut off, and so records nothing: "
					       "take it out and publish again")
				     : read_line(log, bytes_make(at, size), err);
		if (rc < 0) {
			if (rc != -ERR_NO_MEMORY)
				(void)err_recode(err, ERR_JOURNAL);
			return err_context(err, "line %zu", log->count + 1);
		}
		begin += size + 1;
	}
	return 0;
}

int release_log_open(const char *path, struct release_log *log, struct err *err)
{
	CLEANUP_FD int dirfd = -1;
	CLEANUP_STR struct str name = STR_INIT, text = STR_INIT;
	int rc = place_open(path, &dirfd, &name, err);

	if (rc < 0)
		return rc;
	log->fd = openat(dirfd, str_text(&name),
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0644);
	if (log->fd < 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", path);
	if (flock(log->fd, LOCK_EX | LOCK_NB) != 0)
		return err_set(err, ERR_LOCKED, "%s: another offkit-pack writes into it", path);
	rc = folder_sync(dirfd, err);
	if (rc == 0)
		rc = file_read_at(dirfd, str_text(&name), RELEASE_LOG_SIZE_MAX, &text, err);
	if (rc == 0)
		rc = read_lines(log, str_bytes(&text), err);
	return rc < 0 ? err_context(err, "%s", path) : 0;
}

void release_log_release(struct release_log *log)
{
	cleanup_close(&log->fd);
	free(log->releases);
	arena_release(&log->arena);
	*log = RELEASE_LOG_INIT;
}

int release_log_check(const struct release_log *log, const struct release *release, struct err *err)
{
	if (strlen(release->place) > RELEASE_PLACE_MAX)
		return err_set(err, ERR_USAGE,
			"the path of the release is longer than %d octets: give a shorter --to",
			RELEASE_PLACE_MAX);
	for (size_t i = 0; i < log->count; i++) {
		const struct release *before = &log->releases[i];
		if (strcmp(before->name, release->name) != 0)
			continue;
		bool is_same = sha256_equal(&before->manifest, &release->manifest);
		if (is_same && strcmp(before->place, release->place) != 0)
			continue;
		if (is_same)
			return err_set(err, ERR_USAGE, "%s %s was published to %s already",
				release->name, release->version, release->place);
		if (strcmp(before->version, release->version) == 0)
			return err_set(err, ERR_USAGE,
				"another %s %s was published already: make a new version",
				release->name, release->version);
		if (before->sequence >= release->sequence)
			return err_set(err, ERR_USAGE,
				"%s %s has sequence %lld, and %s with sequence %lld was published: "
				"no site that has that takes this",
				release->name, release->version, (long long)release->sequence,
				before->version, (long long)before->sequence);
	}
	return 0;
}

/* A line that nobody could read again would stop every publication after it. */
static int check_readable(struct release_log *log, off_t end, struct bytes line, struct err *err)
{
	if (end < 0)
		return err_set_errno(err, ERR_DISK, errno, "its end");
	if (line.size >= (size_t)(RELEASE_LOG_SIZE_MAX - end))
		return err_set(err, ERR_USAGE,
			"it would be larger than %d octets: give another --log",
			RELEASE_LOG_SIZE_MAX);
	int rc = read_line(log, line, err);
	return rc == 0 || rc == -ERR_NO_MEMORY ? rc : err_recode(err, ERR_USAGE);
}

int release_log_append(struct release_log *log, struct bytes line, struct err *err)
{
	CLEANUP_STR struct str whole = STR_INIT;
	off_t end = lseek(log->fd, 0, SEEK_END);

	str_append(&whole, line.data, line.size);
	str_append_char(&whole, '\n');
	int rc = str_check(&whole, err);
	if (rc == 0)
		rc = check_readable(log, end, line, err);
	if (rc < 0)
		return err_context(err, "the release log");
	rc = fd_write_all(log->fd, str_bytes(&whole), err);
	if (rc == 0 && fsync(log->fd) != 0)
		rc = err_set_errno(err, ERR_DISK, errno, "fsync");
	/* Half a line would stop whoever publishes next. */
	if (rc < 0)
		(void)!ftruncate(log->fd, end);
	return rc < 0 ? err_context(err, "the release log") : 0;
}
