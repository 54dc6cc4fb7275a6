/* offkit backup: the backup step by itself. */
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/kept_backup.h"
#include "cli/solo.h"
#include "cli/stop.h"
#include "cli/which_backup.h"
#include "steps/backup_verify.h"
#include "text/text.h"

struct values {
	bool unfrozen, once, verify, resume;
	const char *index_sha256;
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
	CLEANUP_STR struct str documents = STR_INIT, collections = STR_INIT;
	struct str *out = &face->result;
	char size[TEXT_SIZE_SIZE];

	face_count_documents(face, (uint64_t)number_of(done, "documents"),
		(uint64_t)number_of(done, "collections"), &documents, &collections);
	str_append_format(out, "%s ", face_sign(face, SIGN_GOOD));
	message_append(out, face->language, MSG_BACKUP_TO, text_of(done, "dir"));
	str_append_text(out, "\n  ");
	message_append(out, face->language, MSG_BACKUP_OF, str_text(&documents),
		str_text(&collections), text_size((uint64_t)number_of(done, "fileOctets"), size));
	str_append_text(out, "\n  ");
	message_append(out, face->language, MSG_BACKUP_INDEX_DIGEST, text_of(done, "indexSha256"));
	str_append_char(out, '\n');
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

/* What cannot be gone on with goes. */
static void remove_folder(const struct solo *solo)
{
	CLEANUP_FD int dirfd = -1;
	struct err ignored;

	if (folder_open(solo->site.backup_dir, &dirfd, &ignored) < 0)
		return;
	if (tree_remove_at(dirfd, solo->run_id, &ignored) < 0)
		face_tell(solo->face, MSG_BACKUP_LEFT_OVER, solo->site.backup_dir, solo->run_id,
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

/* What is to be expected, before anything is read. */
static int tell_estimate(struct solo *solo, const struct step_context *context, struct err *err)
{
	char count[TEXT_COUNT_SIZE], size[TEXT_SIZE_SIZE], files[TEXT_SIZE_SIZE];
	char free_size[TEXT_SIZE_SIZE], takes[TEXT_DURATION_SIZE];
	CLEANUP_FD int dirfd = -1;
	struct backup_estimate estimate;
	uint64_t free_octets = 0;
	int rc = backup_estimate(context, &estimate, err);

	if (rc == 0)
		rc = folder_make(solo->site.backup_dir, &dirfd, err);
	if (rc == 0)
		rc = free_space(dirfd, &free_octets, err);
	if (rc < 0)
		return rc;
	int64_t expected = (solo->options.once ? 1 : 2) * estimate.takes;
	face_tell(solo->face, MSG_BACKUP_EXPECTED, text_count(estimate.documents, count),
		text_size((uint64_t)estimate.octets, size),
		text_size((uint64_t)estimate.file_octets, files),
		text_duration(expected < 1000 ? 1000 : expected, takes),
		text_size(free_octets, free_size));
	return 0;
}

/* As a run's journal keeps it, beside what it is of. */
static int keep_checkpoint(void *self, struct bytes fields, struct err *err)
{
	struct solo *solo = self;
	int rc = kept_backup_write(solo->site.backup_dir, solo->run_id, fields, err);

	return rc < 0 ? rc : solo_keep_checkpoint(solo, fields, err);
}

/* A stop and a server that went away are no fault of what was read; nor is anything of what an
 * earlier one has kept. */
static bool can_go_on(const struct solo *solo, bool went_on, const struct err *err)
{
	return solo->checkpoint != NULL &&
	       (went_on || err->code == ERR_STOPPED || err->code == ERR_DATABASE_LOST);
}

static void settle_failure(const struct solo *solo, bool went_on, bool made, const struct err *err)
{
	if (made && err->code == ERR_STOPPED) {
		kept_backup_complete(solo->site.backup_dir, solo->run_id);
		face_tell(solo->face, MSG_BACKUP_IS_MADE, solo->site.backup_dir, solo->run_id);
	} else if (!made && can_go_on(solo, went_on, err)) {
		face_tell(solo->face, MSG_BACKUP_IS_KEPT);
	} else {
		remove_folder(solo);
	}
}

static int backup(struct solo *solo, struct err *err)
{
	const bool went_on = solo->checkpoint != NULL;
	struct step_context context;
	bool made = false;

	solo->host.checkpoint = keep_checkpoint;
	solo_context(solo, &context);
	int rc = tell_estimate(solo, &context, err);
	if (rc == 0)
		rc = step_backup.apply(&context, err);
	made = rc == 0;
	if (made) {
		solo_context(solo, &context);
		rc = step_backup.verify(&context, err);
	}
	face_progress_end(solo->face);
	if (rc == 0) {
		kept_backup_complete(solo->site.backup_dir, solo->run_id);
		return show(solo->face, context.checkpoint, err);
	}
	settle_failure(solo, went_on, made, err);
	return alone(err);
}

/* ---- reading one back */

static void verified_json(
	struct face *face, const struct which_backup *which, const struct backup_verified *verified)
{
	struct json_writer writer;

	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "dir", which->dir);
	json_member_string(&writer, "database", which->database);
	json_member_bool(&writer, "indexKnown", which->known);
	json_member_bool(&writer, "digests", !which->foreign);
	json_member_bool(&writer, "confirmed", verified->confirmed);
	json_member_integer(&writer, "collections", (int64_t)verified->collections);
	json_member_integer(&writer, "documents", (int64_t)verified->documents);
	json_member_integer(&writer, "octets", (int64_t)verified->octets);
	json_member_integer(&writer, "fileOctets", (int64_t)verified->file_octets);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static void verified_text(
	struct face *face, const struct which_backup *which, const struct backup_verified *verified)
{
	CLEANUP_STR struct str documents = STR_INIT, collections = STR_INIT;
	struct str *out = &face->result;
	char size[TEXT_SIZE_SIZE];

	face_count_documents(
		face, verified->documents, verified->collections, &documents, &collections);
	(void)text_size(verified->file_octets, size);
	str_append_format(out, "%s ", face_sign(face, SIGN_GOOD));
	message_append(out, face->language, MSG_BACKUP_IS_WHOLE, which->dir);
	str_append_text(out, "\n  ");
	if (which->foreign)
		message_append(out, face->language, MSG_BACKUP_IS_WELL_FORMED, str_text(&documents),
			str_text(&collections), size);
	else
		message_append(out, face->language, MSG_BACKUP_IS_THE_SAME, str_text(&documents),
			str_text(&collections), size);
	str_append_char(out, '\n');
	if (!which->foreign && !verified->confirmed)
		str_append_format(out, "  %s\n", face_text(face, MSG_BACKUP_NOT_CONFIRMED));
}

/* A folder that is named needs no site file. */
static int load_site(struct solo *solo, const char *operand, struct err *err)
{
	struct face *face = solo->face;

	if (operand == NULL || face->options.site != NULL)
		return site_load(face->options.site, face->options.state_dir, &face->arena,
			&solo->site, err);
	solo->site.backup_workers = 2;
	return 0;
}

static int verify(
	struct face *face, const struct values *values, const char *operand, struct err *err)
{
	struct solo solo = {.face = face};
	struct backup_verified verified;
	struct which_backup which;
	CLEANUP_FD int state_dirfd = -1;
	int rc = load_site(&solo, operand, err);

	if (rc == 0)
		rc = face_open_state(face, &state_dirfd, err);
	if (rc == 0)
		rc = which_backup(face, solo.site.backup_dir, operand, values->index_sha256,
			state_dirfd, &which, err);
	if (rc < 0)
		return err->code == ERR_RESTORE ? err_recode(err, ERR_BACKUP) : rc;
	face->object = which.dir;
	stop_watch();
	solo_host(&solo);
	rc = backup_verify(which.dir, which.known ? &which.sha256 : NULL,
		(size_t)solo.site.backup_workers, &solo.host, &verified, err);
	face_progress_end(face);
	if (rc < 0)
		return err->code == ERR_STOPPED ? err_recode(err, ERR_CANCELLED) : rc;
	if (face->json)
		verified_json(face, &which, &verified);
	else
		verified_text(face, &which, &verified);
	return str_check(&face->result, err);
}

/* The last component: a shell puts a slash after a folder that it completes. */
static const char *name_of(struct arena *arena, const char *path)
{
	size_t end = strlen(path), start;

	while (end > 0 && path[end - 1] == '/')
		end--;
	for (start = end; start > 0 && path[start - 1] != '/';)
		start--;
	return arena_format(arena, "%.*s", (int)(end - start), path + start);
}

static int begin_or_go_on(struct solo *solo, bool resume, const char *operand, struct err *err)
{
	const char *name = operand == NULL ? NULL : name_of(&solo->face->arena, operand);
	CLEANUP_FD int lock = -1;
	int rc;

	if (operand != NULL && name == NULL)
		return err_no_memory(err);
	if (resume)
		rc = kept_backup_find(solo->face, solo->site.backup_dir, name, solo->run_id,
			&solo->checkpoint, &lock, err);
	else
		rc = kept_backup_lock(solo->site.backup_dir, solo->run_id, &lock, err);
	return rc < 0 ? rc : backup(solo, err);
}

static int run(struct face *face, const void *untyped_values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const struct values *values = untyped_values;
	struct solo solo;

	if (values->verify)
		return verify(face, values, operand_count > 0 ? operands[0] : NULL, err);
	if ((operand_count > 0 && !values->resume) || values->index_sha256 != NULL)
		return err_set(err, ERR_USAGE, "a folder is for --verify and --resume");
	int rc = solo_begin(face, &solo, err);
	if (rc < 0)
		return rc;
	face->object = solo.site.database;
	solo.options.once = values->once;
	solo.options.unfrozen = values->unfrozen;
	rc = begin_or_go_on(&solo, values->resume, operand_count > 0 ? operands[0] : NULL, err);
	solo_end(&solo);
	return rc;
}

static const struct option options[] = {
	OPTION_ROW_FLAG("unfrozen", 0, struct values, unfrozen,
		"note what changes meanwhile instead of failing"),
	OPTION_ROW_FLAG("once", 0, struct values, once,
		"read everything once: what changes meanwhile is not seen"),
	OPTION_ROW_FLAG("verify", 0, struct values, verify,
		"make none: read one back and check everything, without a server"),
	OPTION_ROW_FLAG("resume", 0, struct values, resume,
		"go on with the newest that was interrupted, or the one that is named"),
	OPTION_ROW_TEXT("index-sha256", 0, "HEX", struct values, index_sha256,
		"with --verify: what its index must have, when no journal is here"),
	OPTION_END,
};

const struct command command_backup = {
	.name = "backup",
	.synopsis = "[--verify [BACKUP] | --resume [BACKUP]]",
	.summary = "back the site's database up, several collections at once",
	.options = options,
	.values_size = sizeof(struct values),
	.operands_max = 1,
	.run = run,
};
