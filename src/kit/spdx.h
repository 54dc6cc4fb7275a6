/*
 * spdx: an SBOM as SPDX 2.3 JSON (ISO/IEC 5962, spdx-schema 2.3), of anybody's making: its
 * packages, and which of them the document describes.
 */
#ifndef OFFKIT_KIT_SPDX_H
#define OFFKIT_KIT_SPDX_H

#include "base/arena.h"
#include "crypto/digest.h"

enum {
	SPDX_SIZE_MAX = 32 * 1024 * 1024,
	SPDX_PACKAGES_MAX = 100000,
	SPDX_FILES_MAX = 200000, /* and as many snippets */
	SPDX_TEXT_MAX = 4096,
};

struct spdx_package {
	const char *id; /* "SPDXRef-..." */
	const char *name;
	const char *version; /* "" if absent */
	const char *licence; /* concluded, else declared; "NOASSERTION" if neither */
	bool has_sha256;
	struct sha256 digest;
	bool described; /* by documentDescribes, a relationship, or as the only package */
};

struct spdx {
	const char *name;
	const char *document_namespace;
	int64_t created; /* ms */
	size_t package_count;
	struct spdx_package *packages;
	size_t described_count; /* at least 1 */
	size_t file_count;
};

/*
 * What is read is read strictly: version, data licence and identifiers, unique and well-formed;
 * what the document describes must be in it. Members that decide nothing here are passed over.
 * Everything lives in arena. ERR_SYNTAX, ERR_LIMIT.
 */
MUST_CHECK int spdx_parse(
	struct bytes text, struct arena *arena, struct spdx *ret_spdx, struct err *err);

#endif
