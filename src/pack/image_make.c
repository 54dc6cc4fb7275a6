#include "pack/image_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "archive/members.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"
#include "kit/name.h"
#include "pack/pour.h"
#include "verify/image.h"

#define MIGRATIONS "usr/share/offkit/migrations"
#define LICENCES   "usr/share/doc/offkit/copyright"

enum { USER_FILES = 2 /* in the program's layer, before the program */ };

struct making {
	const struct image_plan *plan;
	int dirfd; /* where the image goes */
	struct arena *arena;
	struct image_made *made;
	struct image_blob index; /* of several platforms */
};

static int put_user(struct layer_writer *writer, struct err *err)
{
	char passwd[160], group[64];

	(void)snprintf(passwd, sizeof passwd,
		"root:x:0:0:root:/:/sbin/nologin\n"
		"offkit:x:%d:%d:offkit:/" IMAGE_HOME ":/sbin/nologin\n",
		IMAGE_OWNER, IMAGE_OWNER);
	(void)snprintf(group, sizeof group, "root:x:0:\noffkit:x:%d:\n", IMAGE_OWNER);
	int rc = layer_text(writer, "etc/group", group, err);
	return rc < 0 ? rc : layer_text(writer, "etc/passwd", passwd, err);
}

static int put_licences(struct layer_writer *writer, const char *path, struct err *err)
{
	CLEANUP_FD int fd = -1;
	int rc = file_open_at(AT_FDCWD, path, &fd, err);

	return rc < 0 ? rc : layer_file(writer, LICENCES, fd, 0644, err);
}

static int make_program_layer(struct making *making, size_t i, struct err *err)
{
	CLEANUP(layer_writer_cleanup) struct layer_writer *writer = NULL;
	CLEANUP_FD int fd = -1;
	struct image_layer *layer = &making->made->programs[i];
	const struct image_plan *plan = making->plan;
	int rc = program_open(&plan->programs.items[i], &fd, err);

	if (rc == 0)
		rc = layer_writer_new(making->dirfd, plan->created, making->arena, &writer, err);
	if (rc == 0)
		rc = put_user(writer, err);
	if (rc == 0)
		rc = layer_file(writer, IMAGE_PROGRAM, fd, 0755, err);
	if (rc == 0 && plan->licences != NULL)
		rc = put_licences(writer, plan->licences, err);
	if (rc == 0)
		rc = layer_folder(writer, IMAGE_HOME, 0700, IMAGE_OWNER, err);
	if (rc == 0)
		rc = layer_writer_finish(writer, "offkit-pack image: the program", layer, err);
	if (rc == 0)
		making->made->program_files[i] = layer->files[USER_FILES];
	return rc;
}

static int put_migration(
	struct layer_writer *writer, int dirfd, const struct member *member, struct err *err)
{
	CLEANUP_FD int fd = -1;
	char name[sizeof MIGRATIONS + 1 + NAME_SIZE_MAX];

	int rc = name_check(bytes_of_string(member->untrusted_name), err);
	if (rc < 0)
		return rc;
	(void)snprintf(name, sizeof name, MIGRATIONS "/%s", member->untrusted_name);
	if (member->type == MEMBER_FOLDER)
		return layer_folder(writer, name, 0755, 0, err);
	rc = file_open_at(dirfd, member->untrusted_name, &fd, err);
	return rc < 0 ? rc : layer_file(writer, name, fd, 0644, err);
}

static int put_migrations(struct layer_writer *writer, int dirfd, struct err *err)
{
	static const char *const none_first[] = {NULL};
	CLEANUP(members_cleanup) struct members *members = NULL;
	struct member member;
	bool is_end = false;

	int rc = members_open_folder(dirfd, none_first, &members, err);
	while (rc == 0) {
		rc = members_next(members, &member, &is_end, err);
		if (rc < 0 || is_end)
			break;
		rc = put_migration(writer, dirfd, &member, err);
	}
	return rc;
}

