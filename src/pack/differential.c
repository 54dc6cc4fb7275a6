#include "pack/differential.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/members.h"
#include "archive/writer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"
#include "pack/delta_plan.h"
#include "pack/output.h"
#include "verify/kit_source.h"

struct making {
	const char *path, *earlier_path, *out;
	const struct trust_root *root;
	const struct verify_options *options;
	const struct signers *signers; /* none: by file only */
	struct trusted_kit *kit, *earlier;
	struct arena arena;
	struct delta delta;
	struct str index; /* delta.dsse; empty: none */
	struct differential *made;
};

static bool is_left_out(const struct making *making, const char *name)
{
	const struct manifest_file *file = manifest_find(trusted_kit_manifest(making->kit), name);
	const struct manifest_file *before =
		manifest_find(trusted_kit_manifest(making->earlier), name);

	return file != NULL && before != NULL && sha256_equal(&file->digest, &before->digest) &&
	       file->size == before->size;
}

static void count_delta(struct making *making)
{
	struct differential *made = making->made;

	made->by_chunk = making->delta.count;
	for (size_t i = 0; i < making->delta.count; i++)
		made->octets_by_chunk +=
			making->delta.files[i].size - making->delta.files[i].new_size;
}

static int count_saved(struct making *making, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(making->kit);
	struct differential *made = making->made;

	made->file_count = manifest->file_count;
	for (size_t i = 0; i < manifest->file_count; i++) {
		if (!is_left_out(making, manifest->files[i].name))
			continue;
		made->left_out++;
		made->octets_left_out += manifest->files[i].size;
	}
	count_delta(making);
	if (made->left_out + made->by_chunk == 0)
		return err_set(err, ERR_USAGE, "%s has no file of it: nothing would be saved",
			making->earlier_path);
	return 0;
}

/* ---- by chunk */

static int write_index(struct making *making, struct err *err)
{
	CLEANUP_STR struct str statement = STR_INIT;
	struct delta *delta = &making->delta;

	if (delta->count == 0)
		return 0;
	delta->manifest = *trusted_kit_manifest_digest(making->kit);
	int rc = delta_write(delta, &statement, err);
	return rc < 0 ? rc
		      : sign_statement(making->signers, str_bytes(&statement), &making->index, err);
}

static int open_base(const struct making *making, struct kit_source *source, struct err *err)
{
	struct verify_options how = *making->options;

	how.part_folder_count = 0;
	return kit_source_open(source, making->earlier_path, &how, err);
}

static int plan_chunks(struct making *making, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(making->kit);
	CLEANUP(kit_source_release) struct kit_source source = KIT_SOURCE_INIT;
	CLEANUP(kit_source_release) struct kit_source base = KIT_SOURCE_INIT;
	const struct delta_side kit = {&source, manifest};
	const struct delta_side earlier = {&base, trusted_kit_manifest(making->earlier)};
	bool *changed = arena_array(&making->arena, manifest->file_count, sizeof *changed);

	if (making->signers->count == 0)
		return 0;
	if (changed == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < manifest->file_count; i++)
		changed[i] = !is_left_out(making, manifest->files[i].name);
	int rc = kit_source_open(&source, making->path, making->options, err);
	if (rc == 0)
		rc = open_base(making, &base, err);
	if (rc == 0)
		rc = delta_plan(&kit, &earlier, changed, &making->arena, &making->delta, err);
	return rc < 0 ? rc : write_index(making, err);
}

/* The number of a file in the index, from 1; 0: it is none of it. */
static size_t delta_number(const struct making *making, const char *name)
{
	for (size_t i = 0; i < making->delta.count; i++)
		if (strcmp(making->delta.files[i].name, name) == 0)
			return i + 1;
	return 0;
}

/* Of the octets from at on those that are new in the piece that they begin in. */
static int write_new(const struct delta_file *file, size_t *piece, int64_t *done,
	struct bytes octets, struct archive_writer *writer, struct err *err)
{
	int rc = 0;

	while (octets.size > 0 && rc == 0 && *piece < file->piece_count) {
		const struct delta_piece *at = &file->pieces[*piece];
		size_t size = octets.size;
		if ((int64_t)size > at->size - *done)
			size = (size_t)(at->size - *done);
		if (at->is_new)
			rc = archive_writer_data(writer, bytes_make(octets.data, size), err);
		octets = bytes_make(octets.data + size, octets.size - size);
		*done += (int64_t)size;
		if (*done == at->size) {
			*done = 0;
			++*piece;
		}
	}
	return rc;
}

static int write_delta(const struct making *making, size_t number, struct members *members,
	struct archive_writer *writer, struct err *err)
{
	const struct delta_file *file = &making->delta.files[number - 1];
	char name[32];
	size_t piece = 0;
	int64_t done = 0;

	(void)snprintf(name, sizeof name, DELTA_FOLDER "/%zu", number);
	int rc = archive_writer_file(writer, name, file->new_size, err);
	while (rc == 0) {
		struct bytes octets;
		rc = members_read(members, &octets, err);
		if (rc < 0 || octets.size == 0)
			break;
		rc = write_new(file, &piece, &done, octets, writer, err);
	}
	return rc;
}

