/*
 * fault_files KIT STATE ROOT...: the Nth call that reaches the disk fails while a kit is unpacked,
 * while the roots are kept, and while an object is put. Whatever fails, state/kits has the whole
 * kit or none, state/trust the chain up to some step, and the next attempt works; so too when the
 * process is killed there.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "object/folder.h"
#include "tests/fault/fault.h"
#include "trust/chain.h"
#include "trust/record.h"
#include "trust/store.h"
#include "verify/verify.h"

ssize_t __real_write(int fd, const void *data, size_t size);
ssize_t __real_pread(int fd, void *data, size_t size, off_t offset);
int __real_fsync(int fd);
int __real_syncfs(int fd);
int __real_close(int fd);
int __real_fchmod(int fd, mode_t mode);
int __real_mkdirat(int dirfd, const char *name, mode_t mode);
int __real_renameat(int from_dirfd, const char *from, int to_dirfd, const char *to);
int __real_openat(int dirfd, const char *name, int flags, ...);
long __real_syscall(long number, ...);
ssize_t __wrap_write(int fd, const void *data, size_t size);
ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset);
int __wrap_fsync(int fd);
int __wrap_syncfs(int fd);
int __wrap_close(int fd);
int __wrap_fchmod(int fd, mode_t mode);
int __wrap_mkdirat(int dirfd, const char *name, mode_t mode);
int __wrap_renameat(int from_dirfd, const char *from, int to_dirfd, const char *to);
int __wrap_openat(int dirfd, const char *name, int flags, ...);
long __wrap_syscall(long number, ...);

enum { KILLED = 99, ROOTS_MAX = 8 };
static bool kills; /* the process ends instead */

static bool fails(int errnum)
{
	bool strikes = fault_strikes();

	if (strikes && kills)
		_exit(KILLED);
	if (strikes)
		errno = errnum;
	return strikes;
}

ssize_t __wrap_write(int fd, const void *data, size_t size)
{
	return fails(ENOSPC) ? -1 : __real_write(fd, data, size);
}

ssize_t __wrap_pread(int fd, void *data, size_t size, off_t offset)
{
	return fails(EIO) ? -1 : __real_pread(fd, data, size, offset);
}

int __wrap_fsync(int fd)
{
	return fails(EIO) ? -1 : __real_fsync(fd);
}

int __wrap_syncfs(int fd)
{
	return fails(EIO) ? -1 : __real_syncfs(fd);
}

/* The descriptor is gone, as Linux has it. */
int __wrap_close(int fd)
{
	bool strikes = fails(EIO);
	int status = __real_close(fd);

	if (!strikes)
		return status;
	errno = EIO;
	return -1;
}

int __wrap_fchmod(int fd, mode_t mode)
{
	return fails(EPERM) ? -1 : __real_fchmod(fd, mode);
}

int __wrap_mkdirat(int dirfd, const char *name, mode_t mode)
{
	return fails(ENOSPC) ? -1 : __real_mkdirat(dirfd, name, mode);
}

int __wrap_renameat(int from_dirfd, const char *from, int to_dirfd, const char *to)
{
	return fails(EIO) ? -1 : __real_renameat(from_dirfd, from, to_dirfd, to);
}

int __wrap_openat(int dirfd, const char *name, int flags, ...)
{
	va_list args;
	mode_t mode = 0;

	if ((flags & O_CREAT) != 0) {
		va_start(args, flags);
		mode = va_arg(args, mode_t);
		va_end(args);
	}
	return fails(EMFILE) ? -1 : __real_openat(dirfd, name, flags, mode);
}

/* renameat2, which has no wrapper in every libc; other calls are passed on. */
long __wrap_syscall(long number, ...)
{
	long arguments[6];
	va_list args;

	va_start(args, number);
	for (size_t i = 0; i < 6; i++)
		arguments[i] = va_arg(args, long);
	va_end(args);
	if (number == SYS_renameat2 && fails(EIO))
		return -1;
	return __real_syscall(number, arguments[0], arguments[1], arguments[2], arguments[3],
		arguments[4], arguments[5]);
}

struct unpacking {
	const char *kit;
	int state;
	bool keep; /* the kit of the run before stays, and is replaced */
	const struct trust_root *root;
	char id[256]; /* of the first run */
};

static int unpack(void *argument, struct err *err)
{
	struct unpacking *unpacking = argument;
	const struct verify_options options = {
		.state_dirfd = unpacking->state, .now = 1766400000000};
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	CLEANUP_STR struct str quarantine = STR_INIT;
	int status = verify_and_unpack(
		unpacking->kit, unpacking->root, &options, &kit, &quarantine, err);

	if (status == 0)
		(void)snprintf(unpacking->id, sizeof unpacking->id, "%s", trusted_kit_id(kit));
	return status;
}

