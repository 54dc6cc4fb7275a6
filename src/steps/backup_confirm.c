/* The second reading, which finds what changed while the first was made. */
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/backup_run.h"

static int compare(struct backup_run *run, size_t place, struct backup_open *open, struct err *err)
{
	struct backup_collection *collection = &run->index.collections[place];
	struct sha256 digest;
	int result = lthash_digest(&open->sum, &digest, err);

	if (result != 0)
		return result;
	collection->confirmed = sha256_equal(&digest, &collection->digest);
	run->changed[place] = !collection->confirmed;
	backup_open_settle(open);
	return 0;
}

static int confirm_item(
	void *self, size_t item, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	const struct backup_crew *crew = self;
	struct backup_run *run = crew->run;
	size_t place = crew->items[item].place;
	struct backup_ranges *ranges = &run->ranges[place];
	struct backup_range *range = &ranges->ranges[crew->items[item].range];
	struct backup_open *open = run->open[place];
	const struct backup_reading reading = {
		run->index.collections[place].name, run->average[place], COMPRESSION_NONE};

	backup_open_enter(open);
	int result = backup_read_range(&reading, range, open, mongo, tally, err);
	if (result == 0 && backup_open_leave(open, ranges, range))
		result = compare(run, place, open, err);
	return result != 0 ? err_context(err, "%s", run->index.collections[place].name) : 0;
}

static bool has_documents(const struct backup_run *run, size_t place)
{
	return !backup_is_view(&run->index.collections[place]);
}

/* Whether silence was asked for in this collection. */
static bool must_be_silent(const struct step_context *context, const char *name)
{
	const struct site *site = context->site;

	if (context->options->unfrozen)
		return false;
	for (size_t i = 0; i < site->frozen_count; i++)
		if (strcmp(site->frozen[i], name) == 0)
			return true;
	return site->frozen_count == 0;
}

static int note_change(struct backup_run *run, const char *name, struct err *err)
{
	const struct step_host *host = run->context->host;
	char text[512];

	(void)snprintf(text, sizeof text,
		"%s changed while the backup was made: the backup has it as it was when it was "
		"read",
		name);
	return host->note(host->self, text, err);
}

static int is_confirmed(struct backup_run *run, size_t place, struct err *err)
{
	(void)err;
	backup_open_free(run->open[place]);
	run->open[place] = NULL;
	return 0;
}

/*
 * Divided anew: an _id of another class of types than there were at first is in none of the first
 * reading's ranges.
 */
static int divide_again(struct backup_run *run, struct err *err)
{
	const struct step_context *context = run->context;
	int result = 0;

	run->kept = 0;
	for (size_t i = 0; result == 0 && i < run->index.count; i++) {
		if (!has_documents(run, i))
			continue;
		backup_ranges_release(&run->ranges[i]);
		result = backup_ranges_make_for_digest(context->mongo,
			run->index.collections[i].name, run->expected[i],
			backup_divide_from(run, i), &run->ranges[i], err);
		if (result == 0)
			result = backup_open_new(&run->open[i], err);
	}
	return result;
}

int backup_run_confirm(struct backup_run *run, struct err *err)
{
	const char *loud = NULL;
	int result = divide_again(run, err);

	if (result == 0)
		result = backup_run_crew(
			run, "confirming", has_documents, confirm_item, is_confirmed, NULL, err);
	for (size_t i = 0; result == 0 && i < run->index.count; i++) {
		struct backup_collection *collection = &run->index.collections[i];
		if (!run->changed[i])
			continue;
		if (must_be_silent(run->context, collection->name)) {
			run->finished[i] = false;
			loud = collection->name;
		} else {
			result = note_change(run, collection->name, err);
		}
	}
	if (result != 0 || loud == NULL)
		return result;
	/* What changed is read again when it goes on. */
	result = backup_run_checkpoint(run, err);
	return result != 0
		       ? result
		       : err_set(err, ERR_NOT_SILENT, "%s changed while the backup was made", loud);
}