static int make_migrations_layer(struct making *making, struct err *err)
{
	CLEANUP(layer_writer_cleanup) struct layer_writer *writer = NULL;
	CLEANUP_FD int dirfd = -1;
	int rc = folder_open(making->plan->migrations, &dirfd, err);

	if (rc == 0)
		rc = layer_writer_new(
			making->dirfd, making->plan->created, making->arena, &writer, err);
	if (rc == 0)
		rc = put_migrations(writer, dirfd, err);
	if (rc == 0)
		rc = layer_writer_finish(writer, "offkit-pack image: the migrations",
			&making->made->migrations, err);
	if (rc == 0 && making->made->migrations.file_count == 0)
		rc = err_set(err, ERR_USAGE, "%s has no files", making->plan->migrations);
	return rc;
}

/* What out has becomes a blob whose content lives in the arena. */
static int take_document(
	struct making *making, struct str *out, struct image_blob *ret_blob, struct err *err)
{
	int rc = str_check(out, err);

	if (rc < 0)
		return rc;
	struct bytes content = arena_take(making->arena, out);
	return content.data == NULL ? err_no_memory(err)
				    : image_blob_of_text(content, ret_blob, err);
}

static int make_platform(struct making *making, size_t i, struct err *err)
{
	CLEANUP_STR struct str config = STR_INIT, manifest = STR_INIT;
	const struct image_plan *plan = making->plan;
	struct image_platform *platform = &making->made->platforms[i];

	*platform = (struct image_platform){.architecture = plan->programs.items[i].architecture};
	platform->layers[platform->layer_count++] = &making->made->programs[i];
	if (plan->migrations != NULL)
		platform->layers[platform->layer_count++] = &making->made->migrations;
	image_config_write(platform, &plan->labels, plan->created, &config);
	int rc = take_document(making, &config, &platform->config, err);
	if (rc < 0)
		return rc;
	image_manifest_write(platform, &plan->labels, &manifest);
	return take_document(making, &manifest, &platform->manifest, err);
}

static int make_all(struct making *making, struct err *err)
{
	CLEANUP_STR struct str index = STR_INIT;
	const struct image_plan *plan = making->plan;
	struct image_made *made = making->made;
	int rc = plan->migrations != NULL ? make_migrations_layer(making, err) : 0;

	for (size_t i = 0; i < plan->programs.count && rc == 0; i++) {
		rc = make_program_layer(making, i, err);
		if (rc == 0)
			rc = make_platform(making, i, err);
		made->platform_count += rc == 0;
	}
	if (rc == 0 && made->platform_count > 1) {
		image_index_write(made->platforms, made->platform_count, &plan->labels, &index);
		rc = take_document(making, &index, &making->index, err);
	}
	if (rc == 0)
		made->digest = made->platform_count > 1 ? making->index.digest
							: made->platforms[0].manifest.digest;
	return rc;
}

static int put_text(
	struct archive_writer *writer, const char *name, struct bytes content, struct err *err)
{
	int rc = archive_writer_file(writer, name, (int64_t)content.size, err);

	return rc < 0 ? rc : archive_writer_data(writer, content, err);
}

/* What leads to a blob comes before it, so that whoever reads once knows what it reads. */
static int put_layout(const struct making *making, struct archive_writer *writer, struct err *err)
{
	CLEANUP_STR struct str index = STR_INIT;
	const struct image_made *made = making->made;
	bool is_single = made->platform_count == 1;

	image_layout_write(is_single ? &made->platforms[0].manifest : &making->index,
		is_single ? &made->platforms[0] : NULL, making->plan->tag, &index);
	int rc = str_check(&index, err);
	if (rc == 0)
		rc = put_text(writer, "oci-layout",
			bytes_of_string("{\"imageLayoutVersion\":\"1.0.0\"}"), err);
	if (rc == 0)
		rc = put_text(writer, "index.json", str_bytes(&index), err);
	if (rc == 0 && !is_single)
		rc = image_blob_write(&making->index, writer, err);
	for (size_t i = 0; i < made->platform_count && rc == 0; i++) {
		rc = image_blob_write(&made->platforms[i].manifest, writer, err);
		if (rc == 0)
			rc = image_blob_write(&made->platforms[i].config, writer, err);
	}
	for (size_t i = 0; i < made->platform_count && rc == 0; i++)
		rc = image_blob_write(&made->programs[i].blob, writer, err);
	if (rc == 0 && making->plan->migrations != NULL)
		rc = image_blob_write(&made->migrations.blob, writer, err);
	return rc;
}

