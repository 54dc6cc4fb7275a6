/* unpack: verifies a kit and unpacks it into a state folder, as install does first. KIT STATE
 * [BASE] */
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "verify/verify.h"

int main(int argc, char **argv)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	CLEANUP_STR struct str quarantine = STR_INIT;
	CLEANUP_FD int state = -1;
	struct verify_options options = {.now = clock_now()};
	struct err err = {0};

	if (argc != 3 && argc != 4) {
		(void)fputs("usage: unpack KIT STATE [BASE]\n", stderr);
		return EXIT_FAILURE;
	}
	int rc = folder_make(argv[2], &state, &err);
	if (rc == 0)
		rc = trust_root_embedded(&root, &err);
	options.state_dirfd = state;
	options.base = argv[3];
	if (rc == 0)
		rc = verify_and_unpack(argv[1], root, &options, &kit, &quarantine, &err);
	if (rc < 0) {
		(void)fprintf(stderr, "unpack: %s\n", err.message);
		return err_exit_code(err.code);
	}
	(void)printf("%s\n", trusted_kit_id(kit));
	return EXIT_SUCCESS;
}
