#include "pack/load_root.h"

#include "base/cleanup.h"
#include "base/file.h"

int load_root(const char *path, struct trust_root **ret_root, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;

	if (path == NULL)
		return trust_root_embedded(ret_root, err);
	int rc = file_read_path(path, ROOT_SIZE_MAX, &text, err);
	if (rc == 0)
		rc = trust_root_parse(str_bytes(&text), &root, err);
	if (rc == 0)
		rc = trust_root_signed_by(root, root, err);
	if (rc < 0)
		return err_context(err, "%s", path);
	*ret_root = STEAL(root);
	return 0;
}