static int write_archive(const struct making *making, int fd, struct err *err)
{
	CLEANUP(archive_writer_cleanup) struct archive_writer *writer = NULL;
	int rc = archive_writer_new(fd, ARCHIVE_FORM_PLAIN, 0, &writer, err);

	if (rc == 0)
		rc = put_layout(making, writer, err);
	if (rc == 0)
		rc = archive_writer_finish(writer, err);
	if (rc == 0 && fsync(fd) != 0)
		rc = err_set_errno(err, ERR_DISK, errno, "syncing the image");
	return rc;
}

static int feed(void *self, struct bytes data, struct err *err)
{
	return image_data(self, data, err);
}

/* What a site would say of it, before anybody can take it. */
static int walk(struct making *making, int fd, struct err *err)
{
	CLEANUP(image_reader_cleanup) struct image_reader *reader = NULL;
	struct image_made *made = making->made;
	struct image image;
	struct stat st;

	if (fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_DISK, errno, "the image");
	made->size = st.st_size;
	int rc = image_reader_start(&reader, err);
	if (rc == 0)
		rc = image_begin(reader, st.st_size, &made->digest, err);
	if (rc == 0)
		rc = pour(fd, "the image that was just made", st.st_size,
			(struct stream_sink){reader, feed}, err);
	if (rc == 0)
		rc = image_end(reader, making->arena, &image, err);
	if (rc == 0 && (image.manifest_count != made->platform_count ||
			       image.unpinned_count + image.unreferenced_count > 0))
		rc = err_set(err, ERR_INTERNAL, "the image is not what was meant to be made");
	return rc;
}

static int write_image(struct making *making, const char *path, const char *name, struct err *err)
{
	CLEANUP_FD int fd = -1;
	char temporary[PLACE_TEMPORARY_SIZE] = "";
	struct err ignored;

	int rc = place_temporary(making->dirfd, false, temporary, &fd, err);
	if (rc == 0)
		rc = write_archive(making, fd, err);
	if (rc == 0)
		rc = walk(making, fd, err);
	if (rc == 0 && renameat(making->dirfd, temporary, making->dirfd, name) != 0)
		rc = err_set_errno(err, ERR_DISK, errno, "%s", path);
	if (rc == 0)
		return folder_sync(making->dirfd, err);
	if (temporary[0] != '\0')
		(void)!tree_remove_at(making->dirfd, temporary, &ignored);
	return rc;
}

int image_make(const struct image_plan *plan, const char *path, struct arena *arena,
	struct image_made *ret_made, struct err *err)
{
	CLEANUP_FD int dirfd = -1;
	CLEANUP_STR struct str name = STR_INIT;
	struct making making = {.plan = plan, .arena = arena, .made = ret_made, .index.fd = -1};

	*ret_made = (struct image_made){.migrations.blob.fd = -1};
	for (size_t i = 0; i < PROGRAMS_MAX; i++)
		ret_made->programs[i].blob.fd = -1;
	int rc = place_open(path, &dirfd, &name, err);
	making.dirfd = dirfd;
	if (rc == 0)
		rc = make_all(&making, err);
	if (rc == 0)
		rc = write_image(&making, path, str_text(&name), err);
	for (size_t i = 0; i < PROGRAMS_MAX; i++)
		image_blob_release(&ret_made->programs[i].blob);
	image_blob_release(&ret_made->migrations.blob);
	return rc;
}
