#include "pack/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"
#include "verify/kit_parts.h"
#include "verify/kit_source.h"

enum { PIECE = 256 * 1024 };

struct copying {
	struct face *face;
	const struct kit_source *source;
	struct publication *publication;
	uint8_t *piece;
	struct sha256_stream *digest;
	int64_t done;
};

static bool in_parts(const struct copying *copying)
{
	return copying->source->parts != NULL;
}

/* The list comes last, after its parts. */
static bool is_list(const struct copying *copying, size_t i)
{
	return in_parts(copying) && i + 1 == copying->publication->count;
}

static int source_fd(const struct copying *copying, size_t i)
{
	return in_parts(copying) ? copying->source->parts->fds[i] : copying->source->fd;
}

static int take_piece(struct copying *copying, int out, struct bytes octets, struct err *err)
{
	int rc = sha256_stream_update(copying->digest, octets, err);

	if (rc == 0 && out >= 0 && (rc = fd_write_all(out, octets, err)) < 0)
		rc = err_context(err, "the copy");
	return rc;
}

/* Hashes all of a file, and copies it to out unless that is -1. */
static int take_file(
	struct copying *copying, int fd, int out, struct published_file *file, struct err *err)
{
	file->size = 0;
	for (;;) {
		ssize_t got = pread(fd, copying->piece, PIECE, (off_t)file->size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_UNREADABLE, errno, "%s", file->name);
		if (got == 0)
			return sha256_stream_finish(copying->digest, &file->digest, err);
		int rc = take_piece(copying, out, bytes_make(copying->piece, (size_t)got), err);
		if (rc < 0)
			return rc;
		file->size += got;
		copying->done += got;
		face_progress(copying->face, "Publishing", (uint64_t)copying->done,
			(uint64_t)copying->source->size);
	}
}

static int take_list(struct copying *copying, int out, struct published_file *file, struct err *err)
{
	const struct bytes text = copying->source->parts->text;
	int rc = take_piece(copying, out, text, err);

	file->size = (int64_t)text.size;
	return rc < 0 ? rc : sha256_stream_finish(copying->digest, &file->digest, err);
}

static int take(struct copying *copying, size_t i, int out, struct err *err)
{
	struct published_file *file = &copying->publication->files[i];
	int rc = is_list(copying, i) ? take_list(copying, out, file, err)
				     : take_file(copying, source_fd(copying, i), out, file, err);

	if (rc == 0 && out >= 0 && fsync(out) != 0)
		rc = err_set_errno(err, ERR_DISK, errno, "%s", file->name);
	return rc;
}

static int take_into(struct copying *copying, int folder, size_t i, struct err *err)
{
	const char *name = copying->publication->files[i].name;
	CLEANUP_FD int out =
		openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);

	if (out < 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", name);
	return take(copying, i, out, err);
}

/* ---- what there is to copy */

static int plan_files(struct copying *copying, const char *path, struct err *err)
{
	struct publication *publication = copying->publication;
	struct arena *arena = &copying->face->arena;
	const struct kit_parts *parts = copying->source->parts;
	const char *slash = strrchr(path, '/');

	if (copying->source->is_folder)
		return err_set(err, ERR_USAGE,
			"%s is a folder: what is published is a kit in one file, or its parts",
			path);
	publication->count = parts == NULL ? 1 : parts->list.count + 1;
	publication->files = arena_array(arena, publication->count, sizeof *publication->files);
	publication->name = parts == NULL ? arena_string(arena, slash == NULL ? path : slash + 1)
					  : arena_format(arena, "%s.parts", parts->list.archive);
	if (publication->files == NULL || publication->name == NULL)
		return err_no_memory(err);
	if (parts == NULL) {
		publication->files[0].name = publication->name;
		return 0;
	}
	for (size_t i = 0; i < publication->count; i++) {
		publication->files[i].name = arena_string(
			arena, i < parts->list.count ? parts->list.parts[i].name : parts->name);
		if (publication->files[i].name == NULL)
			return err_no_memory(err);
	}
	return 0;
}

/* ---- a copy that is there already */

static int compare_file(struct copying *copying, int folder, size_t i, struct err *err)
{
	const struct published_file *file = &copying->publication->files[i];
	struct published_file there = {.name = file->name};
	CLEANUP_FD int fd = -1;
	int rc = take(copying, i, -1, err);

	if (rc == 0)
		rc = file_open_at(folder, file->name, &fd, err);
	if (rc == 0)
		rc = take_file(copying, fd, -1, &there, err);
	if (rc == 0 && !sha256_equal(&there.digest, &file->digest))
		rc = err_set(err, ERR_USAGE, "%s is there already, and is another", file->name);
	return rc;
}

