/*
 * What is counted and hashed, so that the same data give the same report on every run.
 *
 * Of each derived document that is there as derived, written now or before, a leaf is taken: the
 * SHA-256 of its BSON without volatile paths. Leaves are chained in the order of the source, H' =
 * SHA-256(H || leaf) from 32 zero octets, for a chunk of 4,096 source units; the chunks' ends are
 * chained likewise. Two digests are all that a checkpoint has to keep, batches may end anywhere,
 * and chunks can be computed beside each other.
 */
#include "steps/backfill.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"

static int chain(struct backfill_state *state, struct sha256 *head, const struct sha256 *link,
	struct err *err)
{
	uint8_t both[2 * SHA256_SIZE];

	memcpy(both, head->octets, SHA256_SIZE);
	memcpy(both + SHA256_SIZE, link->octets, SHA256_SIZE);
	return sha256_of_with(state->sha256, bytes_make(both, sizeof both), head, err);
}

int backfill_state_new(struct arena *arena, struct backfill_state **ret_state, struct err *err)
{
	struct backfill_state *state = arena_alloc(arena, sizeof *state);

	if (state == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < BACKFILL_PHASES_MAX; i++) {
		state->phases[i].sources =
			arena_array(arena, BACKFILL_SOURCES_MAX, sizeof *state->phases[i].sources);
		if (state->phases[i].sources == NULL)
			return err_no_memory(err);
	}
	int result = sha256_stream_new(&state->sha256, err);
	if (result == 0)
		*ret_state = state;
	return result;
}

void backfill_state_release(struct backfill_state *state)
{
	sha256_stream_cleanup(&state->sha256);
	str_release(&state->after);
}

/* ---- counting */

int backfill_count_source(
	struct backfill_phase_state *phase, struct bytes name, int64_t documents, struct err *err)
{
	size_t at = 0;
	int order = 1;

	if (name.size > BACKFILL_SOURCE_NAME_MAX || memchr(name.data, 0, name.size) != NULL)
		return err_set(err, ERR_LIMIT, "a source's name is longer than %d octets",
			BACKFILL_SOURCE_NAME_MAX);
	for (; at < phase->source_count; at++) {
		const char *other = phase->sources[at].name;
		size_t size = strlen(other), common = size < name.size ? size : name.size;
		order = memcmp(other, name.data, common);
		if (order == 0)
			order = (size > name.size) - (size < name.size);
		if (order >= 0)
			break;
	}
	if (at == phase->source_count || order != 0) {
		if (phase->source_count == BACKFILL_SOURCES_MAX)
			return err_set(err, ERR_LIMIT, "more than %d sources are counted apart",
				BACKFILL_SOURCES_MAX);
		memmove(&phase->sources[at + 1], &phase->sources[at],
			(phase->source_count - at) * sizeof *phase->sources);
		phase->source_count++;
		memset(&phase->sources[at], 0, sizeof phase->sources[at]);
		memcpy(phase->sources[at].name, name.data, name.size);
	}
	phase->sources[at].count += documents;
	return 0;
}

static void add_target(struct backfill_target *target, const struct backfill_target *more)
{
	int64_t documents = more->written + more->skipped + more->repeated;
	bool none = target->written + target->skipped + target->repeated == 0;

	if (documents == 0)
		return;
	if (none || memcmp(more->first, target->first, OBJECT_ID_SIZE) < 0)
		memcpy(target->first, more->first, OBJECT_ID_SIZE);
	if (none || memcmp(more->last, target->last, OBJECT_ID_SIZE) > 0)
		memcpy(target->last, more->last, OBJECT_ID_SIZE);
	target->written += more->written;
	target->skipped += more->skipped;
	target->repeated += more->repeated;
	target->found += more->found;
}

