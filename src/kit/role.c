/* The table of file roles, in the order of the folders in an archive. */
#include <string.h>

#include "kit/manifest.h"

static const struct {
	const char *name;
	const char *folder;
} roles[ROLE_COUNT] = {
	[ROLE_MIGRATION] = {"migration", "migrations/"},
	[ROLE_SEED] = {"seed", "seeds/"},
	[ROLE_IMAGE] = {"image", "images/"},
	[ROLE_SBOM] = {"sbom", "sbom/"},
	[ROLE_ATTESTATION] = {"attestation", "attestations/"},
};

const char *file_role_name(enum file_role role)
{
	return roles[role].name;
}

const char *file_role_folder(enum file_role role)
{
	return roles[role].folder;
}

bool file_role_by_name(const char *name, enum file_role *ret_role)
{
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		if (strcmp(roles[i].name, name) == 0) {
			*ret_role = (enum file_role)i;
			return true;
		}
	}
	return false;
}

bool file_role_of(const char *file_name, enum file_role *ret_role)
{
	for (size_t i = 0; i < ROLE_COUNT; i++) {
		if (strncmp(roles[i].folder, file_name, strlen(roles[i].folder)) == 0) {
			*ret_role = (enum file_role)i;
			return true;
		}
	}
	return false;
}
