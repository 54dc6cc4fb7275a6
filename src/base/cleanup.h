/*
 * cleanup: locals that release themselves when they go out of scope.
 *
 *	CLEANUP_STR struct str text = STR_INIT;
 *	CLEANUP_FREE char *name = NULL;
 *	CLEANUP_FD int fd = -1;
 */
#ifndef OFFKIT_BASE_CLEANUP_H
#define OFFKIT_BASE_CLEANUP_H

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/bytes.h"

#define CLEANUP(function) __attribute__((cleanup(function)))

static inline void cleanup_free_pointer(void *pointer)
{
	free(*(void **)pointer);
}

static inline void cleanup_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline void cleanup_file(FILE **file)
{
	if (*file != NULL)
		(void)fclose(*file);
}

static inline void cleanup_dir(DIR **dir)
{
	if (*dir != NULL)
		(void)closedir(*dir);
}

#define CLEANUP_FREE CLEANUP(cleanup_free_pointer)
#define CLEANUP_FD   CLEANUP(cleanup_close)
#define CLEANUP_FILE CLEANUP(cleanup_file)
#define CLEANUP_DIR  CLEANUP(cleanup_dir)
#define CLEANUP_STR  CLEANUP(str_release)

/* Hands a pointer or descriptor out of the cleanup's reach: `*ret_x = STEAL(x);` */
#define STEAL(pointer)                                                                             \
	__extension__({                                                                            \
		__typeof__(pointer) stolen_ = (pointer);                                           \
		(pointer) = NULL;                                                                  \
		stolen_;                                                                           \
	})

static inline int steal_fd(int *fd)
{
	int stolen = *fd;

	*fd = -1;
	return stolen;
}

#endif
