/*
 * What lies over the walk: help, the log, and details as lists that scroll.
 */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "json/json_write.h"
#include "text/text.h"
#include "tui/view.h"

/* A list writes all its lines; the window shows those between first and first + rows. */
struct list {
	struct grid *grid;
	struct area area;
	const char *title;
	int line, first;
};

static struct list list_begin(struct grid *grid, struct area area, int first, const char *title)
{
	(void)grid_put(grid, area.row, area.column, area.width, LOOK_BOLD, title);
	area.row += 2;
	area.rows -= 2;
	grid_clip(grid, grid->column_end, area.row, area.row + area.rows);
	return (struct list){.grid = grid, .area = area, .title = title, .first = first};
}

/* How far it can be scrolled; a list that is longer than its window says where one is. */
static int list_end(struct list *list)
{
	char text[80], first[TEXT_COUNT_SIZE], last[TEXT_COUNT_SIZE], all[TEXT_COUNT_SIZE];
	struct area area = list->area;
	int limit = list->line > area.rows ? list->line - area.rows : 0;
	int end = list->first + area.rows;

	grid_clip(list->grid, list->grid->column_end, area.row - 2, area.row + area.rows);
	if (limit == 0)
		return 0;
	(void)snprintf(text, sizeof text, "%s-%s of %s", text_count(list->first + 1, first),
		text_count(end < list->line ? end : list->line, last), text_count(list->line, all));
	(void)grid_put_right(list->grid, area.row - 2, area.column + area.width, LOOK_DIM, text);
	return limit;
}

/* Where a line stands; the grid leaves out what is before and behind the window. */
static int list_row(const struct list *list)
{
	return list->area.row + list->line - list->first;
}

static void list_text(struct list *list, enum look look, const char *text)
{
	(void)grid_put_short(
		list->grid, list_row(list), list->area.column, list->area.width, look, text);
	list->line++;
}

/* Text behind a label, as many lines as it needs. */
static void list_part(
	struct list *list, const char *label, int label_width, enum look look, const char *text)
{
	int row = list_row(list), column = list->area.column;

	if (label_width > 0)
		(void)grid_put_short(list->grid, row, column, label_width - 1, LOOK_DIM, label);
	int next = grid_wrap(
		list->grid, row, column + label_width, list->area.width - label_width, look, text);
	list->line += next > row ? next - row : 1;
}

static void list_pair(struct list *list, const char *label, const char *text)
{
	list_part(list, label, 12, LOOK_PLAIN, text);
}

static void list_integer(struct list *list, const char *label, int64_t value)
{
	char count[TEXT_COUNT_SIZE];

	list_pair(list, label, text_count(value, count));
}

int view_help(const struct model *model, struct grid *grid, struct area area, int first)
{
	static const char *const help[][2] = {
		{"Enter", "go on to the next page"},
		{"y  n", "begin the step of this gate, or not now"},
		{"1-9", "choose, after a failure"},
		{"p  r", "pause at the next safe point, and go on"},
		{"x", "stop at the next safe point: offkit resume"},
		{"Ctrl+C", "the same as x; again: how long it takes"},
		{"d", "details of the page; while it works: detach"},
		{"t f c e", "trust root, files, components, evidence"},
		{"s", "save the plan as text"},
		{"r  h", "at the end: the report; its hash as QR code"},
		{"c", "take command, where this only watches"},
		{"l", "the log, newest first"},
		{"b  Esc", "back; Up, Down, PgUp and PgDn scroll"},
		{"q", "leave"},
	};
	struct list list = list_begin(grid, area, first, "Keys");

	(void)model;
	for (size_t i = 0; i < sizeof help / sizeof help[0]; i++) {
		(void)grid_put(grid, list_row(&list), area.column, 9, LOOK_BOLD, help[i][0]);
		list_part(&list, "", 10, LOOK_PLAIN, help[i][1]);
	}
	list_text(&list, LOOK_PLAIN, "");
	list_part(&list, "", 0, LOOK_PLAIN,
		"A closed window or a dead connection loses nothing: the run goes on, and offkit "
		"attach comes back.");
	return list_end(&list);
}

int view_log(const struct model *model, struct grid *grid, struct area area, int first)
{
	struct list list = list_begin(grid, area, first, "Log, newest first");
	const struct model_line *line;
	char time[RFC3339_SIZE], text[MODEL_TEXT_MAX + 16];

	for (size_t i = 0; (line = model_log(model, i)) != NULL; i++) {
		time_format(line->time, time);
		(void)snprintf(text, sizeof text, "%.8s  %s", time + 11, line->text);
		list_text(&list, line->failed ? LOOK_FAILED : LOOK_PLAIN, text);
	}
	if (model->log_count == 0)
		list_text(&list, LOOK_DIM, "Nothing has happened yet.");
	return list_end(&list);
}

