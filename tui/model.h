/*
 * model: what the terminal UI knows: the events of a run and the operator's keys so far.
 *
 * It is fed lines of the engine's feed and keys, and is drawn by view.h. It does no I/O, reads no
 * clock (the time comes with each call) and draws nothing, so a test can walk through a whole run.
 */
#ifndef OFFKIT_TUI_MODEL_H
#define OFFKIT_TUI_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/arena.h"
#include "json/json.h"

enum {
	MODEL_STEPS_MAX = 64,
	MODEL_LOG_MAX = 2000,
	MODEL_TYPED_MAX = 256,
	MODEL_LINE_MAX = 4 * 1024 * 1024,
};

enum step_state { STEP_WAITING, STEP_CURRENT, STEP_DONE, STEP_FAILED, STEP_UNDONE, STEP_SKIPPED };

struct model_step {
	const char *name;
	const char *label;
	enum step_state state;
	int64_t begun;		     /* boot time ms; 0: not yet */
	int64_t duration;	     /* ms, of a finished one */
	const struct json *plan;     /* its plan event, NULL: none yet */
	const struct json *progress; /* its newest progress event */
	const struct json *end;	     /* its step.end */
};

struct model_line {
	int64_t time;	  /* ms, of the event */
	const char *text; /* escaped */
	bool failed;	  /* shown as what failed */
};

/* Which subject the right column shows. Everything but SUBJECT_RUN is on top of it and left by "b"
 * or Esc. */
enum subject { SUBJECT_RUN, SUBJECT_HELP, SUBJECT_LOG, SUBJECT_DETAILS };

struct model {
	struct arena arena;
	struct json_doc **events; /* kept: the model's values point into them */
	size_t event_count, event_room;
	struct json_doc
		*newest_progress[MODEL_STEPS_MAX]; /* the only one of its step that is kept */

	const struct json *run;	     /* run.begin */
	const struct json *question; /* open, or NULL */
	const struct json *failure;  /* of the current step, or NULL */
	const struct json *end;	     /* run.end, or NULL while it runs */
	size_t step_count;
	struct model_step steps[MODEL_STEPS_MAX];
	int current; /* index of the step at work, -1: none */
	bool stopping, undoing, paused;
	bool plan_left; /* "b" on the plan's page: the kit's page is looked at again */
	const struct json *checks[256];
	size_t check_count;
	size_t log_count;
	struct model_line log[MODEL_LOG_MAX]; /* the newest; older ones are in the journal */

	enum subject subject;
	char details; /* the key that opened SUBJECT_DETAILS: 't', 'f', 'c', 'd', 'h', 'r' */
	int scroll;   /* first line shown of a list */
	char typed[MODEL_TYPED_MAX]; /* answer to a question of kind "type" */
	int64_t now;		     /* boot time ms of the newest call */
};

/* What a key led to: nothing, an answer to the open question, or a request. */
struct model_action {
	enum {
		ACTION_NONE,
		ACTION_ANSWER,
		ACTION_STOP,
		ACTION_PAUSE,
		ACTION_RESUME,
		ACTION_SAVE_PLAN,
		ACTION_QUIT, /* the face ends; only after the run's end */
	} kind;
	const char *question; /* id, for an answer */
	const char *choice;   /* name, or what was typed */
};

void model_init(struct model *model);
void model_release(struct model *model);

/* One line of the feed; a line that is no known event is ignored. ERR_NO_MEMORY, ERR_SYNTAX. */
MUST_CHECK int model_event(struct model *model, struct bytes line, int64_t now, struct err *err);

/* A line of the face's own in the log; text must stay. */
void model_note(struct model *model, const char *text);

/* Keys that are no characters. */
enum model_special_key {
	MODEL_KEY_NONE = 0,
	MODEL_KEY_ENTER = 0x0D,
	MODEL_KEY_ESCAPE = 0x1B,
	MODEL_KEY_ERASE = 0x7F,
	MODEL_KEY_UP = 0x110000,
	MODEL_KEY_DOWN,
	MODEL_KEY_PAGE_UP,
	MODEL_KEY_PAGE_DOWN,
};

/*
 * The keys that work now, in the order of the bottom line; the same table decides what a key does,
 * so a key that is not shown does nothing. The last of the list has key 0.
 */
struct model_key {
	uint32_t key;
	const char *shown;  /* "Enter", "y" */
	const char *label;  /* "begin" */
	const char *choice; /* of the open question; NULL: the view's own */
	int local;	    /* enum of keys.c */
};

enum { MODEL_KEYS_MAX = 24 };
void model_keys(const struct model *model, struct model_key ret_keys[static MODEL_KEYS_MAX]);
struct model_action model_key(struct model *model, uint32_t key, int64_t now);

/* Members of an event with a fallback, for the views. */
const char *event_text(const struct json *event, const char *name); /* "" */
int64_t event_integer(const struct json *event, const char *name, int64_t otherwise);
bool event_true(const struct json *event, const char *name);

#endif
