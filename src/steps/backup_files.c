#include "steps/backup_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/backup_joint.h"

/* ---- names */

enum { STEM_MAX = 238, STEM_KEPT = 208 }; /* mongodump's, so that suffixes fit in 255 octets */

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '-' || c == '_' || c == '.' || c == '~';
}

/* Go's url.QueryEscape, which mongodump uses. */
static void escape(const char *name, struct str *out)
{
	for (; *name != '\0'; name++) {
		if (is_plain(*name))
			str_append_char(out, *name);
		else if (*name == ' ')
			str_append_char(out, '+');
		else
			str_append_format(out, "%%%02X", (unsigned)(unsigned char)*name);
	}
}

/*
 * What is too long is cut, and made unlike others by a digest behind "%24" ("$"): by that and the
 * length mongorestore knows that the name stands in the metadata.
 */
static int shorten(const char *name, struct str *stem, struct err *err)
{
	char hex[SHA256_HEX_SIZE];
	struct sha256 digest;
	int result = sha256_of(bytes_of_string(name), &digest, err);

	if (result != 0)
		return result;
	sha256_to_hex(&digest, hex);
	str_truncate(stem, STEM_KEPT);
	str_append_format(stem, "%%24%.*s", STEM_MAX - STEM_KEPT - 3, hex);
	return 0;
}

int backup_file_name(const char *collection, const char *kind, enum compression compression,
	char name[static BACKUP_NAME_SIZE], struct err *err)
{
	CLEANUP_STR struct str stem = STR_INIT;
	int result = 0;

	escape(collection, &stem);
	if (stem.size > STEM_MAX)
		result = shorten(collection, &stem, err);
	if (result == 0)
		result = str_check(&stem, err);
	if (result != 0)
		return result;
	int size = snprintf(name, BACKUP_NAME_SIZE, "%s%s%s", str_text(&stem), kind,
		compression_suffix(compression));
	if (size < 0 || size >= BACKUP_NAME_SIZE)
		return err_set(err, ERR_BACKUP, "the name of collection %s is too long for a file",
			collection);
	return 0;
}

static int hex_value(char c)
{
	return c >= '0' && c <= '9'   ? c - '0'
	       : c >= 'A' && c <= 'F' ? c - 'A' + 10
	       : c >= 'a' && c <= 'f' ? c - 'a' + 10
				      : -1;
}

const char *backup_collection_name(const char *stem, size_t size, struct arena *arena)
{
	char *name = arena_string_n(arena, stem, size);
	size_t to = 0;

	if (name == NULL)
		return NULL;
	for (size_t at = 0; at < size; at++, to++) {
		if (stem[at] == '+') {
			name[to] = ' ';
		} else if (stem[at] != '%') {
			name[to] = stem[at];
		} else {
			bool whole = size - at > 2;
			int high = whole ? hex_value(stem[at + 1]) : -1;
			int low = whole ? hex_value(stem[at + 2]) : -1;
			if (high < 0 || low < 0 || high * 16 + low == 0)
				return NULL;
			name[to] = (char)(high * 16 + low);
			at += 2;
		}
	}
	name[to] = '\0';
	return to > 0 ? name : NULL;
}

/* ---- writing */

struct backup_writer {
	struct backup_joint *joint;
	struct stream_writer *stream;
};

static int write_out(void *self, struct bytes data, struct err *err)
{
	return backup_joint_append(((struct backup_writer *)self)->joint, data, err);
}

int backup_writer_new(int dirfd, const char *name, enum compression compression,
	struct backup_writer **ret_writer, struct err *err)
{
	struct backup_writer *writer = calloc(1, sizeof *writer);
	struct stream_sink sink = {.self = writer, .write = write_out};

	if (writer == NULL)
		return err_no_memory(err);
	int result = backup_joint_new(dirfd, name, &writer->joint, err);
	if (result == 0)
		result = stream_writer_new(compression, sink, &writer->stream, err);
	if (result != 0) {
		backup_writer_free(writer);
		return result;
	}
	*ret_writer = writer;
	return 0;
}

int backup_writer_write(struct backup_writer *writer, struct bytes data, struct err *err)
{
	return stream_write(writer->stream, data, err);
}

int backup_writer_end(struct backup_writer *writer, struct backup_file *file, struct err *err)
{
	int result = stream_writer_finish(writer->stream, err);

	return result != 0 ? result : backup_joint_end(writer->joint, file, err);
}

void backup_writer_free(struct backup_writer *writer)
{
	if (writer == NULL)
		return;
	backup_joint_remove(writer->joint);
	stream_writer_free(writer->stream);
	free(writer);
}

void backup_writer_cleanup(struct backup_writer **writer)
{
	backup_writer_free(*writer);
}

/* ---- reading */

/* Decoders are slow near the end of the room that they are given: so not for each document. */
enum { AHEAD = 256 * 1024 };

struct backup_reader {
	int fd;
	uint64_t size;
	struct sha256_stream *digest;
	struct stream_reader *stream;
	struct str ahead; /* what is read and was not asked for yet, from at on */
	size_t at;
	char name[BACKUP_NAME_SIZE];
};

static int read_in(void *self, void *buffer, size_t size, size_t *ret_got, struct err *err)
{
	struct backup_reader *reader = self;
	ssize_t got;

	do
		got = read(reader->fd, buffer, size);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "read");
	int result = sha256_stream_update(reader->digest, bytes_make(buffer, (size_t)got), err);
	if (result != 0)
		return result;
	reader->size += (uint64_t)got;
	*ret_got = (size_t)got;
	return 0;
}

