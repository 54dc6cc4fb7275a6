#include "pack/kit_options.h"

#include "base/clock.h"

static void show_progress(void *argument, const struct verify_progress *progress)
{
	face_progress(argument, "Verifying", progress->octets_done, progress->octets_total);
}

struct verify_options kit_options(struct face *face, const struct kit_values *given)
{
	return (struct verify_options){
		.state_dirfd = -1,
		.now = clock_now(),
		.part_folder_count = given->parts.count,
		.part_folders = given->parts.items,
		.base = given->base,
		.progress = show_progress,
		.argument = face,
	};
}
