/*
 * ring: octets from a process apart (base/apart.h) to its parent, in slots of shared memory.
 *
 * The child fills a slot and publishes it, the parent takes it and gives it back; who has to wait
 * does so on the channel, where an empty octet wakes it. The child may write into any slot at any
 * time, and any numbers: the parent counts by its own, checks the one size that it is told once,
 * and whoever reads a slot copies before he looks.
 *
 * ERR_NO_MEMORY; ERR_UNSAFE_ARCHIVE: the other side broke these rules; ERR_UNREADABLE: it has come
 * no further for too long.
 */
#ifndef OFFKIT_ARCHIVE_RING_H
#define OFFKIT_ARCHIVE_RING_H

#include <stdatomic.h>
#include <stdbool.h>

#include "base/bytes.h"

enum { RING_SLOTS = 8, RING_SLOT_SIZE = 256 * 1024 };

/* What both processes map. */
struct ring_shared {
	_Alignas(64) _Atomic uint64_t published; /* slots in all; the child's */
	_Atomic uint32_t parent_waits;
	_Alignas(64) _Atomic uint64_t taken; /* slots in all; the parent's */
	_Atomic uint32_t child_waits;
	_Alignas(64) _Atomic uint32_t sizes[RING_SLOTS]; /* octets in use of each slot */
	_Alignas(4096) uint8_t slots[RING_SLOTS][RING_SLOT_SIZE];
};

struct ring {
	struct ring_shared *shared;
	uint64_t count; /* slots that this side is through with */
	uint32_t used;	/* of the child's slot, octets */
	bool held;	/* this side has a slot */
	int patience;	/* ms that the parent waits for a slot */
};

/* Before the fork. */
MUST_CHECK int ring_open(struct ring *ring, struct err *err);
void ring_close(struct ring *ring);

/* After the fork, by the parent: no other child shall have it. */
void ring_keep(struct ring *ring);

/* ---- for the child; channel is its own */

/*
 * Room for at least so many octets (at most RING_SLOT_SIZE) in one slot, the current one or the
 * next; waits for it. ERR_INTERNAL when the parent is gone.
 */
MUST_CHECK int ring_room(struct ring *ring, int channel, size_t least, uint8_t **ret_room,
	size_t *ret_size, struct err *err);
void ring_fill(struct ring *ring, size_t size); /* octets of the room are in use now */
void ring_publish(struct ring *ring, int channel);

/* ---- for the parent; channel is its own */

/* The next slot, until ring_give_back. ret_end: the child has ended and published nothing more. */
MUST_CHECK int ring_take(struct ring *ring, int channel, struct bytes *ret_untrusted, bool *ret_end,
	struct err *err);
void ring_give_back(struct ring *ring, int channel);

#endif