static int open_reader(
	struct backup_reader *reader, int dirfd, enum compression compression, struct err *err)
{
	struct stream_source source = {.self = reader, .read = read_in};
	int result = file_open_at(dirfd, reader->name, &reader->fd, err);

	if (result != 0)
		return result;
	result = sha256_stream_new(&reader->digest, err);
	return result != 0 ? result : stream_reader_new(compression, source, &reader->stream, err);
}

int backup_reader_new(int dirfd, const char *name, enum compression compression,
	struct backup_reader **ret_reader, struct err *err)
{
	struct backup_reader *reader = calloc(1, sizeof *reader);

	if (reader == NULL)
		return err_no_memory(err);
	reader->fd = -1;
	(void)snprintf(reader->name, sizeof reader->name, "%s", name);
	int result = open_reader(reader, dirfd, compression, err);
	if (result != 0) {
		backup_reader_free(reader);
		return result;
	}
	*ret_reader = reader;
	return 0;
}

/* size octets into the reader's buffer behind what is there; *ret_got is fewer at the end. */
static int take(struct backup_reader *reader, size_t size, size_t *ret_got, struct err *err)
{
	size_t before = reader->ahead.size, got = 0;
	uint8_t *room = str_extend(&reader->ahead, size);

	if (room == NULL)
		return str_check(&reader->ahead, err);
	int result = stream_read(reader->stream, room, size, &got, err);
	str_truncate(&reader->ahead, before + (result == 0 ? got : 0));
	if (result != 0)
		return err_context(err, "%s", reader->name);
	*ret_got = got;
	return 0;
}

/* That size octets are ahead; *ret_has is fewer at the end of the file. */
static int look_ahead(struct backup_reader *reader, size_t size, size_t *ret_has, struct err *err)
{
	size_t has = reader->ahead.size - reader->at, got = 0;
	int result = 0;

	if (has < size && reader->at > 0) {
		memmove(reader->ahead.text, reader->ahead.text + reader->at, has);
		str_truncate(&reader->ahead, has);
		reader->at = 0;
	}
	if (has < size)
		result = take(reader, size - has > AHEAD ? size - has : AHEAD, &got, err);
	*ret_has = has + got;
	return result;
}

int backup_reader_next(struct backup_reader *reader, struct bytes *ret_doc, struct err *err)
{
	size_t has = 0;
	int result = look_ahead(reader, 4, &has, err);

	if (result != 0 || has == 0)
		return result;
	const unsigned char *length = (const unsigned char *)reader->ahead.text + reader->at;
	size_t size = has < 4 ? 0
			      : (size_t)length[0] | (size_t)length[1] << 8 |
					(size_t)length[2] << 16 | (size_t)length[3] << 24;
	if (size < DOC_SIZE_MIN || size > DOC_SIZE_MAX)
		return err_set(err, ERR_TRUNCATED, "%s: what follows is no document", reader->name);
	result = look_ahead(reader, size, &has, err);
	if (result != 0)
		return result;
	struct bytes doc = bytes_make(reader->ahead.text + reader->at, size);
	if (has < size || doc.data[size - 1] != '\0')
		return err_set(err, ERR_TRUNCATED, "%s: a document is cut off", reader->name);
	reader->at += size;
	*ret_doc = doc;
	return 1;
}

int backup_reader_all(
	struct backup_reader *reader, size_t limit, struct str *content, struct err *err)
{
	size_t got_all = 0, got = 1;

	while (got_all <= limit && got > 0) {
		int result = take(reader, AHEAD, &got, err);
		if (result != 0)
			return result;
		got_all += got;
	}
	if (got_all > limit)
		return err_set(err, ERR_LIMIT, "%s is over %zu octets", reader->name, limit);
	str_append(content, str_text(&reader->ahead), got_all);
	return str_check(content, err);
}

int backup_reader_drain(struct backup_reader *reader, struct crew_tally *tally, struct err *err)
{
	size_t got = 1;
	int result = 0;

	while (result == 0 && got > 0) {
		str_truncate(&reader->ahead, 0);
		result = take(reader, AHEAD, &got, err);
		if (result == 0)
			result = crew_cancelled(tally, err);
		atomic_fetch_add(&tally->octets, (int64_t)got);
	}
	return result;
}

int backup_reader_check(
	struct backup_reader *reader, const struct backup_file *file, struct err *err)
{
	struct sha256 sha256;
	int result = sha256_stream_finish(reader->digest, &sha256, err);

	if (result != 0)
		return result;
	if (reader->size != file->size || !sha256_equal(&sha256, &file->sha256))
		return err_set(err, ERR_RESTORE,
			"%s is not the file that was written: its SHA-256 differs from the index",
			reader->name);
	return 0;
}

int backup_file_check(
	int dirfd, const struct backup_file *file, struct crew_tally *tally, struct err *err)
{
	CLEANUP(backup_reader_cleanup) struct backup_reader *reader = NULL;

	if (file->name == NULL)
		return 0;
	int result = backup_reader_new(dirfd, file->name, COMPRESSION_NONE, &reader, err);
	if (result == 0)
		result = backup_reader_drain(reader, tally, err);
	return result != 0 ? result : backup_reader_check(reader, file, err);
}

void backup_reader_free(struct backup_reader *reader)
{
	if (reader == NULL)
		return;
	if (reader->fd >= 0)
		(void)close(reader->fd);
	stream_reader_free(reader->stream);
	sha256_stream_free(reader->digest);
	str_release(&reader->ahead);
	free(reader);
}

void backup_reader_cleanup(struct backup_reader **reader)
{
	backup_reader_free(*reader);
}
