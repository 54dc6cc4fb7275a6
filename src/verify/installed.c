/*
 * state/installed.json: {"kits":[{"name","version","sequence","created","installed"}]}, sorted by
 * name; the kit of the highest sequence of each name. "timeReset":true: its created was in the
 * future of a clock that somebody has set right since, and does not count as a time that has been.
 * A damaged file is an error: a check that cannot be made is never skipped.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "verify/kit_private.h"

enum { INSTALLED_SIZE_MAX = 1024 * 1024 };

#define INSTALLED_NAME "installed.json"
#define SEQUENCE_MAX   (((int64_t)1 << 53) - 1)

struct installed_kit {
	const char *name, *version;
	int64_t sequence, created, installed;
	bool time_reset;
};

struct installed {
	struct arena arena;
	size_t count;
	struct installed_kit *kits;
};

static void installed_release(struct installed *installed)
{
	arena_release(&installed->arena);
}

static int read_time(const struct json *object, const char *name, int64_t *ret, struct err *err)
{
	const char *text;
	int rc = json_need_string(object, name, RFC3339_SIZE, &text, err);

	if (rc == 0)
		rc = time_parse(text, ret, err);
	return rc;
}

static int read_kit(
	const struct json *object, struct arena *arena, struct installed_kit *kit, struct err *err)
{
	static const char *const members[] = {
		"name", "version", "sequence", "created", "installed", "timeReset", NULL};
	const struct json *time_reset = NULL;
	const char *name = NULL;
	const char *version = NULL;
	int rc = json_closed(object, members, err);

	if (rc == 0)
		rc = json_need_string(object, "name", MANIFEST_TEXT_MAX, &name, err);
	if (rc == 0)
		rc = json_need_string(object, "version", MANIFEST_TEXT_MAX, &version, err);
	if (rc == 0)
		rc = json_need_integer(object, "sequence", 1, SEQUENCE_MAX, &kit->sequence, err);
	if (rc == 0)
		rc = read_time(object, "created", &kit->created, err);
	if (rc == 0)
		rc = read_time(object, "installed", &kit->installed, err);
	if (rc == 0)
		rc = json_optional(object, "timeReset", JSON_BOOL, &time_reset, err);
	if (rc < 0)
		return rc;
	kit->time_reset = time_reset != NULL && json_bool(time_reset);
	kit->name = arena_string(arena, name);
	kit->version = arena_string(arena, version);
	return kit->name != NULL && kit->version != NULL ? 0 : err_no_memory(err);
}

static int read_list(const struct json *root, struct installed *installed, struct err *err)
{
	const struct json *list;
	int rc = json_need(root, "kits", JSON_ARRAY, &list, err);

	if (rc < 0)
		return rc;
	/* One more, for the kit that installed_record may add. */
	installed->kits =
		arena_array(&installed->arena, json_count(list) + 1, sizeof *installed->kits);
	if (installed->kits == NULL)
		return err_no_memory(err);
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		if (json_type(item) != JSON_OBJECT)
			return err_set(err, ERR_SYNTAX, "a kit is not an object");
		rc = read_kit(item, &installed->arena, &installed->kits[installed->count], err);
		if (rc < 0)
			return rc;
		installed->count++;
	}
	return 0;
}

static int installed_read(int state_dirfd, struct installed *installed, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;

	*installed = (struct installed){ARENA_INIT, 0, NULL};
	int rc = file_read_at(state_dirfd, INSTALLED_NAME, INSTALLED_SIZE_MAX, &text, err);
	if (rc == -ERR_NOT_FOUND) {
		installed->kits = arena_array(&installed->arena, 1, sizeof *installed->kits);
		return installed->kits != NULL ? 0 : err_no_memory(err);
	}
	if (rc == 0)
		rc = json_parse(str_bytes(&text), JSON_LIMITS(INSTALLED_SIZE_MAX), &doc, err);
	if (rc == 0)
		rc = read_list(json_root(doc), installed, err);
	if (rc < 0) {
		installed_release(installed);
		if (err->code != ERR_NO_MEMORY)
			(void)err_recode(err, ERR_STATE_FOLDER);
		return err_context(err, "the state folder's " INSTALLED_NAME);
	}
	return 0;
}

