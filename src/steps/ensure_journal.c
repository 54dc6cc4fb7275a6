/* What was done, as the step's checkpoint has it: {"changes": [{kind, collection, index?, before?,
 * done, refused?}], "already"}. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/ensure.h"

static const char *text_of(const struct json *object, const char *name)
{
	const struct json *member = json_member(object, name);

	return member != NULL && json_type(member) == JSON_STRING ? json_string(member) : NULL;
}

static bool flag_of(const struct json *object, const char *name)
{
	const struct json *member = json_member(object, name);

	return member != NULL && json_type(member) == JSON_BOOL && json_bool(member);
}

void ensure_entries_release(struct ensure_entries *entries)
{
	for (size_t i = 0; i < entries->doc_count; i++)
		json_release(entries->docs[i]);
	free((void *)entries->docs);
	*entries = (struct ensure_entries){0};
}

/* Room for what is journaled, and for as many changes again. */
int ensure_entries_read(
	const struct step_context *context, struct ensure_entries *ret_entries, struct err *err)
{
	const struct json *rows =
		context->checkpoint == NULL ? NULL : json_member(context->checkpoint, "changes");
	struct ensure_entries entries = {0};

	entries.list = arena_array(context->arena, 2 * ENSURE_CHANGES_MAX, sizeof *entries.list);
	if (entries.list == NULL)
		return err_no_memory(err);
	for (const struct json *row = rows == NULL ? NULL : json_first(rows); row != NULL;
		row = json_next(row)) {
		const struct ensure_entry entry = {
			.kind = text_of(row, "kind"),
			.collection = text_of(row, "collection"),
			.index = text_of(row, "index"),
			.before = json_member(row, "before"),
			.done = flag_of(row, "done"),
			.refused = flag_of(row, "refused"),
		};
		if (entry.kind == NULL || entry.collection == NULL ||
			entries.count == ENSURE_CHANGES_MAX)
			return err_set(err, ERR_JOURNAL, "%s: the checkpoint's changes",
				context->step->name);
		entries.list[entries.count++] = entry;
	}
	entries.docs = calloc(ENSURE_CHANGES_MAX, sizeof(*entries.docs));
	if (entries.docs == NULL)
		return err_no_memory(err);
	*ret_entries = entries;
	return 0;
}

static bool same_index(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static struct ensure_entry *find_entry(
	struct ensure_entries *entries, const struct ensure_change *change)
{
	const char *kind = ensure_kind_name(change->kind);

	for (size_t i = 0; i < entries->count; i++) {
		struct ensure_entry *entry = &entries->list[i];
		if (strcmp(entry->kind, kind) == 0 &&
			strcmp(entry->collection, change->collection) == 0 &&
			same_index(entry->index, change->index))
			return entry;
	}
	return NULL;
}

/* Canonical, so that a way back loses no type. */
static int keep_before(struct ensure_entries *entries, struct bytes before,
	const struct json **ret_before, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	if (before.size == 0) {
		*ret_before = NULL;
		return 0;
	}
	int rc = doc_to_json(before, true, &text, err);
	if (rc == 0)
		rc = json_parse(str_bytes(&text), JSON_LIMITS_OWN(DOC_SIZE_MAX),
			&entries->docs[entries->doc_count], err);
	if (rc < 0)
		return rc;
	*ret_before = json_root(entries->docs[entries->doc_count++]);
	return 0;
}

int ensure_entries_put(struct ensure_entries *entries, const struct ensure_change *change,
	struct ensure_entry **ret_entry, struct err *err)
{
	struct ensure_entry *entry = find_entry(entries, change);
	const struct json *before = NULL;

	/* What was refused changed nothing: what is there now is what was there before. */
	if (entry != NULL && !entry->refused) {
		*ret_entry = entry;
		return 0;
	}
	int rc = keep_before(entries, change->before, &before, err);
	if (rc < 0)
		return rc;
	if (entry == NULL)
		entry = &entries->list[entries->count++];
	*entry = (struct ensure_entry){
		.kind = ensure_kind_name(change->kind),
		.collection = change->collection,
		.index = change->index,
		.before = before,
	};
	*ret_entry = entry;
	return 0;
}

void ensure_entries_write(const struct ensure_entries *entries, struct json_writer *writer)
{
	json_member_array(writer, "changes");
	for (size_t i = 0; i < entries->count; i++) {
		const struct ensure_entry *entry = &entries->list[i];
		json_write_object(writer);
		json_member_string(writer, "kind", entry->kind);
		json_member_string(writer, "collection", entry->collection);
		if (entry->index != NULL)
			json_member_string(writer, "index", entry->index);
		if (entry->before != NULL)
			json_member_value(writer, "before", entry->before);
		json_member_bool(writer, "done", entry->done);
		if (entry->refused)
			json_member_bool(writer, "refused", true);
		json_write_end(writer);
	}
	json_write_end(writer);
}

int ensure_entries_checkpoint(const struct step_context *context,
	const struct ensure_entries *entries, int64_t already, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	ensure_entries_write(entries, &writer);
	json_member_integer(&writer, "already", already);
	json_write_end(&writer);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : context->host->checkpoint(context->host->self, str_bytes(&text), err);
}
