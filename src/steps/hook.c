#include "steps/hook.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/child.h"
#include "base/cleanup.h"

static bool trusted_owner(const struct stat *st)
{
	return st->st_uid == 0 || st->st_uid == geteuid();
}

/* Who may write a folder on the way can put another program there. A sticky folder (/tmp) keeps
 * others from replacing what is not theirs. */
static int check_parents(const char *path, struct err *err)
{
	CLEANUP_FREE char *parent = strdup(path);
	struct stat st;

	if (parent == NULL)
		return err_no_memory(err);
	for (char *slash = strrchr(parent, '/'); slash != NULL; slash = strrchr(parent, '/')) {
		slash[slash == parent ? 1 : 0] = '\0';
		if (stat(parent, &st) != 0)
			return err_set_errno(err, ERR_HOOK, errno, "%s", parent);
		if (!trusted_owner(&st) ||
			((st.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (st.st_mode & S_ISVTX) == 0))
			return err_set(
				err, ERR_HOOK, "%s: others can write the folder %s", path, parent);
		if (slash == parent)
			break;
	}
	return 0;
}

int hook_check(const struct site_hook *hook, struct err *err)
{
	const char *path = hook->argv[0];
	struct stat st;

	if (path == NULL || path[0] != '/')
		return err_set(err, ERR_HOOK, "%s: a hook is named by its absolute path",
			path == NULL ? "" : path);
	if (stat(path, &st) != 0)
		return err_set_errno(err, ERR_HOOK, errno, "%s", path);
	if (!S_ISREG(st.st_mode) || access(path, X_OK) != 0)
		return err_set(err, ERR_HOOK, "%s is not a program", path);
	if (!trusted_owner(&st))
		return err_set(err, ERR_HOOK, "%s belongs neither to root nor to this user", path);
	if ((st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
		return err_set(err, ERR_HOOK, "%s can be written by others", path);
	int rc = check_parents(path, err);
	if (rc < 0)
		return rc;
	/* A link leads to other folders, which count as well. */
	CLEANUP_FREE char *real = realpath(path, NULL);
	if (real == NULL)
		return err_set_errno(err, ERR_HOOK, errno, "%s", path);
	return strcmp(real, path) == 0 ? 0 : check_parents(real, err);
}

int hook_run(const struct site_hook *hook, const char *run_id, struct str *output, struct err *err)
{
	char run[128];
	const char *const environment[] = {
		"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C", run, NULL};
	const struct child child = {
		.argv = hook->argv,
		.environment = environment,
		.folder = "/",
		.input_fd = -1,
		.own_group = true,
		.timeout = hook->timeout,
		.output_max = HOOK_OUTPUT_MAX,
		.failure = ERR_HOOK,
	};
	int rc = hook_check(hook, err);

	(void)snprintf(run, sizeof run, "OFFKIT_RUN=%s", run_id);
	return rc < 0 ? rc : child_run(&child, output, err);
}
