/* Comparison, choice and variables. */
#include "derive/expression.h"

#include <limits.h>

#include "base/arena.h"

static int compare_arguments(
	struct evaluation *evaluation, const struct node *node, int *ret_order, struct err *err)
{
	struct value a, b;
	int result = argument(evaluation, node, 0, &a, err);

	if (result == 0)
		result = argument(evaluation, node, 1, &b, err);
	if (result != 0)
		return result;
	if (a.type == VALUE_DOCUMENT || a.type == VALUE_ARRAY) {
		result = spend(evaluation, node, 0, a.bytes.size / 16, err);
		if (result != 0)
			return result;
	}
	*ret_order = value_compare(&a, &b);
	return 0;
}

#define COMPARISON(name, condition)                                                                \
	static int evaluate_##name(struct evaluation *evaluation, const struct node *node,         \
		struct value *ret_value, struct err *err)                                          \
	{                                                                                          \
		int order;                                                                         \
		int result = compare_arguments(evaluation, node, &order, err);                     \
		if (result == 0)                                                                   \
			*ret_value = value_bool(condition);                                        \
		return result;                                                                     \
	}

COMPARISON(eq, order == 0)
COMPARISON(ne, order != 0)
COMPARISON(gt, order > 0)
COMPARISON(gte, order >= 0)
COMPARISON(lt, order < 0)
COMPARISON(lte, order <= 0)

static int evaluate_cmp(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	int order;
	int result = compare_arguments(evaluation, node, &order, err);

	if (result == 0)
		*ret_value = value_int32((order > 0) - (order < 0));
	return result;
}

/* The first argument that is `wanted` decides. */
static int decide(struct evaluation *evaluation, const struct node *node, bool wanted,
	struct value *ret_value, struct err *err)
{
	for (size_t i = 0; i < node->argument_count; i++) {
		struct value value;
		int result = argument(evaluation, node, i, &value, err);
		if (result != 0)
			return result;
		if (is_true(&value) == wanted) {
			*ret_value = value_bool(wanted);
			return 0;
		}
	}
	*ret_value = value_bool(!wanted);
	return 0;
}

static int evaluate_and(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return decide(evaluation, node, false, ret_value, err);
}

static int evaluate_or(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return decide(evaluation, node, true, ret_value, err);
}

static int evaluate_not(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value value;
	int result = argument(evaluation, node, 0, &value, err);

	if (result == 0)
		*ret_value = value_bool(!is_true(&value));
	return result;
}

static int evaluate_if_null(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value value = value_missing();
	int result = 0;

	for (size_t i = 0; result == 0 && i < node->argument_count; i++) {
		result = argument(evaluation, node, i, &value, err);
		if (result == 0 && !is_nullish(&value))
			break;
	}
	if (result == 0)
		*ret_value = value;
	return result;
}

static int evaluate_cond(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value value;
	int result = argument(evaluation, node, 0, &value, err);

	if (result != 0)
		return result;
	return argument(evaluation, node, is_true(&value) ? 1 : 2, ret_value, err);
}

static int evaluate_switch(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	size_t last = node->argument_count - 1;

	for (size_t i = 0; i < last; i += 2) {
		struct value value;
		int result = argument(evaluation, node, i, &value, err);
		if (result != 0)
			return result;
		if (is_true(&value))
			return argument(evaluation, node, i + 1, ret_value, err);
	}
	if (node->arguments[last] == NULL)
		return unsuitable(node, err, "no branch fits, and there is no default");
	return argument(evaluation, node, last, ret_value, err);
}

static int evaluate_let(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	size_t count = node->argument_count - 1;
	/* All are computed before any is bound: their own variables use the same slots. */
	struct value *values = arena_array(evaluation->run->scratch, count + 1, sizeof *values);
	int result = 0;

	if (values == NULL)
		return err_no_memory(err);
	for (size_t i = 0; result == 0 && i < count; i++) {
		result = argument(evaluation, node, i, &values[i], err);
		if (result == 0)
			result = check_nesting(node, &values[i], err);
	}
	if (result != 0)
		return result;
	for (size_t i = 0; i < count; i++)
		evaluation->inner[node->slot + i - evaluation->outer_count] = values[i];
	return argument(evaluation, node, count, ret_value, err);
}

static int evaluate_literal(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	(void)evaluation;
	(void)err;
	*ret_value = node->constant;
	return 0;
}

static int evaluate_type(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value value;
	int result = argument(evaluation, node, 0, &value, err);

	if (result == 0)
		*ret_value = value_string(bytes_of_string(value_type_name(value.type)));
	return result;
}

static int evaluate_is_array(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value value;
	int result = argument(evaluation, node, 0, &value, err);

	if (result == 0)
		*ret_value = value_bool(value.type == VALUE_ARRAY);
	return result;
}

static int evaluate_is_number(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value value;
	int result = argument(evaluation, node, 0, &value, err);

	if (result == 0)
		*ret_value = value_bool(value_is_number(&value));
	return result;
}

const struct operator logic_operators[] = {
	{.name = "$eq", .least = 2, .most = 2, .evaluate = evaluate_eq},
	{.name = "$ne", .least = 2, .most = 2, .evaluate = evaluate_ne},
	{.name = "$gt", .least = 2, .most = 2, .evaluate = evaluate_gt},
	{.name = "$gte", .least = 2, .most = 2, .evaluate = evaluate_gte},
	{.name = "$lt", .least = 2, .most = 2, .evaluate = evaluate_lt},
	{.name = "$lte", .least = 2, .most = 2, .evaluate = evaluate_lte},
	{.name = "$cmp", .least = 2, .most = 2, .evaluate = evaluate_cmp},
	{.name = "$and", .least = 0, .most = UINT_MAX, .evaluate = evaluate_and},
	{.name = "$or", .least = 0, .most = UINT_MAX, .evaluate = evaluate_or},
	{.name = "$not", .least = 1, .most = 1, .evaluate = evaluate_not},
	{.name = "$ifNull", .least = 2, .most = UINT_MAX, .evaluate = evaluate_if_null},
	{.name = "$cond", .compile = compile_cond, .evaluate = evaluate_cond},
	{.name = "$switch", .compile = compile_switch, .evaluate = evaluate_switch},
	{.name = "$let", .compile = compile_let, .evaluate = evaluate_let},
	{.name = "$literal", .compile = compile_literal, .evaluate = evaluate_literal},
	{.name = "$type", .least = 1, .most = 1, .evaluate = evaluate_type},
	{.name = "$isArray", .least = 1, .most = 1, .evaluate = evaluate_is_array},
	{.name = "$isNumber", .least = 1, .most = 1, .evaluate = evaluate_is_number},
	{.name = NULL},
};
