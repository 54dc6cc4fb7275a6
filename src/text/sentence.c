/* Numbers, sizes and times as an operator reads them. */
#include "text/text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "text/message.h"

const char *text_count(int64_t count, char out[static TEXT_COUNT_SIZE])
{
	char digits[TEXT_COUNT_SIZE];
	uint64_t magnitude = count < 0 ? 0 - (uint64_t)count : (uint64_t)count;
	int size = snprintf(digits, sizeof digits, "%" PRIu64, magnitude);
	char *end = out;

	if (count < 0)
		*end++ = '-';
	for (int i = 0; i < size; i++) {
		if (i > 0 && (size - i) % 3 == 0)
			*end++ = ',';
		*end++ = digits[i];
	}
	*end = '\0';
	return out;
}

const char *text_size(uint64_t octets, char out[static TEXT_SIZE_SIZE])
{
	static const char *const units[] = {"kB", "MB", "GB", "TB", "PB", "EB"};
	uint64_t unit = 1000;
	size_t i = 0;

	if (octets < 1000) {
		(void)snprintf(out, TEXT_SIZE_SIZE, "%" PRIu64 " %s", octets,
			octets == 1 ? "byte" : "bytes");
		return out;
	}
	/* 999,500 is already "1 MB" in three digits. */
	while (i + 1 < sizeof units / sizeof *units && octets >= unit * 1000 - unit / 2) {
		unit *= 1000;
		i++;
	}
	/* Three digits, rounded half up. */
	uint64_t whole = octets / unit;
	uint64_t step = whole >= 100 ? unit : whole >= 10 ? unit / 10 : unit / 100;
	uint64_t steps = octets / step + (octets % step >= step / 2);
	uint64_t hundredths = steps * (step / (unit / 100));
	int size = snprintf(
		out, TEXT_SIZE_SIZE, "%" PRIu64 ".%02" PRIu64, hundredths / 100, hundredths % 100);
	while (out[size - 1] == '0')
		size--;
	if (out[size - 1] == '.')
		size--;
	(void)snprintf(out + size, TEXT_SIZE_SIZE - (size_t)size, " %s", units[i]);
	return out;
}

const char *text_duration(int64_t milliseconds, char out[static TEXT_DURATION_SIZE])
{
	return text_duration_in(NULL, milliseconds, out);
}

const char *text_duration_in(
	const struct language *language, int64_t milliseconds, char out[static TEXT_DURATION_SIZE])
{
	static const struct {
		int64_t seconds;
		const char *name;
		int64_t part;
		const char *part_name;
	} scales[] = {
		{86400, "d", 3600, "h"},
		{3600, "h", 60, "min"},
		{60, "min", 1, "s"},
	};
	int64_t seconds = milliseconds > 0 ? milliseconds / 1000 : 0;

	if (seconds == 0) {
		int64_t tenths = milliseconds > 0 ? milliseconds / 100 : 0;
		if (tenths == 0)
			message_format(out, TEXT_DURATION_SIZE, language, MSG_UNDER_A_TENTH);
		else
			(void)snprintf(out, TEXT_DURATION_SIZE, "0.%" PRId64 " s", tenths);
		return out;
	}
	for (size_t i = 0; i < sizeof scales / sizeof *scales; i++) {
		if (seconds < scales[i].seconds)
			continue;
		int64_t parts = seconds % scales[i].seconds / scales[i].part;
		int size = snprintf(out, TEXT_DURATION_SIZE, "%" PRId64 " %s",
			seconds / scales[i].seconds, scales[i].name);
		if (parts > 0)
			(void)snprintf(out + size, TEXT_DURATION_SIZE - (size_t)size,
				" %" PRId64 " %s", parts, scales[i].part_name);
		return out;
	}
	(void)snprintf(out, TEXT_DURATION_SIZE, "%" PRId64 " s", seconds);
	return out;
}

const char *text_amount(int64_t value, const char *unit, char out[static TEXT_AMOUNT_SIZE])
{
	if (strcmp(unit, "octets") == 0)
		return text_size((uint64_t)(value > 0 ? value : 0), out);
	if (strcmp(unit, "milliseconds") == 0)
		return text_duration(value, out);
	return text_count(value, out);
}

const char *text_stopwatch(int64_t milliseconds, char out[static TEXT_DURATION_SIZE])
{
	int64_t seconds = milliseconds > 0 ? milliseconds / 1000 : 0;

	if (seconds < 3600)
		(void)snprintf(out, TEXT_DURATION_SIZE, "%" PRId64 ":%02" PRId64, seconds / 60,
			seconds % 60);
	else
		(void)snprintf(out, TEXT_DURATION_SIZE, "%" PRId64 ":%02" PRId64 ":%02" PRId64,
			seconds / 3600, seconds / 60 % 60, seconds % 60);
	return out;
}

void text_plural(struct str *out, int64_t count, const char *one, const char *many)
{
	char number[TEXT_COUNT_SIZE];

	str_append_format(out, "%s ", text_count(count, number));
	if (count == 1)
		str_append_text(out, one);
	else if (many != NULL)
		str_append_text(out, many);
	else
		str_append_format(out, "%ss", one);
}

enum { WORD_MAX = 64, FAR = 3 };

static size_t smaller(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* Damerau-Levenshtein, restricted to swaps of neighbours; FAR for words that are too long. */
static size_t distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t *before = rows[0];
	size_t *above = rows[1];
	size_t *row = rows[2];
	size_t a_size = strlen(a);
	size_t b_size = strlen(b);

	if (a_size > WORD_MAX || b_size > WORD_MAX)
		return FAR;
	for (size_t j = 0; j <= b_size; j++)
		row[j] = before[j] = above[j] = j;
	for (size_t i = 1; i <= a_size; i++) {
		size_t *oldest = before;
		before = above;
		above = row;
		row = oldest;
		row[0] = i;
		for (size_t j = 1; j <= b_size; j++) {
			size_t changed = above[j - 1] + (a[i - 1] != b[j - 1]);
			row[j] = smaller(changed, smaller(above[j], row[j - 1]) + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				row[j] = smaller(row[j], before[j - 2] + 1);
		}
	}
	return row[b_size];
}

const char *text_nearest(const char *word, const char *const *names)
{
	/* In a short word two wrong letters are another word. */
	size_t nearest_distance = strlen(word) < 6 ? 2 : FAR;
	const char *nearest = NULL;

	for (; *names != NULL; names++) {
		size_t names_distance = distance(word, *names);
		if (names_distance < nearest_distance) {
			nearest_distance = names_distance;
			nearest = *names;
		}
	}
	return nearest;
}

void text_until_safe(
	struct str *out, const struct language *language, int64_t batch_size, double rate)
{
	char time[TEXT_DURATION_SIZE];

	if (batch_size > 0 && rate > 0)
		message_append(out, language, MSG_BATCH_FIRST,
			text_duration((int64_t)((double)batch_size * 1000 / rate) + 1000, time));
	else
		str_append_text(out, message_text(language, MSG_UNDER_WAY_FIRST));
}
