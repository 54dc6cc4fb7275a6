/*
 * apart: a process apart, without rights, for work on what nobody has verified yet.
 *
 * The child has the descriptors that it is given and one end of a channel, and then gives up
 * everything else (confine.h): no new privileges, Landlock (no path can be opened or changed, no
 * port bound or connected), seccomp (a closed list of system calls: what reads, writes, allocates
 * and ends), a bound on memory. What the kernel does not have is left out (confine_rights); a
 * refused system call ends the child at once. Standard streams are closed, signals are blocked, and
 * the child dies with the thread that started it.
 *
 * Whatever the parent reads from the channel or from memory that it shares with the child is as
 * hostile as the input itself, and may change under its eyes: copy once, then look. Memory that
 * both shall write is mapped MAP_SHARED | MAP_ANONYMOUS before the start; everything else that the
 * child changes is its own copy. The child must not open, stat or map files, nor start threads.
 */
#ifndef OFFKIT_BASE_APART_H
#define OFFKIT_BASE_APART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

enum {
	APART_KEEP_MAX = 260,
	APART_MEMORY_MAX = 256 * 1024 * 1024, /* octets that the child can map besides ours */
	APART_END_WAIT = 60 * 1000, /* ms until a child that does not end by itself is killed */
	APART_SILENCE_MAX = 10 * 60 * 1000, /* ms that a parent waits for the child's next octet */
};

struct apart;

/* Runs in the child; channel is a connected SOCK_SEQPACKET socket of its own: send with
 * MSG_NOSIGNAL. */
typedef int (*apart_work)(int channel, void *argument, struct err *err);

/*
 * Forks, and waits until the child has given up its rights. argument is the child's copy of memory;
 * keep are the descriptors that stay open in it under their own numbers. ERR_NO_MEMORY,
 * ERR_INTERNAL: the child's too, for it has not begun on the input.
 */
MUST_CHECK int apart_start(apart_work work, void *argument, const int *keep, size_t keep_count,
	struct apart **ret_apart, struct err *err);

int apart_channel(const struct apart *apart); /* the parent's end; the apart's */

/*
 * Closes the channel, waits for the child, and frees. 0 if its work returned 0; else the error that
 * it set, if that speaks of the input (exit codes 1 to 3) or is ERR_NO_MEMORY; any other of its
 * codes is ERR_UNSAFE_ARCHIVE. A child that was killed, by its own fault or for a refused call, or
 * that does not end, is ERR_UNSAFE_ARCHIVE; one that was killed from outside, or ended without a
 * word, is ERR_NO_MEMORY, for so does a kernel that is short of memory, and a library that gives
 * up.
 *
 * The child's words are marked as such, and in printable ASCII.
 */
MUST_CHECK int apart_finish(struct apart *apart, struct err *err);

/*
 * Until fd, a channel of the parent, has something or its end; false when patience is used up: ms,
 * from which each wait takes what it lasted, but at least 1.
 */
MUST_CHECK bool apart_wait(int fd, int64_t *patience);

/* Ends the child without asking what became of it; NULL is allowed. */
void apart_abandon(struct apart *apart);

#endif
