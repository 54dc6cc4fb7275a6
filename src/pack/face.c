#include "pack/face.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "json/failure.h"
#include "text/text.h"

enum { PROGRESS_TERMINAL_MS = 100, PROGRESS_LINE_MS = 5000 };

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
	char done_text[TEXT_SIZE_SIZE], total_text[TEXT_SIZE_SIZE];
	bool terminal = isatty(STDERR_FILENO) == 1;
	int64_t now = clock_boottime();

	if (face->progress_due == 0) /* work that is over soon needs no line */
		face->progress_due = now + (terminal ? PROGRESS_TERMINAL_MS : PROGRESS_LINE_MS);
	if (now < face->progress_due || total == 0)
		return;
	face->progress_due = now + (terminal ? PROGRESS_TERMINAL_MS : PROGRESS_LINE_MS);
	(void)fprintf(stderr, "%s%s: %3d %%   %s of %s%s", terminal ? "\r\033[K" : "", what,
		(int)(done * 100 / total), text_size(done, done_text), text_size(total, total_text),
		terminal ? "" : "\n");
	(void)fflush(stderr);
	face->progress_shown = terminal;
}

void face_progress_end(struct face *face)
{
	if (face->progress_shown)
		(void)fputs("\r\033[K", stderr);
	face->progress_shown = false;
}

void face_failure(struct face *face, const struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	face_progress_end(face);
	failure_text("offkit-pack", face->object, err, &text);
	(void)fputs(str_text(&text), stderr);
	if (!face->json)
		return;
	str_truncate(&text, 0);
	failure_json(face->object, err, &text);
	(void)fputs(str_text(&text), stdout);
}
