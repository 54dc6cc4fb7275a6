/*
 * qr: a short text as a QR code (ISO/IEC 18004), drawn with characters.
 *
 * What is ink is what the terminal draws in its text's colour. On a dark terminal the light modules
 * are ink, on a light one the dark ones (swapped). The quiet zone of four modules is part of it.
 */
#ifndef OFFKIT_QR_QR_H
#define OFFKIT_QR_QR_H

#include "base/bytes.h"

enum { QR_SIDE_MAX = 57 + 8, QR_TEXT_MAX = 256 };

struct qr {
	int side; /* modules, the quiet zone with them */
	bool dark[QR_SIDE_MAX][QR_SIDE_MAX];
};

/*
 * The smallest code of the lowest error correction, because a screen is not scratched. Small
 * letters become capitals, for which a third fewer modules do. ERR_LIMIT for a text that is too
 * long.
 */
MUST_CHECK int qr_make(const char *text, struct qr *ret_qr, struct err *err);

/* Its size in characters: half a module high each, or in ASCII a module in two characters. */
int qr_columns(const struct qr *qr, bool ascii);
int qr_rows(const struct qr *qr, bool ascii);
/* Appends the characters of a row. */
void qr_row(const struct qr *qr, int row, bool ascii, bool swapped, struct str *out);

#endif
