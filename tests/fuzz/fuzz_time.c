/*
 * Times (RFC 3339) and versions (SemVer 2.0.0), one a line: grammars compared with expressions of
 * the standards, times with the C library's calendar, precedence with the laws of an order.
 */
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "kit/manifest.h"
#include "tests/fuzz/aid.h"

enum { WORDS_MAX = 6 };

#define YEAR_0	   INT64_C(-62167219200000)
#define YEAR_10000 INT64_C(253402300800000)

static bool matches(regex_t *compiled, const char *expression, const char *text)
{
	if (compiled->re_nsub == 0)
		HOLDS(regcomp(compiled, expression, REG_EXTENDED) == 0);
	return regexec(compiled, text, 0, NULL, 0) == 0;
}

static bool is_version(const char *text)
{
#define NUMBER	   "(0|[1-9][0-9]*)"
#define IDENTIFIER "(0|[1-9][0-9]*|[0-9]*[a-zA-Z-][0-9a-zA-Z-]*)"
	static regex_t semver;

	return matches(&semver,
		"^" NUMBER "\\." NUMBER "\\." NUMBER "(-" IDENTIFIER "(\\." IDENTIFIER ")*)?"
		"(\\+[0-9a-zA-Z-]+(\\.[0-9a-zA-Z-]+)*)?$",
		text);
}

static bool looks_like_a_time(const char *text)
{
	static regex_t rfc3339;

	return matches(&rfc3339,
		"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{1,9})?"
		"(Z|[+-][0-9]{2}:[0-9]{2})$",
		text);
}

static int days_of(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return month == 2 && leap ? 29 : days[month - 1];
}

static bool calendar_has(const char *text, int64_t *ret_time)
{
	struct tm tm = {0};
	int year, month, milliseconds = 0, zone_hours = 0, zone_minutes = 0;
	char sign = '+';

	HOLDS(sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &year, &month, &tm.tm_mday, &tm.tm_hour,
		      &tm.tm_min, &tm.tm_sec) == 6);
	const char *rest = text + sizeof "2025-01-01T00:00:00" - 1;
	if (*rest == '.') {
		for (int i = 1, unit = 100; i <= 3 && rest[i] >= '0' && rest[i] <= '9';
			i++, unit /= 10)
			milliseconds += (rest[i] - '0') * unit;
		rest++;
		rest += strspn(rest, "0123456789");
	}
	if (*rest != 'Z')
		HOLDS(sscanf(rest, "%c%2d:%2d", &sign, &zone_hours, &zone_minutes) == 3);
	if (month < 1 || month > 12 || tm.tm_mday < 1 || tm.tm_mday > days_of(year, month) ||
		tm.tm_hour > 23 || tm.tm_min > 59 || tm.tm_sec > 59 || zone_hours > 23 ||
		zone_minutes > 59)
		return false;
	tm.tm_year = year - 1900;
	tm.tm_mon = month - 1;
	int64_t zone = (int64_t)(zone_hours * 60 + zone_minutes) * 60 * (sign == '-' ? -1 : 1);
	*ret_time = ((int64_t)timegm(&tm) - zone) * 1000 + milliseconds;
	return true;
}

static void check_time(const char *text)
{
	char formatted[RFC3339_SIZE];
	int64_t time = 0, expected = 0, again = 0;
	struct err err;
	int rc = time_parse(text, &time, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX);
	bool there = looks_like_a_time(text) && calendar_has(text, &expected) &&
		     expected >= YEAR_0 && expected < YEAR_10000;
	HOLDS((rc == 0) == there);
	if (rc < 0)
		return;
	HOLDS(time == expected);
	time_format(time, formatted);
	HOLDS(time_parse(formatted, &again, &err) == 0 && again == time);
}

static int sign_of(int order)
{
	return (order > 0) - (order < 0);
}

static void check_order(char *const *versions, size_t count)
{
	for (size_t i = 0; i < count; i++)
		for (size_t j = 0; j < count; j++) {
			int there = sign_of(version_compare(versions[i], versions[j]));
			HOLDS(there == -sign_of(version_compare(versions[j], versions[i])));
			HOLDS(i != j || there == 0);
			for (size_t k = 0; k < count && there <= 0; k++)
				if (version_compare(versions[j], versions[k]) <= 0)
					HOLDS(version_compare(versions[i], versions[k]) <= 0);
		}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct bytes rest = bytes_make(data, size);
	char *versions[WORDS_MAX];
	size_t count = 0;

	for (int words = 0; rest.size > 0 && words < WORDS_MAX; words++) {
		const uint8_t *feed = memchr(rest.data, '\n', rest.size);
		size_t length = feed != NULL ? (size_t)(feed - rest.data) : rest.size;
		char *text = arena_string_n(&arena, rest.data, length);
		HOLDS(text != NULL);
		check_time(text);
		bool valid = version_valid(text);
		HOLDS(valid == is_version(text));
		if (valid)
			versions[count++] = text;
		size_t taken = feed != NULL ? length + 1 : length;
		rest = bytes_make(rest.data + taken, rest.size - taken);
	}
	check_order(versions, count);
	return 0;
}
