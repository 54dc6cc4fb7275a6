#include "pack/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/writer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"
#include "kit/name.h"
#include "trust/root.h"

enum { CHUNK_SIZE = 256 * 1024 };

int output_choose(const char *path, const char *format, struct output *ret_output, struct err *err)
{
	struct output output = {.path = path};

	if (format != NULL && !archive_form_by_name(format, &output.form))
		return err_set(err, ERR_USAGE, "there is no format %s", format);
	if (format == NULL)
		output.is_folder = !archive_form_by_ending(path, &output.form);
	*ret_output = output;
	return 0;
}

/* Where members go: an archive, or a folder. */
struct target {
	struct face *face;
	struct archive_writer *archive; /* NULL: a folder */
	int dirfd;
	int fd; /* of the current file in a folder */
	uint64_t done, total;
	struct sha256_stream *digest;
};

static int make_parents(int dirfd, const char *name, struct err *err)
{
	char path[NAME_SIZE_MAX + 1];

	for (const char *slash = strchr(name, '/'); slash != NULL; slash = strchr(slash + 1, '/')) {
		size_t size = (size_t)(slash - name);
		memcpy(path, name, size);
		path[size] = '\0';
		if (mkdirat(dirfd, path, 0755) != 0 && errno != EEXIST)
			return err_set_errno(err, ERR_DISK, errno, "%s", path);
	}
	return 0;
}

static int begin_member(struct target *target, const char *name, int64_t size, struct err *err)
{
	if (target->archive != NULL)
		return archive_writer_file(target->archive, name, size, err);
	int rc = make_parents(target->dirfd, name, err);
	if (rc < 0)
		return rc;
	target->fd = openat(
		target->dirfd, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	return target->fd >= 0 ? 0 : err_set_errno(err, ERR_DISK, errno, "%s", name);
}

static int write_member(struct target *target, struct bytes data, struct err *err)
{
	return target->archive != NULL ? archive_writer_data(target->archive, data, err)
				       : fd_write_all(target->fd, data, err);
}

static int end_member(struct target *target, struct err *err)
{
	if (target->archive != NULL)
		return 0;
	int fd = steal_fd(&target->fd);
	return close(fd) == 0 ? 0 : err_set_errno(err, ERR_DISK, errno, "closing a file");
}

static int put(struct target *target, const char *name, struct bytes content, struct err *err)
{
	int rc = begin_member(target, name, (int64_t)content.size, err);

	if (rc == 0)
		rc = write_member(target, content, err);
	return rc < 0 ? rc : end_member(target, err);
}

static int changed(struct err *err, const char *name)
{
	return err_set(err, ERR_CHECKSUM, "%s changed while the kit was built", name);
}

static int copy_content(struct target *target, int fd, const struct manifest_file *file,
	struct sha256 *ret_digest, struct err *err)
{
	uint8_t chunk[CHUNK_SIZE];
	int64_t left = file->size;

	while (left > 0) {
		size_t wanted = left < CHUNK_SIZE ? (size_t)left : CHUNK_SIZE;
		ssize_t got = read(fd, chunk, wanted);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_UNREADABLE, errno, "%s", file->name);
		if (got == 0)
			return changed(err, file->name);
		struct bytes data = bytes_make(chunk, (size_t)got);
		int rc = sha256_stream_update(target->digest, data, err);
		if (rc == 0)
			rc = write_member(target, data, err);
		if (rc < 0)
			return rc;
		left -= got;
		target->done += (uint64_t)got;
		face_progress(target->face, "Packing", target->done, target->total);
	}
	return sha256_stream_finish(target->digest, ret_digest, err);
}

static int copy_file(
	struct target *target, int input_dirfd, const struct manifest_file *file, struct err *err)
{
	CLEANUP_FD int fd = -1;
	struct sha256 digest;

	int rc = file_open_at(input_dirfd, file->name, &fd, err);
	if (rc == 0)
		rc = begin_member(target, file->name, file->size, err);
	if (rc == 0)
		rc = copy_content(target, fd, file, &digest, err);
	if (rc < 0)
		return rc;
	if (!sha256_equal(&digest, &file->digest))
		return changed(err, file->name);
	return end_member(target, err);
}

