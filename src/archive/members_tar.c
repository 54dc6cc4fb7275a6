#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "archive/members_private.h"
#include "archive/tar_headers.h"
#include "archive/tar_stream.h"
#include "base/cleanup.h"
#include "text/text.h"

enum { TAR_END = 2 * TAR_BLOCK };

struct tar {
	struct tar_stream *stream;
	struct archive *archive;
	struct archive_entry *entry; /* ours: the library does not look whether its own was made */
	struct bytes block;	     /* what the library was given last */
	int64_t given;		     /* octets that the library was given in all */
	int64_t content_end;	     /* where the last member's padded content ends */
	int64_t member_size;	     /* of the current member */
	int64_t member_done;	     /* octets of it that the library gave */
	struct bytes content;	     /* of them, what was not read yet */
	struct err failure;	     /* of the stream, inside the library's callback */
	struct str headers;	     /* behind content_end, what stood in blocks before this one */
	struct str name;
};

/* The next member's headers may go over the end of a block: what stands there is kept. */
static int keep_headers(struct tar *tar, struct err *err)
{
	int64_t begin = tar->content_end + (int64_t)tar->headers.size;
	int64_t left = tar->given - begin;

	if (left <= 0)
		return 0;
	if ((int64_t)tar->headers.size + left > MEMBER_HEADER_MAX)
		left = MEMBER_HEADER_MAX - (int64_t)tar->headers.size;
	str_append(&tar->headers, tar->block.data + tar->block.size - (tar->given - begin),
		(size_t)left);
	return str_check(&tar->headers, err);
}

static la_ssize_t tar_read(struct archive *archive, void *argument, const void **ret_block)
{
	struct tar *tar = argument;

	(void)archive;
	if (keep_headers(tar, &tar->failure) < 0 ||
		tar_stream_next(tar->stream, &tar->block, &tar->failure) < 0)
		return -1;
	tar->given += (int64_t)tar->block.size;
	*ret_block = tar->block.data;
	return (la_ssize_t)tar->block.size;
}

static int tar_failed(struct tar *tar, struct err *err)
{
	if (tar->failure.code != ERR_NONE) {
		*err = tar->failure;
		return -(int)err->code;
	}
	if (archive_errno(tar->archive) == ENOMEM)
		return err_no_memory(err);
	const char *what = archive_error_string(tar->archive);
	return err_set(err, ERR_TRUNCATED, "the archive is damaged after octet %lld: %s",
		(long long)tar->content_end, what != NULL ? what : "bad header");
}

/* Text of the archive's, fit for a message. */
static int refuse(struct err *err, const char *name, const char *what)
{
	CLEANUP_STR struct str shown = STR_INIT;

	text_escape(&shown, bytes_of_string(name), 200);
	return err_set(err, ERR_UNSAFE_ARCHIVE, "%s %s", str_text(&shown), what);
}

static const struct {
	unsigned type;
	const char *what;
} refused_types[] = {
	{AE_IFLNK, "is a symbolic link"},
	{AE_IFCHR, "is a character device"},
	{AE_IFBLK, "is a block device"},
	{AE_IFIFO, "is a named pipe"},
	{AE_IFSOCK, "is a socket"},
};

static int check_type(struct archive_entry *entry, const char *name, struct err *err)
{
	unsigned type = archive_entry_filetype(entry);

	if (archive_entry_hardlink(entry) != NULL)
		return refuse(err, name, "is a hard link");
	for (size_t i = 0; i < sizeof refused_types / sizeof *refused_types; i++)
		if (type == refused_types[i].type)
			return refuse(err, name, refused_types[i].what);
	if (type != AE_IFREG && type != AE_IFDIR)
		return refuse(err, name, "is neither a file nor a folder");
	if (archive_entry_symlink(entry) != NULL)
		return refuse(err, name, "has a link's target");
	if (archive_entry_sparse_count(entry) > 0)
		return refuse(err, name, "is a sparse file");
	if (archive_entry_xattr_count(entry) > 0)
		return refuse(err, name, "has extended attributes");
	if (archive_entry_acl_types(entry) != 0)
		return refuse(err, name, "has an access list");
	if (!archive_entry_size_is_set(entry) || archive_entry_size(entry) < 0)
		return refuse(err, name, "has no size");
	if (type == AE_IFDIR && archive_entry_size(entry) != 0)
		return refuse(err, name, "is a folder with content");
	return 0;
}

static bool is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((unsigned char)*text >= 0x80)
			return false;
	return true;
}

/* The octets of the name as the archive has them; no locale takes part. */
static const char *entry_name(struct archive_entry *entry)
{
	const char *name = archive_entry_pathname(entry);

	return name != NULL ? name : archive_entry_pathname_utf8(entry);
}

