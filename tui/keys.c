/*
 * keys: which keys work now. One table a situation; the bottom line shows it, model_key obeys it.
 */
#include <stdio.h>
#include <string.h>

#include "text/text.h"
#include "tui/model.h"

enum local {
	LOCAL_NOTHING,
	LOCAL_CHOICE, /* answers the open question with the row's choice */
	LOCAL_SUBMIT, /* answers it with what was typed */
	LOCAL_HELP,
	LOCAL_LOG,
	LOCAL_DETAILS, /* which, is the key */
	LOCAL_QR,      /* or dark and light of it swapped */
	LOCAL_BACK,
	LOCAL_KIT_PAGE, /* from the plan's page to the kit's */
	LOCAL_PLAN_PAGE,
	LOCAL_STOP,
	LOCAL_PAUSE,
	LOCAL_RESUME,
	LOCAL_COMMAND,
	LOCAL_DETACH,
	LOCAL_SAVE_PLAN,
	LOCAL_UP,
	LOCAL_DOWN,
	LOCAL_PAGE_UP,
	LOCAL_PAGE_DOWN,
	LOCAL_QUIT,
};

#define HELP                                                                                       \
	{                                                                                          \
		'?', "?", MSG_KEY_HELP, NULL, LOCAL_HELP                                           \
	}
#define LOG                                                                                        \
	{                                                                                          \
		'l', "l", MSG_KEY_LOG, NULL, LOCAL_LOG                                             \
	}
#define DETAILS                                                                                    \
	{                                                                                          \
		'd', "d", MSG_KEY_DETAILS, NULL, LOCAL_DETAILS                                     \
	}
#define END                                                                                        \
	{                                                                                          \
		0, NULL, MSG_NONE, NULL, LOCAL_NOTHING                                             \
	}

static const struct model_key kit_keys[] = {
	{MODEL_KEY_ENTER, "Enter", MSG_KEY_GO_ON, "go", LOCAL_CHOICE},
	{'t', "t", MSG_KEY_TRUST, NULL, LOCAL_DETAILS},
	{'f', "f", MSG_KEY_FILES, NULL, LOCAL_DETAILS},
	{'c', "c", MSG_KEY_COMPONENTS, NULL, LOCAL_DETAILS},
	{'e', "e", MSG_KEY_EVIDENCE, NULL, LOCAL_DETAILS},
	HELP,
	{'q', "q", MSG_KEY_LEAVE, "leave", LOCAL_CHOICE},
	END,
};

/* The kit's page looked at again from the plan's. */
static const struct model_key kit_again_keys[] = {
	{MODEL_KEY_ENTER, "Enter", MSG_KEY_TO_PLAN, NULL, LOCAL_PLAN_PAGE},
	{'t', "t", MSG_KEY_TRUST, NULL, LOCAL_DETAILS},
	{'f', "f", MSG_KEY_FILES, NULL, LOCAL_DETAILS},
	{'c', "c", MSG_KEY_COMPONENTS, NULL, LOCAL_DETAILS},
	{'e', "e", MSG_KEY_EVIDENCE, NULL, LOCAL_DETAILS},
	HELP,
	END,
};

static const struct model_key plan_keys[] = {
	{MODEL_KEY_ENTER, "Enter", MSG_KEY_START, "start", LOCAL_CHOICE},
	DETAILS,
	{'s', "s", MSG_KEY_SAVE_PLAN, NULL, LOCAL_SAVE_PLAN},
	{'b', "b", MSG_KEY_BACK, NULL, LOCAL_KIT_PAGE},
	HELP,
	{'q', "q", MSG_KEY_LEAVE, "leave", LOCAL_CHOICE},
	END,
};

static const struct model_key gate_keys[] = {
	{'y', "y", MSG_KEY_BEGIN, "begin", LOCAL_CHOICE},
	{'n', "n", MSG_KEY_NOT_NOW, "later", LOCAL_CHOICE},
	DETAILS,
	{'p', "p", MSG_KEY_PAUSE_HERE, "pause", LOCAL_CHOICE},
	LOG,
	HELP,
	END,
};

static const struct model_key confirm_keys[] = {
	{'y', "y", MSG_KEY_YES, "yes", LOCAL_CHOICE},
	{'n', "n", MSG_KEY_NO, "no", LOCAL_CHOICE},
	DETAILS,
	LOG,
	HELP,
	END,
};

