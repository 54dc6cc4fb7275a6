/*
 * An image's archive, read and walked; and the report of a process that the archive may have taken
 * over. What is taken says what it can say, and a report is written as it was read.
 */
#include <string.h>

#include "base/cleanup.h"
#include "tests/fuzz/target.h"
#include "verify/image_report.h"
#include "verify/image_walk.h"

static int read_input(void *self, uint8_t *into, size_t room, size_t *ret_size, struct err *err)
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

static void check_image(const struct image *image)
{
	HOLDS(image->manifest_count > 0 && image->manifest_count <= IMAGE_MANIFESTS_MAX);
	for (size_t i = 0; i < image->manifest_count; i++) {
		HOLDS(image->manifests[i].layer_count <= OCI_DESCRIPTORS_MAX);
		HOLDS(image->manifests[i].octets >= 0);
		HOLDS(strlen(image->manifests[i].platform.os) <= OCI_TEXT_MAX);
	}
}

static void walk(struct bytes input)
{
	CLEANUP(image_blobs_release) struct image_blobs blobs = {.count = 0};
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	const struct octet_source source = {&input, read_input};
	struct image image;
	struct err err;

	int rc = image_blobs_read(&blobs, &source, &err);
	if (rc == 0)
		rc = image_walk(&blobs, NULL, &arena, &image, &err);
	if (rc == 0)
		check_image(&image);
	else
		HOLDS(err_exit_code(err.code) == 2 || err_exit_code(err.code) == 3);
}

static void read_report(struct bytes input)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str first = STR_INIT;
	CLEANUP_STR struct str second = STR_INIT;
	struct image image;
	struct err err;

	if (image_report_read(input, &arena, &image, &err) < 0) {
		HOLDS(err_exit_code(err.code) == 3);
		return;
	}
	check_image(&image);
	if (image_report_write(&image, &first, &err) < 0)
		return;
	HOLDS(image_report_read(str_bytes(&first), &arena, &image, &err) == 0);
	HOLDS(image_report_write(&image, &second, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&first), str_bytes(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	walk(bytes_make(data, size));
	read_report(bytes_make(data, size));
	return 0;
}
