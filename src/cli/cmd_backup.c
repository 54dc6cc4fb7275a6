/* offkit backup: the backup step by itself. */
#include <string.h>

#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/solo.h"
#include "text/text.h"

static int64_t number_of(const struct json *object, const char *name)
{
	const struct json *number = json_member(object, name);

	return number != NULL && json_is_integer(number) ? json_integer(number) : 0;
}

static const char *text_of(const struct json *object, const char *name)
{
	const struct json *text = json_member(object, name);

	return text != NULL && json_type(text) == JSON_STRING ? json_string(text) : "";
}

static void show_text(struct face *face, const struct json *done)
{
	struct str *out = &face->result;
	char size[TEXT_SIZE_SIZE];

	str_append_format(
		out, "%s backed up to %s\n", face_sign(face, SIGN_GOOD), text_of(done, "dir"));
	str_append_text(out, "  ");
	text_plural(out, number_of(done, "documents"), "document", NULL);
	str_append_text(out, " of ");
	text_plural(out, number_of(done, "collections"), "collection", NULL);
	str_append_format(
		out, " in %s\n", text_size((uint64_t)number_of(done, "fileOctets"), size));
	str_append_format(out, "  SHA-256 of the index %s\n", text_of(done, "indexSha256"));
}

static int show(struct face *face, const struct json *done, struct err *err)
{
	struct json_writer writer;

	if (!face->json) {
		show_text(face, done);
		return str_check(&face->result, err);
	}
	json_write_begin(&writer, &face->result);
	json_write_value(&writer, done);
	str_append_char(&face->result, '\n');
	return str_check(&face->result, err);
}

static int backup(struct solo *solo, struct err *err)
{
	struct step_context context;

	solo_context(solo, &context);
	int rc = step_backup.apply(&context, err);
	if (rc < 0)
		return rc;
	solo_context(solo, &context);
	rc = step_backup.verify(&context, err);
	face_progress_end(solo->face);
	return rc < 0 ? rc : show(solo->face, context.checkpoint, err);
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	struct solo solo;

	(void)values;
	(void)operand_count;
	(void)operands;
	int rc = solo_begin(face, &solo, err);
	if (rc < 0)
		return rc;
	face->object = solo.site.database;
	rc = backup(&solo, err);
	solo_end(&solo);
	return rc;
}

static const struct option options[] = {OPTION_END};

const struct command command_backup = {
	.name = "backup",
	.synopsis = "",
	.summary = "back the site's database up, several collections at once",
	.options = options,
	.values_size = 1,
	.operands_max = 0,
	.run = run,
};
