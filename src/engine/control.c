#include "engine/control.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/cleanup.h"

enum { BACKLOG = 8, CONNECT_PATIENCE = 2 /* s */ };

/* A folder of /proc/self/fd is the folder itself, whatever its own path is. */
static void make_address(int state_dirfd, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	(void)snprintf(address->sun_path, sizeof address->sun_path, "/proc/self/fd/%d/%s",
		state_dirfd, CONTROL_NAME);
}

static int failed(struct err *err, const char *what)
{
	return err_set_errno(err, ERR_STATE_FOLDER, errno, "the socket %s: %s", CONTROL_NAME, what);
}

static bool ask_kernel(int fd, uid_t *ret_peer)
{
	struct ucred peer;
	socklen_t size = sizeof peer;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || size != sizeof peer)
		return false;
	*ret_peer = peer.uid;
	return true;
}

/* A user's engine is the user's and root's. */
static bool may_come(int fd)
{
	uid_t peer;

	return ask_kernel(fd, &peer) && (peer == geteuid() || peer == 0);
}

/* Root may look at everybody's. */
static bool may_be_trusted(int fd)
{
	uid_t peer;

	return ask_kernel(fd, &peer) && (peer == geteuid() || peer == 0 || geteuid() == 0);
}

/* What stands there must be a socket: nobody else's file is removed. */
static int remove_stale(int state_dirfd, struct err *err)
{
	struct stat st;

	if (fstatat(state_dirfd, CONTROL_NAME, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0 : failed(err, "stat");
	if (!S_ISSOCK(st.st_mode))
		return err_set(err, ERR_STATE_FOLDER, "%s is no socket", CONTROL_NAME);
	return unlinkat(state_dirfd, CONTROL_NAME, 0) == 0 ? 0 : failed(err, "unlink");
}

int control_listen(int state_dirfd, int *ret_fd, struct err *err)
{
	struct sockaddr_un address;
	struct stat st;
	CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return failed(err, "socket");
	int rc = remove_stale(state_dirfd, err);
	if (rc < 0)
		return rc;
	make_address(state_dirfd, &address);
	/* Linux gives the name the mode that the socket has when it is bound (less the umask). */
	if (fchmod(fd, 0600) != 0)
		return failed(err, "fchmod");
	if (bind(fd, (const struct sockaddr *)&address, sizeof address) != 0)
		return failed(err, "bind");
	if (fstatat(state_dirfd, CONTROL_NAME, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return failed(err, "stat");
	if ((st.st_mode & (S_IRWXG | S_IRWXO)) != 0) {
		control_remove(state_dirfd);
		return err_set(err, ERR_STATE_FOLDER, "the socket %s would be open to others",
			CONTROL_NAME);
	}
	/* Before it listens nobody could have connected. */
	if (listen(fd, BACKLOG) != 0)
		return failed(err, "listen");
	*ret_fd = steal_fd(&fd);
	return 0;
}

int control_accept(int listen_fd, int *ret_fd)
{
	int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return 0;
	if (!may_come(fd)) {
		(void)close(fd);
		return 0;
	}
	*ret_fd = fd;
	return 1;
}

void control_remove(int state_dirfd)
{
	(void)unlinkat(state_dirfd, CONTROL_NAME, 0);
}

int control_connect(int state_dirfd, int *ret_fd, struct err *err)
{
	static const struct timeval patience = {.tv_sec = CONNECT_PATIENCE}, forever;
	struct sockaddr_un address;
	CLEANUP_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return failed(err, "socket");
	make_address(state_dirfd, &address);
	/* A stopped engine takes nobody in, and the kernel lets only so many wait. */
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0)
		return failed(err, "setsockopt");
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
		if (errno == ENOENT || errno == ECONNREFUSED)
			return err_set(err, ERR_NOT_FOUND, "no engine listens in the state folder");
		if (errno == EAGAIN)
			return err_set(err, ERR_STATE_FOLDER,
				"the socket %s: the engine takes nobody in; its process may be "
				"stopped",
				CONTROL_NAME);
		return failed(err, "connect");
	}
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &forever, sizeof forever) != 0)
		return failed(err, "setsockopt");
	if (!may_be_trusted(fd))
		return err_set(err, ERR_STATE_FOLDER, "the socket %s belongs to somebody else",
			CONTROL_NAME);
	*ret_fd = steal_fd(&fd);
	return 0;
}
