/* A kit in a folder, and which of both a kit is. */
#include <fcntl.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kit/detached.h"
#include "kit/sums.h"
#include "pack/resign.h"

static int read_folder(int dirfd, struct signed_documents *documents, struct err *err)
{
	struct err missing;
	int rc;

	if ((rc = file_read_at(
		     dirfd, "manifest.dsse", ENVELOPE_SIZE_MAX, &documents->envelope, err)) < 0 ||
		(rc = file_read_at(dirfd, "SHA256SUMS", SUMS_SIZE_MAX, &documents->sums, err)) < 0)
		return rc;
	rc = file_read_at(
		dirfd, "SHA256SUMS.sig", DETACHED_SIZE_MAX, &documents->sums_signature, &missing);
	if (rc < 0 && missing.code != ERR_NOT_FOUND) {
		*err = missing;
		return rc;
	}
	return 0;
}

/* The envelope last: until then the folder is the kit that it was. */
static int change_folder(const char *path, documents_change *change, void *argument,
	struct signed_summary *ret_summary, struct err *err)
{
	CLEANUP(signed_documents_release) struct signed_documents documents = {0};
	CLEANUP_FD int dirfd = -1;
	int rc;

	if ((rc = folder_open(path, &dirfd, err)) < 0 ||
		(rc = read_folder(dirfd, &documents, err)) < 0 ||
		(rc = change(argument, &documents, ret_summary, err)) < 0)
		return rc;
	if (documents.sums_signature.size > 0 &&
		(rc = file_write_durable_at(dirfd, "SHA256SUMS.sig",
			 str_bytes(&documents.sums_signature), 0644, err)) < 0)
		return rc;
	return file_write_durable_at(
		dirfd, "manifest.dsse", str_bytes(&documents.envelope), 0644, err);
}

static bool is_folder(const char *path)
{
	struct stat about;

	return stat(path, &about) == 0 && S_ISDIR(about.st_mode);
}

int resign_read(const char *path, struct signed_documents *documents, struct err *err)
{
	CLEANUP_FD int dirfd = -1;

	if (!is_folder(path))
		return resign_archive_read(path, documents, err);
	int rc = folder_open(path, &dirfd, err);
	return rc < 0 ? rc : read_folder(dirfd, documents, err);
}

int resign_kit(const char *path, documents_change *change, void *argument,
	struct signed_summary *ret_summary, struct err *err)
{
	if (is_folder(path))
		return change_folder(path, change, argument, ret_summary, err);
	return resign_archive(path, change, argument, ret_summary, err);
}
