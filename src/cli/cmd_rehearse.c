/* offkit rehearse KIT: its migrations on a scratch copy, measured and thrown away. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/check_kit.h"
#include "cli/commands.h"
#include "cli/scratch.h"
#include "cli/show_rehearsal.h"
#include "cli/solo.h"
#include "cli/stop.h"
#include "cli/which_backup.h"
#include "engine/lock.h"
#include "engine/rehearsed.h"
#include "steps/restore.h"

struct values {
	const char *backup, *scratch_uri_file;
	struct option_list parts;
	const char *base;
};

struct rehearsing {
	struct face *face;
	const struct values *values;
	struct solo solo;
	struct checked_kit checked;
	struct site copy; /* the site as the scratch database's steps see it */
	int state_dirfd, dirfd, runs_dirfd, run_dirfd, lock;
	struct scratch scratch;
	struct shown_rehearsal shown;
	struct rehearsed done;
	struct sha256 index;
	int64_t begun;
};

/* What belongs to the site is read, and nothing else. */
static int refuse_writes(void *self, struct err *err)
{
	(void)self;
	return err_set(err, ERR_INTERNAL, "a rehearsal was about to write to the site's database");
}

static const struct mongo_guard READ_ONLY = {.may_write = refuse_writes};

/* ---- the places it needs */

static int open_folders(struct rehearsing *rehearsing, struct err *err)
{
	int rc = folder_make(rehearsing->solo.site.state_dir, &rehearsing->state_dirfd, err);

	if (rc == 0)
		rc = folder_make_at(
			rehearsing->state_dirfd, REHEARSAL_FOLDER, &rehearsing->dirfd, err);
	if (rc < 0)
		return err_recode(err, ERR_STATE_FOLDER);
	rc = lock_take(rehearsing->dirfd, "rehearse", &rehearsing->lock, err);
	/* What an earlier one left was for its own time. */
	if (rc == 0)
		rc = tree_remove_at(rehearsing->dirfd, "runs", err);
	if (rc == 0)
		rc = folder_make_at(rehearsing->dirfd, "runs", &rehearsing->runs_dirfd, err);
	return rc < 0 ? rc
		      : folder_make_at(rehearsing->runs_dirfd, rehearsing->solo.run_id,
				&rehearsing->run_dirfd, err);
}

static int make_copy(struct rehearsing *rehearsing, struct err *err)
{
	const struct site *site = &rehearsing->solo.site;
	struct arena *arena = &rehearsing->face->arena;
	struct site *copy = &rehearsing->copy;

	*copy = *site;
	copy->freeze = copy->unfreeze = (struct site_hook){0};
	copy->frozen_count = 0;
	copy->silence = 0;
	copy->state_dir = arena_format(arena, "%s/%s", site->state_dir, REHEARSAL_FOLDER);
	copy->backup_dir = arena_format(arena, "%s/%s", site->backup_dir, REHEARSAL_FOLDER);
	if (copy->state_dir == NULL || copy->backup_dir == NULL)
		return err_no_memory(err);
	if (site->rehearsal_uri != NULL)
		copy->uri = site->rehearsal_uri;
	int rc = 0;
	if (rehearsing->values->scratch_uri_file != NULL)
		rc = site_read_uri_file(
			rehearsing->values->scratch_uri_file, arena, &copy->uri, err);
	return rc < 0 ? rc : face_check_root(copy, rehearsing->checked.root, err);
}

/* What its own backup was, now or when it was killed. */
static int remove_own_backup(struct rehearsing *rehearsing, struct err *err)
{
	CLEANUP_FD int dirfd = -1;
	int rc = folder_make(rehearsing->solo.site.backup_dir, &dirfd, err);

	return rc < 0 ? rc : tree_remove_at(dirfd, REHEARSAL_FOLDER, err);
}

/* ---- the backup */

