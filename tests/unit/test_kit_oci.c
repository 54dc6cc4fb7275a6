/* The documents of an OCI image layout: what the specification allows is read, and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kit/manifest.h"
#include "kit/oci.h"

/* SHA-256 of "", of "abc", and of "{}" */
#define HEX1 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEX2 "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
#define HEX3 "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"
#define D1   "\"sha256:" HEX1 "\""
#define D2   "\"sha256:" HEX2 "\""
#define D3   "\"sha256:" HEX3 "\""

#define INDEX_TYPE    "application/vnd.oci.image.index.v1+json"
#define MANIFEST_TYPE "application/vnd.oci.image.manifest.v1+json"
#define CONFIG_TYPE   "application/vnd.oci.image.config.v1+json"
#define LAYER_TYPE    "application/vnd.oci.image.layer.v1.tar+gzip"
#define DOCKER	      "application/vnd.docker.distribution.manifest."

#define HEAD "{\"schemaVersion\":2,"
#define DESCRIPTOR(rest)                                                                           \
	"{\"mediaType\":\"" MANIFEST_TYPE "\",\"digest\":" D1 ",\"size\":7" rest "}"
#define INDEX(list)    HEAD "\"manifests\":[" list "]}"
#define CONFIG	       "{\"mediaType\":\"" CONFIG_TYPE "\",\"digest\":" D2 ",\"size\":9}"
#define LAYER	       "{\"mediaType\":\"" LAYER_TYPE "\",\"digest\":" D3 ",\"size\":2}"
#define MANIFEST(list) HEAD "\"config\":" CONFIG ",\"layers\":[" list "]}"
#define PLATFORM       "\"os\":\"linux\",\"architecture\":\"arm64\""
#define ROOTFS(list)   "\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" list "]}"

static struct err err;

static int parse_index(const char *text, struct oci_list *list)
{
	static struct arena arena;

	arena_release(&arena);
	return oci_index_parse(bytes_of_string(text), &arena, list, &err);
}

static int parse_manifest(const char *text, struct oci_manifest *manifest)
{
	static struct arena arena;

	arena_release(&arena);
	return oci_manifest_parse(bytes_of_string(text), &arena, manifest, &err);
}

static int parse_config(const char *text, struct oci_platform *platform, size_t *count)
{
	static struct arena arena;

	arena_release(&arena);
	return oci_config_parse(bytes_of_string(text), &arena, platform, count, &err);
}

static void assert_refused(int rc, const char *text, const char *why)
{
	if (rc != -ERR_SYNTAX || strstr(err.message, why) == NULL)
		print_error(
			"%s\n  wanted %s, got %d %s\n", text, why, rc, rc < 0 ? err.message : "");
	assert_int_equal(rc, -ERR_SYNTAX);
	assert_non_null(strstr(err.message, why));
}

static void test_layout(void **state)
{
	static const char *const bad[][2] = {
		{"", "line 1"},
		{"[]", "imageLayoutVersion"},
		{"{}", "imageLayoutVersion"},
		{"{\"imageLayoutVersion\":\"1.0\"}", "not 1.0.0"},
		{"{\"imageLayoutVersion\":\"1.1.0\"}", "not 1.0.0"},
		{"{\"imageLayoutVersion\":1}", "must be a string"},
		{"{\"imageLayoutVersion\":\"1.0.0\"}{}", "line 1"},
		{"{\"imageLayoutVersion\":\"1.0.0\",\"imageLayoutVersion\":\"1.0.0\"}", "line 1"},
	};

	(void)state;
	assert_int_equal(
		oci_layout_parse(bytes_of_string("{\"imageLayoutVersion\": \"1.0.0\"}\n"), &err),
		0);
	assert_int_equal(oci_layout_parse(bytes_of_string("{\"imageLayoutVersion\":\"1.0.0\","
							  "\"more\":[1]}"),
				 &err),
		0);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		assert_refused(
			oci_layout_parse(bytes_of_string(bad[i][0]), &err), bad[i][0], bad[i][1]);
}

