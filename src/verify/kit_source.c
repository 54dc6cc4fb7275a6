#include "verify/kit_source.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verify/kit_parts.h"
#include "verify/signed_list.h"

static int open_parts(struct kit_source *source, int dirfd, const char *name,
	const struct verify_options *options, struct err *err)
{
	struct kit_parts *parts;
	int rc = kit_parts_open(dirfd, name, options, &parts, err);

	if (rc < 0)
		return rc;
	source->is_folder = false;
	source->size = parts->list.size;
	source->parts = parts;
	return 0;
}

/* The folder of the list that a path names. */
static int open_list(
	struct kit_source *source, const struct verify_options *options, struct err *err)
{
	const char *slash = strrchr(source->path, '/');
	const char *name = slash == NULL ? source->path : slash + 1;
	size_t size = slash == NULL ? 0 : (size_t)(slash - source->path);
	CLEANUP_STR struct str folder = STR_INIT;
	CLEANUP_FD int dirfd = -1;

	if (slash == NULL)
		str_append_char(&folder, '.');
	else
		str_append(&folder, source->path, size == 0 ? 1 : size);
	int rc = str_check(&folder, err);
	if (rc == 0)
		rc = folder_open(str_text(&folder), &dirfd, err);
	return rc < 0 ? rc : open_parts(source, dirfd, name, options, err);
}

/* A folder without a manifest may have a list. */
static int open_folder(
	struct kit_source *source, const struct verify_options *options, struct err *err)
{
	CLEANUP_STR struct str name = STR_INIT;
	struct stat st;

	source->is_folder = true;
	if (fstatat(source->fd, "manifest.dsse", &st, AT_SYMLINK_NOFOLLOW) == 0)
		return 0;
	int rc = kit_parts_find_list(source->fd, &name, err);
	if (rc < 0 || name.size == 0)
		return rc;
	return open_parts(source, source->fd, str_text(&name), options, err);
}

static int open_one(
	struct kit_source *source, const struct verify_options *options, struct err *err)
{
	struct stat st;

	source->fd = open(source->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (source->fd < 0)
		return err_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNREADABLE, errno,
			"%s", source->path);
	if (fstat(source->fd, &st) != 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "%s", source->path);
	if (S_ISDIR(st.st_mode))
		return open_folder(source, options, err);
	if (!S_ISREG(st.st_mode))
		return err_set(
			err, ERR_NOT_A_KIT, "%s is neither a file nor a folder", source->path);
	source->size = st.st_size;
	(void)posix_fadvise(source->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
	return 0;
}

int kit_source_open(struct kit_source *source, const char *path,
	const struct verify_options *options, struct err *err)
{
	*source = KIT_SOURCE_INIT;
	source->path = path;
	int rc = kit_parts_is_list(path) ? open_list(source, options, err)
					 : open_one(source, options, err);

	if (rc == 0 && source->parts == NULL && options->part_folder_count > 0)
		rc = err_set(err, ERR_USAGE, "%s is in one piece, and --parts was given", path);
	return rc;
}

void kit_source_release(struct kit_source *source)
{
	kit_parts_free(source->parts);
	cleanup_close(&source->fd);
	*source = KIT_SOURCE_INIT;
}

int kit_source_members(
	const struct kit_source *source, struct members **ret_members, struct err *err)
{
	if (source->parts != NULL)
		return members_open_parts(
			source->parts->fds, source->parts->list.count, ret_members, err);
	if (source->is_folder)
		return members_open_folder(source->fd, heads_order(), ret_members, err);
	return members_open_archive(source->fd, ret_members, err);
}

int kit_source_check_list(
	const struct kit_source *source, const struct trust_role *role, struct err *err)
{
	return source->parts == NULL ? 0
				     : signed_list_check(&source->parts->envelope,
					       source->parts->name, role, err);
}

int kit_source_check_parts(const struct kit_source *source, struct err *err)
{
	return source->parts == NULL ? 0 : kit_parts_check(source->parts, err);
}

int kit_source_explain(const struct kit_source *source, struct err *err)
{
	struct err damage = {0};
	int exit_code = err_exit_code(err->code);

	/* 1 to 7 but 6 is what other octets than the signed ones look like. */
	if (source->parts != NULL && exit_code >= 1 && exit_code != 6 && exit_code <= 7 &&
		kit_parts_check(source->parts, &damage) < 0 &&
		(damage.code == ERR_CHECKSUM || damage.code == ERR_UNREADABLE))
		*err = damage;
	return -(int)err->code;
}
