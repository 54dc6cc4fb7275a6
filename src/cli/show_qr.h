/*
 * show_qr: a short text as a QR code at the end of a result, where a terminal is wide enough to
 * show it; elsewhere nothing, for the text is there as well.
 */
#ifndef OFFKIT_CLI_SHOW_QR_H
#define OFFKIT_CLI_SHOW_QR_H

#include "cli/face.h"

void show_qr(const struct face *face, const char *text, struct str *out);

#endif
