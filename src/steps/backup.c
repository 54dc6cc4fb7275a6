/* The step: a backup of the whole database. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/version.h"
#include "steps/backup_run.h"
#include "steps/untouched.h"
#include "steps/silence.h"
#include "text/text.h"

/* ---- a run's folder */

static int open_folders(struct backup_run *run, struct err *err)
{
	const struct step_context *context = run->context;
	CLEANUP_FD int backups = -1;
	int result = folder_make(context->site->backup_dir, &backups, err);

	if (result == 0)
		result = folder_make_at(backups, context->run_id, &run->dirfd, err);
	if (result == 0)
		temporaries_remove_at(run->dirfd);
	if (result == 0)
		result = folder_make_at(
			run->dirfd, mongo_database(context->mongo), &run->database_dirfd, err);
	return result != 0 ? err_context(err, "%s", context->site->backup_dir) : 0;
}

static void run_close(struct backup_run *run)
{
	for (size_t i = 0; i < run->index.count; i++) {
		backup_open_free(run->open[i]);
		backup_ranges_release(&run->ranges[i]);
	}
	(void)pthread_mutex_destroy(&run->opening);
	if (run->dirfd >= 0)
		(void)close(run->dirfd);
	if (run->database_dirfd >= 0)
		(void)close(run->database_dirfd);
	backup_index_release(&run->index);
	free(run->dir);
}

static int run_open(const struct step_context *context, struct backup_run *run, struct err *err)
{
	struct mongo_server server;
	CLEANUP_STR struct str dir = STR_INIT;

	*run = (struct backup_run){
		.context = context,
		.dirfd = -1,
		.database_dirfd = -1,
		.index.compression = context->site->backup_compression,
	};
	(void)pthread_mutex_init(&run->opening, NULL);
	str_append_format(&dir, "%s/%s", context->site->backup_dir, context->run_id);
	int result = str_check(&dir, err);
	if (result == 0)
		result = mongo_server(context->mongo, &server, err);
	if (result != 0)
		return result;
	run->dir = STEAL(dir.text);
	run->index.database = arena_string(&run->index.arena, mongo_database(context->mongo));
	run->index.run_id = arena_string(&run->index.arena, context->run_id);
	run->index.server = arena_string(
		&run->index.arena, server.version[0] != '\0' ? server.version : "unknown");
	run->index.created = clock_now();
	if (run->index.database == NULL || run->index.run_id == NULL || run->index.server == NULL)
		return err_no_memory(err);
	return open_folders(run, err);
}

/* ---- the end */

static int write_prelude(struct backup_run *run, struct err *err)
{
	CLEANUP(backup_writer_cleanup) struct backup_writer *writer = NULL;
	CLEANUP_STR struct str json = STR_INIT, tool = STR_INIT;
	struct backup_file file = {0};
	struct json_writer prelude;
	const char *name = run->index.compression == COMPRESSION_GZIP	? "prelude.json.gz"
			   : run->index.compression == COMPRESSION_ZSTD ? "prelude.json.zst"
									: "prelude.json";

	str_append_format(&tool, "offkit %s", version_text());
	json_write_begin(&prelude, &json);
	json_write_object(&prelude);
	json_member_string(&prelude, "ServerVersion", run->index.server);
	json_member_string(&prelude, "ToolVersion", str_text(&tool));
	json_write_end(&prelude);
	int result = str_check(&json, err);
	if (result == 0)
		result = backup_writer_new(
			run->database_dirfd, name, run->index.compression, &writer, err);
	if (result == 0)
		result = backup_writer_write(writer, str_bytes(&json), err);
	return result != 0 ? result : backup_writer_end(writer, &file, err);
}

static void sum_up(const struct backup_index *index, uint64_t *documents, uint64_t *octets,
	uint64_t *file_octets)
{
	*documents = *octets = *file_octets = 0;
	for (size_t i = 0; i < index->count; i++) {
		*documents += index->collections[i].count;
		*octets += index->collections[i].octets;
		*file_octets +=
			index->collections[i].documents.size + index->collections[i].metadata.size;
	}
}

