#include "trust/store.h"

#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "trust/root_internal.h"

enum { FILE_NAME_SIZE = sizeof "9007199254740992.root.json" };

int trust_root_follow(const struct trust_root *root, const struct trust_root *next, struct err *err)
{
	int status;

	if (next->version != root->version + 1)
		return err_set(err, ERR_TRUST_INVALID, "root version %lld does not follow %lld",
			(long long)next->version, (long long)root->version);
	if ((status = trust_root_signed_by(next, root, err)) < 0)
		return status;
	return trust_root_signed_by(next, next, err);
}

/* The root that follows in the folder; *ret_next is NULL if there is none. */
static int load_next(int trust_dirfd, const struct trust_root *root, struct trust_root **ret_next,
	struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *next = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	char name[FILE_NAME_SIZE];
	struct err read_error;

	(void)snprintf(name, sizeof name, "%lld.root.json", (long long)root->version + 1);
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
	*ret_next = STEAL(next);
	return 0;
}

int trust_store_load(int state_dirfd, struct trust_root **ret_root, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP_FD int trust_dirfd = -1;
	struct err open_error;
	int status = trust_root_embedded(&root, err);

	if (status < 0)
		return status;
	if (state_dirfd >= 0 &&
		folder_open_at(state_dirfd, "trust", &trust_dirfd, &open_error) < 0 &&
		open_error.code != ERR_NOT_FOUND) {
		*err = open_error;
		return -(int)err->code;
	}
	while (trust_dirfd >= 0) {
		struct trust_root *next = NULL;
		status = load_next(trust_dirfd, root, &next, err);
		if (status < 0)
			return status;
		if (next == NULL)
			break;
		trust_root_free(root);
		root = next;
	}
	*ret_root = STEAL(root);
	return 0;
}
