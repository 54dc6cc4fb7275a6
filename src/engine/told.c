#include "engine/told.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "engine/journal.h"

enum { CHUNK = 64 * 1024 };

static const char BEGIN_LINE[] = "{\"event\":\"feed.begin\"}\n";

static enum event kind_of(const struct json *event)
{
	const struct json *name = json_member(event, "event");

	return name != NULL && json_type(name) == JSON_STRING ? event_by_name(json_string(name))
							      : EVENT_COUNT;
}

static void forget(struct told *told, enum event event)
{
	str_truncate(&told->states[event].line, 0);
	told->states[event].version = 0;
}

/* A journaled event that makes what was told of the progress untrue. */
static bool ends_progress(enum event event)
{
	return event == EVENT_STEP_BEGIN || event == EVENT_STEP_END || event == EVENT_RUN_RESUME ||
	       event == EVENT_UNDO_BEGIN || event == EVENT_UNDO_END || event == EVENT_RUN_END;
}

static int keep_state(struct told *told, enum event event, struct bytes line, struct err *err)
{
	struct told_state *state = &told->states[event];

	str_truncate(&state->line, 0);
	str_append(&state->line, line.data, line.size);
	str_append_char(&state->line, '\n');
	state->version = ++told->version;
	return str_check(&state->line, err);
}

int told_event(struct told *told, struct bytes line, const struct json *event, struct err *err)
{
	enum event kind = kind_of(event);
	int rc = 0;

	if (kind == EVENT_COUNT)
		return 0;
	if (!event_journaled(kind))
		return keep_state(told, kind, line, err);
	if (told->journal_fd < 0) {
		str_append(&told->lines, line.data, line.size);
		str_append_char(&told->lines, '\n');
		rc = str_check(&told->lines, err);
	}
	told->size += (off_t)line.size + 1;
	if (ends_progress(kind))
		forget(told, EVENT_PROGRESS);
	return rc;
}

int told_journal(struct told *told, int run_dirfd, struct err *err)
{
	struct stat st;
	int fd = -1;
	int rc = file_open_at(run_dirfd, JOURNAL_NAME, &fd, err);

	if (rc < 0)
		return rc;
	if (fstat(fd, &st) != 0) {
		rc = err_set_errno(err, ERR_STATE_FOLDER, errno, JOURNAL_NAME);
		(void)close(fd);
		return rc;
	}
	if (told->journal_fd >= 0)
		(void)close(told->journal_fd);
	told->journal_fd = fd;
	/* What was told before is the same octets; else the journal was there before us. */
	if (told->size == 0)
		told->size = told->history = st.st_size;
	str_release(&told->lines);
	told->lines = STR_INIT;
	return 0;
}

static int append_lines(
	struct told *told, struct told_cursor *cursor, off_t end, struct str *out, struct err *err)
{
	size_t size = end - cursor->offset > CHUNK ? CHUNK : (size_t)(end - cursor->offset);

	if (told->journal_fd < 0) {
		if (told->lines.failed)
			return err_no_memory(err);
		str_append(out, told->lines.text + cursor->offset, size);
		cursor->offset += (off_t)size;
		return 1;
	}
	uint8_t *room = str_extend(out, size);
	if (room == NULL)
		return err_no_memory(err);
	ssize_t got = pread(told->journal_fd, room, size, cursor->offset);
	if (got <= 0)
		return err_set_errno(err, ERR_JOURNAL, got < 0 ? errno : EIO, JOURNAL_NAME);
	str_truncate(out, out->size - size + (size_t)got);
	cursor->offset += got;
	return 1;
}

/* The oldest state that the cursor has not seen. */
static const struct told_state *next_state(const struct told *told, uint64_t seen)
{
	const struct told_state *next = NULL;

	for (size_t i = 0; i < EVENT_COUNT; i++) {
		const struct told_state *state = &told->states[i];
		if (state->version > seen && (next == NULL || state->version < next->version))
			next = state;
	}
	return next;
}

int told_next(struct told *told, struct told_cursor *cursor, struct str *out, struct err *err)
{
	if (cursor->offset < told->history)
		return append_lines(told, cursor, told->history, out, err);
	if (!cursor->begun && told->size > 0) {
		cursor->begun = true;
		str_append_text(out, BEGIN_LINE);
		return 1;
	}
	if (cursor->offset < told->size)
		return append_lines(told, cursor, told->size, out, err);
	const struct told_state *state = next_state(told, cursor->seen);
	if (state == NULL)
		return 0;
	cursor->seen = state->version;
	str_append(out, state->line.text, state->line.size);
	return 1;
}

void told_release(struct told *told)
{
	for (size_t i = 0; i < EVENT_COUNT; i++)
		str_release(&told->states[i].line);
	str_release(&told->lines);
	if (told->journal_fd >= 0)
		(void)close(told->journal_fd);
	*told = TOLD_INIT;
}
