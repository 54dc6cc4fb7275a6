/*
 * A run's journal. As it is: what is read whole is read so again, and goes on with the next event.
 * And with its chain put right, so that the fold of events behind it is reached: its sums hold.
 */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "engine/history.h"
#include "engine/quoted.h"
#include "tests/fuzz/aid.h"

static void check_history(const struct history *history)
{
	HOLDS(history->step_count <= HISTORY_STEPS_MAX);
	HOLDS(*history_state_name(history_state(history)) != '\0');
	for (size_t i = 0; i < history->step_count; i++) {
		const struct history_step *step = &history->steps[i];
		HOLDS(step->name != NULL && step->label != NULL && step->kind != NULL);
		HOLDS(step->checkpoint == NULL || json_type(step->checkpoint) == JSON_OBJECT);
		(void)history_spent(step);
	}
}

static int read_journal(struct journal_head *ret_head, size_t *ret_torn)
{
	struct history history = {0};
	struct err err = {0};
	int rc = journal_read(scratch_folder(), history_visit, &history, ret_head, ret_torn, &err);

	HOLDS(rc == 0 || rc == -ERR_JOURNAL);
	if (rc == 0)
		check_history(&history);
	history_release(&history);
	return rc;
}

static void goes_on(const struct journal_head *head, size_t torn)
{
	CLEANUP(journal_cleanup) struct journal *journal = NULL;
	struct journal_head after;
	struct bytes line;
	size_t cut = 0;
	struct err err;

	HOLDS(journal_open(scratch_folder(), NULL, NULL, &journal, &cut, &err) == 0);
	HOLDS(cut == torn && journal_head(journal)->seq == head->seq);
	HOLDS(strcmp(journal_head(journal)->hash, head->hash) == 0);
	json_member_string(journal_begin(journal, "note", true), "text", "more");
	HOLDS(journal_end(journal, &line, &err) == 0);
	HOLDS(journal_read(scratch_folder(), NULL, NULL, &after, &cut, &err) == 0);
	HOLDS(cut == 0 && after.seq == head->seq + 1);
}

/* The line's members as an event of a journal that is made here. */
static int add(struct journal *journal, struct bytes line, struct history *history)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL, *made = NULL;
	const char *event = "note";
	struct bytes written;
	struct err err;

	if (json_parse(line, JSON_LIMITS(1 << 16), &doc, &err) < 0 ||
		json_type(json_root(doc)) != JSON_OBJECT)
		return 0;
	(void)!json_optional_string(json_root(doc), "event", 100, &event, &err);
	struct json_writer *writer = journal_begin(journal, event, true);
	for (const struct json *member = json_first(json_root(doc)); member != NULL;
		member = json_next(member)) {
		static const char *const taken[] = {"event", "seq", "time", "prev", "hash"};
		bool is_taken = false;
		for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
			is_taken = is_taken || strcmp(taken[i], json_name(member)) == 0;
		if (!is_taken)
			json_member_value(writer, json_name(member), member);
	}
	HOLDS(journal_end(journal, &written, &err) == 0);
	HOLDS(json_parse(written, JSON_LIMITS(1 << 20), &made, &err) == 0);
	int rc = history_add(history, STEAL(made), &err);
	HOLDS(rc == 0 || rc == -ERR_JOURNAL);
	return rc;
}

static void with_its_chain_put_right(struct bytes text)
{
	CLEANUP(journal_cleanup) struct journal *journal = NULL;
	struct history history = {0};
	struct journal_head head;
	size_t torn = 0;
	struct err err;
	int rc = 0;

	HOLDS(journal_new(&journal, &err) == 0);
	while (text.size > 0 && rc == 0) {
		const uint8_t *feed = memchr(text.data, '\n', text.size);
		size_t size = feed != NULL ? (size_t)(feed - text.data) : text.size;
		rc = add(journal, bytes_make(text.data, size), &history);
		size_t taken = feed != NULL ? size + 1 : size;
		text = bytes_make(text.data + taken, text.size - taken);
	}
	check_history(&history);
	HOLDS(journal_persist(journal, scratch_folder(), &err) == 0);
	HOLDS(read_journal(&head, &torn) == rc && (rc < 0 || torn == 0));
	HOLDS(rc < 0 || head.seq == journal_head(journal)->seq);
	history_release(&history);
}

static void quote(struct bytes text)
{
	CLEANUP_STR struct str out = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct json_writer writer;
	struct err err;

	scratch_put("conflicts.ndjson", text);
	json_write_begin(&writer, &out);
	json_write_object(&writer);
	quote_conflicts(scratch_folder(), &writer);
	json_write_end(&writer);
	HOLDS(json_parse(str_bytes(&out), JSON_LIMITS_OWN(SIZE_MAX), &doc, &err) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes text = bytes_make(data, size);
	struct journal_head head;
	size_t torn = 0;

	scratch_put(JOURNAL_NAME, text);
	if (read_journal(&head, &torn) == 0)
		goes_on(&head, torn);
	with_its_chain_put_right(text);
	quote(text);
	return 0;
}
