/*
 * measure: runs a command and prints what it took: wall and processor seconds of it and all its
 * children, and the peak memory of the largest of them in MiB. Ends as the command ends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

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

int main(int argc, char **argv)
{
	struct rusage usage;
	int status;

	if (argc < 3) {
		(void)fputs("usage: measure RESULT COMMAND...\n", stderr);
		return EXIT_FAILURE;
	}
	double start = now();
	pid_t child = fork();
	if (child == 0) {
		(void)execvp(argv[2], argv + 2);
		_exit(127);
	}
	if (child < 0 || wait4(child, &status, 0, &usage) != child)
		return EXIT_FAILURE;
	FILE *result = fopen(argv[1], "w");
	if (result == NULL)
		return EXIT_FAILURE;
	(void)fprintf(result, "%.3f %.3f %.1f\n", now() - start,
		seconds(usage.ru_utime) + seconds(usage.ru_stime), (double)usage.ru_maxrss / 1024);
	if (fclose(result) != 0)
		return EXIT_FAILURE;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EXIT_FAILURE;
}