static int complete(struct backup_run *run, const char *silence, int64_t position, struct err *err)
{
	const struct step_host *host = run->context->host;
	CLEANUP_STR struct str text = STR_INIT, fields = STR_INIT;
	uint64_t documents, octets, file_octets;
	char hex[SHA256_HEX_SIZE], position_text[OPLOG_POSITION_SIZE];
	struct json_writer writer;
	struct sha256 sha256;

	int result = write_prelude(run, err);
	if (result == 0)
		result = backup_index_write(&run->index, &text, err);
	if (result == 0)
		result = sha256_of(str_bytes(&text), &sha256, err);
	if (result == 0)
		result = file_write_durable_at(
			run->dirfd, BACKUP_INDEX_NAME, str_bytes(&text), 0600, err);
	if (result != 0)
		return result;
	sha256_to_hex(&sha256, hex);
	sum_up(&run->index, &documents, &octets, &file_octets);
	json_write_begin(&writer, &fields);
	json_write_object(&writer);
	json_member_string(&writer, "dir", run->dir);
	json_member_string(&writer, "index", BACKUP_INDEX_NAME);
	json_member_string(&writer, "indexSha256", hex);
	json_member_bool(&writer, "complete", true);
	json_member_integer(&writer, "collections", (int64_t)run->index.count);
	json_member_integer(&writer, "documents", (int64_t)documents);
	json_member_integer(&writer, "octets", (int64_t)octets);
	json_member_integer(&writer, "fileOctets", (int64_t)file_octets);
	json_member_string(&writer, "silence", silence);
	if (position != 0) {
		oplog_position_to_text(position, position_text);
		json_member_string(&writer, "position", position_text);
	}
	json_write_end(&writer);
	result = str_check(&fields, err);
	if (result == 0)
		result = host->checkpoint(host->self, str_bytes(&fields), err);
	if (result != 0)
		return result;
	(void)unlinkat(run->dirfd, "backup.partial-a.json", 0);
	(void)unlinkat(run->dirfd, "backup.partial-b.json", 0);
	return 0;
}

/* ---- the verbs */

/*
 * Whether nobody can have written while it was read. A write is told, and what the oplog cannot say
 * is left to a second reading; when that confirms the backup there is silence from its beginning
 * on, *ret_position (0: there is no oplog).
 */
static int look_for_silence(const struct step_context *context, bool *ret_proved,
	int64_t *ret_position, struct err *err)
{
	const struct json *freeze = context->checkpoint_of(context->host->self, "freeze");
	CLEANUP_STR struct str text = STR_INIT;
	const char *why;
	struct silence silence;

	*ret_proved = false;
	*ret_position = 0;
	if (freeze == NULL)
		return 0;
	int result = silence_look(context, &silence, err);
	if (result != 0)
		return result;
	*ret_proved = silence.state == SILENCE_PROVED;
	*ret_position = silence.position;
	if (silence.state == SILENCE_OBSERVED)
		return oplog_newest(context->mongo, ret_position, &why, err);
	if (silence.state == SILENCE_PROVED)
		return 0;
	silence_say(&silence, &text);
	result = str_check(&text, err);
	return result != 0 ? result
			   : context->host->check(context->host->self, "silence", CHECK_WARNING,
				     str_text(&text), err);
}

static int make(struct backup_run *run, struct err *err)
{
	bool proved = false, once = run->context->options->once;
	int64_t position = 0;
	int result = backup_run_survey(run, err);

	if (result == 0)
		result = backup_run_go_on(run, err);
	if (result == 0)
		result = backup_run_read(run, err);
	if (result == 0)
		result = look_for_silence(run->context, &proved, &position, err);
	if (result == 0 && !proved && !once)
		result = backup_run_confirm(run, err);
	for (size_t i = 0; result == 0 && proved && i < run->index.count; i++)
		run->index.collections[i].confirmed = true;
	if (result != 0)
		return result;
	if (once && !proved)
		position = 0;
	return complete(run, proved ? "proved" : once ? "unconfirmed" : "confirmed", position, err);
}

/* A refusal by the server or a file that is not to be had is a failure of the backup. */
static int failed(struct err *err)
{
	if (err->code == ERR_MIGRATION || err->code == ERR_NOT_FOUND ||
		err->code == ERR_UNREADABLE || err->code == ERR_SYNTAX)
		return err_recode(err, ERR_BACKUP);
	return -(int)err->code;
}

static int apply(const struct step_context *context, struct err *err)
{
	struct backup_run run;
	int result = run_open(context, &run, err);

	if (result == 0)
		result = make(&run, err);
	/* Which disk is full is what the operator has to know. */
	if (result != 0 && err->code == ERR_DISK && run.dir != NULL)
		(void)err_context(err, "%s", run.dir);
	run_close(&run);
	return result != 0 ? failed(err) : 0;
}

static int check(const struct step_context *context, bool *ret_done, struct err *err)
{
	struct backup_index index;
	CLEANUP_FD int dirfd = -1;
	struct sha256 expected;
	const char *dir;

	*ret_done = backup_of_checkpoint(context->checkpoint, &dir, &expected, err) == 0 &&
		    folder_open(dir, &dirfd, err) == 0 &&
		    backup_index_load(dirfd, &expected, &index, err) == 0;
	if (*ret_done)
		backup_index_release(&index);
	return 0;
}

