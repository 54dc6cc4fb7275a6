/* OCI layouts, walked: what leads from index.json to every layer, and what may not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "image_walked.h"

static void assert_digest(const struct sha256 *digest, const char *hex)
{
	char found[SHA256_HEX_SIZE];

	sha256_to_hex(digest, found);
	assert_string_equal(found, hex);
}

static void test_one_image(void **state)
{
	struct str tar = STR_INIT;
	struct image image;

	(void)state;
	struct scene_blob manifest = scene_image(&tar, "amd64",
		",\"annotations\":{\"org.opencontainers.image.ref.name\":\"runner:1\"}");
	scene_finish(&tar, manifest.descriptor);
	taken(&tar, &image);
	assert_digest(&image.digest, manifest.hex);
	assert_string_equal(image.reference, "runner:1");
	assert_int_equal(image.manifest_count, 1);
	assert_int_equal(image.unpinned_count, 0);
	assert_int_equal(image.unreferenced_count, 0);
	assert_digest(&image.manifests[0].digest, manifest.hex);
	assert_string_equal(image.manifests[0].platform.os, "linux");
	assert_string_equal(image.manifests[0].platform.architecture, "amd64");
	assert_int_equal(image.manifests[0].layer_count, 1);
	assert_int_equal(image.manifests[0].octets,
		sizeof CONFIG("amd64", DIFF_ID) - 1 + strlen("layer of amd64"));
}

/* The nth of all orders of five members. */
static void test_any_order(void **state)
{
	enum { MEMBERS = 5, ORDERS = 120 };
	struct image image;

	(void)state;
	for (unsigned order = 0; order < ORDERS; order++) {
		struct str members[MEMBERS] = {STR_INIT, STR_INIT, STR_INIT, STR_INIT, STR_INIT};
		struct str tar = STR_INIT;
		char text[4096];
		unsigned left = order;
		struct scene_blob config = scene_add(&members[0],
			"{" PLATFORM(
				"amd64") ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" DIFF_ID
					 "]}}",
			OCI("config"), "");
		struct scene_blob layer = scene_add(&members[1], "layer", "a/b", "");
		(void)snprintf(text, sizeof text,
			"{\"schemaVersion\":2,\"config\":%s,\"layers\":[%s]}", config.descriptor,
			layer.descriptor);
		struct scene_blob manifest = scene_add(&members[2], text, OCI("manifest"), "");
		(void)snprintf(text, sizeof text, "{\"schemaVersion\":2,\"manifests\":[%s]}",
			manifest.descriptor);
		scene_file(&members[3], "index.json", text);
		scene_file(&members[4], "oci-layout", LAYOUT_TEXT);
		for (unsigned count = MEMBERS; count > 0; count--) {
			unsigned which = left % count;
			left /= count;
			str_append(&tar, members[which].text, members[which].size);
			str_release(&members[which]);
			members[which] = members[count - 1];
		}
		scene_end(&tar);
		taken(&tar, &image);
		assert_digest(&image.digest, manifest.hex);
	}
}

