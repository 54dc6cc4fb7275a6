/* Lists of a kit's parts, of anybody's making: consistent and written as they were read, or
 * refused. */
#include <string.h>

#include "base/cleanup.h"
#include "kit/part_list.h"
#include "tests/fuzz/target.h"

static void check_list(const struct part_list *list)
{
	int64_t size = 0;

	HOLDS(list->count >= 1 && list->count <= PARTS_MAX);
	for (size_t i = 0; i < list->count; i++) {
		const struct part *part = &list->parts[i];
		HOLDS(*part->name != '\0' && strchr(part->name, '/') == NULL);
		HOLDS(strcmp(part->name, ".") != 0 && strcmp(part->name, "..") != 0);
		HOLDS(part->size >= 1);
		size += part->size;
		for (size_t k = 0; k < i; k++)
			HOLDS(strcmp(part->name, list->parts[k].name) != 0);
	}
	HOLDS(size == list->size);
}

/* What is written of it is read, and written alike. */
static void write_again(const struct part_list *list, struct arena *arena)
{
	CLEANUP_STR struct str first = STR_INIT, second = STR_INIT;
	struct part_list again;
	struct err err = {0};

	HOLDS(part_list_write(list, &first, &err) == 0);
	HOLDS(part_list_parse(str_bytes(&first), arena, &again, &err) == 0);
	HOLDS(part_list_write(&again, &second, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&first), str_bytes(&second)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct part_list list;
	struct err err = {0};
	int rc = part_list_parse(bytes_make(data, size), &arena, &list, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT || rc == -ERR_UNSAFE_ARCHIVE);
	if (rc < 0)
		return 0;
	check_list(&list);
	write_again(&list, &arena);
	return 0;
}
