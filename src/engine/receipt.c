#include "engine/receipt.h"

#include <fcntl.h>
#include <string.h>
#include <sys/utsname.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/event.h"
#include "engine/report.h"
#include "engine/site_key.h"
#include "kit/envelope.h"
#include "steps/step.h"

#define MACHINE_ID_PATH "/etc/machine-id"

static int64_t number_of(const struct json *object, const char *name)
{
	const struct json *member = json_member(object, name);

	return member != NULL && json_type(member) == JSON_NUMBER && json_is_integer(member) &&
			       json_integer(member) > 0
		       ? json_integer(member)
		       : 0;
}

static int64_t time_of(const struct json *object, const char *name)
{
	struct err ignored;
	int64_t time = 0;

	return time_parse(history_text(object, name), &time, &ignored) < 0 ? 0 : time;
}

/* ---- what a receipt is made of */

static void take_run(
	const struct history *history, const struct journal_head *head, struct receipt *receipt)
{
	const struct json *begin = history->begin, *end = history->end;
	const struct json *kit = json_member(begin, "kit");
	const struct json *root = json_member(begin, "root");
	const struct json *site = json_member(begin, "site");

	receipt->run = history_text(begin, "run");
	receipt->outcome = history_text(end, "outcome");
	receipt->validation = receipt_validation(history);
	receipt->exit = number_of(end, "exit");
	receipt->begun = time_of(begin, "time");
	receipt->ended = time_of(end, "time");
	receipt->duration = number_of(end, "duration");
	receipt->offkit_version = history_text(begin, "offkit");
	receipt->offkit_commit = time_of(begin, "commit");
	receipt->kit_name = history_text(kit, "name");
	receipt->kit_version = history_text(kit, "version");
	receipt->kit_sequence = number_of(kit, "sequence");
	receipt->kit_digest = history_text(kit, "digest");
	receipt->root_version = number_of(root, "version");
	receipt->root_digest = history_text(root, "digest");
	receipt->site = history_text(site, "name");
	receipt->environment = history_text(site, "environment");
	receipt->database = history_text(site, "database");
	receipt->events = head->seq;
	receipt->head = head->hash;
	receipt->force_reason = history_text(json_member(begin, "force"), "reason");
}

const char *receipt_validation(const struct history *history)
{
	const char *validation = "none";

	for (size_t i = 0; i < history->step_count; i++) {
		const struct history_step *step = &history->steps[i];
		const char *outcome = history_outcome(history, step);
		if (strcmp(step->kind, step_validate.name) != 0)
			continue;
		if (strcmp(outcome, "done") == 0)
			validation = "passed";
		else if (strcmp(outcome, "failed") == 0 || strcmp(outcome, "skipped") == 0)
			validation = outcome;
	}
	return validation;
}

/* How the gate before production was passed: the last that was said of it. */
static void take_staging(const struct history *history, struct receipt *receipt)
{
	const struct json *staging = NULL;

	for (size_t i = 0; i < history->doc_count; i++)
		if (event_by_name(history_text(history->events[i], "event")) == EVENT_CHECK &&
			json_member(history->events[i], "staging") != NULL)
			staging = json_member(history->events[i], "staging");
	receipt->staging.receipt = history_text(staging, "receipt");
	receipt->staging.key = history_text(staging, "key");
	receipt->staging.run = history_text(staging, "run");
	receipt->staging.site = history_text(staging, "site");
	receipt->staging.reason = history_text(staging, "reason");
}

static int take_steps(const struct history *history, struct arena *arena, struct receipt *receipt,
	struct err *err)
{
	receipt->steps = arena_array(arena, history->step_count + 1, sizeof *receipt->steps);
	receipt->hashes = arena_array(arena, history->step_count + 1, sizeof *receipt->hashes);
	if (receipt->steps == NULL || receipt->hashes == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < history->step_count; i++) {
		const struct history_step *step = &history->steps[i];
		const struct json *end = step->end;
		const char *hash =
			history_text(end == NULL ? NULL : json_member(end, "report"), "reportHash");
		int64_t spent = history_spent(step);
		receipt->steps[receipt->step_count++] = (struct receipt_step){.name = step->name,
			.kind = step->kind,
			.outcome = history_outcome(history, step),
			.duration = spent > 0 ? spent : 0};
		if (*hash != '\0' && strcmp(step->kind, step_report.name) != 0)
			receipt->hashes[receipt->hash_count++] =
				(struct receipt_hash){step->name, hash};
	}
	return 0;
}

