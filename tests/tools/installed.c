/*
 * installed STATE KIT-ID: verifies an installed kit as resume and rollback do, by the roots that
 * are kept in the state folder, and says which version of the root accepted it.
 */
#include <stdio.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "trust/store.h"
#include "verify/verify.h"

int main(int argc, char **argv)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	CLEANUP_FD int state = -1;
	struct err err;

	if (argc != 3)
		return err_exit_code(ERR_USAGE);
	int rc = folder_open(argv[1], &state, &err);
	if (rc == 0)
		rc = trust_store_load(state, &root, &err);
	if (rc == 0)
		rc = verify_installed(state, argv[2], root, &kit, &err);
	if (rc < 0) {
		(void)fprintf(stderr, "%s\n", err.message);
		return err_exit_code(err.code);
	}
	(void)printf(
		"accepted by version %lld\n", (long long)trust_root_version(trusted_kit_root(kit)));
	return 0;
}