static int check_entry(struct tar *tar, struct archive_entry *entry, int code, struct err *err)
{
	const char *name = entry_name(entry);
	int64_t start = archive_read_header_position(tar->archive);
	int64_t end = archive_filter_bytes(tar->archive, 0);

	if (name == NULL || *name == '\0')
		return err_set(err, ERR_UNSAFE_ARCHIVE, "a member at octet %lld has no name",
			(long long)start);
	/* The library warns of a name that the C locale cannot show; of nothing else that is
	 * harmless. */
	if (code == ARCHIVE_WARN && is_ascii(name))
		return refuse(err, name, "has a header that breaks the format");
	if (end - start > MEMBER_HEADER_MAX)
		return err_set(err, ERR_LIMIT, "a member at octet %lld has headers over %d octets",
			(long long)start, MEMBER_HEADER_MAX);
	return check_type(entry, name, err);
}

/* The headers as they stand in the archive: in what was kept, and in the block. */
static int check_headers(struct tar *tar, struct err *err)
{
	CLEANUP_STR struct str whole = STR_INIT;
	int64_t end = archive_filter_bytes(tar->archive, 0);
	int64_t block_begin = tar->given - (int64_t)tar->block.size;
	int64_t begin = tar->content_end + (int64_t)tar->headers.size;

	if (begin < block_begin || end < begin || end > tar->given)
		return err_set(err, ERR_UNSAFE_ARCHIVE,
			"the headers at octet %lld are not where the member before them ends",
			(long long)tar->content_end);
	struct bytes rest =
		bytes_make(tar->block.data + (begin - block_begin), (size_t)(end - begin));
	if (tar->headers.size == 0)
		return tar_headers_check(rest, err);
	str_append(&whole, tar->headers.text, tar->headers.size);
	str_append(&whole, rest.data, rest.size);
	str_truncate(&tar->headers, 0);
	int rc = str_check(&whole, err);
	return rc < 0 ? rc : tar_headers_check(str_bytes(&whole), err);
}

static bool is_zero(struct bytes octets)
{
	for (size_t i = 0; i < octets.size; i++)
		if (octets.data[i] != 0)
			return false;
	return true;
}

/* What is left of the stream behind the last member: two blocks of zeros at least, zeros only. */
static int check_end(struct tar *tar, struct err *err)
{
	int64_t unseen = tar->given - tar->content_end - (int64_t)tar->headers.size;

	if (archive_filter_bytes(tar->archive, 0) < tar->content_end || unseen < 0 ||
		unseen > (int64_t)tar->block.size)
		return err_set(err, ERR_TRUNCATED, "the archive ends within a member");
	struct bytes rest = bytes_make(NULL, 0);
	if (unseen > 0)
		rest = bytes_make(
			tar->block.data + tar->block.size - (size_t)unseen, (size_t)unseen);
	bool clean = is_zero(str_bytes(&tar->headers));
	for (;;) {
		clean = clean && is_zero(rest);
		if (!clean)
			return err_set(err, ERR_UNSAFE_ARCHIVE,
				"something follows the end of the archive");
		if (tar->given - tar->content_end > ARCHIVE_PADDING_MAX)
			return err_set(err, ERR_LIMIT,
				"more than %d octets of padding follow the end of the archive",
				ARCHIVE_PADDING_MAX);
		int rc = tar_stream_next(tar->stream, &rest, err);
		if (rc < 0)
			return rc;
		if (rest.size == 0)
			break;
		tar->given += (int64_t)rest.size;
	}
	if (tar->given - tar->content_end < TAR_END)
		return err_set(err, ERR_TRUNCATED, "the archive's end is missing");
	return 0;
}

static int tar_next(void *self, struct member *ret_member, bool *ret_end, struct err *err)
{
	struct tar *tar = self;
	struct archive_entry *entry = tar->entry;

	int code = archive_read_next_header2(tar->archive, entry);
	if (code == ARCHIVE_EOF) {
		int rc = check_end(tar, err);
		if (rc == 0)
			*ret_end = true;
		return rc;
	}
	if (code != ARCHIVE_OK && code != ARCHIVE_WARN)
		return tar_failed(tar, err);
	int rc = check_entry(tar, entry, code, err);
	if (rc == 0)
		rc = check_headers(tar, err);
	if (rc < 0)
		return rc;
	bool folder = archive_entry_filetype(entry) == AE_IFDIR;
	str_truncate(&tar->name, 0);
	str_append_text(&tar->name, entry_name(entry));
	rc = str_check(&tar->name, err);
	if (rc < 0)
		return rc;
	if (folder && tar->name.size > 1 && tar->name.text[tar->name.size - 1] == '/')
		str_truncate(&tar->name, tar->name.size - 1);
	tar->member_size = archive_entry_size(entry);
	tar->member_done = 0;
	tar->content = bytes_make(NULL, 0);
	int64_t start = archive_filter_bytes(tar->archive, 0);
	if (tar->member_size > INT64_MAX - TAR_BLOCK - start)
		return refuse(err, str_text(&tar->name), "has an impossible size");
	tar->content_end = start + (tar->member_size + TAR_BLOCK - 1) / TAR_BLOCK * TAR_BLOCK;
	*ret_member = (struct member){.untrusted_name = str_text(&tar->name),
		.type = folder ? MEMBER_FOLDER : MEMBER_FILE,
		.size = tar->member_size};
	*ret_end = false;
	return 0;
}

