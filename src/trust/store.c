#include "trust/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "trust/chain.h"
#include "trust/record.h"
#include "trust/root_internal.h"

enum { FILE_NAME_SIZE = sizeof "9007199254740992.root.json" };

static void file_name(int64_t version, char name[static FILE_NAME_SIZE])
{
	(void)snprintf(name, FILE_NAME_SIZE, "%lld.root.json", (long long)version);
}

/* The root that follows in the folder; *ret_next is NULL if there is none. */
static int load_next(
	int trust_dirfd, struct trust_root *root, struct trust_root **ret_next, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *next = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	char name[FILE_NAME_SIZE];
	struct err read_error;

	file_name(root->version + 1, name);
	if (file_read_at(trust_dirfd, name, ROOT_SIZE_MAX, &text, &read_error) < 0) {
		if (read_error.code == ERR_NOT_FOUND) {
			*ret_next = NULL;
			return 0;
		}
		*err = read_error;
		if (err->code == ERR_LIMIT)
			(void)err_recode(err, ERR_TRUST_INVALID);
		else if (err->code != ERR_NO_MEMORY)
			(void)err_recode(err, ERR_STATE_FOLDER);
		return err_context(err, "the state's trust folder");
	}
	if (trust_root_parse(str_bytes(&text), &next, err) < 0 ||
		trust_root_follow(root, next, err) < 0)
		return err_context(err, "the state's trust/%s", name);
	next->is_demo = root->is_demo;
	next->previous = next->owned_previous = root;
	*ret_next = STEAL(next);
	return 0;
}

/* "12.root.json": 12; 0 for another name. */
static long long version_of(const char *name)
{
	char expected[FILE_NAME_SIZE];
	long long version = strtoll(name, NULL, 10);

	if (version <= 0 || version > ROOT_VERSION_MAX)
		return 0;
	file_name(version, expected);
	return strcmp(name, expected) == 0 ? version : 0;
}

/* Roots come one after the other, so a hole means that one was taken away: the chain is not what it
 * was, and an older root must not come into force by that. */
static int check_no_hole(int trust_dirfd, const struct trust_root *root, struct err *err)
{
	CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	int fd = openat(trust_dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd >= 0)
		dir = fdopendir(fd);
	if (dir == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return err_set_errno(err, ERR_STATE_FOLDER, errno, "the state's trust folder");
	}
	while (errno = 0, (entry = readdir(dir)) != NULL)
		if (version_of(entry->d_name) > root->version)
			return err_set(err, ERR_TRUST_INVALID,
				"the state's trust folder has %s and not version %lld before it: "
				"it was changed by hand, or only a part of it was put back",
				entry->d_name, (long long)root->version + 1);
	return errno == 0 ? 0
			  : err_set_errno(err, ERR_STATE_FOLDER, errno, "the state's trust folder");
}

int trust_store_open_folder(int state_dirfd, int *ret_fd, struct err *err)
{
	struct err open_error;
	int fd = -1;

	if (state_dirfd >= 0 && folder_open_at(state_dirfd, "trust", &fd, &open_error) < 0 &&
		open_error.code != ERR_NOT_FOUND) {
		*err = open_error;
		return err_recode(err, ERR_STATE_FOLDER);
	}
	*ret_fd = fd;
	return 0;
}

int trust_store_make_folder(int state_dirfd, int *ret_fd, struct err *err)
{
	CLEANUP_FD int fd = -1;
	int status = folder_make_at(state_dirfd, "trust", &fd, err);

	if (status == 0)
		status = folder_sync(state_dirfd, err);
	if (status < 0) {
		if (err->code != ERR_NO_MEMORY)
			(void)err_recode(err, ERR_STATE_FOLDER);
		return err_context(err, "the state's trust folder");
	}
	*ret_fd = fd;
	fd = -1;
	return 0;
}

int trust_store_load(int state_dirfd, struct trust_root **ret_root, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP_FD int trust_dirfd = -1;
	int status;

	if ((status = trust_root_embedded(&root, err)) < 0 ||
		(status = trust_store_open_folder(state_dirfd, &trust_dirfd, err)) < 0)
		return status;
	while (trust_dirfd >= 0) {
		struct trust_root *next = NULL;
		status = load_next(trust_dirfd, root, &next, err);
		if (status < 0)
			return status;
		if (next == NULL)
			break;
		root = next;
	}
	if (trust_dirfd >= 0 && (status = check_no_hole(trust_dirfd, root, err)) < 0)
		return status;
	*ret_root = STEAL(root);
	return 0;
}

int trust_store_keep(int state_dirfd, const struct trust_root *root, struct bytes text,
	const char *source, struct err *err)
{
	CLEANUP_FD int trust_dirfd = -1;
	char name[FILE_NAME_SIZE];
	int status;

	file_name(root->version, name);
	if ((status = trust_store_make_folder(state_dirfd, &trust_dirfd, err)) < 0 ||
		(status = root_record_write(trust_dirfd, root, clock_now(), source, err)) < 0)
		return status;
	status = file_write_durable_at(trust_dirfd, name, text, 0600, err);
	if (status == 0 || err->code == ERR_NO_MEMORY)
		return status;
	(void)err_recode(err, ERR_STATE_FOLDER);
	return err_context(err, "root version %lld cannot be kept in the state's trust folder",
		(long long)root->version);
}
