#include "engine/site_key.h"
#include "engine/run.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/version.h"
#include "base/file.h"
#include "engine/host.h"
#include "engine/quoted.h"
#include "verify/evidence.h"

void run_init(struct run *run, const struct trusted_kit *kit, const struct engine_options *options,
	const struct engine_face *face)
{
	*run = (struct run){.options = options, .face = face, .kit = kit, .run_dirfd = -1};
	run_new_id(run->id);
	run->started = clock_boottime();
	host_init(&run->host, run);
}

void run_release(struct run *run)
{
	mongo_close(run->mongo);
	lease_release(run->lease);
	journal_free(run->journal);
	history_release(&run->history);
	walk_release(&run->walk);
	trusted_kit_free(run->own_kit);
	trust_root_free(run->root);
	if (run->run_dirfd >= 0)
		(void)close(run->run_dirfd);
}

/* ---- events */

struct json_writer *run_event(struct run *run, enum event event)
{
	run->writing = event;
	run->writer = journal_begin(run->journal, event_name(event), event_journaled(event));
	return run->writer;
}

/* All that needs memory comes before the line is durable: what is in the journal is known to the
 * face and to the history, in the same order. */
static int commit(struct run *run, struct str *step, struct json_doc **ret_doc, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct bytes line;
	int rc = journal_seal(run->journal, &line, err);

	if (rc == 0)
		rc = json_parse(line, JSON_LIMITS_OWN(JOURNAL_LINE_MAX), &doc, err);
	if (rc == 0)
		rc = history_reserve(&run->history, err);
	if (rc == 0) {
		str_append_text(step, history_text(json_root(doc), "step"));
		rc = str_check(step, err);
	}
	if (rc == 0)
		rc = journal_commit(run->journal, err);
	if (rc < 0)
		return rc;
	run->face->event(run->face->self, line, json_root(doc));
	*ret_doc = STEAL(doc);
	return 0;
}

int run_event_end(struct run *run, struct err *err)
{
	CLEANUP_STR struct str step = STR_INIT;
	struct json_doc *doc = NULL;
	enum event event = run->writing;
	int rc = commit(run, &step, &doc, err);

	/* The document is the history's from here on. */
	if (rc == 0)
		rc = history_add(&run->history, doc, err);
	/* From a step that began on something may be changed, whatever the database says to it: the
	 * freeze hook is the first to do so. Preflight is in memory only. */
	if (rc == 0 && event == EVENT_STEP_BEGIN && journal_persisted(run->journal))
		run->effects = true;
	return rc < 0 ? rc : run_record_event(run, event, str_text(&step), err);
}

static void write_signers(struct json_writer *writer, const struct trusted_kit *kit)
{
	const bool *has_signed = NULL;
	const struct trust_role *role = trusted_kit_signers(kit, &has_signed);
	char hex[SHA256_HEX_SIZE];

	json_member_array(writer, "signers");
	for (size_t i = 0; i < role->key_count; i++) {
		json_write_object(writer);
		json_member_string(writer, "name", role->keys[i]->name);
		sha256_to_hex(public_key_fingerprint(role->keys[i]->key), hex);
		json_member_string(writer, "fingerprint", hex);
		json_member_bool(writer, "signed", has_signed[i]);
		json_write_end(writer);
	}
	json_write_end(writer);
	json_member_integer(writer, "threshold", role->threshold);
	json_member_string(writer, "sumsSigner", trusted_kit_sums_signer(kit));
}

