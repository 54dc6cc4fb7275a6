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

#include "json/json.h"
#include "text/message.h"

enum {
	MODEL_STEPS_MAX = 64,
	MODEL_CHECKS_MAX = 256,
	MODEL_LOG_MAX = 1000,
	MODEL_TEXT_MAX = 400, /* octets of a line of the log; the journal has it whole */
	MODEL_TYPED_MAX = 256,
	MODEL_LINE_MAX = 4 * 1024 * 1024,
};

enum step_state { STEP_WAITING, STEP_CURRENT, STEP_DONE, STEP_FAILED, STEP_UNDONE, STEP_SKIPPED };

/* An event that the model points into, kept until the next of its place. */
struct model_event {
	struct json_doc *doc;
	const struct json *event; /* NULL: none */
};

struct model_step {
	const char *name;
	const char *label;
	const char *kind; /* "freeze" */
	enum step_state state;
	int64_t begun;		     /* boot time ms; 0: not yet */
	int64_t duration;	     /* ms, of a finished one */
	struct model_event plan;     /* its newest plan event */
	struct model_event progress; /* its newest progress event */
	struct model_event end;	     /* its step.end */
};

struct model_line {
	int64_t time; /* ms, of the event */
	bool failed;  /* shown as what failed */
	char text[MODEL_TEXT_MAX];
};

/* Which subject the right column shows. Everything but SUBJECT_RUN is on top of it and left by "b"
 * or Esc. */
enum subject { SUBJECT_RUN, SUBJECT_HELP, SUBJECT_LOG, SUBJECT_QR, SUBJECT_DETAILS };

/*
 * Memory does not grow with the run: of thousands of events only those are kept that a page shows
 * (one of each place), and of the log the newest lines.
 */
struct model {
	struct model_event run;	     /* run.begin */
	struct model_event question; /* open, or none */
	struct model_event failure;  /* of the current step, or none */
	struct model_event end;	     /* run.end, or none while it runs */
	size_t step_count;
	struct model_step steps[MODEL_STEPS_MAX];
	int current;  /* index of the step at work, -1: none */
	bool pausing; /* asked for, not there yet */
	bool paused, stopping, undoing;
	bool going_back; /* the run is being rolled back */
	bool resumed;	 /* the step at work was begun before, by a process that has ended */
	bool watching;	 /* another face, or none, is in command */
	bool taken;	 /* some face is in command */
	bool left;	 /* the operator left before anything began */
	bool plan_left;	 /* "b" on the plan's page: the kit's page is looked at again */
	struct model_event checks[MODEL_CHECKS_MAX];
	size_t check_count;
	char alert[MODEL_TEXT_MAX]; /* firing, "" if none */
	bool waiting;		    /* for the server, as the next two say */
	int64_t waiting_next, waiting_left;
	size_t log_count; /* ever; the log is a ring */
	struct model_line log[MODEL_LOG_MAX];

	enum subject subject;
	char details; /* the key that opened SUBJECT_DETAILS: 't', 'f', 'c', 'd', 'r'; 's':
			 SUBJECT_QR has dark and light swapped */
	int scroll;   /* first line shown of a list */
	int scroll_max;
	char typed[MODEL_TYPED_MAX];	 /* answer to a question of kind "type" */
	char notice[MODEL_TEXT_MAX];	 /* what a key led to; until the next one */
	int64_t now;			 /* of the newest call */
	const struct language *language; /* of the model's own words, in the log and the keys */
};

/* What a key led to: nothing, an answer to the open question, or a request. */
struct model_action {
	enum {
		ACTION_NONE,
		ACTION_ANSWER,
		ACTION_STOP,
		ACTION_PAUSE,
		ACTION_RESUME,
		ACTION_COMMAND, /* take command */
		ACTION_DETACH,	/* the face ends, the run goes on */
		ACTION_SAVE_PLAN,
		ACTION_QUIT, /* the face ends; only after the run's end */
	} kind;
	const char *question; /* id, for an answer */
	const char *choice;   /* name, or what was typed */
};

/* A model is some hundred kilobytes; it holds no pointer into itself. */
void model_init(struct model *model, const struct language *language);
void model_release(struct model *model);

/* One line of the feed; a line that is no known event is ignored. ERR_NO_MEMORY, ERR_SYNTAX. */
MUST_CHECK int model_event(struct model *model, struct bytes line, int64_t now, struct err *err);

/* A line of the face's own: above the keys until the next key, and in the log. */
void model_note(struct model *model, const char *text);

/* Ctrl+C: asks for a stop at the next safe point; a second one says how long that may take. */
struct model_action model_interrupt(struct model *model, int64_t now);

/* What view_draw returned: how far the subject's list can be scrolled. */
void model_scroll_limit(struct model *model, int limit);

/* The log: 0 is the newest line, NULL behind the oldest that is kept. */
const struct model_line *model_log(const struct model *model, size_t index);

/* Whether the run was `offkit plan`, and ended with a plan to be read. */
bool model_is_plan(const struct model *model);

/* Whether ingest stands still because of this run. */
bool model_is_frozen(const struct model *model);

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
	enum message label; /* "begin" */
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
