#include "cli/stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t wanted, taken;

static void on_signal(int number)
{
	wanted = number;
	taken = 0;
}

void stop_watch(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGQUIT, &action, NULL);
	(void)sigemptyset(&ignore.sa_mask);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGHUP, &ignore, NULL);
}

bool stop_wanted(void)
{
	return wanted != 0;
}

int stop_take(void)
{
	int number = taken == 0 ? wanted : 0;

	taken = 1;
	return number;
}
