#include <string.h>

#include "steps/step.h"

/* The kinds that a migration of a kit can name. */
static const struct step_kind *const MIGRATION_KINDS[] = {
	&step_ensure,
	&step_backfill,
	&step_object_store,
};

const struct step_kind *step_kind_by_name(const char *name)
{
	for (size_t i = 0; i < sizeof MIGRATION_KINDS / sizeof(*MIGRATION_KINDS); i++)
		if (strcmp(MIGRATION_KINDS[i]->name, name) == 0)
			return MIGRATION_KINDS[i];
	return NULL;
}