static int write_kit(struct run *run, struct json_writer *writer, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(run->kit);
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	const char *version = NULL;
	int64_t sequence = 0;
	char hex[SHA256_HEX_SIZE];
	int rc = 0;

	if (run->options->state_dirfd >= 0)
		rc = installed_sequence(run->options->state_dirfd, manifest->name, &sequence,
			&version, &arena, err);
	if (rc < 0)
		return rc;
	json_member_object(writer, "kit");
	json_member_string(writer, "id", trusted_kit_id(run->kit));
	json_member_string(writer, "name", manifest->name);
	json_member_string(writer, "version", manifest->version);
	json_member_string(writer, "title", manifest->title);
	json_member_integer(writer, "sequence", manifest->sequence);
	json_member_time(writer, "created", manifest->created);
	if (manifest->has_expiry)
		json_member_time(writer, "expires", manifest->expires);
	sha256_to_hex(trusted_kit_manifest_digest(run->kit), hex);
	json_member_string(writer, "digest", hex);
	if (sequence > 0 && version != NULL) {
		json_member_object(writer, "installed");
		json_member_string(writer, "version", version);
		json_member_integer(writer, "sequence", sequence);
		json_write_end(writer);
	}
	json_write_end(writer);
	return 0;
}

static void write_root(struct json_writer *writer, const struct trust_root *root)
{
	char hex[SHA256_HEX_SIZE];

	json_member_object(writer, "root");
	json_member_integer(writer, "version", trust_root_version(root));
	json_member_time(writer, "expires", trust_root_expires(root));
	sha256_to_hex(trust_root_digest(root), hex);
	json_member_string(writer, "digest", hex);
	json_member_bool(writer, "demo", trust_root_is_demo(root));
	json_write_end(writer);
}

static int write_site(struct json_writer *writer, const struct site *site, struct err *err)
{
	CLEANUP_STR struct str uri = STR_INIT;

	mongo_uri_redact(site->uri, &uri);
	int rc = str_check(&uri, err);
	if (rc < 0)
		return rc;
	json_member_object(writer, "site");
	json_member_string(writer, "name", site->name);
	json_member_string(writer, "environment", site->environment);
	json_member_string(writer, "database", site->database);
	json_member_string(writer, "server", str_text(&uri));
	json_write_end(writer);
	return 0;
}

static void write_steps(struct json_writer *writer, const struct walk *walk)
{
	json_member_array(writer, "steps");
	for (size_t i = 0; i < walk->count; i++) {
		json_write_object(writer);
		json_member_string(writer, "name", walk->steps[i].name);
		json_member_string(writer, "label", walk->steps[i].label);
		json_member_string(writer, "kind", walk->steps[i].kind->name);
		json_write_end(writer);
	}
	json_write_end(writer);
}

static void write_sizes(struct json_writer *writer, const struct manifest *manifest)
{
	int64_t octets = 0;

	for (size_t i = 0; i < manifest->file_count; i++)
		octets += manifest->files[i].size;
	json_member_integer(writer, "files", (int64_t)manifest->file_count);
	json_member_integer(writer, "octets", octets);
	json_member_integer(writer, "components", (int64_t)manifest->component_count);
	quote_manifest(manifest, writer);
}

int run_begin_event(struct run *run, struct err *err)
{
	const struct engine_options *options = run->options;
	struct json_writer *writer = run_event(run, EVENT_RUN_BEGIN);

	json_member_string(writer, "run", run->id);
	json_member_string(writer, "command", options->command);
	json_member_string(writer, "offkit", version_text());
	json_member_time(writer, "commit", version_commit_time());
	int rc = write_kit(run, writer, err);
	if (rc < 0)
		return rc;
	write_signers(writer, run->kit);
	write_sizes(writer, trusted_kit_manifest(run->kit));
	quote_evidence(trusted_kit_evidence(run->kit), writer);
	write_root(writer, trusted_kit_root(run->kit));
	rc = write_site(writer, options->site, err);
	if (rc < 0)
		return rc;
	write_steps(writer, &run->walk);
	json_member_string(writer, "stateDir", options->site->state_dir);
	json_member_string(writer, "backupDir", options->site->backup_dir);
	json_member_object(writer, "options");
	json_member_integer(writer, "batchSize", options->step.batch_size);
	json_member_bool(writer, "stopOnError", options->step.stop_on_error);
	json_member_integer(writer, "maxConflicts", options->step.max_conflicts);
	json_member_integer(writer, "workers", options->step.workers);
	json_member_integer(writer, "maxLag", options->step.max_lag);
	json_member_integer(writer, "maxRate", options->step.max_rate);
	json_member_integer(writer, "sampleSize", options->step.sample_size);
	json_member_bool(writer, "allowExpiry", options->step.allow_expiry);
	if (run->scope.with != NULL) {
		json_member_string(writer, "with", run->scope.with);
		json_member_bool(writer, "alone", run->scope.alone);
	}
	if (options->step.reason != NULL)
		json_member_string(writer, "reason", options->step.reason);
	json_write_end(writer);
	if (options->force_reason != NULL) {
		json_member_object(writer, "force");
		json_member_string(writer, "reason", options->force_reason);
		json_write_end(writer);
	}
	return run_event_end(run, err);
}

