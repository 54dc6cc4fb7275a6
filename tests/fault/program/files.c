/* Calls that reach the disk. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/fault/program/plant.h"

/* Declares what the linker gives and what it takes. */
#define CAUGHT(type, name, ...)                                                                    \
	type __real_##name(__VA_ARGS__);                                                           \
	type __wrap_##name(__VA_ARGS__)

CAUGHT(ssize_t, write, int fd, const void *data, size_t size);
CAUGHT(ssize_t, pwrite, int fd, const void *data, size_t size, off_t offset);
CAUGHT(ssize_t, read, int fd, void *data, size_t size);
CAUGHT(ssize_t, pread, int fd, void *data, size_t size, off_t offset);
CAUGHT(int, fsync, int fd);
CAUGHT(int, fdatasync, int fd);
CAUGHT(int, syncfs, int fd);
CAUGHT(int, renameat, int from_dirfd, const char *from, int to_dirfd, const char *to);
CAUGHT(long, syscall, long number, ...);
CAUGHT(int, open, const char *name, int flags, ...);
CAUGHT(int, openat, int dirfd, const char *name, int flags, ...);
CAUGHT(int, ftruncate, int fd, off_t size);
CAUGHT(int, mkdirat, int dirfd, const char *name, mode_t mode);
CAUGHT(int, unlinkat, int dirfd, const char *name, int flags);
CAUGHT(int, fchmod, int fd, mode_t mode);
CAUGHT(int, close, int fd);
CAUGHT(int, flock, int fd, int operation);
CAUGHT(pid_t, fork, void);
CAUGHT(int, pthread_create, pthread_t *thread, const pthread_attr_t *attributes,
	void *(*work)(void *), void *argument);

static bool fails(struct fault fault)
{
	if (fault.action != ACTION_FAIL)
		return false;
	errno = fault.errnum;
	return true;
}

/* A call on a descriptor of which only the failure matters. */
#define ON_DESCRIPTOR(kind, fd, real)                                                              \
	do {                                                                                       \
		char object[OBJECT_MAX];                                                           \
		if (!plant_watches(kind))                                                          \
			return (real);                                                             \
		object_of_descriptor((fd), object);                                                \
		struct fault fault = plant_meet(kind, object);                                     \
		int result = fails(fault) ? -1 : (real);                                           \
		plant_trace(kind, object, result);                                                 \
		plant_after(fault);                                                                \
		return result;                                                                     \
	} while (0)

#define ON_NAME(kind, dirfd, name, real)                                                           \
	do {                                                                                       \
		char object[OBJECT_MAX];                                                           \
		if (!plant_watches(kind))                                                          \
			return (real);                                                             \
		object_of_name((dirfd), (name), object);                                           \
		struct fault fault = plant_meet(kind, object);                                     \
		int result = fails(fault) ? -1 : (real);                                           \
		plant_trace(kind, object, result);                                                 \
		plant_after(fault);                                                                \
		return result;                                                                     \
	} while (0)

/* ---- writing and reading */

static ssize_t write_at(int fd, const void *data, size_t size, off_t offset)
{
	return offset < 0 ? __real_write(fd, data, size) : __real_pwrite(fd, data, size, offset);
}

static ssize_t caught_write(int fd, const void *data, size_t size, off_t offset)
{
	char object[OBJECT_MAX];

	if (!plant_watches(CALL_WRITE))
		return write_at(fd, data, size, offset);
	object_of_descriptor(fd, object);
	disk_written(fd, object);
	struct fault fault = plant_meet(CALL_WRITE, object);
	bool half = fault.action == ACTION_SHORT || fault.action == ACTION_TORN;
	ssize_t result =
		fails(fault) ? -1 : write_at(fd, data, half && size > 1 ? size / 2 : size, offset);
	plant_trace(CALL_WRITE, object, result);
	if (fault.action == ACTION_TORN)
		plant_kill(false);
	plant_after(fault);
	return result;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	return caught_write(fd, data, size, -1);
}

ssize_t __wrap_pwrite(int fd, const void *data, size_t size, off_t offset)
{
	return caught_write(fd, data, size, offset);
}

ssize_t __wrap_read(int fd, void *data, size_t size)
{
	ON_DESCRIPTOR(CALL_READ, fd, (int)__real_read(fd, data, size));
}

ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset)
{
	ON_DESCRIPTOR(CALL_READ, fd, (int)__real_pread(fd, data, size, offset));
}

/* ---- making it durable */

