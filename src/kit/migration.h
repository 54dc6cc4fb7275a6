/*
 * migration: one migration.json of a kit (kit-layout/migration.schema.json): its head here, its
 * body by the step kind that it names.
 *
 * The document must stay alive as long as the migration is used.
 */
#ifndef OFFKIT_KIT_MIGRATION_H
#define OFFKIT_KIT_MIGRATION_H

#include "base/bytes.h"
#include "json/json.h"

enum {
	MIGRATION_SIZE_MAX = 4 * 1024 * 1024, /* octets of the document */
	MIGRATION_ID_MAX = 64,
	MIGRATION_KIND_MAX = 64,
	MIGRATION_TITLE_MAX = 64, /* characters */
	MIGRATION_WHAT_MAX = 512, /* characters */
};

struct migration {
	const char *id;		 /* "21-101": letters, digits, "-", "_", "." */
	const char *kind;	 /* "ensure", "backfill", "object-store": a step kind's name */
	const char *title;	 /* a short line for the walk: "indexes" */
	const char *what;	 /* a sentence for the gate, "" if absent */
	const struct json *body; /* the whole document */
};

/* An id names a folder and a record: up to 64 of those characters, a letter or digit first. */
bool migration_id_valid(const char *id);

/* ERR_SYNTAX, ERR_LIMIT. Members beyond the head are the kind's. */
MUST_CHECK int migration_parse(
	const struct json *document, struct migration *ret_migration, struct err *err);

#endif
