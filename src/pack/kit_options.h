/*
 * kit_options: how a command of the release side verifies a kit: by which trust root, and where its
 * parts and its base are.
 */
#ifndef OFFKIT_PACK_KIT_OPTIONS_H
#define OFFKIT_PACK_KIT_OPTIONS_H

#include "pack/face.h"
#include "verify/verify.h"

struct kit_values {
	const char *root, *base;
	struct option_list parts;
};

/* Rows of a values struct of which the kit_values are the member "kit". */
#define KIT_OPTION_ROWS(values)                                                                    \
	OPTION_ROW_TEXT("root", 0, "FILE", values, kit.root,                                       \
		"the trust root (root.json); else the one in this program"),                       \
		OPTION_ROW_LIST(                                                                   \
			"parts", 0, "DIR", values, kit.parts, "where else parts of the kit are"),  \
		OPTION_ROW_TEXT("base", 0, "KIT", values, kit.base,                                \
			"the kit from which a differential one was made")

/* As of now, without a state, with progress on the face; a view of both. */
struct verify_options kit_options(struct face *face, const struct kit_values *given);

#endif
