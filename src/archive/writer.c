#include "archive/writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"

struct archive_writer {
	int fd;
	struct archive *archive;
	int64_t missing; /* octets of the current file */
	struct err failure;
};

static const struct {
	int (*add)(struct archive *archive);
	const char *filter;
	int level, level_max;
	const char *option, *value; /* one more option */
} kinds[ARCHIVE_FORM_COUNT] = {
	[ARCHIVE_FORM_PLAIN] = {archive_write_add_filter_none, NULL, 0, 0, NULL, NULL},
	[ARCHIVE_FORM_GZIP] = {archive_write_add_filter_gzip, "gzip", 6, WRITER_GZIP_LEVEL_MAX,
		"timestamp", NULL},
	[ARCHIVE_FORM_ZSTD] = {archive_write_add_filter_zstd, "zstd", 3, WRITER_ZSTD_LEVEL_MAX,
		NULL, NULL},
	[ARCHIVE_FORM_XZ] = {archive_write_add_filter_xz, "xz", 6, WRITER_XZ_LEVEL_MAX, NULL, NULL},
};

static la_ssize_t write_block(
	struct archive *archive, void *argument, const void *data, size_t size)
{
	struct archive_writer *writer = argument;

	if (fd_write_all(writer->fd, bytes_make(data, size), &writer->failure) < 0) {
		archive_set_error(archive, ARCHIVE_FATAL, "%s", writer->failure.message);
		return -1;
	}
	return (la_ssize_t)size;
}

static int failed(struct archive_writer *writer, const char *what, struct err *err)
{
	if (writer->failure.code != ERR_NONE) {
		*err = writer->failure;
		return err_context(err, "%s", what);
	}
	const char *why = archive_error_string(writer->archive);
	return err_set(err, ERR_INTERNAL, "%s: %s", what, why != NULL ? why : "libarchive failed");
}

static int set_level(struct archive *archive, enum archive_form form, int level)
{
	char text[16];

	if (kinds[form].filter == NULL)
		return ARCHIVE_OK;
	(void)snprintf(text, sizeof text, "%d", level != 0 ? level : kinds[form].level);
	int code = archive_write_set_filter_option(
		archive, kinds[form].filter, "compression-level", text);
	if (code == ARCHIVE_OK && kinds[form].option != NULL)
		code = archive_write_set_filter_option(
			archive, kinds[form].filter, kinds[form].option, kinds[form].value);
	return code;
}

static int open_archive(
	struct archive_writer *writer, enum archive_form form, int level, struct err *err)
{
	struct archive *archive = archive_write_new();

	writer->archive = archive;
	if (archive == NULL)
		return err_no_memory(err);
	if (kinds[form].add(archive) != ARCHIVE_OK ||
		archive_write_set_format_pax_restricted(archive) != ARCHIVE_OK ||
		archive_write_set_bytes_per_block(archive, 256 * 1024) != ARCHIVE_OK ||
		archive_write_set_bytes_in_last_block(archive, 1) != ARCHIVE_OK ||
		set_level(archive, form, level) != ARCHIVE_OK ||
		archive_write_open(archive, writer, NULL, write_block, NULL) != ARCHIVE_OK)
		return failed(writer, "beginning the archive", err);
	return 0;
}

int archive_writer_new(int fd, enum archive_form form, int level,
	struct archive_writer **ret_writer, struct err *err)
{
	if (kinds[form].add == NULL || level < 0 || level > kinds[form].level_max)
		return err_set(err, ERR_USAGE, "%s cannot be written at level %d",
			archive_form_name(form), level);
	struct archive_writer *writer = calloc(1, sizeof *writer);
	if (writer == NULL)
		return err_no_memory(err);
	writer->fd = fd;
	int rc = open_archive(writer, form, level, err);
	if (rc < 0) {
		archive_writer_free(writer);
		return rc;
	}
	*ret_writer = writer;
	return 0;
}

int archive_writer_item(
	struct archive_writer *writer, const struct archive_item *item, struct err *err)
{
	if (writer->missing != 0)
		return err_set(
			err, ERR_INTERNAL, "%s: the file before is not complete", item->name);
	struct archive_entry *entry = archive_entry_new();
	if (entry == NULL)
		return err_no_memory(err);
	archive_entry_set_pathname(entry, item->name);
	archive_entry_set_filetype(entry, item->type == MEMBER_FOLDER ? AE_IFDIR : AE_IFREG);
	archive_entry_set_perm(entry, item->mode);
	archive_entry_set_size(entry, item->size);
	archive_entry_set_mtime(entry, item->time / 1000, 0);
	archive_entry_set_uid(entry, item->owner);
	archive_entry_set_gid(entry, item->owner);
	/* A warning: the C locale cannot turn the name to UTF-8; its octets are kept as they are.
	 */
	int code = archive_write_header(writer->archive, entry);
	archive_entry_free(entry);
	if (code != ARCHIVE_OK && code != ARCHIVE_WARN)
		return failed(writer, item->name, err);
	writer->missing = item->size;
	return 0;
}

int archive_writer_file(
	struct archive_writer *writer, const char *name, int64_t size, struct err *err)
{
	const struct archive_item item = {.name = name, .size = size, .mode = 0644};

	return archive_writer_item(writer, &item, err);
}

int archive_writer_data(struct archive_writer *writer, struct bytes data, struct err *err)
{
	if (data.size > (uint64_t)writer->missing)
		return err_set(err, ERR_INTERNAL, "a file is longer than was said");
	while (data.size > 0) {
		la_ssize_t done = archive_write_data(writer->archive, data.data, data.size);
		if (done <= 0)
			return failed(writer, "writing the archive", err);
		writer->missing -= done;
		data = bytes_make(data.data + done, data.size - (size_t)done);
	}
	return 0;
}

int archive_writer_copy(struct archive_writer *writer, struct members *members,
	const struct member *member, struct err *err)
{
	int rc = archive_writer_file(writer, member->untrusted_name, member->size, err);

	while (rc == 0) {
		struct bytes chunk;
		rc = members_read(members, &chunk, err);
		if (rc < 0 || chunk.size == 0)
			break;
		rc = archive_writer_data(writer, chunk, err);
	}
	return rc;
}

int archive_writer_finish(struct archive_writer *writer, struct err *err)
{
	if (writer->missing != 0)
		return err_set(err, ERR_INTERNAL, "the last file is not complete");
	if (archive_write_close(writer->archive) != ARCHIVE_OK)
		return failed(writer, "ending the archive", err);
	return 0;
}

void archive_writer_free(struct archive_writer *writer)
{
	if (writer == NULL)
		return;
	if (writer->archive != NULL) {
		/* Given up: closing must not write an end that would make half a kit look whole. */
		(void)archive_write_fail(writer->archive);
		(void)archive_write_free(writer->archive);
	}
	free(writer);
}

void archive_writer_cleanup(struct archive_writer **writer)
{
	archive_writer_free(*writer);
}
