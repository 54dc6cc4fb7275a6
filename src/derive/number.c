/*
 * Arithmetic. The result has the widest type of its operands; integers of 32 bits grow to 64.
 * What MongoDB would round (over 64 bits) or compute in decimal is refused.
 */
#include "derive/expression.h"

#include <limits.h>
#include <math.h>

#include "base/cleanup.h"

static int number_argument(struct evaluation *evaluation, const struct node *node, size_t index,
	struct value *ret_value, bool *ret_null, struct err *err)
{
	int result = argument(evaluation, node, index, ret_value, err);

	if (result != 0)
		return result;
	*ret_null = is_nullish(ret_value);
	switch (ret_value->type) {
	case VALUE_INT32:
	case VALUE_INT64:
	case VALUE_DOUBLE:
	case VALUE_DATE:
		return 0;
	default:
		return *ret_null ? 0 : unsuitable_type(node, "numbers", ret_value, err);
	}
}

static int64_t integer(const struct value *value)
{
	return value->type == VALUE_INT32 ? value->int32 : value->int64;
}

static double real(const struct value *value)
{
	return value->type == VALUE_DOUBLE ? value->number : (double)integer(value);
}

/* As wide as the operands, or wider if it does not fit. */
static struct value integral(int64_t number, bool wide)
{
	if (wide || number < INT32_MIN || number > INT32_MAX)
		return value_int64(number);
	return value_int32((int32_t)number);
}

static struct value date(int64_t time)
{
	return (struct value){.type = VALUE_DATE, .int64 = time};
}

static int overflow(const struct node *node, struct err *err)
{
	return unsuitable(node, err, "the result does not fit into 64 bits");
}

/* Numbers to be added: integers exactly, doubles with what their sum loses kept beside it. */
struct sum {
	bool is_real, is_wide, is_date;
	int64_t whole;
	double high, low;
};

static void add_real(struct sum *sum, double number)
{
	double high = sum->high + number;
	double part = high - sum->high;

	if (isfinite(high))
		sum->low += (sum->high - (high - part)) + (number - part);
	sum->high = high;
}

static int sum_value(
	const struct sum *sum, const struct node *node, struct value *ret_value, struct err *err)
{
	if (!sum->is_real) {
		*ret_value = sum->is_date ? date(sum->whole) : integral(sum->whole, sum->is_wide);
		return 0;
	}
	struct sum all = *sum;
	add_real(&all, (double)sum->whole);
	double total = isfinite(all.high) ? all.high + all.low : all.high;
	if (!sum->is_date) {
		*ret_value = value_double(total);
		return 0;
	}
	if (!(total > -0x1p62 && total < 0x1p62))
		return overflow(node, err);
	*ret_value = date((int64_t)round(total));
	return 0;
}

static int evaluate_add(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct sum sum = {.is_real = false};
	bool any_null = false;

	for (size_t i = 0; i < node->argument_count; i++) {
		struct value value;
		bool null;
		int result = number_argument(evaluation, node, i, &value, &null, err);
		if (result != 0)
			return result;
		any_null = any_null || null;
		if (null)
			continue;
		if (value.type == VALUE_DOUBLE) {
			sum.is_real = true;
			add_real(&sum, value.number);
			continue;
		}
		if (value.type == VALUE_DATE && sum.is_date)
			return unsuitable(node, err, "it takes one date only");
		sum.is_date = sum.is_date || value.type == VALUE_DATE;
		sum.is_wide = sum.is_wide || value.type == VALUE_INT64;
		if (__builtin_add_overflow(sum.whole, integer(&value), &sum.whole))
			return overflow(node, err);
	}
	if (any_null) {
		*ret_value = value_null();
		return 0;
	}
	return sum_value(&sum, node, ret_value, err);
}

static int subtract_from_date(const struct node *node, const struct value *a, const struct value *b,
	struct value *ret_value, struct err *err)
{
	int64_t whole, taken = b->type == VALUE_DOUBLE ? 0 : integer(b);

	if (b->type == VALUE_DOUBLE) {
		if (!(b->number > -0x1p62 && b->number < 0x1p62))
			return overflow(node, err);
		taken = (int64_t)round(b->number);
	}
	if (__builtin_sub_overflow(a->int64, taken, &whole))
		return overflow(node, err);
	*ret_value = b->type == VALUE_DATE ? value_int64(whole) : date(whole);
	return 0;
}

