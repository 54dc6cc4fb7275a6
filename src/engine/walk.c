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
	/* The others are compiled when they are planned; this one may be carried out years later.
	 */
	if (ret_step->kind->on_request && ret_step->kind->compile != NULL &&
		ret_step->kind->compile(migration, err) < 0)
		return err_context(err, "%s", name);
	return 0;
}

/* Fixed steps; alone, what is around the whole kit's migrations stays away. */
static void append(struct walk *walk, const struct step *rows, size_t count, bool alone)
{
	for (size_t i = 0; i < count; i++)
		if (!alone || rows[i].kind == &step_preflight || rows[i].kind == &step_report)
			walk->steps[walk->count++] = rows[i];
}

static int append_migration(struct walk *walk, const struct step *step, struct err *err)
{
	if (walk_find(walk, step->name) < walk->count)
		return err_set(err, ERR_SYNTAX, "two steps are called %s", step->name);
	walk->steps[walk->count++] = *step;
	return 0;
}

static int append_all(struct walk *walk, const struct step *migrations, size_t count,
	const struct walk_scope *scope, struct err *err)
{
	const struct step *wanted = NULL;
	int rc = 0;

	append(walk, BEFORE, BEFORE_COUNT, scope->alone);
	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct step *step = &migrations[i];
		if (!step->kind->on_request && !scope->alone)
			rc = append_migration(walk, step, err);
		else if (step->kind->on_request && scope->with != NULL &&
			 strcmp(step->name, scope->with) == 0)
			wanted = step;
		else
			walk->left_out[walk->left_out_count++] = *step;
	}
	if (rc == 0 && scope->with != NULL && wanted == NULL)
		rc = err_set(err, ERR_USAGE,
			"--with: the kit has no migration %s that is on request", scope->with);
	if (rc < 0)
		return rc;
	/* What is on request comes after all that the kit does by itself. */
	append(walk, AFTER, AFTER_COUNT - 1, scope->alone);
	if (wanted != NULL)
		rc = append_migration(walk, wanted, err);
	append(walk, &AFTER[AFTER_COUNT - 1], 1, scope->alone);
	return rc;
}

static int build(struct walk *walk, const struct trusted_kit *kit, const struct walk_scope *scope,
	struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(kit);
	size_t count = manifest->migration_count;

	if (count > WALK_STEPS_MAX - BEFORE_COUNT - AFTER_COUNT)
		return err_set(err, ERR_LIMIT, "%zu migrations are too many", count);
	struct step *migrations = arena_array(&walk->arena, count + 1, sizeof *migrations);
	walk->steps =
		arena_array(&walk->arena, BEFORE_COUNT + count + AFTER_COUNT, sizeof *walk->steps);
	walk->docs = arena_array(&walk->arena, count + 1, sizeof(*walk->docs));
	walk->left_out = arena_array(&walk->arena, count + 1, sizeof *walk->left_out);
	if (migrations == NULL || walk->steps == NULL || walk->docs == NULL ||
		walk->left_out == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < count; i++) {
		int rc = build_migration(walk, kit, manifest->migrations[i], &migrations[i], err);
		if (rc < 0)
			return rc;
	}
	return append_all(walk, migrations, count, scope, err);
}

int walk_build(const struct trusted_kit *kit, const struct walk_scope *scope, struct walk *ret_walk,
	struct err *err)
{
	struct walk walk = {0};
	int rc = build(&walk, kit, scope, err);

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