/* Before the first member that it could list. */
static int put_index(struct making *making, const struct member *member,
	struct archive_writer *writer, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(making->kit);

	if (making->index.size == 0 || manifest_find(manifest, member->untrusted_name) == NULL)
		return 0;
	int rc = archive_writer_file(writer, DELTA_NAME, (int64_t)making->index.size, err);
	if (rc == 0)
		rc = archive_writer_data(writer, str_bytes(&making->index), err);
	str_truncate(&making->index, 0);
	return rc;
}

/* ---- the archive */

static int copy_member(struct making *making, struct members *members, const struct member *member,
	struct archive_writer *writer, struct err *err)
{
	int rc = put_index(making, member, writer, err);
	size_t number = delta_number(making, member->untrusted_name);

	if (rc < 0 || is_left_out(making, member->untrusted_name))
		return rc;
	return number > 0 ? write_delta(making, number, members, writer, err)
			  : archive_writer_copy(writer, members, member, err);
}

static int copy_members(struct making *making, struct members *members,
	struct archive_writer *writer, struct err *err)
{
	struct member member;
	bool end = false;

	for (;;) {
		int rc = members_next(members, &member, &end, err);
		if (rc < 0 || end)
			return rc;
		if (member.type == MEMBER_FOLDER)
			continue;
		rc = copy_member(making, members, &member, writer, err);
		if (rc < 0)
			return rc;
	}
}

static int write_archive(struct making *making, int fd, enum archive_form form, struct err *err)
{
	CLEANUP(archive_writer_cleanup) struct archive_writer *writer = NULL;
	CLEANUP(members_cleanup) struct members *members = NULL;
	CLEANUP(kit_source_release) struct kit_source source = KIT_SOURCE_INIT;
	int rc = kit_source_open(&source, making->path, making->options, err);

	if (rc == 0)
		rc = kit_source_members(&source, &members, err);
	if (rc == 0)
		rc = archive_writer_new(fd, form, 0, &writer, err);
	if (rc == 0)
		rc = copy_members(making, members, writer, err);
	if (rc == 0)
		rc = archive_writer_finish(writer, err);
	if (rc == 0 && fsync(fd) != 0)
		rc = err_set_errno(err, ERR_DISK, errno, "syncing the kit");
	return rc;
}

/* What was written, with the earlier kit, is the kit. */
static int verify_made(const struct making *making, int place, const char *name, struct err *err)
{
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	CLEANUP_STR struct str path = STR_INIT;
	struct verify_options how = *making->options;

	how.part_folder_count = 0;
	how.base = making->earlier_path;
	str_append_format(&path, "/proc/self/fd/%d/%s", place, name);
	int rc = str_check(&path, err);
	return rc < 0 ? rc : verify_kit(str_text(&path), making->root, &how, &kit, err);
}

static int make(struct making *making, enum archive_form form, struct err *err)
{
	CLEANUP_FD int place = -1, fd = -1;
	CLEANUP_STR struct str name = STR_INIT;
	char temporary[PLACE_TEMPORARY_SIZE] = "";
	struct stat st;
	int rc = place_open(making->out, &place, &name, err);

	if (rc == 0 && fstatat(place, str_text(&name), &st, AT_SYMLINK_NOFOLLOW) == 0)
		rc = err_set(err, ERR_USAGE, "%s is there already and is left alone", making->out);
	if (rc == 0)
		rc = place_temporary(place, false, temporary, &fd, err);
	if (rc == 0)
		rc = write_archive(making, fd, form, err);
	if (rc == 0)
		rc = verify_made(making, place, temporary, err);
	if (rc == 0)
		rc = place_rename(place, temporary, str_text(&name), err);
	if (rc < 0 && temporary[0] != '\0')
		(void)unlinkat(place, temporary, 0);
	return rc;
}

static int verify_both(struct making *making, struct err *err)
{
	struct verify_options of_earlier = *making->options;
	int rc = verify_kit(making->path, making->root, making->options, &making->kit, err);

	of_earlier.part_folder_count = 0;
	of_earlier.base = NULL;
	of_earlier.ignore_time = true;
	if (rc == 0 && verify_kit(making->earlier_path, making->root, &of_earlier, &making->earlier,
			       err) < 0)
		rc = err_context(err, "the earlier kit %s", making->earlier_path);
	return rc;
}

int differential_make(const char *path, const char *earlier, const char *out,
	const struct trust_root *root, const struct verify_options *options,
	const struct signers *signers, struct differential *ret_differential, struct err *err)
{
	struct differential made = {0};
	struct making making = {.path = path,
		.earlier_path = earlier,
		.out = out,
		.root = root,
		.options = options,
		.signers = signers,
		.arena = ARENA_INIT,
		.index = STR_INIT,
		.made = &made};
	struct output output;
	int rc = output_choose(out, NULL, &output, err);

	if (rc == 0 && output.is_folder)
		rc = err_set(err, ERR_USAGE, "-o %s: an archive is made, such as .tar.zst", out);
	if (rc == 0)
		rc = verify_both(&making, err);
	if (rc == 0)
		rc = plan_chunks(&making, err);
	if (rc == 0)
		rc = count_saved(&making, err);
	if (rc == 0)
		rc = make(&making, output.form, err);
	str_release(&making.index);
	arena_release(&making.arena);
	trusted_kit_free(making.kit);
	trusted_kit_free(making.earlier);
	if (rc == 0)
		*ret_differential = made;
	return rc;
}
