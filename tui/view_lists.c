/*
 * What lies over the walk: help, the log, and details as lists that scroll.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "text/text.h"
#include "tui/view.h"

/* A list writes all its lines; the window shows those between scroll and scroll + rows. */
struct list {
	struct grid *grid;
	struct area area;
	int line, first;
};

static struct list list_begin(
	const struct model *model, struct grid *grid, struct area area, const char *title)
{
	(void)grid_put(grid, area.row, area.column, area.width, LOOK_BOLD, title);
	area.row += 2;
	area.rows -= 3;
	return (struct list){.grid = grid, .area = area, .first = model->scroll};
}

static int list_row(struct list *list)
{
	int row = list->line++ - list->first;

	return row >= 0 && row < list->area.rows ? list->area.row + row : -1;
}

static void list_text(struct list *list, enum look look, const char *text)
{
	(void)grid_put(list->grid, list_row(list), list->area.column, list->area.width, look, text);
}

static void list_pair(struct list *list, const char *label, const char *text)
{
	size_t width = (size_t)list->area.width - 12;
	const char *rest = text;

	do {
		int row = list_row(list);
		size_t fit = text_cut(rest, width);
		(void)grid_put(list->grid, row, list->area.column, 11, LOOK_DIM,
			rest == text ? label : "");
		(void)grid_put(
			list->grid, row, list->area.column + 12, (int)width, LOOK_PLAIN, rest);
		rest += fit;
		if (fit == 0)
			break;
	} while (*rest != '\0');
}

void view_help(const struct model *model, struct grid *grid, struct area area)
{
	static const char *const help[][2] = {
		{"Enter", "go on to the next page"},
		{"y  n", "answer the gate of a step; n leaves everything as it is"},
		{"1-9", "choose, after a failure"},
		{"p", "pause at the next safe point; r goes on"},
		{"x", "stop at the next safe point; offkit resume goes on later"},
		{"d", "details of the page, of a conflict both versions"},
		{"t f c", "the trust root and keys, the files, the components"},
		{"l", "the log, newest last"},
		{"b  Esc", "back from details, log and help"},
		{"Up Down", "scroll; PgUp and PgDn by ten lines"},
		{"Ctrl+C", "the same as x"},
		{"", ""},
		{"", "Nothing is lost by a closed window: every step is in the"},
		{"", "journal, and offkit resume ends where it would have ended."},
	};
	struct list list = list_begin(model, grid, area, "Keys");

	for (size_t i = 0; i < sizeof help / sizeof help[0]; i++) {
		int row = list_row(&list);
		(void)grid_put(grid, row, area.column, 9, LOOK_BOLD, help[i][0]);
		(void)grid_put(grid, row, area.column + (help[i][0][0] != '\0' ? 10 : 0),
			area.width - (help[i][0][0] != '\0' ? 10 : 0), LOOK_PLAIN, help[i][1]);
	}
}

void view_log(const struct model *model, struct grid *grid, struct area area)
{
	struct list list = list_begin(model, grid, area, "Log, newest first");
	char time[RFC3339_SIZE], text[1024];

	for (size_t i = model->log_count; i > 0; i--) {
		const struct model_line *line = &model->log[i - 1];
		time_format(line->time, time);
		(void)snprintf(text, sizeof text, "%.8s  %s", time + 11, line->text);
		list_text(&list, line->failed ? LOOK_FAILED : LOOK_PLAIN, text);
	}
	if (model->log_count == 0)
		list_text(&list, LOOK_DIM, "Nothing has happened yet.");
}

static void details_trust(const struct model *model, struct list *list)
{
	const struct json *root = json_member(model->run, "root");
	const struct json *signers = json_member(model->run, "signers");
	char text[128];

	(void)snprintf(text, sizeof text, "%lld, until %.10s",
		(long long)event_integer(root, "version", 0), event_text(root, "expires"));
	list_pair(list, "Version", text);
	list_pair(list, "SHA-256", event_text(root, "digest"));
	(void)snprintf(text, sizeof text, "%lld keys must sign a kit",
		(long long)event_integer(model->run, "threshold", 0));
	list_pair(list, "Threshold", text);
	list_text(list, LOOK_PLAIN, "");
	if (signers == NULL)
		return;
	for (const struct json *s = json_first(signers); s != NULL; s = json_next(s)) {
		list_text(list, LOOK_BOLD, event_text(s, "name"));
		list_pair(list, event_true(s, "signed") ? "signed" : "did not",
			event_text(s, "fingerprint"));
	}
}

static void details_plan(const struct model *model, struct list *list)
{
	for (size_t i = 0; i < model->check_count; i++) {
		list_pair(list, event_text(model->checks[i], "outcome"),
			event_text(model->checks[i], "text"));
	}
}

/* Every member of an event that is text or a number, as it stands in the journal. */
static void details_event(const struct json *event, struct list *list)
{
	char number[32];

	if (event == NULL)
		return;
	for (const struct json *m = json_first(event); m != NULL; m = json_next(m)) {
		if (json_type(m) == JSON_STRING)
			list_pair(list, json_name(m), json_string(m));
		if (!json_is_integer(m))
			continue;
		(void)snprintf(number, sizeof number, "%lld", (long long)json_integer(m));
		list_pair(list, json_name(m), number);
	}
}

static void details_members(const struct json *array, struct list *list)
{
	if (array == NULL || json_type(array) != JSON_ARRAY) {
		list_text(list, LOOK_DIM, "None.");
		return;
	}
	for (const struct json *item = json_first(array); item != NULL; item = json_next(item)) {
		if (json_type(item) == JSON_STRING)
			list_text(list, LOOK_PLAIN, json_string(item));
		else
			list_pair(list, event_text(item, "name"), event_text(item, "text"));
	}
}

void view_details(const struct model *model, struct grid *grid, struct area area)
{
	const struct model_step *step = view_step(model);
	struct list list;

	switch (model->details) {
	case 't':
		list = list_begin(model, grid, area, "Trust root and keys");
		details_trust(model, &list);
		return;
	case 'f':
		list = list_begin(model, grid, area, "Files of the kit");
		details_members(json_member(model->run, "fileList"), &list);
		return;
	case 'c':
		list = list_begin(model, grid, area, "Components");
		details_members(json_member(model->run, "componentList"), &list);
		return;
	case 'r':
		list = list_begin(model, grid, area, "Report");
		for (size_t i = 0; i < model->step_count; i++)
			if (model->steps[i].end != NULL)
				list_pair(&list, model->steps[i].label,
					event_text(model->steps[i].end, "text"));
		details_event(json_member(model->end, "report"), &list);
		return;
	default:
		list = list_begin(model, grid, area, "Details");
		if (model->failure != NULL)
			details_event(model->failure, &list);
		else if (step != NULL && step->plan != NULL && model->question != NULL &&
			 strcmp(event_text(model->question, "kind"), "gate") == 0)
			details_event(step->plan, &list);
		else
			details_plan(model, &list);
		return;
	}
}
