#include "pack/image_layer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "pack/pour.h"

enum { CHUNK_SIZE = 256 * 1024, ENTRIES_MAX = 10000 /* files, and folders */ };

struct layer_writer {
	int dirfd; /* the caller's */
	int fd;
	int64_t time;
	struct arena *arena;
	struct archive_writer *archive;
	struct digester *digester;
	size_t file_count, folder_count;
	struct file_digests *files; /* ENTRIES_MAX */
	const char **folders;	    /* ENTRIES_MAX */
};

int layer_writer_new(int dirfd, int64_t time, struct arena *arena, struct layer_writer **ret_writer,
	struct err *err)
{
	struct layer_writer *writer = calloc(1, sizeof *writer);

	if (writer == NULL)
		return err_no_memory(err);
	*writer = (struct layer_writer){.dirfd = dirfd, .fd = -1, .time = time, .arena = arena};
	writer->files = arena_array(arena, ENTRIES_MAX, sizeof *writer->files);
	writer->folders = calloc(ENTRIES_MAX, sizeof *writer->folders);
	int rc = writer->files == NULL || writer->folders == NULL
			 ? err_no_memory(err)
			 : unnamed_file(dirfd, &writer->fd, err);
	if (rc == 0)
		rc = archive_writer_new(writer->fd, ARCHIVE_FORM_GZIP, WRITER_GZIP_LEVEL_MAX,
			&writer->archive, err);
	if (rc == 0)
		rc = digester_new(&writer->digester, err);
	if (rc < 0)
		layer_writer_free(writer);
	else
		*ret_writer = writer;
	return rc;
}

static bool has_folder(const struct layer_writer *writer, const char *name)
{
	for (size_t i = 0; i < writer->folder_count; i++)
		if (strcmp(writer->folders[i], name) == 0)
			return true;
	return false;
}

static int add_folder(struct layer_writer *writer, const char *name, unsigned mode, unsigned owner,
	struct err *err)
{
	const struct archive_item item = {.name = name,
		.type = MEMBER_FOLDER,
		.mode = mode,
		.owner = owner,
		.time = writer->time};

	if (name == NULL)
		return err_no_memory(err);
	if (has_folder(writer, name))
		return 0;
	if (writer->folder_count == ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "a layer has at most %d folders", ENTRIES_MAX);
	writer->folders[writer->folder_count++] = name;
	return archive_writer_item(writer->archive, &item, err);
}

static int add_parents(struct layer_writer *writer, const char *name, struct err *err)
{
	int rc = 0;

	for (const char *slash = strchr(name, '/'); slash != NULL && rc == 0;
		slash = strchr(slash + 1, '/'))
		rc = add_folder(writer, arena_string_n(writer->arena, name, (size_t)(slash - name)),
			0755, 0, err);
	return rc;
}

int layer_folder(struct layer_writer *writer, const char *name, unsigned mode, unsigned owner,
	struct err *err)
{
	int rc = add_parents(writer, name, err);

	return rc < 0 ? rc
		      : add_folder(writer, arena_string(writer->arena, name), mode, owner, err);
}

static int begin_file(
	struct layer_writer *writer, const char *name, int64_t size, unsigned mode, struct err *err)
{
	const struct archive_item item = {
		.name = name, .size = size, .mode = mode, .time = writer->time};

	if (writer->file_count == ENTRIES_MAX)
		return err_set(err, ERR_LIMIT, "a layer has at most %d files", ENTRIES_MAX);
	int rc = add_parents(writer, name, err);
	return rc < 0 ? rc : archive_writer_item(writer->archive, &item, err);
}

static int put(void *self, struct bytes data, struct err *err)
{
	struct layer_writer *writer = self;
	int rc = digester_update(writer->digester, data, err);

	return rc < 0 ? rc : archive_writer_data(writer->archive, data, err);
}

static int end_file(struct layer_writer *writer, const char *name, struct err *err)
{
	name = arena_string(writer->arena, name);
	if (name == NULL)
		return err_no_memory(err);
	int rc = digester_finish(writer->digester, name, &writer->files[writer->file_count], err);
	writer->file_count += rc == 0;
	return rc;
}

int layer_text(struct layer_writer *writer, const char *name, const char *text, struct err *err)
{
	int rc = begin_file(writer, name, (int64_t)strlen(text), 0644, err);

	if (rc == 0)
		rc = put(writer, bytes_of_string(text), err);
	return rc < 0 ? rc : end_file(writer, name, err);
}

int layer_file(
	struct layer_writer *writer, const char *name, int fd, unsigned mode, struct err *err)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "%s", name);
	int rc = begin_file(writer, name, st.st_size, mode, err);
	if (rc == 0)
		rc = pour(fd, name, st.st_size, (struct stream_sink){writer, put}, err);
	return rc < 0 ? rc : end_file(writer, name, err);
}

static int read_back(void *self, void *buffer, size_t size, size_t *ret_got, struct err *err)
{
	for (;;) {
		ssize_t got = read(*(const int *)self, buffer, size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(
				err, ERR_DISK, errno, "reading a layer that was just made");
		*ret_got = (size_t)got;
		return 0;
	}
}

/* From what was compressed, as everybody will who unpacks it. */
static int find_diff_id(struct layer_writer *writer, struct sha256 *ret_diff_id, struct err *err)
{
	CLEANUP(stream_reader_cleanup) struct stream_reader *gzip = NULL;
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *digest = NULL;
	uint8_t chunk[CHUNK_SIZE];
	size_t got = 1;

	if (lseek(writer->fd, 0, SEEK_SET) != 0)
		return err_set_errno(err, ERR_DISK, errno, "a layer that was just made");
	int rc = stream_reader_new(
		COMPRESSION_GZIP, (struct stream_source){&writer->fd, read_back}, &gzip, err);
	if (rc == 0)
		rc = sha256_stream_new(&digest, err);
	while (rc == 0 && got > 0) {
		rc = stream_read(gzip, chunk, sizeof chunk, &got, err);
		if (rc == 0)
			rc = sha256_stream_update(digest, bytes_make(chunk, got), err);
	}
	return rc < 0 ? rc : sha256_stream_finish(digest, ret_diff_id, err);
}

int layer_writer_finish(struct layer_writer *writer, const char *made_by,
	struct image_layer *ret_layer, struct err *err)
{
	struct image_layer layer = {
		.made_by = made_by, .file_count = writer->file_count, .files = writer->files};

	int rc = archive_writer_finish(writer->archive, err);
	if (rc == 0)
		rc = find_diff_id(writer, &layer.diff_id, err);
	if (rc == 0)
		rc = image_blob_of_file(steal_fd(&writer->fd), &layer.blob, err);
	if (rc == 0)
		*ret_layer = layer;
	return rc;
}

void layer_writer_free(struct layer_writer *writer)
{
	if (writer == NULL)
		return;
	archive_writer_free(writer->archive);
	digester_free(writer->digester);
	free(writer->folders);
	if (writer->fd >= 0)
		(void)close(writer->fd);
	free(writer);
}

void layer_writer_cleanup(struct layer_writer **writer)
{
	layer_writer_free(*writer);
}
