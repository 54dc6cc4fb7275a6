/* The operators that are written in a form of their own. */
#include "derive/expression.h"

#include <string.h>

#include "base/cleanup.h"
#include "json/json_write.h"

static int at_member(struct compiler *compiler, const struct json *object, const char *name,
	bool needed, const struct scope *scope, const struct node *node,
	const struct node **ret_node, struct err *err)
{
	const struct json *member = json_member(object, name);

	if (member == NULL)
		return needed ? err_set(err, ERR_SYNTAX, "%s: \"%s\" is missing", node->where, name)
			      : 0;
	const char *where = arena_format(compiler->arena, "%s.%s", node->where, name);
	if (where == NULL)
		return err_no_memory(err);
	return compile_node(compiler, member, where, scope, ret_node, err);
}

/* An object with exactly the members of a list; anything else is named. */
static int need_object(
	const struct json *json, const char *const *names, const struct node *node, struct err *err)
{
	if (json_type(json) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "%s: it takes an object of arguments", node->where);
	int result = json_closed(json, names, err);
	return result != 0 ? err_context(err, "%s", node->where) : 0;
}

int compile_cond(struct compiler *compiler, const struct json *json, const struct scope *scope,
	struct node *node, struct err *err)
{
	static const char *const names[] = {"if", "then", "else", NULL};
	int result = compile_arguments(compiler, node, 3, err);

	if (result != 0)
		return result;
	if (json_type(json) == JSON_ARRAY) {
		const struct json *element = json_first(json);
		if (json_count(json) != 3)
			return err_set(err, ERR_SYNTAX, "%s: it takes 3 arguments", node->where);
		for (size_t i = 0; result == 0 && i < 3; i++, element = json_next(element))
			result = compile_node(
				compiler, element, node->where, scope, &node->arguments[i], err);
		return result;
	}
	result = need_object(json, names, node, err);
	for (size_t i = 0; result == 0 && i < 3; i++)
		result = at_member(
			compiler, json, names[i], true, scope, node, &node->arguments[i], err);
	return result;
}

int compile_switch(struct compiler *compiler, const struct json *json, const struct scope *scope,
	struct node *node, struct err *err)
{
	static const char *const names[] = {"branches", "default", NULL};
	static const char *const branch_names[] = {"case", "then", NULL};
	const struct json *branches = NULL;
	size_t i = 0;
	int result = need_object(json, names, node, err);

	if (result != 0)
		return result;
	result = json_need(json, "branches", JSON_ARRAY, &branches, err);
	if (result != 0)
		return err_context(err, "%s", node->where);
	if (json_count(branches) == 0)
		return err_set(err, ERR_SYNTAX, "%s: it has no branches", node->where);
	result = compile_arguments(compiler, node, 2 * json_count(branches) + 1, err);
	for (const struct json *branch = json_first(branches); result == 0 && branch != NULL;
		branch = json_next(branch), i += 2) {
		result = need_object(branch, branch_names, node, err);
		if (result == 0)
			result = at_member(compiler, branch, "case", true, scope, node,
				&node->arguments[i], err);
		if (result == 0)
			result = at_member(compiler, branch, "then", true, scope, node,
				&node->arguments[i + 1], err);
	}
	if (result == 0)
		result = at_member(
			compiler, json, "default", false, scope, node, &node->arguments[i], err);
	return result;
}

int compile_let(struct compiler *compiler, const struct json *json, const struct scope *scope,
	struct node *node, struct err *err)
{
	static const char *const names[] = {"vars", "in", NULL};
	struct scope bound[DERIVE_INNER_MAX];
	const struct scope *inner = scope;
	const struct json *vars = NULL;
	size_t i = 0;
	int result = need_object(json, names, node, err);

	if (result == 0 && (result = json_need(json, "vars", JSON_OBJECT, &vars, err)) != 0)
		return err_context(err, "%s", node->where);
	if (result == 0 && json_count(vars) > DERIVE_INNER_MAX)
		return err_set(err, ERR_LIMIT, "%s: more than %d variables", node->where,
			DERIVE_INNER_MAX);
	if (result == 0)
		result = compile_arguments(compiler, node, json_count(vars) + 1, err);
	if (result == 0 && json_count(vars) > 0)
		result = compile_slot(compiler, scope, node->where, &node->slot, err);
	for (const struct json *var = vars == NULL ? NULL : json_first(vars);
		result == 0 && var != NULL; var = json_next(var), i++) {
		unsigned slot = 0;
		result = compile_name(json_name(var), node->where, err);
		if (result == 0)
			result = compile_slot(compiler, inner, node->where, &slot, err);
		if (result == 0)
			result = at_member(compiler, vars, json_name(var), true, scope, node,
				&node->arguments[i], err);
		if (result == 0) {
			bound[i] = (struct scope){json_name(var), slot, inner};
			inner = &bound[i];
		}
	}
	if (result == 0)
		result = at_member(
			compiler, json, "in", true, inner, node, &node->arguments[i], err);
	return result;
}

