/* The files that stay in memory while a kit streams: both sides of each limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kit/migration.h"
#include "verify/kit_private.h"

/* So many files of that role and size; the first one has more octets. */
static int begin(enum file_role role, size_t count, int64_t size, int64_t more)
{
	struct trusted_kit kit = {0};
	struct err err = {0};

	kit.manifest.file_count = count;
	kit.manifest.files = arena_array(&kit.arena, count, sizeof *kit.manifest.files);
	for (size_t i = 0; i < count; i++)
		kit.manifest.files[i] = (struct manifest_file){
			.name = "x", .size = i == 0 ? size + more : size, .role = role};
	int rc = kept_files_begin(&kit, &err);
	bool has_room = rc == 0 && kit.kept[0] != NULL;
	arena_release(&kit.evidence_arena);
	arena_release(&kit.arena);
	return rc == 0 ? has_room : rc;
}

static void test_size_of_one(void **state)
{
	(void)state;
	assert_int_equal(begin(ROLE_MIGRATION, 1, MIGRATION_SIZE_MAX, 0), 1);
	assert_int_equal(begin(ROLE_MIGRATION, 1, MIGRATION_SIZE_MAX, 1), -ERR_LIMIT);
	assert_int_equal(begin(ROLE_SBOM, 1, SPDX_SIZE_MAX, 0), 1);
	assert_int_equal(begin(ROLE_SBOM, 1, SPDX_SIZE_MAX, 1), -ERR_LIMIT);
	assert_int_equal(begin(ROLE_ATTESTATION, 1, ATTESTATION_SIZE_MAX, 0), 1);
	assert_int_equal(begin(ROLE_ATTESTATION, 1, ATTESTATION_SIZE_MAX, 1), -ERR_LIMIT);
}

static void test_size_of_all(void **state)
{
	(void)state;
	assert_int_equal(begin(ROLE_MIGRATION, 32, MIGRATIONS_TOTAL_MAX / 32, 0), 1);
	assert_int_equal(begin(ROLE_MIGRATION, 32, MIGRATIONS_TOTAL_MAX / 32, 1), -ERR_LIMIT);
	assert_int_equal(begin(ROLE_SBOM, 4, SBOMS_TOTAL_MAX / 4, 0), 1);
	assert_int_equal(begin(ROLE_SBOM, 4, SBOMS_TOTAL_MAX / 4, 1), -ERR_LIMIT);
	assert_int_equal(begin(ROLE_ATTESTATION, 8, ATTESTATIONS_TOTAL_MAX / 8, 0), 1);
	assert_int_equal(begin(ROLE_ATTESTATION, 8, ATTESTATIONS_TOTAL_MAX / 8, 1), -ERR_LIMIT);
}

static void test_count(void **state)
{
	(void)state;
	assert_int_equal(begin(ROLE_SBOM, SBOMS_MAX, 1, 0), 1);
	assert_int_equal(begin(ROLE_SBOM, SBOMS_MAX + 1, 1, 0), -ERR_LIMIT);
	assert_int_equal(begin(ROLE_ATTESTATION, ATTESTATIONS_MAX, 1, 0), 1);
	assert_int_equal(begin(ROLE_ATTESTATION, ATTESTATIONS_MAX + 1, 1, 0), -ERR_LIMIT);
	assert_int_equal(begin(ROLE_MIGRATION, MANIFEST_FILES_MAX, 1, 0), 1);
}

/* Each role has limits of its own. */
static void test_together(void **state)
{
	struct manifest_file files[] = {
		{.name = "a", .size = ATTESTATION_SIZE_MAX, .role = ROLE_ATTESTATION},
		{.name = "b", .size = ATTESTATION_SIZE_MAX, .role = ROLE_ATTESTATION},
		{.name = "c", .size = ATTESTATION_SIZE_MAX, .role = ROLE_ATTESTATION},
		{.name = "d", .size = ATTESTATION_SIZE_MAX, .role = ROLE_ATTESTATION},
		{.name = "e", .size = 1, .role = ROLE_SBOM},
		{.name = "f", .size = SPDX_SIZE_MAX, .role = ROLE_SBOM},
		{.name = "g", .size = SPDX_SIZE_MAX - 1, .role = ROLE_SBOM},
		{.name = "h", .size = ATTESTATION_SIZE_MAX, .role = ROLE_ATTESTATION},
	};
	struct err err = {0};

	(void)state;
	for (size_t count = 7; count <= 8; count++) {
		struct trusted_kit kit = {.manifest = {.file_count = count, .files = files}};
		assert_int_equal(kept_files_begin(&kit, &err), count == 7 ? 0 : -ERR_LIMIT);
		arena_release(&kit.evidence_arena);
		arena_release(&kit.arena);
	}
}

/* Their size is bounded by nothing but the manifest, and none of them is kept. */
static void test_others(void **state)
{
	(void)state;
	assert_int_equal(begin(ROLE_SEED, 8, MANIFEST_FILE_SIZE_MAX, 0), 0);
	assert_int_equal(begin(ROLE_IMAGE, 8, MANIFEST_FILE_SIZE_MAX, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_size_of_one),
		cmocka_unit_test(test_size_of_all),
		cmocka_unit_test(test_count),
		cmocka_unit_test(test_together),
		cmocka_unit_test(test_others),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
