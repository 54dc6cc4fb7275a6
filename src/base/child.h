/*
 * child: another program, run to its end within limits: a hook of the site, a signer of the release
 * side.
 *
 * An argument vector without a shell. Of ours it inherits no descriptor, no ignored and no blocked
 * signal. It has ended when its first process has: what that leaves behind is not waited for. What
 * it writes is captured and bounded; who goes over the bound of its output is either cut off or
 * ended, as the caller has it.
 */
#ifndef OFFKIT_BASE_CHILD_H
#define OFFKIT_BASE_CHILD_H

#include "base/bytes.h"

struct child {
	const char *const *argv;	/* ended by NULL */
	bool search;			/* argv[0] without "/" is looked for in PATH */
	const char *const *environment; /* ended by NULL; NULL: ours */
	const char *folder;		/* that it works in; NULL: ours */
	int input_fd;			/* -1: /dev/null */
	/* A process group of its own: it is killed with all that it has started, and cannot read
	 * from a terminal. */
	bool own_group;
	int64_t timeout; /* ms; then it is killed */
	size_t output_max;
	bool ends_over_max;    /* more output is a failure; else it is thrown away */
	enum err_code failure; /* the code of all that goes wrong */
	/* What it says on stderr, as it comes; NULL: stderr is part of the output. */
	void (*heard)(void *argument, struct bytes untrusted_words);
	void *argument;
};

/*
 * Appends its output, also when it fails: it cannot be started, ends with another status than 0, by
 * a signal, not in time, or (ends_over_max) writes too much. ERR_NO_MEMORY too.
 */
MUST_CHECK int child_run(const struct child *child, struct str *output, struct err *err);

/* An input that can be read like a file, also by the name of /dev/stdin. It begins at its beginning
 * once: make one for each child. ERR_DISK. */
MUST_CHECK int child_input(struct bytes content, int *ret_fd, struct err *err);

#endif
