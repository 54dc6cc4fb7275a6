#include "cli/pager.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "text/redact.h"
#include "text/words.h"

extern char **environ;

/* The prompt of a shell takes a line as well. */
static bool is_longer_than_screen(struct bytes text)
{
	struct winsize size = {0};
	size_t lines = 0;

	if (isatty(STDOUT_FILENO) != 1 || isatty(STDIN_FILENO) != 1 ||
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0)
		return false;
	for (size_t i = 0; i < text.size; i++)
		lines += text.data[i] == '\n';
	return lines >= size.ws_row;
}

static bool is_hidden(const char *variable)
{
	char name[128];
	size_t size = strcspn(variable, "=");

	if (size >= sizeof name)
		return true;
	memcpy(name, variable, size);
	name[size] = '\0';
	return strcmp(name, "OFFKIT_MONGODB_URI") == 0 || redact_is_secret_name(name);
}

static char **pager_environment(struct arena *arena)
{
	size_t count = 0, kept = 0;

	while (environ[count] != NULL)
		count++;
	char **list = arena_array(arena, count + 3, sizeof *list);
	for (size_t i = 0; list != NULL && i < count; i++)
		if (!is_hidden(environ[i]))
			list[kept++] = environ[i];
	if (list != NULL && getenv("LESS") == NULL)
		list[kept++] = arena_string(arena, "LESS=FRX");
	if (list != NULL && geteuid() == 0 && getenv("LESSSECURE") == NULL)
		list[kept++] = arena_string(arena, "LESSSECURE=1");
	return list;
}

/* exec's vectors are not constant. */
static char **pager_words(struct arena *arena, const char *const *words)
{
	size_t count = 0;

	while (words[count] != NULL)
		count++;
	char **list = arena_array(arena, count + 1, sizeof *list);
	for (size_t i = 0; list != NULL && i < count; i++) {
		list[i] = arena_string(arena, words[i]);
		if (list[i] == NULL)
			return NULL;
	}
	return list;
}

/* Of ours it has the terminal, and how signals are by default. */
static int start(char *const *words, char *const *variables, int input, pid_t *ret_pid)
{
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t signals;

	if (posix_spawn_file_actions_init(&actions) != 0)
		return -1;
	if (posix_spawnattr_init(&attributes) != 0) {
		(void)posix_spawn_file_actions_destroy(&actions);
		return -1;
	}
	(void)sigemptyset(&signals);
	(void)sigaddset(&signals, SIGINT);
	(void)sigaddset(&signals, SIGPIPE);
	(void)posix_spawnattr_setsigdefault(&attributes, &signals);
	(void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
	int rc = posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
	if (rc == 0)
		rc = posix_spawnp(ret_pid, words[0], &actions, &attributes, words, variables);
	(void)posix_spawnattr_destroy(&attributes);
	(void)posix_spawn_file_actions_destroy(&actions);
	return rc == 0 ? 0 : -1;
}

/* One that ends before it has read all was left by its reader. */
static void feed(int fd, struct bytes text)
{
	struct err ignored;
	int rc = fd_write_all(fd, text, &ignored);

	(void)rc;
	(void)close(fd);
}

static void wait_for(pid_t pid)
{
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
}

bool pager_show(struct bytes text)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	const char *named = getenv("PAGER");
	const char *const *words;
	struct err ignored;
	int ends[2];
	pid_t pid;

	if (!is_longer_than_screen(text) ||
		words_split(named != NULL ? named : "less", &arena, &words, &ignored) < 0 ||
		strcmp(words[0], "cat") == 0)
		return false;
	char **variables = pager_environment(&arena);
	char **vector = pager_words(&arena, words);
	if (variables == NULL || vector == NULL || pipe2(ends, O_CLOEXEC) != 0)
		return false;
	/* Ctrl+C is the pager's, and so is when it has read enough. */
	struct sigaction ignore = {.sa_handler = SIG_IGN}, interrupt, broken;
	(void)sigaction(SIGINT, &ignore, &interrupt);
	(void)sigaction(SIGPIPE, &ignore, &broken);
	bool started = start(vector, variables, ends[0], &pid) == 0;
	(void)close(ends[0]);
	if (started) {
		feed(ends[1], text);
		wait_for(pid);
	} else {
		(void)close(ends[1]);
	}
	(void)sigaction(SIGINT, &interrupt, NULL);
	(void)sigaction(SIGPIPE, &broken, NULL);
	return started;
}
