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
	CLEANUP_DIR DIR *folder = NULL;
	const char *found = NULL;
	int rc = folder_names(dirfd, &folder, err);

	while (rc == 0 && (rc = folder_next_name(folder, &found, err)) == 0 && found != NULL) {
		if (!kit_parts_is_list(found))
			continue;
		if (name->size > 0)
			rc = err_set(err, ERR_USAGE,
				"the folder has more than one list of parts: name the one");
		else
			str_append_text(name, found);
	}
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

/* Of the parts those that are not there, and those of another size, as far as a message reaches. */
struct lacking {
	struct str missing, other_size;
};

static void append_part(struct str *list, size_t index, const struct part *part)
{
	str_append_format(list, "%s%zu (%s", list->size > 0 ? ", " : "", index + 1, part->name);
}

static int say_lacking(const struct kit_parts *parts, struct lacking *lacking, struct err *err)
{
	bool missing = lacking->missing.size > 0, other = lacking->other_size.size > 0;

	if (!missing && !other)
		return 0;
	return err_set(err, missing ? ERR_MISSING_FILE : ERR_CHECKSUM, "%s of %zu parts: %s%s%s",
		missing ? "missing" : "of another size than listed", parts->list.count,
		str_text(missing ? &lacking->missing : &lacking->other_size),
		missing && other ? "; of another size than listed: " : "",
		missing && other ? str_text(&lacking->other_size) : "");
}

static int find_all(struct kit_parts *parts, int dirfd, const int *folders,
	const struct verify_options *options, struct err *err)
{
	struct lacking lacking = {STR_INIT, STR_INIT};
	int rc = 0;

	for (size_t i = 0; i < parts->list.count && rc == 0; i++) {
		const struct part *part = &parts->list.parts[i];
		int found = FOUND_NOT;
		int64_t size = 0;
		rc = look_everywhere(parts, dirfd, folders, i, options, &found, &size, err);
		if (rc < 0)
			(void)err_context(err, "part %zu of %zu", i + 1, parts->list.count);
		if (rc < 0 || found == FOUND)
			continue;
		struct str *list = found == FOUND_NOT ? &lacking.missing : &lacking.other_size;
		append_part(list, i, part);
		if (found == FOUND_OTHER_SIZE)
			str_append_format(list, ": %lld octets, not %lld", (long long)size,
				(long long)part->size);
		str_append_char(list, ')');
	}
	if (rc == 0)
		rc = say_lacking(parts, &lacking, err);
	str_release(&lacking.missing);
	str_release(&lacking.other_size);
	return rc;
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

/* All that are damaged, as far as a message reaches; one by itself with more words. */
static int say_damaged(
	const struct kit_parts *parts, const bool *damaged, size_t count, struct err *err)
{
	CLEANUP_STR struct str list = STR_INIT;
	size_t last = 0;

	for (size_t i = 0; i < parts->list.count; i++) {
		if (!damaged[i])
			continue;
		last = i;
		str_append_format(&list, "%s%zu (%s)", list.size > 0 ? ", " : "", i + 1,
			parts->list.parts[i].name);
	}
	if (count > 1)
		return err_set(err, ERR_CHECKSUM,
			"damaged of %zu parts, their SHA-256 is another: %s", parts->list.count,
			str_text(&list));
	return err_set(err, ERR_CHECKSUM,
		"part %zu of %zu, %s: it is damaged: its SHA-256 is another", last + 1,
		parts->list.count, parts->list.parts[last].name);
}

int kit_parts_check(const struct kit_parts *parts, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	bool damaged[PARTS_MAX] = {false};
	size_t count = 0;
	int rc = sha256_stream_new(&stream, err);

	for (size_t i = 0; i < parts->list.count && rc == 0; i++) {
		const struct part *part = &parts->list.parts[i];
		struct sha256 digest;
		int64_t size;
		rc = sha256_of_file(stream, parts->fds[i], &digest, &size, err);
		if (rc < 0)
			return err_context(
				err, "part %zu of %zu, %s", i + 1, parts->list.count, part->name);
		damaged[i] = !sha256_equal(&digest, &part->digest);
		count += damaged[i];
	}
	return rc < 0 || count == 0 ? rc : say_damaged(parts, damaged, count, err);
}
