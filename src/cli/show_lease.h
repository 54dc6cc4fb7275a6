/*
 * show_lease: what the database says of itself, for status: who holds the lease, which run it
 * knows, and what a batch that came too late has left. Reads only; a database that does not answer
 * within two seconds is told as such.
 */
#ifndef OFFKIT_CLI_SHOW_LEASE_H
#define OFFKIT_CLI_SHOW_LEASE_H

#include "cli/face.h"
#include "engine/ledger.h"

enum { STRAGGLERS_MAX = 64 };

struct straggler {
	const char *run, *collection, *path;
	int64_t count;
};

/* Texts live in the face's arena. */
struct database_view {
	bool named;	     /* there is a site file that names one */
	const char *unknown; /* why it could not be asked; NULL: it answered */
	bool leased;	     /* a lease was ever taken there */
	struct lease_holder holder;
	struct ledger ledger;
	const char *behind; /* why the state folder cannot go on with its open run; NULL: it can */
	size_t straggler_count;
	struct straggler stragglers[STRAGGLERS_MAX];
};

void database_view_find(struct face *face, struct database_view *view);

/* newest_id: of the state folder's newest run, "" if there is none. */
void database_view_show(struct face *face, const struct database_view *view, const char *newest_id);
/* The member "database" of an open object; none if no site file names one. */
void database_view_write(const struct database_view *view, struct json_writer *writer);

#endif
