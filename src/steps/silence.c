#include "steps/silence.h"

#include <poll.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"

enum { WAIT_SLICE = 200 }; /* ms */

struct print {
	int64_t count;
	struct str newest; /* the document {_id} with the greatest one */
};

static void print_release(struct print *print)
{
	str_release(&print->newest);
}

static int find_newest(
	struct mongo *mongo, const char *collection, struct str *newest, struct err *err)
{
	CLEANUP_STR struct str sort = STR_INIT;
	CLEANUP_STR struct str projection = STR_INIT;
	struct doc_writer writer;
	bool found = false;

	doc_write_begin(&writer, &sort);
	doc_write_int32(&writer, "_id", -1);
	doc_write_end(&writer);
	doc_write_begin(&writer, &projection);
	doc_write_int32(&writer, "_id", 1);
	doc_write_end(&writer);
	const struct mongo_find find = {
		.collection = collection,
		.sort = str_bytes(&sort),
		.projection = str_bytes(&projection),
		.limit = 1,
	};
	return mongo_find_one(mongo, &find, newest, &found, err);
}

static int take_print(
	struct mongo *mongo, const char *collection, struct print *print, struct err *err)
{
	int rc = mongo_count(mongo, collection, bytes_make(NULL, 0), &print->count, err);

	str_truncate(&print->newest, 0);
	if (rc == 0)
		rc = find_newest(mongo, collection, &print->newest, err);
	return rc < 0 ? err_context(err, "%s", collection) : 0;
}

static int compare(const char *collection, const struct print *before, const struct print *now,
	struct err *err)
{
	if (before->count != now->count)
		return err_set(err, ERR_NOT_SILENT, "%s: %lld documents became %lld", collection,
			(long long)before->count, (long long)now->count);
	if (!bytes_equal(str_bytes(&before->newest), str_bytes(&now->newest)))
		return err_set(err, ERR_NOT_SILENT, "%s has a new document", collection);
	return 0;
}

int wait_watching(const struct step_context *context, int64_t milliseconds, struct err *err)
{
	int64_t until = clock_boottime() + milliseconds;

	for (int64_t left = milliseconds; left > 0; left = until - clock_boottime()) {
		if (context->host->stop_requested(context->host->self))
			return err_set(err, ERR_STOPPED, "the operator asked for it");
		(void)poll(NULL, 0, left > WAIT_SLICE ? WAIT_SLICE : (int)left);
	}
	return 0;
}

/* The collections that the site names and the database has; all of them if it names none. */
static int choose(const struct step_context *context, const char ***ret_names, size_t *ret_count,
	struct err *err)
{
	const struct site *site = context->site;
	struct mongo_collection *collections = NULL;
	size_t count = 0, used = 0;
	int rc = mongo_collections(context->mongo, context->arena, &collections, &count, err);

	if (rc < 0)
		return rc;
	const char **names = arena_array(context->arena, count + 1, sizeof(*names));
	if (names == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		bool wanted = site->frozen_count == 0 && strcmp(collections[i].type, "view") != 0;
		for (size_t k = 0; k < site->frozen_count; k++)
			wanted = wanted || strcmp(site->frozen[k], collections[i].name) == 0;
		if (wanted)
			names[used++] = collections[i].name;
	}
	*ret_names = names;
	*ret_count = used;
	return 0;
}

static int take_all(const struct step_context *context, const char *const *names, size_t count,
	struct print *prints, struct err *err)
{
	for (size_t i = 0; i < count; i++) {
		int rc = take_print(context->mongo, names[i], &prints[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int silence_observe(const struct step_context *context, size_t *ret_collections, struct err *err)
{
	const char **names = NULL;
	size_t count = 0;
	int rc = choose(context, &names, &count, err);

	if (rc < 0)
		return rc;
	struct print *before = arena_array(context->arena, count + 1, sizeof *before);
	struct print *now = arena_array(context->arena, count + 1, sizeof *now);
	if (before == NULL || now == NULL)
		return err_no_memory(err);
	rc = take_all(context, names, count, before, err);
	if (rc == 0)
		rc = wait_watching(context, context->site->silence, err);
	if (rc == 0)
		rc = take_all(context, names, count, now, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = compare(names[i], &before[i], &now[i], err);
	for (size_t i = 0; i < count; i++) {
		print_release(&before[i]);
		print_release(&now[i]);
	}
	if (rc == 0)
		*ret_collections = count;
	return rc;
}