static int choose_backup(struct rehearsing *rehearsing, const char *operand, struct err *err)
{
	const struct site *site = &rehearsing->solo.site;
	struct which_backup which;

	if (strchr(operand, '/') == NULL)
		operand =
			arena_format(&rehearsing->face->arena, "%s/%s", site->backup_dir, operand);
	if (operand == NULL)
		return err_no_memory(err);
	int rc = which_backup(rehearsing->face, site->backup_dir, operand, NULL,
		rehearsing->state_dirfd, &which, err);
	if (rc < 0)
		return rc;
	if (which.foreign)
		return err_set(err, ERR_USAGE,
			"%s is mongodump's and has no digests that a way back is proved by",
			operand);
	if (strcmp(which.database, site->database) != 0)
		face_tell(rehearsing->face, MSG_REHEARSE_OTHER_DATABASE, which.database);
	rehearsing->shown.backup = which.dir;
	return 0;
}

static int take_backup(struct rehearsing *rehearsing, struct err *err)
{
	struct solo *solo = &rehearsing->solo;
	struct step_context context;
	int64_t begun = clock_boottime();
	const char *dir = NULL;

	/* Half a migration is nothing that could be rehearsed on. */
	int rc = lock_look(rehearsing->state_dirfd, err);
	if (rc < 0)
		return rc;
	face_tell(rehearsing->face, MSG_REHEARSE_BACKUP);
	solo->options.once = solo->options.unfrozen = true;
	solo_context(solo, &context);
	context.site = &rehearsing->copy;
	rc = step_backup.apply(&context, err);
	if (rc < 0)
		return rc;
	solo_context(solo, &context);
	context.site = &rehearsing->copy;
	rc = step_backup.verify(&context, err);
	if (rc == 0)
		rc = backup_of_checkpoint(
			json_root(solo->checkpoint), &dir, &rehearsing->index, err);
	if (rc < 0)
		return rc;
	rehearsing->shown.taken = true;
	rehearsing->shown.backup_takes = clock_boottime() - begun;
	rehearsing->shown.backup = arena_string(&rehearsing->face->arena, dir);
	return rehearsing->shown.backup == NULL ? err_no_memory(err) : 0;
}

static int look_at_backup(struct rehearsing *rehearsing, struct err *err)
{
	struct shown_rehearsal *shown = &rehearsing->shown;
	struct backup_index index;
	CLEANUP_FD int dirfd = -1;
	int rc = folder_open(shown->backup, &dirfd, err);

	if (rc == 0)
		rc = backup_index_load(dirfd, NULL, &index, err);
	if (rc < 0)
		return rc;
	rehearsing->index = index.sha256;
	for (size_t i = 0; i < index.count; i++) {
		shown->documents += index.collections[i].count;
		shown->octets += index.collections[i].octets;
		shown->file_octets += index.collections[i].documents.size;
	}
	backup_index_release(&index);
	return 0;
}

static int count_now(struct rehearsing *rehearsing, int64_t *ret_documents, struct err *err)
{
	struct mongo *mongo = rehearsing->solo.mongo;
	struct mongo_collection *collections = NULL;
	size_t count = 0;
	int64_t all = 0;
	int rc = mongo_collections(mongo, &rehearsing->face->arena, &collections, &count, err);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		int64_t documents = 0;
		if (strcmp(collections[i].type, "view") == 0)
			continue;
		rc = mongo_count(mongo, collections[i].name, bytes_make(NULL, 0), &documents, err);
		all += documents;
	}
	if (rc == 0)
		*ret_documents = all;
	return rc;
}

/* An older backup is scaled to what the site has now: counted, because statistics lag. */
static int compare_with_now(struct rehearsing *rehearsing, struct err *err)
{
	struct shown_rehearsal *shown = &rehearsing->shown;
	struct backup_estimate estimate;
	struct step_context context;
	int64_t documents = 0;

	shown->scale = 1.0;
	if (shown->taken)
		return 0;
	solo_context(&rehearsing->solo, &context);
	int rc = backup_estimate(&context, &estimate, err);
	if (rc == 0)
		rc = count_now(rehearsing, &documents, err);
	if (rc < 0)
		return rc;
	shown->backup_takes = estimate.takes;
	if (shown->documents > 0 && documents > 0)
		shown->scale = (double)documents / (double)shown->documents;
	shown->file_octets = (uint64_t)((double)shown->file_octets * shown->scale);
	return 0;
}

