#include "derive/expression.h"

#include <limits.h>
#include <string.h>

#include "base/cleanup.h"
#include "mongo/value.h"

struct derive {
	const struct node *node;
	size_t outer_count;
};

static const struct operator* const tables[] = {logic_operators, text_operators, array_operators,
	document_operators, number_operators, convert_operators};

const struct operator* operator_by_name(const char *name)
{
	for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
		for (const struct operator* row = tables[t]; row->name != NULL; row++)
			if (strcmp(row->name, name) == 0)
				return row;
	return NULL;
}

bool derive_name_valid(const char *name)
{
	if (*name < 'a' || *name > 'z')
		return false;
	size_t size =
		strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
	return name[size] == '\0' && size <= 64;
}

int compile_name(const char *name, const char *where, struct err *err)
{
	if (!derive_name_valid(name))
		return err_set(err, ERR_SYNTAX,
			"%s: a variable begins with a lower-case letter and has letters, digits "
			"and _, at most 64",
			where);
	return 0;
}

int compile_slot(const struct compiler *compiler, const struct scope *scope, const char *where,
	unsigned *ret_slot, struct err *err)
{
	unsigned slot = scope != NULL ? scope->slot + 1 : (unsigned)compiler->names->count;

	if (slot >= compiler->names->count + DERIVE_INNER_MAX)
		return err_set(err, ERR_LIMIT, "%s: more than %d variables inside another", where,
			DERIVE_INNER_MAX);
	*ret_slot = slot;
	return 0;
}

int compile_arguments(struct compiler *compiler, struct node *node, size_t count, struct err *err)
{
	node->arguments =
		arena_array(compiler->arena, count == 0 ? 1 : count, sizeof *node->arguments);
	if (node->arguments == NULL)
		return err_no_memory(err);
	node->argument_count = count;
	return 0;
}

static const char *below(struct compiler *compiler, const char *where, const char *name)
{
	return arena_format(compiler->arena, "%s.%s", where, name);
}

/* ---- paths */

static int split_path(
	struct compiler *compiler, struct node *node, const char *path, struct err *err)
{
	size_t count = 1;

	for (const char *at = path; *at != '\0'; at++)
		if (*at == '.')
			count++;
	const char **names = arena_array(compiler->arena, count, sizeof *names);
	char *copy = arena_string(compiler->arena, path);
	if (names == NULL || copy == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		size_t size = strcspn(copy, ".");
		names[i] = copy;
		if (size == 0 || copy[0] == '$')
			return err_set(err, ERR_SYNTAX,
				"%s: the path \"%s\" has a field that is empty or begins with $",
				node->where, path);
		copy += size;
		if (*copy == '.')
			*copy++ = '\0';
	}
	node->names = names;
	node->name_count = count;
	return 0;
}

static int find_variable(const struct compiler *compiler, const char *name, size_t size,
	const struct scope *scope, struct node *node, struct err *err)
{
	for (; scope != NULL; scope = scope->outer)
		if (strlen(scope->name) == size && memcmp(scope->name, name, size) == 0) {
			node->start = START_VARIABLE;
			node->slot = scope->slot;
			return 0;
		}
	for (size_t i = compiler->names->count; i-- > 0;) {
		const char *outer = compiler->names->names[i];
		if (strlen(outer) == size && memcmp(outer, name, size) == 0) {
			node->start = START_VARIABLE;
			node->slot = (unsigned)i;
			return 0;
		}
	}
	if ((size == 4 && memcmp(name, "ROOT", 4) == 0) ||
		(size == 7 && memcmp(name, "CURRENT", 7) == 0)) {
		node->start = START_ROOT;
		return 0;
	}
	if (size == 6 && memcmp(name, "REMOVE", 6) == 0) {
		node->start = START_REMOVE;
		return 0;
	}
	return err_set(err, ERR_SYNTAX, "%s: there is no variable $$%.*s here", node->where,
		size > 64 ? 64 : (int)size, name);
}

static int compile_path(struct compiler *compiler, const char *text, const struct scope *scope,
	struct node *node, struct err *err)
{
	node->kind = NODE_PATH;
	if (text[1] != '$') {
		node->start = START_ROOT;
		return split_path(compiler, node, text + 1, err);
	}
	size_t size = strcspn(text + 2, ".");
	int result = find_variable(compiler, text + 2, size, scope, node, err);
	if (result == 0 && text[2 + size] == '.')
		result = split_path(compiler, node, text + 2 + size + 1, err);
	return result;
}

/* ---- constants */