static int compare_all(struct copying *copying, int place, struct err *err)
{
	CLEANUP_FD int folder = -1;
	int rc = folder_open_at(
		place, in_parts(copying) ? copying->publication->name : ".", &folder, err);

	for (size_t i = 0; i < copying->publication->count && rc == 0; i++)
		rc = compare_file(copying, folder, i, err);
	if (rc == 0)
		copying->publication->was_there = true;
	/* Whatever it is that is there, it is left alone. */
	return rc == 0 ? 0 : err_recode(err, ERR_USAGE);
}

/* ---- a new one */

static int copy_all(struct copying *copying, int fd, struct err *err)
{
	int rc = 0;

	if (!in_parts(copying))
		return take(copying, 0, fd, err);
	for (size_t i = 0; i < copying->publication->count && rc == 0; i++)
		rc = take_into(copying, fd, i, err);
	return rc < 0 ? rc : folder_sync(fd, err);
}

/* What is verified is the copy. */
static int verify_copy(const char *folder, const char *temporary, const struct trust_root *root,
	const struct verify_options *options, struct publication *publication, struct err *err)
{
	CLEANUP_STR struct str path = STR_INIT;
	struct verify_options how = *options;

	how.part_folder_count = 0;
	str_append_format(&path, "%s/%s", folder, temporary);
	int rc = str_check(&path, err);
	return rc < 0 ? rc : verify_kit(str_text(&path), root, &how, &publication->kit, err);
}

static int ask_log(const struct release_log *log, const struct publication *publication,
	const char *folder, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(publication->kit);
	CLEANUP_STR struct str place = STR_INIT;

	str_append_format(&place, "%s/%s", folder, publication->name);
	int rc = str_check(&place, err);
	if (rc < 0)
		return rc;
	const struct release release = {
		.name = manifest->name,
		.version = manifest->version,
		.place = str_text(&place),
		.sequence = manifest->sequence,
		.manifest = *trusted_kit_manifest_digest(publication->kit),
	};

	return release_log_check(log, &release, err);
}

struct verdict {
	const struct trust_root *root;
	const struct verify_options *options;
	const struct release_log *log;
};

static int place_copy(struct copying *copying, int place, const char *folder,
	const struct verdict *verdict, struct err *err)
{
	struct publication *publication = copying->publication;
	char temporary[PLACE_TEMPORARY_SIZE] = "";
	CLEANUP_FD int fd = -1;
	struct err ignored;
	int rc = place_temporary(place, in_parts(copying), temporary, &fd, err);

	if (rc == 0)
		rc = copy_all(copying, fd, err);
	if (rc == 0)
		rc = verify_copy(
			folder, temporary, verdict->root, verdict->options, publication, err);
	if (rc == 0)
		rc = ask_log(verdict->log, publication, folder, err);
	if (rc == 0)
		rc = place_rename(place, temporary, publication->name, err);
	if (rc < 0 && temporary[0] != '\0')
		(void)!tree_remove_at(place, temporary, &ignored);
	return rc;
}

static int place_kit(
	struct copying *copying, const char *folder, const struct verdict *verdict, struct err *err)
{
	CLEANUP_FD int place = -1;
	struct stat st;
	int rc = folder_open(folder, &place, err);

