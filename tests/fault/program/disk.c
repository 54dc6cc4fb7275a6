/*
 * What of which file is on the disk: a sync says so, and a write makes it doubtful. Files here only
 * grow: what was synced once is taken for safe, and what stands behind it is not.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/fault/program/plant.h"

enum { FILES_MAX = 128 };

static struct {
	dev_t dev;
	ino_t ino;
	off_t safe; /* octets */
	char path[OBJECT_MAX];
} files[FILES_MAX];
static size_t next; /* the oldest is forgotten */
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static size_t find(const struct stat *st)
{
	size_t i = 0;

	while (i < FILES_MAX && (files[i].ino != st->st_ino || files[i].dev != st->st_dev))
		i++;
	return i;
}

void disk_written(int fd, const char *path)
{
	struct stat st;
	int errnum = errno;

	if (*path != '/' || fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
		return;
	(void)pthread_mutex_lock(&mutex);
	if (find(&st) == FILES_MAX) {
		size_t i = next++ % FILES_MAX;
		files[i].dev = st.st_dev;
		files[i].ino = st.st_ino;
		files[i].safe = st.st_size;
		(void)strncpy(files[i].path, path, OBJECT_MAX - 1);
	}
	(void)pthread_mutex_unlock(&mutex);
	errno = errnum;
}

void disk_synced(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return;
	(void)pthread_mutex_lock(&mutex);
	size_t i = find(&st);
	if (i < FILES_MAX)
		files[i].safe = st.st_size;
	(void)pthread_mutex_unlock(&mutex);
}

void disk_lose(int fd)
{
	char zeros[4096] = {0};
	struct stat st;

	(void)pthread_mutex_lock(&mutex);
	size_t i = fstat(fd, &st) == 0 ? find(&st) : FILES_MAX;
	/* Through a descriptor of its own: that of the caller may append only. */
	int own = i < FILES_MAX ? (int)syscall(SYS_openat, AT_FDCWD, files[i].path, O_WRONLY) : -1;
	for (off_t at = own < 0 ? st.st_size : files[i].safe; at < st.st_size;) {
		size_t rest = (size_t)(st.st_size - at);
		ssize_t done = (ssize_t)syscall(
			SYS_pwrite64, own, zeros, rest < sizeof zeros ? rest : sizeof zeros, at);
		at += done > 0 ? done : (off_t)rest;
	}
	if (own >= 0)
		(void)syscall(SYS_close, own);
	(void)pthread_mutex_unlock(&mutex);
}

void disk_power_cut(void)
{
	struct stat st;

	for (size_t i = 0; i < FILES_MAX; i++)
		if (files[i].ino != 0 && lstat(files[i].path, &st) == 0 &&
			st.st_ino == files[i].ino && st.st_size > files[i].safe)
			(void)truncate(files[i].path, files[i].safe);
}
