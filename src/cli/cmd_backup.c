/* offkit backup: the backup step by itself. */
#include "base/cleanup.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/solo.h"
#include "text/text.h"

struct values {
	bool unfrozen, once;
};

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

/* Nothing goes on with a backup that is no part of a run: what there is of it goes. */
static void remove_folder(const struct solo *solo)
{
	CLEANUP_FD int dirfd = -1;
	struct err ignored;

	if (folder_open(solo->site.backup_dir, &dirfd, &ignored) < 0)
		return;
	if (tree_remove_at(dirfd, solo->run_id, &ignored) < 0)
		face_note(solo->face, "%s/%s is left over: %s", solo->site.backup_dir, solo->run_id,
			ignored.message);
}

/* There is no run to be resumed, and nothing in the database was changed. */
static int alone(struct err *err)
{
	switch (err->code) {
	case ERR_STOPPED:
		return err_recode(err, ERR_CANCELLED);
	case ERR_DATABASE_LOST:
	case ERR_DISK:
		return err_recode(err, ERR_BACKUP);
	default:
		return -(int)err->code;
	}
}

static int backup(struct solo *solo, struct err *err)
{
	struct step_context context;

	solo_context(solo, &context);
	int rc = step_backup.apply(&context, err);
	if (rc == 0) {
		solo_context(solo, &context);
		rc = step_backup.verify(&context, err);
	}
	face_progress_end(solo->face);
	if (rc == 0)
		return show(solo->face, context.checkpoint, err);
	remove_folder(solo);
	return alone(err);
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	struct solo solo;

	(void)operand_count;
	(void)operands;
	int rc = solo_begin(face, &solo, err);
	if (rc < 0)
		return rc;
	face->object = solo.site.database;
	solo.options.once = ((const struct values *)values)->once;
	solo.options.unfrozen = ((const struct values *)values)->unfrozen;
	rc = backup(&solo, err);
	solo_end(&solo);
	return rc;
}

static const struct option options[] = {
	OPTION_ROW_FLAG("unfrozen", 0, struct values, unfrozen,
		"note what changes meanwhile instead of failing"),
	OPTION_ROW_FLAG("once", 0, struct values, once,
		"read everything once: what changes meanwhile is not seen"),
	OPTION_END,
};

const struct command command_backup = {
	.name = "backup",
	.synopsis = "",
	.summary = "back the site's database up, several collections at once",
	.options = options,
	.values_size = sizeof(struct values),
	.operands_max = 0,
	.run = run,
};
