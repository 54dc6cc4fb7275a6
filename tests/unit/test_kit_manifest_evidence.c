/* What a manifest declares of its evidence: images that are pinned, and who may attest what. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "json/json_write.h"
#include "kit/manifest.h"
#include "manifest_changes.h"

static struct manifest_file good_files[] = {
	{"attestations/a.dsse", 1, {{1}}, "application/vnd.dsse.envelope.v1+json",
		ROLE_ATTESTATION},
	{"images/a.tar", 2, {{2}}, "application/x-tar", ROLE_IMAGE},
	{"images/b.tar", 3, {{3}}, "application/x-tar", ROLE_IMAGE},
	{"migrations/21-101/migration.json", 12, {{4}}, "application/json", ROLE_MIGRATION},
};
static struct manifest_image good_images[] = {
	{"images/a.tar", {{0xaa}}}, {"images/b.tar", {{0xbb}}}};
#define ID(digit) digit "000000000000000000000000000000000000000000000000000000000000000"
static const char *good_keys[] = {ID("1"), ID("2")};
static struct manifest_attestation good_attestations[] = {
	{"https://slsa.dev/provenance/v1", 2, good_keys}, {"urn:x", 1, good_keys}};

static const char *good_migrations[] = {"21-101"};

static struct manifest good_manifest(void)
{
	return (struct manifest){
		.name = "lnm",
		.version = "2025.12.1",
		.title = "",
		.sequence = 42,
		.created = 1766222103000,
		.file_count = 4,
		.files = good_files,
		.image_count = 2,
		.images = good_images,
		.attestation_count = 2,
		.attestations = good_attestations,
		.migration_count = 1,
		.migrations = good_migrations,
	};
}

static void write_good(struct str *out)
{
	struct manifest manifest = good_manifest();

	assert_int_equal(manifest_write(&manifest, out, &err), 0);
}

static void test_round_trip(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT, again = STR_INIT, canonical = STR_INIT;
	struct manifest manifest;

	(void)state;
	write_good(&text);
	assert_int_equal(json_canonical_text(str_bytes(&text), &canonical, &err), 0);
	assert_string_equal(str_text(&text), str_text(&canonical));
	assert_int_equal(parse(str_text(&text), &arena, &manifest), 0);
	assert_int_equal(manifest.image_count, 2);
	assert_ptr_equal(manifest.images[1].file, manifest.files[2].name);
	assert_int_equal(manifest.images[1].digest.octets[0], 0xbb);
	assert_int_equal(manifest.attestation_count, 2);
	assert_string_equal(manifest.attestations[1].predicate_type, "urn:x");
	assert_int_equal(manifest.attestations[0].key_count, 2);
	assert_string_equal(manifest.attestations[0].keys[1], good_keys[1]);
	assert_int_equal(manifest_write(&manifest, &again, &err), 0);
	assert_string_equal(str_text(&again), str_text(&text));
}

#define DIGEST(digits)	    "\"digest\":{\"sha256\":\"" digits ZEROS "\"}"
#define IMAGE(digits, file) "{" DIGEST(digits) ",\"file\":\"images/" file "\"}"
#define IMAGES(list)	    "\"images\":[" list "]"
#define BOTH_IMAGES	    IMAGES(IMAGE("aa", "a.tar") "," IMAGE("bb", "b.tar"))
#define SLSA		    "\"https://slsa.dev/provenance/v1\""

static const struct change changes[] = {
	{BOTH_IMAGES, IMAGES(IMAGE("aa", "a.tar")), ERR_SYNTAX, "does not pin images/b.tar"},
	{BOTH_IMAGES, IMAGES(IMAGE("bb", "b.tar")), ERR_SYNTAX, "image 1: the images are not"},
	{BOTH_IMAGES, "\"_\":0", ERR_SYNTAX, "does not pin images/a.tar"},
	{BOTH_IMAGES, IMAGES(IMAGE("bb", "b.tar") "," IMAGE("aa", "a.tar")), ERR_SYNTAX,
		"image 1: the images are not"},
	{BOTH_IMAGES, IMAGES(IMAGE("aa", "a.tar") "," IMAGE("aa", "a.tar")), ERR_SYNTAX,
		"image 2: the images are not"},
	{BOTH_IMAGES,
		IMAGES(IMAGE("aa", "a.tar") "," IMAGE("bb", "b.tar") "," IMAGE("bb", "b.tar")),
		ERR_SYNTAX, "image 3: the images are not"},
	{"\"file\":\"images/a.tar\"", "\"x\":0,\"file\":\"images/a.tar\"", ERR_SYNTAX,
		"image 1: \"x\""},
	{"\"file\":\"images/a.tar\"", "\"_\":0", ERR_SYNTAX, "image 1: \"file\""},
	{DIGEST("aa"), "\"_\":0", ERR_SYNTAX, "image 1: \"digest\""},
	{DIGEST("aa"), DIGEST("AA"), ERR_SYNTAX, "image 1: "},
	{DIGEST("aa"), DIGEST("a"), ERR_SYNTAX, "image 1: "},
	{"\"images\":[", "\"images\":0,\"_\":[", ERR_SYNTAX, "\"images\""},
	{"\"attestations\":[", "\"_\":[", ERR_SYNTAX, "does not say who may sign"},
	{"\"attestations\":[", "\"attestations\":{},\"_\":[", ERR_SYNTAX, "\"attestations\""},
	{"\"attestations\":[", "\"attestations\":[],\"_\":[", ERR_SYNTAX,
		"does not say who may sign"},
	{SLSA, "\"urn:x\"", ERR_SYNTAX, "element 2: the predicate types are not in order"},
	{SLSA, "\"urn:y\"", ERR_SYNTAX, "element 2: the predicate types are not in order"},
	{SLSA, "\"\"", ERR_SYNTAX, "element 1"},
	{SLSA, "\"slsa\"", ERR_SYNTAX, "is no URI"},
	{SLSA, "\"/a:b\"", ERR_SYNTAX, "is no URI"},
	{SLSA, "\"1a:b\"", ERR_SYNTAX, "is no URI"},
	{SLSA, "\"a:\"", ERR_SYNTAX, "is no URI"},
	{SLSA, "\"a:b c\"", ERR_SYNTAX, "is no URI"},
	{SLSA, "\"a:\\u001b\"", ERR_SYNTAX, "is no URI"},
	{SLSA, "\"a:\xc3\xa9\"", ERR_SYNTAX, "is no URI"},
	{"\"keys\":[\"1", "\"x\":0,\"keys\":[\"1", ERR_SYNTAX, "element 1: \"x\""},
	{"\"keys\":[\"1", "\"_\":[\"1", ERR_SYNTAX, "element 1: \"keys\""},
	{"\"keys\":[\"1", "\"keys\":[],\"_\":[\"1", ERR_SYNTAX, "names nobody"},
	{"\"keys\":[\"1", "\"keys\":[1,\"1", ERR_SYNTAX, "key 1 is no key id"},
	{"\"keys\":[\"1", "\"keys\":[\"A", ERR_SYNTAX, "key 1 is no key id"},
	{"\"keys\":[\"1", "\"keys\":[\"11", ERR_SYNTAX, "key 1 is no key id"},
	{"\"keys\":[\"1", "\"keys\":[\"2", ERR_SYNTAX, "key 2 is not in order"},
	{"\"keys\":[\"1", "\"keys\":[\"3", ERR_SYNTAX, "key 2 is not in order"},
};

static void test_refuses_every_change(void **state)
{
	CLEANUP_STR struct str text = STR_INIT;

	(void)state;
	write_good(&text);
	refuse_changes(&text, changes, sizeof changes / sizeof changes[0]);
}

/* A file of role image for each image, and attestations of that many types and keys. */
static int many(size_t images, size_t types, size_t keys)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct manifest manifest = good_manifest();

	manifest.files = arena_array(&arena, images + 1, sizeof *manifest.files);
	manifest.images = arena_array(&arena, images, sizeof *manifest.images);
	manifest.attestations = arena_array(&arena, types, sizeof *manifest.attestations);
	for (size_t i = 0; i < images; i++) {
		manifest.files[i] = good_files[1];
		manifest.files[i].name = arena_format(&arena, "images/%04zu", i);
		manifest.images[i].file = manifest.files[i].name;
	}
	manifest.files[images] =
		(struct manifest_file){"seeds/a", 1, {{0}}, "text/plain", ROLE_SEED};
	for (size_t i = 0; i < types; i++) {
		struct manifest_attestation *attestation = &manifest.attestations[i];
		attestation->predicate_type = arena_format(&arena, "urn:%04zu", i);
		attestation->key_count = keys;
		attestation->keys = arena_array(&arena, keys, sizeof *attestation->keys);
		for (size_t k = 0; k < keys; k++)
			attestation->keys[k] = arena_format(&arena, "%064zu", k);
	}
	manifest.file_count = images + 1;
	manifest.image_count = images;
	manifest.attestation_count = types;
	manifest.migration_count = 0;
	assert_int_equal(manifest_write(&manifest, &text, &err), 0);
	return manifest_parse(str_bytes(&text), &arena, &manifest, &err);
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(many(0, 1, 1), 0);
	assert_int_equal(many(MANIFEST_IMAGES_MAX, 0, 0), 0);
	assert_int_equal(many(MANIFEST_IMAGES_MAX + 1, 0, 0), -ERR_LIMIT);
	assert_int_equal(many(0, MANIFEST_ATTESTATIONS_MAX, 1), 0);
	assert_int_equal(many(0, MANIFEST_ATTESTATIONS_MAX + 1, 1), -ERR_LIMIT);
	assert_int_equal(many(0, 1, MANIFEST_ATTESTATION_KEYS_MAX), 0);
	assert_int_equal(many(0, 1, MANIFEST_ATTESTATION_KEYS_MAX + 1), -ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_refuses_every_change),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