static void test_names(void **state)
{
	static const struct {
		const char *name;
		char type;
		const char *why;
		enum err_code code;
	} cases[] = {
		{"../index.json", '0', "\"..\"", ERR_UNSAFE_ARCHIVE},
		{"blobs/sha256/../x", '0', "\"..\"", ERR_UNSAFE_ARCHIVE},
		{"blobs/../..", '5', "\"..\"", ERR_UNSAFE_ARCHIVE},
		{"/index.json", '0', "empty component", ERR_UNSAFE_ARCHIVE},
		{".//index.json", '0', "empty component", ERR_UNSAFE_ARCHIVE},
		{"././index.json", '0', "\".\"", ERR_UNSAFE_ARCHIVE},
		{"blobs/sha256/link", '2', "symbolic link", ERR_UNSAFE_ARCHIVE},
		{"device", '3', "device", ERR_UNSAFE_ARCHIVE},
		{"index.json", '0', "there twice", ERR_UNSAFE_ARCHIVE},
		{"./index.json", '0', "there twice", ERR_UNSAFE_ARCHIVE},
		{"oci-layout", '0', "there twice", ERR_UNSAFE_ARCHIVE},
		{"other", '0', "no part of an OCI", ERR_SYNTAX},
		{".", '0', "", ERR_UNSAFE_ARCHIVE},
		{"blobs/x", '0', "no part of an OCI", ERR_SYNTAX},
		{"Blobs/sha256/x", '0', "no part of an OCI", ERR_SYNTAX},
		{"blobs/sha512/"
		 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
			'0', "no part of an OCI", ERR_SYNTAX},
		{"blobs/sha256/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b85",
			'0', "no name of a blob", ERR_SYNTAX},
		{"blobs/sha256/"
		 "E3B0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
			'0', "no name of a blob", ERR_SYNTAX},
		{"blobs/sha256/a/b", '0', "no name of a blob", ERR_SYNTAX},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str tar = STR_INIT;
		scene_file(&tar, "index.json", "{\"schemaVersion\":2,\"manifests\":[]}");
		scene_member(&tar, cases[i].name, cases[i].type, "x", 1);
		scene_file(&tar, "oci-layout", LAYOUT_TEXT);
		scene_end(&tar);
		refused(&tar, cases[i].code, cases[i].why);
	}
}

/* As GNU tar packs ".", and what Docker writes beside. */
static void test_names_allowed(void **state)
{
	CLEANUP_STR struct str plain = STR_INIT;
	struct str tar = STR_INIT;
	struct image image;

	(void)state;
	struct scene_blob manifest = scene_image(&plain, "amd64", "");
	scene_finish(&plain, manifest.descriptor);
	scene_member(&tar, "./", '5', "", 0);
	scene_member(&tar, "./blobs/", '5', "", 0);
	scene_member(&tar, "./blobs/sha256/", '5', "", 0);
	scene_member(&tar, "ingest/", '5', "", 0);
	scene_file(&tar, "manifest.json", "[]");
	scene_file(&tar, "./repositories", "{}");
	for (size_t at = 0; at + 1024 < plain.size; at += 512) {
		/* Each header's name gets its "./": the checksum grows by what was moved in. */
		char *block = plain.text + at;
		if (strncmp(block, "blobs/", 6) != 0 && strncmp(block, "index", 5) != 0 &&
			strncmp(block, "oci-", 4) != 0)
			continue;
		memmove(block + 2, block, 98);
		memcpy(block, "./", 2);
		unsigned sum = (unsigned)strtoul(block + 148, NULL, 8) + '.' + '/';
		(void)snprintf(block + 148, 8, "%06o", sum);
	}
	str_append(&tar, plain.text, plain.size);
	taken(&tar, &image);
	assert_digest(&image.digest, manifest.hex);
}

static void test_no_layout(void **state)
{
	struct str tar = STR_INIT;

	(void)state;
	struct scene_blob manifest = scene_image(&tar, "amd64", "");
	scene_file(&tar, "oci-layout", LAYOUT_TEXT);
	scene_end(&tar);
	refused(&tar, ERR_SYNTAX, "index.json is missing");
	char text[4096];
	(void)snprintf(
		text, sizeof text, "{\"schemaVersion\":2,\"manifests\":[%s]}", manifest.descriptor);
	(void)scene_image(&tar, "amd64", "");
	scene_file(&tar, "index.json", text);
	scene_end(&tar);
	refused(&tar, ERR_SYNTAX, "oci-layout is missing");
	scene_file(&tar, "index.json", text);
	scene_file(&tar, "oci-layout", "{\"imageLayoutVersion\":\"2.0.0\"}");
	scene_end(&tar);
	refused(&tar, ERR_SYNTAX, "oci-layout: ");
	scene_file(&tar, "index.json", "{}");
	scene_file(&tar, "oci-layout", LAYOUT_TEXT);
	scene_end(&tar);
	refused(&tar, ERR_SYNTAX, "index.json: ");
	scene_finish(&tar, "");
	refused(&tar, ERR_SYNTAX, "leads to no image");
}

