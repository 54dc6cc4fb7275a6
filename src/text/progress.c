#include "text/progress.h"

#include "text/text.h"

#define ERASE "\r\033[K"

enum { TERMINAL_MS = 100, LINE_MS = 5000 };

void progress_line_text(struct progress_line *line, bool terminal, int64_t now, const char *what,
	uint64_t done, uint64_t total, struct str *out)
{
	char done_text[TEXT_SIZE_SIZE], total_text[TEXT_SIZE_SIZE];
	int64_t next = now + (terminal ? TERMINAL_MS : LINE_MS);

	if (line->due == 0) /* work that is over soon needs no line */
		line->due = next;
	if (now < line->due || total == 0)
		return;
	line->due = next;
	line->shown = terminal;
	str_append_format(out, "%s%s: %3d %%   %s of %s%s", terminal ? ERASE : "", what,
		(int)(done * 100 / total), text_size(done, done_text), text_size(total, total_text),
		terminal ? "" : "\n");
}

const char *progress_line_erase(struct progress_line *line)
{
	const char *erase = line->shown ? ERASE : "";

	line->shown = false;
	return erase;
}
