#include "cli/stop.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/eventfd.h>
#include <unistd.h>

static volatile sig_atomic_t wanted, newest;
static volatile int event_fd = -1;

static void on_signal(int number)
{
	int errnum = errno;

	if (number != SIGHUP)
		wanted = number;
	newest = number;
	if (event_fd >= 0)
		(void)eventfd_write(event_fd, 1);
	errno = errnum;
}

static bool is_ignored(int number)
{
	struct sigaction action;

	return sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN;
}

static void watch(bool hangups)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	/* One of its own: a parent's would tell the parent's signals. */
	if (event_fd >= 0)
		(void)close(event_fd);
	event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	wanted = newest = 0;
	(void)sigemptyset(&action.sa_mask);
	(void)sigemptyset(&ignore.sa_mask);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGQUIT, &action, NULL);
	(void)sigaction(SIGHUP, hangups ? &action : &ignore, NULL);
	(void)sigaction(SIGPIPE, &ignore, NULL);
}

void stop_watch(void)
{
	watch(!is_ignored(SIGHUP));
}

int stop_watch_engine(void)
{
	watch(false);
	return event_fd;
}

bool stop_wanted(void)
{
	return wanted != 0;
}

int stop_take(void)
{
	eventfd_t count;

	if (event_fd >= 0)
		(void)eventfd_read(event_fd, &count);
	int number = newest;
	newest = 0;
	return number;
}

int stop_fd(void)
{
	return event_fd;
}
