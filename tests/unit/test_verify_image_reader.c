/* Images given to a process without rights, and what it says of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image_scene.h"
#include "verify/image.h"
#include "verify/image_report.h"

static struct arena arena;
static struct err err;

static struct image_reader *start(void)
{
	struct image_reader *reader = NULL;

	arena_release(&arena);
	assert_int_equal(image_reader_start(&reader, &err), 0);
	return reader;
}

/* In parts, as the kit's stream gives them. */
static int give(struct image_reader *reader, const struct str *tar, const char *pinned_hex,
	struct image *image)
{
	enum { PART = 1000 };
	struct sha256 pinned;

	if (pinned_hex != NULL)
		assert_true(sha256_from_hex(bytes_of_string(pinned_hex), &pinned));
	int rc = image_begin(reader, (int64_t)tar->size, pinned_hex ? &pinned : NULL, &err);
	for (size_t at = 0; at < tar->size && rc == 0; at += PART)
		rc = image_data(reader,
			bytes_make(tar->text + at, tar->size - at < PART ? tar->size - at : PART),
			&err);
	return rc < 0 ? rc : image_end(reader, &arena, image, &err);
}

static void assert_digest(const struct sha256 *digest, const char *hex)
{
	char found[SHA256_HEX_SIZE];

	sha256_to_hex(digest, found);
	assert_string_equal(found, hex);
}

static void test_one_after_the_other(void **state)
{
	static const char *const archs[] = {"amd64", "arm64", "s390x"};
	CLEANUP(image_reader_cleanup) struct image_reader *reader = start();
	struct image images[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		CLEANUP_STR struct str tar = STR_INIT;
		struct scene_blob manifest = scene_image(&tar, archs[i],
			",\"annotations\":{\"org.opencontainers.image.ref.name\":\"a\\\"b\"}");
		scene_finish(&tar, manifest.descriptor);
		assert_int_equal(give(reader, &tar, i == 1 ? NULL : manifest.hex, &images[i]), 0);
		assert_digest(&images[i].digest, manifest.hex);
	}
	for (size_t i = 0; i < 3; i++) {
		assert_string_equal(images[i].file, "");
		assert_string_equal(images[i].reference, "a\"b");
		assert_int_equal(images[i].manifest_count, 1);
		assert_int_equal(images[i].manifests[0].layer_count, 1);
		assert_string_equal(images[i].manifests[0].platform.architecture, archs[i]);
	}
}

static void test_refused(void **state)
{
	static const char other[] =
		"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
	struct image image;

	(void)state;
	for (int wrong = 0; wrong < 5; wrong++) {
		CLEANUP(image_reader_cleanup) struct image_reader *reader = start();
		CLEANUP_STR struct str tar = STR_INIT;
		struct scene_blob manifest = scene_image(&tar, "amd64", "");
		const char *pinned = wrong == 0 ? other : manifest.hex;
		int wanted = wrong == 0 ? -ERR_IMAGE : -ERR_SYNTAX;

		scene_finish(&tar, manifest.descriptor);
		if (wrong == 1) /* no end */
			str_truncate(&tar, tar.size - 1024);
		if (wrong == 2) /* within a member */
			str_truncate(&tar, 700);
		if (wrong == 3) { /* no tar */
			str_truncate(&tar, 0);
			str_append_text(&tar, "an image");
		}
		if (wrong == 4)
			str_truncate(&tar, 0);
		assert_int_equal(give(reader, &tar, pinned, &image), wanted);
		/* It has ended. */
		assert_int_equal(give(reader, &tar, pinned, &image), -ERR_INTERNAL);
	}
}

/* What follows a failure is less than the buffers between two processes, or much more. */
static void test_early_failure(void **state)
{
	static const size_t sizes[] = {300 * 1024, 400 * 1024, 8 * 1024 * 1024};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		CLEANUP(image_reader_cleanup) struct image_reader *reader = start();
		CLEANUP_STR struct str tar = STR_INIT;
		CLEANUP_STR struct str large = STR_INIT;
		struct image image;

		while (large.size < sizes[i])
			str_append(&large, "0123456789abcdef", 16);
		scene_file(&tar, "../escape", "");
		scene_member(&tar, "blobs/sha256/x", '0', large.text, large.size);
		scene_end(&tar);
		assert_int_equal(give(reader, &tar, NULL, &image), -ERR_UNSAFE_ARCHIVE);
		assert_non_null(strstr(err.message, "\"..\""));
	}
}

static void test_out_of_turn(void **state)
{
	CLEANUP(image_reader_cleanup) struct image_reader *reader = start();
	struct image image;

	(void)state;
	assert_int_equal(image_end(reader, &arena, &image, &err), -ERR_INTERNAL);
	assert_int_equal(image_begin(reader, 10, NULL, &err), 0);
	assert_int_equal(image_begin(reader, 10, NULL, &err), -ERR_INTERNAL);
	assert_int_equal(image_data(reader, bytes_of_string("12345678901"), &err), -ERR_INTERNAL);
	assert_int_equal(image_data(reader, bytes_of_string("123456789"), &err), 0);
	assert_int_equal(image_end(reader, &arena, &image, &err), -ERR_INTERNAL);
	image_reader_free(NULL);
}

