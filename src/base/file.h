/*
 * file: files by directory descriptor.
 *
 * A name is relative to the descriptor and its last component is never followed if it is a link.
 * Failures are ERR_NOT_FOUND, ERR_UNREADABLE (opening, reading) and ERR_DISK (writing); a caller
 * for whom the file is something else says so with err_recode.
 */
#ifndef OFFKIT_BASE_FILE_H
#define OFFKIT_BASE_FILE_H

#include <dirent.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/bytes.h"

/* Opens the folder that a user named: here, and only here, links in the path are followed. */
MUST_CHECK int folder_open(const char *path, int *ret_fd, struct err *err);
MUST_CHECK int folder_open_at(int dirfd, const char *name, int *ret_fd, struct err *err);

/* By their words alone; the folder is not within itself. "/a/state-old" is not in "/a/state". */
bool path_is_within(const char *path, const char *folder);

/* A listing of the folder with a place of its own, to be ended with closedir. */
MUST_CHECK int folder_names(int dirfd, DIR **ret_dir, struct err *err);

/* The next name but for "." and "..", valid until the one after it; NULL at the end, and only
 * there: a disk that fails must not look like a short folder. ERR_UNREADABLE. */
MUST_CHECK int folder_next_name(DIR *dir, const char **ret_name, struct err *err);

/* Makes a folder 0700 unless it is there, and opens it; one there must be ours: no link, our owner,
 * and not for everybody to write into. */
MUST_CHECK int folder_make_at(int dirfd, const char *name, int *ret_fd, struct err *err);

/* As folder_make_at for a path that a user named; its parents must exist but for the last two. */
MUST_CHECK int folder_make(const char *path, int *ret_fd, struct err *err);

/* Opens a regular file for reading; anything else there is ERR_UNREADABLE. */
MUST_CHECK int file_open_at(int dirfd, const char *name, int *ret_fd, struct err *err);

/* Reads a whole regular file of at most limit octets, over it ERR_LIMIT; appends to content. */
MUST_CHECK int file_read_at(
	int dirfd, const char *name, size_t limit, struct str *content, struct err *err);

/* The same for a path that a user named. */
MUST_CHECK int file_read_path(const char *path, size_t limit, struct str *content, struct err *err);

/* Writes all octets, however often write(2) returns early. */
MUST_CHECK int fd_write_all(int fd, struct bytes content, struct err *err);

/*
 * Replaces or makes a file durably: a temporary beside it, fsync, rename, fsync of the folder.
 * At every instant the name has either the old content or the new, whole.
 */
MUST_CHECK int file_write_durable_at(
	int dirfd, const char *name, struct bytes content, mode_t mode, struct err *err);

/*
 * Removes what a file_write_durable_at left in a folder when its process was killed: for whoever
 * has the lock on it. What cannot be removed stays; it harms nobody.
 */
void temporaries_remove_at(int dirfd);

/* Calls visit with each name in a folder but "." and ".."; of one that cannot be read, with none.
 */
void names_visit_at(int dirfd, void (*visit)(int dirfd, const char *name));

MUST_CHECK int folder_sync(int dirfd, struct err *err);

/* Renames, never over something that exists, and syncs both folders. */
MUST_CHECK int file_rename_durable(
	int from_dirfd, const char *from, int to_dirfd, const char *to, struct err *err);

/* Removes a file or a whole tree, following no link; no such name is success. */
MUST_CHECK int tree_remove_at(int dirfd, const char *name, struct err *err);

/* Free octets for an unprivileged writer on the file system of fd. */
MUST_CHECK int free_space(int fd, uint64_t *ret_octets, struct err *err);

#endif