static int add_counts(struct backfill_state *state, const struct backfill_phase *phase,
	const struct backfill_tally *tally, struct err *err)
{
	struct backfill_phase_state *counted = &state->phases[state->phase];
	int result = 0;

	counted->units += tally->counted.units;
	counted->documents += tally->counted.documents;
	for (size_t i = 0; i < ODDITY_COUNT; i++)
		counted->oddities[i] += tally->counted.oddities[i];
	for (size_t i = 0; result == 0 && i < tally->counted.source_count; i++) {
		const struct backfill_count *source = &tally->counted.sources[i];
		result = backfill_count_source(
			counted, bytes_of_string(source->name), source->count, err);
	}
	for (size_t i = 0; i < phase->write_count; i++)
		add_target(&state->targets[phase->writes[i].target], &tally->targets[i]);
	return result;
}

static int end_chunk(
	struct backfill_state *state, const struct backfill_phase *phase, struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < phase->write_count; i++) {
		struct backfill_target *target = &state->targets[phase->writes[i].target];
		result = chain(state, &target->total, &target->chunk, err);
		memset(&target->chunk, 0, sizeof target->chunk);
	}
	state->in_chunk = 0;
	return result;
}

int backfill_state_add(struct backfill_state *state, const struct backfill_phase *phase,
	const struct backfill_tally *tally, struct err *err)
{
	size_t next = 0;
	int result = add_counts(state, phase, tally, err);

	for (size_t i = 0; result == 0 && i < tally->unit_count; i++) {
		for (; result == 0 && next < tally->leaf_count && tally->leaves[next].unit == i;
			next++) {
			const struct backfill_leaf *leaf = &tally->leaves[next];
			result = chain(
				state, &state->targets[leaf->target].chunk, &leaf->digest, err);
		}
		if (result == 0 && ++state->in_chunk == BACKFILL_CHUNK)
			result = end_chunk(state, phase, err);
	}
	if (result != 0)
		return result;
	str_truncate(&state->after, 0);
	str_append(&state->after, tally->after.data, tally->after.size);
	state->batch++;
	return str_check(&state->after, err);
}

int backfill_state_end_phase(
	struct backfill_state *state, const struct backfill *backfill, struct err *err)
{
	int result = 0;

	if (state->in_chunk > 0)
		result = end_chunk(state, &backfill->phases[state->phase], err);
	state->phase++;
	str_truncate(&state->after, 0);
	return result;
}

/* ---- the checkpoint */

static void write_hex(struct json_writer *writer, const char *name, const struct sha256 *digest)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	json_member_string(writer, name, hex);
}

static void write_id(struct json_writer *writer, const char *name, const uint8_t *id)
{
	char hex[OBJECT_ID_HEX_SIZE];

	object_id_to_hex(id, hex);
	json_member_string(writer, name, hex);
}

static int write_after(
	struct json_writer *writer, const struct backfill_state *state, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_doc *doc CLEANUP(json_cleanup) = NULL;

	if (state->after.size == 0)
		return 0;
	int result = doc_to_json(str_bytes(&state->after), true, &text, err);
	if (result == 0)
		result = json_parse(str_bytes(&text), JSON_LIMITS_OWN(text.size), &doc, err);
	if (result == 0)
		json_member_value(writer, "after", json_root(doc));
	return result;
}

/* By collection what carries this run's id: what validate counts on the server. */
static void write_written(struct json_writer *writer, const struct backfill_state *state,
	const struct backfill *backfill)
{
	json_member_object(writer, "written");
	for (size_t i = 0; i < backfill->target_count; i++) {
		const char *collection = backfill->targets[i]->collection;
		int64_t written = 0;
		bool told = false;
		for (size_t j = 0; j < backfill->target_count; j++) {
			if (strcmp(backfill->targets[j]->collection, collection) != 0)
				continue;
			told = told || j < i;
			written += state->targets[j].written;
		}
		if (!told)
			json_member_integer(writer, collection, written);
	}
	json_write_end(writer);
}

int backfill_state_write(const struct backfill_state *state, const struct backfill *backfill,
	struct str *out, struct err *err)
{
	struct json_writer writer;