int compile_get_field(struct compiler *compiler, const struct json *json, const struct scope *scope,
	struct node *node, struct err *err)
{
	static const char *const names[] = {"field", "input", NULL};
	int result = compile_arguments(compiler, node, 2, err);

	if (result != 0)
		return result;
	if (json_type(json) == JSON_STRING)
		return compile_node(compiler, json, node->where, scope, &node->arguments[0], err);
	result = need_object(json, names, node, err);
	for (size_t i = 0; result == 0 && i < 2; i++)
		result = at_member(
			compiler, json, names[i], i == 0, scope, node, &node->arguments[i], err);
	return result;
}

static int sort_direction(
	const struct json *json, const struct node *node, int *ret_direction, struct err *err)
{
	if (json_type(json) != JSON_NUMBER || !json_is_integer(json) ||
		(json_integer(json) != 1 && json_integer(json) != -1))
		return err_set(err, ERR_SYNTAX, "%s.sortBy: a direction is 1 or -1", node->where);
	*ret_direction = (int)json_integer(json);
	return 0;
}

int compile_sort_array(struct compiler *compiler, const struct json *json,
	const struct scope *scope, struct node *node, struct err *err)
{
	static const char *const names[] = {"input", "sortBy", NULL};
	int result = need_object(json, names, node, err);

	if (result == 0)
		result = compile_arguments(compiler, node, 1, err);
	if (result == 0)
		result = at_member(
			compiler, json, "input", true, scope, node, &node->arguments[0], err);
	if (result != 0)
		return result;
	const struct json *by = json_member(json, "sortBy");
	bool paths = by != NULL && json_type(by) == JSON_OBJECT;
	size_t count = paths ? json_count(by) : 0, i = 0;
	if (by == NULL || (paths && count == 0))
		return err_set(err, ERR_SYNTAX, "%s: \"sortBy\" is missing", node->where);
	const char **fields = arena_array(compiler->arena, count + 1, sizeof *fields);
	int *directions = arena_array(compiler->arena, count + 1, sizeof *directions);
	if (fields == NULL || directions == NULL)
		return err_no_memory(err);
	if (!paths)
		result = sort_direction(by, node, &directions[0], err);
	for (const struct json *field = paths ? json_first(by) : NULL; result == 0 && field != NULL;
		field = json_next(field), i++) {
		fields[i] = arena_string(compiler->arena, json_name(field));
		result = fields[i] == NULL ? err_no_memory(err)
					   : sort_direction(field, node, &directions[i], err);
	}
	node->names = fields;
	node->name_count = count;
	node->directions = directions;
	return result;
}

/* Extended JSON, so that a constant can have any type. */
int compile_literal(struct compiler *compiler, const struct json *json, const struct scope *scope,
	struct node *node, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP_STR struct str doc = STR_INIT;
	struct json_doc *parsed CLEANUP(json_cleanup) = NULL;
	struct json_writer writer;

	(void)scope;
	json_write_begin(&writer, &text);
	json_write_object(&writer);
	json_member_value(&writer, "value", json);
	json_write_end(&writer);
	int result = str_check(&text, err);
	if (result == 0)
		result = json_parse(str_bytes(&text),
			&(const struct json_limits){text.size, JSON_DEPTH_MAX + 1, false}, &parsed,
			err);
	if (result == 0)
		result = doc_from_json(json_root(parsed), &doc, err);
	if (result == 0)
		result = str_check(&doc, err);
	if (result != 0)
		return err_context(err, "%s", node->where);
	struct bytes copy = arena_bytes(compiler->arena, str_bytes(&doc));
	if (copy.data == NULL)
		return err_no_memory(err);
	node->kind = NODE_CONSTANT;
	node->constant = doc_get(copy, "value");
	return 0;
}
