/* OCI layouts at their limits, and over them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image_walked.h"
#include "kit/oci.h"

static void nested(struct str *tar, unsigned depth)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct scene_blob inner = scene_image(tar, "amd64", "");

	for (unsigned i = 0; i < depth; i++) {
		str_truncate(&text, 0);
		str_append_format(
			&text, "{\"schemaVersion\":2,\"manifests\":[%s]}", inner.descriptor);
		inner = scene_add(tar, str_text(&text), OCI("index"), "");
	}
	scene_finish(tar, inner.descriptor);
}

static void test_depth(void **state)
{
	struct str tar = STR_INIT;
	struct image image;

	(void)state;
	nested(&tar, IMAGE_INDEX_DEPTH_MAX);
	taken(&tar, &image);
	nested(&tar, IMAGE_INDEX_DEPTH_MAX + 1);
	refused(&tar, ERR_LIMIT, "within each other");
}

/* An index of two halves, each with manifests that differ in an annotation. */
static void many_manifests(struct str *tar, size_t count)
{
	CLEANUP_STR struct str first = STR_INIT;
	CLEANUP_STR struct str second = STR_INIT;
	CLEANUP_STR struct str list = STR_INIT;
	char text[1024];
	struct scene_blob config = scene_add(tar, "{}", "application/vnd.oci.empty.v1+json", "");

	for (size_t i = 0; i < count; i++) {
		struct str *half = i < count / 2 ? &first : &second;
		(void)snprintf(text, sizeof text,
			"{\"schemaVersion\":2,\"config\":%s,\"layers\":[],\"n\":%zu}",
			config.descriptor, i);
		struct scene_blob manifest = scene_add(tar, text, OCI("manifest"), "");
		str_append_format(half, "%s%s",
			half->size == 0 ? "{\"schemaVersion\":2,\"manifests\":[" : ",",
			manifest.descriptor);
	}
	str_append_text(&first, "]}");
	str_append_text(&second, "]}");
	struct scene_blob a = scene_add(tar, str_text(&first), OCI("index"), "");
	struct scene_blob b = scene_add(tar, str_text(&second), OCI("index"), "");
	str_append_format(
		&list, "{\"schemaVersion\":2,\"manifests\":[%s,%s]}", a.descriptor, b.descriptor);
	struct scene_blob both = scene_add(tar, str_text(&list), OCI("index"), "");
	scene_finish(tar, both.descriptor);
}

static void test_counts(void **state)
{
	struct str tar = STR_INIT;
	struct image image;
	char text[32];

	(void)state;
	many_manifests(&tar, IMAGE_MANIFESTS_MAX);
	taken(&tar, &image);
	assert_int_equal(image.manifest_count, IMAGE_MANIFESTS_MAX);
	many_manifests(&tar, IMAGE_MANIFESTS_MAX + 1);
	refused(&tar, ERR_LIMIT, "manifests");
	for (size_t more = 0; more <= 1; more++) {
		for (size_t i = 0; i < IMAGE_BLOBS_MAX - 3 + more; i++) {
			(void)snprintf(text, sizeof text, "%zu", i);
			(void)scene_add(&tar, text, "a/b", "");
		}
		image_of(&tar, NULL, NULL, true, true, "");
		expect_pinned(&tar, NULL, &image, more == 0 ? ERR_NONE : ERR_LIMIT, NULL);
	}
	assert_int_equal(image.unreferenced_count, IMAGE_BLOBS_MAX - 3);
}

static struct scene_blob padded(struct str *tar, const char *text, size_t size, const char *type)
{
	CLEANUP_STR struct str content = STR_INIT;

	str_append_text(&content, text);
	while (content.size < size)
		str_append_char(&content, ' ');
	return scene_add(tar, str_text(&content), type, "");
}

static void test_document_sizes(void **state)
{
	CLEANUP_STR struct str list = STR_INIT;
	struct str tar = STR_INIT;
	struct image image;
	char text[1024];

	(void)state;
	for (size_t more = 0; more <= 1; more++) {
		struct scene_blob config = padded(
			&tar, CONFIG("amd64", DIFF_ID), OCI_DOCUMENT_MAX + more, OCI("config"));
		image_of(&tar, config.descriptor, NULL, false, true, "");
		expect_pinned(&tar, NULL, &image, more == 0 ? ERR_NONE : ERR_LIMIT, NULL);
	}
	for (size_t more = 0; more <= 1; more++) {
		struct scene_blob one = scene_image(&tar, "amd64", "");
		str_truncate(&list, 0);
		scene_file(&tar, "oci-layout", LAYOUT_TEXT);
		str_append_format(
			&list, "{\"schemaVersion\":2,\"manifests\":[%s]}", one.descriptor);
		while (list.size < OCI_DOCUMENT_MAX + more)
			str_append_char(&list, ' ');
		scene_file(&tar, "index.json", str_text(&list));
		scene_end(&tar);
		expect_pinned(&tar, NULL, &image, more == 0 ? ERR_NONE : ERR_LIMIT,
			more == 0 ? NULL : "index.json has more than");
	}

	/* Layers that look like documents make room for what is one. */
	for (int i = 0; i < 6; i++) {
		(void)snprintf(text, sizeof text, "{\"n\":%d}", i);
		(void)padded(&tar, text, OCI_DOCUMENT_MAX, "a/b");
	}
	image_of(&tar, NULL, NULL, true, true, "");
	taken(&tar, &image);

	/* Four manifests of 4 MiB are the limit: their config and the index are over it. */
	for (int count = 3; count <= 4; count++) {
		struct scene_blob config =
			scene_add(&tar, "{}", "application/vnd.oci.empty.v1+json", "");
		str_truncate(&list, 0);
		for (int i = 0; i < count; i++) {
			(void)snprintf(text, sizeof text,
				"{\"schemaVersion\":2,\"config\":%s,\"layers\":[],\"n\":%d}",
				config.descriptor, i);
			struct scene_blob manifest =
				padded(&tar, text, OCI_DOCUMENT_MAX, OCI("manifest"));
			str_append_format(&list, "%s%s",
				i == 0 ? "{\"schemaVersion\":2,\"manifests\":[" : ",",
				manifest.descriptor);
		}
		str_append_text(&list, "]}");
		struct scene_blob index = scene_add(&tar, str_text(&list), OCI("index"), "");
		scene_finish(&tar, index.descriptor);
		expect_pinned(&tar, NULL, &image, count == 3 ? ERR_NONE : ERR_LIMIT,
			count == 3 ? NULL : "together");
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_document_sizes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
