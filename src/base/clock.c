#include "base/clock.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static const int64_t OLDEST = -62167219200000; /* 0000-01-01T00:00:00Z */
static const int64_t NEWEST = 253402300799999; /* 9999-12-31T23:59:59.999Z */

static int64_t clock_read(clockid_t id)
{
	struct timespec now;

	if (clock_gettime(id, &now) != 0)
		__builtin_trap();
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now(void)
{
	return clock_read(CLOCK_REALTIME);
}

int64_t clock_boottime(void)
{
	return clock_read(CLOCK_BOOTTIME);
}

/* Returns the milliseconds that are left over; a time outside of the years 0 to 9999 is clamped. */
static int split_time(int64_t time, struct tm *ret_tm)
{
	time = time < OLDEST ? OLDEST : time > NEWEST ? NEWEST : time;
	int64_t milliseconds = (time % 1000 + 1000) % 1000;
	time_t seconds = (time_t)((time - milliseconds) / 1000);

	if (gmtime_r(&seconds, ret_tm) == NULL)
		__builtin_trap();
	return (int)milliseconds;
}

struct timespec clock_deadline(int64_t duration)
{
	struct timespec time;

	(void)clock_gettime(CLOCK_MONOTONIC, &time);
	time.tv_sec += (time_t)(duration / 1000);
	time.tv_nsec += (long)(duration % 1000) * 1000000;
	if (time.tv_nsec >= 1000000000) {
		time.tv_nsec -= 1000000000;
		time.tv_sec++;
	}
	return time;
}

void time_format(int64_t time, char text[static RFC3339_SIZE])
{
	struct tm tm;
	int milliseconds = split_time(time, &tm);

	/* strftime pads the year differently in each libc. */
	size_t used = (size_t)snprintf(text, RFC3339_SIZE, "%04u-%02u-%02uT%02u:%02u:%02u",
		(unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
		(unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
		(unsigned)tm.tm_sec % 100);
	if (milliseconds != 0)
		used += (size_t)snprintf(
			text + used, RFC3339_SIZE - used, ".%03u", (unsigned)milliseconds % 1000);
	(void)snprintf(text + used, RFC3339_SIZE - used, "Z");
}

void time_format_name(int64_t time, char text[static TIME_NAME_SIZE])
{
	struct tm tm;

	(void)split_time(time, &tm);
	(void)snprintf(text, TIME_NAME_SIZE, "%04u%02u%02uT%02u%02u%02uZ",
		(unsigned)(tm.tm_year + 1900) % 10000, (unsigned)(tm.tm_mon + 1) % 100,
		(unsigned)tm.tm_mday % 100, (unsigned)tm.tm_hour % 100, (unsigned)tm.tm_min % 100,
		(unsigned)tm.tm_sec % 100);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool take_number(const char **text, int digits, int min, int max, int *ret)
{
	int number = 0;

	for (int i = 0; i < digits; i++) {
		if (!is_digit((*text)[i]))
			return false;
		number = number * 10 + ((*text)[i] - '0');
	}
	if (number < min || number > max)
		return false;
	*text += digits;
	*ret = number;
	return true;
}

static bool take_char(const char **text, char c)
{
	if (**text != c)
		return false;
	(*text)++;
	return true;
}

static int days_of_month(int year, int month)
{
	static const unsigned char days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool take_date(const char **text, struct tm *tm)
{
	int year;
	int month;
	int day;

	if (!take_number(text, 4, 0, 9999, &year) || !take_char(text, '-') ||
		!take_number(text, 2, 1, 12, &month) || !take_char(text, '-') ||
		!take_number(text, 2, 1, days_of_month(year, month), &day))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return true;
}

static bool take_time_of_day(const char **text, struct tm *tm)
{
	return take_number(text, 2, 0, 23, &tm->tm_hour) && take_char(text, ':') &&
	       take_number(text, 2, 0, 59, &tm->tm_min) && take_char(text, ':') &&
	       take_number(text, 2, 0, 59, &tm->tm_sec);
}

/* The fraction is cut, not rounded: a time never moves into the next second. */
static bool take_fraction(const char **text, int *ret_milliseconds)
{
	int milliseconds = 0;
	int digits = 0;

	if (!take_char(text, '.'))
		return true;
	for (; is_digit(**text); (*text)++, digits++)
		if (digits < 3)
			milliseconds = milliseconds * 10 + (**text - '0');
	if (digits < 1 || digits > 9)
		return false;
	for (; digits < 3; digits++)
		milliseconds *= 10;
	*ret_milliseconds = milliseconds;
	return true;
}

static bool take_offset(const char **text, int *ret_minutes)
{
	int hours;
	int minutes;

	if (take_char(text, 'Z'))
		return true;
	int sign = **text == '-' ? -1 : 1;
	if (!take_char(text, '+') && !take_char(text, '-'))
		return false;
	if (!take_number(text, 2, 0, 23, &hours) || !take_char(text, ':') ||
		!take_number(text, 2, 0, 59, &minutes))
		return false;
	*ret_minutes = sign * (hours * 60 + minutes);
	return true;
}

int time_parse(const char *text, int64_t *ret_time, struct err *err)
{
	const char *rest = text;
	struct tm tm = {0};
	int milliseconds = 0;
	int offset = 0;

	if (!take_date(&rest, &tm) || !take_char(&rest, 'T') || !take_time_of_day(&rest, &tm) ||
		!take_fraction(&rest, &milliseconds) || !take_offset(&rest, &offset) ||
		*rest != '\0')
		return err_set(err, ERR_SYNTAX, "not a time of RFC 3339");
	int64_t time = ((int64_t)timegm(&tm) - (int64_t)offset * 60) * 1000 + milliseconds;
	if (time < OLDEST || time > NEWEST)
		return err_set(err, ERR_SYNTAX, "a time outside of the years 0 to 9999");
	*ret_time = time;
	return 0;
}
