/* Verifying and unpacking whole kits: time and sequence, limits, staging, quarantine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/writer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/version.h"
#include "kit/detached.h"
#include "kit/envelope.h"
#include "kit/migration.h"
#include "kit/sums.h"
#include "verify/staging.h"
#include "verify/verify.h"

enum { FILES_MAX = 64 };

#define DAY	((int64_t)24 * 60 * 60 * 1000)
#define CREATED INT64_C(1766152920000) /* 2025-12-19T14:02:00Z */

static struct trust_root *root;
static char state_path[] = "/tmp/offkit-verify-XXXXXX";
static int state_fd = -1;

/* A kit in memory: the manifest, and files of zeros but for the first, which is a migration. */
struct spec {
	int64_t sequence, created, expires; /* expires 0: never */
	const char *previous, *offkit;
	size_t file_count; /* besides the migration */
	int64_t file_size;
	const char *damage; /* written instead of the migration */
	int fd;
	char path[64];
};

static const char migration[] = "{\"id\":\"one\",\"kind\":\"ensure\",\"title\":\"t\"}";

static void must(int rc, const struct err *err)
{
	if (rc < 0)
		fail_msg("%s", err->message);
}

static void digest_zeros(int64_t size, struct sha256 *ret_digest)
{
	static const uint8_t zeros[64 * 1024];
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	struct err err;

	must(sha256_stream_new(&stream, &err), &err);
	for (int64_t left = size; left > 0; left -= (int64_t)sizeof zeros) {
		size_t part = left < (int64_t)sizeof zeros ? (size_t)left : sizeof zeros;
		must(sha256_stream_update(stream, bytes_make(zeros, part), &err), &err);
	}
	must(sha256_stream_finish(stream, ret_digest, &err), &err);
}

static void write_zeros(struct archive_writer *writer, int64_t size)
{
	static const uint8_t zeros[64 * 1024];
	struct err err;

	for (int64_t left = size; left > 0; left -= (int64_t)sizeof zeros) {
		size_t part = left < (int64_t)sizeof zeros ? (size_t)left : sizeof zeros;
		must(archive_writer_data(writer, bytes_make(zeros, part), &err), &err);
	}
}

static void put(struct archive_writer *writer, const char *name, struct bytes content)
{
	struct err err;

	must(archive_writer_file(writer, name, (int64_t)content.size, &err), &err);
	must(archive_writer_data(writer, content, &err), &err);
}

static struct private_key *load_key(const char *name)
{
	CLEANUP_STR struct str path = STR_INIT;
	CLEANUP_STR struct str pem = STR_INIT;
	struct private_key *key;
	struct err err;

	str_append_format(&path, "fixtures/keys/%s.key", name);
	must(file_read_path(str_text(&path), KEY_PEM_MAX, &pem, &err), &err);
	must(private_key_from_pem(str_bytes(&pem), &key, &err), &err);
	return key;
}

static void sign(struct bytes payload, struct bytes sums, struct str *envelope_text,
	struct str *sums_signature)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct envelope envelope = {
		.payload_type = ENVELOPE_TYPE_IN_TOTO, .untrusted_payload = payload};
	struct err err;

	for (int i = 0; i < 2; i++) {
		CLEANUP(private_key_cleanup)
		struct private_key *key = load_key(i == 0 ? "release-eu" : "release-us");
		must(envelope_sign(&envelope, key, KEY_ECDSA_P256_SHA256, "", &arena, &err), &err);
		if (i == 0)
			must(detached_sign(sums, key, KEY_ECDSA_P256_SHA256, sums_signature, &err),
				&err);
	}
	must(envelope_write(&envelope, envelope_text, &err), &err);
}

