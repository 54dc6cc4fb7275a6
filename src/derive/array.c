/* Arrays. */
#include "derive/expression.h"

#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static int array_argument(struct evaluation *evaluation, const struct node *node, size_t index,
	struct bytes *ret_array, bool *ret_null, struct err *err)
{
	return argument_of_type(
		evaluation, node, index, VALUE_ARRAY, "an array", ret_array, ret_null, err);
}

static int evaluate_size(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct bytes array;
	bool null;
	int result = array_argument(evaluation, node, 0, &array, &null, err);

	if (result != 0)
		return result;
	if (null)
		return unsuitable(node, err, "it takes an array, and this is null or missing");
	*ret_value = value_int32((int32_t)doc_count(array));
	return 0;
}

static struct value element_at(struct bytes array, int64_t index)
{
	struct doc_iter iter = doc_iter_begin(array);
	struct value value;
	const char *name;

	if (index < 0)
		index += (int64_t)doc_count(array);
	for (int64_t i = 0; index >= 0 && doc_iter_next(&iter, &name, &value); i++)
		if (i == index)
			return value;
	return value_missing();
}

static int element(struct evaluation *evaluation, const struct node *node, int64_t index,
	struct value *ret_value, struct err *err)
{
	struct bytes array;
	bool null;
	int result = array_argument(evaluation, node, 0, &array, &null, err);

	if (result == 0)
		*ret_value = null ? value_null() : element_at(array, index);
	return result;
}

static int evaluate_first(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return element(evaluation, node, 0, ret_value, err);
}

static int evaluate_last(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return element(evaluation, node, -1, ret_value, err);
}

static int evaluate_array_elem_at(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value index;
	int64_t number;
	int result = argument(evaluation, node, 1, &index, err);

	if (result != 0)
		return result;
	if (is_nullish(&index)) {
		*ret_value = value_null();
		return 0;
	}
	if (index.type == VALUE_INT32)
		number = index.int32;
	else if (index.type == VALUE_INT64 && index.int64 >= INT32_MIN && index.int64 <= INT32_MAX)
		number = index.int64;
	else if (index.type == VALUE_DOUBLE && index.number == trunc(index.number) &&
		 fabs(index.number) <= INT32_MAX)
		number = (int64_t)index.number;
	else
		return unsuitable_type(node, "an integer of 32 bits", &index, err);
	return element(evaluation, node, number, ret_value, err);
}

static int evaluate_in(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value wanted, value;
	struct bytes array;
	const char *name;
	bool null;
	int result = argument(evaluation, node, 0, &wanted, err);

	if (result == 0)
		result = array_argument(evaluation, node, 1, &array, &null, err);
	if (result != 0)
		return result;
	if (null)
		return unsuitable(node, err, "it looks in an array, and this is null or missing");
	struct doc_iter iter = doc_iter_begin(array);
	uint64_t steps = 0;
	bool found = false;
	while (!found && doc_iter_next(&iter, &name, &value)) {
		steps++;
		found = value_compare(&wanted, &value) == 0;
	}
	result = spend(evaluation, node, 0, steps, err);
	if (result == 0)
		*ret_value = value_bool(found);
	return result;
}

static void append_elements(struct doc_writer *writer, struct bytes array)
{
	struct doc_iter iter = doc_iter_begin(array);
	struct value value;
	const char *name;

	while (doc_iter_next(&iter, &name, &value))
		doc_write_value(writer, NULL, &value);
}

static int join(struct evaluation *evaluation, const struct node *node, const struct bytes *arrays,
	size_t count, struct value *ret_value, struct err *err)
{
	struct builder builder CLEANUP(builder_cleanup);
	struct bytes array;
	int result;

	builder_begin(&builder);
	doc_write_array(&builder.writer, "a");
	for (size_t i = 0; i < count; i++)
		append_elements(&builder.writer, arrays[i]);
	doc_write_end(&builder.writer);
	result = builder_finish(&builder, evaluation, node, &array, err);
	if (result == 0)
		*ret_value = doc_get(array, "a");
	return result;
}

