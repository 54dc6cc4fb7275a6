#include "engine/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "json/json_write.h"

static const char NAME[] = "lock";

enum { HOLDER_SIZE_MAX = 4096 };

static int locked(int state_dirfd, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const char *command = "offkit", *host = "an unknown host", *since = "an unknown time";
	int64_t pid = 0;
	struct err ignored;

	/* The holder is for the message only: whatever cannot be read is left out. */
	if (file_read_at(state_dirfd, NAME, HOLDER_SIZE_MAX, &text, &ignored) == 0 &&
		json_parse(str_bytes(&text), JSON_LIMITS(HOLDER_SIZE_MAX), &doc, &ignored) == 0) {
		const struct json *root = json_root(doc);
		if (json_optional_integer(root, "pid", 0, INT32_MAX, &pid, &ignored) < 0 ||
			json_optional_string(root, "command", 64, &command, &ignored) < 0 ||
			json_optional_string(root, "host", 256, &host, &ignored) < 0 ||
			json_optional_string(root, "since", 64, &since, &ignored) < 0)
			pid = 0;
	}
	return err_set(err, ERR_LOCKED, "offkit %s, process %lld on %s, since %s", command,
		(long long)pid, host, since);
}

int lock_describe(int lock_fd, const char *command, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;
	struct utsname host;

	if (uname(&host) != 0)
		return err_set_errno(err, ERR_INTERNAL, errno, "uname");
	json_write_begin(&writer, &text);
	json_write_object(&writer);
	json_member_integer(&writer, "pid", getpid());
	json_member_string(&writer, "host", host.nodename);
	json_member_string(&writer, "command", command);
	json_member_time(&writer, "since", clock_now());
	json_write_end(&writer);
	str_append_char(&text, '\n');
	int rc = str_check(&text, err);
	if (rc < 0)
		return rc;
	if (ftruncate(lock_fd, 0) != 0 || lseek(lock_fd, 0, SEEK_SET) < 0)
		return err_set_errno(err, ERR_STATE_FOLDER, errno, "%s", NAME);
	rc = fd_write_all(lock_fd, str_bytes(&text), err);
	if (rc < 0) {
		err_recode(err, ERR_STATE_FOLDER);
		return err_context(err, "%s", NAME);
	}
	return 0;
}

int lock_take(int state_dirfd, const char *command, int *ret_fd, struct err *err)
{
	CLEANUP_FD int fd =
		openat(state_dirfd, NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, (mode_t)0600);

	if (fd < 0)
		return err_set_errno(err, ERR_STATE_FOLDER, errno, "%s", NAME);
	if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno == EWOULDBLOCK)
			return locked(state_dirfd, err);
		return err_set_errno(err, ERR_STATE_FOLDER, errno, "%s", NAME);
	}
	int rc = lock_describe(fd, command, err);
	if (rc < 0)
		return rc;
	*ret_fd = steal_fd(&fd);
	return 0;
}

int lock_look(int state_dirfd, struct err *err)
{
	CLEANUP_FD int fd = openat(state_dirfd, NAME, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);

	if (fd < 0)
		return errno == ENOENT ? 0
				       : err_set_errno(err, ERR_STATE_FOLDER, errno, "%s", NAME);
	/* Shared, so that two who look do not see each other. */
	if (flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK)
		return locked(state_dirfd, err);
	return 0;
}
