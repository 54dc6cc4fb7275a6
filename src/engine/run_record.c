/* What the database is told of a run (ledger.h), and asked before one begins or goes on. */
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "engine/ledger.h"
#include "engine/run.h"
#include "steps/marks.h"

enum { HEAD_INTERVAL = 1000 }; /* ms between two heads of one step's checkpoints */

/* ---- telling it */

static const char *target_of(const struct history *history)
{
	const char *target = history_text(history->resume, "target");

	if (!history->rolling_back)
		return "";
	return *target == '\0' ? "*" : target;
}

static void describe(struct run *run, struct ledger_run *out)
{
	const struct manifest *manifest = trusted_kit_manifest(run->kit);

	*out = (struct ledger_run){
		.id = run->id,
		.state = history_state_name(history_state(&run->history)),
		.host = lease_ours(run->lease)->host,
		.state_dir = run->options->site->state_dir,
		.target = target_of(&run->history),
		.head = journal_head(run->journal),
		.kit_id = trusted_kit_id(run->kit),
		.kit_name = manifest->name,
		.kit_version = manifest->version,
		.kit_sequence = manifest->sequence,
		.root = trust_root_version(trusted_kit_root(run->kit)),
	};
}

static int write_marks(const struct walk *walk, struct str *out, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct mark marks[MARKS_MAX];
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	writer.is_array[0] = true;
	for (size_t i = 0; i < walk->count; i++) {
		size_t count = 0;
		int rc = marks_of(&walk->steps[i], &arena, marks, &count, err);
		if (rc < 0)
			return rc;
		for (size_t k = 0; k < count; k++) {
			doc_write_document(&writer, NULL);
			doc_write_string(&writer, "collection", marks[k].collection);
			doc_write_string(&writer, "path", marks[k].path);
			doc_write_end(&writer);
		}
	}
	doc_write_end(&writer);
	return str_check(out, err);
}

int run_record_begin(struct run *run, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str fields = STR_INIT, marks = STR_INIT, doc = STR_INIT;
	struct ledger_run record;
	struct ledger ledger;

	int rc = write_marks(&run->walk, &marks, err);
	if (rc == 0)
		rc = lease_look(run->mongo, &doc, err);
	if (rc == 0)
		rc = ledger_read(str_bytes(&doc), &arena, &ledger, err);
	if (rc < 0)
		return rc;
	describe(run, &record);
	record.marks = str_bytes(&marks);
	rc = ledger_write_run(&ledger, &record, &fields, err);
	if (rc == 0)
		rc = lease_write(run->lease, run->mongo, str_bytes(&fields), err);
	if (rc == 0)
		run->recorded = true;
	return rc;
}

static int put_text(
	const struct json *value, struct arena *arena, const char **ret_text, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	*ret_text = "";
	if (value == NULL)
		return 0;
	json_write_begin(&writer, &text);
	json_write_value(&writer, value);
	int rc = str_check(&text, err);
	if (rc < 0)
		return rc;
	*ret_text = arena_string(arena, str_text(&text));
	return *ret_text == NULL ? err_no_memory(err) : 0;
}

static int record_step(struct run *run, size_t index, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	const struct step *row = &run->walk.steps[index];
	const struct history_step *state = history_step(&run->history, row->name);
	struct ledger_step step = {.name = row->name};
	bool carries = row->kind->takeover == TAKEOVER_AS_IT_IS ||
		       (row->kind->takeover == TAKEOVER_WHEN_ENDED && state->end != NULL);

	int rc = put_text(state->begin, &arena, &step.begin, err);
	if (rc == 0)
		rc = put_text(carries ? state->checkpoint : NULL, &arena, &step.checkpoint, err);
	if (rc == 0)
		rc = put_text(carries ? state->end : NULL, &arena, &step.end, err);
	if (rc == 0)
		rc = put_text(state->undoing ? state->undo_begin : NULL, &arena, &step.undo, err);
	if (rc == 0)
		rc = ledger_put_step(run->mongo, run->id, lease_token(run->lease), &step, err);
	return rc;
}

