/* offkit restore [BACKUP]: a backup brought back. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/solo.h"
#include "cli/which_backup.h"
#include "engine/lock.h"
#include "steps/restore.h"
#include "text/text.h"

#define RESTORES "restores.jsonl"

enum { RESTORES_MAX = 64 * 1024 * 1024, LINE_MAX_OCTETS = 16 * 1024 };

struct values {
	const char *into, *reason, *index_sha256;
	bool drop;
};

struct chosen {
	const char *dir;
	const char *target; /* the database */
	struct sha256 sha256;
	bool known; /* sha256 is what the index must have */
};

static int choose(struct solo *solo, const struct values *values, int state_dirfd,
	const char *operand, struct chosen *chosen, struct err *err)
{
	struct which_backup which;
	int rc = which_backup(solo->face, solo->site.backup_dir, operand, values->index_sha256,
		state_dirfd, &which, err);

	if (rc == 0)
		*chosen = (struct chosen){
			.dir = which.dir,
			.target = values->into != NULL ? values->into : which.database,
			.sha256 = which.sha256,
			.known = which.known,
		};
	return rc;
}

/* ---- what was done here */

/*
 * A line in STATE/restores.jsonl: what was asked for, by whom, and how far it came: "begun",
 * "changing" when all was checked and before the first change, "failed" before that, "unfinished"
 * after it, or "done".
 */
static int leave_evidence(int state_dirfd, const struct values *values, const struct chosen *chosen,
	const char *outcome, struct err *err)
{
	CLEANUP_STR struct str line = STR_INIT;
	CLEANUP_FD int fd = openat(state_dirfd, RESTORES,
		O_WRONLY | O_APPEND | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);
	char hex[SHA256_HEX_SIZE];
	struct json_writer writer;

	if (fd < 0)
		return err_set_errno(err, ERR_STATE_FOLDER, errno, RESTORES);
	json_write_begin(&writer, &line);
	json_write_object(&writer);
	json_member_time(&writer, "time", clock_now());
	json_member_string(&writer, "backup", chosen->dir);
	json_member_string(&writer, "database", chosen->target);
	json_member_integer(&writer, "uid", (int64_t)getuid());
	if (chosen->known) {
		sha256_to_hex(&chosen->sha256, hex);
		json_member_string(&writer, "indexSha256", hex);
	}
	if (values->reason != NULL)
		json_member_string(&writer, "reason", values->reason);
	json_member_string(&writer, "outcome", outcome);
	json_write_end(&writer);
	str_append_char(&line, '\n');
	int rc = str_check(&line, err);
	if (rc == 0)
		rc = fd_write_all(fd, str_bytes(&line), err);
	if (rc == 0 && fsync(fd) != 0)
		rc = err_set_errno(err, ERR_DISK, errno, RESTORES);
	return rc;
}

/* The last line that says how far a restore into this database came; "": there was none. */
static int last_outcome(int state_dirfd, const struct chosen *chosen, struct arena *arena,
	const char **ret_outcome, bool *ret_same, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	int rc = file_read_at(state_dirfd, RESTORES, RESTORES_MAX, &text, err);

	*ret_outcome = "";
	*ret_same = false;
	if (rc < 0)
		return err->code == ERR_NOT_FOUND ? 0 : rc;
	for (char *line = text.text, *end; line != NULL && *line != '\0'; line = end) {
		CLEANUP(json_cleanup) struct json_doc *doc = NULL;
		const char *database, *backup, *outcome;
		struct err torn;
		end = strchr(line, '\n');
		size_t size = end == NULL ? strlen(line) : (size_t)(end++ - line);
		if (json_parse(bytes_make(line, size), JSON_LIMITS(LINE_MAX_OCTETS), &doc, &torn) <
				0 ||
			json_need_string(json_root(doc), "database", 256, &database, &torn) < 0 ||
			json_need_string(json_root(doc), "backup", 4096, &backup, &torn) < 0 ||
			json_need_string(json_root(doc), "outcome", 16, &outcome, &torn) < 0 ||
			strcmp(database, chosen->target) != 0 || strcmp(outcome, "begun") == 0)
			continue;
		*ret_same = strcmp(backup, chosen->dir) == 0;
		*ret_outcome = arena_string(arena, outcome);
		if (*ret_outcome == NULL)
			return err_no_memory(err);
	}
	return 0;
}

/* ---- consent */

