/* offkit trust reset-time: the way back from a time that was never true. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/face.h"
#include "trust/record.h"
#include "trust/store.h"
#include "verify/verify.h"

struct reset_values {
	const char *reason;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("reason", 0, "TEXT", struct reset_values, reason,
		"why the recorded time is wrong; it is kept"),
	OPTION_END,
};

static const char *time_or_none(
	const struct face *face, int64_t time, char text[static RFC3339_SIZE])
{
	if (time == INT64_MIN)
		return face_text(face, MSG_NO_TIME);
	time_format(time, text);
	return text;
}

static void show_json(struct face *face, const struct reset_record *record, bool reset)
{
	struct json_writer writer;

	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_bool(&writer, "reset", reset);
	if (record->from != INT64_MIN)
		json_member_time(&writer, "from", record->from);
	if (record->to != INT64_MIN)
		json_member_time(&writer, "to", record->to);
	json_member_time(&writer, "clock", record->reset);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static void show_text(struct face *face, const struct reset_record *record, bool reset)
{
	char from[RFC3339_SIZE], to[RFC3339_SIZE], now[RFC3339_SIZE];

	time_format(record->reset / 1000 * 1000, now);
	if (reset) {
		message_append(&face->result, face->language, MSG_TIME_RESET,
			time_or_none(face, record->from, from), time_or_none(face, record->to, to));
		str_append_char(&face->result, '\n');
		message_append(&face->result, face->language, MSG_CLOCK_AND_SEQUENCES, now);
	} else {
		message_append(&face->result, face->language, MSG_TIME_NOT_RESET,
			time_or_none(face, record->from, from), now);
	}
	str_append_char(&face->result, '\n');
}

/* The record first: there is never a reset that nobody can read of. */
static int reset_times(int state_dirfd, const struct reset_record *record, struct err *err)
{
	CLEANUP_FD int trust_dirfd = -1;
	int rc = trust_store_make_folder(state_dirfd, &trust_dirfd, err);

	if (rc == 0)
		rc = reset_record_write(trust_dirfd, record, err);
	return rc < 0 ? rc : installed_forget_times(state_dirfd, record->reset, err);
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP_FD int state_dirfd = -1;
	CLEANUP_FD int lock_fd = -1;
	const struct reset_values *given = values;
	struct reset_record record = {.reset = clock_now(), .reason = given->reason};

	(void)operand_count;
	(void)operands;
	if (given->reason == NULL)
		return err_set(err, ERR_USAGE, "--reason TEXT says why the recorded time is wrong");
	int rc = face_lock_state(face, "trust reset-time", &state_dirfd, &lock_fd, err);
	if (rc == 0)
		rc = installed_newest(state_dirfd, INT64_MAX, &record.from, err);
	if (rc == 0)
		rc = installed_newest(state_dirfd, record.reset, &record.to, err);
	bool reset = rc == 0 && record.from != record.to;
	if (reset)
		rc = reset_times(state_dirfd, &record, err);
	if (rc < 0)
		return rc;
	if (face->json)
		show_json(face, &record, reset);
	else
		show_text(face, &record, reset);
	return 0;
}

const struct command command_trust_reset_time = {
	.name = "trust reset-time",
	.synopsis = "",
	.summary = "forget recorded times that lie ahead of this machine's clock",
	.options = options,
	.values_size = sizeof(struct reset_values),
	.run = run,
};