static int record_head(struct run *run, struct err *err)
{
	CLEANUP_STR struct str fields = STR_INIT;
	struct ledger_run record;

	describe(run, &record);
	int rc = ledger_write_head(&record, &fields, err);
	if (rc == 0)
		rc = lease_write(run->lease, run->mongo, str_bytes(&fields), err);
	if (rc == 0)
		run->head_recorded = clock_boottime();
	return rc;
}

/* Everything that could not be told when it happened. */
int run_record_pending(struct run *run, struct err *err)
{
	int rc = 0;

	if (run->lease == NULL || !run->record_pending || !journal_persisted(run->journal))
		return 0;
	if (!run->recorded)
		rc = run_record_begin(run, err);
	for (size_t i = 0; rc == 0 && i < run->walk.count; i++)
		if (history_step(&run->history, run->walk.steps[i].name)->begin != NULL)
			rc = record_step(run, i, err);
	if (rc == 0)
		rc = record_head(run, err);
	if (rc == 0)
		run->record_pending = false;
	return rc;
}

static bool changes_step(struct run *run, enum event event)
{
	if (event == EVENT_CHECKPOINT)
		return run->walk.steps[run->current].kind->takeover == TAKEOVER_AS_IT_IS;
	return event == EVENT_STEP_BEGIN || event == EVENT_STEP_END || event == EVENT_UNDO_BEGIN ||
	       event == EVENT_UNDO_END;
}

static int record(struct run *run, enum event event, const char *step, struct err *err)
{
	size_t index = walk_find(&run->walk, step);
	bool soon =
		event == EVENT_CHECKPOINT && clock_boottime() - run->head_recorded < HEAD_INTERVAL;
	int rc = run_record_pending(run, err);

	if (rc == 0 && index < run->walk.count && changes_step(run, event))
		rc = record_step(run, index, err);
	return rc < 0 || soon ? rc : record_head(run, err);
}

int run_record_event(struct run *run, enum event event, const char *step, struct err *err)
{
	/* What announces an effect must be known before it; of what has ended it is enough that it
	 * is told with the next, and a run that fails must be able to end. */
	bool announces =
		event == EVENT_STEP_BEGIN || event == EVENT_UNDO_BEGIN || event == EVENT_CHECKPOINT;
	bool ends = event == EVENT_STEP_END || event == EVENT_UNDO_END || event == EVENT_RUN_END ||
		    event == EVENT_RUN_RESUME;
	struct err later;

	if (run->lease == NULL || !run->recorded || !(announces || ends))
		return 0;
	if (run->mongo == NULL) {
		run->record_pending = true;
		return 0;
	}
	int rc = record(run, event, step, announces ? err : &later);
	run->record_pending = run->record_pending || rc < 0;
	return announces ? rc : 0;
}

/* ---- asking it */

int run_read_ledger(
	struct run *run, struct arena *arena, struct ledger *ret_ledger, struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT;
	int rc = lease_look(run->mongo, &doc, err);

	return rc < 0 ? rc : ledger_read(str_bytes(&doc), arena, ret_ledger, err);
}

struct looking {
	int64_t seq;
	char hash[SHA256_HEX_SIZE];
};

static int find_line(
	void *argument, struct bytes line, struct json_doc *doc, bool *keep, struct err *err)
{
	struct looking *looking = argument;
	const struct json *seq = json_member(json_root(doc), "seq");
	const char *hash = history_text(json_root(doc), "hash");

	(void)line;
	(void)keep;
	(void)err;
	if (seq != NULL && json_is_integer(seq) && json_integer(seq) == looking->seq &&
		strlen(hash) == SHA256_HEX_SIZE - 1)
		memcpy(looking->hash, hash, SHA256_HEX_SIZE);
	return 0;
}

int run_view(
	int state_dirfd, const struct ledger *ledger, struct ledger_view *view, struct err *err)
{
	struct looking looking = {.seq = ledger->head.seq};
	CLEANUP_FD int runs_fd = -1;
	CLEANUP_FD int run_fd = -1;
	struct journal_head head;
	size_t torn = 0;

	if (!history_is_run_id(ledger->run))
		return 0;
	int rc = folder_open_at(state_dirfd, "runs", &runs_fd, err);
	if (rc == 0)
		rc = folder_open_at(runs_fd, ledger->run, &run_fd, err);
	if (rc == 0)
		rc = journal_read(run_fd, find_line, &looking, &head, &torn, err);
	if (rc == -ERR_NOT_FOUND)
		return 0;
	if (rc < 0)
		return err_context(err, "runs/%s", ledger->run);
	view->found = true;
	view->seq = head.seq;
	memcpy(view->hash, looking.hash, sizeof looking.hash);
	return 0;
}