static int typed_name(const struct face *face, const char *target, struct err *err)
{
	CLEANUP_STR struct str warning = STR_INIT;
	char line[256];

	message_append(&warning, face->language, MSG_RESTORE_REPLACES, target);
	(void)fprintf(
		stderr, "%s\n%s ", str_text(&warning), face_text(face, MSG_RESTORE_TYPE_NAME));
	(void)fflush(stderr);
	if (fgets(line, sizeof line, stdin) == NULL)
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return strcmp(line, target) == 0
		       ? 0
		       : err_set(err, ERR_CANCELLED, "the name was not typed: nothing was changed");
}

/* Nothing but what a part of this backup's restore would have left: no more, and nothing else. */
static int is_a_part(struct mongo *target, const struct mongo_collection *there, size_t count,
	const char *dir, bool *ret_part, struct err *err)
{
	CLEANUP_FD int dirfd = -1;
	struct backup_index index;
	int rc = folder_open(dir, &dirfd, err);

	*ret_part = false;
	if (rc == 0 && faccessat(dirfd, BACKUP_INDEX_NAME, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	if (rc == 0)
		rc = backup_index_load(dirfd, NULL, &index, err);
	if (rc < 0)
		return rc;
	*ret_part = true;
	for (size_t i = 0; rc == 0 && *ret_part && i < count; i++) {
		const struct backup_collection *known = backup_find(&index, there[i].name);
		int64_t documents = 0;
		if (known != NULL && strcmp(there[i].type, "view") != 0)
			rc = mongo_count(
				target, there[i].name, bytes_make(NULL, 0), &documents, err);
		*ret_part = known != NULL && documents <= (int64_t)known->count;
	}
	backup_index_release(&index);
	return rc;
}

/* Whether what is there is what an interrupted restore of the same backup has left. */
static int was_interrupted(struct solo *solo, int state_dirfd, struct mongo *target,
	const struct chosen *chosen, const struct mongo_collection *there, size_t count,
	bool *ret_interrupted, struct err *err)
{
	const char *outcome;
	bool same;
	int rc = last_outcome(state_dirfd, chosen, &solo->face->arena, &outcome, &same, err);

	*ret_interrupted = false;
	if (rc < 0 || !same ||
		(strcmp(outcome, "changing") != 0 && strcmp(outcome, "unfinished") != 0))
		return rc;
	return is_a_part(target, there, count, chosen->dir, ret_interrupted, err);
}

static int consent(struct solo *solo, const struct values *values, int state_dirfd,
	const struct chosen *chosen, bool *ret_drop, struct err *err)
{
	CLEANUP(mongo_cleanup) struct mongo *target = NULL;
	struct mongo_collection *there = NULL;
	bool interrupted = false;
	size_t count = 0;
	int rc = mongo_connect_again(solo->mongo, chosen->target, &target, err);

	if (rc == 0)
		rc = mongo_collections(target, &solo->face->arena, &there, &count, err);
	*ret_drop = false;
	if (rc < 0 || count == 0)
		return rc;
	*ret_drop = true;
	rc = was_interrupted(solo, state_dirfd, target, chosen, there, count, &interrupted, err);
	if (rc == 0 && interrupted)
		face_tell(solo->face, MSG_RESTORE_GOING_ON, chosen->target);
	if (rc < 0 || interrupted)
		return rc;
	if (solo->face->options.yes) {
		if (values->drop && values->reason != NULL)
			return 0;
		return err_set(err, ERR_USAGE,
			"database %s is not empty: --yes needs --drop and --reason TEXT too",
			chosen->target);
	}
	if (isatty(STDIN_FILENO) != 1 || isatty(STDERR_FILENO) != 1)
		return err_set(err, ERR_NO_TERMINAL,
			"database %s is not empty; without a terminal it takes --yes --drop "
			"--reason TEXT",
			chosen->target);
	return typed_name(solo->face, chosen->target, err);
}

/* ---- the work */

static void show_text(
	struct face *face, const struct chosen *chosen, const struct restore_result *done)
{
	CLEANUP_STR struct str documents = STR_INIT, collections = STR_INIT;
	struct str *out = &face->result;

	face_count_documents(face, done->documents, done->collections, &documents, &collections);
	str_append_format(out, "%s ", face_sign(face, SIGN_GOOD));
	message_append(out, face->language, MSG_RESTORED_FROM, chosen->target, chosen->dir);
	str_append_text(out, "\n  ");
	message_append(out, face->language, MSG_RESTORED_THE_SAME, str_text(&documents),
		str_text(&collections));
	str_append_char(out, '\n');
}

static void show(struct face *face, const struct chosen *chosen, const struct restore_result *done)
{
	struct json_writer writer;
	struct str *out = &face->result;

	if (!face->json) {
		show_text(face, chosen, done);
		return;
	}
	json_write_begin(&writer, out);
	json_write_object(&writer);
	json_member_string(&writer, "backup", chosen->dir);
	json_member_string(&writer, "database", chosen->target);
	json_member_integer(&writer, "collections", (int64_t)done->collections);
	json_member_integer(&writer, "kept", (int64_t)done->kept);
	json_member_integer(&writer, "documents", (int64_t)done->documents);
	json_member_integer(&writer, "octets", (int64_t)done->octets);
	json_write_end(&writer);
	str_append_char(out, '\n');
}

struct changing {
	int state_dirfd;
	const struct values *values;
	const struct chosen *chosen;
	bool begun;
};

static int about_to_change(void *self, struct err *err)
{
	struct changing *changing = self;

	changing->begun = true;
	return leave_evidence(
		changing->state_dirfd, changing->values, changing->chosen, "changing", err);
}

static int carry_out(struct solo *solo, const struct values *values, int state_dirfd,
	const struct chosen *chosen, bool drop, struct err *err)
{
	struct changing changing = {state_dirfd, values, chosen, false};
	struct restore_result done;
	struct err recording;
	const struct restore restore = {
		.dir = chosen->dir,
		.index_sha256 = chosen->known ? &chosen->sha256 : NULL,
		.mongo = solo->mongo,
		.into = chosen->target,
		.drop = drop,
		.workers = (size_t)solo->site.backup_workers,
		.divide_octets = solo->site.backup_divide_octets,
		.host = &solo->host,
		.changing = about_to_change,
		.changing_self = &changing,
	};
	int rc = leave_evidence(state_dirfd, values, chosen, "begun", err);

	if (rc < 0)
		return rc;
	rc = restore_backup(&restore, &done, err);
	/* There is no run to be resumed. */
	if (rc < 0 && err->code == ERR_DATABASE_LOST)
		rc = err_recode(err, ERR_RESTORE);
	face_progress_end(solo->face);
	const char *outcome = rc == 0 ? "done" : changing.begun ? "unfinished" : "failed";
	int recorded =
		leave_evidence(state_dirfd, values, chosen, outcome, rc < 0 ? &recording : err);
	if (rc < 0)
		return rc;
	show(solo->face, chosen, &done);
	return recorded < 0 ? recorded : str_check(&solo->face->result, err);
}

static int restore_with(
	struct solo *solo, const struct values *values, const char *operand, struct err *err)
{
	CLEANUP_FD int state_dirfd = -1, lock = -1;
	struct chosen chosen = {0};
	bool drop = false;
	int rc = folder_make(solo->site.state_dir, &state_dirfd, err);

	if (rc == 0)
		rc = lock_take(state_dirfd, "restore", &lock, err);
	if (rc < 0)
		return face_state_failed(solo->site.state_dir, err);
	rc = choose(solo, values, state_dirfd, operand, &chosen, err);
	if (rc == 0)
		rc = consent(solo, values, state_dirfd, &chosen, &drop, err);
	/* Another database is nobody's: a rehearsal waits for no run. */
	if (rc == 0 && strcmp(chosen.target, solo->site.database) == 0)
		rc = solo_take_lease(solo, "restore", state_dirfd, err);
	return rc < 0 ? rc : carry_out(solo, values, state_dirfd, &chosen, drop, err);
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const char *into = ((const struct values *)values)->into;
	struct solo solo;

	if (into != NULL && !site_is_database_name(into))
		return err_set(err, ERR_USAGE, "--into %s: this is no name of a database", into);
	int rc = solo_begin(face, &solo, err);
	if (rc < 0)
		return rc;
	rc = restore_with(&solo, values, operand_count > 0 ? operands[0] : NULL, err);
	solo_end(&solo);
	return rc;
}

static const struct option options[] = {
	OPTION_ROW_TEXT("into", 0, "NAME", struct values, into,
		"restore into this database instead of the backup's own"),
	OPTION_ROW_FLAG("drop", 0, struct values, drop,
		"with --yes: what is in the database now may be dropped"),
	OPTION_ROW_TEXT("reason", 0, "TEXT", struct values, reason, "why, for the evidence"),
	OPTION_ROW_TEXT("index-sha256", 0, "HEX", struct values, index_sha256,
		"what the backup's index must have, when no journal is here"),
	OPTION_END,
};

const struct command command_restore = {
	.name = "restore",
	.synopsis = "[BACKUP]",
	.summary = "bring a backup back; the newest unless one is named",
	.options = options,
	.values_size = sizeof(struct values),
	.operands_max = 1,
	.run = run,
};
