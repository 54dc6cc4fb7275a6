/*
 * rehearsed: what the newest rehearsal here says of a kit (rehearsal.schema.json), for plans: how
 * long the real steps are expected to take. Nobody's decision hangs on it: what cannot be read, or
 * is of another kit, is as if there were none.
 */
#ifndef OFFKIT_ENGINE_REHEARSED_H
#define OFFKIT_ENGINE_REHEARSED_H

#include "json/json.h"
#include "verify/verify.h"

/* In the state folder. */
#define REHEARSAL_FOLDER "rehearsal"
#define REHEARSAL_NEWEST "newest.json"

/* NULL: there is none of this very manifest for this database. The caller releases it. */
struct json_doc *rehearsed_load(
	const char *state_dir, const struct trusted_kit *kit, const char *database);

/* ms, -1: it does not say. doc may be NULL. */
int64_t rehearsed_takes(const struct json_doc *doc, const char *step_name);

/* A sentence for the plan and the evidence; without a rehearsal (NULL) in production only. */
void rehearsed_say(const struct json_doc *doc, const char *environment, struct str *out);

#endif