static const struct model_key type_keys[] = {
	{MODEL_KEY_ENTER, "Enter", MSG_KEY_DO_IT, NULL, LOCAL_SUBMIT},
	{MODEL_KEY_ESCAPE, "Esc", MSG_KEY_DO_NOT, "", LOCAL_CHOICE},
	END,
};

static const struct model_key failure_keys[] = {DETAILS, LOG, HELP, END};

static const struct model_key work_keys[] = {
	{'p', "p", MSG_KEY_PAUSE, NULL, LOCAL_PAUSE},
	{'x', "x", MSG_KEY_STOP_SAFELY, NULL, LOCAL_STOP},
	{'d', "d", MSG_KEY_DETACH, NULL, LOCAL_DETACH},
	LOG,
	HELP,
	END,
};

static const struct model_key paused_keys[] = {
	{'r', "r", MSG_KEY_GO_ON, NULL, LOCAL_RESUME},
	{'x', "x", MSG_KEY_STOP_SAFELY, NULL, LOCAL_STOP},
	{'d', "d", MSG_KEY_DETACH, NULL, LOCAL_DETACH},
	LOG,
	HELP,
	END,
};

static const struct model_key stopping_keys[] = {LOG, HELP, END};

/* Of a face that is not in command, whatever the page is. */
static const struct model_key watching_keys[] = {
	{'c', "c", MSG_KEY_TAKE_COMMAND, NULL, LOCAL_COMMAND},
	DETAILS,
	LOG,
	HELP,
	{'q', "q", MSG_KEY_LEAVE, NULL, LOCAL_DETACH},
	END,
};

static const struct model_key end_keys[] = {
	{'r', "r", MSG_KEY_READ_REPORT, NULL, LOCAL_DETAILS},
	LOG,
	HELP,
	{'q', "q", MSG_KEY_LEAVE, NULL, LOCAL_QUIT},
	END,
};

/* Of a run that has the hash of a report. */
static const struct model_key end_hash_keys[] = {
	{'r', "r", MSG_KEY_READ_REPORT, NULL, LOCAL_DETAILS},
	{'h', "h", MSG_KEY_HASH_AS_QR, NULL, LOCAL_QR},
	LOG,
	HELP,
	{'q', "q", MSG_KEY_LEAVE, NULL, LOCAL_QUIT},
	END,
};

static const struct model_key plan_end_keys[] = {
	DETAILS,
	{'s', "s", MSG_KEY_SAVE_PLAN, NULL, LOCAL_SAVE_PLAN},
	LOG,
	HELP,
	{'q', "q", MSG_KEY_LEAVE, NULL, LOCAL_QUIT},
	END,
};

static const struct model_key overlay_keys[] = {
	{'b', "b", MSG_KEY_BACK, NULL, LOCAL_BACK},
	{MODEL_KEY_DOWN, "Up Down", MSG_KEY_SCROLL, NULL, LOCAL_DOWN},
	END,
};

static const struct model_key qr_keys[] = {
	{'b', "b", MSG_KEY_BACK, NULL, LOCAL_BACK},
	{'s', "s", MSG_KEY_SWAP_QR, NULL, LOCAL_QR},
	END,
};

/* Work wherever a list may be longer than the screen; not worth their place on the bottom line. */
static const struct model_key silent_keys[] = {
	{MODEL_KEY_ESCAPE, NULL, MSG_NONE, NULL, LOCAL_BACK},
	{MODEL_KEY_UP, NULL, MSG_NONE, NULL, LOCAL_UP},
	{MODEL_KEY_DOWN, NULL, MSG_NONE, NULL, LOCAL_DOWN},
	{MODEL_KEY_PAGE_UP, NULL, MSG_NONE, NULL, LOCAL_PAGE_UP},
	{MODEL_KEY_PAGE_DOWN, NULL, MSG_NONE, NULL, LOCAL_PAGE_DOWN},
	END,
};

static const struct {
	const char *kind;
	const struct model_key *keys;
} question_keys[] = {
	{"kit", kit_keys},
	{"plan", plan_keys},
	{"gate", gate_keys},
	{"failure", failure_keys},
	{"confirm", confirm_keys},
	{"type", type_keys},
};

