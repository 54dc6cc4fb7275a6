#include "engine/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "json/json_write.h"

static const char NAME[] = "lock";

enum {
	HOLDER_SIZE_MAX = 4096,
	DYING_PATIENCE = 2000, /* ms that a dying holder is given */
	DYING_LOOK = 10,       /* ms between two tries */
};

struct holder {
	int64_t pid; /* 0: not known */
	const char *command, *host, *since;
	struct json_doc *doc;
};

/* For the message and for patience: whatever cannot be read is left out. */
static void read_holder(int state_dirfd, struct holder *holder)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct err ignored;

	*holder = (struct holder){
		.command = "offkit", .host = "an unknown host", .since = "an unknown time"};
	if (file_read_at(state_dirfd, NAME, HOLDER_SIZE_MAX, &text, &ignored) < 0 ||
		json_parse(str_bytes(&text), JSON_LIMITS(HOLDER_SIZE_MAX), &holder->doc, &ignored) <
			0)
		return;
	const struct json *root = json_root(holder->doc);
	if (json_optional_integer(root, "pid", 0, INT32_MAX, &holder->pid, &ignored) < 0 ||
		json_optional_string(root, "command", 64, &holder->command, &ignored) < 0 ||
		json_optional_string(root, "host", 256, &holder->host, &ignored) < 0 ||
		json_optional_string(root, "since", 64, &holder->since, &ignored) < 0)
		holder->pid = 0;
}

static int locked(int state_dirfd, struct err *err)
{
	struct holder holder;

	read_holder(state_dirfd, &holder);
	int rc = err_set(err, ERR_LOCKED, "offkit %s, process %lld on %s, since %s", holder.command,
		(long long)holder.pid, holder.host, holder.since);
	json_release(holder.doc);
	return rc;
}

/*
 * /proc/PID/stat: its state, the kernel's flag of a process that is being taken apart, and the
 * signals that are on their way to it (proc_pid_stat(5), fields 3, 9 and 31).
 */
static bool is_dying(int64_t pid)
{
	enum { FLAG_EXITING = 0x4, SKIPPED = 21 };
	CLEANUP_STR struct str text = STR_INIT;
	struct err ignored;
	unsigned flags = 0;
	char path[48], state = '?';
	int size = 0;

	(void)snprintf(path, sizeof path, "/proc/%lld/stat", (long long)pid);
	if (file_read_path(path, HOLDER_SIZE_MAX, &text, &ignored) < 0)
		return ignored.code == ERR_NOT_FOUND;
	const char *rest = strrchr(str_text(&text), ')'); /* its name may have blanks */
	if (rest == NULL ||
		sscanf(rest, ") %c %*d %*d %*d %*d %*d %u%n", &state, &flags, &size) < 2)
		return false;
	rest += size;
	for (int i = 0; i < SKIPPED && rest != NULL; i++)
		rest = strchr(rest + 1, ' ');
	unsigned long pending = rest == NULL ? 0 : strtoul(rest, NULL, 10);
	return state == 'Z' || state == 'X' || (flags & FLAG_EXITING) != 0 ||
	       (pending & 1UL << (SIGKILL - 1)) != 0;
}

/* A process that was killed keeps the lock until the kernel has taken it apart. */
static bool holder_is_dying(int state_dirfd)
{
	struct holder holder;
	struct utsname host;

	read_holder(state_dirfd, &holder);
	bool here = holder.pid > 0 && uname(&host) == 0 && strcmp(host.nodename, holder.host) == 0;
	bool dying = here && is_dying(holder.pid);
	json_release(holder.doc);
	return dying;
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

static int take(int fd, int state_dirfd, struct err *err)
{
	const int64_t begun = clock_boottime();

	while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
		if (errno != EWOULDBLOCK)
			return err_set_errno(err, ERR_STATE_FOLDER, errno, "%s", NAME);
		if (!holder_is_dying(state_dirfd) || clock_boottime() - begun >= DYING_PATIENCE)
			return locked(state_dirfd, err);
		(void)nanosleep(&(const struct timespec){.tv_nsec = DYING_LOOK * 1000000L}, NULL);
	}
	return 0;
}

int lock_take(int state_dirfd, const char *command, int *ret_fd, struct err *err)
{
	CLEANUP_FD int fd =
		openat(state_dirfd, NAME, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, (mode_t)0600);

	if (fd < 0)
		return err_set_errno(err, ERR_STATE_FOLDER, errno, "%s", NAME);
	int rc = take(fd, state_dirfd, err);
	if (rc < 0)
		return rc;
	rc = lock_describe(fd, command, err);
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
