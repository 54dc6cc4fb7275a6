#include "pack/resign.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "archive/members.h"
#include "archive/writer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"
#include "kit/detached.h"
#include "kit/name.h"
#include "kit/sums.h"

/* The documents that are read whole, and written anew. */
static const struct {
	const char *name;
	size_t limit;
	size_t offset;
} table[] = {
	{"manifest.dsse", ENVELOPE_SIZE_MAX, offsetof(struct signed_documents, envelope)},
	{"SHA256SUMS", SUMS_SIZE_MAX, offsetof(struct signed_documents, sums)},
	{"SHA256SUMS.sig", DETACHED_SIZE_MAX, offsetof(struct signed_documents, sums_signature)},
};
enum { HEAD_COUNT = sizeof table / sizeof table[0], SUMS_HEAD = 1, SIGNATURE_HEAD = 2 };

static struct str *head_at(struct signed_documents *heads, size_t index)
{
	return (struct str *)(void *)((char *)heads + table[index].offset);
}

/* HEAD_COUNT if it is none of them. */
static size_t find_head(const char *name)
{
	size_t i = 0;

	while (i < HEAD_COUNT && strcmp(table[i].name, name) != 0)
		i++;
	return i;
}

static int read_head(struct members *members, const struct member *member, size_t index,
	struct signed_documents *heads, struct err *err)
{
	struct str *text = head_at(heads, index);

	if (text->size > 0)
		return err_set(err, ERR_UNSAFE_ARCHIVE, "%s stands there twice", table[index].name);
	if ((uint64_t)member->size > table[index].limit)
		return err_set(err, ERR_LIMIT, "%s is too large", table[index].name);
	for (;;) {
		struct bytes chunk;
		int rc = members_read(members, &chunk, err);
		if (rc < 0)
			return rc;
		if (chunk.size == 0)
			return str_check(text, err);
		str_append(text, chunk.data, chunk.size);
	}
}

/*
 * Looks through the whole archive: it is refused here, if at all, before anything is written.
 * ret_form is ARCHIVE_FORM_COUNT if it is one that cannot be written.
 */
static int read_heads(
	int fd, struct signed_documents *heads, enum archive_form *ret_form, struct err *err)
{
	CLEANUP(members_cleanup) struct members *members = NULL;
	int rc = members_open_archive(fd, &members, err);

	while (rc == 0) {
		struct member member;
		bool end;
		rc = members_next(members, &member, &end, err);
		if (rc < 0 || end)
			break;
		size_t index = find_head(member.untrusted_name);
		if (index < HEAD_COUNT)
			rc = read_head(members, &member, index, heads, err);
		else
			rc = name_check(bytes_of_string(member.untrusted_name), err);
	}
	if (rc < 0)
		return rc;
	if (heads->envelope.size == 0 || heads->sums.size == 0)
		return err_set(err, ERR_NOT_A_KIT, "it has no manifest.dsse or no SHA256SUMS");
	if (!archive_form_by_name(members_form(members), ret_form))
		*ret_form = ARCHIVE_FORM_COUNT;
	return 0;
}

static int check_writable(enum archive_form form, struct err *err)
{
	if (form == ARCHIVE_FORM_COUNT)
		return err_set(
			err, ERR_USAGE, "an archive of bzip2 or lz4 can be read, and not written");
	return 0;
}

static int put(
	struct archive_writer *writer, const char *name, const struct str *text, struct err *err)
{
	int rc = archive_writer_file(writer, name, (int64_t)text->size, err);

	return rc < 0 ? rc : archive_writer_data(writer, str_bytes(text), err);
}

static int write_member(struct members *members, const struct member *member,
	struct signed_documents *heads, struct archive_writer *writer, struct err *err)
{
	size_t index = find_head(member->untrusted_name);
	int rc = 0;

	if (member->type == MEMBER_FOLDER)
		return 0; /* the writer makes none: files say where they are */
	if (index == HEAD_COUNT)
		return archive_writer_copy(writer, members, member, err);
	/* The signature follows what it signs, wherever it stood before. */
	if (index != SIGNATURE_HEAD)
		rc = put(writer, table[index].name, head_at(heads, index), err);
	if (rc == 0 && index == SUMS_HEAD && heads->sums_signature.size > 0)
		rc = put(writer, table[SIGNATURE_HEAD].name, head_at(heads, SIGNATURE_HEAD), err);
	return rc;
}

static int write_archive(int from_fd, int to_fd, enum archive_form form,
	struct signed_documents *heads, struct err *err)
{
	CLEANUP(archive_writer_cleanup) struct archive_writer *writer = NULL;
	CLEANUP(members_cleanup) struct members *members = NULL;
	int rc = archive_writer_new(to_fd, form, 0, &writer, err);

	if (rc == 0)
		rc = members_open_archive(from_fd, &members, err);
	while (rc == 0) {
		struct member member;
		bool end;
		rc = members_next(members, &member, &end, err);
		if (rc < 0 || end)
			break;
		rc = write_member(members, &member, heads, writer, err);
	}
	if (rc == 0)
		rc = archive_writer_finish(writer, err);
	if (rc == 0 && fsync(to_fd) != 0)
		rc = err_set_errno(err, ERR_DISK, errno, "syncing the kit");
	return rc;
}

int resign_archive_read(const char *path, struct signed_documents *heads, struct err *err)
{
	CLEANUP_STR struct str name = STR_INIT;
	CLEANUP_FD int place = -1, fd = -1;
	enum archive_form form;
	int rc;

	if ((rc = place_open(path, &place, &name, err)) < 0 ||
		(rc = file_open_at(place, str_text(&name), &fd, err)) < 0)
		return rc;
	return read_heads(fd, heads, &form, err);
}

int resign_archive(const char *path, documents_change *change, void *argument,
	struct signed_summary *ret_summary, struct err *err)
{
	CLEANUP(signed_documents_release) struct signed_documents heads = {0};
	CLEANUP_FD int place = -1, from_fd = -1, to_fd = -1;
	CLEANUP_STR struct str name = STR_INIT;
	char temporary[PLACE_TEMPORARY_SIZE] = "";
	enum archive_form form;
	int rc;

	if ((rc = place_open(path, &place, &name, err)) < 0 ||
		(rc = file_open_at(place, str_text(&name), &from_fd, err)) < 0 ||
		(rc = read_heads(from_fd, &heads, &form, err)) < 0 ||
		(rc = check_writable(form, err)) < 0 ||
		(rc = change(argument, &heads, ret_summary, err)) < 0 ||
		(rc = place_temporary(place, false, temporary, &to_fd, err)) < 0)
		return rc;
	rc = write_archive(from_fd, to_fd, form, &heads, err);
	if (rc == 0 && renameat(place, temporary, place, str_text(&name)) != 0)
		rc = err_set_errno(err, ERR_DISK, errno, "%s", path);
	if (rc == 0)
		return folder_sync(place, err);
	(void)unlinkat(place, temporary, 0);
	return rc;
}
