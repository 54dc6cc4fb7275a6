#include "pack/load_key.h"

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
