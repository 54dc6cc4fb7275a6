/*
 * progress: the line about long work, the same in every face. It knows when it is due and what it
 * says; the face writes it. A terminal's line is written over; elsewhere it is one every few
 * seconds.
 */
#ifndef OFFKIT_TEXT_PROGRESS_H
#define OFFKIT_TEXT_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"

/* Zero-initialise it. */
struct progress_line {
	int64_t due; /* clock_boottime of the next line; 0: the work has just begun */
	bool shown;  /* a line without its end stands on the terminal */
};

/* Appends what is to be written now (clock_boottime), nothing if no line is due. Sizes in octets.
 */
void progress_line_text(struct progress_line *line, bool terminal, int64_t now, const char *what,
	uint64_t done, uint64_t total, struct str *out);

/* What takes the line off the terminal, "" if none stands there. */
const char *progress_line_erase(struct progress_line *line);

#endif