/* Where no oplog proves silence a run's backup reads everything a second time. */
static int expect_second_reading(struct rehearsing *rehearsing, struct err *err)
{
	struct mongo_server server;
	int rc = mongo_server(rehearsing->solo.mongo, &server, err);

	if (rc == 0 && server.topology == TOPOLOGY_STANDALONE)
		rehearsing->shown.backup_takes *= 2;
	return rc;
}

static int get_backup(struct rehearsing *rehearsing, struct err *err)
{
	const char *operand = rehearsing->values->backup;
	int rc = operand == NULL ? take_backup(rehearsing, err)
				 : choose_backup(rehearsing, operand, err);

	face_progress_end(rehearsing->face);
	if (rc == 0)
		rc = look_at_backup(rehearsing, err);
	if (rc == 0)
		rc = compare_with_now(rehearsing, err);
	return rc < 0 ? rc : expect_second_reading(rehearsing, err);
}

/* ---- on the copy */

static int restore_copy(struct rehearsing *rehearsing, struct err *err)
{
	const struct site *site = &rehearsing->copy;
	struct restore_result result;
	int64_t begun = clock_boottime();
	const struct restore restore = {
		.dir = rehearsing->shown.backup,
		.index_sha256 = &rehearsing->index,
		.mongo = rehearsing->scratch.mongo,
		.into = rehearsing->scratch.name,
		.workers = (size_t)site->backup_workers,
		.divide_octets = site->backup_divide_octets,
		.host = &rehearsing->solo.host,
	};

	face_tell(rehearsing->face, MSG_REHEARSE_RESTORE, rehearsing->scratch.name);
	int rc = restore_backup(&restore, &result, err);
	rehearsing->shown.restore_took = clock_boottime() - begun;
	return rc;
}

static int work_on_copy(struct rehearsing *rehearsing, struct err *err)
{
	struct solo *solo = &rehearsing->solo;
	const struct rehearsal rehearsal = {
		.kit = rehearsing->checked.kit,
		.site = &rehearsing->copy,
		.mongo = rehearsing->scratch.mongo,
		.host = &solo->host,
		.options = &solo->options,
		.run_id = solo->run_id,
		.run_dirfd = rehearsing->run_dirfd,
		.backup = rehearsing->shown.backup,
		.index = rehearsing->index,
		.arena = &rehearsing->face->arena,
	};
	int rc = restore_copy(rehearsing, err);

	if (rc == 0)
		rc = rehearse(&rehearsal, &rehearsing->done, err);
	face_progress_end(rehearsing->face);
	return rc;
}

static int use_scratch(struct rehearsing *rehearsing, struct err *err)
{
	struct scratch *scratch = &rehearsing->scratch;

	*scratch = (struct scratch){
		.face = rehearsing->face,
		.dirfd = rehearsing->dirfd,
		.uri = rehearsing->copy.uri,
		.spared = rehearsing->solo.site.database,
	};
	int rc = scratch_begin(scratch, err);
	if (rc == 0) {
		rehearsing->copy.database = scratch->name;
		rc = get_backup(rehearsing, err);
	}
	return rc < 0 ? rc : work_on_copy(rehearsing, err);
}

/* ---- what it found */

static int show(struct rehearsing *rehearsing, struct err *err)
{
	CLEANUP_STR struct str server = STR_INIT, text = STR_INIT;
	struct shown_rehearsal *shown = &rehearsing->shown;
	struct face *face = rehearsing->face;

	mongo_uri_redact(rehearsing->copy.uri, &server);
	int rc = str_check(&server, err);
	if (rc < 0)
		return rc;
	shown->kit = rehearsing->checked.kit;
	shown->site = &rehearsing->solo.site;
	shown->run_id = rehearsing->solo.run_id;
	shown->database = rehearsing->scratch.name;
	shown->server = str_text(&server);
	shown->took = clock_boottime() - rehearsing->begun;
	shown->done = &rehearsing->done;
	show_rehearsal_json(shown, &text);
	rc = str_check(&text, err);
	if (rc == 0)
		rc = file_write_durable_at(
			rehearsing->dirfd, REHEARSAL_NEWEST, str_bytes(&text), 0600, err);
	if (rc < 0)
		return rc;
	if (face->json)
		str_append(&face->result, text.text, text.size);
	else
		show_rehearsal_text(face, shown);
	return str_check(&face->result, err);
}

