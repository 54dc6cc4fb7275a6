#include "trust/store.h"

#include <stdio.h>

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
		if (err->code != ERR_NO_MEMORY)
			(void)err_recode(err, ERR_TRUST_INVALID);
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
