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
#include "pack/output.h"
#include "pack/place.h"
#include "verify/kit_source.h"

struct making {
	const char *path, *earlier_path, *out;
	const struct trust_root *root;
	const struct verify_options *options;
	struct trusted_kit *kit, *earlier;
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

static int count_left_out(struct making *making, struct err *err)
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
	if (made->left_out == 0)
		return err_set(err, ERR_USAGE, "%s has no file of it: nothing would be saved",
			making->earlier_path);
	return 0;
}

static int copy_members(const struct making *making, struct members *members,
	struct archive_writer *writer, struct err *err)
{
	struct member member;
	bool end = false;

	for (;;) {
		int rc = members_next(members, &member, &end, err);
		if (rc < 0 || end)
			return rc;
		if (member.type == MEMBER_FOLDER || is_left_out(making, member.untrusted_name))
			continue;
		rc = archive_writer_copy(writer, members, &member, err);
		if (rc < 0)
			return rc;
	}
}

static int write_archive(
	const struct making *making, int fd, enum archive_form form, struct err *err)
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
		rc = file_rename_durable(place, temporary, place, str_text(&name), err);
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
	struct differential *ret_differential, struct err *err)
{
	struct differential made = {0};
	struct making making = {.path = path,
		.earlier_path = earlier,
		.out = out,
		.root = root,
		.options = options,
		.made = &made};
	struct output output;
	int rc = output_choose(out, NULL, &output, err);

	if (rc == 0 && output.is_folder)
		rc = err_set(err, ERR_USAGE, "-o %s: an archive is made, such as .tar.zst", out);
	if (rc == 0)
		rc = verify_both(&making, err);
	if (rc == 0)
		rc = count_left_out(&making, err);
	if (rc == 0)
		rc = make(&making, output.form, err);
	trusted_kit_free(making.kit);
	trusted_kit_free(making.earlier);
	if (rc == 0)
		*ret_differential = made;
	return rc;
}
