/*
 * derive: the templates of a backfill, compiled and evaluated (offkit-migration(5)).
 *
 * A template is JSON in which strings that begin with "$" are paths, "$$" variables, and objects
 * with one member that begins with "$" operators: a subset of MongoDB's aggregation expressions
 * with MongoDB's meaning, and $sha256. An operator that differs from MongoDB does so by refusing,
 * never by another result. Nothing here depends on the time, the machine or chance: the same
 * document gives the same octets.
 *
 * Compiled once and immutable; any number of runs may use it at once. Errors name the path into
 * the template: ERR_SYNTAX in a template, ERR_MIGRATION when a document does not suit it, ERR_LIMIT
 * when a result grows over a limit.
 */
#ifndef OFFKIT_DERIVE_DERIVE_H
#define OFFKIT_DERIVE_DERIVE_H

#include "base/arena.h"
#include "json/json.h"
#include "mongo/value.h"

enum {
	DERIVE_VARIABLES_MAX = 256,	      /* around a template */
	DERIVE_INNER_MAX = 64,		      /* bound within a template, one inside another */
	DERIVE_NODES_MAX = 20000,	      /* expressions in a template */
	DERIVE_NESTING_MAX = 100,	      /* of what is built */
	DERIVE_RESULT_MAX = 64 * 1024 * 1024, /* octets of one result, also in between */
};

/* What one document may cost, all its templates together. */
#define DERIVE_OCTETS_MAX ((uint64_t)512 * 1024 * 1024) /* built, also in between */
#define DERIVE_STEPS_MAX  ((uint64_t)200 * 1000 * 1000) /* expressions and elements looked at */

struct derive; /* a compiled template */

/* The variables that stand around a template: the value of names[i] is given as variables[i]. */
struct derive_names {
	const char *names[DERIVE_VARIABLES_MAX];
	size_t count;
};

/* True if the name may be a variable's: a lower-case letter, then letters, digits and "_". */
bool derive_name_valid(const char *name);

/*
 * where is how messages call the place of the template ("phases[0].write[1].document"). Strings
 * are copied: the JSON may go. The template lives in arena.
 */
MUST_CHECK int derive_compile(const struct json *template, const char *where,
	const struct derive_names *names, struct arena *arena, const struct derive **ret_derive,
	struct err *err);

/* One document's evaluation. Zero octets and steps before its first template. */
struct derive_run {
	struct bytes root;	       /* $$ROOT */
	const struct value *variables; /* as many as the names of compilation */
	struct arena *scratch;	       /* results live here or in what they view */
	struct sha256_stream *sha256;  /* for sha256_of_with; may be NULL */
	uint64_t octets, steps;	       /* spent so far */
};

/* VALUE_MISSING is a result too: a field that is not there, or $$REMOVE. */
MUST_CHECK int derive_evaluate(const struct derive *derive, struct derive_run *run,
	struct value *ret_value, struct err *err);

/* As MongoDB takes a value for true: not null, missing, false or 0. */
MUST_CHECK int derive_test(
	const struct derive *derive, struct derive_run *run, bool *ret_true, struct err *err);

#endif