/* Where all but one are empty that one is the result, and nothing is copied. */
static int evaluate_concat_arrays(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct bytes *arrays =
		arena_array(evaluation->run->scratch, node->argument_count + 1, sizeof *arrays);
	size_t count = 0;

	if (arrays == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < node->argument_count; i++) {
		struct bytes array;
		bool null;
		int result = array_argument(evaluation, node, i, &array, &null, err);
		if (result != 0)
			return result;
		if (null) {
			*ret_value = value_null();
			return 0;
		}
		if (array.size > DOC_SIZE_MIN)
			arrays[count++] = array;
	}
	if (count != 1)
		return join(evaluation, node, arrays, count, ret_value, err);
	*ret_value = value_array(arrays[0]);
	return 0;
}

/* ---- what visits every element */

/* Those of the first argument; *ret_null says that it is null or missing, and so the result. */
static int input_elements(struct evaluation *evaluation, const struct node *node,
	struct value **ret_values, size_t *ret_count, bool *ret_null, struct err *err)
{
	struct bytes array;
	int result = array_argument(evaluation, node, 0, &array, ret_null, err);

	return result != 0 || *ret_null
		       ? result
		       : elements(evaluation, node, array, ret_values, ret_count, err);
}

static void bind(struct evaluation *evaluation, unsigned slot, const struct value *value)
{
	evaluation->inner[slot - evaluation->outer_count] = *value;
}

static int evaluate_map(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value *values = NULL;
	size_t count = 0;
	bool null;
	int result = input_elements(evaluation, node, &values, &count, &null, err);

	if (result == 0 && null) {
		*ret_value = value_null();
		return 0;
	}
	for (size_t i = 0; result == 0 && i < count; i++) {
		bind(evaluation, node->slot, &values[i]);
		result = argument(evaluation, node, 1, &values[i], err);
	}
	if (result == 0)
		result = make_array(evaluation, node, values, count, ret_value, err);
	return result;
}

static int filter_limit(
	struct evaluation *evaluation, const struct node *node, size_t *ret_limit, struct err *err)
{
	struct value value;
	int result = argument(evaluation, node, 2, &value, err);

	if (result != 0)
		return result;
	*ret_limit = SIZE_MAX;
	if (is_nullish(&value))
		return 0;
	if (value.type != VALUE_INT32 || value.int32 < 1)
		return unsuitable(node, err, "its limit is not an integer from 1");
	*ret_limit = (size_t)value.int32;
	return 0;
}

static int evaluate_filter(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value *values = NULL;
	size_t count = 0, kept = 0, limit;
	struct bytes array;
	bool null;
	int result = array_argument(evaluation, node, 0, &array, &null, err);

	if (result == 0 && null) {
		*ret_value = value_null();
		return 0;
	}
	if (result == 0)
		result = elements(evaluation, node, array, &values, &count, err);
	if (result == 0)
		result = filter_limit(evaluation, node, &limit, err);
	for (size_t i = 0; result == 0 && i < count && kept < limit; i++) {
		struct value truth;
		bind(evaluation, node->slot, &values[i]);
		result = argument(evaluation, node, 1, &truth, err);
		if (result == 0 && is_true(&truth))
			values[kept++] = values[i];
	}
	if (result != 0 || kept < count)
		return result != 0 ? result
				   : make_array(evaluation, node, values, kept, ret_value, err);
	*ret_value = value_array(array);
	return 0;
}

/*
 * `{$concatArrays: ["$$value", X]}` where X does not use $$value, MongoDB's idiom for flattening:
 * the result is appended to, not copied anew for each element.
 */
static bool reads_slot(const struct node *node, unsigned slot)
{
	if (node == NULL)
		return false;
	if (node->kind == NODE_PATH)
		return node->start == START_VARIABLE && node->slot == slot;
	/* What binds the same slot anew hides it; taking that for a use only costs the copy. */
	for (size_t i = 0; i < node->argument_count; i++)
		if (reads_slot(node->arguments[i], slot))
			return true;
	return false;
}

