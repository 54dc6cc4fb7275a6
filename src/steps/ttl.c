#include "steps/ttl.h"

#include <string.h>

#include "base/cleanup.h"

/* One that is in the list already, by a run that was interrupted, is armed again with what it has
 * now. NULL: there is no room. */
static struct ttl_index *place(struct ttl_index *list, size_t room, size_t *count,
	const char *collection, const char *name)
{
	for (size_t i = 0; i < *count; i++)
		if (strcmp(list[i].collection, collection) == 0 && strcmp(list[i].index, name) == 0)
			return &list[i];
	return *count == room ? NULL : &list[(*count)++];
}

int ttl_find(struct mongo *mongo, const char *collection, struct arena *arena,
	struct ttl_index *list, size_t room, size_t *count, struct err *err)
{
	struct bytes *indexes = NULL;
	size_t index_count = 0;
	int rc = mongo_indexes(mongo, collection, arena, &indexes, &index_count, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < index_count; i++) {
		int64_t seconds;
		const char *name = doc_get_string(indexes[i], "name");
		if (name == NULL || !doc_get_integer(indexes[i], "expireAfterSeconds", &seconds) ||
			seconds == TTL_DISARMED)
			continue;
		struct ttl_index *index = place(list, room, count, collection, name);
		if (index == NULL)
			return err_set(err, ERR_MIGRATION, "more than %zu TTL indexes", room);
		index->collection = arena_string(arena, collection);
		index->index = arena_string(arena, name);
		index->seconds = seconds;
		if (index->collection == NULL || index->index == NULL)
			return err_no_memory(err);
	}
	return 0;
}

int ttl_set(struct mongo *mongo, const struct ttl_index *index, int64_t seconds, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	CLEANUP_STR struct str reply = STR_INIT;
	struct mongo_refusal refusal = {0};
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "collMod", index->collection);
	doc_write_document(&writer, "index");
	doc_write_string(&writer, "name", index->index);
	doc_write_int64(&writer, "expireAfterSeconds", seconds);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int rc = str_check(&command, err);
	if (rc == 0)
		rc = mongo_command(mongo, str_bytes(&command), &reply, &refusal, err);
	/* NamespaceNotFound, IndexNotFound */
	if (rc < 0 && (refusal.code == 26 || refusal.code == 27))
		return 0;
	return rc < 0 ? err_context(err, "%s.%s", index->collection, index->index) : 0;
}

void ttl_write(struct json_writer *writer, const struct ttl_index *list, size_t count)
{
	json_member_array(writer, "ttl");
	for (size_t i = 0; i < count; i++) {
		json_write_object(writer);
		json_member_string(writer, "collection", list[i].collection);
		json_member_string(writer, "index", list[i].index);
		json_member_integer(writer, "seconds", list[i].seconds);
		json_write_end(writer);
	}
	json_write_end(writer);
}

size_t ttl_read(const struct json *checkpoint, struct ttl_index list[static TTL_INDEXES_MAX])
{
	const struct json *rows = checkpoint == NULL ? NULL : json_member(checkpoint, "ttl");
	struct err ignored;
	size_t count = 0;

	if (rows == NULL || json_type(rows) != JSON_ARRAY)
		return 0;
	for (const struct json *row = json_first(rows); row != NULL; row = json_next(row)) {
		struct ttl_index *index = &list[count];
		if (count < TTL_INDEXES_MAX &&
			json_need_string(row, "collection", 1024, &index->collection, &ignored) ==
				0 &&
			json_need_string(row, "index", 1024, &index->index, &ignored) == 0 &&
			json_need_integer(row, "seconds", 0, INT64_C(1) << 40, &index->seconds,
				&ignored) == 0)
			count++;
	}
	return count;
}

static bool is_disarmed(struct bytes *indexes, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		const char *its_name = doc_get_string(indexes[i], "name");
		int64_t seconds = 0;
		if (its_name != NULL && strcmp(its_name, name) == 0)
			return doc_get_integer(indexes[i], "expireAfterSeconds", &seconds) &&
			       seconds == TTL_DISARMED;
	}
	return false;
}

int ttl_arm(const struct step_context *context, size_t *ret_count, struct err *err)
{
	struct ttl_index list[TTL_INDEXES_MAX];
	const struct json *checkpoint = context->checkpoint_of(context->host->self, "freeze");
	size_t count = ttl_read(checkpoint, list);
	size_t armed = 0;

	for (size_t i = 0; i < count; i++) {
		struct bytes *indexes = NULL;
		size_t index_count = 0;
		int rc = mongo_indexes(context->mongo, list[i].collection, context->arena, &indexes,
			&index_count, err);
		/* A migration that gave the index an expiry of its own has armed it. */
		if (rc == 0 && is_disarmed(indexes, index_count, list[i].index)) {
			rc = ttl_set(context->mongo, &list[i], list[i].seconds, err);
			armed++;
		}
		if (rc < 0)
			return rc;
	}
	*ret_count = armed;
	return 0;
}

int64_t ttl_effective(const struct json *freeze_checkpoint, const char *collection,
	const char *index, int64_t seconds)
{
	struct ttl_index list[TTL_INDEXES_MAX];
	size_t count = seconds == TTL_DISARMED ? ttl_read(freeze_checkpoint, list) : 0;

	for (size_t i = 0; i < count; i++)
		if (strcmp(list[i].collection, collection) == 0 &&
			strcmp(list[i].index, index) == 0)
			return list[i].seconds;
	return seconds;
}
