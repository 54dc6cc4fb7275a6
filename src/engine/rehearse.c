#include "engine/rehearse.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/journal.h"
#include "steps/record.h"
#include "steps/untouched.h"

/* What a step looks at while it works stays until its verb has ended. */
struct kept {
	struct json_doc *now, *held;
	struct json_doc *before; /* of the migration's record */
	bool collection;	 /* of records: was there */
};

struct stage {
	const struct rehearsal *rehearsal;
	struct rehearsed *result;
	struct walk walk;
	struct kept kept[WALK_STEPS_MAX];
	struct rehearsed_step *of[WALK_STEPS_MAX]; /* NULL: not rehearsed */
	struct step_host host;
	size_t current;
};

/* ---- what steps see */

/* Of the freeze only the expiry is done, on the copy: what it says of ingest is not so. */
static bool is_quiet(const struct stage *stage)
{
	return stage->walk.steps[stage->current].kind == &step_freeze;
}

static int host_check(
	void *self, const char *name, enum check_outcome outcome, const char *text, struct err *err)
{
	const struct step_host *host = ((struct stage *)self)->rehearsal->host;

	return is_quiet(self) ? 0 : host->check(host->self, name, outcome, text, err);
}

static int host_note(void *self, const char *text, struct err *err)
{
	const struct step_host *host = ((struct stage *)self)->rehearsal->host;

	return is_quiet(self) ? 0 : host->note(host->self, text, err);
}

static int host_alert(void *self, const char *name, const char *text, bool firing, struct err *err)
{
	const struct step_host *host = ((struct stage *)self)->rehearsal->host;

	return host->alert(host->self, name, text, firing, err);
}

static void host_progress(void *self, const struct step_progress *progress)
{
	const struct step_host *host = ((struct stage *)self)->rehearsal->host;

	host->progress(host->self, progress);
}

static bool host_stop_requested(void *self)
{
	const struct step_host *host = ((struct stage *)self)->rehearsal->host;

	return host->stop_requested(host->self);
}

/* The copy is nobody's: yes; and the operator hears what the real run will ask. */
static int host_answered(
	void *self, const char *question, const char *flag, bool *ret_yes, struct err *err)
{
	const struct step_host *host = ((struct stage *)self)->rehearsal->host;
	CLEANUP_STR struct str text = STR_INIT;

	str_append_format(
		&text, "the real run will ask (%s): %s", flag == NULL ? "" : flag, question);
	int rc = str_check(&text, err);
	if (rc == 0)
		rc = host->note(host->self, str_text(&text), err);
	if (rc == 0)
		*ret_yes = true;
	return rc;
}

static int keep(struct kept *kept, struct bytes fields, struct err *err)
{
	struct json_doc *doc = NULL;
	int rc = json_parse(fields, JSON_LIMITS_OWN(JOURNAL_LINE_MAX), &doc, err);

	if (rc < 0)
		return err_recode(err, ERR_INTERNAL);
	if (kept->now != kept->held)
		json_release(kept->now);
	kept->now = doc;
	return 0;
}

static int host_checkpoint(void *self, struct bytes fields, struct err *err)
{
	struct stage *stage = self;

	return keep(&stage->kept[stage->current], fields, err);
}

static const struct json *checkpoint_of(void *self, const char *name)
{
	const struct stage *stage = self;
	size_t i = walk_find(&stage->walk, name);

	return i == stage->walk.count || stage->kept[i].now == NULL ? NULL
								    : json_root(stage->kept[i].now);
}

/* For one verb. */
static void begin_verb(
	struct stage *stage, size_t i, struct arena *arena, struct step_context *context)
{
	const struct rehearsal *rehearsal = stage->rehearsal;
	struct kept *kept = &stage->kept[i];

	stage->current = i;
	if (kept->held != kept->now)
		json_release(kept->held);
	kept->held = kept->now;
	*context = (struct step_context){
		.kit = rehearsal->kit,
		.site = rehearsal->site,
		.mongo = rehearsal->mongo,
		.host = &stage->host,
		.options = rehearsal->options,
		.step = &stage->walk.steps[i],
		.steps = stage->walk.steps,
		.step_count = stage->walk.count,
		.run_id = rehearsal->run_id,
		.run_dirfd = rehearsal->run_dirfd,
		.state_dirfd = -1,
		.arena = arena,
		.checkpoint = kept->now == NULL ? NULL : json_root(kept->now),
		.checkpoint_of = checkpoint_of,
	};
}

