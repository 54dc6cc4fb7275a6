#include "steps/object_verify.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "steps/crew.h"
#include "steps/object_store.h"
#include "text/text.h"

enum { POINTERS_A_READ = 1000, WORKERS_MAX = 32 };

static const struct {
	const char *name;
	bool wrong;
} faults[OBJECT_FAULTS] = {
	[OBJECT_FAULT_DAMAGED] = {"damaged", true},
	[OBJECT_FAULT_TRUNCATED] = {"truncated", true},
	[OBJECT_FAULT_UNREADABLE] = {"unreadable", true},
	[OBJECT_FAULT_MISPLACED] = {"misplaced", true},
	[OBJECT_FAULT_FOREIGN] = {"foreign", true},
	[OBJECT_FAULT_MISSING] = {"missing", true},
	[OBJECT_FAULT_POINTER] = {"pointer", true},
	[OBJECT_FAULT_LEFTOVER] = {"leftover", false},
	[OBJECT_FAULT_UNNEEDED] = {"unneeded", false},
};

const char *object_fault_name(enum object_fault fault)
{
	return faults[fault].name;
}

bool object_fault_is_wrong(enum object_fault fault)
{
	return faults[fault].wrong;
}

/* What lies under a digest. */
struct item {
	struct sha256 digest;
	int64_t size;
	enum { ITEM_GOOD, ITEM_BAD, ITEM_UNREADABLE, ITEM_GONE } state;
	char *text; /* of one that is not good */
};

struct wanted {
	struct sha256 digest;
	int64_t size;
	bool there;
};

struct work {
	const struct object_verify *verify;
	struct arena *arena;
	struct item *items;
	size_t item_count, item_room;
	struct wanted *wanted;
	size_t wanted_count, wanted_room;
	int64_t total; /* octets */
	struct object_verified verified;
	size_t finding_room;
};

static void work_release(struct work *work)
{
	for (size_t i = 0; i < work->item_count; i++)
		free(work->items[i].text);
	free(work->items);
	free(work->wanted);
	free(work->verified.findings);
}

/* Room for one more of count; NULL: there is none, and list is as it was. */
static void *grow(void *list, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return list;
	void *grown = reallocarray(list, 2 * *room + 64, size);
	if (grown != NULL)
		*room = 2 * *room + 64;
	return grown;
}

static int find_fault(struct work *work, enum object_fault fault, const char *key, const char *text,
	struct err *err)
{
	struct object_verified *verified = &work->verified;
	struct object_finding *findings = grow(
		verified->findings, verified->finding_count, &work->finding_room, sizeof *findings);
	const char *kept = arena_string(work->arena, key);
	const char *said = arena_string(work->arena, text);

	if (findings != NULL)
		verified->findings = findings;
	if (findings == NULL || kept == NULL || said == NULL)
		return err_no_memory(err);
	findings[verified->finding_count++] =
		(struct object_finding){.fault = fault, .key = kept, .text = said};
	verified->counts[fault]++;
	verified->wrong += faults[fault].wrong;
	return 0;
}

/* ---- what there is */

static int keep_item(struct work *work, const struct sha256 *digest, int64_t size, struct err *err)
{
	struct item *items = grow(work->items, work->item_count, &work->item_room, sizeof *items);

	if (items == NULL)
		return err_no_memory(err);
	work->items = items;
	items[work->item_count++] = (struct item){.digest = *digest, .size = size};
	work->total += size;
	return 0;
}

static int visit(void *self, const struct object_entry *entry, struct err *err)
{
	struct work *work = self;
	const struct object_verify *verify = work->verify;
	struct sha256 digest;

	if (verify->stop_requested != NULL && verify->stop_requested(verify->self))
		return err_set(err, ERR_STOPPED, "as you asked");
	if (!entry->is_octets)
		return find_fault(work, OBJECT_FAULT_FOREIGN, entry->key, "no file", err);
	switch (object_name_of(entry->key, &digest)) {
	case OBJECT_NAME_OBJECT:
		return keep_item(work, &digest, entry->size, err);
	case OBJECT_NAME_MISPLACED:
		return find_fault(work, OBJECT_FAULT_MISPLACED, entry->key,
			"an object of that name is not looked for there", err);
	case OBJECT_NAME_LEFTOVER:
		return find_fault(work, OBJECT_FAULT_LEFTOVER, entry->key,
			"of a put that was interrupted, or is at work", err);
	case OBJECT_NAME_FOREIGN:
		break;
	}
	return find_fault(work, OBJECT_FAULT_FOREIGN, entry->key, "no object's name", err);
}

/* ---- what there shall be */

static int by_digest(const void *a, const void *b)
{
	/* Either begins with its digest. */
	return memcmp(a, b, SHA256_SIZE);
}

