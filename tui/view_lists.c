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
	int line, first;
};

static struct list list_begin(struct grid *grid, struct area area, int first, enum message title)
{
	(void)grid_put(grid, area.row, area.column, area.width, LOOK_BOLD, say(area, title));
	area.row += 2;
	area.rows -= 2;
	grid_clip(grid, grid->column_end, area.row, area.row + area.rows);
	return (struct list){.grid = grid, .area = area, .first = first};
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
	message_format(text, sizeof text, area.language, MSG_LINES_OF,
		text_count(list->first + 1, first),
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

enum { LABEL_WIDTH = 12 };

/* Under a label of the record's. */
static void list_named(struct list *list, const char *label, const char *text)
{
	list_part(list, label, LABEL_WIDTH, LOOK_PLAIN, text);
}

static void list_pair(struct list *list, enum message label, const char *text)
{
	list_named(list, say(list->area, label), text);
}

/* The same of a text of the record. */
static void list_part_record(
	struct list *list, const char *label, int label_width, const char *text)
{
	struct str said = STR_INIT;

	message_append_record(&said, list->area.language, text);
	list_part(list, label, label_width, LOOK_PLAIN, str_text(&said));
	str_release(&said);
}

static void list_record(struct list *list, enum message label, const char *text)
{
	list_part_record(list, say(list->area, label), LABEL_WIDTH, text);
}

static void list_message(struct list *list, enum look look, enum message which)
{
	list_text(list, look, say(list->area, which));
}

static void list_integer(struct list *list, enum message label, int64_t value)
{
	char count[TEXT_COUNT_SIZE];

	list_pair(list, label, text_count(value, count));
}

int view_help(const struct model *model, struct grid *grid, struct area area, int first)
{
	static const struct {
		const char *keys;
		enum message does;
	} help[] = {
		{"Enter", MSG_HELP_ENTER},
		{"y  n", MSG_HELP_GATE},
		{"1-9", MSG_HELP_CHOOSE},
		{"p  r", MSG_HELP_PAUSE},
		{"x", MSG_HELP_STOP},
		{"Ctrl+C", MSG_HELP_INTERRUPT},
		{"d", MSG_HELP_DETAILS},
		{"t f c e", MSG_HELP_KIT_PAGES},
		{"s", MSG_HELP_SAVE_PLAN},
		{"r  h", MSG_HELP_END},
		{"c", MSG_HELP_COMMAND},
		{"l", MSG_HELP_LOG},
		{"b  Esc", MSG_HELP_BACK},
		{"q", MSG_HELP_LEAVE},
	};
	struct list list = list_begin(grid, area, first, MSG_HELP_TITLE);

	(void)model;
	for (size_t i = 0; i < sizeof help / sizeof help[0]; i++) {
		(void)grid_put(grid, list_row(&list), area.column, 9, LOOK_BOLD, help[i].keys);
		list_part(&list, "", 10, LOOK_PLAIN, say(area, help[i].does));
	}
	list_text(&list, LOOK_PLAIN, "");
	list_part(&list, "", 0, LOOK_PLAIN, say(area, MSG_HELP_NOTHING_IS_LOST));
	return list_end(&list);
}

int view_log(const struct model *model, struct grid *grid, struct area area, int first)
{
	struct list list = list_begin(grid, area, first, MSG_LOG_TITLE);
	const struct model_line *line;
	char time[RFC3339_SIZE];

	for (size_t i = 0; (line = model_log(model, i)) != NULL; i++) {
		time_format(line->time, time);
		time[19] = '\0';
		list_part(
			&list, time + 11, 10, line->failed ? LOOK_FAILED : LOOK_PLAIN, line->text);
	}
	if (model->log_count == 0)
		list_message(&list, LOOK_DIM, MSG_LOG_EMPTY);
	return list_end(&list);
}

/* ---- details: one function a page */

static void details_trust(const struct model *model, struct list *list)
{
	const struct json *root = json_member(model->run.event, "root");
	const struct json *signers = json_member(model->run.event, "signers");
	char text[128];

	message_format(text, sizeof text, list->area.language, MSG_VERSION_UNTIL,
		(long long)event_integer(root, "version", 0), event_text(root, "expires"));
	list_pair(list, MSG_VERSION, text);
	list_named(list, "SHA-256", event_text(root, "digest"));
	message_format(text, sizeof text, list->area.language, MSG_THRESHOLD_KEYS,
		(long long)event_integer(model->run.event, "threshold", 0));
	list_pair(list, MSG_THRESHOLD, text);
	list_text(list, LOOK_PLAIN, "");
	if (signers == NULL)
		return;
	for (const struct json *s = json_first(signers); s != NULL; s = json_next(s)) {
		list_text(list, LOOK_BOLD, event_text(s, "name"));
		list_pair(list, event_true(s, "signed") ? MSG_SIGNED : MSG_NOT_SIGNED,
			event_text(s, "fingerprint"));
	}
}

/* name, and under it what there is to say of it; more are in the kit than are told. */
static void details_members(const struct json *array, int64_t all, struct list *list)
{
	char text[96], count[TEXT_COUNT_SIZE];
	int64_t shown = 0;

	if (array == NULL || json_type(array) != JSON_ARRAY || json_count(array) == 0) {
		list_message(list, LOOK_DIM, MSG_NONE_OF_THEM);
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
	message_format(text, sizeof text, list->area.language, MSG_MORE_INSPECT,
		text_count(all - shown, count));
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
			list_named(list, json_name(file), json_string(file));
	const struct json *receipt = json_member(model->end.event, "receipt");
	if (receipt == NULL)
		return;
	list_named(list, "receipt", event_text(receipt, "path"));
	list_pair(list, MSG_SITE_KEY, event_text(receipt, "key"));
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
		list_message(list, LOOK_DIM, MSG_NOTHING_CHECKED);
}

static const char *words_of_way_back(struct area area, const char *name)
{
	static const struct {
		const char *name;
		enum message words;
	} ways[] = {
		{"exact", MSG_WAY_EXACT},
		{"restore", MSG_WAY_RESTORE},
		{"none", MSG_WAY_NONE},
	};

	for (size_t i = 0; i < sizeof ways / sizeof ways[0]; i++)
		if (strcmp(ways[i].name, name) == 0)
			return say(area, ways[i].words);
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
			list_part_record(list, "-", 2, json_string(line));
	list_text(list, LOOK_PLAIN, "");
	if (event_text(plan, "size")[0] != '\0')
		list_pair(list, MSG_SIZE, event_text(plan, "size"));
	if (event_integer(plan, "takes", -1) >= 0)
		list_pair(list, MSG_TAKES, text_duration(event_integer(plan, "takes", 0), text));
	if (event_integer(plan, "octets", 0) > 0)
		list_pair(list, MSG_DISK,
			text_size((uint64_t)event_integer(plan, "octets", 0), text));
	list_record(list, MSG_CHANGES, event_text(plan, "changes"));
	list_record(list, MSG_WAY_BACK, event_text(plan, "wayBackText"));
	list_pair(list, MSG_NONE, words_of_way_back(list->area, event_text(plan, "wayBack")));
	if (event_text(plan, "proof")[0] != '\0')
		list_record(list, MSG_PROOF, event_text(plan, "proof"));
}

/* A value as JSON, for what was found and what is derived. */
static void list_value(struct list *list, const char *label, const struct json *value)
{
	struct str text = STR_INIT;
	struct json_writer writer;

	if (json_type(value) == JSON_STRING) {
		list_named(list, label, json_string(value));
		return;
	}
	json_write_begin(&writer, &text);
	json_write_value(&writer, value);
	list_named(list, label, str_text(&text));
	str_release(&text);
}

static void list_version(struct list *list, enum message label, const struct json *value)
{
	if (value != NULL)
		list_value(list, say(list->area, label), value);
	else
		list_pair(list, label, say(list->area, MSG_NOT_THERE));
}

/* One field of both versions, the one under the other. */
static void details_difference(const struct json *conflict, const char *field, struct list *list)
{
	const struct json *here = json_member(json_member(conflict, "existing"), field);
	const struct json *derived = json_member(json_member(conflict, "derived"), field);

	list_text(list, LOOK_BOLD, field);
	list_version(list, MSG_VERSION_IS, here);
	list_version(list, MSG_VERSION_DERIVED, derived);
}

static void details_conflict(const struct json *conflict, struct list *list)
{
	const struct json *differs = json_member(conflict, "differs");
	const struct json *source = json_member(conflict, "sourceKey");

	list_text(list, LOOK_PLAIN, "");
	list_named(list, event_text(conflict, "kind"), event_text(conflict, "reason"));
	if (event_text(conflict, "id")[0] != '\0') {
		list_pair(list, MSG_CONFLICT_IN, event_text(conflict, "collection"));
		list_pair(list, MSG_CONFLICT_DOCUMENT, event_text(conflict, "id"));
	}
	list_pair(list, MSG_CONFLICT_FROM, event_text(conflict, "source"));
	if (source != NULL)
		list_value(list, "", source);
	if (differs == NULL)
		return;
	for (const struct json *field = json_first(differs); field != NULL;
		field = json_next(field))
		if (json_type(field) == JSON_STRING)
			details_difference(conflict, json_string(field), list);
}

static void details_failure(const struct model *model, struct list *list)
{
	const struct json *failure = model->failure.event;
	const struct json *conflicts = json_member(failure, "conflicts");

	list_pair(list, MSG_WHAT, event_text(failure, "message"));
	list_pair(list, MSG_THAT_IS,
		message_of_record(model->language, event_text(failure, "sentence")));
	list_pair(
		list, MSG_WAY_ON, message_of_record(model->language, event_text(failure, "next")));
	list_pair(list, MSG_CODE, event_text(failure, "code"));
	list_integer(list, MSG_EXIT_CODE, event_integer(failure, "exit", 0));
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
		details_failure(model, list);
	else if (step != NULL && step->plan.event != NULL && strcmp(kind, "gate") == 0)
		details_step(step, list);
	else
		details_checks(model, list);
}

static const struct {
	char key;
	enum message title;
	void (*draw)(const struct model *model, struct list *list);
} details[] = {
	{'t', MSG_DETAILS_TRUST, details_trust},
	{'f', MSG_DETAILS_FILES, details_files},
	{'c', MSG_DETAILS_COMPONENTS, details_components},
	{'e', MSG_DETAILS_EVIDENCE, details_evidence},
	{'r', MSG_REPORT, details_report},
	{'d', MSG_DETAILS, details_page},
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
