/*
 * confine: this process gives up rights, for good; for a child that will read hostile input.
 *
 * Each returns 0 also where the kernel does not know the means; confine_rights says which it has.
 * The process must have one thread only. Landlock: Documentation/userspace-api/landlock.rst;
 * seccomp: Documentation/userspace-api/seccomp_filter.rst. ERR_INTERNAL, ERR_NO_MEMORY.
 */
#ifndef OFFKIT_BASE_CONFINE_H
#define OFFKIT_BASE_CONFINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

/* A sanitizer's runtime needs more of everything, stderr too. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
enum { CONFINE_SANITIZER = 1 };
#elif defined(__has_feature)
enum { CONFINE_SANITIZER = __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) };
#else
enum { CONFINE_SANITIZER = 0 };
#endif

struct confine_rights {
	bool seccomp;
	int landlock; /* the kernel's ABI version; 0: it has none */
};
void confine_rights(struct confine_rights *ret_rights);

/* Closes every descriptor but these. */
void confine_descriptors(const int *keep, size_t keep_count);

/* Octets of address space that are mapped now; 0 where /proc does not say. */
size_t confine_mapped(void);

/*
 * No new privileges and no capabilities; no new descriptors, files, processes or core dumps, and at
 * most so many octets of address space (a sanitizer's build has no bound: it maps terabytes).
 */
#define CONFINE_NO_BOUND SIZE_MAX
MUST_CHECK int confine_limits(size_t memory, struct err *err);

/* Landlock: no path can be opened or changed, no TCP port used, no signal sent outside. It needs a
 * descriptor, so it comes before the limits. */
MUST_CHECK int confine_paths(struct err *err);

/* Landlock: as confine_paths, but what is there can be read; nothing can be made, changed or
 * removed. What is open already stays as it was. */
MUST_CHECK int confine_to_reading(struct err *err);

/*
 * seccomp: a closed list of system calls, which reads, writes, maps memory without code and ends;
 * any other call kills the process.
 */
MUST_CHECK int confine_calls(struct err *err);

#endif
