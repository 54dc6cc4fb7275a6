#include "kit/migration.h"

#include <string.h>

#include "text/text.h"

static const char letters_digits[] =
	"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

bool migration_id_valid(const char *id)
{
	size_t size = strlen(id);
	size_t first = strspn(id, letters_digits);

	if (size == 0 || size > MIGRATION_ID_MAX || first == 0)
		return false;
	for (const char *p = id; *p != '\0'; p++)
		if (strchr("-_.", *p) == NULL && strchr(letters_digits, *p) == NULL)
			return false;
	/* It names a folder, and names do not end with a dot. */
	return id[size - 1] != '.';
}

static int check_length(const char *text, const char *name, size_t max, struct err *err)
{
	struct bytes bytes = bytes_of_string(text);
	size_t count = 0;
	uint32_t character;

	for (size_t i = 0, size; (size = utf8_next(bytes, i, &character)) > 0; i += size)
		count++;
	if (count > max)
		return err_set(err, ERR_LIMIT, "\"%s\" is longer than %zu characters", name, max);
	return 0;
}

static int parse_head(const struct json *document, struct migration *migration, struct err *err)
{
	int status;

	if ((status = json_need_string(document, "id", 4 * MIGRATION_ID_MAX, &migration->id, err)) <
			0 ||
		(status = json_need_string(
			 document, "kind", MIGRATION_KIND_MAX, &migration->kind, err)) < 0 ||
		(status = json_need_string(
			 document, "title", 4 * MIGRATION_TITLE_MAX, &migration->title, err)) < 0 ||
		(status = json_optional_string(
			 document, "what", 4 * MIGRATION_WHAT_MAX, &migration->what, err)) < 0)
		return status;
	if (!migration_id_valid(migration->id))
		return err_set(err, ERR_SYNTAX,
			"\"id\" must be up to %d letters, digits, \"-\", \"_\", \".\"",
			MIGRATION_ID_MAX);
	if ((status = check_length(migration->title, "title", MIGRATION_TITLE_MAX, err)) < 0)
		return status;
	return check_length(migration->what, "what", MIGRATION_WHAT_MAX, err);
}

int migration_parse(const struct json *document, struct migration *ret_migration, struct err *err)
{
	struct migration migration = {.what = "", .body = document};
	int status = parse_head(document, &migration, err);

	if (status == 0)
		*ret_migration = migration;
	return status;
}