static int compile_scalar(
	struct compiler *compiler, const struct json *json, struct node *node, struct err *err)
{
	node->kind = NODE_CONSTANT;
	switch (json_type(json)) {
	case JSON_NULL:
		node->constant = value_null();
		return 0;
	case JSON_BOOL:
		node->constant = value_bool(json_bool(json));
		return 0;
	case JSON_NUMBER:
		if (!json_is_integer(json))
			node->constant = value_double(json_number(json));
		else if (json_integer(json) >= INT32_MIN && json_integer(json) <= INT32_MAX)
			node->constant = value_int32((int32_t)json_integer(json));
		else
			node->constant = value_int64(json_integer(json));
		return 0;
	default:
		break;
	}
	char *copy = arena_string(compiler->arena, json_string(json));
	if (copy == NULL)
		return err_no_memory(err);
	node->constant = value_string(bytes_of_string(copy));
	return 0;
}

/* ---- documents and arrays */

static int compile_document(struct compiler *compiler, const struct json *json,
	const struct scope *scope, struct node *node, struct err *err)
{
	size_t count = json_count(json), i = 0;
	const char **names = arena_array(compiler->arena, count == 0 ? 1 : count, sizeof *names);
	int result = compile_arguments(compiler, node, count, err);

	if (result != 0)
		return result;
	if (names == NULL)
		return err_no_memory(err);
	node->kind = NODE_DOCUMENT;
	for (const struct json *member = json_first(json); member != NULL;
		member = json_next(member), i++) {
		const char *name = json_name(member);
		if (name[0] == '\0' || name[0] == '$' || strchr(name, '.') != NULL)
			return err_set(err, ERR_SYNTAX,
				"%s: the field \"%s\" is empty, begins with $ or has a dot",
				node->where, name);
		names[i] = arena_string(compiler->arena, name);
		const char *where = below(compiler, node->where, name);
		if (names[i] == NULL || where == NULL)
			return err_no_memory(err);
		result = compile_node(compiler, member, where, scope, &node->arguments[i], err);
		if (result != 0)
			return result;
	}
	node->names = names;
	node->name_count = count;
	return 0;
}

static int compile_list(struct compiler *compiler, const struct json *json,
	const struct scope *scope, struct node *node, struct err *err)
{
	size_t i = 0;
	int result = compile_arguments(compiler, node, json_count(json), err);

	for (const struct json *element = json_first(json); result == 0 && element != NULL;
		element = json_next(element), i++) {
		const char *where = arena_format(compiler->arena, "%s[%zu]", node->where, i);
		if (where == NULL)
			return err_no_memory(err);
		result = compile_node(compiler, element, where, scope, &node->arguments[i], err);
	}
	return result;
}

/* ---- operators */

static int compile_listed(struct compiler *compiler, const struct json *json,
	const struct scope *scope, struct node *node, struct err *err)
{
	const struct operator* operator= node->operator;
	int result;

	if (json_type(json) == JSON_ARRAY) {
		result = compile_list(compiler, json, scope, node, err);
	} else {
		result = compile_arguments(compiler, node, 1, err);
		if (result == 0)
			result = compile_node(
				compiler, json, node->where, scope, &node->arguments[0], err);
	}
	if (result != 0)
		return result;
	if (node->argument_count < operator->least || node->argument_count> operator->most)
		return err_set(err, ERR_SYNTAX, "%s: %zu arguments, and it takes %u%s", node->where,
			node->argument_count, operator->least,
					      operator->least == operator->most ? "" : " or more");
	return 0;
}

/* The scope that an argument sees in which the operator's variables are bound. */
static int bind(struct compiler *compiler, const struct json *json, struct node *node,
	const struct scope *scope, struct scope bound[static 2], const struct scope **ret_scope,
	struct err *err)
{
	const char *first = node->operator->binding == BIND_REDUCE ? "value" : "this";
	int result = 0;

	if (node->operator->binding == BIND_AS) {
		result = json_optional_string(json, "as", 64, &first, err);
		if (result != 0)
			return err_context(err, "%s", node->where);
		result = compile_name(first, node->where, err);
		if (result != 0)
			return result;
		first = arena_string(compiler->arena, first);
		if (first == NULL)
			return err_no_memory(err);
	}
	result = compile_slot(compiler, scope, node->where, &node->slot, err);
	bound[0] = (struct scope){first, node->slot, scope};
	*ret_scope = &bound[0];
	if (result == 0 && node->operator->binding == BIND_REDUCE) {
		unsigned slot = 0;
		result = compile_slot(compiler, &bound[0], node->where, &slot, err);
		if (result == 0) {
			bound[1] = (struct scope){"this", slot, &bound[0]};
			*ret_scope = &bound[1];
		}
	}
	return result;
}

static int check_names(const struct operator* operator, const struct json * json, const char *where,
	struct err *err)
{
	for (const struct json *member = json_first(json); member != NULL;
		member = json_next(member)) {
		const char *name = json_name(member);
		bool known = operator->binding == BIND_AS && strcmp(name, "as") == 0;
		for (const char *const *row = operator->named; *row != NULL; row++)
			known = known || strcmp(**row == '?' ? *row + 1 : *row, name) == 0;
		if (!known)
			return err_set(err, ERR_SYNTAX, "%s: it takes no \"%s\"", where, name);
	}
	return 0;
}