static void test_blobs(void **state)
{
	struct str tar = STR_INIT;
	struct image image;
	char wrong[1024];

	(void)state;
	image_of(&tar, NULL, NULL, true, true, "");
	taken(&tar, &image);
	image_of(&tar, NULL, NULL, false, true, "");
	refused(&tar, ERR_IMAGE, "is missing from the layout");
	image_of(&tar, NULL, NULL, true, false, "");
	refused(&tar, ERR_IMAGE, "is missing from the layout");

	struct scene_blob layer = scene_describe(bytes_of_string("layer"), "a/b", "");
	(void)snprintf(wrong, sizeof wrong,
		"{\"mediaType\":\"a/b\",\"digest\":\"sha256:%s\",\"size\":6}", layer.hex);
	image_of(&tar, NULL, wrong, true, true, "");
	refused(&tar, ERR_IMAGE, "another size");
	image_of(&tar, wrong, NULL, true, true, "");
	refused(&tar, ERR_IMAGE, "another size");
	(void)snprintf(wrong, sizeof wrong,
		"{\"mediaType\":\"" OCI("manifest") "\",\"digest\":\"sha256:%s\",\"size\":6}",
		layer.hex);
	(void)scene_add(&tar, "layer", "a/b", "");
	scene_finish(&tar, wrong);
	refused(&tar, ERR_IMAGE, "another size");
	scene_finish(&tar, wrong);
	refused(&tar, ERR_IMAGE, "is missing from the layout");

	/* A blob that is not what its name says, whether anything leads to it or not. */
	scene_put(&tar, &layer, bytes_of_string("LAYER"));
	image_of(&tar, NULL, NULL, true, false, "");
	refused(&tar, ERR_IMAGE, "another SHA-256");
	struct scene_blob stray = scene_describe(bytes_of_string("stray"), "a/b", "");
	scene_put(&tar, &stray, bytes_of_string("Stray"));
	image_of(&tar, NULL, NULL, true, true, "");
	refused(&tar, ERR_IMAGE, "another SHA-256");

	(void)scene_add(&tar, "stray", "a/b", "");
	image_of(&tar, NULL, NULL, true, true, "");
	taken(&tar, &image);
	assert_int_equal(image.unreferenced_count, 1);
	(void)scene_add(&tar, "layer", "a/b", "");
	image_of(&tar, NULL, NULL, true, true, "");
	refused(&tar, ERR_UNSAFE_ARCHIVE, "there twice");
}

static void test_config(void **state)
{
	static const struct {
		const char *config, *media_type;
		enum err_code code;
	} cases[] = {
		{CONFIG("amd64", DIFF_ID), OCI("config"), ERR_NONE},
		{CONFIG("amd64", DIFF_ID), "application/vnd.docker.container.image.v1+json",
			ERR_NONE},
		{CONFIG("amd64", ""), OCI("config"), ERR_SYNTAX},
		{CONFIG("amd64", DIFF_ID "," DIFF_ID), OCI("config"), ERR_SYNTAX},
		{" " CONFIG("amd64", DIFF_ID), OCI("config"), ERR_SYNTAX},
		{"[]", OCI("config"), ERR_SYNTAX},
		{"{}", OCI("config"), ERR_SYNTAX},
		/* An artifact's, which is none of an image. */
		{"{}", "application/vnd.oci.empty.v1+json", ERR_NONE},
		{"anything", "application/vnd.example+text", ERR_NONE},
	};
	struct image image;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str tar = STR_INIT;
		struct scene_blob config =
			scene_add(&tar, cases[i].config, cases[i].media_type, "");
		image_of(&tar, config.descriptor, NULL, false, true, "");
		expect_pinned(&tar, NULL, &image, (int)cases[i].code, NULL);
	}
	assert_string_equal(image.manifests[0].platform.os, "");
}

