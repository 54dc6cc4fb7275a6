#include "cli/stop.h"

#include <signal.h>
#include <stddef.h>

static volatile sig_atomic_t wanted, taken;

static void on_signal(int number)
{
	(void)number;
	wanted = 1;
	taken = 0;
}

void stop_watch(void)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	(void)sigemptyset(&action.sa_mask);
	(void)sigaction(SIGINT, &action, NULL);
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigemptyset(&ignore.sa_mask);
	(void)sigaction(SIGPIPE, &ignore, NULL);
	(void)sigaction(SIGHUP, &ignore, NULL);
}

bool stop_wanted(void)
{
	return wanted != 0;
}

bool stop_take(void)
{
	bool is_new = wanted != 0 && taken == 0;

	taken = 1;
	return is_new;
}