static const char *whole_or_none(void *argument, int status)
{
	static char wrong[ERR_MESSAGE_MAX + 64];
	struct unpacking *unpacking = argument;
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	struct err err = {0};
	int found = verify_installed(unpacking->state, unpacking->id, unpacking->root, &kit, &err);

	if (found < 0 && (status == 0 || unpacking->keep || found != -ERR_NOT_FOUND)) {
		(void)snprintf(wrong, sizeof wrong, "in state/kits: %s", err.message);
		return wrong;
	}
	if (!unpacking->keep && tree_remove_at(unpacking->state, "kits", &err) < 0)
		return "state/kits cannot be removed";
	return NULL;
}

/* ---- an object that is put */

struct putting {
	int state;
	const char *path;
	bool kill;
	struct sha256 digest;
};

static const char OCTETS[] = "the octets of an object";

static int octets_next(void *self, struct bytes *ret_piece, struct err *err)
{
	size_t *at = self;
	size_t left = sizeof OCTETS - *at, size = left < 7 ? left : 7;

	(void)err;
	*ret_piece = bytes_make((const uint8_t *)OCTETS + *at, size);
	*at += size;
	return 0;
}

static int octets_rewind(void *self, struct err *err)
{
	(void)err;
	*(size_t *)self = 0;
	return 0;
}

static int put_once(struct putting *putting, struct err *err)
{
	CLEANUP(object_store_cleanup) struct object_store *store = NULL;
	size_t at = 0;
	const struct object_source source = {
		.self = &at, .next = octets_next, .rewind = octets_rewind};
	int rc = object_folder_open(putting->path, &store, err);

	return rc < 0 ? rc : object_store_put(store, &putting->digest, sizeof OCTETS, &source, err);
}

static int in_a_child(int (*work)(void *argument, struct err *err), void *argument, struct err *err)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		kills = true;
		_exit(work(argument, err) < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status) ||
		WEXITSTATUS(status) == EXIT_FAILURE)
		return err_set(err, ERR_INTERNAL, "the child failed");
	return 0;
}

static int put_it(void *argument, struct err *err)
{
	return put_once(argument, err);
}

static int put_killed(void *argument, struct err *err)
{
	return in_a_child(put_it, argument, err);
}

static int count_entry(void *self, const struct object_entry *entry, struct err *err)
{
	(void)entry;
	(void)err;
	++*(int *)self;
	return 0;
}

/* It is there whole or not at all; the next attempt puts it, and leaves it alone in the store. */
static const char *object_whole_or_none(void *argument, int status)
{
	struct putting *putting = argument;
	CLEANUP(object_store_cleanup) struct object_store *store = NULL;
	int64_t size = 0;
	int entries = 0;
	bool there = false;
	struct err err;

	if (object_folder_open(putting->path, &store, &err) < 0 ||
		object_store_stat(store, &putting->digest, &there, &size, &err) < 0)
		return "the store cannot be looked at";
	if (there && object_store_check(store, &putting->digest, sizeof OCTETS, &err) < 0)
		return "it is there and not whole";
	if (status == 0 && !there && !putting->kill)
		return "it said that it was put";
	if (object_store_sweep(store, &err) < 0 || put_once(putting, &err) < 0 ||
		object_store_each(store, count_entry, &entries, &err) < 0 || entries != 1)
		return "the next attempt does not put it, or something lies beside it";
	return tree_remove_at(putting->state, "objects", &err) < 0 ? "it cannot be removed" : NULL;
}

/* ---- roots, step by step */

struct keeping {
	int state;
	bool kill;
	size_t count;
	struct root_offer offers[ROOTS_MAX];
	struct str texts[ROOTS_MAX];
	int64_t in_force; /* as the last run ended */
};

static int keep(void *self, const struct trust_root *root, struct bytes text, struct err *err)
{
	return trust_store_keep(((struct keeping *)self)->state, root, text, "a test", err);
}

static int follow(struct keeping *keeping, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	const struct root_keeper keeper = {keeping, keep};
	int status = trust_store_load(keeping->state, &root, err);

	if (status < 0)
		return status;
	struct trust_chain chain = trust_chain_begin(root);
	status = trust_chain_follow(&chain, keeping->offers, keeping->count, &keeper, err);
	keeping->in_force = trust_root_version(chain.in_force);
	trust_chain_release(&chain);
	return status;
}

static int follow_it(void *argument, struct err *err)
{
	return follow(argument, err);
}

