/*
 * publisher: the outbox publisher of the demo's site, which stands for the site's own service.
 *
 *	publisher URI DATABASE --seconds N
 *
 * Stamps publishedAt on the events of advisory_observation_events that wait, oldest first, and
 * sends them nowhere. Ends after N seconds or at SIGTERM, between two rounds.
 */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "mongo/mongo.h"

enum { ROUND = 500, PAUSE_MS = 200 };

static const char outbox[] = "advisory_observation_events";

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number)
{
	(void)number;
	asked_to_end = 1;
}

/* {_id: {$in: [...]}, publishedAt: null} of the oldest that wait; count 0: none does. */
static int find_waiting(struct mongo *mongo, struct str *filter, int *ret_count, struct err *err)
{
	struct mongo_cursor *cursor CLEANUP(mongo_cursor_cleanup) = NULL;
	CLEANUP_STR struct str waiting = STR_INIT, order = STR_INIT;
	struct doc_writer w;
	struct bytes doc;
	int count = 0, more;

	doc_write_begin(&w, &waiting);
	doc_write_null(&w, "publishedAt");
	doc_write_end(&w);
	doc_write_begin(&w, &order);
	doc_write_int32(&w, "createdAt", 1);
	doc_write_int32(&w, "_id", 1);
	doc_write_end(&w);
	const struct mongo_find find = {
		.collection = outbox,
		.filter = str_bytes(&waiting),
		.sort = str_bytes(&order),
		.limit = ROUND,
	};
	int result = mongo_find(mongo, &find, &cursor, err);
	if (result != 0)
		return result;
	doc_write_begin(&w, filter);
	doc_write_document(&w, "_id");
	doc_write_array(&w, "$in");
	while ((more = mongo_cursor_next(cursor, &doc, err)) > 0) {
		struct value id = doc_get(doc, "_id");
		doc_write_value(&w, NULL, &id);
		count++;
	}
	doc_write_end(&w);
	doc_write_end(&w);
	doc_write_null(&w, "publishedAt");
	doc_write_end(&w);
	*ret_count = count;
	return more < 0 ? more : str_check(filter, err);
}

static int stamp(struct mongo *mongo, struct bytes filter, int64_t *published, struct err *err)
{
	struct mongo_bulk *bulk CLEANUP(mongo_bulk_cleanup) = NULL;
	CLEANUP_STR struct str update = STR_INIT;
	struct mongo_bulk_result done;
	struct doc_writer w;

	doc_write_begin(&w, &update);
	doc_write_document(&w, "$set");
	doc_write_date(&w, "publishedAt", clock_now());
	doc_write_end(&w);
	doc_write_end(&w);
	int result = mongo_bulk_begin(mongo, outbox, &bulk, err);
	if (result == 0)
		result = mongo_bulk_update(bulk, filter, str_bytes(&update), true, false, err);
	if (result == 0)
		result = mongo_bulk_run(bulk, &done, err);
	if (result == 0)
		*published += done.modified;
	return result;
}

static int publish(struct mongo *mongo, int64_t seconds, int64_t *published, struct err *err)
{
	int64_t end = clock_boottime() + seconds * 1000;
	int result = 0;

	while (result == 0 && !asked_to_end && clock_boottime() < end) {
		CLEANUP_STR struct str filter = STR_INIT;
		int count = 0;
		result = find_waiting(mongo, &filter, &count, err);
		if (result == 0 && count > 0)
			result = stamp(mongo, str_bytes(&filter), published, err);
		if (result == 0 && count == 0)
			(void)nanosleep(
				&(const struct timespec){.tv_nsec = PAUSE_MS * 1000000L}, NULL);
	}
	return result;
}

int main(int argc, char **argv)
{
	struct mongo *mongo = NULL;
	int64_t published = 0;
	struct err err;

	if (argc != 5 || strcmp(argv[3], "--seconds") != 0 || atol(argv[4]) < 1) {
		(void)fputs(
			"usage: publisher URI DATABASE --seconds N\n"
			"The demo site's outbox publisher: stamps waiting events as published.\n",
			stderr);
		return 64;
	}
	const struct sigaction action = {.sa_handler = on_signal};
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	mongo_library_begin();
	int result = mongo_connect(argv[1], argv[2], &mongo, &err);
	if (result == 0)
		result = publish(mongo, atol(argv[4]), &published, &err);
	mongo_close(mongo);
	mongo_library_end();
	(void)printf("%lld events published\n", (long long)published);
	if (result != 0)
		(void)fprintf(stderr, "publisher: %s\n", err.message);
	return result != 0 ? err_exit_code(err.code) : 0;
}