static const char *way_back_name(enum way_back way)
{
	return way == WAY_BACK_EXACT ? "exact" : way == WAY_BACK_RESTORE ? "restore" : "none";
}

int run_plan_event(struct run *run, const struct step_plan *plan, struct err *err)
{
	const struct step *step = &run->walk.steps[run->current];
	struct json_writer *writer = run_event(run, EVENT_PLAN);

	json_member_string(writer, "step", step->name);
	json_member_string(writer, "label", step->label);
	json_member_array(writer, "what");
	for (size_t i = 0; i < plan->what_count; i++)
		json_write_string(writer, plan->what[i]);
	json_write_end(writer);
	json_member_string(writer, "size", plan->size == NULL ? "" : plan->size);
	json_member_integer(writer, "takes", plan->takes);
	json_member_integer(writer, "octets", (int64_t)plan->octets);
	json_member_string(writer, "changes", plan->changes == NULL ? "" : plan->changes);
	json_member_string(writer, "wayBack", way_back_name(plan->way_back));
	json_member_string(
		writer, "wayBackText", plan->way_back_text == NULL ? "" : plan->way_back_text);
	if (plan->proof != NULL)
		json_member_string(writer, "proof", plan->proof);
	json_member_bool(writer, "nothingToDo", plan->nothing_to_do);
	json_member_bool(writer, "noReturn", plan->no_return);
	return run_event_end(run, err);
}

/* ---- questions */

/* What must be typed is not answered by the name of the choice that it stands for. */
static const char *find_choice(const struct question *question, const char *name)
{
	if (question->expected != NULL)
		return strcmp(name, question->expected) == 0 ? question->choices[0].name
							     : question->initial;
	for (const struct choice *choice = question->choices; choice->name != NULL; choice++)
		if (strcmp(choice->name, name) == 0)
			return choice->name;
	return NULL;
}

static int tell_question(
	struct run *run, const struct question *question, const char *id, struct err *err)
{
	struct json_writer *writer = run_event(run, EVENT_QUESTION);

	json_member_string(writer, "id", id);
	json_member_string(writer, "kind", question->kind);
	if (question->step != NULL)
		json_member_string(writer, "step", question->step);
	json_member_string(writer, "text", question->text);
	if (question->lines != NULL) {
		json_member_array(writer, "lines");
		for (const char *const *line = question->lines; *line != NULL; line++)
			json_write_string(writer, *line);
		json_write_end(writer);
	}
	json_member_array(writer, "choices");
	for (const struct choice *choice = question->choices; choice->name != NULL; choice++) {
		json_write_object(writer);
		json_member_string(writer, "name", choice->name);
		json_member_string(writer, "label", choice->label);
		json_write_end(writer);
	}
	json_write_end(writer);
	json_member_string(writer, "default", question->initial);
	if (question->expected != NULL)
		json_member_string(writer, "expected", question->expected);
	if (question->flag != NULL)
		json_member_string(writer, "flag", question->flag);
	return run_event_end(run, err);
}

int run_ask(
	struct run *run, const struct question *question, const char **ret_choice, struct err *err)
{
	CLEANUP_STR struct str answer = STR_INIT;
	const char *by = "operator";
	char id[24];