static const struct json *question_of(const struct history *history, size_t answer)
{
	const char *id = history_text(history->events[answer], "id");

	for (size_t i = answer; i-- > 0;)
		if (event_by_name(history_text(history->events[i], "event")) == EVENT_QUESTION &&
			strcmp(history_text(history->events[i], "id"), id) == 0)
			return history->events[i];
	return NULL;
}

static int take_answers(const struct history *history, struct arena *arena, struct receipt *receipt,
	struct err *err)
{
	size_t count = 0, at = history->doc_count;

	while (at > 0 && count < RECEIPT_ANSWERS_MAX)
		if (event_by_name(history_text(history->events[--at], "event")) == EVENT_ANSWER)
			count++;
	receipt->answers = arena_array(arena, count + 1, sizeof *receipt->answers);
	if (receipt->answers == NULL)
		return err_no_memory(err);
	for (; at < history->doc_count; at++) {
		const struct json *event = history->events[at];
		if (event_by_name(history_text(event, "event")) != EVENT_ANSWER)
			continue;
		const struct json *question = question_of(history, at);
		receipt->answers[receipt->answer_count++] =
			(struct receipt_answer){.time = time_of(event, "time"),
				.kind = history_text(question, "kind"),
				.step = history_text(question, "step"),
				.text = history_text(question, "text"),
				.choice = history_text(event, "choice"),
				.by = history_text(event, "by"),
				.reason = history_text(event, "reason")};
	}
	return 0;
}

/*
 * The machine's id is a secret of the machine (machine-id(5)): what is told is a digest of it,
 * under a name of ours, by which two receipts of one machine are known.
 */
static int take_host(struct arena *arena, struct receipt *receipt, struct err *err)
{
	CLEANUP_STR struct str id = STR_INIT, text = STR_INIT;
	struct utsname host = {.nodename = ""};
	char hex[SHA256_HEX_SIZE] = "";
	struct sha256 digest;
	struct err ignored;
	int rc = 0;

	if (uname(&host) != 0 || *host.nodename == '\0')
		(void)strcpy(host.nodename, "unknown");
	if (file_read_at(AT_FDCWD, MACHINE_ID_PATH, 128, &id, &ignored) == 0) {
		str_append_text(&text, "offkit machine-id\n");
		str_append(&text, str_text(&id), strcspn(str_text(&id), "\r\n"));
		rc = str_check(&text, err);
		if (rc == 0)
			rc = sha256_of(str_bytes(&text), &digest, err);
		if (rc == 0)
			sha256_to_hex(&digest, hex);
	}
	if (rc < 0)
		return rc;
	receipt->host = arena_string(arena, host.nodename);
	receipt->machine = arena_string(arena, hex);
	return receipt->host == NULL || receipt->machine == NULL ? err_no_memory(err) : 0;
}

static int take_file(
	int run_dirfd, const char *name, struct receipt_file *ret_file, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	CLEANUP_FD int fd = -1;
	int64_t size;
	int rc = file_open_at(run_dirfd, name, &fd, err);

	if (rc == 0)
		rc = sha256_stream_new(&stream, err);
	if (rc == 0)
		rc = sha256_of_file(stream, fd, &ret_file->digest, &size, err);
	ret_file->name = name;
	return rc < 0 ? err_context(err, "%s", name) : 0;
}

static int take_files(int run_dirfd, struct arena *arena, struct receipt *receipt, struct err *err)
{
	static const char *const NAMES[] = {REPORT_NAME, "report.txt", "report.html"};
	enum { COUNT = sizeof NAMES / sizeof *NAMES };
	int rc = 0;

	receipt->files = arena_array(arena, COUNT, sizeof *receipt->files);
	if (receipt->files == NULL)
		return err_no_memory(err);
	for (size_t i = 0; rc == 0 && i < COUNT; i++)
		rc = take_file(run_dirfd, NAMES[i], &receipt->files[i], err);
	receipt->file_count = COUNT;
	return rc;
}

/* ---- making it */

