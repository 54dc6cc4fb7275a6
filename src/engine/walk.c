#include "engine/walk.h"

#include <string.h>

#include "base/cleanup.h"
#include "engine/report.h"

static const struct step BEFORE[] = {
	{"preflight", "Preflight", &step_preflight, NULL},
	{"freeze", "Freeze ingest", &step_freeze, NULL},
	{"backup", "Backup", &step_backup, NULL},
};
static const struct step AFTER[] = {
	{"validate", "Validate", &step_validate, NULL},
	{"resume", "Resume ingest", &step_resume_ingest, NULL},
	{"report", "Report", &step_report, NULL},
};

enum {
	BEFORE_COUNT = sizeof BEFORE / sizeof *BEFORE,
	AFTER_COUNT = sizeof AFTER / sizeof *AFTER,
};

void walk_release(struct walk *walk)
{
	for (size_t i = 0; i < walk->doc_count; i++)
		json_release(walk->docs[i]);
	arena_release(&walk->arena);
	*walk = (struct walk){0};
}

static int build_migration(struct walk *walk, const struct trusted_kit *kit, const char *id,
	struct step *ret_step, struct err *err)
{
	const char *name = arena_format(&walk->arena, "migrations/%s/migration.json", id);
	struct migration *migration = arena_alloc(&walk->arena, sizeof *migration);

	if (name == NULL || migration == NULL)
		return err_no_memory(err);
	struct bytes text = trusted_kit_file(kit, name);
	if (text.data == NULL)
		return err_set(err, ERR_SYNTAX, "%s is not in the kit", name);
	int rc = json_parse(
		text, JSON_LIMITS(MIGRATION_SIZE_MAX), &walk->docs[walk->doc_count], err);
	if (rc < 0)
		return err_context(err, "%s", name);
	rc = migration_parse(json_root(walk->docs[walk->doc_count++]), migration, err);
	if (rc < 0)
		return err_context(err, "%s", name);
	if (strcmp(migration->id, id) != 0)
		return err_set(err, ERR_SYNTAX, "%s says that it is %s", name, migration->id);
	ret_step->name = migration->id;
	ret_step->migration = migration;
	ret_step->kind = step_kind_by_name(migration->kind);
	ret_step->label = arena_format(&walk->arena, "%s %s", migration->id, migration->title);
	if (ret_step->label == NULL)
		return err_no_memory(err);
	if (ret_step->kind == NULL)
		return err_set(err, ERR_REQUIREMENT,
			"%s is of the kind \"%s\", which this offkit does not know", name,
			migration->kind);
	return 0;
}

static int build(struct walk *walk, const struct trusted_kit *kit, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(kit);
	size_t count = BEFORE_COUNT + manifest->migration_count + AFTER_COUNT;

	if (count > WALK_STEPS_MAX)
		return err_set(
			err, ERR_LIMIT, "%zu migrations are too many", manifest->migration_count);
	walk->steps = arena_array(&walk->arena, count, sizeof *walk->steps);
	walk->docs = arena_array(&walk->arena, manifest->migration_count + 1, sizeof(*walk->docs));
	if (walk->steps == NULL || walk->docs == NULL)
		return err_no_memory(err);
	memcpy(walk->steps, BEFORE, sizeof BEFORE);
	walk->count = BEFORE_COUNT;
	for (size_t i = 0; i < manifest->migration_count; i++) {
		int rc = build_migration(
			walk, kit, manifest->migrations[i], &walk->steps[walk->count], err);
		if (rc < 0)
			return rc;
		if (walk_find(walk, walk->steps[walk->count].name) < walk->count)
			return err_set(err, ERR_SYNTAX, "two steps are called %s",
				walk->steps[walk->count].name);
		walk->count++;
	}
	memcpy(walk->steps + walk->count, AFTER, sizeof AFTER);
	walk->count += AFTER_COUNT;
	return 0;
}

int walk_build(const struct trusted_kit *kit, struct walk *ret_walk, struct err *err)
{
	struct walk walk = {0};
	int rc = build(&walk, kit, err);

	if (rc < 0) {
		walk_release(&walk);
		return rc;
	}
	*ret_walk = walk;
	return 0;
}

size_t walk_find(const struct walk *walk, const char *name)
{
	size_t i = 0;

	while (i < walk->count && strcmp(walk->steps[i].name, name) != 0)
		i++;
	return i;
}
