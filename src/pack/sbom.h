/*
 * sbom: SPDX 2.3 JSON (clauses 6, 7, 8 and 11, in the names of its JSON schema) of what we make: of
 * programs, with what they contain, and of an image with programs and migrations in it.
 *
 * The same input gives the same octets: the document's namespace ends in a digest of the document.
 */
#ifndef OFFKIT_PACK_SBOM_H
#define OFFKIT_PACK_SBOM_H

#include "pack/components.h"
#include "pack/file_digests.h"
#include "pack/program_list.h"

struct sbom_program {
	const char *architecture;
	struct file_digests file;
	const struct component_list *components; /* what it contains */
};

struct sbom_image {
	const char *name, *tag;
	struct sha256 digest;
	size_t migration_count;
	const struct file_digests *migrations;
};

struct sbom {
	int64_t created;  /* ms, of whole seconds */
	const char *name; /* of the program: "offkit" */
	const char *version;
	size_t program_count; /* at least 1 */
	const struct sbom_program *programs;
	const struct sbom_image *image; /* NULL: the document is about the programs */
};

/* Appends the document. */
MUST_CHECK int sbom_write(const struct sbom *sbom, struct str *out, struct err *err);

#endif
