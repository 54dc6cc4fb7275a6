#include "archive/ring.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include "base/apart.h"

int ring_open(struct ring *ring, struct err *err)
{
	void *shared = mmap(NULL, sizeof *ring->shared, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return err_no_memory(err);
	*ring = (struct ring){.shared = shared, .patience = APART_SILENCE_MAX};
	return 0;
}

void ring_keep(struct ring *ring)
{
	(void)madvise(ring->shared, sizeof *ring->shared, MADV_DONTFORK);
}

void ring_close(struct ring *ring)
{
	if (ring->shared != NULL)
		(void)munmap(ring->shared, sizeof *ring->shared);
	ring->shared = NULL;
}

/* A full channel needs no further octet: the other side will read one. */
static void wake(_Atomic uint32_t *waits, int channel)
{
	if (atomic_exchange(waits, 0) != 0)
		(void)!send(channel, "", 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

/* False: the other side is gone. */
static bool wait_for_other(int channel)
{
	char octet;
	ssize_t got;

	do
		got = recv(channel, &octet, 1, 0);
	while (got < 0 && errno == EINTR);
	return got > 0;
}

/* ---- the child */

static bool is_full(struct ring *ring)
{
	return ring->count - atomic_load(&ring->shared->taken) >= RING_SLOTS;
}

static int wait_until_free(struct ring *ring, int channel, struct err *err)
{
	while (is_full(ring)) {
		atomic_store(&ring->shared->child_waits, 1);
		if (is_full(ring) && !wait_for_other(channel))
			return err_set(err, ERR_INTERNAL, "nobody reads what is decoded");
		atomic_store(&ring->shared->child_waits, 0);
	}
	return 0;
}

int ring_room(struct ring *ring, int channel, size_t least, uint8_t **ret_room, size_t *ret_size,
	struct err *err)
{
	if (ring->held && RING_SLOT_SIZE - ring->used < least)
		ring_publish(ring, channel);
	if (!ring->held) {
		int rc = wait_until_free(ring, channel, err);
		if (rc < 0)
			return rc;
		ring->held = true;
		ring->used = 0;
	}
	*ret_room = ring->shared->slots[ring->count % RING_SLOTS] + ring->used;
	*ret_size = RING_SLOT_SIZE - ring->used;
	return 0;
}

void ring_fill(struct ring *ring, size_t size)
{
	ring->used += (uint32_t)size;
}

void ring_publish(struct ring *ring, int channel)
{
	if (!ring->held)
		return;
	atomic_store(&ring->shared->sizes[ring->count % RING_SLOTS], ring->used);
	ring->held = false;
	ring->count++;
	atomic_store(&ring->shared->published, ring->count);
	wake(&ring->shared->parent_waits, channel);
}

/* ---- the parent */

/* Is there a slot? Fewer than were taken, or more than there are, no honest child publishes. */
static int look(struct ring *ring, bool *ret_some, struct err *err)
{
	uint64_t untrusted_published = atomic_load(&ring->shared->published);

	if (untrusted_published - ring->count > RING_SLOTS)
		return err_set(err, ERR_UNSAFE_ARCHIVE, "what decodes the archive miscounts");
	*ret_some = untrusted_published != ring->count;
	return 0;
}

static int wait_until_some(struct ring *ring, int channel, bool *ret_some, struct err *err)
{
	int64_t patience =
		ring->patience; /* for a slot, however often the child wakes us for none */
	bool alive = true;
	int rc;

	while ((rc = look(ring, ret_some, err)) == 0 && !*ret_some && alive) {
		atomic_store(&ring->shared->parent_waits, 1);
		rc = look(ring, ret_some, err);
		if (rc < 0)
			break;
		if (!*ret_some && !apart_wait(channel, &patience))
			return err_set(err, ERR_UNREADABLE,
				"what decodes the archive has come no further for %d minutes",
				ring->patience / 60000);
		/* What was published before the end is looked for once more. */
		if (!*ret_some)
			alive = wait_for_other(channel);
		atomic_store(&ring->shared->parent_waits, 0);
	}
	return rc;
}

int ring_take(
	struct ring *ring, int channel, struct bytes *ret_untrusted, bool *ret_end, struct err *err)
{
	size_t slot = ring->count % RING_SLOTS;
	bool some = false;
	int rc = wait_until_some(ring, channel, &some, err);

	if (rc < 0)
		return rc;
	*ret_end = !some;
	if (!some)
		return 0;
	uint32_t untrusted_size = atomic_load(&ring->shared->sizes[slot]);
	if (untrusted_size > RING_SLOT_SIZE)
		return err_set(
			err, ERR_UNSAFE_ARCHIVE, "what decodes the archive overfills a slot");
	ring->held = true;
	*ret_untrusted = bytes_make(ring->shared->slots[slot], untrusted_size);
	return 0;
}

void ring_give_back(struct ring *ring, int channel)
{
	if (!ring->held)
		return;
	ring->held = false;
	ring->count++;
	atomic_store(&ring->shared->taken, ring->count);
	wake(&ring->shared->child_waits, channel);
}
