#include "steps/backup_packer.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

enum { STACK_SIZE = 512 * 1024, ROOM_KEPT = 2 * BACKUP_PIECE_OCTETS };

/* Documents, one after another. */
struct load {
	struct str octets;
	size_t count, last; /* where the last one begins */
	bool end;	    /* of the range */
};

struct backup_packer {
	struct backup_open *open;
	struct backup_range *range;
	struct lthash_stream *digest;
	struct stream_writer *stream; /* NULL: digests only */
	struct str out;		      /* what the stream made */
	struct load filling;	      /* the caller's */
	struct load packing;	      /* the thread's */
	pthread_t thread;
	bool has_thread;
	pthread_mutex_t mutex;
	pthread_cond_t changed;
	/* under the mutex */
	struct load waiting;
	bool is_waiting, stopped;
	bool failed;
	struct err err;
};

/* What one large document needed is not kept for all the small ones. */
static void empty(struct str *octets)
{
	if (octets->room > ROOM_KEPT)
		str_release(octets);
	else
		str_truncate(octets, 0);
}

/* ---- packing */

static int take_out(void *self, struct bytes data, struct err *err)
{
	struct backup_packer *packer = self;

	str_append(&packer->out, data.data, data.size);
	return str_check(&packer->out, err);
}

static size_t size_of(const char *doc)
{
	const unsigned char *octets = (const unsigned char *)doc;

	return (size_t)octets[0] | (size_t)octets[1] << 8 | (size_t)octets[2] << 16 |
	       (size_t)octets[3] << 24;
}

static int digest(
	struct backup_packer *packer, const struct load *load, struct lthash *sum, struct err *err)
{
	const char *octets = str_text(&load->octets);
	int result = 0;

	lthash_reset(sum);
	for (size_t at = 0; result == 0 && at < load->octets.size; at += size_of(octets + at))
		result = lthash_add(
			packer->digest, sum, bytes_make(octets + at, size_of(octets + at)), err);
	return result;
}

static int compress(struct backup_packer *packer, const struct load *load, struct err *err)
{
	empty(&packer->out);
	if (packer->stream == NULL || load->count == 0)
		return 0;
	int result = stream_write(packer->stream, str_bytes(&load->octets), err);
	return result != 0 ? result : stream_writer_cut(packer->stream, err);
}

/* All of it moves or nothing: a checkpoint may be made when this has failed. */
static int put(struct backup_packer *packer, const struct load *load, const struct lthash *sum,
	struct backup_range *behind, struct err *err)
{
	struct backup_open *open = packer->open;
	struct backup_range *range = packer->range;
	int result = 0;

	(void)pthread_mutex_lock(&open->mutex);
	if (open->joint != NULL)
		result = backup_joint_append(open->joint, str_bytes(&packer->out), err);
	if (result == 0) {
		const struct str before = range->last;
		range->last = behind->last;
		behind->last = before;
		range->done = load->end;
		lthash_merge(&open->sum, sum);
	}
	(void)pthread_mutex_unlock(&open->mutex);
	return result;
}

static int pack(struct backup_packer *packer, const struct load *load, struct err *err)
{
	struct bytes last =
		bytes_make(str_text(&load->octets) + load->last, load->octets.size - load->last);
	struct backup_range behind = {.last = STR_INIT};
	struct lthash sum;
	int result = digest(packer, load, &sum, err);

	if (result == 0)
		result = compress(packer, load, err);
	/* Behind the end nothing is asked for. */
	if (result == 0 && !load->end)
		result = backup_range_advance(&behind, last, err);
	if (result == 0)
		result = put(packer, load, &sum, &behind, err);
	str_release(&behind.last);
	return result;
}

/* ---- the thread */

static void swap(struct load *a, struct load *b)
{
	struct load kept = *a;

	*a = *b;
	*b = kept;
}

static bool take(struct backup_packer *packer)
{
	(void)pthread_mutex_lock(&packer->mutex);
	while (!packer->is_waiting && !packer->stopped)
		(void)pthread_cond_wait(&packer->changed, &packer->mutex);
	bool taken = packer->is_waiting;
	if (taken)
		swap(&packer->waiting, &packer->packing);
	packer->is_waiting = false;
	(void)pthread_cond_broadcast(&packer->changed);
	(void)pthread_mutex_unlock(&packer->mutex);
	return taken;
}