static int keep_roots(void *argument, struct err *err)
{
	struct keeping *keeping = argument;

	keeping->in_force = 1;
	return keeping->kill ? in_a_child(follow_it, argument, err) : follow(keeping, err);
}

/* What is kept verifies, goes as far as was said, or a step further that was not yet synced; and
 * the rest follows. */
static const char *chain_up_to_a_step(void *argument, int status)
{
	struct keeping *keeping = argument;
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL, *all = NULL;
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_FD int trust = -1;
	struct root_record record;
	struct err err;

	if (trust_store_load(keeping->state, &root, &err) < 0)
		return "the kept chain does not load";
	int64_t version = trust_root_version(root), last = 1 + (int64_t)keeping->count;
	if (!keeping->kill && (version < keeping->in_force || version > keeping->in_force + 1))
		return "another root is in force than was said";
	if (!keeping->kill && status == 0 && version != last)
		return "it said that all was kept";
	if (trust_store_open_folder(keeping->state, &trust, &err) < 0 ||
		(trust >= 0 && root_record_read(trust, root, &arena, &record, &err) < 0))
		return "a record is damaged";
	if (follow(keeping, &err) < 0 || trust_store_load(keeping->state, &all, &err) < 0 ||
		trust_root_version(all) != last)
		return "the next attempt does not go on";
	return tree_remove_at(keeping->state, "trust", &err) < 0 ? "it cannot be removed" : NULL;
}

static bool is_state_folder(enum err_code code)
{
	return code == ERR_STATE_FOLDER;
}

static bool read_roots(struct keeping *keeping, char **paths, size_t count)
{
	struct err err;

	keeping->count = count;
	for (size_t i = 0; i < count; i++) {
		if (i == ROOTS_MAX ||
			file_read_path(paths[i], ROOT_SIZE_MAX, &keeping->texts[i], &err) < 0)
			return false;
		keeping->offers[i] = (struct root_offer){
			2 + (int64_t)i, str_bytes(&keeping->texts[i]), paths[i]};
	}
	return true;
}

/* Our disk, the state's folder, or the medium; never a verdict about the kit. */
static bool is_disk(enum err_code code)
{
	return code == ERR_DISK || code == ERR_STATE_FOLDER || code == ERR_UNREADABLE;
}

int main(int argc, char **argv)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP_FD int state = -1;
	struct err err;

	struct keeping keeping = {.in_force = 1};

	if (argc < 4 || !read_roots(&keeping, argv + 3, (size_t)argc - 3) ||
		trust_root_embedded(&root, &err) < 0 || folder_make(argv[2], &state, &err) < 0)
		return EXIT_FAILURE;
	keeping.state = state;
	struct keeping killed = keeping;
	killed.kill = true;
	char objects[4096];
	(void)snprintf(objects, sizeof objects, "%s/objects", argv[2]);
	struct putting putting = {.state = state, .path = objects};
	if (sha256_of(bytes_make((const uint8_t *)OCTETS, sizeof OCTETS), &putting.digest, &err) <
		0)
		return EXIT_FAILURE;
	struct putting put_and_killed = putting;
	put_and_killed.kill = true;
	struct unpacking fresh = {.kit = argv[1], .state = state, .root = root};
	struct unpacking again = {.kit = argv[1], .state = state, .root = root, .keep = true};
	const struct fault_case cases[] = {
		{.name = "unpack",
			.stride = 1,
			.work = unpack,
			.check = whole_or_none,
			.may_be = is_disk,
			.argument = &fresh},
		{.name = "unpack over the same kit",
			.stride = 1,
			.work = unpack,
			.check = whole_or_none,
			.may_be = is_disk,
			.argument = &again},
		{.name = "keep roots",
			.stride = 1,
			.work = keep_roots,
			.check = chain_up_to_a_step,
			.may_be = is_state_folder,
			.argument = &keeping},
		{.name = "keep roots, killed",
			.stride = 1,
			.work = keep_roots,
			.check = chain_up_to_a_step,
			.may_be = is_state_folder,
			.argument = &killed},
		{.name = "put an object",
			.stride = 1,
			.work = put_it,
			.check = object_whole_or_none,
			.may_be = is_disk,
			.argument = &putting},
		{.name = "put an object, killed",
			.stride = 1,
			.work = put_killed,
			.check = object_whole_or_none,
			.may_be = is_disk,
			.argument = &put_and_killed},
	};
	int status = fault_run(cases, sizeof cases / sizeof cases[0]);
	for (size_t i = 0; i < keeping.count; i++)
		str_release(&keeping.texts[i]);
	return status;
}
