/* notify_listen SOCKET: what a service manager would hear at that path (@NAME: abstract), a line
 * each, until SIGTERM: what was sent before that is still told. */
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static void tell_all(int fd)
{
	char text[4096];
	ssize_t got;

	while ((got = recv(fd, text, sizeof text - 1, MSG_DONTWAIT)) >= 0) {
		text[got] = '\0';
		(void)puts(text);
	}
	(void)fflush(stdout);
}

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	const struct sigaction action = {.sa_handler = end};
	sigset_t blocked, before;

	size_t size = argc == 2 ? strlen(argv[1]) : 0;
	if (size == 0 || size >= sizeof address.sun_path)
		return 64;
	memcpy(address.sun_path, argv[1], size);
	if (argv[1][0] == '@')
		address.sun_path[0] = '\0';
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (const struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size)) != 0)
		return 1;
	/* Only while it waits. */
	(void)sigemptyset(&blocked);
	(void)sigaddset(&blocked, SIGTERM);
	if (sigprocmask(SIG_BLOCK, &blocked, &before) != 0 ||
		sigaction(SIGTERM, &action, NULL) != 0)
		return 1;
	(void)puts("listening");
	(void)fflush(stdout);
	while (!ended) {
		(void)ppoll(&(struct pollfd){.fd = fd, .events = POLLIN}, 1, NULL, &before);
		tell_all(fd);
	}
	return 0;
}
