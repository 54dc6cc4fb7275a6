#include "kit/sums.h"

#include <string.h>

#include "base/cleanup.h"
#include "kit/manifest.h"
#include "kit/name.h"

enum { HEX = SHA256_HEX_SIZE - 1, BEFORE_NAME = HEX + 2 };

static int bad_line(size_t number, const char *why, struct err *err)
{
	return err_set(err, ERR_SYNTAX, "SHA256SUMS: line %zu: %s", number, why);
}

static size_t count_lines(struct bytes text)
{
	size_t count = 0;

	for (const uint8_t *p = text.data, *end = text.data + text.size;
		(p = memchr(p, '\n', (size_t)(end - p))) != NULL; p++)
		count++;
	return count;
}

/* line is without its line feed. */
static int parse_line(struct bytes line, size_t number, struct arena *arena,
	struct sums_entry *entry, struct err *err)
{
	if (line.size <= BEFORE_NAME)
		return bad_line(number, "it is too short", err);
	if (!sha256_from_hex(bytes_make(line.data, HEX), &entry->digest))
		return bad_line(
			number, "it does not begin with 64 lower-case hexadecimal digits", err);
	if (line.data[HEX] != ' ' || line.data[HEX + 1] != ' ')
		return bad_line(number, "digest and name are not two spaces apart", err);
	struct bytes name = bytes_make(line.data + BEFORE_NAME, line.size - BEFORE_NAME);
	if (name.size == 1 && name.data[0] == '-')
		return bad_line(number, "a file cannot be called \"-\"", err);
	if (name_check(name, err) != 0)
		return err_context(err, "SHA256SUMS: line %zu", number);
	entry->name = arena_string_n(arena, name.data, name.size);
	return entry->name == NULL ? err_no_memory(err) : 0;
}

static int check_size(struct bytes text, size_t *ret_count, struct err *err)
{
	if (text.size > SUMS_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "SHA256SUMS is larger than 64 MiB");
	if (text.size == 0)
		return err_set(err, ERR_SYNTAX, "SHA256SUMS lists no file");
	if (text.data[text.size - 1] != '\n')
		return err_set(err, ERR_SYNTAX, "SHA256SUMS: the last line has no end");
	size_t count = count_lines(text);
	if (count > MANIFEST_FILES_MAX)
		return err_set(
			err, ERR_LIMIT, "SHA256SUMS lists more than %d files", MANIFEST_FILES_MAX);
	*ret_count = count;
	return 0;
}

int sums_parse(
	struct bytes untrusted_text, struct arena *arena, struct sums *ret_sums, struct err *err)
{
	CLEANUP(name_set_cleanup) struct name_set *names = NULL;
	struct sums sums = {0};
	int status = check_size(untrusted_text, &sums.count, err);

	if (status != 0 || (status = name_set_new(&names, err)) != 0)
		return status;
	sums.entries = arena_array(arena, sums.count, sizeof *sums.entries);
	if (sums.entries == NULL)
		return err_no_memory(err);
	const uint8_t *next = untrusted_text.data;
	for (size_t i = 0; i < sums.count; i++) {
		const uint8_t *start = next;
		const uint8_t *end = untrusted_text.data + untrusted_text.size;
		const uint8_t *feed = memchr(start, '\n', (size_t)(end - start));
		struct bytes line = bytes_make(start, (size_t)(feed - start));

		next = feed + 1;
		status = parse_line(line, i + 1, arena, &sums.entries[i], err);
		if (status != 0)
			return status;
		if (i > 0 && strcmp(sums.entries[i - 1].name, sums.entries[i].name) >= 0)
			return bad_line(
				i + 1, "the names are not in order, or one stands twice", err);
		if (name_set_add(names, sums.entries[i].name, err) != 0)
			return err_context(err, "SHA256SUMS: line %zu", i + 1);
	}
	*ret_sums = sums;
	return 0;
}

void sums_write(const struct sums *sums, struct str *out)
{
	for (size_t i = 0; i < sums->count; i++) {
		char hex[SHA256_HEX_SIZE];

		sha256_to_hex(&sums->entries[i].digest, hex);
		str_append(out, hex, HEX);
		str_append_text(out, "  ");
		str_append_text(out, sums->entries[i].name);
		str_append_char(out, '\n');
	}
}
