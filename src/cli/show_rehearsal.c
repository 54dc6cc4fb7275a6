#include "cli/show_rehearsal.h"

#include "text/text.h"

static int64_t scaled(const struct shown_rehearsal *shown, int64_t duration)
{
	return (int64_t)((double)duration * shown->scale);
}

struct expected {
	int64_t backup, steps, total, way_back; /* ms */
	uint64_t grown;				/* octets */
};

static struct expected expect(const struct shown_rehearsal *shown)
{
	struct expected expected = {
		.backup = shown->backup_takes < 0 ? 0 : shown->backup_takes,
		.way_back = scaled(shown, shown->done->compare_took),
		.grown = (uint64_t)((double)shown->done->grown * shown->scale),
	};

	for (size_t i = 0; i < shown->done->count; i++) {
		const struct rehearsed_step *step = &shown->done->steps[i];
		expected.steps += scaled(shown, step->took);
		expected.way_back += step->undo_took < 0 ? 0 : scaled(shown, step->undo_took);
	}
	expected.total =
		shown->site->silence + expected.backup + expected.steps + shown->site->watch;
	return expected;
}

/* ---- JSON */

static void write_kit(struct json_writer *writer, const struct trusted_kit *kit)
{
	const struct manifest *manifest = trusted_kit_manifest(kit);
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(trusted_kit_manifest_digest(kit), hex);
	json_member_object(writer, "kit");
	json_member_string(writer, "id", trusted_kit_id(kit));
	json_member_string(writer, "name", manifest->name);
	json_member_string(writer, "version", manifest->version);
	json_member_integer(writer, "sequence", manifest->sequence);
	json_member_string(writer, "digest", hex);
	json_write_end(writer);
}

static void write_steps(struct json_writer *writer, const struct shown_rehearsal *shown)
{
	json_member_array(writer, "steps");
	for (size_t i = 0; i < shown->done->count; i++) {
		const struct rehearsed_step *step = &shown->done->steps[i];
		json_write_object(writer);
		json_member_string(writer, "name", step->name);
		json_member_string(writer, "label", step->label);
		json_member_string(writer, "outcome", step->nothing ? "nothing" : "done");
		json_member_string(writer, "summary", step->summary);
		json_member_integer(writer, "duration", step->took);
		json_member_integer(writer, "expected", scaled(shown, step->took));
		if (step->undo_took >= 0)
			json_member_integer(writer, "undoDuration", step->undo_took);
		json_write_end(writer);
	}
	json_write_end(writer);
}

static void write_left_out(struct json_writer *writer, const struct rehearsed *done)
{
	json_member_array(writer, "notRehearsed");
	for (size_t i = 0; i < done->left_out_count; i++) {
		json_write_object(writer);
		json_member_string(writer, "name", done->left_out[i].name);
		json_member_string(writer, "label", done->left_out[i].label);
		json_write_end(writer);
	}
	json_write_end(writer);
}

static void write_expected(struct json_writer *writer, const struct shown_rehearsal *shown)
{
	const struct expected expected = expect(shown);

	json_member_object(writer, "expected");
	json_member_number(writer, "scale", shown->scale);
	json_member_integer(writer, "freeze", shown->site->silence);
	json_member_integer(writer, "backup", expected.backup);
	json_member_integer(writer, "steps", expected.steps);
	json_member_integer(writer, "watch", shown->site->watch);
	json_member_integer(writer, "total", expected.total);
	json_member_integer(writer, "rollback", expected.way_back);
	json_member_integer(writer, "backupOctets", (int64_t)shown->file_octets);
	json_member_integer(writer, "databaseOctets", (int64_t)expected.grown);
	json_write_end(writer);
}

void show_rehearsal_json(const struct shown_rehearsal *shown, struct str *out)
{
	struct json_writer writer;

	json_write_begin(&writer, out);
	json_write_object(&writer);
	json_member_string(&writer, "rehearsal", shown->run_id);
	json_member_time(&writer, "began", shown->began);
	json_member_integer(&writer, "duration", shown->took);
	write_kit(&writer, shown->kit);
	json_member_string(&writer, "site", shown->site->name);
	json_member_string(&writer, "database", shown->site->database);
	json_member_object(&writer, "scratch");
	json_member_string(&writer, "database", shown->database);
	json_member_string(&writer, "server", shown->server);
	json_write_end(&writer);
	json_member_object(&writer, "backup");
	json_member_string(&writer, "dir", shown->backup);
	json_member_bool(&writer, "taken", shown->taken);
	json_member_integer(&writer, "documents", (int64_t)shown->documents);
	json_member_integer(&writer, "octets", (int64_t)shown->octets);
	json_member_integer(&writer, "restoreDuration", shown->restore_took);
	json_write_end(&writer);
	write_steps(&writer, shown);
	write_left_out(&writer, shown->done);
	json_member_integer(&writer, "compareDuration", shown->done->compare_took);
	write_expected(&writer, shown);
	json_write_end(&writer);
	str_append_char(out, '\n');
}

