/*
 * image_scene: OCI layouts as tar archives in memory, right or wrong in one thing, for the tests of
 * images.
 */
#ifndef OFFKIT_TESTS_UNIT_IMAGE_SCENE_H
#define OFFKIT_TESTS_UNIT_IMAGE_SCENE_H

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/digest.h"

#define OCI(kind)      "application/vnd.oci.image." kind ".v1+json"
#define DOCKER(kind)   "application/vnd.docker.distribution.manifest." kind "v2+json"
#define LAYOUT_TEXT    "{\"imageLayoutVersion\":\"1.0.0\"}"
#define PLATFORM(arch) "\"os\":\"linux\",\"architecture\":\"" arch "\""
#define DIFF_ID	       "\"sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855\""

/* One blob, and the descriptor that leads to it. */
struct scene_blob {
	char hex[SHA256_HEX_SIZE];
	char descriptor[512];
};

static inline void scene_member(
	struct str *tar, const char *name, char type, const void *content, size_t size)
{
	static const char zeros[512];
	char block[512] = {0};
	unsigned sum = 0;

	memcpy(block, name, strnlen(name, 100));
	memcpy(block + 100, "0000644", 8);
	memcpy(block + 108, "0000000", 8);
	memcpy(block + 116, "0000000", 8);
	(void)snprintf(block + 124, 12, "%011o", type == '0' ? (unsigned)size : 0);
	memcpy(block + 136, "00000000000", 12);
	memset(block + 148, ' ', 8);
	block[156] = type;
	if (type == '2')
		memcpy(block + 157, content, size);
	memcpy(block + 257, "ustar\00000", 8);
	for (size_t i = 0; i < sizeof block; i++)
		sum += (unsigned char)block[i];
	(void)snprintf(block + 148, 8, "%06o", sum);
	str_append(tar, block, sizeof block);
	if (type != '0')
		return;
	str_append(tar, content, size);
	str_append(tar, zeros, (512 - size % 512) % 512);
}

static inline void scene_file(struct str *tar, const char *name, const char *text)
{
	scene_member(tar, name, '0', text, strlen(text));
}

static inline void scene_end(struct str *tar)
{
	static const char zeros[1024];

	str_append(tar, zeros, sizeof zeros);
}

/* The blob's name and descriptor; more stands at the descriptor's end, as ",\"platform\":{}". */
static inline struct scene_blob scene_describe(
	struct bytes content, const char *media_type, const char *more)
{
	struct scene_blob blob;
	struct sha256 digest;
	struct err err;

	if (sha256_of(content, &digest, &err) < 0)
		__builtin_trap();
	sha256_to_hex(&digest, blob.hex);
	(void)snprintf(blob.descriptor, sizeof blob.descriptor,
		"{\"mediaType\":\"%s\",\"digest\":\"sha256:%s\",\"size\":%zu%s}", media_type,
		blob.hex, content.size, more);
	return blob;
}

static inline void scene_put(struct str *tar, const struct scene_blob *blob, struct bytes content)
{
	char name[128];

	(void)snprintf(name, sizeof name, "blobs/sha256/%s", blob->hex);
	scene_member(tar, name, '0', content.data, content.size);
}

static inline struct scene_blob scene_add(
	struct str *tar, const char *content, const char *media_type, const char *more)
{
	struct bytes bytes = bytes_of_string(content);
	struct scene_blob blob = scene_describe(bytes, media_type, more);

	scene_put(tar, &blob, bytes);
	return blob;
}

/* An image of one layer for linux on arch; more stands at the end of its descriptor. */
static inline struct scene_blob scene_image(struct str *tar, const char *arch, const char *more)
{
	char text[4096], layer_text[64];

	(void)snprintf(text, sizeof text,
		"{\"os\":\"linux\",\"architecture\":\"%s\",\"rootfs\":{\"type\":\"layers\","
		"\"diff_ids\":[" DIFF_ID "]}}",
		arch);
	struct scene_blob config = scene_add(tar, text, OCI("config"), "");
	(void)snprintf(layer_text, sizeof layer_text, "layer of %s", arch);
	struct scene_blob layer =
		scene_add(tar, layer_text, "application/vnd.oci.image.layer.v1.tar", "");
	(void)snprintf(text, sizeof text, "{\"schemaVersion\":2,\"config\":%s,\"layers\":[%s]}",
		config.descriptor, layer.descriptor);
	return scene_add(tar, text, OCI("manifest"), more);
}

/* oci-layout, index.json with these descriptors, and the end. */
static inline void scene_finish(struct str *tar, const char *descriptors)
{
	CLEANUP_STR struct str index = STR_INIT;

	scene_file(tar, "oci-layout", LAYOUT_TEXT);
	str_append_format(&index, "{\"schemaVersion\":2,\"manifests\":[%s]}", descriptors);
	scene_file(tar, "index.json", str_text(&index));
	scene_end(tar);
}

#endif