static int compile_named(struct compiler *compiler, const struct json *json,
	const struct scope *scope, struct node *node, struct err *err)
{
	const struct operator* operator= node->operator;
	const struct scope *inner = scope;
	struct scope bound[2];
	size_t count = 0;

	if (json_type(json) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "%s: it takes an object of arguments", node->where);
	while (operator->named[count] != NULL)
		count++;
	int result = check_names(operator, json, node->where, err);
	if (result == 0)
		result = compile_arguments(compiler, node, count, err);
	if (result == 0 && operator->binding != BIND_NONE)
		result = bind(compiler, json, node, scope, bound, &inner, err);
	for (size_t i = 0; result == 0 && i < count; i++) {
		bool optional = operator->named[i][0] == '?';
		const char *name = operator->named[i] +(optional ? 1 : 0);
		const struct json *member = json_member(json, name);
		if (member == NULL) {
			if (!optional)
				return err_set(err, ERR_SYNTAX, "%s: \"%s\" is missing",
					node->where, name);
			continue;
		}
		const char *where = below(compiler, node->where, name);
		if (where == NULL)
			return err_no_memory(err);
		bool binds = operator->bound_in != NULL && strcmp(operator->bound_in, name) == 0;
		result = compile_node(
			compiler, member, where, binds ? inner : scope, &node->arguments[i], err);
	}
	return result;
}

static int compile_operator(struct compiler *compiler, const struct json *member,
	const struct scope *scope, struct node *node, struct err *err)
{
	node->kind = NODE_OPERATOR;
	node->operator= operator_by_name(json_name(member));
	if (node->operator== NULL)
		return err_set(err, ERR_SYNTAX, "%s: there is no operator %s", node->where,
			json_name(member));
	node->where = below(compiler, node->where, json_name(member));
	if (node->where == NULL)
		return err_no_memory(err);
	if (node->operator->compile != NULL)
		return node->operator->compile(compiler, member, scope, node, err);
	if (node->operator->named != NULL)
		return compile_named(compiler, member, scope, node, err);
	return compile_listed(compiler, member, scope, node, err);
}

static bool is_operator(const struct json *json)
{
	return json_count(json) == 1 && json_name(json_first(json))[0] == '$';
}

int compile_node(struct compiler *compiler, const struct json *json, const char *where,
	const struct scope *scope, const struct node **ret_node, struct err *err)
{
	struct node *node = arena_alloc(compiler->arena, sizeof *node);
	int result;

	if (node == NULL)
		return err_no_memory(err);
	if (++compiler->nodes > DERIVE_NODES_MAX)
		return err_set(err, ERR_LIMIT, "%s: more than %d expressions in one template",
			where, DERIVE_NODES_MAX);
	node->where = where;
	if (json_type(json) == JSON_STRING && json_string(json)[0] == '$')
		result = compile_path(compiler, json_string(json), scope, node, err);
	else if (json_type(json) == JSON_ARRAY) {
		node->kind = NODE_ARRAY;
		result = compile_list(compiler, json, scope, node, err);
	} else if (json_type(json) != JSON_OBJECT)
		result = compile_scalar(compiler, json, node, err);
	else if (is_operator(json))
		result = compile_operator(compiler, json_first(json), scope, node, err);
	else
		result = compile_document(compiler, json, scope, node, err);
	if (result == 0)
		*ret_node = node;
	return result;
}

int derive_compile(const struct json *template, const char *where, const struct derive_names *names,
	struct arena *arena, const struct derive **ret_derive, struct err *err)
{
	struct compiler compiler = {.arena = arena, .names = names};
	struct derive *derive = arena_alloc(arena, sizeof *derive);
	char *place = arena_string(arena, where);

	if (derive == NULL || place == NULL)
		return err_no_memory(err);
	derive->outer_count = names->count;
	int result = compile_node(&compiler, template, place, NULL, &derive->node, err);
	if (result == 0)
		*ret_derive = derive;
	return result;
}

int derive_evaluate(const struct derive *derive, struct derive_run *run, struct value *ret_value,
	struct err *err)
{
	struct evaluation evaluation; /* inner variables are bound before they are read */
	struct value value;

	evaluation.run = run;
	evaluation.outer_count = derive->outer_count;
	int result = evaluate(&evaluation, derive->node, &value, err);

	/* What is read is as deep as what was checked when it came; what is built upon it counts.
	 */
	if (result == 0 && derive->node->kind != NODE_PATH)
		result = check_nesting(derive->node, &value, err);
	if (result == 0)
		*ret_value = value;
	return result;
}

int derive_test(
	const struct derive *derive, struct derive_run *run, bool *ret_true, struct err *err)
{
	struct value value;
	int result = derive_evaluate(derive, run, &value, err);

	if (result == 0)
		*ret_true = is_true(&value);
	return result;
}
