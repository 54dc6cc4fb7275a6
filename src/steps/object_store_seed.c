#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/object_store.h"

bool object_is_seed(const struct manifest_file *file)
{
	return strncmp(file->name, OBJECT_SEEDS, strlen(OBJECT_SEEDS)) == 0;
}

int64_t object_count_seeds(const struct step_context *context, int64_t *ret_octets)
{
	const struct manifest *manifest =
		context->kit == NULL ? NULL : trusted_kit_manifest(context->kit);
	int64_t count = 0, octets = 0;

	for (size_t i = 0; manifest != NULL && i < manifest->file_count; i++)
		if (object_is_seed(&manifest->files[i])) {
			count++;
			octets += manifest->files[i].size;
		}
	if (ret_octets != NULL)
		*ret_octets = octets;
	return count;
}

int object_seed_open(struct object_batch *batch, const struct manifest_file *seed,
	struct object_seed_reader *ret_reader, struct err *err)
{
	const struct step_context *context = &batch->context;
	CLEANUP_FD int kits = -1, kit = -1, folder = -1;
	const char *name = seed->name;
	int fd = -1;
	int rc = folder_open_at(context->state_dirfd, "kits", &kits, err);

	if (rc == 0)
		rc = folder_open_at(kits, trusted_kit_id(context->kit), &folder, err);
	/* By descriptor, a folder at a time: no link is followed. */
	for (const char *slash; rc == 0 && (slash = strchr(name, '/')) != NULL; name = slash + 1) {
		const char *part = arena_string_n(context->arena, name, (size_t)(slash - name));
		if (part == NULL)
			return err_no_memory(err);
		if (kit >= 0)
			(void)close(kit);
		kit = folder;
		folder = -1;
		rc = folder_open_at(kit, part, &folder, err);
	}
	if (rc == 0)
		rc = file_open_at(folder, name, &fd, err);
	if (rc < 0)
		return rc;
	ret_reader->fd = fd;
	ret_reader->batch = batch;
	ret_reader->at = ret_reader->counted = 0;
	return 0;
}

int object_seed_next(void *self, struct bytes *ret_piece, struct err *err)
{
	struct object_seed_reader *reader = self;
	ssize_t got;
	int rc = crew_cancelled(reader->batch->tally, err);

	if (rc < 0)
		return rc;
	do
		got = read(reader->fd, reader->buffer, sizeof reader->buffer);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "read");
	reader->at += got;
	object_count(reader->batch, reader->at, &reader->counted);
	*ret_piece = bytes_make(reader->buffer, (size_t)got);
	return 0;
}

int object_seed_rewind(void *self, struct err *err)
{
	struct object_seed_reader *reader = self;

	reader->at = 0;
	return lseek(reader->fd, 0, SEEK_SET) == 0
		       ? 0
		       : err_set_errno(err, ERR_UNREADABLE, errno, "seek");
}

void object_seed_close(struct object_seed_reader *reader)
{
	(void)close(reader->fd);
}