/* index.json leads to an index of two platforms. */
static struct scene_blob two_platforms(struct str *tar, const char *first, const char *second)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct scene_blob amd = scene_image(tar, "amd64", first);
	struct scene_blob arm = scene_image(tar, "arm64", second);

	str_append_format(&text,
		"{\"schemaVersion\":2,\"mediaType\":\"" OCI("index") "\",\"manifests\":[%s,%s]}",
		amd.descriptor, arm.descriptor);
	struct scene_blob index = scene_add(tar, str_text(&text), OCI("index"), "");
	scene_finish(tar, index.descriptor);
	return index;
}

static void test_platforms(void **state)
{
	static const struct {
		const char *first, *second;
		enum err_code code;
	} cases[] = {
		{"", "", ERR_NONE},
		{",\"platform\":{" PLATFORM("amd64") "}",
			",\"platform\":{" PLATFORM("arm64") ",\"variant\":\"v8\"}", ERR_NONE},
		{",\"platform\":{" PLATFORM("arm64") "}", "", ERR_SYNTAX},
		{"", ",\"platform\":{" PLATFORM("amd64") "}", ERR_SYNTAX},
		{",\"platform\":{\"os\":\"windows\",\"architecture\":\"amd64\"}", "", ERR_SYNTAX},
	};
	struct image image;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct str tar = STR_INIT;
		struct scene_blob index = two_platforms(&tar, cases[i].first, cases[i].second);
		expect_pinned(&tar, index.hex, &image, (int)cases[i].code,
			cases[i].code == ERR_NONE ? NULL : "another platform");
		if (cases[i].code != ERR_NONE)
			continue;
		assert_digest(&image.digest, index.hex);
		assert_int_equal(image.manifest_count, 2);
		assert_string_equal(image.manifests[0].platform.architecture, "amd64");
		assert_string_equal(image.manifests[1].platform.architecture, "arm64");
	}
}

static void test_pinned(void **state)
{
	struct str tar = STR_INIT;
	struct image image;
	char list[4096];

	(void)state;
	(void)two_platforms(&tar, "", "");
	struct scene_blob layer = scene_describe(bytes_of_string("layer of amd64"), "a/b", "");
	expect_pinned(&tar, layer.hex, &image, ERR_IMAGE, "index.json does not lead to it");

	/* Two names for one image, and two images. */
	struct scene_blob one = scene_image(&tar, "amd64", "");
	(void)snprintf(list, sizeof list, "%s,%s", one.descriptor, one.descriptor);
	scene_finish(&tar, list);
	taken(&tar, &image);
	assert_int_equal(image.manifest_count, 1);
	for (unsigned pin = 0; pin < 3; pin++) {
		one = scene_image(&tar, "amd64", "");
		struct scene_blob other = scene_image(&tar, "arm64", "");
		(void)snprintf(list, sizeof list, "%s,%s", one.descriptor, other.descriptor);
		scene_finish(&tar, list);
		if (pin == 2) {
			refused(&tar, ERR_IMAGE, "more than one image");
			break;
		}
		expect_pinned(&tar, pin == 0 ? one.hex : other.hex, &image, ERR_NONE, NULL);
		assert_digest(&image.digest, pin == 0 ? one.hex : other.hex);
		assert_string_equal(
			image.manifests[0].platform.architecture, pin == 0 ? "amd64" : "arm64");
		assert_int_equal(image.manifest_count, 1);
		assert_int_equal(image.unpinned_count, 1);
	}

	/* What is not pinned is walked as well. */
	one = scene_image(&tar, "amd64", "");
	(void)snprintf(list, sizeof list,
		"%s,{\"mediaType\":\"a/b\",\"digest\":\"sha256:%s\",\"size\":1}", one.descriptor,
		layer.hex);
	scene_finish(&tar, list);
	expect_pinned(&tar, one.hex, &image, ERR_IMAGE, "another size");
	one = scene_image(&tar, "amd64", "");
	(void)snprintf(list, sizeof list, "%s,%s", one.descriptor, layer.descriptor);
	scene_finish(&tar, list);
	taken(&tar, &image);
	assert_int_equal(image.unpinned_count, 0);
	/* A layer may be led to, and is no image all the same. */
	one = scene_image(&tar, "amd64", "");
	scene_finish(&tar, list);
	expect_pinned(&tar, layer.hex, &image, ERR_IMAGE, "index.json does not lead to it");
}

