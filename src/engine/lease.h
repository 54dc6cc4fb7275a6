/*
 * lease: one run at a time on a database, whatever hosts it is started from.
 *
 * A document {_id: "lease"} of MONGO_OWN_COLLECTION in the site's database says who may write:
 * owner (a run's id), host, process, command, place, since, expires, and a fencing token that grows
 * by one with every owner and never goes back. Times are the server's ($$NOW); each change is one
 * atomic update that names the state that it expects. A thread of the holder's renews the lease,
 * with a connection of its own, from lease_take to lease_release: also while an index is built or
 * an operator is asked. Renewing is checking: it fails when the token is another's.
 *
 * A lease cannot be tested in another document's write. What is guaranteed is this:
 *
 * Nothing is sent unless the time left (CLOCK_BOOTTIME, from before the last renewal was sent) is
 * more than a write's maxTimeMS and a margin: lease_guard, asked on every connection before every
 * write. When it is less, the lease is renewed first, and the write waits for that.
 *
 * Who takes over a lease that was not released waits until it would have expired, and as long as
 * maxTimeMS and margin together, before its first write: lease_patience. One place excepted: the
 * same state folder on the same running kernel, whose lock proves that the other process is gone.
 *
 * So at most one batch a worker can come late: one that was let through, and then stopped on its
 * way (a stopped process, a queue in the network). It can only write the documents that the run's
 * id and the source determine; the undo sweeps again, and `status` looks for what is left over.
 *
 * Every command that writes documents has the maxTimeMS, and each that a bulk is sent as is asked
 * for by itself; none is sent again but by who has read what became of it. What builds an index, a
 * validator or a shard key may work for longer than the lease at the server, while the lease goes
 * on being renewed, and is safe to be asked for twice.
 *
 * Codes: ERR_LOCKED if somebody else has it, ERR_LEASE_LOST if somebody else took it, the
 * database's.
 */
#ifndef OFFKIT_ENGINE_LEASE_H
#define OFFKIT_ENGINE_LEASE_H

#include "base/arena.h"
#include "mongo/mongo.h"

/* ---- arithmetic; ms */

enum { LEASE_DEFAULT = 60 * 1000, LEASE_MIN = 2 * 1000, LEASE_MAX = 60 * 60 * 1000 };

struct lease_times {
	int64_t length;
	int64_t write_time; /* a write's maxTimeMS: a third of it */
	int64_t margin;	    /* a twelfth */
	int64_t renewal;    /* between two: a sixth */
};

struct lease_times lease_times_of(int64_t length);

/* Whether a write may be sent now, if the last renewal was sent at renewed (both boottime). */
bool lease_covers(const struct lease_times *times, int64_t renewed, int64_t now);

/* ---- what the document says */

struct lease_holder {
	int64_t token;				    /* 0: nobody ever had it */
	const char *owner, *host, *command, *place; /* "" if nobody has or had it; in the arena */
	int64_t pid;
	int64_t since, expires; /* wall clock of the server; expires 0: released */
	int64_t wait;		/* maxTimeMS and margin of its writes */
	int64_t now;		/* the server's clock when it was read */
};

/* Held: not released and not expired, by the server's clock. */
bool lease_is_held(const struct lease_holder *holder);

/* How long who takes over from holder at `now`, from another place, lets its last batch end. */
int64_t lease_patience_with(const struct lease_holder *holder);

struct language;

/* "run 2025…, offkit install, process 12 on host a, since …, until … unless it is renewed" */
void lease_describe(
	const struct language *language, const struct lease_holder *holder, struct str *out);

/* Of the octets of the lease document, copied into arena; ERR_JOURNAL if it is none of ours. */
MUST_CHECK int lease_holder_read(struct bytes untrusted_doc, struct arena *arena,
	struct lease_holder *ret_holder, struct err *err);

/*
 * The document as it is, with the server's clock as "now"; appended to doc, size 0 if there is
 * none. Reads only.
 */
MUST_CHECK int lease_look(struct mongo *mongo, struct str *doc, struct err *err);

/* ---- the lease of a run */

struct lease;

struct lease_claim {
	const char *uri, *database;
	const char *owner;   /* the run's id */
	const char *command; /* "install" */
	int state_dirfd;     /* whose lock is held */
	int64_t length;	     /* LEASE_MIN to LEASE_MAX */
	int64_t broken;	     /* the token of the lease that is to be broken; -1: none */
};

/*
 * Takes it, if it is free, expired, of this place, or to be broken; begins to renew it. All of the
 * claim is copied. It starts a thread: whoever wants to fork forks before.
 */
MUST_CHECK int lease_take(
	const struct lease_claim *claim, struct lease **ret_lease, struct err *err);
/* The run ends, and of its last write it is not known whether it will still be done: who comes next
 * waits for that as if the lease had not been given back. */
void lease_unsure(struct lease *lease);
/* Stops renewing, and gives it back unless it is lost or the database does not answer. */
void lease_release(struct lease *lease);

/* Whose it was before, seen when it was taken; and whose it became. Live as long as the lease. */
const struct lease_holder *lease_before(const struct lease *lease);
const struct lease_holder *lease_ours(const struct lease *lease);
int64_t lease_token(const struct lease *lease);
/* The lease document as it was when we had taken it. */
struct bytes lease_document(const struct lease *lease);
/* ms from taking it in which nothing may be written yet. */
int64_t lease_patience(const struct lease *lease);
/* For mongo_set_guard; lives as long as the lease. Any thread. */
const struct mongo_guard *lease_guard(const struct lease *lease);

/*
 * Writes fields (a document for $set, at the top of the lease document) if the token is still ours,
 * and renews: one update. fields' strings are taken literally. By the caller's connection.
 */
MUST_CHECK int lease_write(
	struct lease *lease, struct mongo *mongo, struct bytes fields, struct err *err);

#endif
