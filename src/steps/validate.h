/*
 * validate: what its files share. A check asks the server one question, which stands in the report
 * so that a DBA can ask it again: the collection, the pipeline as Extended JSON, and the line that
 * mongosh takes. Questions count on the server; no ids are gathered here but a few examples.
 */
#ifndef OFFKIT_STEPS_VALIDATE_H
#define OFFKIT_STEPS_VALIDATE_H

#include "steps/step.h"

enum { EXAMPLES_MAX = 5 };

struct validation {
	const struct step_context *context;
	struct str failed; /* what failed, for the failure's message */
	int64_t failures, checks, planned;
	struct str text; /* of the checkpoint */
	struct json_writer writer;
};

/* ---- a question: a pipeline whose last stage gives {n} */

struct question {
	const char *collection;
	struct str pipeline;	   /* a JSON array */
	struct json_writer writer; /* stages are written between question_begin and _end */
};

void question_begin(struct question *question, const char *collection);
void question_end(struct question *question);
void question_release(struct question *question);
/* The stage {$match: {path: text}}; nothing if path is NULL. */
void question_match(struct question *question, const char *path, const char *text);
void question_count(struct question *question); /* the stage that gives n */
/* Its documents, to be looked at one by one. */
MUST_CHECK int question_open(const struct question *question, struct mongo *mongo,
	struct mongo_cursor **ret_cursor, struct err *err);
/* What n is: 0 where the pipeline gives no document. */
MUST_CHECK int question_ask(
	const struct question *question, struct mongo *mongo, int64_t *ret_n, struct err *err);

/* ---- what was found */

struct finding {
	const char *name; /* "link" */
	enum check_outcome outcome;
	struct str text;
	const struct question *question; /* NULL: none that the server answers */
	const char *how;		 /* then: how it was looked at; NULL: not at all */
	int64_t expected;		 /* -1: nothing in particular */
	int64_t found;
	size_t example_count;
	struct str examples[EXAMPLES_MAX]; /* ids of what is wrong */
};

#define FINDING_INIT(check) ((struct finding){.name = (check), .expected = -1})

void finding_release(struct finding *finding);
/* Into the report, the events and the failure; and looks for a request to stop (ERR_STOPPED). */
MUST_CHECK int finding_tell(
	struct validation *validation, const struct finding *finding, struct err *err);

/* ---- the checks that have files of their own */

/* What a backfill's migration declares as "links" (validate_link.c). */
MUST_CHECK int validate_links(
	struct validation *validation, const struct step *step, struct err *err);
/* How a sharded cluster's data are spread (validate_balance.c). */
MUST_CHECK int validate_balance(struct validation *validation, struct err *err);

/* The path by which rollback.json of a step's migration finds what a run wrote in a collection, in
 * arena; *ret_path NULL: it names none. */
MUST_CHECK int validate_run_path(const struct step_context *context, const struct step *step,
	const char *collection, const char **ret_path, struct err *err);

#endif