	json_write_begin(&writer, out);
	json_write_object(&writer);
	json_member_string(&writer, "migration", backfill->id);
	json_member_integer(&writer, "phase", (int64_t)state->phase);
	json_member_integer(&writer, "batch", state->batch);
	json_member_integer(&writer, "inChunk", state->in_chunk);
	json_member_integer(&writer, "ahead", state->ahead);
	json_member_integer(&writer, "conflicts", state->conflicts);
	json_member_integer(&writer, "errors", state->errors);
	json_member_integer(&writer, "conflictsOctets", state->conflicts_octets);
	json_member_integer(&writer, "findingsOctets", state->findings_octets);
	if (state->hash[0] != '\0')
		json_member_string(&writer, "reportHash", state->hash);
	int result = write_after(&writer, state, err);
	if (result != 0)
		return result;
	json_member_array(&writer, "phases");
	for (size_t i = 0; i < backfill->phase_count; i++) {
		const struct backfill_phase_state *phase = &state->phases[i];
		json_write_object(&writer);
		json_member_integer(&writer, "units", phase->units);
		json_member_integer(&writer, "documents", phase->documents);
		json_member_object(&writer, "findings");
		for (int j = 0; j < ODDITY_COUNT; j++)
			json_member_integer(&writer, backfill_oddity_name(j), phase->oddities[j]);
		json_write_end(&writer);
		json_member_object(&writer, "sources");
		for (size_t j = 0; j < phase->source_count; j++)
			json_member_integer(
				&writer, phase->sources[j].name, phase->sources[j].count);
		json_write_end(&writer);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	json_member_array(&writer, "targets");
	for (size_t i = 0; i < backfill->target_count; i++) {
		const struct backfill_target *target = &state->targets[i];
		json_write_object(&writer);
		json_member_integer(&writer, "written", target->written);
		json_member_integer(&writer, "skipped", target->skipped);
		json_member_integer(&writer, "repeated", target->repeated);
		json_member_integer(&writer, "found", target->found);
		write_hex(&writer, "chunk", &target->chunk);
		write_hex(&writer, "total", &target->total);
		write_id(&writer, "first", target->first);
		write_id(&writer, "last", target->last);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	write_written(&writer, state, backfill);
	json_write_end(&writer);
	return str_check(out, err);
}

static int read_id(const struct json *object, const char *name, uint8_t id[static OBJECT_ID_SIZE],
	struct err *err)
{
	const char *hex = NULL;
	int result = json_need_string(object, name, OBJECT_ID_HEX_SIZE - 1, &hex, err);

	if (result != 0)
		return result;
	if (strlen(hex) != OBJECT_ID_HEX_SIZE - 1 || !hex_decode(bytes_of_string(hex), id))
		return err_set(err, ERR_SYNTAX, "\"%s\" is no ObjectId", name);
	return 0;
}

static int read_hex(
	const struct json *object, const char *name, struct sha256 *digest, struct err *err)
{
	const char *hex = NULL;
	int result = json_need_string(object, name, SHA256_HEX_SIZE - 1, &hex, err);

	if (result == 0 && !sha256_from_hex(bytes_of_string(hex), digest))
		result = err_set(err, ERR_SYNTAX, "\"%s\" is no SHA-256", name);
	return result;
}

static int read_integer(const struct json *object, const char *name, int64_t *ret, struct err *err)
{
	return json_need_integer(object, name, 0, INT64_C(1) << 52, ret, err);
}

static int read_target(const struct json *object, struct backfill_target *target, struct err *err)
{
	int result = read_integer(object, "written", &target->written, err);

	if (result == 0)
		result = read_integer(object, "skipped", &target->skipped, err);
	if (result == 0)
		result = read_integer(object, "repeated", &target->repeated, err);
	if (result == 0)
		result = read_integer(object, "found", &target->found, err);
	if (result == 0)
		result = read_hex(object, "chunk", &target->chunk, err);
	if (result == 0)
		result = read_hex(object, "total", &target->total, err);
	if (result == 0)
		result = read_id(object, "first", target->first, err);
	if (result == 0)
		result = read_id(object, "last", target->last, err);
	return result;
}

static int read_phase(
	const struct json *object, struct backfill_phase_state *phase, struct err *err)
{
	const struct json *sources = NULL, *findings = NULL;
	int result = read_integer(object, "units", &phase->units, err);

	if (result == 0)
		result = read_integer(object, "documents", &phase->documents, err);
	if (result == 0)
		result = json_need(object, "findings", JSON_OBJECT, &findings, err);
	for (int i = 0; result == 0 && i < ODDITY_COUNT; i++)
		result = read_integer(findings, backfill_oddity_name(i), &phase->oddities[i], err);
	if (result == 0)
		result = json_need(object, "sources", JSON_OBJECT, &sources, err);
	for (const struct json *member = result == 0 ? json_first(sources) : NULL;
		result == 0 && member != NULL; member = json_next(member)) {
		int64_t count = 0;
		result = read_integer(sources, json_name(member), &count, err);
		if (result == 0)
			result = backfill_count_source(
				phase, bytes_of_string(json_name(member)), count, err);
	}
	return result;
}

static int read_lists(const struct json *checkpoint, const struct backfill *backfill,
	struct backfill_state *state, struct err *err)
{
	const struct json *phases = NULL, *targets = NULL;
	size_t i = 0;
	int result = json_need(checkpoint, "phases", JSON_ARRAY, &phases, err);

	if (result == 0)
		result = json_need(checkpoint, "targets", JSON_ARRAY, &targets, err);
	if (result == 0 && (json_count(phases) != backfill->phase_count ||
				   json_count(targets) != backfill->target_count ||
				   state->phase > backfill->phase_count))
		result = err_set(err, ERR_SYNTAX, "its phases are not the migration's");
	for (const struct json *item = result == 0 ? json_first(phases) : NULL;
		result == 0 && item != NULL; item = json_next(item))
		result = read_phase(item, &state->phases[i++], err);
	i = 0;
	for (const struct json *item = result == 0 ? json_first(targets) : NULL;
		result == 0 && item != NULL; item = json_next(item))
		result = read_target(item, &state->targets[i++], err);
	return result;
}

int backfill_state_read(const struct json *checkpoint, const struct backfill *backfill,
	struct backfill_state *state, struct err *err)
{
	const struct json *after = NULL;
	const char *id = NULL, *hash = "";
	int64_t phase = 0;
	int result = json_need_string(checkpoint, "migration", 64, &id, err);

	if (result == 0 && strcmp(id, backfill->id) != 0)
		result = err_set(err, ERR_SYNTAX, "it is of migration %s", id);
	if (result == 0)
		result = read_integer(checkpoint, "phase", &phase, err);
	state->phase = (size_t)phase;
	if (result == 0)
		result = read_integer(checkpoint, "batch", &state->batch, err);
	if (result == 0)
		result = read_integer(checkpoint, "inChunk", &state->in_chunk, err);
	if (result == 0)
		result = read_integer(checkpoint, "ahead", &state->ahead, err);
	if (result == 0)
		result = read_integer(checkpoint, "conflicts", &state->conflicts, err);
	if (result == 0)
		result = read_integer(checkpoint, "errors", &state->errors, err);
	if (result == 0)
		result = read_integer(checkpoint, "conflictsOctets", &state->conflicts_octets, err);
	if (result == 0)
		result = read_integer(checkpoint, "findingsOctets", &state->findings_octets, err);
	if (result == 0)
		result = json_optional_string(
			checkpoint, "reportHash", SHA256_HEX_SIZE - 1, &hash, err);
	if (result == 0)
		memcpy(state->hash, hash, strlen(hash) + 1);
	if (result == 0)
		result = json_optional(checkpoint, "after", JSON_OBJECT, &after, err);
	if (result == 0 && after != NULL)
		result = doc_from_json(after, &state->after, err);
	if (result == 0)
		result = read_lists(checkpoint, backfill, state, err);
	if (result != 0) {
		(void)err_context(err, "the checkpoint of %s", backfill->id);
		return err_recode(err, ERR_JOURNAL);
	}
	return 0;
}