static void *work(void *argument)
{
	struct backup_packer *packer = argument;
	struct err err;

	while (take(packer)) {
		if (pack(packer, &packer->packing, &err) == 0) {
			empty(&packer->packing.octets);
			continue;
		}
		(void)pthread_mutex_lock(&packer->mutex);
		packer->failed = true;
		packer->err = err;
		packer->stopped = true;
		packer->is_waiting = false;
		(void)pthread_cond_broadcast(&packer->changed);
		(void)pthread_mutex_unlock(&packer->mutex);
		break;
	}
	return NULL;
}

static int begin_thread(struct backup_packer *packer, struct err *err)
{
	pthread_attr_t attributes;

	if (packer->has_thread)
		return 0;
	if (pthread_attr_init(&attributes) != 0)
		return err_no_memory(err);
	(void)pthread_attr_setstacksize(&attributes, STACK_SIZE);
	int failure = pthread_create(&packer->thread, &attributes, work, packer);
	(void)pthread_attr_destroy(&attributes);
	if (failure != 0)
		return err_set_errno(err, ERR_NO_MEMORY, failure, "no thread can be started");
	packer->has_thread = true;
	return 0;
}

/* ---- the caller */

int backup_packer_new(enum compression compression, struct backup_range *range,
	struct backup_open *open, struct backup_packer **ret_packer, struct err *err)
{
	struct backup_packer *packer = calloc(1, sizeof *packer);
	struct stream_sink sink = {.self = packer, .write = take_out};

	if (packer == NULL)
		return err_no_memory(err);
	packer->open = open;
	packer->range = range;
	(void)pthread_mutex_init(&packer->mutex, NULL);
	(void)pthread_cond_init(&packer->changed, NULL);
	int result = lthash_stream_new(&packer->digest, err);
	if (result == 0 && open->joint != NULL)
		result = stream_writer_new(compression, sink, &packer->stream, err);
	if (result != 0) {
		backup_packer_free(packer);
		return result;
	}
	*ret_packer = packer;
	return 0;
}

/* Waits until the thread has taken the one before. */
static int submit(struct backup_packer *packer, struct err *err)
{
	int result = begin_thread(packer, err);

	if (result != 0)
		return result;
	(void)pthread_mutex_lock(&packer->mutex);
	while (packer->is_waiting && !packer->failed)
		(void)pthread_cond_wait(&packer->changed, &packer->mutex);
	if (packer->failed) {
		*err = packer->err;
		result = -(int)err->code;
	} else {
		swap(&packer->filling, &packer->waiting);
		packer->is_waiting = true;
		(void)pthread_cond_broadcast(&packer->changed);
	}
	(void)pthread_mutex_unlock(&packer->mutex);
	empty(&packer->filling.octets);
	packer->filling.count = packer->filling.last = 0;
	return result;
}

int backup_packer_add(
	struct backup_packer *packer, struct bytes doc, size_t *ret_piece, struct err *err)
{
	struct load *load = &packer->filling;

	*ret_piece = 0;
	load->last = load->octets.size;
	str_append(&load->octets, doc.data, doc.size);
	load->count++;
	int result = str_check(&load->octets, err);
	if (result != 0 || load->octets.size < BACKUP_PIECE_OCTETS)
		return result;
	*ret_piece = load->count;
	return submit(packer, err);
}

static void join(struct backup_packer *packer)
{
	if (!packer->has_thread)
		return;
	(void)pthread_mutex_lock(&packer->mutex);
	packer->stopped = true;
	(void)pthread_cond_broadcast(&packer->changed);
	(void)pthread_mutex_unlock(&packer->mutex);
	(void)pthread_join(packer->thread, NULL);
	packer->has_thread = false;
}

int backup_packer_end(struct backup_packer *packer, struct err *err)
{
	packer->filling.end = true;
	if (!packer->has_thread)
		return pack(packer, &packer->filling, err);
	int result = submit(packer, err);
	join(packer);
	if (result != 0 || !packer->failed)
		return result;
	*err = packer->err;
	return -(int)err->code;
}

void backup_packer_free(struct backup_packer *packer)
{
	if (packer == NULL)
		return;
	join(packer);
	lthash_stream_free(packer->digest);
	stream_writer_free(packer->stream);
	str_release(&packer->out);
	str_release(&packer->filling.octets);
	str_release(&packer->waiting.octets);
	str_release(&packer->packing.octets);
	(void)pthread_cond_destroy(&packer->changed);
	(void)pthread_mutex_destroy(&packer->mutex);
	free(packer);
}

void backup_packer_cleanup(struct backup_packer **packer)
{
	backup_packer_free(*packer);
}