struct verifying {
	const struct step_context *context;
	struct backup_index index;
	int dirfd;
};

static int verify_collection(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	struct verifying *verifying = self;
	const struct backup_collection *collection = &verifying->index.collections[item];
	int result = backup_file_check(verifying->dirfd, &collection->documents, tally, err);

	(void)mongo;
	return result != 0 ? result
			   : backup_file_check(verifying->dirfd, &collection->metadata, tally, err);
}

static bool verify_stop(void *self)
{
	const struct step_host *host = ((struct verifying *)self)->context->host;

	return host->stop_requested(host->self);
}

/* Every file is read back from where it was written. */
static int verify(const struct step_context *context, struct err *err)
{
	struct verifying verifying = {.context = context, .dirfd = -1};
	CLEANUP_FD int dirfd = -1;
	const char *dir;
	struct sha256 expected;
	const struct crew crew = {
		.self = &verifying,
		.workers = (size_t)context->site->backup_workers,
		.work = verify_collection,
		.stop_requested = verify_stop,
	};

	int result = backup_of_checkpoint(context->checkpoint, &dir, &expected, err);
	if (result == 0)
		result = folder_open(dir, &dirfd, err);
	if (result == 0)
		result = backup_index_load(dirfd, &expected, &verifying.index, err);
	if (result != 0)
		return err->code == ERR_RESTORE ? err_recode(err, ERR_BACKUP) : failed(err);
	result = folder_open_at(dirfd, verifying.index.database, &verifying.dirfd, err);
	if (result == 0)
		result = crew_run(&crew, verifying.index.count, err);
	if (verifying.dirfd >= 0)
		(void)close(verifying.dirfd);
	backup_index_release(&verifying.index);
	if (result == 0)
		return 0;
	return err->code == ERR_RESTORE ? err_recode(err, ERR_BACKUP) : failed(err);
}

static int plan(const struct step_context *context, struct step_plan *plan, struct err *err)
{
	struct arena *arena = context->arena;
	char count[TEXT_COUNT_SIZE], size[TEXT_SIZE_SIZE];
	struct backup_estimate all;
	int result = backup_estimate(context, &all, err);

	if (result != 0)
		return result;
	text_count(all.documents, count);
	text_size((uint64_t)all.octets, size);
	plan->what[0] = arena_format(arena, "%s documents in %zu collections, %s of BSON, to",
		count, all.collections, size);
	plan->what[1] = arena_format(arena, "%s/%s", context->site->backup_dir, context->run_id);
	plan->what_count = 2;
	plan->size = arena_format(arena, "%s documents", count);
	if (plan->what[0] == NULL || plan->what[1] == NULL || plan->size == NULL)
		return err_no_memory(err);
	/* Without an oplog everything is read once more. */
	plan->takes = 2 * all.takes;
	plan->octets = (uint64_t)all.octets;
	plan->changes = "nothing in the database";
	plan->way_back = WAY_BACK_EXACT;
	plan->way_back_text = "nothing to undo; the files stay";
	plan->proof = "a SHA-256 per file, a digest a collection";
	return 0;
}

static int report(const struct step_context *context, struct json_writer *writer, struct err *err)
{
	const struct json *checkpoint = context->checkpoint;
	CLEANUP_STR struct str summary = STR_INIT;
	char size[TEXT_SIZE_SIZE];
	int64_t collections = 0, documents = 0, octets = 0;
	bool is_complete = false;

	if (checkpoint == NULL)
		return 0;
	int result = json_need_bool(checkpoint, "complete", &is_complete, err);
	if (result != 0 || !is_complete)
		return result;
	result = json_need_integer(checkpoint, "collections", 0, INT64_MAX, &collections, err);
	if (result == 0)
		result = json_need_integer(checkpoint, "documents", 0, INT64_MAX, &documents, err);
	if (result == 0)
		result = json_need_integer(checkpoint, "fileOctets", 0, INT64_MAX, &octets, err);
	if (result != 0)
		return result;
	text_plural(&summary, documents, "document", NULL);
	str_append_text(&summary, " of ");
	text_plural(&summary, collections, "collection", NULL);
	str_append_format(&summary, " in %s", text_size((uint64_t)octets, size));
	result = str_check(&summary, err);
	if (result != 0)
		return result;
	json_member_string(writer, "summary", str_text(&summary));
	json_write_members(writer, checkpoint);
	return 0;
}

const struct step_kind step_backup = {
	.name = "backup",
	.label = "Backup",
	.weight = 20,
	.gate = true,
	.takeover = TAKEOVER_WHEN_ENDED,
	.failure = ERR_BACKUP,
	.plan = plan,
	.check = check,
	.apply = apply,
	.verify = verify,
	.undo = untouched_prove,
	.report = report,
};