/* ---- forward */

static int open_step(struct stage *stage, size_t i, bool *ret_nothing, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	const struct step_kind *kind = stage->walk.steps[i].kind;
	struct step_plan plan = {.takes = -1};
	struct step_context context;
	bool done = false;
	int rc = 0;

	begin_verb(stage, i, &arena, &context);
	if (kind->plan != NULL)
		rc = kind->plan(&context, &plan, err);
	if (rc == 0 && !plan.nothing_to_do && kind->check != NULL)
		rc = kind->check(&context, &done, err);
	if (rc == 0)
		*ret_nothing = plan.nothing_to_do || done;
	return rc;
}

static int begin_record(struct stage *stage, size_t i, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str before = STR_INIT;
	struct kept *kept = &stage->kept[i];
	struct step_context context;

	begin_verb(stage, i, &arena, &context);
	int rc = record_before(context.mongo, context.step->name, &before, &kept->collection, err);
	if (rc == 0)
		rc = json_parse(
			str_bytes(&before), JSON_LIMITS_OWN(JOURNAL_LINE_MAX), &kept->before, err);
	return rc < 0 ? rc : record_begin(&context, err);
}

static int call(struct stage *stage, size_t i,
	int (*verb)(const struct step_context *context, struct err *err), struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct step_context context;

	begin_verb(stage, i, &arena, &context);
	return verb == NULL ? 0 : verb(&context, err);
}

/* The step's own line. */
static int summarize(struct stage *stage, size_t i, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct rehearsed_step *step = stage->of[i];
	const struct step_kind *kind = stage->walk.steps[i].kind;
	struct step_context context;
	struct json_writer writer;
	int rc = 0;

	begin_verb(stage, i, &arena, &context);
	json_write_begin(&writer, &text);
	json_write_object(&writer);
	if (kind->report != NULL)
		rc = kind->report(&context, &writer, err);
	if (rc < 0)
		return rc;
	json_write_end(&writer);
	rc = str_check(&text, err);
	if (rc == 0)
		rc = json_parse(str_bytes(&text), JSON_LIMITS_OWN(JOURNAL_LINE_MAX), &doc, err);
	if (rc < 0)
		return rc;
	step->summary =
		arena_string(stage->rehearsal->arena, history_text(json_root(doc), "summary"));
	return step->summary == NULL ? err_no_memory(err) : 0;
}

static int end_record(struct stage *stage, size_t i, int64_t duration, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct step_context context;

	begin_verb(stage, i, &arena, &context);
	return record_done(&context, duration, err);
}

static int check_stop(const struct stage *stage, struct err *err)
{
	return stage->host.stop_requested(stage->host.self)
		       ? err_set(err, ERR_STOPPED, "the operator asked for it")
		       : 0;
}

static int tell_step(struct stage *stage, const char *verb, size_t i, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	stage->current = i;
	str_append_format(&text, "%s%s", verb, stage->walk.steps[i].label);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : host_note(stage, str_text(&text), err);
}

static int go_forward(struct stage *stage, size_t i, struct err *err)
{
	const struct step *step = &stage->walk.steps[i];
	struct rehearsed_step *own = stage->of[i];
	int64_t begun = clock_boottime();
	int rc = check_stop(stage, err);

	if (rc == 0)
		rc = tell_step(stage, "", i, err);
	if (rc == 0)
		rc = open_step(stage, i, &own->nothing, err);
	if (rc < 0 || own->nothing)
		return rc;
	own->begun = true;
	if (step->migration != NULL)
		rc = begin_record(stage, i, err);
	if (rc == 0)
		rc = call(stage, i, step->kind->apply, err);
	if (rc == 0)
		rc = call(stage, i, step->kind->verify, err);
	own->took = clock_boottime() - begun;
	if (rc == 0 && step->migration != NULL)
		rc = end_record(stage, i, own->took, err);
	if (rc == 0)
		rc = summarize(stage, i, err);
	own->done = rc == 0;
	return rc;
}

