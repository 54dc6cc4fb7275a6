#include "pack/load_key.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"

int load_public_key(const char *path, struct public_key **ret_key, struct err *err)
{
	CLEANUP_STR struct str pem = STR_INIT;
	int rc = file_read_path(path, KEY_PEM_MAX, &pem, err);

	if (rc < 0)
		return rc;
	rc = public_key_from_pem(str_bytes(&pem), ret_key, err);
	return rc < 0 ? err_context(err, "%s", path) : 0;
}

int load_given_key(struct arena *arena, const char *option, const char *given, const char *meaning,
	const char **ret_path, const char **ret_more, struct public_key **ret_key, struct err *err)
{
	const char *equals = strchr(given, '=');

	if (equals == NULL || equals == given || equals[1] == '\0')
		return err_set(err, ERR_USAGE, "%s %s: a public key's file is meant, \"=\", and %s",
			option, given, meaning);
	const char *path = arena_string_n(arena, given, (size_t)(equals - given));
	const char *more = arena_string(arena, equals + 1);
	if (path == NULL || more == NULL)
		return err_no_memory(err);
	int rc = load_public_key(path, ret_key, err);
	if (rc < 0)
		return rc;
	*ret_path = path;
	*ret_more = more;
	return 0;
}