#define HEX "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define ONE(more)                                                                                  \
	"{\"digest\":\"" HEX "\",\"os\":\"\",\"architecture\":\"\",\"variant\":\"\"," more "}"
#define REPORT(list) REPORT_OF(HEX, "0", list)
#define REPORT_OF(hex, count, list)                                                                \
	"{\"digest\":\"" hex "\",\"reference\":\"r\",\"unpinned\":" count                          \
	",\"unreferenced\":0,\"manifests\":[" list "]}"
#define GOOD ONE("\"layers\":1,\"octets\":2")

static void test_report(void **state)
{
	static const struct {
		const char *text;
		int wanted;
	} cases[] = {
		{REPORT(GOOD), 0},
		{REPORT(GOOD "," GOOD), 0},
		{REPORT(""), -ERR_LIMIT},
		{REPORT(GOOD) "x", -ERR_SYNTAX},
		{REPORT_OF("e3", "0", GOOD), -ERR_SYNTAX},
		{REPORT_OF(HEX, "-1", GOOD), -ERR_SYNTAX},
		{REPORT_OF(HEX, "1024", GOOD), 0},
		{REPORT_OF(HEX, "1025", GOOD), -ERR_SYNTAX},
		{REPORT(ONE("\"layers\":1")), -ERR_SYNTAX},
		{REPORT(ONE("\"layers\":-1,\"octets\":2")), -ERR_SYNTAX},
		{REPORT(ONE("\"layers\":1024,\"octets\":2")), 0},
		{REPORT(ONE("\"layers\":1025,\"octets\":2")), -ERR_SYNTAX},
		{REPORT(ONE("\"layers\":1,\"octets\":1125899906842624")), 0},
		{REPORT(ONE("\"layers\":1,\"octets\":1125899906842625")), -ERR_SYNTAX},
		{REPORT("{\"digest\":\"" HEX "\",\"layers\":1,\"octets\":2}"), -ERR_SYNTAX},
		{REPORT("1"), -ERR_SYNTAX},
		{"", -ERR_SYNTAX},
		{"[]", -ERR_SYNTAX},
	};
	CLEANUP_STR struct str text = STR_INIT;
	struct image image;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		arena_release(&arena);
		int rc = image_report_read(bytes_of_string(cases[i].text), &arena, &image, &err);
		if (rc != cases[i].wanted)
			print_error("%s: %d %s\n", cases[i].text, rc, rc < 0 ? err.message : "");
		assert_int_equal(rc, cases[i].wanted);
		if (rc < 0)
			continue;
		str_truncate(&text, 0);
		assert_int_equal(image_report_write(&image, &text, &err), 0);
		assert_string_equal(str_text(&text), cases[i].text);
	}
}

static void test_report_size(void **state)
{
	enum { MANIFESTS = 1024 };
	static struct image_manifest manifests[MANIFESTS + 1];
	CLEANUP_STR struct str name = STR_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct image image = {.reference = "", .manifest_count = MANIFESTS, .manifests = manifests};
	struct image found;

	(void)state;
	for (size_t i = 0; i <= MANIFESTS; i++)
		manifests[i].platform = (struct oci_platform){"linux", "amd64", ""};
	assert_int_equal(image_report_write(&image, &text, &err), 0);
	assert_int_equal(image_report_read(str_bytes(&text), &arena, &found, &err), 0);
	image.manifest_count = MANIFESTS + 1;
	str_truncate(&text, 0);
	assert_int_equal(image_report_write(&image, &text, &err), 0);
	assert_int_equal(image_report_read(str_bytes(&text), &arena, &found, &err), -ERR_LIMIT);
	image.manifest_count = MANIFESTS;
	while (name.size < OCI_TEXT_MAX)
		str_append_char(&name, 'x');
	for (size_t i = 0; i < MANIFESTS; i++)
		manifests[i].platform =
			(struct oci_platform){str_text(&name), str_text(&name), str_text(&name)};
	str_truncate(&text, 0);
	assert_int_equal(image_report_write(&image, &text, &err), -ERR_LIMIT);
}

static void test_check_pinned(void **state)
{
	struct image image = {.digest = {{1}}};
	const struct sha256 same = {{1}}, other = {{2}};

	(void)state;
	assert_int_equal(image_check_pinned(&image, &same, &err), 0);
	assert_int_equal(image_check_pinned(&image, &other, &err), -ERR_IMAGE);
	assert_non_null(strstr(err.message, "sha256:0200"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_after_the_other),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_early_failure),
		cmocka_unit_test(test_out_of_turn),
		cmocka_unit_test(test_report),
		cmocka_unit_test(test_report_size),
		cmocka_unit_test(test_check_pinned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