static void test_index(void **state)
{
	struct oci_list list;

	(void)state;
	assert_int_equal(parse_index(INDEX(""), &list), 0);
	assert_int_equal(list.count, 0);
	assert_string_equal(list.media_type, "");
	assert_int_equal(
		parse_index(HEAD "\"mediaType\":\"" INDEX_TYPE
				 "\",\"x\":{},\"manifests\":[" DESCRIPTOR("") "," DESCRIPTOR(
					 ",\"platform\":{" PLATFORM
					 ",\"variant\":\"v8\",\"os.version\":\"1\"},"
					 "\"annotations\":{\"org.opencontainers.image."
					 "ref.name\":\"v1\",\"a\":\"b\"}") "]}",
			&list),
		0);
	assert_string_equal(list.media_type, INDEX_TYPE);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.descriptors[0].media_type, MANIFEST_TYPE);
	assert_int_equal(list.descriptors[0].size, 7);
	assert_int_equal(list.descriptors[0].digest.octets[0], 0xe3);
	assert_false(list.descriptors[0].has_platform);
	assert_string_equal(list.descriptors[0].reference, "");
	assert_true(list.descriptors[1].has_platform);
	assert_string_equal(list.descriptors[1].platform.os, "linux");
	assert_string_equal(list.descriptors[1].platform.architecture, "arm64");
	assert_string_equal(list.descriptors[1].platform.variant, "v8");
	assert_string_equal(list.descriptors[1].reference, "v1");
	assert_int_equal(parse_index(HEAD "\"mediaType\":\"" DOCKER "list.v2+json\","
					  "\"manifests\":[]}",
				 &list),
		0);
}

static void test_index_refused(void **state)
{
	static const char *const cases[][2] = {
		{"{\"manifests\":[]}", "\"schemaVersion\" is missing"},
		{"{\"schemaVersion\":1,\"manifests\":[]}", "schemaVersion"},
		{"{\"schemaVersion\":3,\"manifests\":[]}", "schemaVersion"},
		{"{\"schemaVersion\":\"2\",\"manifests\":[]}", "schemaVersion"},
		{"{\"schemaVersion\":2}", "\"manifests\" is missing"},
		{HEAD "\"manifests\":{}}", "must be an array"},
		{HEAD "\"manifests\":null}", "must be an array"},
		{HEAD "\"manifests\":[],\"config\":" CONFIG "}", "an index has \"config\""},
		{HEAD "\"manifests\":[],\"layers\":[]}", "an index has \"layers\""},
		{HEAD "\"manifests\":[],\"fsLayers\":[]}", "an index has \"fsLayers\""},
		{HEAD "\"mediaType\":\"" MANIFEST_TYPE "\",\"manifests\":[]}", "not that of an"},
		{HEAD "\"mediaType\":\"\",\"manifests\":[]}", "not that of an"},
		{HEAD "\"mediaType\":1,\"manifests\":[]}", "mediaType"},
	};
	struct oci_list list;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_refused(parse_index(cases[i][0], &list), cases[i][0], cases[i][1]);
}