/* ---- and back */

static int go_back(struct stage *stage, size_t i, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	const struct step *step = &stage->walk.steps[i];
	int64_t begun = clock_boottime();
	struct step_context context;
	int rc = check_stop(stage, err);

	if (rc == 0)
		rc = tell_step(stage, "back: ", i, err);
	if (rc < 0)
		return rc;
	begin_verb(stage, i, &arena, &context);
	if (step->kind->undo == NULL)
		return err_set(err, ERR_NO_WAY_BACK, "steps of the kind %s", step->kind->name);
	rc = record_undoing(&context, err);
	if (rc == 0)
		rc = step->kind->undo(&context, err);
	if (rc == 0)
		rc = record_undone(
			&context, json_root(stage->kept[i].before), stage->kept[i].collection, err);
	if (rc == 0)
		stage->of[i]->undo_took = clock_boottime() - begun;
	else if (err->code == ERR_MIGRATION)
		rc = err_recode(err, ERR_ROLLBACK);
	return rc;
}

static int prove_back(struct stage *stage, struct err *err)
{
	int64_t begun = clock_boottime();
	int rc = call(stage, walk_find(&stage->walk, "backup"), untouched_prove, err);

	stage->result->compare_took = clock_boottime() - begun;
	return rc;
}

/* ---- the whole */

static int used_octets(struct mongo *mongo, int64_t *ret_octets, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct doc_writer writer;
	int64_t data = 0, indexes = 0;

	doc_write_begin(&writer, &command);
	doc_write_int32(&writer, "dbStats", 1);
	doc_write_end(&writer);
	int rc = str_check(&command, err);
	if (rc == 0)
		rc = mongo_command(mongo, str_bytes(&command), &reply, NULL, err);
	if (rc < 0)
		return rc;
	(void)doc_get_integer(str_bytes(&reply), "storageSize", &data);
	(void)doc_get_integer(str_bytes(&reply), "indexSize", &indexes);
	*ret_octets = data + indexes;
	return 0;
}

/* What works in the database alone: another kind would reach from the copy to what is real. */
static bool is_rehearsed(const struct step *step)
{
	return step->kind == &step_ensure || step->kind == &step_backfill ||
	       step->kind == &step_validate;
}

static int leave_out(struct stage *stage, const struct step *step, struct err *err)
{
	struct rehearsed *result = stage->result;
	struct rehearsed_left_out *own = &result->left_out[result->left_out_count];
	CLEANUP_STR struct str text = STR_INIT;

	own->name = arena_string(stage->rehearsal->arena, step->name);
	own->label = arena_string(stage->rehearsal->arena, step->label);
	if (own->name == NULL || own->label == NULL)
		return err_no_memory(err);
	result->left_out_count++;
	str_append_format(
		&text, "not rehearsed, it works outside the database too: %s", step->label);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : host_note(stage, str_text(&text), err);
}

static int leave_out_all(struct stage *stage, struct err *err)
{
	const struct walk *walk = &stage->walk;
	int rc = 0;

	stage->result->left_out = arena_array(stage->rehearsal->arena,
		walk->count + walk->left_out_count + 1, sizeof *stage->result->left_out);
	if (stage->result->left_out == NULL)
		return err_no_memory(err);
	for (size_t i = 0; rc == 0 && i < walk->count; i++)
		if (walk->steps[i].migration != NULL && !is_rehearsed(&walk->steps[i]))
			rc = leave_out(stage, &walk->steps[i], err);
	for (size_t i = 0; rc == 0 && i < walk->left_out_count; i++)
		rc = leave_out(stage, &walk->left_out[i], err);
	return rc;
}

static int lay_out(struct stage *stage, struct err *err)
{
	struct rehearsed *result = stage->result;

	result->steps =
		arena_array(stage->rehearsal->arena, stage->walk.count, sizeof *result->steps);
	if (result->steps == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < stage->walk.count; i++) {
		const struct step *step = &stage->walk.steps[i];
		struct rehearsed_step *own = &result->steps[result->count];
		if (!is_rehearsed(step))
			continue;
		*own = (struct rehearsed_step){.summary = "", .undo_took = -1};
		own->name = arena_string(stage->rehearsal->arena, step->name);
		own->label = arena_string(stage->rehearsal->arena, step->label);
		if (own->name == NULL || own->label == NULL)
			return err_no_memory(err);
		stage->of[i] = own;
		result->count++;
	}
	return 0;
}