static const struct model_key *situation(const struct model *model)
{
	if (model->subject != SUBJECT_RUN)
		return model->subject == SUBJECT_QR ? qr_keys : overlay_keys;
	if (model->watching && model->end.event == NULL)
		return watching_keys;
	if (model->question.event != NULL) {
		const char *kind = event_text(model->question.event, "kind");
		if (model->plan_left)
			return kit_again_keys;
		for (size_t i = 0; i < sizeof question_keys / sizeof question_keys[0]; i++)
			if (strcmp(question_keys[i].kind, kind) == 0)
				return question_keys[i].keys;
	}
	if (model->end.event != NULL)
		return model_is_plan(model)				       ? plan_end_keys
		       : event_text(model->end.event, "reportHash")[0] != '\0' ? end_hash_keys
									       : end_keys;
	if (model->stopping || model->run.event == NULL)
		return stopping_keys;
	return model->paused || model->pausing ? paused_keys : work_keys;
}

static const struct json *choice_at(const struct model *model, size_t index)
{
	const struct json *choices = json_member(model->question.event, "choices");
	const struct json *choice = choices != NULL ? json_first(choices) : NULL;

	while (choice != NULL && index-- > 0)
		choice = json_next(choice);
	return choice;
}

/* "" is the refusal to type something. */
static bool is_offered(const struct model *model, const char *name)
{
	const struct json *choice = choice_at(model, 0);

	while (choice != NULL && strcmp(event_text(choice, "name"), name) != 0)
		choice = json_next(choice);
	return choice != NULL || name[0] == '\0';
}

void model_keys(const struct model *model, struct model_key ret_keys[static MODEL_KEYS_MAX])
{
	static const char *const digits[] = {"1", "2", "3", "4", "5", "6", "7", "8", "9"};
	const struct model_key *keys = situation(model);
	size_t count = 0;

	if (keys == failure_keys) {
		for (size_t i = 0; i < 9 && choice_at(model, i) != NULL; i++)
			ret_keys[count++] = (struct model_key){.key = (uint32_t)('1' + i),
				.shown = digits[i],
				.choice = event_text(choice_at(model, i), "name"),
				.local = LOCAL_CHOICE};
	}
	for (size_t i = 0; keys[i].key != 0 && count < MODEL_KEYS_MAX - 1; i++)
		if (keys[i].choice == NULL || is_offered(model, keys[i].choice))
			ret_keys[count++] = keys[i];
	ret_keys[count] = (struct model_key){0};
}

static struct model_action answer(const struct model *model, const char *choice)
{
	return (struct model_action){.kind = ACTION_ANSWER,
		.question = event_text(model->question.event, "id"),
		.choice = choice};
}

static void open_subject(struct model *model, enum subject subject, uint32_t key)
{
	model->subject = subject;
	model->details = (char)key;
	model->scroll = 0;
}

static void scroll_by(struct model *model, int lines)
{
	model->scroll += lines;
	if (model->scroll > model->scroll_max)
		model->scroll = model->scroll_max;
	if (model->scroll < 0)
		model->scroll = 0;
}

void model_scroll_limit(struct model *model, int limit)
{
	model->scroll_max = limit;
	scroll_by(model, 0);
}

static struct model_action obey(struct model *model, const struct model_key *key)
{
	const struct model_action nothing = {.kind = ACTION_NONE};