static void test_descriptor_refused(void **state)
{
#define WITH(type, digest, size)                                                                   \
	INDEX("{\"mediaType\":\"" type "\",\"digest\":" digest ",\"size\":" size "}")
	static const char *const cases[][2] = {
		{INDEX("1"), "descriptor 1"},
		{INDEX(DESCRIPTOR("") ",{}"), "descriptor 2: \"mediaType\" is missing"},
		{INDEX("{\"mediaType\":\"a/b\",\"size\":1}"), "\"digest\" is missing"},
		{INDEX("{\"mediaType\":\"a/b\",\"digest\":" D1 "}"), "\"size\" is missing"},
		{WITH("a", D1, "1"), "no media type"},
		{WITH("a/b; c=d", D1, "1"), "no media type"},
		{WITH("a/b", "1", "1"), "must be a string"},
		{WITH("a/b", "\"" HEX1 "\"", "1"), "not of SHA-256"},
		{WITH("a/b", "\"sha512:" HEX1 HEX1 "\"", "1"), "not of SHA-256"},
		{WITH("a/b", "\"SHA256:" HEX1 "\"", "1"), "not of SHA-256"},
		{WITH("a/b", "\"sha256:" HEX1 "0\"", "1"), "64 lower-case"},
		{WITH("a/b",
			 "\"sha256:E3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852"
			 "b855\"",
			 "1"),
			"64 lower-case"},
		{WITH("a/b", "\"sha256:\"", "1"), "64 lower-case"},
		{WITH("a/b", D1, "-1"), "\"size\""},
		{WITH("a/b", D1, "1.5"), "\"size\""},
		{WITH("a/b", D1, "\"1\""), "\"size\""},
		{WITH("a/b", D1, "1125899906842625"), "\"size\""},
		{INDEX(DESCRIPTOR(",\"platform\":1")), "must be an object"},
		{INDEX(DESCRIPTOR(",\"platform\":{\"os\":\"linux\"}")), "architecture"},
		{INDEX(DESCRIPTOR(",\"platform\":{\"architecture\":\"amd64\"}")), "\"os\""},
		{INDEX(DESCRIPTOR(",\"platform\":{" PLATFORM ",\"variant\":8}")), "variant"},
		{INDEX(DESCRIPTOR(",\"annotations\":[]")), "annotations"},
		{INDEX(DESCRIPTOR(",\"annotations\":{\"a\":1}")), "annotation is not a string"},
		{INDEX(DESCRIPTOR(",\"data\":\"!\"")), "\"data\""},
		{INDEX(DESCRIPTOR(",\"data\":\"e30=\"")), "not what the digest names"},
		{INDEX("{\"mediaType\":\"a/b\",\"digest\":" D3 ",\"size\":3,\"data\":\"e30=\"}"),
			"not what the digest names"},
		{INDEX("{\"mediaType\":\"a/b\",\"digest\":" D1 ",\"size\":2,\"data\":\"e30=\"}"),
			"not what the digest names"},
	};
	struct oci_list list;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_refused(parse_index(cases[i][0], &list), cases[i][0], cases[i][1]);
	assert_int_equal(parse_index(WITH("a/b", D1, "0"), &list), 0);
	assert_int_equal(parse_index(WITH("a/b", D1, "1125899906842624"), &list), 0);
	assert_int_equal(list.descriptors[0].size, MANIFEST_FILE_SIZE_MAX);
	assert_int_equal(parse_index(INDEX("{\"mediaType\":\"a/b\",\"digest\":" D3
					   ",\"size\":2,\"data\":\"e30=\"}"),
				 &list),
		0);
}

static void test_manifest(void **state)
{
	struct oci_manifest manifest;

	(void)state;
	assert_int_equal(parse_manifest(MANIFEST(""), &manifest), 0);
	assert_int_equal(manifest.layer_count, 0);
	assert_string_equal(manifest.media_type, "");
	assert_int_equal(parse_manifest(MANIFEST(LAYER "," LAYER), &manifest), 0);
	assert_int_equal(manifest.layer_count, 2);
	assert_int_equal(manifest.config.size, 9);
	assert_string_equal(manifest.layers[1].media_type, LAYER_TYPE);
	assert_int_equal(manifest.layers[1].digest.octets[0], 0x44);
	assert_int_equal(parse_manifest(HEAD "\"mediaType\":\"" DOCKER
					     "v2+json\",\"config\":" CONFIG ",\"layers\":[]}",
				 &manifest),
		0);
	assert_string_equal(manifest.media_type, DOCKER "v2+json");
}

