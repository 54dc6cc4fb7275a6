/*
 * image_walked: image_scene's archives read and walked in this process, and what is to come of it.
 */
#ifndef OFFKIT_TESTS_UNIT_IMAGE_WALKED_H
#define OFFKIT_TESTS_UNIT_IMAGE_WALKED_H

#include "image_scene.h"
#include "verify/image_walk.h"

#define CONFIG(arch, ids)                                                                          \
	"{" PLATFORM(arch) ",\"rootfs\":{\"type\":\"layers\",\"diff_ids\":[" ids "]}}"

static struct arena arena;
static struct err err;

static inline int read_text(
	void *self, uint8_t *into, size_t room, size_t *ret_size, struct err *error)
{
	struct bytes *rest = self;
	size_t size = rest->size < room ? rest->size : room;

	(void)error;
	memcpy(into, rest->data, size);
	*rest = bytes_make(rest->data + size, rest->size - size);
	*ret_size = size;
	return 0;
}

static inline int walk(const struct str *tar, const char *pinned_hex, struct image *image)
{
	CLEANUP(image_blobs_release) struct image_blobs blobs = {.count = 0};
	struct bytes rest = str_bytes(tar);
	const struct octet_source source = {&rest, read_text};
	struct sha256 pinned;

	arena_release(&arena);
	if (pinned_hex != NULL)
		assert_true(sha256_from_hex(bytes_of_string(pinned_hex), &pinned));
	int rc = image_blobs_read(&blobs, &source, &err);
	return rc < 0 ? rc
		      : image_walk(
				&blobs, pinned_hex != NULL ? &pinned : NULL, &arena, image, &err);
}

/* Ends the archive's life; why NULL: it is taken. */
static inline void expect_pinned(
	struct str *tar, const char *pinned, struct image *image, int wanted, const char *why)
{
	int rc = walk(tar, pinned, image);

	if (rc != -wanted || (why != NULL && strstr(err.message, why) == NULL))
		print_error("wanted %s %s, got %s %s\n", err_name((enum err_code)wanted),
			why != NULL ? why : "", err_name((enum err_code) - rc),
			rc < 0 ? err.message : "");
	assert_int_equal(rc, -wanted);
	if (why != NULL)
		assert_non_null(strstr(err.message, why));
	str_release(tar);
}

static inline void refused(struct str *tar, enum err_code code, const char *why)
{
	struct image image;

	expect_pinned(tar, NULL, &image, (int)code, why);
}

static inline void taken(struct str *tar, struct image *image)
{
	expect_pinned(tar, NULL, image, ERR_NONE, NULL);
}

/* An image of these parts, of which one may be wrong; NULL: the right one. */
static inline void image_of(struct str *tar, const char *config_descriptor,
	const char *layer_descriptor, bool with_config, bool with_layer, const char *more)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP_STR struct str aside = STR_INIT;
	struct scene_blob config =
		scene_add(with_config ? tar : &aside, CONFIG("amd64", DIFF_ID), OCI("config"), "");
	struct scene_blob layer = scene_add(with_layer ? tar : &aside, "layer", "a/b", "");

	str_append_format(&text, "{\"schemaVersion\":2,\"config\":%s,\"layers\":[%s]%s}",
		config_descriptor != NULL ? config_descriptor : config.descriptor,
		layer_descriptor != NULL ? layer_descriptor : layer.descriptor, more);
	struct scene_blob manifest = scene_add(tar, str_text(&text), OCI("manifest"), "");
	scene_finish(tar, manifest.descriptor);
}

#endif
