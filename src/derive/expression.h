/*
 * expression: a compiled template's inside, for the files of this folder alone.
 *
 * Operators are rows of tables, one table a topic. A row's evaluate gets the node with its
 * arguments, in the order of its names when it has some (NULL: an optional one that is absent).
 */
#ifndef OFFKIT_DERIVE_EXPRESSION_H
#define OFFKIT_DERIVE_EXPRESSION_H

#include "derive/derive.h"

enum node_kind { NODE_CONSTANT, NODE_PATH, NODE_DOCUMENT, NODE_ARRAY, NODE_OPERATOR };

/* Where a path begins. A variable's slot counts the outer ones first, then the inner ones. */
enum path_start { START_ROOT, START_REMOVE, START_VARIABLE };

struct node {
	enum node_kind kind;
	const char *where;
	struct value constant;
	enum path_start start;
	unsigned slot;		  /* START_VARIABLE, or the first that an operator binds */
	const char *const *names; /* a path's steps, a document's fields, sort's paths */
	size_t name_count;
	const struct node **arguments;
	size_t argument_count;
	const int *directions; /* sort's, 1 or -1, one a name; none: the elements themselves */
	const struct operator* operator;
};

struct evaluation {
	struct derive_run *run;
	size_t outer_count;
	struct value inner[DERIVE_INNER_MAX];
};

/* Which variables an operator binds, and for which of its arguments ("in", "cond"). */
enum binding { BIND_NONE, BIND_AS, BIND_REDUCE };

struct compiler;
struct scope;

struct operator
{
	const char *name;
	unsigned least, most;	  /* arguments in a list; UINT_MAX: any number */
	const char *const *named; /* or named ones, NULL-terminated; "?" first: may be absent */
	enum binding binding;
	const char *bound_in;
	int (*compile)(struct compiler * compiler, const struct json *json,
		const struct scope *scope, struct node *node, struct err *err); /* its own form */
	int (*evaluate)(struct evaluation * evaluation, const struct node *node,
		struct value *ret_value, struct err *err);
};

extern const struct operator logic_operators[], text_operators[], array_operators[],
	document_operators[], number_operators[], convert_operators[]; /* end with a NULL name */

/* NULL if there is no such operator. */
const struct operator* operator_by_name(const char *name);

/* ---- compiling (compile.c, forms.c) */

struct scope {
	const char *name;
	unsigned slot;
	const struct scope *outer;
};

struct compiler {
	struct arena *arena;
	const struct derive_names *names;
	size_t nodes;
};

MUST_CHECK int compile_node(struct compiler *compiler, const struct json *json, const char *where,
	const struct scope *scope, const struct node **ret_node, struct err *err);
MUST_CHECK int compile_arguments(
	struct compiler *compiler, struct node *node, size_t count, struct err *err);
/* The slot after those that scope has; ERR_LIMIT. */
MUST_CHECK int compile_slot(const struct compiler *compiler, const struct scope *scope,
	const char *where, unsigned *ret_slot, struct err *err);
MUST_CHECK int compile_name(const char *name, const char *where, struct err *err);
int compile_cond(struct compiler *compiler, const struct json *json, const struct scope *scope,
	struct node *node, struct err *err);
int compile_switch(struct compiler *compiler, const struct json *json, const struct scope *scope,
	struct node *node, struct err *err);
int compile_let(struct compiler *compiler, const struct json *json, const struct scope *scope,
	struct node *node, struct err *err);
int compile_get_field(struct compiler *compiler, const struct json *json, const struct scope *scope,
	struct node *node, struct err *err);
int compile_sort_array(struct compiler *compiler, const struct json *json,
	const struct scope *scope, struct node *node, struct err *err);
int compile_literal(struct compiler *compiler, const struct json *json, const struct scope *scope,
	struct node *node, struct err *err);

/* ---- evaluating (evaluate.c) */

MUST_CHECK int evaluate(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err);

/* An argument; one that is absent is missing. */
MUST_CHECK int argument(struct evaluation *evaluation, const struct node *node, size_t index,
	struct value *ret_value, struct err *err);

/*
 * An argument that must be of a type that is a view of octets (string, array); *ret_null says that
 * it is null or missing instead. wanted: the type in words, "a string".
 */
MUST_CHECK int argument_of_type(struct evaluation *evaluation, const struct node *node,
	size_t index, enum value_type type, const char *wanted, struct bytes *ret_bytes,
	bool *ret_null, struct err *err);

/* ERR_MIGRATION at the node: "WHERE: message". */
MUST_CHECK int unsuitable(const struct node *node, struct err *err, const char *format, ...)
	PRINTF_LIKE(3, 4);
/* "WHERE: $concat takes a string, not an array" */
MUST_CHECK int unsuitable_type(
	const struct node *node, const char *wanted, const struct value *value, struct err *err);

/* Accounts for work; ERR_LIMIT over the budget. */
MUST_CHECK int spend(struct evaluation *evaluation, const struct node *node, uint64_t octets,
	uint64_t steps, struct err *err);

/* ERR_LIMIT if value is nested too deep to be built upon. */
MUST_CHECK int check_nesting(const struct node *node, const struct value *value, struct err *err);

struct value value_missing(void);
struct value value_null(void);
struct value value_bool(bool value);
struct value value_int32(int32_t value);
struct value value_int64(int64_t value);
struct value value_double(double value);
struct value value_string(struct bytes text);
struct value value_array(struct bytes array);
struct value value_document(struct bytes document);
bool is_nullish(const struct value *value); /* null, undefined, missing */
bool is_true(const struct value *value);
struct value path_get(struct evaluation *evaluation, struct value start, const char *const *names,
	size_t count, const struct node *node, int *result, struct err *err);

/* What is built, in the scratch arena. Both errors of the string and of the budget. */
struct builder {
	struct str text;
	struct doc_writer writer;
	char small[512]; /* where most of them end */
};
void builder_begin(struct builder *builder);
void builder_cleanup(struct builder *builder);
MUST_CHECK int builder_finish(struct builder *builder, struct evaluation *evaluation,
	const struct node *node, struct bytes *ret_doc, struct err *err);

/* A copy of text in the scratch arena, as a string value. */
MUST_CHECK int make_string(struct evaluation *evaluation, const struct node *node,
	struct bytes text, struct value *ret_value, struct err *err);

/* An array's elements as a C array in the scratch arena. */
MUST_CHECK int elements(struct evaluation *evaluation, const struct node *node, struct bytes array,
	struct value **ret_values, size_t *ret_count, struct err *err);
MUST_CHECK int make_array(struct evaluation *evaluation, const struct node *node,
	const struct value *values, size_t count, struct value *ret_value, struct err *err);

#endif