	(void)snprintf(id, sizeof id, "q%lld", (long long)run->history.question_count + 1);
	int rc = tell_question(run, question, id, err);
	if (rc == 0)
		rc = run->face->ask(run->face->self, run->history.question, &answer, &by, err);
	if (rc == 0)
		rc = str_check(&answer, err);
	if (rc < 0)
		return rc;
	const char *choice = find_choice(question, str_text(&answer));
	if (choice == NULL)
		return err_set(err, ERR_INTERNAL,
			"the face answered %s with a choice that it has not", id);
	struct json_writer *writer = run_event(run, EVENT_ANSWER);
	json_member_string(writer, "id", id);
	json_member_string(writer, "choice", choice);
	json_member_string(writer, "by", by);
	if (run->options->step.reason != NULL)
		json_member_string(writer, "reason", run->options->step.reason);
	rc = run_event_end(run, err);
	if (rc == 0)
		*ret_choice = choice;
	return rc;
}

int run_ask_name(struct run *run, const struct choice choices[static 3], const struct str *text,
	enum err_code refused, const char *words, struct err *err)
{
	const struct question question = {
		.kind = "type",
		.text = str_text(text),
		.choices = choices,
		.initial = choices[1].name,
		.expected = run->options->site->database,
	};
	const char *choice = NULL;
	int rc = str_check(text, err);

	if (rc == 0)
		rc = run_ask(run, &question, &choice, err);
	if (rc == 0 && choice != choices[0].name)
		rc = err_set(err, refused, "%s", words);
	return rc;
}

int run_note(struct run *run, const char *step, const struct str *text, struct err *err)
{
	int rc = str_check(text, err);

	if (rc < 0)
		return rc;
	struct json_writer *writer = run_event(run, EVENT_NOTE);
	json_member_string(writer, "step", step);
	json_member_string(writer, "text", str_text(text));
	return run_event_end(run, err);
}

int run_check_stop(struct run *run, struct err *err)
{
	if (!run->face->stop_requested(run->face->self))
		return 0;
	if (!run->stopping) {
		run->stopping = true;
		struct json_writer *writer = run_event(run, EVENT_STOPPING);
		json_member_string(writer, "text", "Stopping at the next safe point.");
		int rc = run_event_end(run, err);
		if (rc < 0)
			return rc;
	}
	return err_set(err, ERR_STOPPED, "the operator asked for it");
}

/* ---- the places a run needs */

int run_lost_before_or_after(const struct run *run, struct err *err)
{
	if (!run->effects && err->code == ERR_DATABASE_LOST)
		return err_recode(err, ERR_DATABASE);
	if (run->effects &&
		(err->code == ERR_DATABASE || err->code == ERR_LOGIN || err->code == ERR_TLS))
		return err_recode(err, ERR_DATABASE_LOST);
	return -(int)err->code;
}

static int connect_once(struct run *run, struct err *err)
{
	if (run->mongo != NULL)
		return 0;
	int rc = mongo_connect(
		run->options->site->uri, run->options->site->database, &run->mongo, err);
	if (rc < 0)
		return run_lost_before_or_after(run, err);
	if (run->lease != NULL)
		mongo_set_guard(run->mongo, lease_guard(run->lease));
	return 0;
}

int run_connect(struct run *run, struct err *err)
{
	int rc;

	do
		rc = connect_once(run, err);
	while (rc < 0 && run_server_came_back(run, err));
	return rc < 0 ? -(int)err->code : 0;
}

/* Nothing was done yet, and the folder is not left behind. */
static int not_persisted(int runs_fd, const struct run *run, struct err *err)
{
	if (runs_fd >= 0)
		(void)unlinkat(runs_fd, run->id, AT_REMOVEDIR);
	if (err->code == ERR_DISK || err->code == ERR_UNREADABLE || err->code == ERR_NOT_FOUND)
		(void)err_recode(err, ERR_STATE_FOLDER);
	return err_context(err, "%s", run->options->site->state_dir);
}

