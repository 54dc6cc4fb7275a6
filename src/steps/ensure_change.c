/* One change made, by one command; a table of kinds, each with its way back (ensure_undo.c). */
#include <string.h>

#include "base/cleanup.h"
#include "steps/ensure.h"
#include "steps/ensure_command.h"
#include "text/text.h"

/* The server said no. What was lost on the way, or not acknowledged, may have been done. */
static bool is_refusal(const struct mongo_refusal *refusal, const struct err *err)
{
	return refusal->code != 0 && err->code != ERR_DATABASE_LOST;
}

/* ---- collections and validators */

static int create_collection(const struct step_context *context, const struct ensure_change *change,
	struct mongo_refusal *refusal, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "create", change->collection);
	if (change->declared->collation.size > 0)
		doc_write_raw(&writer, "collation", change->declared->collation);
	doc_write_end(&writer);
	/* It came to be since the state was read: the next read says whether it will do. */
	return ensure_run(
		context, &command, (const int[]){SERVER_NAMESPACE_EXISTS, 0}, refusal, err);
}

static int set_validator(const struct step_context *context, const struct ensure_change *change,
	struct mongo_refusal *refusal, struct err *err)
{
	const struct ensure_declared *declared = change->declared;

	return ensure_validate(context, declared->name, declared->validator,
		declared->validation_level, declared->validation_action, refusal, err);
}

/* ---- indexes */

/* A refusal says little on some servers: the keys themselves say it all. */
static int explain_refusal(
	const struct step_context *context, const struct ensure_change *change, struct err *err)
{
	const struct err refused = *err;
	CLEANUP_STR struct str text = STR_INIT;
	struct err ignored;

	if (!change->wanted->unique ||
		ensure_find_duplicates(
			context, change->collection, change->wanted, &text, &ignored) < 0 ||
		text.size == 0) {
		*err = refused;
		return -(int)err->code;
	}
	return err_set(
		err, ERR_MIGRATION, "it is unique, and %s: %s", str_text(&text), refused.message);
}

/* Before the build, and before what it replaces is dropped. */
static int refuse_duplicates(const struct step_context *context, const struct ensure_change *change,
	bool *ret_refused, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	if (!change->wanted->unique)
		return 0;
	int rc = ensure_find_duplicates(context, change->collection, change->wanted, &text, err);
	if (rc < 0 || text.size == 0)
		return rc;
	*ret_refused = true;
	return err_set(err, ERR_MIGRATION, "it is unique, and %s", str_text(&text));
}

static int create_index(const struct step_context *context, const struct ensure_change *change,
	struct mongo_refusal *refusal, struct err *err)
{
	int rc = ensure_build_watched(
		context, change->collection, change->wanted->spec, refusal, err);

	return rc < 0 && is_refusal(refusal, err) ? explain_refusal(context, change, err) : rc;
}

static int set_expiry(const struct step_context *context, const struct ensure_change *change,
	struct mongo_refusal *refusal, struct err *err)
{
	const struct value seconds = {.type = VALUE_INT64, .int64 = change->wanted->expiry};

	return ensure_expire(context, change->collection, change->index, &seconds, refusal, err);
}

/* A build that is refused leaves what was there: it is put back at once. */
static int replace_index(const struct step_context *context, const struct ensure_change *change,
	struct mongo_refusal *refusal, struct err *err)
{
	const char *name = doc_get_string(change->before, "name");
	struct mongo_refusal ignored;
	struct err restoring;

	if (name == NULL)
		return err_set(err, ERR_INTERNAL, "an index without a name");
	int rc = ensure_drop_index(context, change->collection, name, refusal, err);
	if (rc == 0)
		rc = create_index(context, change, refusal, err);
	/* What was lost on the way may have been done: then both are told apart later. */
	if (rc == 0 || !is_refusal(refusal, err))
		return rc;
	if (ensure_restore_index(
		    context, change->collection, change->before, &ignored, &restoring) < 0) {
		/* Then it is not as it was: the undo has something to do. */
		*refusal = (struct mongo_refusal){0};
		return err_context(err, "index %s was dropped and could not be put back (%s)", name,
			restoring.message);
	}
	return rc;
}

static int refuse(const struct step_context *context, const struct ensure_change *change,
	struct mongo_refusal *refusal, struct err *err)
{
	(void)context;
	(void)refusal;
	return err_set(err, ERR_MIGRATION, "%s", change->text);
}

static const struct {
	const char *name; /* in the journal */
	const char *one, *many;
	bool builds;
	int (*make)(const struct step_context *context, const struct ensure_change *change,
		struct mongo_refusal *refusal, struct err *err);
} KINDS[ENSURE_KIND_COUNT] = {
	[ENSURE_CREATE_COLLECTION] = {"create", "collection", "collections", false,
		create_collection},
	[ENSURE_SET_VALIDATOR] = {"setValidator", "validator", "validators", false, set_validator},
	[ENSURE_CREATE_INDEX] = {"createIndex", "index", "indexes", true, create_index},
	[ENSURE_SET_TTL] = {"setExpiry", "TTL", "TTLs", false, set_expiry},
	[ENSURE_REPLACE_INDEX] = {"replaceIndex", "index replaced", "indexes replaced", true,
		replace_index},
	[ENSURE_SHARD] = {"shard", "shard key", "shard keys", false, ensure_shard},
	[ENSURE_CONFLICT] = {"conflict", "conflict", "conflicts", false, refuse},
};

const char *ensure_kind_name(enum ensure_kind kind)
{
	return KINDS[kind].name;
}

const char *ensure_kind_noun(enum ensure_kind kind, bool many)
{
	return many ? KINDS[kind].many : KINDS[kind].one;
}

void ensure_place(struct str *text, const char *collection, const char *index)
{
	text_escape(text, bytes_of_string(collection), 0);
	if (index == NULL)
		return;
	str_append_text(text, ", index ");
	text_escape(text, bytes_of_string(index), 0);
}

int ensure_make(const struct step_context *context, const struct ensure_change *change,
	bool *ret_refused, struct err *err)
{
	CLEANUP_STR struct str place = STR_INIT;
	struct mongo_refusal refusal = {0};
	bool refused = false;
	int rc = 0;

	if (KINDS[change->kind].builds)
		rc = refuse_duplicates(context, change, &refused, err);
	if (rc == 0)
		rc = KINDS[change->kind].make(context, change, &refusal, err);
	if (rc == 0)
		return 0;
	*ret_refused = refused || is_refusal(&refusal, err);
	ensure_place(&place, change->collection, change->index);
	return err_context(err, "%s", str_text(&place));
}
