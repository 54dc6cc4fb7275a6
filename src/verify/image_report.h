/*
 * image_report: what the process without rights says of an image to the one that has them: JSON,
 * and read as strictly as anything that comes from outside.
 */
#ifndef OFFKIT_VERIFY_IMAGE_REPORT_H
#define OFFKIT_VERIFY_IMAGE_REPORT_H

#include "verify/evidence.h"

enum { IMAGE_REPORT_MAX = 1024 * 1024 /* octets */ };

/* ERR_LIMIT */
MUST_CHECK int image_report_write(const struct image *image, struct str *out, struct err *err);

/* Everything lives in arena; file is "". ERR_SYNTAX, ERR_LIMIT. */
MUST_CHECK int image_report_read(
	struct bytes untrusted_text, struct arena *arena, struct image *ret_image, struct err *err);

#endif