int ledger_judge_here(
	int state_dirfd, const char *state_dir, const struct ledger *ledger, struct err *err)
{
	struct ledger_view view = {.state_dir = state_dir};
	int rc = state_dirfd < 0 ? 0 : run_view(state_dirfd, ledger, &view, err);

	return rc < 0 ? rc : ledger_judge(ledger, &view, err);
}

static int judge(const struct engine_options *options, const struct ledger *ledger, struct err *err)
{
	return ledger_judge_here(options->state_dirfd, options->site->state_dir, ledger, err);
}

/* A run that was killed before the database knew of it has changed nothing there. */
static bool has_begun(struct run *run)
{
	for (size_t i = 0; i < run->history.step_count; i++)
		if (run->history.steps[i].begin != NULL &&
			strcmp(run->history.steps[i].name, "preflight") != 0)
			return true;
	return false;
}

/* The ledger, unless somebody else is at work: who that is, the lease says better. */
static int read_to_judge(struct run *run, struct arena *arena, struct ledger *ledger,
	bool *ret_judge, struct err *err)
{
	struct lease_holder holder;
	int rc = run_read_ledger(run, arena, ledger, err);

	*ret_judge = rc == 0 && ledger->known;
	if (!*ret_judge || run->lease != NULL || run->options->break_lease)
		return rc;
	rc = lease_holder_read(ledger->doc, arena, &holder, err);
	*ret_judge = rc == 0 && !lease_is_held(&holder);
	return rc;
}

int run_judge_resume(struct run *run, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct ledger ledger;
	bool wanted;
	int rc = read_to_judge(run, &arena, &ledger, &wanted, err);

	if (rc < 0 || !wanted)
		return rc;
	run->recorded = strcmp(ledger.run, run->id) == 0;
	if (!run->recorded && !ledger_is_open(&ledger) && !has_begun(run))
		return 0;
	/* The newest may be another run of this folder: one that is undone, one that ended before
	 * it began. */
	return judge(run->options, &ledger, err);
}

int run_judge_nothing(const struct engine_options *options, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	CLEANUP_STR struct str doc = STR_INIT;
	struct ledger ledger;
	struct err ignored;

	/* It only makes an error a better one: a database that is away leaves it as it is. */
	if (mongo_connect(options->site->uri, options->site->database, &mongo, &ignored) < 0 ||
		lease_look(mongo, &doc, &ignored) < 0 ||
		ledger_read(str_bytes(&doc), &arena, &ledger, &ignored) < 0)
		return 0;
	/* One that ended here, while the database could not be told, is no run that is missing. */
	return ledger_is_open(&ledger) ? judge(options, &ledger, err) : 0;
}

int run_judge_kit(struct run *run, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	const struct manifest *manifest = trusted_kit_manifest(run->kit);
	int64_t root = trust_root_version(trusted_kit_root(run->kit));
	struct ledger ledger;
	const char *version;
	int rc = run_read_ledger(run, &arena, &ledger, err);

	if (rc < 0)
		return rc;
	if (root < ledger.root)
		return err_set(err, ERR_TRUST_BACK,
			"the trust root in force here is version %lld; the database knows that "
			"version %lld was in force",
			(long long)root, (long long)ledger.root);
	int64_t sequence = ledger_sequence(&ledger, manifest->name, &version);
	if (manifest->sequence >= sequence || run->options->force_reason != NULL)
		return 0;
	return err_set(err, ERR_SEQUENCE,
		"the kit %s %s has sequence %lld; the database knows that %s with sequence %lld "
		"was installed",
		manifest->name, manifest->version, (long long)manifest->sequence, version,
		(long long)sequence);
}

int run_judge_install(struct run *run, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct ledger ledger;
	bool wanted;
	int rc = read_to_judge(run, &arena, &ledger, &wanted, err);

	return rc < 0 || !wanted || !ledger_is_open(&ledger) ? rc
							     : judge(run->options, &ledger, err);
}