static void test_manifest_refused(void **state)
{
	static const char *const cases[][2] = {
		{"{\"schemaVersion\":1,\"config\":" CONFIG ",\"layers\":[]}", "schemaVersion"},
		{HEAD "\"layers\":[]}", "\"config\" is missing"},
		{HEAD "\"config\":" CONFIG "}", "\"layers\" is missing"},
		{HEAD "\"config\":{},\"layers\":[]}", "\"config\": \"mediaType\" is missing"},
		{HEAD "\"config\":" CONFIG ",\"layers\":null}", "must be an array"},
		{HEAD "\"config\":" CONFIG ",\"layers\":[],\"manifests\":[]}",
			"a manifest has \"manifests\""},
		{HEAD "\"config\":" CONFIG ",\"layers\":[],\"fsLayers\":[]}",
			"a manifest has \"fsLayers\""},
		{HEAD "\"mediaType\":\"" INDEX_TYPE "\",\"config\":" CONFIG ",\"layers\":[]}",
			"not that of a manifest"},
		{MANIFEST("{}"), "\"layers\": descriptor 1"},
	};
	struct oci_manifest manifest;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_refused(parse_manifest(cases[i][0], &manifest), cases[i][0], cases[i][1]);
}

static void test_config(void **state)
{
	struct oci_platform platform;
	size_t count = 9;

	(void)state;
	assert_int_equal(parse_config("{" PLATFORM "," ROOTFS("") "}", &platform, &count), 0);
	assert_int_equal(count, 0);
	assert_string_equal(platform.os, "linux");
	assert_string_equal(platform.variant, "");
	assert_int_equal(parse_config("{\"created\":\"x\",\"config\":{\"Env\":[\"A=b\"]}," PLATFORM
				      ",\"variant\":\"v7\"," ROOTFS(D1 "," D1) ",\"history\":[{}]}",
				 &platform, &count),
		0);
	assert_int_equal(count, 2);
	assert_string_equal(platform.variant, "v7");
}

static void test_config_refused(void **state)
{
	static const char *const cases[][2] = {
		{"{\"os\":\"linux\"," ROOTFS("") "}", "architecture"},
		{"{\"architecture\":\"arm64\"," ROOTFS("") "}", "\"os\""},
		{"{\"os\":\"\",\"architecture\":\"arm64\"," ROOTFS("") "}", "must not be empty"},
		{"{" PLATFORM "}", "\"rootfs\" is missing"},
		{"{" PLATFORM ",\"rootfs\":[]}", "must be an object"},
		{"{" PLATFORM ",\"rootfs\":{\"diff_ids\":[]}}", "\"type\" is missing"},
		{"{" PLATFORM ",\"rootfs\":{\"type\":\"layer\",\"diff_ids\":[]}}", "\"layers\""},
		{"{" PLATFORM ",\"rootfs\":{\"type\":\"layers\"}}", "\"diff_ids\" is missing"},
		{"{" PLATFORM ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":null}}", "an array"},
		{"{" PLATFORM "," ROOTFS("1") "}", "no string"},
		{"{" PLATFORM "," ROOTFS("\"" HEX1 "\"") "}", "not of SHA-256"},
	};
	struct oci_platform platform;
	size_t count;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
		assert_refused(
			parse_config(cases[i][0], &platform, &count), cases[i][0], cases[i][1]);
}

/* head, count times item with commas, tail */
static void repeat(
	struct str *out, const char *head, const char *item, size_t count, const char *tail)
{
	str_truncate(out, 0);
	str_append_text(out, head);
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			str_append_char(out, ',');
		str_append_text(out, item);
	}
	str_append_text(out, tail);
}

