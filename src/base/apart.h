/*
 * apart: a process apart, without rights, for work on what nobody has verified yet.
 *
 * The child has the descriptors that it is given and one end of a channel, and then gives up
 * everything else: no new privileges, Landlock (no path can be opened or changed, no port bound or
 * connected), seccomp (a closed list of system calls: what reads, writes, allocates and ends), a
 * bound on memory and on files. What the kernel does not have is left out and can be asked for
 * (apart_rights); a refused system call ends the child at once.
 *
 * Whatever the parent reads from the channel or from memory that it shares with the child is as
 * hostile as the input itself, and may change under its eyes: copy once, then look.
 */
#ifndef OFFKIT_BASE_APART_H
#define OFFKIT_BASE_APART_H

#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"

enum { APART_KEEP_MAX = 4, APART_MEMORY_MAX = 512 * 1024 * 1024 /* octets of address space */ };

struct apart;

/* Runs in the child; channel is a connected SOCK_SEQPACKET or SOCK_STREAM socket of its own. */
typedef int (*apart_work)(int channel, void *argument, struct err *err);

/*
 * Forks. argument is the child's copy of memory; keep are the descriptors that stay open in it
 * under their own numbers. ERR_NO_MEMORY, ERR_INTERNAL.
 */
MUST_CHECK int apart_start(apart_work work, void *argument, const int *keep, size_t keep_count,
	struct apart **ret_apart, struct err *err);

int apart_channel(const struct apart *apart); /* the parent's end; the apart's */

/*
 * Closes the channel, waits for the child, and frees. 0 if its work returned 0; else the error that
 * it set. A child that was killed, by its own fault or for a refused call, is ERR_UNSAFE_ARCHIVE.
 */
MUST_CHECK int apart_finish(struct apart *apart, struct err *err);

/* Ends the child without asking what became of it; NULL is allowed. */
void apart_abandon(struct apart *apart);

/* What this kernel takes away from a child: for `offkit --version` and the report. */
struct apart_rights {
	bool seccomp;
	int landlock; /* the kernel's ABI version, 0: it has none */
};
void apart_rights(struct apart_rights *ret_rights);

#endif