static void make_kit(struct spec *spec)
{
	CLEANUP_STR struct str sums_text = STR_INIT, payload = STR_INIT, envelope = STR_INIT,
			       signature = STR_INIT;
	CLEANUP(archive_writer_cleanup) struct archive_writer *writer = NULL;
	struct manifest_file files[FILES_MAX + 1];
	struct sums_entry entries[FILES_MAX + 1];
	char names[FILES_MAX][64];
	const char *migrations[] = {"one"};
	struct manifest manifest = {.name = "unit",
		.version = "1.2.3",
		.title = "",
		.sequence = spec->sequence != 0 ? spec->sequence : 5,
		.created = spec->created != 0 ? spec->created : CREATED,
		.has_expiry = spec->expires != 0,
		.expires = spec->expires,
		.requires_previous = spec->previous,
		.requires_offkit = spec->offkit,
		.file_count = spec->file_count + 1,
		.files = files,
		.migration_count = 1,
		.migrations = migrations};
	struct sums sums = {manifest.file_count, entries};
	struct err err;

	files[0] = (struct manifest_file){.name = "migrations/one/migration.json",
		.size = sizeof migration - 1,
		.media_type = "application/json",
		.role = ROLE_MIGRATION};
	must(sha256_of(bytes_of_string(migration), &files[0].digest, &err), &err);
	for (size_t i = 0; i < spec->file_count; i++) {
		(void)snprintf(names[i], sizeof names[i], "migrations/one/x%02zu", i);
		files[i + 1] = (struct manifest_file){.name = names[i],
			.size = spec->file_size,
			.media_type = "application/octet-stream",
			.role = ROLE_MIGRATION};
		if (i == 0)
			digest_zeros(spec->file_size, &files[1].digest);
		files[i + 1].digest = files[1].digest;
	}
	for (size_t i = 0; i < manifest.file_count; i++)
		entries[i] = (struct sums_entry){files[i].name, files[i].digest};
	sums_write(&sums, &sums_text);
	must(sha256_of(str_bytes(&sums_text), &manifest.sums_digest, &err), &err);
	must(manifest_write(&manifest, &payload, &err), &err);
	sign(str_bytes(&payload), str_bytes(&sums_text), &envelope, &signature);
	spec->fd = memfd_create("kit", MFD_CLOEXEC);
	(void)snprintf(spec->path, sizeof spec->path, "/proc/self/fd/%d", spec->fd);
	must(archive_writer_new(spec->fd, ARCHIVE_FORM_ZSTD, 1, &writer, &err), &err);
	put(writer, "manifest.dsse", str_bytes(&envelope));
	put(writer, "SHA256SUMS", str_bytes(&sums_text));
	put(writer, "SHA256SUMS.sig", str_bytes(&signature));
	put(writer, files[0].name,
		bytes_of_string(spec->damage != NULL ? spec->damage : migration));
	for (size_t i = 0; i < spec->file_count; i++) {
		must(archive_writer_file(writer, names[i], spec->file_size, &err), &err);
		write_zeros(writer, spec->file_size);
	}
	must(archive_writer_finish(writer, &err), &err);
}

static void expect(struct spec *spec, const struct verify_options *options, enum err_code code)
{
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	struct err err = {0};

	make_kit(spec);
	int rc = verify_kit(spec->path, root, options, &kit, &err);
	(void)close(spec->fd);
	if (rc != -(int)code)
		fail_msg("wanted %s, got %s: %s", err_name(code), err_name(err.code), err.message);
}

/* ---- time */

/* The date of the commit is a floor under the clock: the times here stand after it. */
static int64_t some_time(void)
{
	return version_commit_time() + 400 * DAY;
}

static void expiry_is_judged_to_the_millisecond(void **state)
{
	int64_t now = some_time();
	struct verify_options options = {.state_dirfd = -1, .now = now};

	(void)state;
	expect(&(struct spec){.expires = now + 1}, &options, ERR_NONE);
	expect(&(struct spec){.expires = now}, &options, ERR_EXPIRED);
	options.force_reason = "test";
	expect(&(struct spec){.expires = now}, &options, ERR_NONE);
	options.force_reason = NULL;
	options.ignore_time = true;
	expect(&(struct spec){.expires = now}, &options, ERR_NONE);
}

static void a_clock_that_was_set_back_revives_nothing(void **state)
{
	struct verify_options options = {.state_dirfd = -1, .now = CREATED};

	(void)state;
	expect(&(struct spec){.expires = version_commit_time()}, &options, ERR_EXPIRED);
	expect(&(struct spec){.expires = version_commit_time() + 1000}, &options, ERR_NONE);
}

static void the_future_begins_after_a_day(void **state)
{
	int64_t now = some_time();
	struct verify_options options = {.state_dirfd = -1, .now = now};

	(void)state;
	expect(&(struct spec){.created = now + DAY}, &options, ERR_NONE);
	expect(&(struct spec){.created = now + DAY + 1}, &options, ERR_FUTURE);
	options.force_reason = "test";
	expect(&(struct spec){.created = now + DAY + 1}, &options, ERR_NONE);
}

static void an_expired_root_is_not_overruled(void **state)
{
	struct verify_options options = {
		.state_dirfd = -1, .now = trust_root_expires(root), .force_reason = "test"};

	(void)state;
	expect(&(struct spec){0}, &options, ERR_TRUST_EXPIRED);
	options.ignore_time = true;
	expect(&(struct spec){0}, &options, ERR_NONE);
	options.ignore_time = false;
	options.now--;
	expect(&(struct spec){0}, &options, ERR_NONE);
}

