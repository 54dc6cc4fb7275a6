/* The files of a kit that stay in memory while it streams. */
#include "kit/migration.h"
#include "verify/kit_private.h"

enum { KEPT_FILES_MAX = MANIFEST_FILES_MAX };

/* The engine reads migrations as long as the kit lives; the rest is for evidence_check alone. */
static const struct kept_role {
	const char *what; /* "a file of a migration" */
	const char *all;
	size_t count_max;
	int64_t size_max, total_max; /* octets */
	bool lives_on;
} kept_roles[ROLE_COUNT] = {
	[ROLE_MIGRATION] = {"a file of a migration", "the files of all migrations", KEPT_FILES_MAX,
		MIGRATION_SIZE_MAX, MIGRATIONS_TOTAL_MAX, true},
	[ROLE_SBOM] = {"an SBOM", "all SBOMs", SBOMS_MAX, SPDX_SIZE_MAX, SBOMS_TOTAL_MAX, false},
	[ROLE_ATTESTATION] = {"an attestation", "all attestations", ATTESTATIONS_MAX,
		ATTESTATION_SIZE_MAX, ATTESTATIONS_TOTAL_MAX, false},
};

struct kept_total {
	size_t count;
	int64_t octets;
};

static int check_limits(const struct kept_role *role, const struct manifest_file *file,
	struct kept_total *total, struct err *err)
{
	total->count++;
	total->octets += file->size;
	if (file->size > role->size_max)
		return err_set(err, ERR_LIMIT, "%s has %lld octets; %s has at most %lld",
			file->name, (long long)file->size, role->what, (long long)role->size_max);
	if (total->octets > role->total_max)
		return err_set(err, ERR_LIMIT, "%s have more than %lld octets", role->all,
			(long long)role->total_max);
	if (total->count > role->count_max)
		return err_set(
			err, ERR_LIMIT, "%s are more than %zu files", role->all, role->count_max);
	return 0;
}

int kept_files_begin(struct trusted_kit *kit, struct err *err)
{
	const struct manifest *manifest = &kit->manifest;
	struct kept_total totals[ROLE_COUNT] = {{0}};

	kit->kept = arena_array(&kit->arena, manifest->file_count, sizeof *kit->kept);
	if (kit->kept == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < manifest->file_count; i++) {
		const struct manifest_file *file = &manifest->files[i];
		const struct kept_role *role = &kept_roles[file->role];
		if (role->what == NULL)
			continue;
		int rc = check_limits(role, file, &totals[file->role], err);
		if (rc < 0)
			return rc;
		kit->kept[i] = arena_alloc(role->lives_on ? &kit->arena : &kit->evidence_arena,
			(size_t)file->size + 1);
		if (kit->kept[i] == NULL)
			return err_no_memory(err);
	}
	return 0;
}

int kept_files_check(struct trusted_kit *kit, struct err *err)
{
	const struct manifest *manifest = &kit->manifest;
	int rc = evidence_check(manifest, kit->root, kit->kept, &kit->arena, &kit->evidence, err);

	for (size_t i = 0; i < manifest->file_count; i++)
		if (!kept_roles[manifest->files[i].role].lives_on)
			kit->kept[i] = NULL;
	arena_release(&kit->evidence_arena);
	return rc;
}
