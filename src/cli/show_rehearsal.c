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

	str_append_format(out, "  %-10s %8s%s%s\n", name, text_duration(duration, takes),
		*what == '\0' ? "" : "   ", what);
}

static void list_steps(struct str *out, const struct shown_rehearsal *shown)
{
	char takes[TEXT_DURATION_SIZE];

	for (size_t i = 0; i < shown->done->count; i++) {
		const struct rehearsed_step *step = &shown->done->steps[i];
		row(out, step->name, step->took,
			step->nothing ? "nothing to do: it is already as this step would leave it"
				      : step->summary);
		if (step->undo_took >= 0)
			str_append_format(out, "  %-10s %8s   and back, the same as before\n", "",
				text_duration(step->undo_took, takes));
	}
	row(out, "compared", shown->done->compare_took,
		"the whole copy is as it was restored, by digest");
}

static void list_left_out(struct face *face, const struct rehearsed *done)
{
	for (size_t i = 0; i < done->left_out_count; i++)
		str_append_format(&face->result,
			"%s%s %s was not rehearsed, it works outside the database too: "
			"nothing of it was tried, and no time here has it in it\n",
			i == 0 ? "\n" : "", face_sign(face, SIGN_WARN), done->left_out[i].label);
}

void show_rehearsal_text(struct face *face, const struct shown_rehearsal *shown)
{
	const struct manifest *manifest = trusted_kit_manifest(shown->kit);
	const struct expected expected = expect(shown);
	struct str *out = &face->result;
	char takes[TEXT_DURATION_SIZE], size[TEXT_SIZE_SIZE], grown[TEXT_SIZE_SIZE];
	char count[TEXT_COUNT_SIZE];

	str_append_format(out, "%s %s %s rehearsed on a copy of %s, there and back: %s\n",
		face_sign(face, SIGN_GOOD), manifest->name, manifest->version,
		shown->site->database, text_duration(shown->took, takes));
	str_append_format(out,
		"  %s documents, %s of BSON; the copy is dropped, %s is as it was\n\n",
		text_count((int64_t)shown->documents, count), text_size(shown->octets, size),
		shown->site->database);
	row(out, "restored", shown->restore_took, "");
	list_steps(out, shown);
	str_append_format(out, "\nThe real run, by that%s:\n",
		shown->scale == 1.0 ? "" : ", scaled to the data of now");
	row(out, "freeze", shown->site->silence, "of silence to be seen");
	row(out, "backup", expected.backup, "");
	row(out, "steps", expected.steps, "");
	row(out, "watch", shown->site->watch, "after ingest is resumed");
	row(out, "total", expected.total, "and the operator's own time at gates");
	row(out, "rollback", expected.way_back, "if it has to be taken back");
	str_append_format(out, "  disk       about %s for the backup, about %s on the server\n",
		text_size(shown->file_octets, size), text_size(expected.grown, grown));
	list_left_out(face, shown->done);
}