/* The next block of the content as the library has it; ret_end: there is none. */
static int next_content(struct tar *tar, bool *ret_end, struct err *err)
{
	const void *data = NULL;
	size_t size = 0;
	la_int64_t offset = 0;

	do {
		int code = archive_read_data_block(tar->archive, &data, &size, &offset);
		if (code == ARCHIVE_EOF) {
			if (tar->member_done != tar->member_size)
				return refuse(err, str_text(&tar->name), "is cut off");
			*ret_end = true;
			return 0;
		}
		if (code != ARCHIVE_OK)
			return tar_failed(tar, err);
		if (offset != tar->member_done ||
			(int64_t)size > tar->member_size - tar->member_done)
			return refuse(err, str_text(&tar->name), "has holes");
	} while (size == 0);
	tar->member_done += (int64_t)size;
	tar->content = bytes_make(data, size);
	*ret_end = false;
	return 0;
}

static int tar_content(void *self, uint8_t *into, size_t room, size_t *ret_got, struct err *err)
{
	struct tar *tar = self;
	bool end = false;
	size_t got = 0;

	while (got < room) {
		if (tar->content.size == 0) {
			int rc = next_content(tar, &end, err);
			if (rc < 0)
				return rc;
			if (end)
				break;
		}
		size_t part = room - got < tar->content.size ? room - got : tar->content.size;
		memcpy(into + got, tar->content.data, part);
		tar->content = bytes_make(tar->content.data + part, tar->content.size - part);
		got += part;
	}
	*ret_got = got;
	return 0;
}

static const char *tar_form(const void *self)
{
	const struct tar *tar = self;

	return archive_form_name(tar_stream_form(tar->stream));
}

static void tar_free(void *self)
{
	struct tar *tar = self;

	archive_entry_free(tar->entry);
	if (tar->archive != NULL)
		(void)archive_read_free(tar->archive);
	tar_stream_free(tar->stream);
	str_release(&tar->name);
	str_release(&tar->headers);
	free(tar);
}

static const struct members_source source = {tar_next, tar_content, tar_form, tar_free};

static int tar_open(struct tar *tar, struct err *err)
{
	tar->archive = archive_read_new();
	tar->entry = tar->archive == NULL ? NULL : archive_entry_new2(tar->archive);
	if (tar->entry == NULL)
		return err_no_memory(err);
	if (archive_read_support_format_tar(tar->archive) != ARCHIVE_OK ||
		archive_read_append_filter(tar->archive, ARCHIVE_FILTER_NONE) != ARCHIVE_OK)
		return err_no_memory(err); /* nothing else can go wrong in it */
	if (archive_read_open(tar->archive, tar, NULL, tar_read, NULL) == ARCHIVE_OK)
		return 0;
	if (tar->failure.code == ERR_NONE && archive_errno(tar->archive) != ENOMEM)
		return err_set(err, ERR_NOT_A_KIT, "the file is not a tar archive");
	return tar_failed(tar, err);
}

/* Takes over the stream. */
static int open_members(struct tar_stream *stream, struct members **ret_members, struct err *err)
{
	struct tar *tar = calloc(1, sizeof *tar);

	if (tar == NULL) {
		tar_stream_free(stream);
		return err_no_memory(err);
	}
	tar->stream = stream;
	int rc = tar_open(tar, err);
	if (rc == 0)
		rc = members_new(&source, tar, ret_members, err);
	if (rc < 0)
		tar_free(tar);
	return rc;
}

int members_open_archive_here(int fd, struct members **ret_members, struct err *err)
{
	struct tar_stream *stream;
	int rc = tar_stream_open(fd, &stream, err);

	return rc < 0 ? rc : open_members(stream, ret_members, err);
}

int members_open_source(
	const struct octet_source *octets, struct members **ret_members, struct err *err)
{
	struct tar_stream *stream;
	int rc = tar_stream_open_source(octets, &stream, err);

	return rc < 0 ? rc : open_members(stream, ret_members, err);
}
