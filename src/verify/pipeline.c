#include "verify/pipeline.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM_LEAST = 4096 /* octets for which a file is begun in a slot that has others */ };

/* A part of one file, the whole of it if it is small. */
struct part {
	const struct manifest_file *file;
	bool first, last;
	size_t offset, size; /* in the slot's data */
};

struct slot {
	size_t part_count, used;
	struct part parts[PIPELINE_SLOT_FILES];
	uint8_t data[PIPELINE_SLOT_SIZE];
};

struct consumer {
	struct pipeline *pipeline;
	int (*take)(struct pipeline *pipeline, const struct part *part, struct bytes data,
		struct err *err);
	pthread_t thread;
	bool running;
	uint64_t taken;	    /* slots, guarded by the lock */
	bool failed;	    /* guarded by the lock */
	uint64_t failed_at; /* number of the part, counted by full slots */
	struct err failure;
};

enum { HASHER, WRITER, CONSUMERS };

struct pipeline {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint64_t made; /* slots, guarded by the lock */
	bool closed;   /* guarded by the lock */
	struct consumer consumers[CONSUMERS];
	struct sha256_stream *digest;
	struct pipeline_sink sink;
	struct slot *current; /* being filled by the caller */
	struct slot slots[PIPELINE_SLOTS];
};

static int hash(
	struct pipeline *pipeline, const struct part *part, struct bytes data, struct err *err)
{
	struct sha256 found;

	int rc = sha256_stream_update(pipeline->digest, data, err);
	if (rc < 0 || !part->last)
		return rc;
	rc = sha256_stream_finish(pipeline->digest, &found, err);
	if (rc < 0)
		return rc;
	if (!sha256_equal(&found, &part->file->digest))
		return err_set(err, ERR_CHECKSUM,
			"%s: its content does not have the signed SHA-256", part->file->name);
	return 0;
}

static int sink(
	struct pipeline *pipeline, const struct part *part, struct bytes data, struct err *err)
{
	const struct pipeline_sink *to = &pipeline->sink;
	int rc = part->first ? to->open(to->self, part->file, err) : 0;

	if (rc == 0 && data.size > 0)
		rc = to->write(to->self, data, err);
	if (rc == 0 && part->last)
		rc = to->close(to->self, err);
	return rc;
}

static int take_slot(
	struct consumer *consumer, const struct slot *slot, size_t *ret_failed, struct err *err)
{
	for (size_t i = 0; i < slot->part_count; i++) {
		const struct part *part = &slot->parts[i];
		int rc = consumer->take(consumer->pipeline, part,
			bytes_make(slot->data + part->offset, part->size), err);
		if (rc < 0) {
			*ret_failed = i;
			return rc;
		}
	}
	return 0;
}

/* After its failure a consumer takes slots without looking, so that nobody waits for it. */
static void *consume(void *argument)
{
	struct consumer *consumer = argument;
	struct pipeline *pipeline = consumer->pipeline;

	(void)pthread_mutex_lock(&pipeline->lock);
	for (;;) {
		while (consumer->taken == pipeline->made && !pipeline->closed)
			(void)pthread_cond_wait(&pipeline->changed, &pipeline->lock);
		if (consumer->taken == pipeline->made)
			break;
		const struct slot *slot = &pipeline->slots[consumer->taken % PIPELINE_SLOTS];
		if (!consumer->failed) {
			size_t part = 0;
			(void)pthread_mutex_unlock(&pipeline->lock);
			int rc = take_slot(consumer, slot, &part, &consumer->failure);
			(void)pthread_mutex_lock(&pipeline->lock);
			consumer->failed = rc < 0;
			consumer->failed_at = consumer->taken * PIPELINE_SLOT_FILES + part;
		}
		consumer->taken++;
		(void)pthread_cond_broadcast(&pipeline->changed);
	}
	(void)pthread_mutex_unlock(&pipeline->lock);
	return NULL;
}

/* Signals are the program's, not a helper thread's. */
static int start_thread(struct consumer *consumer, struct err *err)
{
	sigset_t all, before;

	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int errnum = pthread_create(&consumer->thread, NULL, consume, consumer);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (errnum != 0)
		return err_set_errno(err, ERR_NO_MEMORY, errnum, "starting a thread");
	consumer->running = true;
	return 0;
}

int pipeline_start(const struct pipeline_sink *to, struct pipeline **ret_pipeline, struct err *err)
{
	struct err ignored;
	struct pipeline *pipeline = calloc(1, sizeof *pipeline);

	if (pipeline == NULL)
		return err_no_memory(err);
	(void)pthread_mutex_init(&pipeline->lock, NULL);
	(void)pthread_cond_init(&pipeline->changed, NULL);
	pipeline->consumers[HASHER].take = hash;
	pipeline->consumers[WRITER].take = sink;
	int rc = sha256_stream_new(&pipeline->digest, err);
	for (size_t i = 0; i < CONSUMERS && rc == 0; i++) {
		pipeline->consumers[i].pipeline = pipeline;
		if (i != WRITER || to != NULL)
			rc = start_thread(&pipeline->consumers[i], err);
	}
	if (rc < 0) {
		(void)!pipeline_finish(pipeline, &ignored);
		return rc;
	}
	if (to != NULL)
		pipeline->sink = *to;
	*ret_pipeline = pipeline;
	return 0;
}

