/*
 * ensure_command: the single commands that change collections and indexes, for making and for
 * taking back. Internal to ensure.
 *
 * A command that fails fills refusal when the server refused it; a code of 0 there means that its
 * outcome is not known, or that it was never sent.
 */
#ifndef OFFKIT_STEPS_ENSURE_COMMAND_H
#define OFFKIT_STEPS_ENSURE_COMMAND_H

#include "steps/ensure.h"

/* The server's codes (mongo: src/mongo/base/error_codes.yml). */
enum {
	SERVER_ILLEGAL_OPERATION = 20,
	SERVER_ALREADY_INITIALIZED = 23,
	SERVER_NAMESPACE_NOT_FOUND = 26,
	SERVER_INDEX_NOT_FOUND = 27,
	SERVER_NAMESPACE_EXISTS = 48,
	SERVER_COMMAND_NOT_FOUND = 59,
	SERVER_INDEX_ALREADY_EXISTS = 68,
	SERVER_NAMESPACE_NOT_SHARDED = 118,
};

/* accepted: codes, ended by 0, that mean that it is so already. */
MUST_CHECK int ensure_run(const struct step_context *context, const struct str *command,
	const int *accepted, struct mongo_refusal *refusal, struct err *err);

/* By collMod, not create: some servers enforce a validator only after it. size 0: none. */
MUST_CHECK int ensure_validate(const struct step_context *context, const char *collection,
	struct bytes validator, const char *level, const char *action,
	struct mongo_refusal *refusal, struct err *err);
MUST_CHECK int ensure_expire(const struct step_context *context, const char *collection,
	const char *index, const struct value *seconds, struct mongo_refusal *refusal,
	struct err *err);
/* spec: {key, name, options}. An identical index that is there already is fine. */
MUST_CHECK int ensure_build(const struct step_context *context, const char *collection,
	struct bytes spec, struct mongo_refusal *refusal, struct err *err);
/* The same, told how far it is; a stop waits for it a while and then gives it up: ERR_STOPPED. */
MUST_CHECK int ensure_build_watched(const struct step_context *context, const char *collection,
	struct bytes spec, struct mongo_refusal *refusal, struct err *err);
/* An index as listIndexes gave it, without what the server adds. */
MUST_CHECK int ensure_restore_index(const struct step_context *context, const char *collection,
	struct bytes listed, struct mongo_refusal *refusal, struct err *err);
MUST_CHECK int ensure_drop_index(const struct step_context *context, const char *collection,
	const char *index, struct mongo_refusal *refusal, struct err *err);

/* ---- ensure_shard.c */

MUST_CHECK int ensure_shard(const struct step_context *context, const struct ensure_change *change,
	struct mongo_refusal *refusal, struct err *err);
/* config: a connection to the database "config". *ret_key stays as it is if it is not sharded. */
MUST_CHECK int ensure_shard_key_read(const struct step_context *context, struct mongo *config,
	const char *collection, struct bytes *ret_key, bool *ret_unique, struct err *err);
/* ERR_NO_WAY_BACK before MongoDB 8.0, unless that was accepted with a reason. */
MUST_CHECK int ensure_unshard(
	const struct step_context *context, const char *collection, struct err *err);

#endif
