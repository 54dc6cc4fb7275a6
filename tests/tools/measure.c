/*
 * measure: runs a command and prints what it took: wall and processor seconds of it and all its
 * children, and the peak of the memory that all of them had resident at one time, in MiB. Pages
 *that two of them share count twice. Ends as the command ends.
 *
 *	measure RESULT COMMAND...
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { SAMPLE_EVERY = 5 /* ms */ };

static double seconds(struct timeval time)
{
	return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

static double now(void)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static size_t read_text(const char *path, char *text, size_t room)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = fd >= 0 ? read(fd, text, room - 1) : -1;

	if (fd >= 0)
		(void)close(fd);
	text[got > 0 ? got : 0] = '\0';
	return got > 0 ? (size_t)got : 0;
}

/* KiB resident of a process and of all that it has started. */
static long resident(long pid, int depth)
{
	char path[64], text[1024];
	long kib = 0;

	(void)snprintf(path, sizeof path, "/proc/%ld/smaps_rollup", pid);
	if (read_text(path, text, sizeof text) > 0) {
		const char *pss = strstr(text, "\nPss:");
		kib = pss != NULL ? strtol(pss + 5, NULL, 10) : 0;
	}
	(void)snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", pid, pid);
	if (depth == 8 || read_text(path, text, sizeof text) == 0)
		return kib;
	for (char *at = text, *end; *at != '\0'; at = end) {
		long child = strtol(at, &end, 10);
		if (end == at || child <= 0)
			break;
		kib += resident(child, depth + 1);
	}
	return kib;
}

static int run(char **argv, double *ret_peak, struct rusage *usage)
{
	const struct timespec pause = {0, SAMPLE_EVERY * 1000000L};
	long peak = 0;
	int status;
	pid_t child = fork();

	if (child == 0) {
		(void)execvp(argv[0], argv);
		_exit(127);
	}
	if (child < 0)
		return -1;
	while (wait4(child, &status, WNOHANG, usage) == 0) {
		long kib = resident(child, 0);
		peak = kib > peak ? kib : peak;
		(void)nanosleep(&pause, NULL);
	}
	*ret_peak = (double)peak / 1024;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int main(int argc, char **argv)
{
	struct rusage usage = {0};
	double peak;

	if (argc < 3) {
		(void)fputs("usage: measure RESULT COMMAND...\n", stderr);
		return EXIT_FAILURE;
	}
	double start = now();
	int status = run(argv + 2, &peak, &usage);
	double wall = now() - start;
	FILE *result = fopen(argv[1], "w");
	if (result == NULL || status < 0)
		return EXIT_FAILURE;
	(void)fprintf(result, "%.4f %.4f %.1f\n", wall,
		seconds(usage.ru_utime) + seconds(usage.ru_stime), peak);
	return fclose(result) == 0 ? status : EXIT_FAILURE;
}