static int copy_root(struct target *target, int input_dirfd, const char *name, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	int rc = file_read_at(input_dirfd, name, ROOT_SIZE_MAX, &text, err);

	return rc < 0 ? rc : put(target, name, str_bytes(&text), err);
}

static int put_heads(struct target *target, const struct output_heads *heads, struct err *err)
{
	int rc = put(target, "manifest.dsse", heads->envelope, err);

	if (rc == 0)
		rc = put(target, "SHA256SUMS", heads->sums, err);
	if (rc == 0 && heads->sums_signature.size > 0)
		rc = put(target, "SHA256SUMS.sig", heads->sums_signature, err);
	return rc;
}

static int put_role(struct target *target, int input_dirfd, const struct input *input,
	enum file_role role, struct err *err)
{
	const struct manifest *manifest = &input->manifest;
	int rc = 0;

	for (size_t i = 0; i < manifest->file_count && rc == 0; i++)
		if (manifest->files[i].role == role)
			rc = copy_file(target, input_dirfd, &manifest->files[i], err);
	return rc;
}

static int put_all(struct target *target, int input_dirfd, const struct input *input,
	const struct output_heads *heads, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *digest = NULL;
	int rc = sha256_stream_new(&digest, err);

	target->digest = digest;
	target->total = (uint64_t)input->octets;
	for (size_t i = 0; i < input->root_count && rc == 0; i++)
		rc = copy_root(target, input_dirfd, input->roots[i], err);
	if (rc == 0)
		rc = put_heads(target, heads, err);
	for (enum file_role role = 0; role < ROLE_COUNT && rc == 0; role++)
		rc = put_role(target, input_dirfd, input, role, err);
	return rc;
}

static int write_archive(struct face *face, const struct output *output, int fd, int input_dirfd,
	const struct input *input, const struct output_heads *heads, struct err *err)
{
	CLEANUP(archive_writer_cleanup) struct archive_writer *writer = NULL;
	struct target target = {.face = face, .fd = -1};

	int rc = archive_writer_new(fd, output->form, output->level, &writer, err);
	target.archive = writer;
	if (rc == 0)
		rc = put_all(&target, input_dirfd, input, heads, err);
	if (rc == 0)
		rc = archive_writer_finish(writer, err);
	if (rc == 0 && fsync(fd) != 0)
		rc = err_set_errno(err, ERR_DISK, errno, "syncing the kit");
	return rc;
}

static int write_folder(struct face *face, int fd, int input_dirfd, const struct input *input,
	const struct output_heads *heads, struct err *err)
{
	struct target target = {.face = face, .dirfd = fd, .fd = -1};
	int rc = put_all(&target, input_dirfd, input, heads, err);

	cleanup_close(&target.fd);
	if (rc == 0 && syncfs(fd) != 0)
		rc = err_set_errno(err, ERR_DISK, errno, "syncing the kit");
	return rc;
}

/* A folder that is not empty, or a file where a folder is meant, and the other way round. */
static bool is_taken(int errnum)
{
	return errnum == ENOTEMPTY || errnum == EEXIST || errnum == ENOTDIR || errnum == EISDIR;
}

int output_write(struct face *face, const struct output *output, int input_dirfd,
	const struct input *input, const struct output_heads *heads, struct err *err)
{
	CLEANUP_FD int place = -1;
	CLEANUP_FD int fd = -1;
	CLEANUP_STR struct str name = STR_INIT;
	char temporary[PLACE_TEMPORARY_SIZE] = "";
	struct err ignored;

	int rc = place_open(output->path, &place, &name, err);
	if (rc == 0)
		rc = place_temporary(place, output->is_folder, temporary, &fd, err);
	if (rc == 0)
		rc = output->is_folder
			     ? write_folder(face, fd, input_dirfd, input, heads, err)
			     : write_archive(face, output, fd, input_dirfd, input, heads, err);
	if (rc == 0 && renameat(place, temporary, place, str_text(&name)) != 0)
		rc = is_taken(errno)
			     ? err_set(err, ERR_USAGE, "%s is there already and is left alone",
				       output->path)
			     : err_set_errno(err, ERR_DISK, errno, "%s", output->path);
	if (rc == 0)
		return folder_sync(place, err);
	if (temporary[0] != '\0')
		(void)!tree_remove_at(place, temporary, &ignored);
	return rc;
}
