/* What a batch leaves behind, so that its documents need not wait for the batches before it. */
#include "steps/backfill.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"

static int count_unit(struct backfill_tally *tally, const struct backfill_batch *batch,
	const struct backfill_unit *unit, struct err *err)
{
	struct bytes name = bytes_of_string("(none)");

	tally->counted.units++;
	tally->counted.documents += (int64_t)unit->documents;
	if (batch->phase->count_by == NULL)
		return 0;
	struct derive_run run = {.root = unit->root,
		.variables = unit->variables,
		.scratch = batch->arena,
		.sha256 = batch->sha256};
	struct value value;
	struct err unsuitable;
	/* A document whose source cannot be told is counted all the same. */
	if (derive_evaluate(batch->phase->count_by, &run, &value, &unsuitable) == 0 &&
		value.type == VALUE_STRING)
		name = value.bytes;
	return backfill_count_source(&tally->counted, name, (int64_t)unit->documents, err);
}

static void count_derived(struct backfill_tally *tally, const struct backfill_phase *phase,
	const struct backfill_derived *derived)
{
	struct backfill_target *target = &tally->targets[derived->write - phase->writes];
	const uint8_t *id = derived->id.object_id;

	if (derived->fate == FATE_CONFLICT)
		return;
	bool none = target->written + target->skipped + target->repeated == 0;
	tally->leaves[tally->leaf_count++] = (struct backfill_leaf){
		.unit = derived->unit, .target = derived->write->target, .digest = derived->leaf};
	if (none || memcmp(id, target->first, OBJECT_ID_SIZE) < 0)
		memcpy(target->first, id, OBJECT_ID_SIZE);
	if (none || memcmp(id, target->last, OBJECT_ID_SIZE) > 0)
		memcpy(target->last, id, OBJECT_ID_SIZE);
	target->skipped += derived->fate == FATE_SKIPPED;
	target->repeated += derived->fate == FATE_REPEATED;
	target->found += derived->fate == FATE_FOUND;
	target->written += derived->fate == FATE_WRITTEN || derived->fate == FATE_FOUND;
}

/* The first conflict, or else the first document that could not be derived. */
static void say_why(struct backfill_tally *tally, const struct backfill_batch *batch)
{
	CLEANUP_STR struct str key = STR_INIT;
	const struct backfill_derived *first = NULL;
	char id[OBJECT_ID_HEX_SIZE];

	for (size_t i = 0; i < batch->derived_count && first == NULL; i++)
		if (batch->derived[i].fate == FATE_CONFLICT)
			first = &batch->derived[i];
	if (first != NULL) {
		object_id_to_hex(first->id.object_id, id);
		(void)err_set(&tally->why, ERR_CONFLICT, "%s %s %s", first->write->collection, id,
			first->reason != NULL ? "is refused because of another document"
					      : "exists with other content than this kit derives");
	} else if (batch->failure_count > 0) {
		backfill_key_to_text(batch->units[batch->failures[0].unit].key, &key);
		(void)err_set(&tally->why, ERR_MIGRATION, "%s %s: %s", batch->phase->collection,
			str_text(&key), batch->failures[0].err.message);
	}
}

/* Nothing is found of a document that is not derived: its failure is told. */
static void forget_failures_findings(struct backfill_batch *batch)
{
	size_t kept = 0;

	for (size_t i = 0; i < batch->finding_count; i++) {
		bool failed = false;
		for (size_t j = 0; j < batch->failure_count; j++)
			failed = failed || batch->failures[j].unit == batch->findings[i].unit;
		if (!failed)
			batch->findings[kept++] = batch->findings[i];
	}
	batch->finding_count = kept;
}

/* By the source's order, so that it does not show which documents were a batch. */
static int by_unit(const void *left, const void *right)
{
	const struct backfill_finding *a = left, *b = right;

	if (a->unit != b->unit)
		return a->unit < b->unit ? -1 : 1;
	if (a->lookup != b->lookup)
		return a->lookup < b->lookup ? -1 : 1;
	return (int)a->oddity - (int)b->oddity;
}

static int take_findings(struct backfill_tally *tally, const struct backfill *backfill,
	struct backfill_batch *batch, struct err *err)
{
	CLEANUP_STR struct str lines = STR_INIT;

	forget_failures_findings(batch);
	if (batch->finding_count > 0)
		qsort(batch->findings, batch->finding_count, sizeof *batch->findings, by_unit);
	for (size_t i = 0; i < batch->finding_count; i++)
		tally->counted.oddities[batch->findings[i].oddity]++;
	int result = backfill_finding_lines(backfill, batch, &lines, err);
	if (result != 0)
		return result;
	tally->findings = arena_bytes(&tally->arena, str_bytes(&lines));
	return tally->findings.data == NULL ? err_no_memory(err) : 0;
}

static int take(struct backfill_tally *tally, const struct backfill *backfill,
	struct backfill_batch *batch, struct err *err)
{
	CLEANUP_STR struct str lines = STR_INIT;
	int result = 0;

	tally->leaves = arena_array(&tally->arena, batch->derived_count + 1, sizeof *tally->leaves);
	tally->counted.sources =
		arena_array(&tally->arena, BACKFILL_SOURCES_MAX, sizeof *tally->counted.sources);
	tally->after = arena_bytes(&tally->arena, batch->units[batch->unit_count - 1].key);
	if (tally->leaves == NULL || tally->counted.sources == NULL || tally->after.data == NULL)
		return err_no_memory(err);
	for (size_t i = 0; result == 0 && i < batch->unit_count; i++)
		result = count_unit(tally, batch, &batch->units[i], err);
	for (size_t i = 0; i < batch->derived_count; i++)
		count_derived(tally, batch->phase, &batch->derived[i]);
	if (result == 0)
		result = backfill_conflict_lines(backfill, batch, tally->number, &lines, err);
	if (result != 0)
		return result;
	tally->lines = arena_bytes(&tally->arena, str_bytes(&lines));
	if (tally->lines.data == NULL)
		return err_no_memory(err);
	return take_findings(tally, backfill, batch, err);
}

int backfill_tally_take(struct backfill_tally *tally, const struct backfill *backfill,
	struct backfill_batch *batch, int64_t number, struct err *err)
{
	struct arena arena = tally->arena;

	arena_release(&arena);
	*tally = (struct backfill_tally){
		.arena = arena,
		.number = number,
		.unit_count = batch->unit_count,
		.conflicts = (int64_t)batch->conflict_count,
		.errors = (int64_t)batch->failure_count,
	};
	say_why(tally, batch);
	return take(tally, backfill, batch, err);
}

void backfill_tally_release(struct backfill_tally *tally)
{
	arena_release(&tally->arena);
}
