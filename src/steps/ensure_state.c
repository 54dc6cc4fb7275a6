/* What is there of the declared collections. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/ensure_command.h"

enum { UNSHARDING_SINCE = 8 }; /* unshardCollection came with MongoDB 8.0 */

/* A login may be refused the catalogue: then shardCollection itself says whether it is so. */
static int read_shard_keys(
	const struct step_context *context, struct ensure_state *state, struct err *err)
{
	CLEANUP(mongo_cleanup) struct mongo *config = NULL;
	struct mongo_server server;
	struct err refused;
	int rc = mongo_server(context->mongo, &server, err);

	if (rc < 0)
		return rc;
	state->sharded = server.topology == TOPOLOGY_SHARDED;
	state->unsharding = strtol(server.version, NULL, 10) >= UNSHARDING_SINCE;
	if (!state->sharded)
		return 0;
	rc = mongo_connect_again(context->mongo, "config", &config, err);
	for (size_t i = 0; rc == 0 && i < state->count; i++) {
		if (state->collections[i].declared->shard_key.size == 0)
			continue;
		rc = ensure_shard_key_read(context, config, state->collections[i].declared->name,
			&state->collections[i].shard_key, &state->collections[i].shard_unique,
			&refused);
		if (rc == -ERR_MIGRATION) {
			state->shard_unknown = arena_string(context->arena, refused.message);
			return state->shard_unknown == NULL ? err_no_memory(err) : 0;
		}
		if (rc < 0)
			*err = refused;
	}
	return rc;
}

/* ---- collections and indexes */

static int read_collection(const struct step_context *context, const struct mongo_collection *there,
	struct ensure_collection *collection, struct err *err)
{
	collection->type = there->type;
	collection->options = there->options;
	if (strcmp(there->type, "collection") != 0)
		return 0;
	return mongo_indexes(context->mongo, there->name, context->arena, &collection->indexes,
		&collection->index_count, err);
}

int ensure_state_read(const struct step_context *context, const struct ensure *ensure,
	struct ensure_state *ret_state, struct err *err)
{
	struct ensure_state state = {.count = ensure->count};
	struct mongo_collection *there = NULL;
	size_t there_count = 0;
	int rc = mongo_collections(context->mongo, context->arena, &there, &there_count, err);

	if (rc < 0)
		return rc;
	state.collections = arena_array(context->arena, state.count, sizeof *state.collections);
	if (state.collections == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < state.count; i++) {
		struct ensure_collection *collection = &state.collections[i];
		collection->declared = &ensure->collections[i];
		for (size_t k = 0; rc == 0 && k < there_count; k++)
			if (strcmp(there[k].name, collection->declared->name) == 0)
				rc = read_collection(context, &there[k], collection, err);
		if (rc < 0)
			return err_context(err, "%s", collection->declared->name);
	}
	rc = read_shard_keys(context, &state, err);
	if (rc < 0)
		return rc;
	if (context->checkpoint_of != NULL)
		state.freeze = context->checkpoint_of(context->host->self, "freeze");
	*ret_state = state;
	return 0;
}