/* ---- details: one function a page */

static void details_trust(const struct model *model, struct list *list)
{
	const struct json *root = json_member(model->run.event, "root");
	const struct json *signers = json_member(model->run.event, "signers");
	char text[128];

	(void)snprintf(text, sizeof text, "%lld, until %.10s",
		(long long)event_integer(root, "version", 0), event_text(root, "expires"));
	list_pair(list, "Version", text);
	list_pair(list, "SHA-256", event_text(root, "digest"));
	(void)snprintf(text, sizeof text, "%lld keys must sign a kit",
		(long long)event_integer(model->run.event, "threshold", 0));
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

/* name, and under it what there is to say of it; more are in the kit than are told. */
static void details_members(const struct json *array, int64_t all, struct list *list)
{
	char text[96], count[TEXT_COUNT_SIZE];
	int64_t shown = 0;

	if (array == NULL || json_type(array) != JSON_ARRAY || json_count(array) == 0) {
		list_text(list, LOOK_DIM, "None.");
		return;
	}
	for (const struct json *item = json_first(array); item != NULL; item = json_next(item)) {
		list_part(list, "", 0, LOOK_PLAIN, event_text(item, "name"));
		if (event_text(item, "text")[0] != '\0')
			list_part(list, "", 2, LOOK_DIM, event_text(item, "text"));
		shown++;
	}
	if (shown >= all)
		return;
	(void)snprintf(
		text, sizeof text, "%s more: offkit inspect", text_count(all - shown, count));
	list_text(list, LOOK_DIM, text);
}

static void details_files(const struct model *model, struct list *list)
{
	details_members(json_member(model->run.event, "fileList"),
		event_integer(model->run.event, "files", 0), list);
}

static void details_components(const struct model *model, struct list *list)
{
	details_members(json_member(model->run.event, "componentList"),
		event_integer(model->run.event, "components", 0), list);
}

static void details_evidence(const struct model *model, struct list *list)
{
	details_members(json_member(model->run.event, "evidenceList"), 0, list);
}

static void details_report(const struct model *model, struct list *list)
{
	const struct json *report = json_member(model->end.event, "report");

	for (size_t i = 0; i < model->step_count; i++)
		if (model->steps[i].end.event != NULL) {
			list_text(list, LOOK_BOLD, model->steps[i].label);
			list_part(list, "", 2, LOOK_PLAIN,
				event_text(model->steps[i].end.event, "text"));
		}
	if (report == NULL || json_type(report) != JSON_OBJECT)
		return;
	list_text(list, LOOK_PLAIN, "");
	for (const struct json *file = json_first(report); file != NULL; file = json_next(file))
		if (json_type(file) == JSON_STRING)
			list_pair(list, json_name(file), json_string(file));
	const struct json *receipt = json_member(model->end.event, "receipt");
	if (receipt == NULL)
		return;
	list_pair(list, "receipt", event_text(receipt, "path"));
	list_pair(list, "site key", event_text(receipt, "key"));
}

static void details_checks(const struct model *model, struct list *list)
{
	for (size_t i = 0; i < model->check_count; i++) {
		const struct json *check = model->checks[i].event;
		enum look look;
		const char *sign = view_outcome(check, &look);
		list_part(list, sign, 2, look, event_text(check, "text"));
	}
	if (model->check_count == 0)
		list_text(list, LOOK_DIM, "Nothing was checked.");
}

static const char *words_of_way_back(const char *name)
{
	static const char *const words[][2] = {
		{"exact", "exact"},
		{"restore", "only by restoring the backup"},
		{"none", "none that is exact"},
	};

	for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
		if (strcmp(words[i][0], name) == 0)
			return words[i][1];
	return name;
}

/* The whole plan of a step, nothing cut. */
static void details_step(const struct model_step *step, struct list *list)
{
	const struct json *plan = step->plan.event;
	const struct json *what = json_member(plan, "what");
	char text[TEXT_SIZE_SIZE];

	list_text(list, LOOK_BOLD, step->label);
	if (what != NULL)
		for (const struct json *line = json_first(what); line != NULL;
			line = json_next(line))
			list_part(list, "-", 2, LOOK_PLAIN, json_string(line));
	list_text(list, LOOK_PLAIN, "");
	if (event_text(plan, "size")[0] != '\0')
		list_pair(list, "Size", event_text(plan, "size"));
	if (event_integer(plan, "takes", -1) >= 0)
		list_pair(list, "Takes", text_duration(event_integer(plan, "takes", 0), text));
	if (event_integer(plan, "octets", 0) > 0)
		list_pair(
			list, "Disk", text_size((uint64_t)event_integer(plan, "octets", 0), text));
	list_pair(list, "Changes", event_text(plan, "changes"));
	list_pair(list, "Way back", event_text(plan, "wayBackText"));
	list_pair(list, "", words_of_way_back(event_text(plan, "wayBack")));
	if (event_text(plan, "proof")[0] != '\0')
		list_pair(list, "Proof", event_text(plan, "proof"));
}

/* A value as JSON, for what was found and what is derived. */
static void list_value(struct list *list, const char *label, const struct json *value)
{
	struct str text = STR_INIT;
	struct json_writer writer;

	if (json_type(value) == JSON_STRING) {
		list_pair(list, label, json_string(value));
		return;
	}
	json_write_begin(&writer, &text);
	json_write_value(&writer, value);
	list_pair(list, label, str_text(&text));
	str_release(&text);
}

/* One field of both versions, the one under the other. */
static void details_difference(const struct json *conflict, const char *field, struct list *list)
{
	const struct json *here = json_member(json_member(conflict, "existing"), field);
	const struct json *derived = json_member(json_member(conflict, "derived"), field);

	list_text(list, LOOK_BOLD, field);
	if (here != NULL)
		list_value(list, "  is", here);
	else
		list_pair(list, "  is", "(not there)");
	if (derived != NULL)
		list_value(list, "  derived", derived);
	else
		list_pair(list, "  derived", "(not there)");
}

static void details_conflict(const struct json *conflict, struct list *list)
{
	const struct json *differs = json_member(conflict, "differs");
	const struct json *source = json_member(conflict, "sourceKey");

	list_text(list, LOOK_PLAIN, "");
	list_pair(list, event_text(conflict, "kind"), event_text(conflict, "reason"));
	if (event_text(conflict, "id")[0] != '\0') {
		list_pair(list, "In", event_text(conflict, "collection"));
		list_pair(list, "Document", event_text(conflict, "id"));
	}
	list_pair(list, "From", event_text(conflict, "source"));
	if (source != NULL)
		list_value(list, "", source);
	if (differs == NULL)
		return;
	for (const struct json *field = json_first(differs); field != NULL;
		field = json_next(field))
		if (json_type(field) == JSON_STRING)
			details_difference(conflict, json_string(field), list);
}

static void details_failure(const struct json *failure, struct list *list)
{
	const struct json *conflicts = json_member(failure, "conflicts");

	list_pair(list, "What", event_text(failure, "message"));
	list_pair(list, "That is", event_text(failure, "sentence"));
	list_pair(list, "Way on", event_text(failure, "next"));
	list_pair(list, "Code", event_text(failure, "code"));
	list_integer(list, "Exit code", event_integer(failure, "exit", 0));
	if (conflicts == NULL || json_type(conflicts) != JSON_ARRAY)
		return;
	for (const struct json *c = json_first(conflicts); c != NULL; c = json_next(c))
		details_conflict(c, list);
}

/* What "d" is about: the failure, the step at whose gate one stands, or the checks. */
static void details_page(const struct model *model, struct list *list)
{
	const struct model_step *step = view_step(model);
	const char *kind = event_text(model->question.event, "kind");

	if (model->failure.event != NULL)
		details_failure(model->failure.event, list);
	else if (step != NULL && step->plan.event != NULL && strcmp(kind, "gate") == 0)
		details_step(step, list);
	else
		details_checks(model, list);
}

static const struct {
	char key;
	const char *title;
	void (*draw)(const struct model *model, struct list *list);
} details[] = {
	{'t', "Trust root and keys", details_trust},
	{'f', "Files of the kit", details_files},
	{'c', "Components", details_components},
	{'e', "Images, attestations, SBOMs", details_evidence},
	{'r', "Report", details_report},
	{'d', "Details", details_page},
};

int view_details(const struct model *model, struct grid *grid, struct area area, int first)
{
	for (size_t i = 0; i < sizeof details / sizeof details[0]; i++) {
		if (details[i].key != model->details)
			continue;
		struct list list = list_begin(grid, area, first, details[i].title);
		details[i].draw(model, &list);
		return list_end(&list);
	}
	return 0;
}
