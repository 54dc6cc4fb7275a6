/* Questions by number: the engine's choices, and two that this face answers itself. */
#include <string.h>

#include "base/cleanup.h"
#include "cli/face_plain.h"

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

static void read_choices(
	const struct face *face, const struct json *question, struct choices *choices)
{
	const struct json *given = json_member(question, "choices");
	bool gate = strcmp(plain_text(question, "kind"), "gate") == 0;

	*choices = (struct choices){0};
	for (const struct json *choice = json_first(given); choice != NULL;
		choice = json_next(choice)) {
		const char *name = plain_text(choice, "name");
		if (gate && strcmp(name, "later") == 0 && json_count(given) > 2)
			continue;
		add_choice(choices, name,
			message_of_record(face->language, plain_text(choice, "label")));
		if (strcmp(name, plain_text(question, "default")) == 0)
			choices->initial = choices->count;
		if (gate && choices->count == 1)
			add_choice(choices, OWN[OWN_DETAILS], face_text(face, MSG_KEY_DETAILS));
	}
	add_choice(choices, OWN[OWN_HELP], face_text(face, MSG_KEY_HELP));
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

/* By number, by name, or as it is shown; an empty line is the default. */
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
	for (size_t i = 0; i < choices->count; i++)
		if (strcmp(answer, choices->list[i].label) == 0)
			return choices->list[i].name;
	return NULL;
}

/* What needs no answer of the engine's. */
static bool answer_here(struct plain_face *plain, const char *choice)
{
	static const enum message HELP[] = {
		MSG_ASK_HELP_ANSWER, MSG_ASK_HELP_PAUSE, MSG_ASK_HELP_LEAVE};

	if (strcmp(choice, OWN[OWN_DETAILS]) == 0) {
		plain_say(plain, &plain->details);
		return true;
	}
	if (strcmp(choice, OWN[OWN_HELP]) != 0)
		return false;
	for (size_t i = 0; i < sizeof HELP / sizeof *HELP; i++)
		face_note(plain->face, "%s%s", PLAIN_INDENT, face_text(plain->face, HELP[i]));
	return true;
}

static void print_question(struct plain_face *plain, const struct json *question)
{
	CLEANUP_STR struct str line = STR_INIT;
	const struct json *lines = json_member(question, "lines");

	plain_begin_line(&line, question);
	plain_record(plain, &line, plain_text(question, "text"));
	for (const struct json *item = lines == NULL ? NULL : json_first(lines); item != NULL;
		item = json_next(item)) {
		str_append_format(&line, "\n%s", PLAIN_INDENT);
		plain_record(plain, &line, json_string(item));
	}
	plain_say(plain, &line);
}

static const struct json *open_question(const struct plain_face *plain)
{
	return json_root(plain->question_doc);
}

/* The choices, or what must be typed word for word. */
static void offer(struct plain_face *plain)
{
	const char *expected = plain_text(open_question(plain), "expected");
	CLEANUP_STR struct str line = STR_INIT;
	struct choices choices;

	if (*expected != '\0') {
		str_append_text(&line, PLAIN_INDENT);
		message_append(&line, plain->face->language, MSG_ASK_TYPE, expected);
		plain_say(plain, &line);
		(void)fprintf(stderr, "> ");
	} else {
		read_choices(plain->face, open_question(plain), &choices);
		print_choices(plain, &choices);
		(void)fprintf(stderr, "%s [%zu]: ", face_text(plain->face, MSG_ASK_CHOICE),
			choices.initial);
	}
	(void)fflush(stderr);
}

void plain_prompt(struct plain_face *plain)
{
	plain->prompted = true;
	print_question(plain, open_question(plain));
	offer(plain);
}

bool plain_wants_words(const struct plain_face *plain)
{
	return *plain_text(open_question(plain), "expected") != '\0';
}

void plain_answer(struct plain_face *plain, const char *line)
{
	const struct json *question = open_question(plain);
	const char *choice = line;
	struct choices choices;

	if (!plain_wants_words(plain)) {
		read_choices(plain->face, question, &choices);
		choice = match(question, &choices, line);
		if (choice == NULL || answer_here(plain, choice)) {
			offer(plain);
			return;
		}
	}
	feed_answer(plain->feed, plain_text(question, "id"), choice);
	json_release(plain->question_doc);
	plain->question_doc = NULL;
}
