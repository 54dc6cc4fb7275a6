/* What anybody says changed in a kit's files: consistent and written as it was read, or refused. */
#include <string.h>

#include "base/cleanup.h"
#include "kit/delta.h"
#include "tests/fuzz/target.h"

/* Both sides can be read once, forward, within what they have. */
static void check_file(const struct delta_file *file)
{
	int64_t size = 0, new_size = 0, at = 0;

	HOLDS(*file->name != '\0' && *file->name != '/' && *file->source != '\0');
	for (size_t i = 0; i < file->piece_count; i++) {
		const struct delta_piece *piece = &file->pieces[i];
		HOLDS(piece->size >= 1);
		size += piece->size;
		if (piece->is_new) {
			new_size += piece->size;
			continue;
		}
		HOLDS(piece->from >= at);
		at = piece->from + piece->size;
		HOLDS(at <= file->source_size);
	}
	HOLDS(size == file->size && new_size == file->new_size);
}

static void check_delta(const struct delta *delta)
{
	size_t pieces = 0;

	HOLDS(delta->count >= 1 && delta->count <= DELTA_FILES_MAX);
	for (size_t i = 0; i < delta->count; i++) {
		check_file(&delta->files[i]);
		pieces += delta->files[i].piece_count;
		for (size_t k = 0; k < i; k++)
			HOLDS(strcmp(delta->files[i].name, delta->files[k].name) != 0);
	}
	HOLDS(pieces <= DELTA_PIECES_MAX);
}

/* What is written of it is read, and written alike. */
static void write_again(const struct delta *delta, struct arena *arena)
{
	CLEANUP_STR struct str first = STR_INIT, second = STR_INIT;
	struct delta again;
	struct err err = {0};

	HOLDS(delta_write(delta, &first, &err) == 0);
	HOLDS(delta_parse(str_bytes(&first), arena, &again, &err) == 0);
	HOLDS(delta_write(&again, &second, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&first), str_bytes(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct delta delta;
	struct err err = {0};
	int rc = delta_parse(bytes_make(data, size), &arena, &delta, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT || rc == -ERR_UNSAFE_ARCHIVE);
	if (rc < 0)
		return 0;
	check_delta(&delta);
	write_again(&delta, &arena);
	return 0;
}