static int make_journal(struct run *run, struct err *err)
{
	CLEANUP_FD int runs_fd = -1;
	CLEANUP_FD int run_fd = -1;
	int rc = folder_make_at(run->options->state_dirfd, "runs", &runs_fd, err);

	if (rc == 0)
		rc = folder_make_at(runs_fd, run->id, &run_fd, err);
	if (rc == 0)
		rc = journal_persist(run->journal, run_fd, err);
	if (rc < 0)
		return not_persisted(runs_fd, run, err);
	run->run_dirfd = steal_fd(&run_fd);
	run_tell_journal(run);
	return run_record_begin(run, err);
}

/* After the journal, so that a kit counts as installed only if there is a run of it; a process that
 * was killed in between leaves it to the one that resumes. */
static int record_kit(struct run *run, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	const struct manifest *manifest = trusted_kit_manifest(run->kit);
	const char *version = NULL;
	int64_t sequence = 0;
	int rc = installed_sequence(
		run->options->state_dirfd, manifest->name, &sequence, &version, &arena, err);

	if (rc == 0 && (version == NULL || sequence < manifest->sequence))
		rc = installed_record(run->options->state_dirfd, run->kit, err);
	return rc < 0 ? err_context(err, "%s", run->options->site->state_dir) : 0;
}

/* A run whose end cannot be signed is refused while it has changed nothing. */
static int see_to_site_key(const struct run *run, struct err *err)
{
	CLEANUP(private_key_cleanup) struct private_key *key = NULL;

	return site_key_take(run->options->state_dirfd, &key, err);
}

int run_persist(struct run *run, struct err *err)
{
	int rc = 0;

	if (!journal_persisted(run->journal)) {
		rc = see_to_site_key(run, err);
		if (rc == 0)
			rc = make_journal(run, err);
	}

	if (rc == 0 && !run->kit_recorded)
		rc = record_kit(run, err);
	if (rc == 0)
		run->kit_recorded = true;
	return rc;
}

void run_tell_journal(const struct run *run)
{
	if (run->face->journal != NULL)
		run->face->journal(run->face->self, run->run_dirfd);
}

void run_context(struct run *run, size_t step, struct arena *arena, struct step_context *context)
{
	struct history_step *state = history_step(&run->history, run->walk.steps[step].name);

	run->current = step;
	*context = (struct step_context){
		.kit = run->kit,
		.site = run->options->site,
		.mongo = run->mongo,
		.host = &run->host,
		.options = &run->options->step,
		.step = &run->walk.steps[step],
		.steps = run->walk.steps,
		.step_count = run->walk.count,
		.run_id = run->id,
		.run_dirfd = run->run_dirfd,
		.state_dirfd = run->options->state_dirfd,
		.arena = arena,
		.checkpoint = state == NULL ? NULL : state->checkpoint,
		.checkpoint_of = host_checkpoint_of,
		.taken_over = run->history.taken_over,
		.ingest_resumed = run->history.ingest_resumed,
		.went_back = run->history.went_back,
		.read_only = run->read_only,
	};
}

void run_recode(const struct run *run, const struct step_kind *kind, struct err *err)
{
	int exit = err_exit_code(err->code);

	/* Files, syntax and refused commands say what went wrong, but not in which step's words. */
	if ((exit >= 1 && exit <= 9) || err->code == ERR_MIGRATION)
		(void)err_recode(err, kind->failure);
	if (!run->effects && err->code == ERR_MIGRATION)
		(void)err_recode(err, ERR_PREFLIGHT);
	if (run->effects && err->code == ERR_DATABASE)
		(void)err_recode(err, ERR_DATABASE_LOST);
	if (!run->effects && err->code == ERR_DATABASE_LOST)
		(void)err_recode(err, ERR_DATABASE);
	if (!run->effects && err->code == ERR_DISK)
		(void)err_recode(err, ERR_SPACE);
}
