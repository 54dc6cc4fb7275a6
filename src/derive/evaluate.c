#include "derive/expression.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"

/* ---- values */

struct value value_missing(void)
{
	return (struct value){.type = VALUE_MISSING};
}

struct value value_null(void)
{
	return (struct value){.type = VALUE_NULL};
}

struct value value_bool(bool value)
{
	return (struct value){.type = VALUE_BOOL, .boolean = value};
}

struct value value_int32(int32_t value)
{
	return (struct value){.type = VALUE_INT32, .int32 = value};
}

struct value value_int64(int64_t value)
{
	return (struct value){.type = VALUE_INT64, .int64 = value};
}

struct value value_double(double value)
{
	return (struct value){.type = VALUE_DOUBLE, .number = value};
}

struct value value_string(struct bytes text)
{
	return (struct value){.type = VALUE_STRING, .bytes = text};
}

struct value value_array(struct bytes array)
{
	return (struct value){.type = VALUE_ARRAY, .bytes = array};
}

struct value value_document(struct bytes document)
{
	return (struct value){.type = VALUE_DOCUMENT, .bytes = document};
}

bool is_nullish(const struct value *value)
{
	return value->type == VALUE_MISSING || value->type == VALUE_NULL ||
	       value->type == VALUE_UNDEFINED;
}

bool is_true(const struct value *value)
{
	const struct value zero = value_int32(0);

	if (is_nullish(value))
		return false;
	if (value->type == VALUE_BOOL)
		return value->boolean;
	return !value_is_number(value) || value_compare(value, &zero) != 0;
}

/* ---- failures and the budget */

int unsuitable(const struct node *node, struct err *err, const char *format, ...)
{
	char message[256];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(message, sizeof message, format, args);
	va_end(args);
	return err_set(err, ERR_MIGRATION, "%s: %s", node->where, message);
}

int unsuitable_type(
	const struct node *node, const char *wanted, const struct value *value, struct err *err)
{
	return unsuitable(node, err, "it takes %s, and this is of type %s", wanted,
		value_type_name(value->type));
}

int spend(struct evaluation *evaluation, const struct node *node, uint64_t octets, uint64_t steps,
	struct err *err)
{
	struct derive_run *run = evaluation->run;

	run->octets += octets;
	run->steps += steps;
	if (run->octets > DERIVE_OCTETS_MAX)
		return err_set(err, ERR_LIMIT, "%s: the document builds more than %llu octets",
			node->where, (unsigned long long)DERIVE_OCTETS_MAX);
	if (run->steps > DERIVE_STEPS_MAX)
		return err_set(err, ERR_LIMIT, "%s: the document takes more than %llu steps",
			node->where, (unsigned long long)DERIVE_STEPS_MAX);
	return 0;
}

/* A level has at least its type, a name of an octet and its end, a length and an end. */
enum { LEVEL_OCTETS = 7 };

static bool nested_within(struct bytes doc, unsigned left)
{
	struct doc_iter iter = doc_iter_begin(doc);
	struct value value;
	const char *name;

	/* Too small to be nested deeper, as most are: nothing of it has to be looked at. */
	if (doc.size <= (size_t)left * LEVEL_OCTETS)
		return true;
	if (left == 0)
		return false;
	while (doc_iter_next(&iter, &name, &value))
		if ((value.type == VALUE_DOCUMENT || value.type == VALUE_ARRAY) &&
			!nested_within(value.bytes, left - 1))
			return false;
	return true;
}

int check_nesting(const struct node *node, const struct value *value, struct err *err)
{
	if ((value->type == VALUE_DOCUMENT || value->type == VALUE_ARRAY) &&
		!nested_within(value->bytes, DERIVE_NESTING_MAX))
		return err_set(err, ERR_LIMIT, "%s: the result is nested more than %d deep",
			node->where, DERIVE_NESTING_MAX);
	return 0;
}

/* ---- building */