static void asks_for_a_new_enough_program(void **state)
{
	struct verify_options options = {.state_dirfd = -1, .now = some_time()};

	(void)state;
	expect(&(struct spec){.offkit = version_text()}, &options, ERR_NONE);
	options.force_reason = "test";
	expect(&(struct spec){.offkit = "99.0.0"}, &options, ERR_REQUIREMENT);
}

/* ---- what was installed */

static void install(struct spec *spec)
{
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	const struct verify_options options = {
		.state_dirfd = state_fd, .now = some_time(), .force_reason = "test"};
	struct err err;

	make_kit(spec);
	must(verify_kit(spec->path, root, &options, &kit, &err), &err);
	must(installed_record(state_fd, kit, &err), &err);
	(void)close(spec->fd);
}

static void the_sequence_only_grows(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct verify_options options = {.state_dirfd = state_fd, .now = some_time()};
	const char *version = "";
	int64_t sequence = -1;
	struct err err;

	(void)state;
	must(installed_sequence(state_fd, "unit", &sequence, &version, &arena, &err), &err);
	assert_int_equal(sequence, 0);
	assert_null(version);
	install(&(struct spec){.sequence = 7});
	expect(&(struct spec){.sequence = 6}, &options, ERR_SEQUENCE);
	expect(&(struct spec){.sequence = 7}, &options, ERR_NONE);
	expect(&(struct spec){.sequence = 8}, &options, ERR_NONE);
	options.force_reason = "test";
	expect(&(struct spec){.sequence = 6}, &options, ERR_NONE);
	install(&(struct spec){.sequence = 6}); /* forced: it does not lower the mark */
	must(installed_sequence(state_fd, "unit", &sequence, &version, &arena, &err), &err);
	assert_int_equal(sequence, 7);
	assert_string_equal(version, "1.2.3");
}

static void asks_for_the_kit_before(void **state)
{
	const struct verify_options options = {.state_dirfd = state_fd, .now = some_time()};

	(void)state;
	expect(&(struct spec){.previous = "1.0.0"}, &options, ERR_REQUIREMENT);
	install(&(struct spec){0});
	expect(&(struct spec){.previous = "1.2.3"}, &options, ERR_NONE);
}

static void a_damaged_record_is_never_skipped(void **state)
{
	const struct verify_options options = {.state_dirfd = state_fd, .now = some_time()};
	static const char *const bad[] = {"", "{}", "{\"kits\":[{}]}", "{\"kits\":[1]}",
		"{\"kits\":[{\"name\":\"a\",\"version\":\"1\",\"sequence\":0,\"created\":\"2025-12-"
		"19T14:02:00Z\",\"installed\":\"2025-12-19T14:02:00Z\"}]}"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		must(file_write_durable_at(
			     state_fd, "installed.json", bytes_of_string(bad[i]), 0600, &err),
			&err);
		expect(&(struct spec){0}, &options, ERR_STATE_FOLDER);
	}
}

/* ---- limits of what is kept in memory */

static void bounds_what_is_kept(void **state)
{
	const struct verify_options options = {.state_dirfd = -1, .now = some_time()};
	int64_t quarter = (64 * 1024 * 1024 - ((int64_t)sizeof migration - 1)) / 31;

	(void)state;
	expect(&(struct spec){.file_count = 1, .file_size = MIGRATION_SIZE_MAX}, &options,
		ERR_NONE);
	expect(&(struct spec){.file_count = 1, .file_size = MIGRATION_SIZE_MAX + 1}, &options,
		ERR_LIMIT);
	expect(&(struct spec){.file_count = 31, .file_size = quarter}, &options, ERR_NONE);
	expect(&(struct spec){.file_count = 31, .file_size = quarter + 1}, &options, ERR_LIMIT);
}

/* ---- unpacking */

static bool exists(const char *name)
{
	struct stat st;

	return fstatat(state_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0;
}

static unsigned mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(state_fd, name, &st, AT_SYMLINK_NOFOLLOW), 0);
	return st.st_mode & 07777U;
}

static int unpack(
	struct spec *spec, struct trusted_kit **ret_kit, struct str *quarantine, struct err *err)
{
	const struct verify_options options = {.state_dirfd = state_fd, .now = some_time()};

	make_kit(spec);
	int rc = verify_and_unpack(spec->path, root, &options, ret_kit, quarantine, err);
	(void)close(spec->fd);
	return rc;
}

