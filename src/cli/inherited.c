#include "cli/inherited.h"

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

enum { NOTED_MAX = 1024 };

static bool noted[NOTED_MAX];

void inherited_note(void)
{
	for (int fd = STDERR_FILENO + 1; fd < NOTED_MAX; fd++)
		noted[fd] = fcntl(fd, F_GETFD) >= 0;
}

void inherited_close(void)
{
	for (int fd = STDERR_FILENO + 1; fd < NOTED_MAX; fd++)
		if (noted[fd])
			(void)close(fd);
}