/* What steps left is for those who look for what failed. */
static void remove_left(struct rehearsing *rehearsing, bool failed)
{
	const char *id = rehearsing->solo.run_id;
	struct err left;

	if (failed)
		(void)unlinkat(rehearsing->runs_dirfd, id, AT_REMOVEDIR);
	else if (tree_remove_at(rehearsing->runs_dirfd, id, &left) < 0)
		face_tell(rehearsing->face, MSG_REHEARSE_LEFT_OVER, id, left.message);
}

/* Nothing was changed, whatever went wrong: there is no run to be resumed. */
static int settle(struct rehearsing *rehearsing, struct err *err)
{
	if (err->code == ERR_RESTORE && stop_wanted())
		return err_set(err, ERR_CANCELLED, "while the copy was restored");
	switch (err->code) {
	case ERR_STOPPED:
		return err_recode(err, ERR_CANCELLED);
	case ERR_DATABASE_LOST:
		err_recode(err, ERR_DATABASE);
		break;
	case ERR_DISK:
		err_recode(err, ERR_SPACE);
		break;
	default:
		break;
	}
	return err->code == ERR_CANCELLED ? -(int)err->code
					  : err_context(err, "rehearsal, %s was not changed",
						    rehearsing->solo.site.database);
}

static int rehearse_here(struct rehearsing *rehearsing, struct err *err)
{
	struct err left;
	int rc = open_folders(rehearsing, err);

	if (rc == 0)
		rc = make_copy(rehearsing, err);
	if (rc == 0)
		rc = remove_own_backup(rehearsing, err);
	if (rc < 0)
		return rc;
	rc = use_scratch(rehearsing, err);
	scratch_end(&rehearsing->scratch);
	if (remove_own_backup(rehearsing, &left) < 0)
		face_tell(rehearsing->face, MSG_REHEARSE_LEFT_OVER, rehearsing->copy.backup_dir,
			left.message);
	remove_left(rehearsing, rc < 0);
	return rc < 0 ? settle(rehearsing, err) : show(rehearsing, err);
}

static void release(struct rehearsing *rehearsing)
{
	checked_kit_release(&rehearsing->checked);
	cleanup_close(&rehearsing->run_dirfd);
	cleanup_close(&rehearsing->runs_dirfd);
	cleanup_close(&rehearsing->lock);
	cleanup_close(&rehearsing->dirfd);
	cleanup_close(&rehearsing->state_dirfd);
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	struct rehearsing rehearsing = {
		.face = face,
		.values = values,
		.checked = CHECKED_KIT_INIT,
		.state_dirfd = -1,
		.dirfd = -1,
		.runs_dirfd = -1,
		.run_dirfd = -1,
		.lock = -1,
		.begun = clock_boottime(),
		.shown = {.began = clock_now(), .backup_takes = -1},
	};

	(void)operand_count;
	face->parts = rehearsing.values->parts;
	face->base = rehearsing.values->base;
	int rc = check_kit(face, operands[0], NULL, &rehearsing.checked, err);
	face_progress_end(face);
	if (rc == 0)
		rc = solo_begin(face, &rehearsing.solo, err);
	if (rc == 0) {
		rehearsing.solo.host.self = &rehearsing.solo;
		mongo_set_guard(rehearsing.solo.mongo, &READ_ONLY);
		rc = rehearse_here(&rehearsing, err);
		solo_end(&rehearsing.solo);
	}
	release(&rehearsing);
	return rc;
}

static const struct option options[] = {
	OPTION_ROW_TEXT("backup", 0, "BACKUP", struct values, backup,
		"of this backup, by its id or folder, instead of one made now"),
	OPTION_ROW_TEXT("scratch-uri-file", 0, "FILE", struct values, scratch_uri_file,
		"on the server whose URI is in FILE, instead of the site's"),
	PARTS_OPTION_ROWS(struct values),
	OPTION_END,
};

const struct command command_rehearse = {
	.name = "rehearse",
	.synopsis = "KIT",
	.summary = "the migrations on a scratch copy, measured and thrown away",
	.options = options,
	.values_size = sizeof(struct values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
