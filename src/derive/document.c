/* Documents. */
#include "derive/expression.h"

#include <limits.h>
#include <string.h>

#include "base/cleanup.h"

/* Later documents win, and a field keeps the place where it first stood. */
static int evaluate_merge_objects(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct bytes merged = {NULL, 0};
	int result = 0;

	for (size_t i = 0; result == 0 && i < node->argument_count; i++) {
		struct builder builder CLEANUP(builder_cleanup);
		struct value value, other;
		const char *name;
		builder_begin(&builder);
		result = argument(evaluation, node, i, &value, err);
		if (result != 0 || is_nullish(&value))
			continue;
		if (value.type != VALUE_DOCUMENT)
			return unsuitable_type(node, "documents", &value, err);
		struct doc_iter iter = doc_iter_begin(merged);
		while (doc_iter_next(&iter, &name, &other)) {
			struct value newer = doc_get(value.bytes, name);
			doc_write_value(&builder.writer, name,
				newer.type == VALUE_MISSING ? &other : &newer);
		}
		iter = doc_iter_begin(value.bytes);
		while (doc_iter_next(&iter, &name, &other))
			if (doc_get(merged, name).type == VALUE_MISSING)
				doc_write_value(&builder.writer, name, &other);
		result = builder_finish(&builder, evaluation, node, &merged, err);
	}
	if (result == 0 && merged.data == NULL) {
		struct builder empty CLEANUP(builder_cleanup);
		builder_begin(&empty);
		result = builder_finish(&empty, evaluation, node, &merged, err);
	}
	if (result == 0)
		*ret_value = value_document(merged);
	return result;
}

static int evaluate_object_to_array(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct builder builder CLEANUP(builder_cleanup);
	struct value value, member;
	struct bytes built;
	const char *name;

	builder_begin(&builder);
	int result = argument(evaluation, node, 0, &value, err);
	if (result == 0 && is_nullish(&value)) {
		*ret_value = value_null();
		return 0;
	}
	if (result == 0 && value.type != VALUE_DOCUMENT)
		return unsuitable_type(node, "a document", &value, err);
	if (result != 0)
		return result;
	struct doc_iter iter = doc_iter_begin(value.bytes);
	doc_write_array(&builder.writer, "a");
	while (doc_iter_next(&iter, &name, &member)) {
		doc_write_document(&builder.writer, NULL);
		doc_write_string(&builder.writer, "k", name);
		doc_write_value(&builder.writer, "v", &member);
		doc_write_end(&builder.writer);
	}
	doc_write_end(&builder.writer);
	result = builder_finish(&builder, evaluation, node, &built, err);
	if (result == 0)
		*ret_value = doc_get(built, "a");
	return result;
}

static int evaluate_get_field(struct evaluation *evaluation, const struct node *node,
	struct value *ret_value, struct err *err)
{
	struct value field, input = value_document(evaluation->run->root);
	int result = argument(evaluation, node, 0, &field, err);

	if (result == 0 && node->arguments[1] != NULL)
		result = argument(evaluation, node, 1, &input, err);
	if (result != 0)
		return result;
	if (field.type != VALUE_STRING)
		return unsuitable_type(node, "a string as field", &field, err);
	char *name = arena_string_n(evaluation->run->scratch, field.bytes.data, field.bytes.size);
	if (name == NULL)
		return err_no_memory(err);
	if (input.type == VALUE_DOCUMENT)
		*ret_value = doc_get(input.bytes, name);
	else
		*ret_value = is_nullish(&input) ? input : value_missing();
	return 0;
}

const struct operator document_operators[] = {
	{.name = "$mergeObjects", .least = 0, .most = UINT_MAX, .evaluate = evaluate_merge_objects},
	{.name = "$objectToArray", .least = 1, .most = 1, .evaluate = evaluate_object_to_array},
	{.name = "$getField", .compile = compile_get_field, .evaluate = evaluate_get_field},
	{.name = NULL},
};