static struct installed_kit *find(const struct installed *installed, const char *name)
{
	for (size_t i = 0; i < installed->count; i++)
		if (strcmp(installed->kits[i].name, name) == 0)
			return &installed->kits[i];
	return NULL;
}

int installed_newest(int state_dirfd, int64_t limit, int64_t *ret_created, struct err *err)
{
	struct installed installed;
	int64_t newest = INT64_MIN;
	int rc = installed_read(state_dirfd, &installed, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < installed.count; i++) {
		const struct installed_kit *kit = &installed.kits[i];
		if (!kit->time_reset && kit->created <= limit && kit->created > newest)
			newest = kit->created;
	}
	installed_release(&installed);
	*ret_created = newest;
	return 0;
}

int installed_sequence(int state_dirfd, const char *kit_name, int64_t *ret_sequence,
	const char **ret_version, struct arena *arena, struct err *err)
{
	struct installed installed;
	const char *version = NULL;
	int rc = installed_read(state_dirfd, &installed, err);

	if (rc < 0)
		return rc;
	const struct installed_kit *kit = find(&installed, kit_name);
	if (kit != NULL) {
		version = arena_string(arena, kit->version);
		if (version == NULL)
			rc = err_no_memory(err);
	}
	if (rc == 0) {
		*ret_sequence = kit != NULL ? kit->sequence : 0;
		*ret_version = version;
	}
	installed_release(&installed);
	return rc;
}

static int by_name(const void *left, const void *right)
{
	return strcmp(((const struct installed_kit *)left)->name,
		((const struct installed_kit *)right)->name);
}

static void installed_write(const struct installed *installed, struct str *out)
{
	struct json_writer writer;

	json_write_begin(&writer, out);
	json_write_object(&writer);
	json_member_array(&writer, "kits");
	for (size_t i = 0; i < installed->count; i++) {
		const struct installed_kit *kit = &installed->kits[i];
		json_write_object(&writer);
		json_member_string(&writer, "name", kit->name);
		json_member_string(&writer, "version", kit->version);
		json_member_integer(&writer, "sequence", kit->sequence);
		json_member_time(&writer, "created", kit->created);
		json_member_time(&writer, "installed", kit->installed);
		if (kit->time_reset)
			json_member_bool(&writer, "timeReset", true);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(out, '\n');
}

/* A forced downgrade does not lower the mark. */
static bool put(struct installed *installed, const struct manifest *manifest)
{
	struct installed_kit *kit = find(installed, manifest->name);

	if (kit != NULL && kit->sequence > manifest->sequence)
		return false;
	/* The same wrong time stays forgotten when the same kit comes again. */
	bool time_reset = kit != NULL && kit->time_reset && kit->created == manifest->created;
	if (kit == NULL)
		kit = &installed->kits[installed->count++];
	*kit = (struct installed_kit){manifest->name, manifest->version, manifest->sequence,
		manifest->created, clock_now(), time_reset};
	qsort(installed->kits, installed->count, sizeof *installed->kits, by_name);
	return true;
}

static int installed_save(int state_dirfd, const struct installed *installed, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	installed_write(installed, &text);
	int rc = str_check(&text, err);
	return rc < 0 ? rc
		      : file_write_durable_at(
				state_dirfd, INSTALLED_NAME, str_bytes(&text), 0600, err);
}

int installed_record(int state_dirfd, const struct trusted_kit *kit, struct err *err)
{
	struct installed installed;
	int rc = installed_read(state_dirfd, &installed, err);

	if (rc < 0)
		return rc;
	if (put(&installed, &kit->manifest))
		rc = installed_save(state_dirfd, &installed, err);
	installed_release(&installed);
	return rc;
}

int installed_forget_times(int state_dirfd, int64_t limit, struct err *err)
{
	struct installed installed;
	int rc = installed_read(state_dirfd, &installed, err);

	if (rc < 0)
		return rc;
	for (size_t i = 0; i < installed.count; i++)
		if (installed.kits[i].created > limit)
			installed.kits[i].time_reset = true;
	rc = installed_save(state_dirfd, &installed, err);
	installed_release(&installed);
	if (rc < 0 && err->code != ERR_NO_MEMORY)
		return err_recode(err, ERR_STATE_FOLDER);
	return rc;
}
