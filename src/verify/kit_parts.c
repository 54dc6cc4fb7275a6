#include "verify/kit_parts.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verify/signed_list.h"

/* ---- the list */

bool kit_parts_is_list(const char *name)
{
	size_t size = strlen(name);
	size_t ending = strlen(PART_LIST_ENDING);

	return size > ending && strcmp(name + size - ending, PART_LIST_ENDING) == 0;
}

int kit_parts_find_list(int dirfd, struct str *name, struct err *err)
{
	CLEANUP_FD int fd = -1;
	int rc = folder_open_at(dirfd, ".", &fd, err);

	if (rc < 0)
		return rc;
	DIR *folder = fdopendir(fd);
	if (folder == NULL)
		return err_set_errno(err, ERR_UNREADABLE, errno, "listing the kit's folder");
	(void)steal_fd(&fd);
	for (struct dirent *entry = readdir(folder); entry != NULL && rc == 0;
		entry = readdir(folder)) {
		if (!kit_parts_is_list(entry->d_name))
			continue;
		if (name->size > 0)
			rc = err_set(err, ERR_USAGE,
				"the folder has more than one list of parts: name the one");
		else
			str_append_text(name, entry->d_name);
	}
	(void)closedir(folder);
	return rc < 0 ? rc : str_check(name, err);
}

static int read_list(struct kit_parts *parts, int dirfd, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	int rc = file_read_at(dirfd, parts->name, PART_LIST_SIZE_MAX, &text, err);

	if (rc < 0)
		return rc;
	parts->text = arena_bytes(&parts->arena, str_bytes(&text));
	if (parts->text.data == NULL)
		return err_no_memory(err);
	rc = signed_list_parse(parts->text, &parts->arena, &parts->envelope, err);
	if (rc == 0)
		rc = part_list_parse(
			parts->envelope.untrusted_payload, &parts->arena, &parts->list, err);
	return rc < 0 ? err_context(err, "%s", parts->name) : 0;
}

/* ---- the parts */

enum { FOUND_NOT, FOUND_OTHER_SIZE, FOUND };

/* What there is of a part in a folder; an unreadable one is an error of its own. */
static int look(
	int dirfd, const struct part *part, int *ret_fd, int *found, int64_t *size, struct err *err)
{
	CLEANUP_FD int fd = -1;
	struct stat st;
	int rc = file_open_at(dirfd, part->name, &fd, err);

	if (rc == -ERR_NOT_FOUND)
		return 0;
	if (rc < 0)
		return rc;
	if (fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "%s", part->name);
	if (st.st_size != part->size) {
		*found = FOUND_OTHER_SIZE;
		*size = st.st_size;
		return 0;
	}
	*found = FOUND;
	*ret_fd = steal_fd(&fd);
	return 0;
}

static int look_everywhere(struct kit_parts *parts, int dirfd, const int *folders, size_t i,
	const struct verify_options *options, int *found, int64_t *size, struct err *err)
{
	const struct part *part = &parts->list.parts[i];
	int rc = look(dirfd, part, &parts->fds[i], found, size, err);

	for (size_t k = 0; k < options->part_folder_count && rc == 0 && *found != FOUND; k++)
		rc = look(folders[k], part, &parts->fds[i], found, size, err);
	return rc;
}

/* Every part that is not there, as far as a message reaches. */
static int find_all(struct kit_parts *parts, int dirfd, const int *folders,
	const struct verify_options *options, struct err *err)
{
	CLEANUP_STR struct str missing = STR_INIT;
	struct err wrong = {0};

	for (size_t i = 0; i < parts->list.count; i++) {
		const struct part *part = &parts->list.parts[i];
		int found = FOUND_NOT;
		int64_t size = 0;
		int rc = look_everywhere(parts, dirfd, folders, i, options, &found, &size, err);
		if (rc < 0)
			return err_context(err, "part %zu of %zu", i + 1, parts->list.count);
		if (found == FOUND_OTHER_SIZE && wrong.code == ERR_NONE)
			(void)!err_set(&wrong, ERR_CHECKSUM,
				"part %zu of %zu, %s, has %lld octets, listed are %lld", i + 1,
				parts->list.count, part->name, (long long)size,
				(long long)part->size);
		if (found == FOUND_NOT)
			str_append_format(&missing, "%s%zu (%s)", missing.size > 0 ? ", " : "",
				i + 1, part->name);
	}
	if (missing.size > 0)
		return err_set(err, ERR_MISSING_FILE, "missing of %zu parts: %s", parts->list.count,
			str_text(&missing));
	if (wrong.code != ERR_NONE) {
		*err = wrong;
		return -(int)err->code;
	}
	return 0;
}

static int open_all(
	struct kit_parts *parts, int dirfd, const struct verify_options *options, struct err *err)
{
	int folders[PART_FOLDERS_MAX];
	size_t count = 0;
	int rc = 0;

	if (options->part_folder_count > PART_FOLDERS_MAX)
		return err_set(err, ERR_USAGE, "more than %d folders of parts", PART_FOLDERS_MAX);
	while (rc == 0 && count < options->part_folder_count) {
		rc = folder_open(options->part_folders[count], &folders[count], err);
		count += rc == 0;
	}
	if (rc == 0)
		rc = find_all(parts, dirfd, folders, options, err);
	while (count > 0)
		(void)close(folders[--count]);
	return rc;
}

int kit_parts_open(int dirfd, const char *name, const struct verify_options *options,
	struct kit_parts **ret_parts, struct err *err)
{
	struct kit_parts *parts = calloc(1, sizeof *parts);

	if (parts == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < PARTS_MAX; i++)
		parts->fds[i] = -1;
	parts->name = arena_string(&parts->arena, name);
	int rc = parts->name == NULL ? err_no_memory(err) : read_list(parts, dirfd, err);
	if (rc == 0)
		rc = open_all(parts, dirfd, options, err);
	if (rc < 0) {
		kit_parts_free(parts);
		return rc;
	}
	*ret_parts = parts;
	return 0;
}

void kit_parts_free(struct kit_parts *parts)
{
	if (parts == NULL)
		return;
	for (size_t i = 0; i < PARTS_MAX; i++)
		cleanup_close(&parts->fds[i]);
	arena_release(&parts->arena);
	free(parts);
}

/* ---- what they should be */

int kit_parts_check(const struct kit_parts *parts, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	struct sha256 digest;
	int64_t size;
	int rc = sha256_stream_new(&stream, err);

	for (size_t i = 0; i < parts->list.count && rc == 0; i++) {
		const struct part *part = &parts->list.parts[i];
		rc = sha256_of_file(stream, parts->fds[i], &digest, &size, err);
		if (rc == 0 && !sha256_equal(&digest, &part->digest))
			rc = err_set(err, ERR_CHECKSUM, "it is damaged: its SHA-256 is another");
		if (rc < 0)
			return err_context(
				err, "part %zu of %zu, %s", i + 1, parts->list.count, part->name);
	}
	return rc;
}
