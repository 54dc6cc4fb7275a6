#include "archive/chunker.h"

enum {
	WINDOW = 64, /* octets that the hash remembers: each doubling drops one bit */
	RARE_BITS = 16,
	FREQUENT_BITS = 12,
};

void chunker_init(struct chunker *chunker)
{
	uint64_t state = 0;

	for (size_t i = 0; i < 256; i++) {
		state += 0x9e3779b97f4a7c15;
		uint64_t mixed = (state ^ state >> 30) * 0xbf58476d1ce4e5b9;
		mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
		chunker->gear[i] = mixed ^ mixed >> 31;
	}
	chunker_restart(chunker);
}

void chunker_restart(struct chunker *chunker)
{
	chunker->hash = 0;
	chunker->size = 0;
}

/* The octets up to the chunk's size of limit, or to where the upper bits of the hash are 0. */
static bool look(struct chunker *chunker, struct bytes octets, size_t *at, size_t limit, int bits)
{
	const uint64_t *gear = chunker->gear;
	uint64_t hash = chunker->hash;
	size_t i = *at;
	size_t end =
		limit - chunker->size < octets.size - i ? i + (limit - chunker->size) : octets.size;
	bool found = false;

	while (i < end && !found) {
		hash = (hash << 1) + gear[octets.data[i++]];
		found = hash >> (64 - bits) == 0;
	}
	chunker->hash = hash;
	chunker->size += i - *at;
	*at = i;
	return found;
}

size_t chunker_take(struct chunker *chunker, struct bytes octets, bool *ret_end)
{
	static const struct {
		size_t limit;
		int bits;
	} stretches[] = {{CHUNK_AVERAGE, RARE_BITS}, {CHUNK_MAX, FREQUENT_BITS}};
	size_t at = 0;
	bool found = false;

	if (chunker->size < CHUNK_MIN - WINDOW) {
		size_t skipped = CHUNK_MIN - WINDOW - chunker->size;
		at = skipped < octets.size ? skipped : octets.size;
		chunker->size += at;
	}
	/* The window fills up; no chunk ends here. */
	while (chunker->size < CHUNK_MIN && at < octets.size) {
		chunker->hash = (chunker->hash << 1) + chunker->gear[octets.data[at++]];
		chunker->size++;
	}
	for (size_t i = 0; i < 2 && !found; i++)
		if (chunker->size < stretches[i].limit && chunker->size >= CHUNK_MIN)
			found = look(chunker, octets, &at, stretches[i].limit, stretches[i].bits);
	*ret_end = found || chunker->size == CHUNK_MAX;
	if (*ret_end)
		chunker_restart(chunker);
	return at;
}
