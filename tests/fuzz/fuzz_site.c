/* A site file that is taken is within every bound, and its URI is never shown with its password. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mongo/mongo.h"
#include "site/site.h"
#include "tests/fuzz/aid.h"
#include "text/text.h"

static void check_hook(const struct site_hook *hook)
{
	size_t count = 0;

	HOLDS(hook->timeout >= 1);
	if (hook->argv == NULL)
		return;
	while (hook->argv[count] != NULL)
		count++;
	HOLDS(count >= 1 && count <= HOOK_ARGUMENTS_MAX && hook->argv[0][0] == '/');
}

/* The corpus's own, where a URI has its password, and nowhere else. */
static bool has_the_password(const char *uri)
{
	const char *begin = strstr(uri, "://"), *found = strstr(uri, "sEcReT");

	if (begin == NULL || found == NULL || strstr(found + 1, "sEcReT") != NULL)
		return false;
	begin += 3;
	return found > begin && found[-1] == ':' && found[6] == '@' &&
	       strcspn(begin, "/?@:") == (size_t)(found - 1 - begin);
}

static void check_uri(const char *uri)
{
	CLEANUP_STR struct str shown = STR_INIT;

	mongo_uri_redact(uri, &shown);
	HOLDS(utf8_valid(str_bytes(&shown)) && strchr(str_text(&shown), '\n') == NULL);
	if (has_the_password(uri))
		HOLDS(strstr(str_text(&shown), "sEcReT") == NULL);
	(void)mongo_uri_is_loopback(uri);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct site site;
	char path[MEMORY_PATH_SIZE + sizeof "/site.json"];
	struct err err = {0};

	(void)unsetenv("OFFKIT_MONGODB_URI");
	scratch_put("site.json", bytes_make(data, size));
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d/site.json", scratch_folder());
	int rc = site_load(path, NULL, &arena, &site, &err);
	HOLDS(rc == 0 || rc == -ERR_SITE);
	if (rc < 0)
		return 0;
	HOLDS(site.name != NULL && site.database != NULL && site.uri != NULL);
	HOLDS(site.state_dir[0] == '/' && site.backup_dir[0] == '/');
	HOLDS(site.frozen_count <= SITE_COLLECTIONS_MAX);
	HOLDS(site.silence >= 0 && site.watch >= 0 && site.backlog_limit >= 0 && site.max_lag > 0);
	HOLDS(site.backup_workers >= 1 && site.backup_workers <= 32);
	check_hook(&site.freeze);
	check_hook(&site.unfreeze);
	check_uri(site.uri);
	return 0;
}