static int evaluate_subtract(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value a, b;
	bool null_a, null_b;
	int64_t whole;
	int result = number_argument(evaluation, node, 0, &a, &null_a, err);

	if (result == 0)
		result = number_argument(evaluation, node, 1, &b, &null_b, err);
	if (result != 0)
		return result;
	if (null_a || null_b) {
		*ret_value = value_null();
		return 0;
	}
	if (a.type == VALUE_DATE)
		return subtract_from_date(node, &a, &b, ret_value, err);
	if (b.type == VALUE_DATE)
		return unsuitable(node, err, "it cannot take a date from a number");
	if (a.type == VALUE_DOUBLE || b.type == VALUE_DOUBLE) {
		*ret_value = value_double(real(&a) - real(&b));
		return 0;
	}
	if (__builtin_sub_overflow(integer(&a), integer(&b), &whole))
		return overflow(node, err);
	*ret_value = integral(whole, a.type == VALUE_INT64 || b.type == VALUE_INT64);
	return 0;
}

static int evaluate_multiply(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	bool is_real = false, is_wide = false, any_null = false;
	int64_t whole = 1;
	double product = 1;

	for (size_t i = 0; i < node->argument_count; i++) {
		struct value value;
		bool null;
		int result = number_argument(evaluation, node, i, &value, &null, err);
		if (result != 0)
			return result;
		any_null = any_null || null;
		if (null)
			continue;
		if (value.type == VALUE_DATE)
			return unsuitable_type(node, "numbers", &value, err);
		is_real = is_real || value.type == VALUE_DOUBLE;
		is_wide = is_wide || value.type == VALUE_INT64;
		product *= real(&value);
		if (!is_real && __builtin_mul_overflow(whole, integer(&value), &whole))
			return overflow(node, err);
	}
	*ret_value = any_null  ? value_null()
		     : is_real ? value_double(product)
			       : integral(whole, is_wide);
	return 0;
}

static int evaluate_divide(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value a, b;
	bool null_a, null_b;
	int result = number_argument(evaluation, node, 0, &a, &null_a, err);

	if (result == 0)
		result = number_argument(evaluation, node, 1, &b, &null_b, err);
	if (result != 0)
		return result;
	if (null_a || null_b) {
		*ret_value = value_null();
		return 0;
	}
	if (a.type == VALUE_DATE || b.type == VALUE_DATE)
		return unsuitable_type(node, "numbers", a.type == VALUE_DATE ? &a : &b, err);
	if (real(&b) == 0)
		return unsuitable(node, err, "it cannot divide by 0");
	*ret_value = value_double(real(&a) / real(&b));
	return 0;
}

/* Of its arguments, or of the elements of its one argument; null and missing do not count. */
static int extreme(struct evaluation *evaluation, const struct node *node, int sign,
	struct value *ret_value, struct err *err)
{
	struct value only, best = value_null();
	struct value *values = &only;
	size_t count = node->argument_count;
	int result = 0;

	if (count == 1) {
		result = argument(evaluation, node, 0, &only, err);
		if (result == 0 && only.type == VALUE_ARRAY)
			result = elements(evaluation, node, only.bytes, &values, &count, err);
	}
	for (size_t i = 0; result == 0 && i < count; i++) {
		struct value value;
		if (node->argument_count == 1)
			value = values[i];
		else
			result = argument(evaluation, node, i, &value, err);
		if (result == 0 && !is_nullish(&value) &&
			(best.type == VALUE_NULL || value_compare(&value, &best) * sign > 0))
			best = value;
	}
	if (result == 0)
		*ret_value = best;
	return result;
}

static int evaluate_max(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return extreme(evaluation, node, 1, ret_value, err);
}

static int evaluate_min(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	return extreme(evaluation, node, -1, ret_value, err);
}

const struct operator number_operators[] = {
	{.name = "$add", .least = 0, .most = UINT_MAX, .evaluate = evaluate_add},
	{.name = "$subtract", .least = 2, .most = 2, .evaluate = evaluate_subtract},
	{.name = "$multiply", .least = 0, .most = UINT_MAX, .evaluate = evaluate_multiply},
	{.name = "$divide", .least = 2, .most = 2, .evaluate = evaluate_divide},
	{.name = "$max", .least = 1, .most = UINT_MAX, .evaluate = evaluate_max},
	{.name = "$min", .least = 1, .most = UINT_MAX, .evaluate = evaluate_min},
	{.name = NULL},
};
