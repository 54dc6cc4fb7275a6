/* notify_listen SOCKET: what a service manager would hear at that path (@NAME: abstract), a line
 * each, until it is killed. */
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

int main(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char text[4096];
	ssize_t got;

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
	(void)puts("listening");
	(void)fflush(stdout);
	while ((got = recv(fd, text, sizeof text - 1, 0)) >= 0) {
		text[got] = '\0';
		(void)puts(text);
		(void)fflush(stdout);
	}
	return 1;
}
