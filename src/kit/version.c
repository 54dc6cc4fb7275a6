/* Semantic Versioning 2.0.0: sections 2, 9, 10 (form) and 11 (precedence). */
#include <string.h>

#include "kit/manifest.h"

static const char digits[] = "0123456789";
static const char identifier_characters[] =
	"0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

static bool is_numeric(const char *text, size_t size)
{
	return size > 0 && strspn(text, digits) >= size;
}

static bool has_leading_zero(const char *text, size_t size)
{
	return size > 1 && text[0] == '0';
}

/* Passes a number without leading zeros; NULL if there is none. */
static const char *pass_number(const char *text)
{
	size_t size = strspn(text, digits);

	return size == 0 || has_leading_zero(text, size) ? NULL : text + size;
}

/* Passes identifiers that dots separate; the numeric ones of a pre-release have no leading zero. */
static const char *pass_identifiers(const char *text, bool zeros_allowed)
{
	for (;;) {
		size_t size = strspn(text, identifier_characters);
		if (size == 0)
			return NULL;
		if (!zeros_allowed && is_numeric(text, size) && has_leading_zero(text, size))
			return NULL;
		text += size;
		if (*text != '.')
			return text;
		text++;
	}
}

bool version_valid(const char *version)
{
	const char *p = version;

	for (int i = 0; i < 3; i++) {
		if (i > 0 && *p++ != '.')
			return false;
		p = pass_number(p);
		if (p == NULL)
			return false;
	}
	if (*p == '-') {
		p = pass_identifiers(p + 1, false);
		if (p == NULL)
			return false;
	}
	if (*p == '+') {
		p = pass_identifiers(p + 1, true);
		if (p == NULL)
			return false;
	}
	return *p == '\0';
}

static int sign(int difference)
{
	return (difference > 0) - (difference < 0);
}

/* Numbers of any length without leading zeros. */
static int compare_numbers(const char *a, size_t a_size, const char *b, size_t b_size)
{
	if (a_size != b_size)
		return a_size < b_size ? -1 : 1;
	return sign(memcmp(a, b, a_size));
}

static int compare_identifiers(const char *a, size_t a_size, const char *b, size_t b_size)
{
	bool a_is_number = is_numeric(a, a_size), b_is_number = is_numeric(b, b_size);

	if (a_is_number && b_is_number)
		return compare_numbers(a, a_size, b, b_size);
	if (a_is_number != b_is_number)
		return a_is_number ? -1 : 1;
	int order = memcmp(a, b, a_size < b_size ? a_size : b_size);
	if (order != 0)
		return sign(order);
	return (a_size > b_size) - (a_size < b_size);
}

static int compare_prereleases(const char *a, const char *b)
{
	for (;;) {
		size_t a_size = strspn(a, identifier_characters);
		size_t b_size = strspn(b, identifier_characters);
		int order = compare_identifiers(a, a_size, b, b_size);
		if (order != 0)
			return order;
		a += a_size;
		b += b_size;
		if (*a != '.' || *b != '.')
			return (*a == '.') - (*b == '.');
		a++;
		b++;
	}
}

int version_compare(const char *a, const char *b)
{
	for (int i = 0; i < 3; i++) {
		size_t a_size = strspn(a, digits), b_size = strspn(b, digits);
		int order = compare_numbers(a, a_size, b, b_size);
		if (order != 0)
			return order;
		a += a_size + (i < 2);
		b += b_size + (i < 2);
	}
	/* A pre-release comes before its release; build metadata do not count. */
	if (*a != '-' || *b != '-')
		return (*a != '-') - (*b != '-');
	return compare_prereleases(a + 1, b + 1);
}
