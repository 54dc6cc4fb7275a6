/* ECMAScript's Number::toString (ECMA-262 section 6.1.6.1.20, RFC 8785 section 3.2.2.3). */
#include "json/json_internal.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DIGITS_MAX = 17 };

/* number = 0.DIGITS * 10^point, without trailing zeros. */
struct decimal {
	char digits[DIGITS_MAX + 1];
	int count;
	int point;
};

static bool reads_back(const struct decimal *decimal, double number)
{
	char text[JSON_NUMBER_SIZE];

	(void)snprintf(text, sizeof text, "0.%se%d", decimal->digits, decimal->point);
	return strtod(text, NULL) == number;
}

static void split(double number, int count, struct decimal *decimal)
{
	char text[JSON_NUMBER_SIZE];

	(void)snprintf(text, sizeof text, "%.*e", count - 1, number);
	/* "d.ddde-07" */
	decimal->digits[0] = text[0];
	memcpy(decimal->digits + 1, text + 2, (size_t)count - 1);
	decimal->digits[count] = '\0';
	decimal->count = count;
	decimal->point = atoi(strchr(text, 'e') + 1) + 1;
}

static void next_above(struct decimal *decimal)
{
	int i = decimal->count - 1;

	while (i >= 0 && decimal->digits[i] == '9')
		decimal->digits[i--] = '0';
	if (i >= 0) {
		decimal->digits[i]++;
		return;
	}
	decimal->digits[0] = '1';
	decimal->point++;
}

/*
 * The fewest digits that read back. The nearest decimal of a length may fail where the one above it
 * does not: above a power of two the doubles lie twice as far apart as below it.
 */
static void shortest(double number, struct decimal *decimal)
{
	for (int count = 1; count <= DIGITS_MAX; count++) {
		split(number, count, decimal);
		if (reads_back(decimal, number))
			break;
		next_above(decimal);
		if (reads_back(decimal, number))
			break;
	}
	while (decimal->count > 1 && decimal->digits[decimal->count - 1] == '0')
		decimal->digits[--decimal->count] = '\0';
}

static void write_decimal(const struct decimal *decimal, char *text, size_t size)
{
	const char *digits = decimal->digits;
	int count = decimal->count;
	int point = decimal->point;

	if (count <= point && point <= 21)
		(void)snprintf(text, size, "%s%.*s", digits, point - count, "00000000000000000000");
	else if (0 < point && point <= 21)
		(void)snprintf(text, size, "%.*s.%s", point, digits, digits + point);
	else if (-6 < point && point <= 0)
		(void)snprintf(text, size, "0.%.*s%s", -point, "00000", digits);
	else
		(void)snprintf(text, size, "%c%s%se%+d", digits[0], count > 1 ? "." : "",
			digits + 1, point - 1);
}

void json_format_number(double number, char text[static JSON_NUMBER_SIZE])
{
	struct decimal decimal;
	double magnitude = fabs(number);
	size_t sign = number < 0;

	if (!isfinite(number))
		__builtin_trap();
	if (magnitude <= (double)JSON_INTEGER_MAX && magnitude == trunc(magnitude)) {
		(void)snprintf(text, JSON_NUMBER_SIZE, "%" PRId64, (int64_t)number);
		return;
	}
	shortest(magnitude, &decimal);
	text[0] = '-';
	write_decimal(&decimal, text + sign, JSON_NUMBER_SIZE - sign);
}
