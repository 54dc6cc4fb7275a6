#include "pack/face.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "json/failure.h"
#include "text/text.h"

void face_note(struct face *face, const char *format, ...)
{
	va_list args;

	face_progress_end(face);
	(void)fputs("offkit-pack: ", stderr);
	va_start(args, format);
	(void)vfprintf(stderr, format, args);
	va_end(args);
	(void)fputc('\n', stderr);
}

void face_progress(struct face *face, const char *what, uint64_t done, uint64_t total)
{
	CLEANUP_STR struct str line = STR_INIT;

	progress_line_text(&face->progress, isatty(STDERR_FILENO) == 1, clock_boottime(), what,
		done, total, &line);
	(void)fputs(str_text(&line), stderr);
	(void)fflush(stderr);
}

void face_progress_end(struct face *face)
{
	(void)fputs(progress_line_erase(&face->progress), stderr);
}

void face_failure(struct face *face, const struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	face_progress_end(face);
	failure_text(NULL, "offkit-pack", face->object, err, &text);
	(void)fputs(str_text(&text), stderr);
	if (!face->json || face->result_anyway)
		return;
	str_truncate(&text, 0);
	failure_json(face->object, err, &text);
	(void)fputs(str_text(&text), stdout);
}