static void unpacks_whatever_the_umask(void **state)
{
	CLEANUP_STR struct str quarantine = STR_INIT;
	CLEANUP_STR struct str name = STR_INIT;
	struct err err;

	(void)state;
	mode_t before = umask(077);
	for (int again = 0; again < 2; again++) { /* the second takes the place of the first */
		CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
		CLEANUP(trusted_kit_cleanup) struct trusted_kit *installed = NULL;
		must(unpack(&(struct spec){0}, &kit, &quarantine, &err), &err);
		assert_true(bytes_equal(trusted_kit_file(kit, "migrations/one/migration.json"),
			bytes_of_string(migration)));
		assert_null(trusted_kit_file(kit, "migrations/one/none").data);
		str_truncate(&name, 0);
		str_append_format(&name, "kits/%s", trusted_kit_id(kit));
		assert_int_equal(mode_of(str_text(&name)), 0755);
		must(verify_installed(state_fd, trusted_kit_id(kit), root, &installed, &err), &err);
		assert_string_equal(trusted_kit_id(installed), trusted_kit_id(kit));
	}
	(void)umask(before);
	str_append_text(&name, "/migrations/one");
	assert_int_equal(mode_of(str_text(&name)), 0755);
	str_append_text(&name, "/migration.json");
	assert_int_equal(mode_of(str_text(&name)), 0644);
	assert_int_equal(mode_of("staging"), 0700);
	assert_false(exists("quarantine"));
}

static void what_was_unpacked_is_checked_again(void **state)
{
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	CLEANUP_STR struct str quarantine = STR_INIT;
	CLEANUP_STR struct str name = STR_INIT;
	struct trusted_kit *again;
	struct err err;

	(void)state;
	must(unpack(&(struct spec){0}, &kit, &quarantine, &err), &err);
	str_append_format(&name, "kits/%s/migrations/one/migration.json", trusted_kit_id(kit));
	must(file_write_durable_at(state_fd, str_text(&name),
		     bytes_of_string("{\"id\":\"one\",\"kind\":\"ensure\",\"title\":\"T\"}"), 0644,
		     &err),
		&err);
	assert_int_equal(
		verify_installed(state_fd, trusted_kit_id(kit), root, &again, &err), -ERR_CHECKSUM);
	assert_int_equal(verify_installed(state_fd, "none", root, &again, &err), -ERR_NOT_FOUND);
	str_truncate(&name, 0);
	str_append_format(&name, "kits/%s", trusted_kit_id(kit));
	assert_int_equal(renameat(state_fd, str_text(&name), state_fd, "kits/other"), 0);
	assert_true(verify_installed(state_fd, "other", root, &again, &err) < 0);
}

static void a_bad_kit_goes_to_quarantine(void **state)
{
	CLEANUP_STR struct str quarantine = STR_INIT;
	CLEANUP_STR struct str name = STR_INIT;
	CLEANUP_STR struct str reason = STR_INIT;
	struct trusted_kit *kit = NULL;
	struct spec spec = {.damage = "{\"id\":\"one\",\"kind\":\"ensure\",\"title\":\"x\"}"};
	struct err err;

	(void)state;
	assert_int_equal(unpack(&spec, &kit, &quarantine, &err), -ERR_CHECKSUM);
	assert_null(kit);
	str_append_format(&name, "quarantine/%s/REASON.json", str_text(&quarantine));
	must(file_read_at(state_fd, str_text(&name), 4096, &reason, &err), &err);
	assert_non_null(strstr(str_text(&reason), "\"code\":\"CHECKSUM\",\"exit\":2"));
	assert_non_null(strstr(str_text(&reason), spec.path));
	assert_false(exists("kits"));
}

static size_t count_quarantine(void)
{
	CLEANUP_DIR DIR *dir = fdopendir(openat(state_fd, "quarantine", O_RDONLY | O_DIRECTORY));
	size_t count = 0;

	assert_non_null(dir);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		count += entry->d_name[0] != '.';
	return count;
}

static void quarantine_keeps_the_newest(void **state)
{
	struct spec spec = {.damage = "{\"id\":\"one\",\"kind\":\"ensure\",\"title\":\"x\"}"};
	struct err err;

	(void)state;
	for (size_t i = 1; i <= QUARANTINE_MAX + 2; i++) {
		CLEANUP_STR struct str quarantine = STR_INIT;
		CLEANUP_STR struct str name = STR_INIT;
		struct trusted_kit *kit = NULL;
		assert_int_equal(unpack(&spec, &kit, &quarantine, &err), -ERR_CHECKSUM);
		str_append_format(&name, "quarantine/%s", str_text(&quarantine));
		assert_true(exists(str_text(&name)));
		assert_int_equal(count_quarantine(), i < QUARANTINE_MAX ? i : QUARANTINE_MAX);
	}
	/* What somebody else put there is not counted, and stays. */
	assert_int_equal(mkdirat(state_fd, "quarantine/0", 0700), 0);
	CLEANUP_STR struct str quarantine = STR_INIT;
	struct trusted_kit *kit = NULL;
	assert_int_equal(unpack(&spec, &kit, &quarantine, &err), -ERR_CHECKSUM);
	assert_int_equal(count_quarantine(), QUARANTINE_MAX + 1);
}