/* ---- text */

static void row(struct str *out, const char *name, int64_t duration, const char *what)
{
	char takes[TEXT_DURATION_SIZE];

	str_append_text(out, "  ");
	text_append_column(out, name, 10);
	str_append_format(out, " %8s%s%s\n", text_duration(duration, takes),
		*what == '\0' ? "" : "   ", what);
}

static void row_of(struct face *face, enum message name, int64_t duration, enum message what)
{
	row(&face->result, face_text(face, name), duration, face_text(face, what));
}

static void list_steps(struct face *face, const struct shown_rehearsal *shown)
{
	for (size_t i = 0; i < shown->done->count; i++) {
		const struct rehearsed_step *step = &shown->done->steps[i];
		row(&face->result, step->name, step->took,
			step->nothing ? face_text(face, MSG_REHEARSED_NOTHING) : step->summary);
		if (step->undo_took >= 0)
			row_of(face, MSG_NONE, step->undo_took, MSG_REHEARSED_BACK);
	}
	row_of(face, MSG_REHEARSED_COMPARED, shown->done->compare_took, MSG_REHEARSED_DIGEST);
}

static void show_expected(struct face *face, const struct shown_rehearsal *shown)
{
	const struct expected expected = expect(shown);
	char size[TEXT_SIZE_SIZE], grown[TEXT_SIZE_SIZE];
	struct str *out = &face->result;

	str_append_format(out, "\n%s\n",
		face_text(face,
			shown->scale == 1.0 ? MSG_EXPECTED_TITLE : MSG_EXPECTED_TITLE_SCALED));
	row_of(face, MSG_EXPECTED_FREEZE, shown->site->silence, MSG_EXPECTED_SILENCE);
	row_of(face, MSG_EXPECTED_BACKUP, expected.backup, MSG_NONE);
	row_of(face, MSG_EXPECTED_STEPS, expected.steps, MSG_NONE);
	row_of(face, MSG_EXPECTED_WATCH, shown->site->watch, MSG_EXPECTED_RESUMED);
	row_of(face, MSG_EXPECTED_TOTAL, expected.total, MSG_EXPECTED_GATES);
	row_of(face, MSG_EXPECTED_ROLLBACK, expected.way_back, MSG_EXPECTED_TAKEN_BACK);
	str_append_text(out, "  ");
	message_append_label(out, face->language, MSG_EXPECTED_DISK, 11);
	message_append(out, face->language, MSG_EXPECTED_ROOM, text_size(shown->file_octets, size),
		text_size(expected.grown, grown));
	str_append_char(out, '\n');
}

static void list_left_out(struct face *face, const struct rehearsed *done)
{
	struct str *out = &face->result;

	for (size_t i = 0; i < done->left_out_count; i++) {
		str_append_format(out, "%s%s ", i == 0 ? "\n" : "", face_sign(face, SIGN_WARN));
		message_append(out, face->language, MSG_NOT_REHEARSED, done->left_out[i].label);
		str_append_char(out, '\n');
	}
}

void show_rehearsal_text(struct face *face, const struct shown_rehearsal *shown)
{
	const struct manifest *manifest = trusted_kit_manifest(shown->kit);
	struct str *out = &face->result;
	char takes[TEXT_DURATION_SIZE], size[TEXT_SIZE_SIZE], count[TEXT_COUNT_SIZE];

	str_append_format(out, "%s ", face_sign(face, SIGN_GOOD));
	message_append(out, face->language, MSG_REHEARSED, manifest->name, manifest->version,
		shown->site->database, text_duration(shown->took, takes));
	str_append_text(out, "\n  ");
	message_append(out, face->language, MSG_REHEARSED_COPY,
		text_count((int64_t)shown->documents, count), text_size(shown->octets, size),
		shown->site->database);
	str_append_text(out, "\n\n");
	row_of(face, MSG_REHEARSED_RESTORED, shown->restore_took, MSG_NONE);
	list_steps(face, shown);
	show_expected(face, shown);
	list_left_out(face, shown->done);
}
