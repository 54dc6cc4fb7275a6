/*
 * What there is of a backup that is not complete: in a file that its checkpoint names, with its
 * SHA-256, so that it is covered by the event chain as the index is.
 *
 *	{"format": "offkit-backup-partial/1", "finished": INDEX, "open": [
 *	  {"name", "definition", "size", "sha256", "count", "octets", "lanes", "ranges"}…]}
 *
 * INDEX has what is whole. Of a file that is being written the first `size` octets have that
 * SHA-256, hold what `lanes` (base64) is the sum of, and what the `ranges` are behind.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/base64.h"
#include "steps/backup_run.h"

static const char partial_format[] = "offkit-backup-partial/1";

enum { NAME_MAX_OCTETS = 1024, TEXT_MAX = 32 * 1024 * 1024 };
static const int64_t COUNT_MAX = INT64_C(1) << 52;

/* ---- writing */

/* Only what can be gone on with: one that has begun and is in no order has to be read again. */
static bool can_go_on(const struct backup_ranges *ranges)
{
	for (size_t i = 0; i < ranges->count; i++) {
		const struct backup_range *range = &ranges->ranges[i];
		if (!range->done && !range->ordered && range->last.size > 0)
			return false;
	}
	return true;
}

static void member_base64(struct json_writer *writer, const char *name, struct bytes octets)
{
	CLEANUP_STR struct str text = STR_INIT;

	base64_encode(octets, &text);
	if (text.failed)
		writer->out->failed = true;
	json_member_string(writer, name, str_text(&text));
}

static void write_lanes(struct json_writer *writer, const struct lthash *sum)
{
	uint8_t octets[2 * LTHASH_LANES];

	for (size_t i = 0; i < LTHASH_LANES; i++) {
		octets[2 * i] = (uint8_t)sum->lanes[i];
		octets[2 * i + 1] = (uint8_t)(sum->lanes[i] >> 8);
	}
	member_base64(writer, "lanes", bytes_make(octets, sizeof octets));
}

/* With the mutex held. */
static int write_open(struct json_writer *writer, const struct backup_collection *collection,
	const struct backup_open *open, const struct backup_ranges *ranges, struct err *err)
{
	CLEANUP_STR struct str octets = STR_INIT;
	char hex[SHA256_HEX_SIZE];
	struct backup_file file;
	int result = backup_joint_state(open->joint, &file, err);

	if (result == 0)
		result = backup_ranges_write(ranges, &octets, err);
	if (result != 0)
		return result;
	sha256_to_hex(&file.sha256, hex);
	json_write_object(writer);
	json_member_string(writer, "name", collection->name);
	member_base64(writer, "definition", collection->definition);
	json_member_integer(writer, "size", (int64_t)file.size);
	json_member_string(writer, "sha256", hex);
	json_member_integer(writer, "count", (int64_t)open->sum.count);
	json_member_integer(writer, "octets", (int64_t)open->sum.octets);
	write_lanes(writer, &open->sum);
	member_base64(writer, "ranges", str_bytes(&octets));
	json_write_end(writer);
	return 0;
}

/* What is written of it here is on the disk before the checkpoint says so. */
static int keep_open(
	struct backup_run *run, size_t place, struct json_writer *writer, struct err *err)
{
	struct backup_open *open = run->open[place];
	bool kept = false;
	int result = 0;

	(void)pthread_mutex_lock(&open->mutex);
	if (open->joint != NULL && open->sum.count > 0 && can_go_on(&run->ranges[place])) {
		result = write_open(
			writer, &run->index.collections[place], open, &run->ranges[place], err);
		kept = result == 0;
	}
	(void)pthread_mutex_unlock(&open->mutex);
	return kept ? backup_joint_sync(open->joint, err) : result;
}

static int write_finished(
	struct backup_run *run, struct json_writer *writer, size_t *ret_count, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct backup_index part = run->index;
	CLEANUP_FREE struct backup_collection *list = calloc(run->index.count + 1, sizeof *list);

	if (list == NULL)
		return err_no_memory(err);
	part.collections = list;
	part.count = 0;
	for (size_t i = 0; i < run->index.count; i++)
		if (run->finished[i])
			list[part.count++] = run->index.collections[i];
	int result = backup_index_write(&part, &text, err);
	if (result == 0)
		result = json_parse(
			str_bytes(&text), JSON_LIMITS_OWN(BACKUP_INDEX_SIZE_MAX), &doc, err);
	if (result != 0)
		return result;
	json_member_value(writer, "finished", json_root(doc));
	*ret_count = part.count;
	return 0;
}