static int keep_pointer(struct work *work, struct bytes doc, struct err *err)
{
	CLEANUP_STR struct str name = STR_INIT;
	struct value id = doc_get(doc, "_id");
	struct object_pointer pointer;
	char key[OBJECT_KEY_SIZE];
	struct err wrong;

	work->verified.pointers++;
	value_to_text(&id, &name);
	int rc = str_check(&name, err);
	if (rc < 0)
		return rc;
	if (object_pointer_read(doc, &pointer, &wrong) < 0)
		return find_fault(work, OBJECT_FAULT_POINTER, str_text(&name),
			"it has no sha256 or size", err);
	const char *said = doc_get_string(doc, "key");
	object_key(&pointer.digest, key);
	if (said == NULL || strcmp(said, key) != 0)
		rc = find_fault(work, OBJECT_FAULT_POINTER, str_text(&name),
			"its key is not its sha256's", err);
	struct wanted *wanted =
		grow(work->wanted, work->wanted_count, &work->wanted_room, sizeof *wanted);
	if (rc == 0 && wanted == NULL)
		rc = err_no_memory(err);
	if (rc < 0)
		return rc;
	work->wanted = wanted;
	wanted[work->wanted_count++] =
		(struct wanted){.digest = pointer.digest, .size = pointer.size};
	return 0;
}

static int read_pointers(struct work *work, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	const struct object_verify *verify = work->verify;
	const struct mongo_find find = {
		.collection = verify->pointers,
		.batch_size = POINTERS_A_READ,
		.no_timeout = true,
	};
	struct bytes doc;
	int more = 0;
	int rc = mongo_find(verify->mongo, &find, &cursor, err);

	while (rc == 0 && (more = mongo_cursor_next(cursor, &doc, err)) > 0) {
		if (verify->stop_requested != NULL && verify->stop_requested(verify->self))
			return err_set(err, ERR_STOPPED, "as you asked");
		rc = keep_pointer(work, doc, err);
	}
	if (rc < 0 || more < 0)
		return rc < 0 ? rc : more;
	if (work->wanted_count > 1)
		qsort(work->wanted, work->wanted_count, sizeof *work->wanted, by_digest);
	return 0;
}

/* The pointers to a digest; NULL: there is none. */
static struct wanted *find_wanted(
	const struct work *work, const struct sha256 *digest, size_t *ret_count)
{
	struct wanted *found = work->wanted_count == 0
				       ? NULL
				       : bsearch(digest, work->wanted, work->wanted_count,
						 sizeof *work->wanted, by_digest);
	size_t count = 1;

	if (found == NULL)
		return NULL;
	while (found > work->wanted && by_digest(found - 1, digest) == 0)
		found--;
	while (found + count < work->wanted + work->wanted_count &&
		by_digest(found + count, digest) == 0)
		count++;
	*ret_count = count;
	return found;
}

/* ---- hashing */

struct hashing {
	struct sha256_stream *hash;
	struct crew_tally *tally;
	int64_t size;
};

static int take(void *self, struct bytes piece, struct err *err)
{
	struct hashing *hashing = self;
	int rc = crew_cancelled(hashing->tally, err);

	hashing->size += (int64_t)piece.size;
	atomic_fetch_add(&hashing->tally->octets, (int64_t)piece.size);
	return rc < 0 ? rc : sha256_stream_update(hashing->hash, piece, err);
}

static void restart(void *self)
{
	struct hashing *hashing = self;

	atomic_fetch_sub(&hashing->tally->octets, hashing->size);
	hashing->size = 0;
	sha256_stream_restart(hashing->hash);
}

static int judge(struct item *item, const struct sha256 *found, int64_t size, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	char hex[SHA256_HEX_SIZE];

	item->size = size;
	if (sha256_equal(found, &item->digest))
		return 0;
	sha256_to_hex(found, hex);
	text_plural(&text, size, "octet", "octets");
	str_append_format(&text, " with the SHA-256 %s", hex);
	int rc = str_check(&text, err);
	item->text = rc < 0 ? NULL : strdup(str_text(&text));
	item->state = ITEM_BAD;
	return rc < 0 || item->text != NULL ? rc : err_no_memory(err);
}

static int hash_item(
	void *self, size_t i, struct mongo *mongo, struct crew_tally *tally, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *hash = NULL;
	const struct work *work = self;
	struct item *item = &work->items[i];
	struct hashing hashing = {.tally = tally};
	struct sha256 found;
	struct err why;
	int rc = crew_cancelled(tally, err);

	(void)mongo;
	if (rc == 0)
		rc = sha256_stream_new(&hash, err);
	if (rc < 0)
		return rc;
	hashing.hash = hash;
	const struct object_sink sink = {.self = &hashing, .take = take, .restart = restart};
	rc = object_store_get(work->verify->store, &item->digest, &sink, &why);
	if (rc == -ERR_UNREADABLE) {
		item->state = ITEM_UNREADABLE;
		item->text = strdup(why.message);
		return item->text == NULL ? err_no_memory(err) : 0;
	}
	if (rc == -ERR_NOT_FOUND) {
		item->state = ITEM_GONE;
		return 0;
	}
	if (rc < 0) {
		*err = why;
		return rc;
	}
	rc = sha256_stream_finish(hash, &found, err);
	return rc < 0 ? rc : judge(item, &found, hashing.size, err);
}

