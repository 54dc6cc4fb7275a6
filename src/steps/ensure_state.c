#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/ensure.h"

void ensure_state_release(struct ensure_state *state)
{
	for (size_t i = 0; i < state->doc_count; i++)
		json_release(state->docs[i]);
	free((void *)state->docs);
	*state = (struct ensure_state){0};
}

static int keep(struct ensure_state *state, const struct str *text, const struct json **ret_root,
	struct err *err)
{
	static const struct json_limits limits = {
		.size = DOC_SIZE_MAX, .depth = JSON_DEPTH_MAX, .own = true};
	int rc = str_check(text, err);

	if (rc == 0)
		rc = json_parse(str_bytes(text), &limits, &state->docs[state->doc_count], err);
	if (rc < 0)
		return rc;
	*ret_root = json_root(state->docs[state->doc_count++]);
	return 0;
}

static int keep_indexes(struct ensure_state *state, const struct bytes *indexes, size_t count,
	bool canonical, const struct json **ret_array, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	str_append_char(&text, '[');
	for (size_t i = 0; i < count; i++) {
		if (i > 0)
			str_append_char(&text, ',');
		int rc = doc_to_json(indexes[i], canonical, &text, err);
		if (rc < 0)
			return rc;
	}
	str_append_char(&text, ']');
	return keep(state, &text, ret_array, err);
}

static int read_indexes(const struct step_context *context, struct ensure_state *state,
	struct ensure_collection *collection, struct err *err)
{
	struct bytes *indexes = NULL;
	size_t count = 0;
	int rc = mongo_indexes(
		context->mongo, collection->name, context->arena, &indexes, &count, err);

	if (rc == 0)
		rc = keep_indexes(state, indexes, count, false, &collection->indexes, err);
	if (rc == 0)
		rc = keep_indexes(state, indexes, count, true, &collection->exact_indexes, err);
	return rc;
}

static int keep_options(struct ensure_state *state, struct bytes options, bool canonical,
	const struct json **ret_options, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	int rc = doc_to_json(options, canonical, &text, err);

	return rc < 0 ? rc : keep(state, &text, ret_options, err);
}

static int read_collection(const struct step_context *context, struct ensure_state *state,
	const struct mongo_collection *there, struct ensure_collection *collection, struct err *err)
{
	int rc = 0;

	if (strcmp(there->type, "collection") != 0)
		return err_set(err, ERR_MIGRATION, "%s is a %s, not a collection", collection->name,
			there->type);
	collection->exists = true;
	if (there->options.size > 0) {
		rc = keep_options(state, there->options, false, &collection->options, err);
		if (rc == 0)
			rc = keep_options(
				state, there->options, true, &collection->exact_options, err);
	}
	return rc < 0 ? rc : read_indexes(context, state, collection, err);
}

static int read_all(const struct step_context *context, const struct json *declared,
	struct ensure_state *state, struct err *err)
{
	struct mongo_collection *there = NULL;
	size_t there_count = 0;
	int rc = mongo_collections(context->mongo, context->arena, &there, &there_count, err);

	for (const struct json *row = json_first(declared); rc == 0 && row != NULL;
		row = json_next(row)) {
		struct ensure_collection *collection = &state->collections[state->count++];
		collection->declared = row;
		rc = json_need_string(row, "name", 200, &collection->name, err);
		for (size_t i = 0; rc == 0 && i < there_count; i++)
			if (strcmp(there[i].name, collection->name) == 0)
				rc = read_collection(context, state, &there[i], collection, err);
	}
	return rc;
}

int ensure_state_read(
	const struct step_context *context, struct ensure_state *ret_state, struct err *err)
{
	CLEANUP(ensure_state_release) struct ensure_state state = {0};
	const struct json *declared;
	int rc = json_need(
		context->step->migration->body, "collections", JSON_ARRAY, &declared, err);

	if (rc < 0)
		return rc;
	size_t count = json_count(declared);
	if (count > ENSURE_COLLECTIONS_MAX)
		return err_set(err, ERR_LIMIT, "%zu collections are declared", count);
	state.collections = arena_array(context->arena, count + 1, sizeof *state.collections);
	state.docs = calloc(4 * count + 1, sizeof(*state.docs));
	if (state.collections == NULL || state.docs == NULL)
		return err_no_memory(err);
	if (context->checkpoint_of != NULL)
		state.freeze = context->checkpoint_of(context->host->self, "freeze");
	rc = read_all(context, declared, &state, err);
	if (rc < 0)
		return rc;
	*ret_state = state;
	state = (struct ensure_state){0};
	return 0;
}
