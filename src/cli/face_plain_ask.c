/* Questions by number: the engine's choices, and two that this face answers itself. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cli/face_plain.h"
#include "cli/stop.h"

static int answer_yes(const struct json *question, struct str *ret_choice, struct err *err)
{
	const char *kind = plain_text(question, "kind");

	const char *flag = plain_text(question, "flag");

	if (strcmp(kind, "confirm") == 0 || strcmp(kind, "type") == 0)
		return err_set(err, ERR_PREFLIGHT,
			"--yes does not answer \"%s\": repeat with %s --reason TEXT",
			plain_text(question, "text"), *flag == '\0' ? "--accept-inexact" : flag);
	str_append_text(ret_choice, plain_text(question, "default"));
	return 0;
}

/* A line of the operator's, without its end. ERR_STOPPED at a signal and at the end of input. */
static int read_answer(struct str *line, struct err *err)
{
	for (;;) {
		char c;
		ssize_t got = read(STDIN_FILENO, &c, 1);
		if (got < 0 && errno == EINTR && !stop_wanted())
			continue;
		if (got <= 0)
			return err_set(err, ERR_STOPPED, "no answer came");
		if (c == '\n')
			return str_check(line, err);
		if (line->size < 1024)
			str_append_char(line, c);
	}
}

/* What this face adds to a gate, and what it leaves out: "not now" is "pause here". */
enum own_choice { OWN_DETAILS, OWN_HELP, OWN_COUNT };
static const char *const OWN[OWN_COUNT] = {[OWN_DETAILS] = "details", [OWN_HELP] = "help"};

enum { CHOICES_MAX = 16 };

struct choices {
	size_t count, initial; /* initial: its number */
	struct {
		const char *name, *label;
	} list[CHOICES_MAX];
};

static void add_choice(struct choices *choices, const char *name, const char *label)
{
	if (choices->count == CHOICES_MAX)
		return;
	choices->list[choices->count].name = name;
	choices->list[choices->count++].label = label;
}

static void read_choices(const struct json *question, struct choices *choices)
{
	const struct json *given = json_member(question, "choices");
	bool gate = strcmp(plain_text(question, "kind"), "gate") == 0;

	*choices = (struct choices){0};
	for (const struct json *choice = json_first(given); choice != NULL;
		choice = json_next(choice)) {
		const char *name = plain_text(choice, "name");
		if (gate && strcmp(name, "later") == 0 && json_count(given) > 2)
			continue;
		add_choice(choices, name, plain_text(choice, "label"));
		if (strcmp(name, plain_text(question, "default")) == 0)
			choices->initial = choices->count;
		if (gate && choices->count == 1)
			add_choice(choices, OWN[OWN_DETAILS], OWN[OWN_DETAILS]);
	}
	add_choice(choices, OWN[OWN_HELP], OWN[OWN_HELP]);
}

static void print_choices(struct plain_face *plain, const struct choices *choices)
{
	CLEANUP_STR struct str line = STR_INIT;

	str_append_text(&line, PLAIN_INDENT);
	for (size_t i = 0; i < choices->count; i++) {
		str_append_format(&line, "%s%zu ", i > 0 ? "   " : "", i + 1);
		plain_escaped(&line, choices->list[i].label);
	}
	plain_say(plain, &line);
}

/* By number, or by name; an empty line is the default. */
static const char *match(
	const struct json *question, const struct choices *choices, const char *answer)
{
	char digits[24];

	if (*answer == '\0')
		return plain_text(question, "default");
	for (size_t i = 0; i < choices->count; i++) {
		(void)snprintf(digits, sizeof digits, "%zu", i + 1);
		if (strcmp(answer, digits) == 0 || strcmp(answer, choices->list[i].name) == 0)
			return choices->list[i].name;
	}
	return NULL;
}

/* What needs no answer of the engine's. */
static bool answer_here(struct plain_face *plain, const char *choice)
{
	if (strcmp(choice, OWN[OWN_DETAILS]) == 0) {
		plain_say(plain, &plain->details);
		return true;
	}
	if (strcmp(choice, OWN[OWN_HELP]) != 0)
		return false;
	face_note(plain->face,
		"%sAnswer with a number or its word; Enter alone takes the one in brackets.\n"
		"%sPause here, or Ctrl-C at any time, ends at a safe point: offkit resume goes on.",
		PLAIN_INDENT, PLAIN_INDENT);
	return true;
}

static void print_question(struct plain_face *plain, const struct json *question)
{
	CLEANUP_STR struct str line = STR_INIT;
	const struct json *lines = json_member(question, "lines");

	plain_begin_line(&line, question);
	plain_escaped(&line, plain_text(question, "text"));
	for (const struct json *item = lines == NULL ? NULL : json_first(lines); item != NULL;
		item = json_next(item)) {
		str_append_format(&line, "\n%s", PLAIN_INDENT);
		plain_escaped(&line, json_string(item));
	}
	plain_say(plain, &line);
}

/* What must be typed, word for word. */
static int ask_typed(
	struct plain_face *plain, const char *expected, struct str *ret_text, struct err *err)
{
	face_note(plain->face, "%sType %s to go on.", PLAIN_INDENT, expected);
	(void)fprintf(stderr, "> ");
	(void)fflush(stderr);
	return read_answer(ret_text, err);
}

static int ask_choice(struct plain_face *plain, const struct json *question, struct str *ret_choice,
	struct err *err)
{
	struct choices choices;

	read_choices(question, &choices);
	for (;;) {
		CLEANUP_STR struct str answer = STR_INIT;
		print_choices(plain, &choices);
		(void)fprintf(stderr, "choice [%zu]: ", choices.initial);
		(void)fflush(stderr);
		int rc = read_answer(&answer, err);
		if (rc < 0)
			return rc;
		const char *choice = match(question, &choices, str_text(&answer));
		if (choice == NULL || answer_here(plain, choice))
			continue;
		str_append_text(ret_choice, choice);
		return str_check(ret_choice, err);
	}
}

int plain_ask(void *self, const struct json *question, struct str *ret_choice, const char **ret_by,
	struct err *err)
{
	struct plain_face *plain = self;
	const char *expected = plain_text(question, "expected");

	if (plain->face->options.yes) {
		*ret_by = "--yes";
		return answer_yes(question, ret_choice, err);
	}
	print_question(plain, question);
	*ret_by = "operator";
	return *expected != '\0' ? ask_typed(plain, expected, ret_choice, err)
				 : ask_choice(plain, question, ret_choice, err);
}