static void nothing_written_is_nothing_left(void **state)
{
	CLEANUP_STR struct str quarantine = STR_INIT;
	struct trusted_kit *kit = NULL;
	struct err err;

	(void)state;
	assert_int_equal(unpack(&(struct spec){.offkit = "99.0.0"}, &kit, &quarantine, &err),
		-ERR_REQUIREMENT);
	assert_string_equal(str_text(&quarantine), "");
	assert_false(exists("staging"));
	assert_false(exists("quarantine"));
}

static void leftovers_go(void **state)
{
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	CLEANUP_STR struct str quarantine = STR_INIT;
	struct err err;

	(void)state;
	assert_int_equal(mkdirat(state_fd, "staging", 0700), 0);
	assert_int_equal(mkdirat(state_fd, "staging/old", 0700), 0);
	must(file_write_durable_at(state_fd, "staging/old/half", bytes_of_string("x"), 0600, &err),
		&err);
	must(unpack(&(struct spec){0}, &kit, &quarantine, &err), &err);
	assert_false(exists("staging/old"));
}

static void a_staging_folder_that_is_none_refuses(void **state)
{
	CLEANUP_STR struct str quarantine = STR_INIT;
	struct trusted_kit *kit = NULL;
	struct err err;

	(void)state;
	assert_int_equal(symlinkat("/tmp", state_fd, "staging"), 0);
	assert_int_equal(unpack(&(struct spec){0}, &kit, &quarantine, &err), -ERR_STATE_FOLDER);
	assert_false(exists("kits"));
}

static int clear_state(void **state)
{
	static const char *const names[] = {"installed.json", "kits", "quarantine", "staging"};
	struct err err;

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (tree_remove_at(state_fd, names[i], &err) < 0)
			return -1;
	return 0;
}

static int begin(void **state)
{
	struct err err;

	(void)state;
	if (mkdtemp(state_path) == NULL || folder_open(state_path, &state_fd, &err) < 0)
		return -1;
	return trust_root_embedded(&root, &err);
}

static int end(void **state)
{
	(void)clear_state(state);
	trust_root_free(root);
	(void)close(state_fd);
	return rmdir(state_path);
}

#define TEST(function) cmocka_unit_test_teardown(function, clear_state)

/* Nothing is signed yet where these octets are decoded. */
static int verify_zeros(int64_t size, struct err *err)
{
	CLEANUP(archive_writer_cleanup) struct archive_writer *writer = NULL;
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	CLEANUP_FD int fd = memfd_create("bomb", MFD_CLOEXEC);
	const struct verify_options options = {.state_dirfd = -1, .now = CREATED + DAY};
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	must(archive_writer_new(fd, ARCHIVE_FORM_ZSTD, 1, &writer, err), err);
	must(archive_writer_file(writer, "seeds/zeros", size, err), err);
	write_zeros(writer, size);
	must(archive_writer_finish(writer, err), err);
	return verify_kit(path, root, &options, &kit, err);
}

static void what_comes_before_the_signatures_does_not_grow_without_end(void **state)
{
	struct err err;

	(void)state;
	assert_int_equal(verify_zeros(64 << 20, &err), -ERR_NOT_A_KIT);
	assert_int_equal(verify_zeros(96 << 20, &err), -ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_comes_before_the_signatures_does_not_grow_without_end),
		TEST(expiry_is_judged_to_the_millisecond),
		TEST(a_clock_that_was_set_back_revives_nothing),
		TEST(the_future_begins_after_a_day),
		TEST(an_expired_root_is_not_overruled),
		TEST(asks_for_a_new_enough_program),
		TEST(the_sequence_only_grows),
		TEST(asks_for_the_kit_before),
		TEST(a_damaged_record_is_never_skipped),
		TEST(bounds_what_is_kept),
		TEST(unpacks_whatever_the_umask),
		TEST(what_was_unpacked_is_checked_again),
		TEST(a_bad_kit_goes_to_quarantine),
		TEST(quarantine_keeps_the_newest),
		TEST(nothing_written_is_nothing_left),
		TEST(leftovers_go),
		TEST(a_staging_folder_that_is_none_refuses),
	};

	return cmocka_run_group_tests_name("verify: kits", tests, begin, end);
}
