/*
 * image_make: the runner's image: an OCI image layout (image-spec 1.1, image-layout.md) as one tar
 * archive, made without a daemon of one static program a platform and of the migrations.
 *
 * In the image: /usr/bin/offkit and its licences in /usr/share/doc/offkit/copyright,
 * /usr/share/offkit/migrations, /var/lib/offkit, which belongs to the user that runs it (65532),
 * and /etc/passwd and group that name this user. The program's layer is the platform's own, that of
 * the migrations everybody's. The same plan gives the same octets.
 */
#ifndef OFFKIT_PACK_IMAGE_MAKE_H
#define OFFKIT_PACK_IMAGE_MAKE_H

#include "pack/image_documents.h"
#include "pack/program_list.h"

struct image_plan {
	const char *tag;
	int64_t created; /* ms, of whole seconds */
	struct image_labels labels;
	struct program_list programs;
	const char *migrations; /* a folder, or NULL */
	const char *licences;	/* a file, or NULL */
};

struct image_made {
	struct sha256 digest; /* that a manifest pins */
	int64_t size;	      /* octets of the archive */
	size_t platform_count;
	struct image_platform platforms[PROGRAMS_MAX];
	struct image_layer programs[PROGRAMS_MAX]; /* in the same order */
	struct file_digests program_files[PROGRAMS_MAX];
	struct image_layer migrations; /* without files: there are none */
};

/*
 * Makes the archive beside path, walks it as a verifier does, and gives it its name. What it says
 * lives in the arena; its blobs' files are closed. ERR_USAGE, and what reading and writing give.
 */
MUST_CHECK int image_make(const struct image_plan *plan, const char *path, struct arena *arena,
	struct image_made *ret_made, struct err *err);

#endif
