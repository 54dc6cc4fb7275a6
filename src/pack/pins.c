#include "pack/pins.h"

#include <string.h>

enum { FIELDS = 7, SHA1_HEX = 40, SHA256_HEX = 64 };

static bool is_hex(const char *text, size_t digits)
{
	return strlen(text) == digits && strspn(text, "0123456789abcdef") == digits;
}

/* The line, cut into its fields; false: it has another number of them. */
static bool cut(char *line, char *fields[FIELDS])
{
	char *rest = NULL;
	size_t count = 0;

	for (char *field = strtok_r(line, " \t", &rest); field != NULL;
		field = strtok_r(NULL, " \t", &rest)) {
		if (count == FIELDS)
			return false;
		fields[count++] = field;
	}
	return count == FIELDS;
}

static int parse_line(char *line, struct pin *pin, struct err *err)
{
	char *fields[FIELDS];

	if (!cut(line, fields))
		return err_set(
			err, ERR_SYNTAX, "it is not: suite source version file size sha1 sha256");
	*pin = (struct pin){fields[0], fields[1], fields[2], fields[3], fields[5], fields[6]};
	if (!is_hex(pin->sha1, SHA1_HEX) || !is_hex(pin->sha256, SHA256_HEX))
		return err_set(err, ERR_SYNTAX, "its last fields are no SHA-1 and SHA-256");
	return 0;
}

int pins_parse(struct bytes text, struct arena *arena, struct pins *ret_pins, struct err *err)
{
	char *copy = arena_string_n(arena, text.data, text.size), *rest = copy;
	struct pins pins = {0};
	size_t number = 0;

	pins.pins = arena_array(arena, PINS_MAX, sizeof *pins.pins);
	if (copy == NULL || pins.pins == NULL)
		return err_no_memory(err);
	if (strlen(copy) != text.size)
		return err_set(err, ERR_SYNTAX, "it is no text");
	while (rest != NULL) {
		char *line = strsep(&rest, "\n");
		number++;
		if (line[strspn(line, " \t")] == '\0' || line[0] == '#')
			continue;
		if (pins.count == PINS_MAX)
			return err_set(err, ERR_LIMIT, "it has more than %d files", PINS_MAX);
		if (parse_line(line, &pins.pins[pins.count++], err) < 0)
			return err_context(err, "line %zu", number);
	}
	*ret_pins = pins;
	return 0;
}

void purl_append(struct str *out, const char *text)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._~:";

	for (; *text != '\0'; text++)
		if (strchr(plain, *text) != NULL)
			str_append_char(out, *text);
		else
			str_append_format(out, "%%%02X", (unsigned)(unsigned char)*text);
}

void pin_purl(const struct pin *pin, struct str *out)
{
	str_append_text(out, "pkg:deb/debian/");
	purl_append(out, pin->source);
	str_append_char(out, '@');
	purl_append(out, pin->version);
	str_append_text(out, "?arch=source&distro=");
	purl_append(out, pin->suite);
}