static bool only_appends(const struct node *node)
{
	const struct node *in = node->arguments[2];

	if (in->kind != NODE_OPERATOR || in->operator->evaluate != evaluate_concat_arrays ||
					 in->argument_count != 2)
		return false;
	const struct node *first = in->arguments[0];
	return first->kind == NODE_PATH && first->start == START_VARIABLE &&
	       first->slot == node->slot && first->name_count == 0 &&
	       !reads_slot(in->arguments[1], node->slot);
}

static int append_all(struct evaluation *evaluation, const struct node *node, struct bytes start,
	const struct value *values, size_t count, struct value *ret_value, struct err *err)
{
	struct builder builder CLEANUP(builder_cleanup);
	const struct node *in = node->arguments[2];
	struct bytes array;
	int result = 0;

	builder_begin(&builder);
	doc_write_array(&builder.writer, "a");
	append_elements(&builder.writer, start);
	for (size_t i = 0; result == 0 && i < count; i++) {
		bool null;
		bind(evaluation, node->slot + 1, &values[i]);
		result = array_argument(evaluation, in, 1, &array, &null, err);
		if (result == 0 && null) { /* null, and null it stays */
			*ret_value = value_null();
			return 0;
		}
		if (result == 0)
			append_elements(&builder.writer, array);
		if (result == 0 && builder.text.size > DERIVE_RESULT_MAX)
			break;
	}
	if (result != 0)
		return result;
	doc_write_end(&builder.writer);
	result = builder_finish(&builder, evaluation, node, &array, err);
	if (result == 0)
		*ret_value = doc_get(array, "a");
	return result;
}

static int evaluate_reduce(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value *values = NULL, value;
	size_t count = 0;
	bool null;
	int result = input_elements(evaluation, node, &values, &count, &null, err);

	if (result == 0 && null) {
		*ret_value = value_null();
		return 0;
	}
	if (result == 0)
		result = argument(evaluation, node, 1, &value, err);
	if (result == 0 && count > 0 && value.type == VALUE_ARRAY && only_appends(node))
		return append_all(evaluation, node, value.bytes, values, count, ret_value, err);
	for (size_t i = 0; result == 0 && i < count; i++) {
		bind(evaluation, node->slot, &value);
		bind(evaluation, node->slot + 1, &values[i]);
		result = argument(evaluation, node, 2, &value, err);
		if (result == 0)
			result = check_nesting(node, &value, err);
	}
	if (result == 0)
		*ret_value = value;
	return result;
}

/* ---- order */

struct sorting {
	const struct node *node; /* NULL: ascending, the elements themselves */
};

struct sorted {
	struct value value;
	size_t place; /* equal ones keep their order */
};

static int by_key(const void *left, const void *right, void *argument)
{
	const struct sorted *a = left, *b = right;
	const struct node *node = ((const struct sorting *)argument)->node;
	int order = 0;

	if (node == NULL || node->name_count == 0) {
		order = value_compare(&a->value, &b->value);
		if (node != NULL)
			order *= node->directions[0];
	}
	for (size_t i = 0; node != NULL && order == 0 && i < node->name_count; i++) {
		struct value x = value_missing(), y = value_missing();
		if (a->value.type == VALUE_DOCUMENT)
			x = doc_get_path(a->value.bytes, node->names[i]);
		if (b->value.type == VALUE_DOCUMENT)
			y = doc_get_path(b->value.bytes, node->names[i]);
		x = is_nullish(&x) ? value_null() : x;
		y = is_nullish(&y) ? value_null() : y;
		order = value_compare(&x, &y) * node->directions[i];
	}
	return order != 0 ? order : (a->place > b->place) - (a->place < b->place);
}

