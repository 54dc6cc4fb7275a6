/*
 * arena: memory that lives and dies together, for a loaded document or kit.
 *
 * Pointers stay valid until arena_release. All functions return NULL when memory is out.
 */
#ifndef OFFKIT_BASE_ARENA_H
#define OFFKIT_BASE_ARENA_H

#include <stddef.h>

#include "base/bytes.h"

struct arena_block;

struct arena {
	struct arena_block *newest;
	struct arena_taken *taken;
	struct arena_block *spare; /* kept by arena_reset */
};

#define ARENA_INIT ((struct arena){NULL, NULL, NULL})

void *arena_alloc(struct arena *arena, size_t size); /* zeroed, aligned for any type */
void *arena_array(struct arena *arena, size_t count, size_t size); /* zeroed; checks the product */
char *arena_string(struct arena *arena, const char *text);	   /* a copy */
char *arena_string_n(struct arena *arena, const void *data, size_t size); /* a copy, terminated */
char *arena_format(struct arena *arena, const char *format, ...) PRINTF_LIKE(2, 3);
struct bytes arena_bytes(struct arena *arena, struct bytes bytes); /* data NULL: memory is out */
/* What a string holds, which is empty afterwards: a large one is taken over and not copied. */
struct bytes arena_take(struct arena *arena, struct str *str);

/*
 * Forgets everything but keeps memory, at most so many octets, for an arena that is used again and
 * again: giving it back and faulting it in anew for every batch costs more than what is done in it.
 */
void arena_reset(struct arena *arena, size_t keep);
void arena_release(struct arena *arena);

#endif