	if (rc < 0)
		return rc;
	if (fstatat(place, copying->publication->name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return place_copy(copying, place, folder, verdict, err);
	rc = compare_all(copying, place, err);
	if (rc == 0)
		rc = verify_copy(folder, copying->publication->name, verdict->root,
			verdict->options, copying->publication, err);
	return rc < 0 ? rc : ask_log(verdict->log, copying->publication, folder, err);
}

/* ---- to a bucket */

/* A file, or the list, front to back. */
struct sending {
	const struct copying *copying;
	size_t i;
	int64_t at;
};

static int send_next(void *self, struct bytes *ret_piece, struct err *err)
{
	struct sending *sending = self;
	const struct copying *copying = sending->copying;
	ssize_t got = 0;

	if (is_list(copying, sending->i)) {
		*ret_piece = sending->at == 0 ? copying->source->parts->text : bytes_make(NULL, 0);
		sending->at = 1;
		return 0;
	}
	do
		got = pread(
			source_fd(copying, sending->i), copying->piece, PIECE, (off_t)sending->at);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "read");
	sending->at += got;
	*ret_piece = bytes_make(copying->piece, (size_t)got);
	return 0;
}

static int send_again(void *self, struct err *err)
{
	(void)err;
	((struct sending *)self)->at = 0;
	return 0;
}

static int hash_piece(void *self, struct bytes piece, struct err *err)
{
	return sha256_stream_update(self, piece, err);
}

static void hash_anew(void *self)
{
	sha256_stream_restart(self);
}

static int object_name(const struct copying *copying, size_t i, struct str *name, struct err *err)
{
	const struct publication *publication = copying->publication;

	if (in_parts(copying))
		str_append_format(name, "%s/", publication->name);
	str_append_text(name, publication->files[i].name);
	return str_check(name, err);
}

static int compare_object(struct copying *copying, struct object_store *bucket, const char *name,
	const struct published_file *file, bool there, struct err *err)
{
	const struct object_sink sink = {copying->digest, hash_piece, hash_anew};
	struct sha256 found;
	int rc = object_s3_get_named(bucket, name, &sink, err);

	if (rc == 0)
		rc = sha256_stream_finish(copying->digest, &found, err);
	if (rc < 0 || sha256_equal(&found, &file->digest))
		return rc;
	return there ? err_set(err, ERR_USAGE, "%s is there already, and is another", name)
		     : err_set(err, ERR_CHECKSUM, "%s was read back as another", name);
}

static int send_file(
	struct copying *copying, struct object_store *bucket, size_t i, struct err *err)
{
	const struct published_file *file = &copying->publication->files[i];
	struct sending sending = {.copying = copying, .i = i};
	const struct object_source source = {&sending, send_next, send_again};
	CLEANUP_STR struct str name = STR_INIT;
	bool there = false;
	int rc = object_name(copying, i, &name, err);

	/* Some servers know no If-None-Match, and put it over what is there. */
	if (rc == 0)
		rc = compare_object(copying, bucket, str_text(&name), file, true, err);
	if (rc != -ERR_NOT_FOUND)
		return rc;
	rc = object_s3_put_named(
		bucket, str_text(&name), &source, file->size, &file->digest, &there, err);
	if (rc == 0)
		rc = compare_object(copying, bucket, str_text(&name), file, there, err);
	copying->publication->was_there &= there;
	return rc;
}

/* What is verified are the octets whose digests the objects have to have. */
static int send_kit(struct copying *copying, const char *path, struct object_store *bucket,
	const struct verdict *verdict, struct err *err)
{
	struct publication *publication = copying->publication;
	int rc = 0;

	for (size_t i = 0; i < publication->count && rc == 0; i++)
		rc = take(copying, i, -1, err);
	if (rc == 0)
		rc = verify_kit(path, verdict->root, verdict->options, &publication->kit, err);
	if (rc == 0)
		rc = ask_log(verdict->log, publication, object_store_name(bucket), err);
	publication->was_there = true;
	for (size_t i = 0; i < publication->count && rc == 0; i++)
		rc = send_file(copying, bucket, i, err);
	return rc;
}

/* ---- to either */

static int publish(struct face *face, const char *path, const char *folder,
	struct object_store *bucket, const struct verdict *verdict, struct publication *publication,
	struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *digest = NULL;
	CLEANUP_FREE uint8_t *piece = malloc(PIECE);
	CLEANUP(kit_source_release) struct kit_source source = KIT_SOURCE_INIT;
	int rc = piece == NULL ? err_no_memory(err) : sha256_stream_new(&digest, err);
	struct copying copying = {.face = face,
		.source = &source,
		.publication = publication,
		.piece = piece,
		.digest = digest};

	if (rc == 0)
		rc = kit_source_open(&source, path, verdict->options, err);
	if (rc == 0)
		rc = plan_files(&copying, path, err);
	if (rc < 0)
		return rc;
	return bucket == NULL ? place_kit(&copying, folder, verdict, err)
			      : send_kit(&copying, path, bucket, verdict, err);
}

int publish_kit(struct face *face, const char *path, const char *folder,
	const struct trust_root *root, const struct verify_options *options,
	const struct release_log *log, struct publication *publication, struct err *err)
{
	const struct verdict verdict = {root, options, log};

	return publish(face, path, folder, NULL, &verdict, publication, err);
}

int publish_kit_s3(struct face *face, const char *path, struct object_store *bucket,
	const struct trust_root *root, const struct verify_options *options,
	const struct release_log *log, struct publication *publication, struct err *err)
{
	const struct verdict verdict = {root, options, log};

	return publish(face, path, NULL, bucket, &verdict, publication, err);
}