	switch ((enum local)key->local) {
	case LOCAL_NOTHING:
		return nothing;
	case LOCAL_CHOICE:
		model->left = key->key == 'q';
		return answer(model, key->choice);
	case LOCAL_SUBMIT:
		return answer(model, model->typed);
	case LOCAL_HELP:
		open_subject(model, SUBJECT_HELP, 0);
		return nothing;
	case LOCAL_LOG:
		open_subject(model, SUBJECT_LOG, 0);
		return nothing;
	case LOCAL_DETAILS:
		open_subject(model, SUBJECT_DETAILS, key->key);
		return nothing;
	case LOCAL_QR:
		open_subject(model, SUBJECT_QR, model->details == 's' ? 'h' : key->key);
		return nothing;
	case LOCAL_BACK:
		model->subject = SUBJECT_RUN;
		return nothing;
	case LOCAL_KIT_PAGE:
		model->plan_left = true;
		return nothing;
	case LOCAL_PLAN_PAGE:
		model->plan_left = false;
		return nothing;
	case LOCAL_STOP:
		model->stopping = true;
		return (struct model_action){.kind = ACTION_STOP};
	case LOCAL_PAUSE:
		model->pausing = true;
		return (struct model_action){.kind = ACTION_PAUSE};
	case LOCAL_RESUME:
		model->pausing = false;
		return (struct model_action){.kind = ACTION_RESUME};
	case LOCAL_COMMAND:
		return (struct model_action){.kind = ACTION_COMMAND};
	case LOCAL_DETACH:
		return (struct model_action){.kind = ACTION_DETACH};
	case LOCAL_SAVE_PLAN:
		return (struct model_action){.kind = ACTION_SAVE_PLAN};
	case LOCAL_UP:
		scroll_by(model, -1);
		return nothing;
	case LOCAL_DOWN:
		scroll_by(model, 1);
		return nothing;
	case LOCAL_PAGE_UP:
		scroll_by(model, -10);
		return nothing;
	case LOCAL_PAGE_DOWN:
		scroll_by(model, 10);
		return nothing;
	case LOCAL_QUIT:
		return (struct model_action){.kind = ACTION_QUIT};
	}
	return nothing;
}

static void say_how_long(struct model *model)
{
	const struct json *progress =
		model->current >= 0 ? model->steps[model->current].progress.event : NULL;
	const struct json *rate = json_member(progress, "rate");
	struct str text = STR_INIT;

	text_until_safe(&text, model->language, event_integer(progress, "batchSize", 0),
		rate != NULL && json_type(rate) == JSON_NUMBER ? json_number(rate) : 0);
	model_note(model, str_text(&text));
	str_release(&text);
}

struct model_action model_interrupt(struct model *model, int64_t now)
{
	model->now = now;
	if (model->end.event != NULL)
		return (struct model_action){.kind = ACTION_QUIT};
	if (model->watching)
		return (struct model_action){.kind = ACTION_DETACH};
	if (model->stopping) {
		say_how_long(model);
	} else {
		model->stopping = true;
		model_note(model, message_text(model->language, MSG_STOPPING));
	}
	return (struct model_action){.kind = ACTION_STOP};
}

static size_t write_utf8(uint32_t character, char out[static 4])
{
	if (character < 0x80) {
		out[0] = (char)character;
		return 1;
	}
	size_t size = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
	for (size_t i = size; i-- > 1; character >>= 6)
		out[i] = (char)(0x80 | (character & 0x3F));
	out[0] = (char)((0xF00 >> size) | character);
	return size;
}

static void erase_typed(struct model *model)
{
	size_t size = strlen(model->typed);

	while (size > 0 && ((unsigned char)model->typed[--size] & 0xC0) == 0x80)
		continue;
	model->typed[size] = '\0';
}

/* Text for a question of kind "type": true if the key was part of it. */
static bool type(struct model *model, uint32_t key)
{
	size_t size = strlen(model->typed);
	char character[4];

	if (key == MODEL_KEY_ERASE || key == '\b') {
		erase_typed(model);
		return true;
	}
	if (key < ' ' || key >= MODEL_KEY_UP)
		return false;
	size_t octets = write_utf8(key, character);
	if (size + octets < sizeof model->typed) {
		memcpy(model->typed + size, character, octets);
		model->typed[size + octets] = '\0';
	}
	return true;
}

struct model_action model_key(struct model *model, uint32_t key, int64_t now)
{
	struct model_key keys[MODEL_KEYS_MAX];

	model->now = now;
	model->notice[0] = '\0';
	if (key == '\n')
		key = MODEL_KEY_ENTER;
	if (situation(model) == type_keys && type(model, key))
		return (struct model_action){.kind = ACTION_NONE};
	model_keys(model, keys);
	for (size_t i = 0; keys[i].key != 0; i++)
		if (keys[i].key == key)
			return obey(model, &keys[i]);
	for (size_t i = 0; silent_keys[i].key != 0; i++)
		if (silent_keys[i].key == key && model->subject != SUBJECT_RUN)
			return obey(model, &silent_keys[i]);
	return (struct model_action){.kind = ACTION_NONE};
}