/* With the lock held. */
static bool is_full(const struct pipeline *pipeline)
{
	for (size_t i = 0; i < CONSUMERS; i++) {
		const struct consumer *consumer = &pipeline->consumers[i];
		if (consumer->running && pipeline->made - consumer->taken == PIPELINE_SLOTS)
			return true;
	}
	return false;
}

static const struct consumer *failed_consumer(const struct pipeline *pipeline)
{
	const struct consumer *first = NULL;

	for (size_t i = 0; i < CONSUMERS; i++) {
		const struct consumer *consumer = &pipeline->consumers[i];
		if (consumer->failed && (first == NULL || consumer->failed_at < first->failed_at))
			first = consumer;
	}
	return first;
}

static int acquire(struct pipeline *pipeline, struct err *err)
{
	const struct consumer *failed;

	(void)pthread_mutex_lock(&pipeline->lock);
	while (is_full(pipeline))
		(void)pthread_cond_wait(&pipeline->changed, &pipeline->lock);
	failed = failed_consumer(pipeline);
	if (failed != NULL)
		*err = failed->failure;
	struct slot *slot = &pipeline->slots[pipeline->made % PIPELINE_SLOTS];
	(void)pthread_mutex_unlock(&pipeline->lock);
	if (failed != NULL)
		return -(int)err->code;
	slot->part_count = 0;
	slot->used = 0;
	pipeline->current = slot;
	return 0;
}

static void publish(struct pipeline *pipeline)
{
	pipeline->current = NULL;
	(void)pthread_mutex_lock(&pipeline->lock);
	pipeline->made++;
	(void)pthread_cond_broadcast(&pipeline->changed);
	(void)pthread_mutex_unlock(&pipeline->lock);
}

static int begin_part(
	struct pipeline *pipeline, const struct manifest_file *file, bool first, struct err *err)
{
	struct slot *slot = pipeline->current;

	if (slot != NULL && (slot->part_count == PIPELINE_SLOT_FILES ||
				    PIPELINE_SLOT_SIZE - slot->used < ROOM_LEAST))
		publish(pipeline);
	if (pipeline->current == NULL) {
		int rc = acquire(pipeline, err);
		if (rc < 0)
			return rc;
	}
	slot = pipeline->current;
	slot->parts[slot->part_count++] =
		(struct part){.file = file, .first = first, .offset = slot->used};
	return 0;
}

int pipeline_begin_file(
	struct pipeline *pipeline, const struct manifest_file *file, struct err *err)
{
	return begin_part(pipeline, file, true, err);
}

static struct part *last_part(struct pipeline *pipeline)
{
	return &pipeline->current->parts[pipeline->current->part_count - 1];
}

int pipeline_room(struct pipeline *pipeline, uint8_t **ret_into, size_t *ret_room, struct err *err)
{
	if (pipeline->current == NULL || last_part(pipeline)->last)
		return err_set(err, ERR_INTERNAL, "no file is open");
	if (pipeline->current->used == PIPELINE_SLOT_SIZE) {
		int rc = begin_part(pipeline, last_part(pipeline)->file, false, err);
		if (rc < 0)
			return rc;
	}
	*ret_into = pipeline->current->data + pipeline->current->used;
	*ret_room = PIPELINE_SLOT_SIZE - pipeline->current->used;
	return 0;
}

void pipeline_filled(struct pipeline *pipeline, size_t size)
{
	pipeline->current->used += size;
	last_part(pipeline)->size += size;
}

int pipeline_end_file(struct pipeline *pipeline, struct err *err)
{
	if (pipeline->current == NULL || last_part(pipeline)->last)
		return err_set(err, ERR_INTERNAL, "no file is open");
	last_part(pipeline)->last = true;
	return 0;
}

int pipeline_finish(struct pipeline *pipeline, struct err *err)
{
	int rc = 0;

	if (pipeline->current != NULL)
		publish(pipeline);
	(void)pthread_mutex_lock(&pipeline->lock);
	pipeline->closed = true;
	(void)pthread_cond_broadcast(&pipeline->changed);
	(void)pthread_mutex_unlock(&pipeline->lock);
	for (size_t i = 0; i < CONSUMERS; i++)
		if (pipeline->consumers[i].running)
			(void)pthread_join(pipeline->consumers[i].thread, NULL);
	const struct consumer *failed = failed_consumer(pipeline);
	if (failed != NULL) {
		*err = failed->failure;
		rc = -(int)err->code;
	}
	sha256_stream_free(pipeline->digest);
	(void)pthread_cond_destroy(&pipeline->changed);
	(void)pthread_mutex_destroy(&pipeline->lock);
	free(pipeline);
	return rc;
}