void receipt_announce(struct json_writer *writer, const char *state_dir, const char *run_id,
	const struct public_key *key)
{
	CLEANUP_STR struct str path = STR_INIT;
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(public_key_fingerprint(key), hex);
	json_member_object(writer, "receipt");
	str_append_format(&path, "%s/runs/%s/" RECEIPT_NAME, state_dir, run_id);
	json_member_string(writer, "path", str_text(&path));
	str_truncate(&path, path.size - strlen(RECEIPT_NAME));
	str_append_text(&path, RECEIPT_KEY_NAME);
	json_member_string(writer, "publicKey", str_text(&path));
	json_member_string(writer, "key", hex);
	json_write_end(writer);
}

static int sign(const struct receipt *receipt, const struct private_key *key, struct arena *arena,
	struct str *out, struct err *err)
{
	CLEANUP_STR struct str statement = STR_INIT;
	struct envelope envelope = {.payload_type = ENVELOPE_TYPE_IN_TOTO};
	char hex[SHA256_HEX_SIZE];
	int rc = receipt_write(receipt, &statement, err);

	if (rc < 0)
		return rc;
	envelope.untrusted_payload = str_bytes(&statement);
	sha256_to_hex(public_key_fingerprint(private_key_public(key)), hex);
	rc = envelope_sign(&envelope, key, KEY_ED25519, hex, arena, err);
	if (rc == 0)
		rc = envelope_write(&envelope, out, err);
	str_append_char(out, '\n');
	return rc < 0 ? rc : str_check(out, err);
}

int receipt_make(const struct history *history, const struct journal_head *head,
	const struct private_key *key, int run_dirfd, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT, pem = STR_INIT;
	struct receipt receipt = {0};
	int rc;

	take_run(history, head, &receipt);
	take_staging(history, &receipt);
	rc = take_steps(history, &arena, &receipt, err);
	if (rc == 0)
		rc = take_answers(history, &arena, &receipt, err);
	if (rc == 0)
		rc = take_host(&arena, &receipt, err);
	if (rc == 0)
		rc = take_files(run_dirfd, &arena, &receipt, err);
	if (rc == 0)
		rc = sign(&receipt, key, &arena, &text, err);
	if (rc == 0)
		rc = public_key_to_pem(private_key_public(key), &pem, err);
	if (rc == 0)
		rc = file_write_durable_at(run_dirfd, RECEIPT_KEY_NAME, str_bytes(&pem), 0644, err);
	if (rc == 0)
		rc = file_write_durable_at(run_dirfd, RECEIPT_NAME, str_bytes(&text), 0600, err);
	return rc < 0 ? err_context(err, RECEIPT_NAME) : 0;
}

/* ---- after a crash */

/* Whether what is there says how the chain ends, by this key. */
static bool is_there(int run_dirfd, const struct journal_head *head, const struct public_key *key)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct receipt receipt;
	struct err ignored;

	return file_read_at(run_dirfd, RECEIPT_NAME, RECEIPT_SIZE_MAX, &text, &ignored) == 0 &&
	       receipt_open(str_bytes(&text), key, &arena, &receipt, &ignored) == 0 &&
	       strcmp(receipt.head, head->hash) == 0;
}

static int open_run(int state_dirfd, const char *run_id, int *ret_fd, struct journal_head *ret_head,
	struct err *err)
{
	char id[RUN_ID_SIZE];
	size_t torn;

	(void)snprintf(id, sizeof id, "%s", run_id);
	int rc = run_open(state_dirfd, id, ret_fd, err);
	return rc < 0 ? rc : journal_read(*ret_fd, NULL, NULL, ret_head, &torn, err);
}

int receipt_mend(int state_dirfd, const char *run_id, const struct history *history,
	bool *ret_mended, struct err *err)
{
	CLEANUP(private_key_cleanup) struct private_key *key = NULL;
	CLEANUP_FD int run_dirfd = -1;
	struct journal_head head;
	int rc;

	*ret_mended = false;
	if (history->end == NULL || json_member(history->end, "receipt") == NULL)
		return 0;
	rc = open_run(state_dirfd, run_id, &run_dirfd, &head, err);
	if (rc == 0)
		rc = site_key_take(state_dirfd, &key, err);
	if (rc < 0 || is_there(run_dirfd, &head, private_key_public(key)))
		return rc;
	rc = report_write(history, &head, run_dirfd, err);
	if (rc == 0)
		rc = receipt_make(history, &head, key, run_dirfd, err);
	*ret_mended = rc == 0;
	return rc;
}
