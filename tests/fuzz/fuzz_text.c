/* Escaped text is printable, fits its columns; folding has a fixed point. */
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "text/text.h"
#include "tests/fuzz/target.h"

static void escape(struct bytes text, size_t columns)
{
	CLEANUP_STR struct str escaped = STR_INIT;

	text_escape(&escaped, text, columns);
	HOLDS(utf8_valid(str_bytes(&escaped)));
	for (size_t i = 0; i < escaped.size; i++)
		HOLDS((unsigned char)escaped.text[i] >= 0x20 && escaped.text[i] != 0x7F);
	HOLDS(columns == 0 || text_width(str_text(&escaped)) <= columns);
	HOLDS(text_cut(str_text(&escaped), SIZE_MAX) == escaped.size);
}

static void fold(struct bytes text)
{
	CLEANUP_STR struct str once = STR_INIT;
	CLEANUP_STR struct str twice = STR_INIT;
	struct err err;
	int rc = text_fold(text, &once, &err);

	HOLDS(rc == (utf8_valid(text) ? 0 : -ERR_SYNTAX));
	if (rc < 0)
		return;
	HOLDS(text_fold(str_bytes(&once), &twice, &err) == 0);
	HOLDS(text_check_nfc(str_bytes(&once), &err) == 0);
}

static void words(const char *text)
{
	static const char *const names[] = {"verify", "install", "plan", NULL};
	char formatted[RFC3339_SIZE];
	int64_t time;
	int64_t again = 0;
	struct err err;

	(void)text_nearest(text, names);
	if (time_parse(text, &time, &err) < 0)
		return;
	time_format(time, formatted);
	HOLDS(time_parse(formatted, &again, &err) == 0 && again == time);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_STR struct str copy = STR_INIT;
	struct bytes text = bytes_make(data, size);

	escape(text, 0);
	escape(text, 1);
	escape(text, size > 0 ? data[0] : 80);
	fold(text);
	str_append(&copy, data, size);
	words(str_text(&copy));
	return 0;
}
