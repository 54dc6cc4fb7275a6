#include "base/arena.h"

#include <stdarg.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BLOCK_SIZE = 16 * 1024, TAKEN_LEAST = 32 * 1024 };

struct arena_block {
	struct arena_block *older;
	size_t size;
	size_t used;
	alignas(max_align_t) unsigned char data[];
};

/* Memory of a string's, which stands in a block of the arena as an entry of a list. */
struct arena_taken {
	struct arena_taken *before;
	char *text;
};

static struct arena_block *add_block(struct arena *arena, size_t least)
{
	size_t size = least > BLOCK_SIZE ? least : BLOCK_SIZE;
	struct arena_block *block = size == BLOCK_SIZE ? arena->spare : NULL;

	if (size > SIZE_MAX - sizeof *block)
		return NULL;
	if (block != NULL)
		arena->spare = block->older;
	else
		block = malloc(sizeof *block + size);
	if (block == NULL)
		return NULL;
	block->older = arena->newest;
	block->size = size;
	block->used = 0;
	arena->newest = block;
	return block;
}

static void *alloc_unset(struct arena *arena, size_t size)
{
	const size_t align = alignof(max_align_t);

	if (size > SIZE_MAX - align)
		return NULL;
	size = size == 0 ? align : (size + align - 1) / align * align;
	struct arena_block *block = arena->newest;
	if (block == NULL || block->size - block->used < size)
		block = add_block(arena, size);
	if (block == NULL)
		return NULL;
	void *result = block->data + block->used;
	block->used += size;
	return result;
}

void *arena_alloc(struct arena *arena, size_t size)
{
	void *result = alloc_unset(arena, size);

	return result == NULL ? NULL : memset(result, 0, size);
}

void *arena_array(struct arena *arena, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total))
		return NULL;
	return arena_alloc(arena, total);
}

char *arena_string_n(struct arena *arena, const void *data, size_t size)
{
	if (size == SIZE_MAX)
		return NULL;
	char *copy = alloc_unset(arena, size + 1);
	if (copy == NULL)
		return NULL;
	bytes_copy(copy, data, size);
	copy[size] = '\0';
	return copy;
}

char *arena_string(struct arena *arena, const char *text)
{
	return arena_string_n(arena, text, strlen(text));
}

char *arena_format(struct arena *arena, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	int size = vsnprintf(NULL, 0, format, args);
	va_end(args);
	if (size < 0)
		return NULL;
	char *text = arena_alloc(arena, (size_t)size + 1);
	if (text == NULL)
		return NULL;
	va_start(args, format);
	(void)vsnprintf(text, (size_t)size + 1, format, args);
	va_end(args);
	return text;
}

struct bytes arena_bytes(struct arena *arena, struct bytes bytes)
{
	return bytes_make(arena_string_n(arena, bytes.data, bytes.size), bytes.size);
}

struct bytes arena_take(struct arena *arena, struct str *str)
{
	struct bytes bytes = str_bytes(str);

	if (bytes.size < TAKEN_LEAST || str->failed) {
		bytes = str->failed ? bytes_make(NULL, 0) : arena_bytes(arena, bytes);
		str_truncate(str, 0);
		return bytes;
	}
	struct arena_taken *taken = alloc_unset(arena, sizeof *taken);
	if (taken == NULL)
		return bytes_make(NULL, 0);
	*taken = (struct arena_taken){.before = arena->taken, .text = str->text};
	arena->taken = taken;
	*str = STR_INIT;
	return bytes;
}

/* Before the blocks, in which the list stands. */
static void free_taken(struct arena *arena)
{
	for (struct arena_taken *taken = arena->taken; taken != NULL; taken = taken->before)
		free(taken->text);
	arena->taken = NULL;
}

/* What is within `keep` of the blocks that any use of the arena asks for is spare, the rest freed.
 */
static void set_aside(struct arena *arena, struct arena_block *blocks, size_t *keep)
{
	while (blocks != NULL) {
		struct arena_block *block = blocks;
		blocks = block->older;
		if (block->size != BLOCK_SIZE || *keep < BLOCK_SIZE) {
			free(block);
			continue;
		}
		*keep -= BLOCK_SIZE;
		block->older = arena->spare;
		arena->spare = block;
	}
}

void arena_reset(struct arena *arena, size_t keep)
{
	struct arena_block *used = arena->newest, *spare = arena->spare;

	free_taken(arena);
	arena->newest = arena->spare = NULL;
	set_aside(arena, used, &keep);
	set_aside(arena, spare, &keep);
}

void arena_release(struct arena *arena)
{
	arena_reset(arena, 0);
}