static int keep_backup(struct stage *stage, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	char hex[SHA256_HEX_SIZE];
	struct json_writer writer;

	sha256_to_hex(&stage->rehearsal->index, hex);
	json_write_begin(&writer, &text);
	json_write_object(&writer);
	json_member_bool(&writer, "complete", true);
	json_member_string(&writer, "dir", stage->rehearsal->backup);
	json_member_string(&writer, "indexSha256", hex);
	json_write_end(&writer);
	int rc = str_check(&text, err);
	return rc < 0 ? rc
		      : keep(&stage->kept[walk_find(&stage->walk, "backup")], str_bytes(&text),
				err);
}

static void recode(const struct step_kind *kind, struct err *err)
{
	int exit = err_exit_code(err->code);

	if ((exit >= 1 && exit <= 9) || err->code == ERR_MIGRATION)
		(void)err_recode(err, kind->failure);
}

static int walk_there(struct stage *stage, struct err *err)
{
	int64_t before = 0, after = 0;
	/* With the copy's site this stops the copy's documents from expiring, and that alone. */
	int rc = call(stage, walk_find(&stage->walk, "freeze"), step_freeze.apply, err);

	if (rc == 0)
		rc = used_octets(stage->rehearsal->mongo, &before, err);
	for (size_t i = 0; rc == 0 && i < stage->walk.count; i++)
		if (stage->of[i] != NULL)
			rc = go_forward(stage, i, err);
	if (rc == 0)
		rc = used_octets(stage->rehearsal->mongo, &after, err);
	if (rc == 0 && after > before)
		stage->result->grown = (uint64_t)(after - before);
	return rc;
}

static int walk_back(struct stage *stage, struct err *err)
{
	int rc = 0;

	for (size_t i = stage->walk.count; rc == 0 && i-- > 0;)
		if (stage->of[i] != NULL && stage->of[i]->begun &&
			stage->walk.steps[i].migration != NULL)
			rc = go_back(stage, i, err);
	return rc < 0 ? rc : prove_back(stage, err);
}

static int rehearse_all(struct stage *stage, struct err *err)
{
	int rc = lay_out(stage, err);

	if (rc == 0)
		rc = leave_out_all(stage, err);
	if (rc == 0)
		rc = keep_backup(stage, err);
	if (rc == 0)
		rc = walk_there(stage, err);
	if (rc == 0)
		rc = walk_back(stage, err);
	if (rc < 0) {
		recode(stage->walk.steps[stage->current].kind, err);
		return err_context(err, "%s", stage->walk.steps[stage->current].label);
	}
	return 0;
}

static void release(struct stage *stage)
{
	for (size_t i = 0; i < WALK_STEPS_MAX; i++) {
		if (stage->kept[i].held != stage->kept[i].now)
			json_release(stage->kept[i].held);
		json_release(stage->kept[i].now);
		json_release(stage->kept[i].before);
	}
	walk_release(&stage->walk);
}

int rehearse(const struct rehearsal *rehearsal, struct rehearsed *ret_rehearsed, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct stage *stage = arena_alloc(&arena, sizeof *stage);

	*ret_rehearsed = (struct rehearsed){0};
	if (stage == NULL)
		return err_no_memory(err);
	stage->rehearsal = rehearsal;
	stage->result = ret_rehearsed;
	stage->host = (struct step_host){
		.self = stage,
		.check = host_check,
		.note = host_note,
		.checkpoint = host_checkpoint,
		.alert = host_alert,
		.answered = host_answered,
		.progress = host_progress,
		.stop_requested = host_stop_requested,
	};
	int rc = walk_build(rehearsal->kit, &(struct walk_scope){0}, &stage->walk, err);
	if (rc == 0)
		rc = rehearse_all(stage, err);
	release(stage);
	return rc;
}
