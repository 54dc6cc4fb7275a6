#include "qr/qr.h"

#include <string.h>

#include <qrencode.h>

enum { QUIET = 4 };

int qr_make(const char *text, struct qr *ret_qr, struct err *err)
{
	if (*text == '\0' || strlen(text) > QR_TEXT_MAX)
		return err_set(err, ERR_LIMIT, "a QR code has 1 to %d octets", QR_TEXT_MAX);
	QRcode *code = QRcode_encodeString(text, 0, QR_ECLEVEL_L, QR_MODE_8, 0);
	if (code == NULL)
		return err_no_memory(err);
	if (code->width + 2 * QUIET > QR_SIDE_MAX) {
		QRcode_free(code);
		return err_set(err, ERR_LIMIT, "the text is too long for a QR code");
	}
	*ret_qr = (struct qr){.side = code->width + 2 * QUIET};
	for (int row = 0; row < code->width; row++)
		for (int column = 0; column < code->width; column++)
			ret_qr->dark[row + QUIET][column + QUIET] =
				(code->data[row * code->width + column] & 1) != 0;
	QRcode_free(code);
	return 0;
}

int qr_columns(const struct qr *qr, bool ascii)
{
	return ascii ? 2 * qr->side : qr->side;
}

int qr_rows(const struct qr *qr, bool ascii)
{
	return ascii ? qr->side : (qr->side + 1) / 2;
}

/* Below the last row there is nothing, which is no ink. */
static bool is_ink(const struct qr *qr, int row, int column, bool swapped)
{
	return row < qr->side && qr->dark[row][column] == swapped;
}

void qr_row(const struct qr *qr, int row, bool ascii, bool swapped, struct str *out)
{
	static const char *const HALVES[2][2] = {{" ", "▄"}, {"▀", "█"}};

	for (int column = 0; column < qr->side; column++)
		if (ascii)
			str_append_text(out, is_ink(qr, row, column, swapped) ? "##" : "  ");
		else
			str_append_text(out, HALVES[is_ink(qr, 2 * row, column, swapped)]
						   [is_ink(qr, 2 * row + 1, column, swapped)]);
}
