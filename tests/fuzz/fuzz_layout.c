/*
 * An OCI image layout that is made here, so that its blobs have the digests that lead to them: what
 * is walked is what was pinned, and everything it leads to is there.
 *
 * Octet 0: bit 0: the first blob is pinned; 1: the last one is left out; 2: oci-layout is; 3: one
 * bit of the last one is changed. Then pieces (aid.h): index.json, and blobs. In a piece, #0 to #9
 * stand for the digest and %0 to %9 for the size of a blob behind it.
 */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "tests/fuzz/aid.h"
#include "tests/fuzz/tar.h"
#include "verify/image_report.h"
#include "verify/image_walk.h"

enum { BLOBS_MAX = 10 };

struct blob {
	struct bytes text;
	struct str content;
	struct sha256 digest;
};

/* ---- reading */

static int give(void *self, uint8_t *into, size_t room, size_t *ret_size, struct err *err)
{
	struct bytes *rest = self;
	size_t size = rest->size < room ? rest->size : room;

	(void)err;
	if (size > 0)
		memcpy(into, rest->data, size);
	*rest = bytes_make(rest->data + size, rest->size - size);
	*ret_size = size;
	return 0;
}

static void check_image(
	struct image_blobs *blobs, const struct image *image, const struct sha256 *pinned)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str report = STR_INIT;
	struct image again;
	struct err err;

	HOLDS(pinned == NULL || sha256_equal(&image->digest, pinned));
	HOLDS(image_blobs_find(blobs, &image->digest) != NULL);
	HOLDS(image->manifest_count >= 1 && image->manifest_count <= IMAGE_MANIFESTS_MAX);
	for (size_t i = 0; i < image->manifest_count; i++) {
		HOLDS(image_blobs_find(blobs, &image->manifests[i].digest) != NULL);
		HOLDS(image->manifests[i].octets >= 0);
	}
	HOLDS(image->unreferenced_count <= blobs->count);
	HOLDS(image_report_write(image, &report, &err) == 0);
	HOLDS(image_report_read(str_bytes(&report), &arena, &again, &err) == 0);
	HOLDS(again.manifest_count == image->manifest_count);
}

/* Whether it was taken. */
static bool walk(struct bytes tar, const struct sha256 *pinned)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP(image_blobs_release) struct image_blobs blobs = {.count = 0};
	const struct octet_source source = {&tar, give};
	struct image image;
	struct err err = {0};
	int rc = image_blobs_read(&blobs, &source, &err);

	if (rc == 0)
		rc = image_walk(&blobs, pinned, &arena, &image, &err);
	HOLDS(rc == 0 || err_exit_code(err.code) == 2 || err_exit_code(err.code) == 3);
	if (rc == 0)
		check_image(&blobs, &image, pinned);
	return rc == 0;
}

/* ---- making */

static void fill_in(
	const struct blob *blobs, size_t first, size_t count, struct bytes text, struct str *out)
{
	char hex[SHA256_HEX_SIZE];

	for (size_t i = 0; i < text.size; i++) {
		size_t which = octet_of(text, i + 1) - '0';
		bool place = (text.data[i] == '#' || text.data[i] == '%') && which >= first &&
			     which < count;
		if (!place) {
			str_append_char(out, (char)text.data[i]);
			continue;
		}
		sha256_to_hex(&blobs[which].digest, hex);
		if (text.data[i] == '#')
			str_append_text(out, hex);
		else
			str_append_format(out, "%zu", blobs[which].content.size);
		i++;
	}
}

static void put_blob(const struct blob *blob, struct str *tar)
{
	char name[SHA256_HEX_SIZE + 16], hex[SHA256_HEX_SIZE];

	sha256_to_hex(&blob->digest, hex);
	(void)snprintf(name, sizeof name, "blobs/sha256/%s", hex);
	tar_put(tar, bytes_of_string(name), str_bytes(&blob->content));
}

static void make(unsigned settings, struct bytes rest)
{
	struct blob blobs[BLOBS_MAX] = {0};
	CLEANUP_STR struct str tar = STR_INIT, index = STR_INIT;
	struct bytes index_text = take_piece(&rest);
	size_t count = 0;
	struct err err;

	while (rest.size > 0 && count < BLOBS_MAX)
		blobs[count++].text = take_piece(&rest);
	for (size_t i = count; i-- > 0;) {
		fill_in(blobs, i + 1, count, blobs[i].text, &blobs[i].content);
		HOLDS(sha256_of(str_bytes(&blobs[i].content), &blobs[i].digest, &err) == 0);
	}
	fill_in(blobs, 0, count, index_text, &index);
	if ((settings & 4) == 0)
		tar_put(&tar, bytes_of_string("oci-layout"),
			bytes_of_string("{\"imageLayoutVersion\":\"1.0.0\"}"));
	bool changed = count > 0 && (settings & 8) != 0 && blobs[count - 1].content.size > 0;
	if (changed)
		blobs[count - 1].content.text[0] ^= 1;
	for (size_t i = 0; i + ((settings & 2) != 0) < count; i++)
		put_blob(&blobs[i], &tar);
	tar_put(&tar, bytes_of_string("index.json"), str_bytes(&index));
	tar_end(&tar);
	bool taken =
		walk(str_bytes(&tar), count > 0 && (settings & 1) != 0 ? &blobs[0].digest : NULL);
	HOLDS(!taken || ((settings & 4) == 0 && (!changed || (settings & 2) != 0)));
	for (size_t i = 0; i < count; i++)
		str_release(&blobs[i].content);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size > 0)
		make(data[0], bytes_make(data + 1, size - 1));
	return 0;
}