static int write_partial(struct backup_run *run, const char *name, struct sha256 *ret_sha256,
	size_t *ret_count, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	json_member_string(&writer, "format", partial_format);
	int result = write_finished(run, &writer, ret_count, err);
	json_member_array(&writer, "open");
	for (size_t i = 0; result == 0 && i < run->index.count; i++)
		if (backup_open_at(run, i) != NULL)
			result = keep_open(run, i, &writer, err);
	json_write_end(&writer);
	json_write_end(&writer);
	if (result == 0)
		result = str_check(&text, err);
	if (result == 0)
		result = sha256_of(str_bytes(&text), ret_sha256, err);
	if (result == 0)
		result = file_write_durable_at(run->dirfd, name, str_bytes(&text), 0600, err);
	return result;
}

int backup_run_checkpoint(struct backup_run *run, struct err *err)
{
	const struct step_host *host = run->context->host;
	CLEANUP_STR struct str fields = STR_INIT;
	char before[sizeof run->partial], hex[SHA256_HEX_SIZE];
	struct json_writer writer;
	struct sha256 sha256;
	size_t count = 0;

	memcpy(before, run->partial, sizeof before);
	/* Two names in turn: the one that the journal names stays until it names the other. */
	(void)snprintf(run->partial, sizeof run->partial, "backup.partial-%c.json",
		strcmp(before, "backup.partial-a.json") == 0 ? 'b' : 'a');
	int result = write_partial(run, run->partial, &sha256, &count, err);
	if (result != 0)
		return result;
	sha256_to_hex(&sha256, hex);
	json_write_begin(&writer, &fields);
	json_write_object(&writer);
	json_member_string(&writer, "dir", run->dir);
	json_member_string(&writer, "index", run->partial);
	json_member_string(&writer, "indexSha256", hex);
	json_member_bool(&writer, "complete", false);
	json_member_integer(&writer, "collections", (int64_t)count);
	json_write_end(&writer);
	run->last_checkpoint = clock_boottime();
	result = str_check(&fields, err);
	return result != 0 ? result : host->checkpoint(host->self, str_bytes(&fields), err);
}

/* ---- going on: what is finished */