void builder_begin(struct builder *builder)
{
	builder->small[0] = '\0';
	builder->text = STR_BORROW(builder->small, sizeof builder->small);
	doc_write_begin(&builder->writer, &builder->text);
}

void builder_cleanup(struct builder *builder)
{
	str_release(&builder->text);
}

int builder_finish(struct builder *builder, struct evaluation *evaluation, const struct node *node,
	struct bytes *ret_doc, struct err *err)
{
	doc_write_end(&builder->writer);
	int result = str_check(&builder->text, err);
	if (result == 0)
		result = spend(evaluation, node, builder->text.size, 1, err);
	if (result == 0 && builder->text.size > DERIVE_RESULT_MAX)
		result = err_set(
			err, ERR_LIMIT, "%s: the result is larger than 64 MiB", node->where);
	if (result != 0)
		return result;
	struct bytes copy = arena_take(evaluation->run->scratch, &builder->text);
	if (copy.data == NULL)
		return err_no_memory(err);
	*ret_doc = copy;
	return 0;
}

int make_string(struct evaluation *evaluation, const struct node *node, struct bytes text,
	struct value *ret_value, struct err *err)
{
	int result = spend(evaluation, node, text.size, 1, err);

	if (result == 0 && text.size > DERIVE_RESULT_MAX)
		result = err_set(
			err, ERR_LIMIT, "%s: the result is larger than 64 MiB", node->where);
	if (result != 0)
		return result;
	char *copy = arena_string_n(evaluation->run->scratch, text.data, text.size);
	if (copy == NULL)
		return err_no_memory(err);
	*ret_value = value_string(bytes_make(copy, text.size));
	return 0;
}

int elements(struct evaluation *evaluation, const struct node *node, struct bytes array,
	struct value **ret_values, size_t *ret_count, struct err *err)
{
	struct doc_iter iter = doc_iter_begin(array);
	size_t count = doc_count(array), i = 0;
	const char *name;
	int result = spend(evaluation, node, count * sizeof(struct value), count, err);

	if (result != 0)
		return result;
	struct value *values =
		arena_array(evaluation->run->scratch, count == 0 ? 1 : count, sizeof *values);
	if (values == NULL)
		return err_no_memory(err);
	while (i < count && doc_iter_next(&iter, &name, &values[i]))
		i++;
	*ret_values = values;
	*ret_count = i;
	return 0;
}

int make_array(struct evaluation *evaluation, const struct node *node, const struct value *values,
	size_t count, struct value *ret_value, struct err *err)
{
	struct builder builder CLEANUP(builder_cleanup);
	struct bytes array;

	builder_begin(&builder);
	doc_write_array(&builder.writer, "a");
	for (size_t i = 0; i < count; i++) {
		struct value value = values[i].type == VALUE_MISSING ? value_null() : values[i];
		doc_write_value(&builder.writer, NULL, &value);
	}
	doc_write_end(&builder.writer);
	int result = builder_finish(&builder, evaluation, node, &array, err);
	if (result == 0)
		*ret_value = doc_get(array, "a");
	return result;
}

/* ---- paths: what goes through an array collects from its documents */

static int collect(struct evaluation *evaluation, struct bytes array, const char *const *names,
	size_t count, const struct node *node, struct value *ret_value, struct err *err)
{
	struct builder builder CLEANUP(builder_cleanup);
	struct doc_iter iter = doc_iter_begin(array);
	struct value element;
	struct bytes built;
	const char *name;
	int result = 0;

	builder_begin(&builder);
	doc_write_array(&builder.writer, "a");
	while (result == 0 && doc_iter_next(&iter, &name, &element)) {
		if (element.type != VALUE_DOCUMENT)
			continue;
		result = spend(evaluation, node, 0, 1, err);
		if (result != 0)
			break;
		struct value value =
			path_get(evaluation, element, names, count, node, &result, err);
		if (result == 0 && value.type != VALUE_MISSING)
			doc_write_value(&builder.writer, NULL, &value);
	}
	if (result != 0)
		return result;
	doc_write_end(&builder.writer);
	result = builder_finish(&builder, evaluation, node, &built, err);
	if (result == 0)
		*ret_value = doc_get(built, "a");
	return result;
}

