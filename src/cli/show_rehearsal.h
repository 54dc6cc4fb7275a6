/*
 * show_rehearsal: what a rehearsal says in the end: what it measured, and what the real run is
 * expected to take by that.
 */
#ifndef OFFKIT_CLI_SHOW_REHEARSAL_H
#define OFFKIT_CLI_SHOW_REHEARSAL_H

#include "cli/face.h"
#include "engine/rehearse.h"

struct shown_rehearsal {
	const struct trusted_kit *kit;
	const struct site *site;    /* the real one */
	const char *run_id;	    /* names the folder of what steps left */
	const char *database;	    /* the scratch one */
	const char *server;	    /* redacted */
	const char *backup;	    /* its folder */
	bool taken;		    /* by the rehearsal, and removed */
	int64_t began;		    /* clock_now */
	int64_t took, restore_took; /* ms */
	int64_t backup_takes;	    /* ms, measured or estimated; -1: not known */
	uint64_t documents, octets; /* of the backup, BSON */
	uint64_t file_octets;	    /* of a new backup's files, about */
	double scale;		    /* the site's data now by the backup's */
	const struct rehearsed *done;
};

/* One JSON object and a line feed: rehearsal.schema.json. */
void show_rehearsal_json(const struct shown_rehearsal *shown, struct str *out);
void show_rehearsal_text(struct face *face, const struct shown_rehearsal *shown);

#endif
