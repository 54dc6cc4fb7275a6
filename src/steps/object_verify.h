/*
 * object_verify: whether a store is what its names say: every object is hashed again, everything
 * else that lies there is named, and, where there are pointers, each must lead to its object.
 *
 * Changes nothing. What is found wrong is a finding and no failure; failures are the store's and
 * the database's own, and ERR_STOPPED.
 */
#ifndef OFFKIT_STEPS_OBJECT_VERIFY_H
#define OFFKIT_STEPS_OBJECT_VERIFY_H

#include "base/arena.h"
#include "mongo/mongo.h"
#include "object/store.h"

enum object_fault {
	OBJECT_FAULT_DAMAGED,	/* its octets are not its digest's */
	OBJECT_FAULT_TRUNCATED, /* fewer octets than its pointer says */
	OBJECT_FAULT_UNREADABLE,
	OBJECT_FAULT_MISPLACED,
	OBJECT_FAULT_FOREIGN,
	OBJECT_FAULT_MISSING, /* a pointer leads to it */
	OBJECT_FAULT_POINTER, /* a pointer that is none, or that says another key or size */
	/* Not wrong: */
	OBJECT_FAULT_LEFTOVER, /* of an interrupted put, or of one at work */
	OBJECT_FAULT_UNNEEDED, /* no pointer leads to it */
	OBJECT_FAULTS
};

/* "damaged": stands in JSON. */
const char *object_fault_name(enum object_fault fault);
bool object_fault_is_wrong(enum object_fault fault);

struct object_finding {
	enum object_fault fault;
	const char *key;  /* in the store; of a pointer its _id, as text */
	const char *text; /* what is wrong, a part of a sentence */
};

struct object_verified {
	int64_t objects, octets; /* that are what their names say */
	int64_t pointers;	 /* -1: not looked at */
	int64_t counts[OBJECT_FAULTS];
	int64_t wrong;
	struct object_finding *findings; /* in the order of the keys, pointers' last */
	size_t finding_count;
};

struct object_verify {
	struct object_store *store;
	struct mongo *mongo;  /* NULL: no pointers are looked at */
	const char *pointers; /* their collection */
	int64_t workers;      /* 0: by the number of cores */
	bool names_only;      /* nothing is hashed: what has a name and the right size is good */
	void *self;
	void (*tell)(void *self, int64_t octets, int64_t total); /* may be NULL */
	bool (*stop_requested)(void *self);			 /* may be NULL */
};

/* Texts live in arena. */
MUST_CHECK int object_verify_run(const struct object_verify *verify, struct arena *arena,
	struct object_verified *ret_verified, struct err *err);

#endif