static bool is_there(const struct backup_run *run, const struct backup_file *file)
{
	struct stat status;

	return file->name == NULL ||
	       (fstatat(run->database_dirfd, file->name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
		       S_ISREG(status.st_mode) && (uint64_t)status.st_size == file->size);
}

/* A collection that was read, and is defined as it was then, is not read again. */
static void take_finished(struct backup_run *run, const struct backup_index *before)
{
	for (size_t i = 0; i < run->index.count; i++) {
		struct backup_collection *now = &run->index.collections[i];
		const struct backup_collection *then = backup_find(before, now->name);
		if (then == NULL || before->compression != run->index.compression ||
			!bytes_equal(then->definition, now->definition) ||
			!is_there(run, &then->documents) || !is_there(run, &then->metadata))
			continue;
		now->count = then->count;
		now->octets = then->octets;
		now->digest = then->digest;
		now->documents.size = then->documents.size;
		now->documents.sha256 = then->documents.sha256;
		now->metadata.size = then->metadata.size;
		now->metadata.sha256 = then->metadata.sha256;
		run->finished[i] = true;
		run->expected[i] = (int64_t)then->octets;
	}
}

/* ---- going on: what was open */

static int take_octets(
	const struct json *object, const char *name, struct str *octets, struct err *err)
{
	const char *text;
	int result = json_need_string(object, name, TEXT_MAX, &text, err);

	return result != 0 ? result : base64_decode(bytes_of_string(text), octets, err);
}

static int take_sum(const struct json *object, struct lthash *ret_sum, struct err *err)
{
	CLEANUP_STR struct str octets = STR_INIT;
	int64_t count = 0, size = 0;
	int result = take_octets(object, "lanes", &octets, err);

	if (result == 0)
		result = json_need_integer(object, "count", 0, COUNT_MAX, &count, err);
	if (result == 0)
		result = json_need_integer(object, "octets", 0, COUNT_MAX, &size, err);
	if (result == 0 && octets.size != 2 * LTHASH_LANES)
		result = err_set(err, ERR_SYNTAX, "lanes has another length");
	if (result != 0)
		return result;
	const uint8_t *from = str_bytes(&octets).data;
	for (size_t i = 0; i < LTHASH_LANES; i++)
		ret_sum->lanes[i] = (uint16_t)(from[2 * i] | from[2 * i + 1] << 8);
	ret_sum->count = (uint64_t)count;
	ret_sum->octets = (uint64_t)size;
	return 0;
}

static int take_file(struct backup_run *run, const struct backup_collection *collection,
	const struct json *object, struct backup_open *open, struct err *err)
{
	struct sha256 sha256;
	const char *hex;
	int64_t size = 0;
	int result = json_need_integer(object, "size", 0, COUNT_MAX, &size, err);

	if (result == 0)
		result = json_need_string(object, "sha256", SHA256_HEX_SIZE, &hex, err);
	if (result == 0 && !sha256_from_hex(bytes_of_string(hex), &sha256))
		result = err_set(err, ERR_SYNTAX, "sha256 is no SHA-256");
	if (result != 0)
		return result;
	return backup_joint_reopen(run->database_dirfd, collection->documents.name, (uint64_t)size,
		&sha256, &open->joint, err);
}

static int reopen(struct backup_run *run, size_t place, const struct json *object,
	struct backup_open *open, struct err *err)
{
	CLEANUP_STR struct str octets = STR_INIT;
	struct backup_ranges ranges;
	int result = take_sum(object, &open->sum, err);

	if (result == 0)
		result = take_octets(object, "ranges", &octets, err);
	if (result == 0)
		result = backup_ranges_read(str_bytes(&octets), &ranges, err);
	if (result != 0)
		return result;
	result = take_file(run, &run->index.collections[place], object, open, err);
	if (result != 0) {
		backup_ranges_release(&ranges);
		return result;
	}
	run->ranges[place] = ranges;
	return 0;
}

static size_t place_of(const struct backup_run *run, const char *name)
{
	size_t place = 0;

	while (place < run->index.count && strcmp(run->index.collections[place].name, name) != 0)
		place++;
	return place;
}

/* One that is gone, was defined anew, or whose file is another, is read from its beginning. */
static int take_open(struct backup_run *run, const struct json *object, struct err *err)
{
	CLEANUP_STR struct str definition = STR_INIT;
	struct backup_open *open = NULL;
	const char *name;
	int result = json_need_string(object, "name", NAME_MAX_OCTETS, &name, err);

	if (result == 0)
		result = take_octets(object, "definition", &definition, err);
	if (result != 0)
		return result;
	size_t place = place_of(run, name);
	if (place == run->index.count || run->finished[place] || run->open[place] != NULL ||
		backup_is_view(&run->index.collections[place]) ||
		!bytes_equal(str_bytes(&definition), run->index.collections[place].definition))
		return 0;
	result = backup_open_new(&open, err);
	if (result == 0)
		result = reopen(run, place, object, open, err);
	if (result == 0) {
		run->open[place] = open;
		run->kept += (int64_t)open->sum.octets;
		return 0;
	}
	backup_open_free(open);
	return err->code == ERR_TRUNCATED ? 0 : result;
}

/* ---- going on */

static int take_partial(struct backup_run *run, const struct json *root, struct err *err)
{
	const struct json *finished = NULL, *list = NULL;
	struct backup_index before;
	const char *format = NULL;
	int result = json_need_string(root, "format", 64, &format, err);

	if (result == 0 && strcmp(format, partial_format) != 0)
		result = err_set(err, ERR_SYNTAX, "format %s is not known here", format);
	if (result == 0)
		result = json_need(root, "finished", JSON_OBJECT, &finished, err);
	if (result == 0)
		result = json_need(root, "open", JSON_ARRAY, &list, err);
	if (result == 0)
		result = backup_index_read(finished, &before, err);
	if (result != 0)
		return result;
	take_finished(run, &before);
	bool same = before.compression == run->index.compression;
	backup_index_release(&before);
	for (const struct json *item = json_first(list); same && result == 0 && item != NULL;
		item = json_next(item))
		result = json_type(item) == JSON_OBJECT
				 ? take_open(run, item, err)
				 : err_set(err, ERR_SYNTAX, "open has what is no object");
	return result;
}

static int load_partial(
	struct backup_run *run, const char *name, const struct sha256 *expected, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct sha256 found;
	int result = file_read_at(run->dirfd, name, BACKUP_INDEX_SIZE_MAX, &text, err);

	if (result == 0)
		result = sha256_of(str_bytes(&text), &found, err);
	if (result == 0 && !sha256_equal(&found, expected))
		result = err_set(err, ERR_TRUNCATED, "%s is not the one that was written", name);
	if (result == 0)
		result = json_parse(
			str_bytes(&text), JSON_LIMITS_OWN(BACKUP_INDEX_SIZE_MAX), &doc, err);
	return result != 0 ? result : take_partial(run, json_root(doc), err);
}

int backup_run_go_on(struct backup_run *run, struct err *err)
{
	const struct json *checkpoint = run->context->checkpoint;
	const char *name = NULL, *hex = NULL;
	struct sha256 expected;

	if (checkpoint == NULL)
		return 0;
	int result = json_need_string(checkpoint, "index", sizeof run->partial - 1, &name, err);
	if (result == 0)
		result = json_need_string(checkpoint, "indexSha256", SHA256_HEX_SIZE, &hex, err);
	if (result == 0 &&
		(!sha256_from_hex(bytes_of_string(hex), &expected) || strchr(name, '/') != NULL))
		result = err_set(err, ERR_JOURNAL, "the backup's checkpoint is malformed");
	if (result != 0)
		return err_recode(err, ERR_JOURNAL);
	result = load_partial(run, name, &expected, err);
	if (result == 0) {
		(void)strcpy(run->partial, name);
		return 0;
	}
	/* Without it, or with another one there, everything is read again: that is never wrong. */
	return err->code == ERR_NO_MEMORY || err->code == ERR_DISK ? result : 0;
}