static void test_media_types(void **state)
{
	struct str tar = STR_INIT;
	struct image image;
	char list[4096];

	(void)state;
	struct scene_blob one = scene_image(&tar, "amd64", "");
	(void)snprintf(list, sizeof list,
		"{\"mediaType\":\"" DOCKER("") "\",\"digest\":\"sha256:%s\",\"size\":%zu}", one.hex,
		(size_t)strtoul(strstr(one.descriptor, "\"size\":") + 7, NULL, 10));
	scene_finish(&tar, list);
	refused(&tar, ERR_SYNTAX, "another media type");
	image_of(&tar, NULL, NULL, true, true, ",\"mediaType\":\"" DOCKER("") "\"");
	refused(&tar, ERR_SYNTAX, "another media type");
	image_of(&tar, NULL, NULL, true, true, ",\"mediaType\":\"" OCI("manifest") "\"");
	taken(&tar, &image);

	/* One blob by two names of its type. */
	one = scene_image(&tar, "amd64", "");
	char *at = stpcpy(list, one.descriptor);
	(void)snprintf(at, sizeof list - (size_t)(at - list),
		",{\"mediaType\":\"" OCI("index") "\",\"digest\":\"sha256:%s\",\"size\":%zu}",
		one.hex, (size_t)strtoul(strstr(one.descriptor, "\"size\":") + 7, NULL, 10));
	scene_finish(&tar, list);
	expect_pinned(&tar, one.hex, &image, ERR_SYNTAX, "different media types");

	/* One manifest by two platforms. */
	one = scene_image(&tar, "amd64", "");
	at = stpcpy(list, one.descriptor);
	*at++ = ',';
	at = stpcpy(at, one.descriptor) - 1;
	(void)strcpy(at, ",\"platform\":{" PLATFORM("arm64") "}}");
	scene_finish(&tar, list);
	refused(&tar, ERR_SYNTAX, "another platform");

	one = scene_image(&tar, "amd64", "");
	(void)snprintf(list, sizeof list,
		"{\"schemaVersion\":2,\"mediaType\":\"" DOCKER("list.") "\",\"manifests\":[%s]}",
		one.descriptor);
	struct scene_blob index = scene_add(&tar, list, OCI("index"), "");
	scene_finish(&tar, index.descriptor);
	refused(&tar, ERR_SYNTAX, "another media type");
	one = scene_image(&tar, "amd64", "");
	index = scene_add(&tar, list, DOCKER("list."), "");
	scene_finish(&tar, index.descriptor);
	taken(&tar, &image);

	struct scene_blob empty =
		scene_add(&tar, "{\"schemaVersion\":2,\"manifests\":[]}", OCI("index"), "");
	scene_finish(&tar, empty.descriptor);
	refused(&tar, ERR_SYNTAX, "leads to no manifest");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_image),
		cmocka_unit_test(test_any_order),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_names_allowed),
		cmocka_unit_test(test_no_layout),
		cmocka_unit_test(test_blobs),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_platforms),
		cmocka_unit_test(test_pinned),
		cmocka_unit_test(test_media_types),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
