/*
 * face: the face of offkit-pack: results on stdout, progress and failures on stderr.
 */
#ifndef OFFKIT_PACK_FACE_H
#define OFFKIT_PACK_FACE_H

#include "base/arena.h"
#include "text/options.h"
#include "text/progress.h"

struct pack_options {
	const char *output; /* "text", "json"; NULL is text */
	bool help, version;
};

struct face {
	struct pack_options options;
	struct arena arena; /* lives as long as the program */
	bool json;
	struct progress_line progress;
	struct str result;  /* what stdout gets when the command succeeds */
	bool result_anyway; /* or when it fails, too: the failure is a result */
	const char *object; /* what the command is about, for the failure's text */
};

void face_note(struct face *face, const char *format, ...) PRINTF_LIKE(2, 3);
void face_progress(struct face *face, const char *what, uint64_t done, uint64_t total);
void face_progress_end(struct face *face);
void face_failure(struct face *face, const struct err *err);

#endif
