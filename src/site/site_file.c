/* Files that decide what is done and where: nobody else may have written them. */
#include "site/site_file.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "site/site.h"

static int check_owner(int fd, const char *path, mode_t forbidden, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return err_set_errno(err, ERR_SITE, errno, "%s", path);
	if (status.st_uid != 0 && status.st_uid != geteuid())
		return err_set(err, ERR_SITE,
			"%s belongs to another user (uid %u): it must be root's or yours", path,
			(unsigned)status.st_uid);
	if ((status.st_mode & forbidden) != 0)
		return err_set(err, ERR_SITE, "%s may be %s by others: chmod %s it", path,
			(forbidden & S_IROTH) != 0 ? "read" : "written",
			(forbidden & S_IROTH) != 0 ? "0600" : "go-w");
	return 0;
}

static int read_fd(int fd, const char *path, struct str *content, struct err *err)
{
	char buffer[4096];

	for (;;) {
		ssize_t got = read(fd, buffer, sizeof buffer);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_SITE, errno, "%s", path);
		if (got == 0)
			return str_check(content, err);
		str_append(content, buffer, (size_t)got);
		if (content->size > SITE_SIZE_MAX)
			return err_set(err, ERR_SITE, "%s is over %d octets", path, SITE_SIZE_MAX);
	}
}

int site_read_guarded(
	const char *path, mode_t forbidden, struct str *content, bool *ret_private, struct err *err)
{
	CLEANUP_FD int fd = -1;
	struct stat status;
	int result = file_open_at(AT_FDCWD, path, &fd, err);

	if (result != 0)
		return result == -ERR_NOT_FOUND ? result : err_recode(err, ERR_SITE);
	result = check_owner(fd, path, forbidden, err);
	if (result == 0 && fstat(fd, &status) != 0)
		result = err_set_errno(err, ERR_SITE, errno, "%s", path);
	if (result == 0)
		result = read_fd(fd, path, content, err);
	if (result == 0)
		*ret_private = (status.st_mode & (S_IRWXG | S_IRWXO)) == 0;
	return result;
}

int site_read_uri_file(const char *path, struct arena *arena, const char **ret_uri, struct err *err)
{
	CLEANUP_STR struct str content = STR_INIT;
	bool is_private = false;
	int result = site_read_guarded(path, S_IRWXG | S_IRWXO, &content, &is_private, err);

	if (result != 0)
		return err->code == ERR_NO_MEMORY ? result : err_recode(err, ERR_SITE);
	size_t size = strcspn(str_text(&content), "\r\n");
	if (size == 0 || size > URI_MAX || strlen(str_text(&content)) != content.size ||
		strspn(str_text(&content) + size, "\r\n") != content.size - size)
		return err_set(err, ERR_SITE,
			"%s must hold the database URI in one line and nothing else", path);
	const char *uri = arena_string_n(arena, str_text(&content), size);
	if (uri == NULL)
		return err_no_memory(err);
	*ret_uri = uri;
	return 0;
}
