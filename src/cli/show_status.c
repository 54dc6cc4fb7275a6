#include "cli/show_status.h"

static void write_standing(struct json_writer *writer, const struct json *standing)
{
	static const char *const MEMBERS[] = {"command", "pid", "yes", "faces", "taken", "paused",
		"pausing", "stopping", "question", "text", "step", "spent"};

	for (size_t i = 0; i < sizeof MEMBERS / sizeof *MEMBERS; i++) {
		const struct json *member = json_member(standing, MEMBERS[i]);
		if (member != NULL)
			json_member_value(writer, MEMBERS[i], member);
	}
}

void status_json(
	const struct newest_run *newest, const struct database_view *database, struct str *out)
{
	const struct history *history = &newest->history;
	struct json_writer writer;

	json_write_begin(&writer, out);
	json_write_object(&writer);
	json_member_string(&writer, "state",
		newest->found ? history_state_name(history_state(history)) : "none");
	json_member_string(&writer, "atWork", newest->holder);
	if (newest->standing != NULL) {
		json_member_object(&writer, "engine");
		write_standing(&writer, json_root(newest->standing));
		json_write_end(&writer);
	}
	if (newest->found) {
		json_member_string(&writer, "run", newest->id);
		json_member_value(&writer, "kit", json_member(history->begin, "kit"));
		json_member_string(&writer, "begun", history_text(history->begin, "time"));
		json_member_array(&writer, "steps");
		for (size_t i = 0; i < history->step_count; i++) {
			const struct history_step *step = &history->steps[i];
			json_write_object(&writer);
			json_member_string(&writer, "name", step->name);
			json_member_string(&writer, "label", step->label);
			json_member_string(&writer, "outcome", history_outcome(history, step));
			json_member_integer(&writer, "duration", history_spent(step));
			if (step->failure != NULL)
				json_member_string(
					&writer, "message", history_text(step->failure, "message"));
			json_write_end(&writer);
		}
		json_write_end(&writer);
		if (history->end != NULL && json_member(history->end, "receipt") != NULL)
			json_member_value(&writer, "receipt", json_member(history->end, "receipt"));
		json_member_bool(&writer, "ingestResumed", history->ingest_resumed);
		json_member_object(&writer, "journal");
		json_member_integer(&writer, "events", newest->head.seq);
		json_member_string(&writer, "head", newest->head.hash);
		json_write_end(&writer);
	}
	database_view_write(database, &writer);
	json_write_end(&writer);
	str_append_char(out, '\n');
}
