/*
 * failure: how every program of ours says that something failed: what, on which object, why, and
 * what to do next; the same words for people and, by kit-layout/error.schema.json, for programs.
 */
#ifndef OFFKIT_JSON_FAILURE_H
#define OFFKIT_JSON_FAILURE_H

#include "base/bytes.h"

struct language;

/* object: the file or name that the command was about, NULL if there is none. Ends in a line feed.
 * For programs it is English always. */
void failure_text(const struct language *language, const char *program, const char *object,
	const struct err *err, struct str *out);
void failure_json(const char *object, const struct err *err, struct str *out);

#endif