static void test_limits(void **state)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct oci_list list;
	struct oci_manifest manifest;
	struct oci_platform platform;
	size_t count;

	(void)state;
	for (size_t more = 0; more <= 1; more++) {
		int wanted = more == 0 ? 0 : -ERR_LIMIT;
		repeat(&text, HEAD "\"manifests\":[", DESCRIPTOR(""), OCI_DESCRIPTORS_MAX + more,
			"]}");
		assert_int_equal(parse_index(str_text(&text), &list), wanted);
		repeat(&text, HEAD "\"config\":" CONFIG ",\"layers\":[", LAYER,
			OCI_DESCRIPTORS_MAX + more, "]}");
		assert_int_equal(parse_manifest(str_text(&text), &manifest), wanted);
		repeat(&text, "{" PLATFORM ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[", D1,
			OCI_DESCRIPTORS_MAX + more, "]}}");
		assert_int_equal(parse_config(str_text(&text), &platform, &count), wanted);

		str_truncate(&text, 0);
		str_append_text(&text, "{\"os\":\"");
		for (size_t i = 0; i < OCI_TEXT_MAX + more; i++)
			str_append_char(&text, 'x');
		str_append_text(&text, "\",\"architecture\":\"arm64\"," ROOTFS("") "}");
		assert_int_equal(parse_config(str_text(&text), &platform, &count), wanted);

		str_truncate(&text, 0);
		str_append_text(&text, INDEX(""));
		while (text.size < OCI_DOCUMENT_MAX + more)
			str_append_char(&text, ' ');
		assert_int_equal(parse_index(str_text(&text), &list), wanted);

		str_truncate(&text, 0);
		str_append_text(&text, "{\"imageLayoutVersion\":\"1.0.0\"}");
		while (text.size < 4096 + more)
			str_append_char(&text, ' ');
		assert_int_equal(oci_layout_parse(str_bytes(&text), &err), wanted);
	}
}

static void test_agreement(void **state)
{
	const struct oci_platform arm = {"linux", "arm64", "v8"};
	const struct oci_platform arm_plain = {"linux", "arm64", ""};
	const struct oci_platform arm_other = {"linux", "arm64", "v9"};
	const struct oci_platform amd = {"linux", "amd64", ""};
	const struct oci_platform other = {"windows", "arm64", "v8"};

	(void)state;
	assert_true(oci_platform_agrees(&arm, &arm));
	assert_true(oci_platform_agrees(&arm, &arm_plain));
	assert_true(oci_platform_agrees(&arm_plain, &arm));
	assert_false(oci_platform_agrees(&arm, &arm_other));
	assert_false(oci_platform_agrees(&arm_plain, &amd));
	assert_false(oci_platform_agrees(&arm, &other));

	assert_true(oci_media_type_agrees("", MANIFEST_TYPE));
	assert_true(oci_media_type_agrees("", INDEX_TYPE));
	assert_true(oci_media_type_agrees(MANIFEST_TYPE, MANIFEST_TYPE));
	assert_false(oci_media_type_agrees(MANIFEST_TYPE, INDEX_TYPE));
	assert_false(oci_media_type_agrees("", DOCKER "v2+json"));
	assert_false(oci_media_type_agrees(MANIFEST_TYPE, DOCKER "v2+json"));
	assert_true(oci_is_index(INDEX_TYPE) && oci_is_index(DOCKER "list.v2+json"));
	assert_true(oci_is_manifest(MANIFEST_TYPE) && oci_is_manifest(DOCKER "v2+json"));
	assert_false(oci_is_manifest(DOCKER "v1+json") || oci_is_index(MANIFEST_TYPE));
	assert_true(oci_is_config(CONFIG_TYPE) &&
		    oci_is_config("application/vnd.docker.container.image.v1+json"));
	assert_false(oci_is_config("application/vnd.oci.empty.v1+json"));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_layout),
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_index_refused),
		cmocka_unit_test(test_descriptor_refused),
		cmocka_unit_test(test_manifest),
		cmocka_unit_test(test_manifest_refused),
		cmocka_unit_test(test_config),
		cmocka_unit_test(test_config_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_agreement),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