static int caught_sync(int fd, int (*real)(int fd))
{
	char object[OBJECT_MAX];

	if (!plant_watches(CALL_SYNC))
		return real(fd);
	object_of_descriptor(fd, object);
	struct fault fault = plant_meet(CALL_SYNC, object);
	int result = -1;
	if (fault.action == ACTION_LOSE) {
		disk_lose(fd);
		errno = EIO;
	} else if (!fails(fault)) {
		result = real(fd);
	}
	if (result == 0)
		disk_synced(fd);
	plant_trace(CALL_SYNC, object, result);
	plant_after(fault);
	return result;
}

int __wrap_fsync(int fd)
{
	return caught_sync(fd, __real_fsync);
}

int __wrap_fdatasync(int fd)
{
	return caught_sync(fd, __real_fdatasync);
}

int __wrap_syncfs(int fd)
{
	return caught_sync(fd, __real_syncfs);
}

/* ---- names */

int __wrap_renameat(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
	ON_NAME(CALL_RENAME, to_dirfd, to, __real_renameat(from_dirfd, from, to_dirfd, to));
}

static int rename_by_number(
	long from_dirfd, const char *from, long to_dirfd, const char *to, long flags)
{
	ON_NAME(CALL_RENAME, (int)to_dirfd, to,
		(int)__real_syscall(SYS_renameat2, from_dirfd, from, to_dirfd, to, flags));
}

long __wrap_syscall(long number, ...)
{
	va_list list;
	long a[6];

	va_start(list, number);
	for (size_t i = 0; i < sizeof a / sizeof *a; i++)
		a[i] = va_arg(list, long);
	va_end(list);
	if (number == SYS_renameat2)
		return rename_by_number(a[0], (const char *)a[1], a[2], (const char *)a[3], a[4]);
	return __real_syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}

static enum call call_of_flags(int flags)
{
	return (flags & (O_WRONLY | O_RDWR | O_CREAT)) != 0 ? CALL_OPEN : CALL_LOOK;
}

static mode_t mode_of(int flags, va_list list)
{
	return (flags & O_CREAT) != 0 ? va_arg(list, mode_t) : 0;
}

int __wrap_openat(int dirfd, const char *name, int flags, ...)
{
	va_list list;

	va_start(list, flags);
	mode_t mode = mode_of(flags, list);
	va_end(list);
	ON_NAME(call_of_flags(flags), dirfd, name, __real_openat(dirfd, name, flags, mode));
}

int __wrap_open(const char *name, int flags, ...)
{
	va_list list;

	va_start(list, flags);
	mode_t mode = mode_of(flags, list);
	va_end(list);
	ON_NAME(call_of_flags(flags), AT_FDCWD, name, __real_open(name, flags, mode));
}

int __wrap_mkdirat(int dirfd, const char *name, mode_t mode)
{
	ON_NAME(CALL_MKDIR, dirfd, name, __real_mkdirat(dirfd, name, mode));
}

int __wrap_unlinkat(int dirfd, const char *name, int flags)
{
	ON_NAME(CALL_UNLINK, dirfd, name, __real_unlinkat(dirfd, name, flags));
}

/* ---- the rest */

int __wrap_ftruncate(int fd, off_t size)
{
	ON_DESCRIPTOR(CALL_TRUNCATE, fd, __real_ftruncate(fd, size));
}

int __wrap_fchmod(int fd, mode_t mode)
{
	ON_DESCRIPTOR(CALL_MODE, fd, __real_fchmod(fd, mode));
}

int __wrap_flock(int fd, int operation)
{
	ON_DESCRIPTOR(CALL_LOCK, fd, __real_flock(fd, operation));
}

/* A close that fails has closed all the same (close(2)). */
int __wrap_close(int fd)
{
	char object[OBJECT_MAX];

	if (!plant_watches(CALL_CLOSE))
		return __real_close(fd);
	object_of_descriptor(fd, object);
	struct fault fault = plant_meet(CALL_CLOSE, object);
	int result = __real_close(fd);
	plant_trace(CALL_CLOSE, object, result);
	plant_after(fault);
	return fails(fault) ? -1 : result;
}

pid_t __wrap_fork(void)
{
	ON_NAME(CALL_FORK, -1, "", __real_fork());
}

int __wrap_pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*work)(void *), void *argument)
{
	if (plant_watches(CALL_THREAD) && plant_meet(CALL_THREAD, "").action == ACTION_FAIL)
		return EAGAIN;
	return __real_pthread_create(thread, attributes, work, argument);
}
