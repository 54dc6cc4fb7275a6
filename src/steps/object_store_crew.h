/*
 * object_store_crew: the documents of a collection, or the items of a list, worked on by several
 * workers in batches, with the copy's throttle, its progress in octets, and what is to be said.
 * Internal to the files object_store*.c.
 */
#ifndef OFFKIT_STEPS_OBJECT_STORE_CREW_H
#define OFFKIT_STEPS_OBJECT_STORE_CREW_H

#include "object/store.h"
#include "steps/crew.h"
#include "steps/throttle.h"

enum {
	OBJECT_BATCH_MAX = 16, /* each of them may have a file open */
	OBJECT_WORKERS_MAX = 32,
};

struct object_crew;

struct object_batch {
	struct object_crew *crew;
	size_t worker;		     /* below OBJECT_WORKERS_MAX: nobody else has it meanwhile */
	struct step_context context; /* with the worker's own connection and arena */
	struct crew_tally *tally;    /* octets and documents are the work's to add */
	struct bytes docs[OBJECT_BATCH_MAX];
	size_t count;
	size_t item; /* of a list */
};

struct object_crew {
	const struct step_context *context;
	struct object_store *store;
	const char *phase;
	int64_t total;		   /* octets */
	const char *collection;	   /* in the order of _id; NULL: a list */
	size_t items;		   /* of the list */
	const char *weighs;	   /* the member that says how many octets a document stands for */
	struct throttle *throttle; /* what is written waits for the replicas; NULL: nothing is */
	void *self;
	int (*work)(void *self, struct object_batch *batch, struct err *err);
	struct object_crew_inside *inside; /* while it runs */
};

/* 0 when all of it was worked on. ERR_STOPPED. */
MUST_CHECK int object_crew_run(struct object_crew *crew, struct err *err);

/* A warning of the check "object"; the step's own thread tells it. In any worker's thread. */
MUST_CHECK int object_crew_warn(struct object_crew *crew, const char *text, struct err *err);

/* Tells the tally what was not counted yet of a file of which so many octets are read. */
void object_count(struct object_batch *batch, int64_t at, int64_t *counted);

#endif