struct value path_get(struct evaluation *evaluation, struct value start, const char *const *names,
	size_t count, const struct node *node, int *result, struct err *err)
{
	struct value value = start;

	for (size_t i = 0; i < count; i++) {
		if (value.type == VALUE_ARRAY) {
			struct value collected = value_missing();
			*result = collect(evaluation, value.bytes, names + i, count - i, node,
				&collected, err);
			return collected;
		}
		if (value.type != VALUE_DOCUMENT)
			return value_missing();
		value = doc_get(value.bytes, names[i]);
	}
	return value;
}

static int evaluate_path(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value start = value_missing();
	int result = 0;

	if (node->start == START_ROOT)
		start = value_document(evaluation->run->root);
	else if (node->start == START_VARIABLE)
		start = node->slot < evaluation->outer_count
				? evaluation->run->variables[node->slot]
				: evaluation->inner[node->slot - evaluation->outer_count];
	struct value value =
		path_get(evaluation, start, node->names, node->name_count, node, &result, err);
	if (result == 0)
		*ret_value = value;
	return result;
}

/* ---- documents and arrays */

static int evaluate_document(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct builder builder CLEANUP(builder_cleanup);
	struct bytes built;
	int result = 0;

	builder_begin(&builder);
	for (size_t i = 0; result == 0 && i < node->argument_count; i++) {
		struct value value;
		result = evaluate(evaluation, node->arguments[i], &value, err);
		if (result == 0)
			doc_write_value(&builder.writer, node->names[i], &value);
	}
	if (result == 0)
		result = builder_finish(&builder, evaluation, node, &built, err);
	if (result == 0)
		*ret_value = value_document(built);
	return result;
}

static int evaluate_array(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value *values = arena_array(evaluation->run->scratch,
		node->argument_count == 0 ? 1 : node->argument_count, sizeof *values);
	int result = 0;

	if (values == NULL)
		return err_no_memory(err);
	for (size_t i = 0; result == 0 && i < node->argument_count; i++)
		result = evaluate(evaluation, node->arguments[i], &values[i], err);
	if (result == 0)
		result = make_array(evaluation, node, values, node->argument_count, ret_value, err);
	return result;
}

int evaluate(struct evaluation *evaluation, const struct node *node, struct value *ret_value,
	struct err *err)
{
	int result = spend(evaluation, node, 0, 1, err);

	if (result != 0)
		return result;
	switch (node->kind) {
	case NODE_CONSTANT:
		*ret_value = node->constant;
		return 0;
	case NODE_PATH:
		return evaluate_path(evaluation, node, ret_value, err);
	case NODE_DOCUMENT:
		return evaluate_document(evaluation, node, ret_value, err);
	case NODE_ARRAY:
		return evaluate_array(evaluation, node, ret_value, err);
	case NODE_OPERATOR:
		break;
	}
	return node->operator->evaluate(evaluation, node, ret_value, err);
}

int argument(struct evaluation *evaluation, const struct node *node, size_t index,
	struct value *ret_value, struct err *err)
{
	if (index >= node->argument_count || node->arguments[index] == NULL) {
		*ret_value = value_missing();
		return 0;
	}
	return evaluate(evaluation, node->arguments[index], ret_value, err);
}

int argument_of_type(struct evaluation *evaluation, const struct node *node, size_t index,
	enum value_type type, const char *wanted, struct bytes *ret_bytes, bool *ret_null,
	struct err *err)
{
	struct value value;
	int result = argument(evaluation, node, index, &value, err);

	if (result != 0)
		return result;
	*ret_null = is_nullish(&value);
	if (*ret_null)
		return 0;
	if (value.type != type)
		return unsuitable_type(node, wanted, &value, err);
	*ret_bytes = value.bytes;
	return 0;
}