static int sort_values(struct evaluation *evaluation, const struct node *node, struct value *values,
	size_t count, bool unique, size_t *ret_count, struct err *err)
{
	struct sorting sorting = {unique ? NULL : node};
	struct sorted *sorted =
		arena_array(evaluation->run->scratch, count == 0 ? 1 : count, sizeof *sorted);
	size_t kept = 0;
	int result = spend(evaluation, node, count * sizeof *sorted, 20 * count, err);

	if (result != 0)
		return result;
	if (sorted == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < count; i++)
		sorted[i] = (struct sorted){values[i], i};
	qsort_r(sorted, count, sizeof *sorted, by_key, &sorting);
	for (size_t i = 0; i < count; i++)
		if (!unique || kept == 0 || value_compare(&values[kept - 1], &sorted[i].value) != 0)
			values[kept++] = sorted[i].value;
	*ret_count = kept;
	return 0;
}

static int evaluate_sort_array(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value *values = NULL;
	size_t count = 0;
	bool null;
	int result = input_elements(evaluation, node, &values, &count, &null, err);

	if (result == 0 && null) {
		*ret_value = value_null();
		return 0;
	}
	if (result == 0)
		result = sort_values(evaluation, node, values, count, false, &count, err);
	if (result == 0)
		result = make_array(evaluation, node, values, count, ret_value, err);
	return result;
}

static bool is_ascending(const struct value *values, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (value_compare(&values[i - 1], &values[i]) >= 0)
			return false;
	return true;
}

/* MongoDB leaves the order open; here it is ascending. */
static int evaluate_set_union(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value joined, *values;
	size_t count;
	int result = evaluate_concat_arrays(evaluation, node, &joined, err);

	if (result == 0 && joined.type != VALUE_ARRAY) {
		*ret_value = value_null();
		return 0;
	}
	if (result == 0)
		result = elements(evaluation, node, joined.bytes, &values, &count, err);
	if (result != 0)
		return result;
	if (is_ascending(values, count)) {
		*ret_value = joined;
		return 0;
	}
	result = sort_values(evaluation, node, values, count, true, &count, err);
	return result != 0 ? result : make_array(evaluation, node, values, count, ret_value, err);
}

static int evaluate_reverse_array(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value *values = NULL;
	size_t count = 0;
	bool null;
	int result = input_elements(evaluation, node, &values, &count, &null, err);

	if (result == 0 && null) {
		*ret_value = value_null();
		return 0;
	}
	if (result != 0)
		return result;
	for (size_t i = 0; i < count / 2; i++) {
		struct value other = values[i];
		values[i] = values[count - 1 - i];
		values[count - 1 - i] = other;
	}
	return make_array(evaluation, node, values, count, ret_value, err);
}

static const char *const map_names[] = {"input", "in", NULL};
static const char *const filter_names[] = {"input", "cond", "?limit", NULL};
static const char *const reduce_names[] = {"input", "initialValue", "in", NULL};

const struct operator array_operators[] = {
	{.name = "$size", .least = 1, .most = 1, .evaluate = evaluate_size},
	{.name = "$arrayElemAt", .least = 2, .most = 2, .evaluate = evaluate_array_elem_at},
	{.name = "$first", .least = 1, .most = 1, .evaluate = evaluate_first},
	{.name = "$last", .least = 1, .most = 1, .evaluate = evaluate_last},
	{.name = "$in", .least = 2, .most = 2, .evaluate = evaluate_in},
	{.name = "$concatArrays", .least = 0, .most = UINT_MAX, .evaluate = evaluate_concat_arrays},
	{.name = "$setUnion", .least = 0, .most = UINT_MAX, .evaluate = evaluate_set_union},
	{.name = "$reverseArray", .least = 1, .most = 1, .evaluate = evaluate_reverse_array},
	{.name = "$map",
		.named = map_names,
		.binding = BIND_AS,
		.bound_in = "in",
		.evaluate = evaluate_map},
	{.name = "$filter",
		.named = filter_names,
		.binding = BIND_AS,
		.bound_in = "cond",
		.evaluate = evaluate_filter},
	{.name = "$reduce",
		.named = reduce_names,
		.binding = BIND_REDUCE,
		.bound_in = "in",
		.evaluate = evaluate_reduce},
	{.name = "$sortArray", .compile = compile_sort_array, .evaluate = evaluate_sort_array},
	{.name = NULL},
};
