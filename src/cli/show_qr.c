#include "cli/show_qr.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include "qr/qr.h"

void show_qr(const struct face *face, const char *text, struct str *out)
{
	struct winsize size = {0};
	struct qr qr;
	struct err err;

	if (face->json || isatty(STDOUT_FILENO) != 1 ||
		ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || qr_make(text, &qr, &err) < 0 ||
		qr_columns(&qr, !face->utf8) >= size.ws_col)
		return;
	for (int row = 0; row < qr_rows(&qr, !face->utf8); row++) {
		qr_row(&qr, row, !face->utf8, false, out);
		str_append_char(out, '\n');
	}
}
