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

enum { MIGRATION_SIZE_MAX = 4 * 1024 * 1024, MIGRATION_ID_MAX = 64 };

struct migration {
	const char *id;		 /* "21-101": letters, digits, "-", "_", "." */
	const char *kind;	 /* "ensure", "backfill", "object-store": a step kind's name */
	const char *title;	 /* a short line for the walk: "indexes" */
	const char *what;	 /* a sentence for the gate, "" if absent */
	const struct json *body; /* the whole document */
};

MUST_CHECK int migration_parse(
	const struct json *document, struct migration *ret_migration, struct err *err);

#endif
