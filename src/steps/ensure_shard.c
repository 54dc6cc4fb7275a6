/* Shard keys: read from the cluster's own catalogue, set by shardCollection, taken back by
 * unshardCollection, which came with MongoDB 8.0. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/ensure_command.h"

enum { UNSHARDING_SINCE = 8 };

static void append_namespace(
	struct str *place, const struct step_context *context, const char *collection)
{
	str_append_format(place, "%s.%s", mongo_database(context->mongo), collection);
}

int ensure_shard_key_read(const struct step_context *context, struct mongo *config,
	const char *collection, struct bytes *ret_key, bool *ret_unique, struct err *err)
{
	CLEANUP_STR struct str place = STR_INIT;
	CLEANUP_STR struct str doc = STR_INIT;
	bool found = false;

	append_namespace(&place, context, collection);
	int rc = str_check(&place, err);
	if (rc == 0)
		rc = mongo_find_by_id(config, "collections", str_text(&place), &doc, &found, err);
	if (rc < 0 || !found)
		return rc;
	/* 8.0 lists collections that are not sharded too, and old ones keep what was dropped. */
	struct value key = doc_get(str_bytes(&doc), "key");
	if (doc_get_bool(str_bytes(&doc), "unsplittable") ||
		doc_get_bool(str_bytes(&doc), "dropped") || key.type != VALUE_DOCUMENT)
		return 0;
	struct bytes kept = arena_bytes(context->arena, key.bytes);
	if (kept.data == NULL)
		return err_no_memory(err);
	*ret_key = kept;
	*ret_unique = doc_get_bool(str_bytes(&doc), "unique");
	return 0;
}

/* ---- making */

static int admin(const struct step_context *context, const struct str *command,
	struct mongo_refusal *refusal, struct err *err)
{
	CLEANUP_STR struct str reply = STR_INIT;
	int rc = str_check(command, err);

	return rc < 0 ? rc
		      : mongo_admin_command(
				context->mongo, str_bytes(command), &reply, refusal, err);
}

static int shard(const struct step_context *context, const struct ensure_change *change,
	struct mongo_refusal *refusal, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	CLEANUP_STR struct str place = STR_INIT;
	struct doc_writer writer;

	append_namespace(&place, context, change->collection);
	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "shardCollection", str_text(&place));
	doc_write_raw(&writer, "key", change->declared->shard_key);
	if (change->declared->shard_unique)
		doc_write_bool(&writer, "unique", true);
	doc_write_end(&writer);
	return admin(context, &command, refusal, err);
}

/* Before MongoDB 6.0 a database is first allowed to be sharded; that stays. */
static int enable(
	const struct step_context *context, struct mongo_refusal *refusal, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "enableSharding", mongo_database(context->mongo));
	doc_write_end(&writer);
	int rc = admin(context, &command, refusal, err);
	if (rc < 0)
		return rc;
	str_append_format(&text, "sharding was enabled for database %s, and stays so",
		mongo_database(context->mongo));
	rc = str_check(&text, err);
	return rc < 0 ? rc : context->host->note(context->host->self, str_text(&text), err);
}

int ensure_shard(const struct step_context *context, const struct ensure_change *change,
	struct mongo_refusal *refusal, struct err *err)
{
	struct err failed;
	int rc = shard(context, change, refusal, &failed);

	if (rc < 0 && refusal->code == SERVER_ILLEGAL_OPERATION) {
		rc = enable(context, refusal, &failed);
		if (rc == 0)
			rc = shard(context, change, refusal, &failed);
	}
	if (rc == 0)
		return 0;
	*err = failed;
	if (refusal->code == SERVER_ALREADY_INITIALIZED)
		return err_context(err, "it is sharded by another key");
	if (refusal->code == SERVER_COMMAND_NOT_FOUND)
		return err_context(err, "the server says that it is a router, and cannot shard");
	return err_context(err, "shard key");
}

/* ---- taking back */

/* Where it was: on the database's primary shard. Without the catalogue the server chooses. */
static int append_primary(struct mongo *config, const struct step_context *context,
	struct doc_writer *writer, struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT;
	bool found = false;
	int rc = mongo_find_by_id(
		config, "databases", mongo_database(context->mongo), &doc, &found, err);
	const char *primary = rc < 0 || !found ? NULL : doc_get_string(str_bytes(&doc), "primary");

	if (primary != NULL)
		doc_write_string(writer, "toShard", primary);
	return rc;
}

static int unshard(const struct step_context *context, struct mongo *config, const char *collection,
	struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	CLEANUP_STR struct str place = STR_INIT;
	struct mongo_refusal refusal = {0};
	struct doc_writer writer;
	struct err failed;

	append_namespace(&place, context, collection);
	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "unshardCollection", str_text(&place));
	int rc = append_primary(config, context, &writer, err);
	if (rc < 0)
		return rc;
	doc_write_end(&writer);
	rc = admin(context, &command, &refusal, &failed);
	if (rc < 0 && refusal.code == SERVER_NAMESPACE_NOT_SHARDED)
		return 0;
	if (rc < 0)
		*err = failed;
	return rc;
}

int ensure_unshard(const struct step_context *context, const char *collection, struct err *err)
{
	CLEANUP(mongo_cleanup) struct mongo *config = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct mongo_server server;
	struct bytes key = {0};
	bool unique = false;
	int rc = mongo_server(context->mongo, &server, err);

	if (rc == 0)
		rc = mongo_connect_again(context->mongo, "config", &config, err);
	if (rc == 0)
		rc = ensure_shard_key_read(context, config, collection, &key, &unique, err);
	if (rc < 0 || key.size == 0)
		return rc;
	if (strtol(server.version, NULL, 10) >= UNSHARDING_SINCE)
		return unshard(context, config, collection, err);
	if (!context->options->accept_inexact || context->options->reason == NULL)
		return err_set(err, ERR_NO_WAY_BACK,
			"MongoDB %s cannot take a shard key back, it stays sharded (8.0 can)",
			server.version);
	str_append_format(&text, "%s stays sharded: MongoDB %s cannot take a shard key back",
		collection, server.version);
	rc = str_check(&text, err);
	return rc < 0 ? rc : context->host->note(context->host->self, str_text(&text), err);
}