static void tell(void *self, const struct crew_tally *tally)
{
	const struct work *work = self;

	if (work->verify->tell != NULL)
		work->verify->tell(work->verify->self, atomic_load(&tally->octets), work->total);
}

static bool stop_requested(void *self)
{
	const struct work *work = self;

	return work->verify->stop_requested != NULL &&
	       work->verify->stop_requested(work->verify->self);
}

static int hash_all(struct work *work, struct err *err)
{
	const struct crew crew = {
		.self = work,
		.workers = crew_workers(work->verify->workers, WORKERS_MAX),
		.work = hash_item,
		.tell = tell,
		.stop_requested = stop_requested,
	};
	return crew_run(&crew, work->item_count, err);
}

/* ---- what it comes to */

static int say_other_size(
	struct work *work, const struct item *item, const struct wanted *wanted, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	char key[OBJECT_KEY_SIZE], count[TEXT_COUNT_SIZE];
	bool cut = item->state == ITEM_BAD && item->size < wanted->size;

	object_key(&item->digest, key);
	text_plural(&text, item->size, "octet", "octets");
	str_append_format(&text, "%s %s", cut ? " of" : ", and a pointer says",
		text_count(wanted->size, count));
	int rc = str_check(&text, err);
	return rc < 0 ? rc
		      : find_fault(work, cut ? OBJECT_FAULT_TRUNCATED : OBJECT_FAULT_POINTER, key,
				str_text(&text), err);
}

static int sum_up_item(struct work *work, const struct item *item, struct err *err)
{
	char key[OBJECT_KEY_SIZE];
	size_t count = 0;
	struct wanted *wanted = find_wanted(work, &item->digest, &count);
	const struct wanted *other = NULL;
	int rc = 0;

	/* Gone meanwhile: missing if a pointer leads to it. */
	if (item->state == ITEM_GONE)
		return 0;
	object_key(&item->digest, key);
	for (size_t i = 0; i < count; i++) {
		wanted[i].there = true;
		if (wanted[i].size != item->size)
			other = &wanted[i];
	}
	work->verified.objects += item->state == ITEM_GOOD;
	work->verified.octets += item->state == ITEM_GOOD ? item->size : 0;
	if (item->state == ITEM_UNREADABLE)
		rc = find_fault(work, OBJECT_FAULT_UNREADABLE, key, item->text, err);
	else if (other != NULL && (item->state == ITEM_GOOD || item->size < other->size))
		rc = say_other_size(work, item, other, err);
	else if (item->state == ITEM_BAD)
		rc = find_fault(work, OBJECT_FAULT_DAMAGED, key, item->text, err);
	if (rc == 0 && wanted == NULL && work->verified.pointers >= 0)
		rc = find_fault(work, OBJECT_FAULT_UNNEEDED, key, "no pointer leads to it", err);
	return rc;
}

static int by_key(const void *a, const void *b)
{
	const struct object_finding *one = a, *other = b;
	bool first = one->fault == OBJECT_FAULT_POINTER,
	     second = other->fault == OBJECT_FAULT_POINTER;

	return first != second ? first - second : strcmp(one->key, other->key);
}

static int sum_up(struct work *work, struct err *err)
{
	struct object_verified *verified = &work->verified;
	char key[OBJECT_KEY_SIZE];
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < work->item_count; i++)
		rc = sum_up_item(work, &work->items[i], err);
	for (size_t i = 0; rc == 0 && i < work->wanted_count; i++) {
		const struct wanted *wanted = &work->wanted[i];
		if (wanted->there || (i > 0 && by_digest(wanted, wanted - 1) == 0))
			continue;
		object_key(&wanted->digest, key);
		rc = find_fault(work, OBJECT_FAULT_MISSING, key, "a pointer leads to it", err);
	}
	if (rc == 0 && verified->finding_count > 1)
		qsort(verified->findings, verified->finding_count, sizeof *verified->findings,
			by_key);
	return rc;
}

int object_verify_run(const struct object_verify *verify, struct arena *arena,
	struct object_verified *ret_verified, struct err *err)
{
	CLEANUP(work_release)
	struct work work = {.verify = verify, .arena = arena, .verified.pointers = -1};
	int rc = 0;

	/* Pointers first: what a run writes meanwhile has its object before its pointer. */
	if (verify->mongo != NULL) {
		work.verified.pointers = 0;
		rc = read_pointers(&work, err);
	}
	if (rc == 0)
		rc = object_store_each(verify->store, visit, &work, err);
	if (rc == 0 && !verify->names_only)
		rc = hash_all(&work, err);
	if (rc == 0)
		rc = sum_up(&work, err);
	if (rc < 0)
		return rc;
	*ret_verified = work.verified;
	struct object_finding *findings =
		arena_array(arena, work.verified.finding_count + 1, sizeof *findings);
	if (findings == NULL)
		return err_no_memory(err);
	if (work.verified.finding_count > 0)
		memcpy(findings, work.verified.findings,
			work.verified.finding_count * sizeof *findings);
	ret_verified->findings = findings;
	return 0;
}
