/* From a unit of the source to its documents. */
#include "steps/backfill.h"

#include <string.h>

#include "base/cleanup.h"
#include "text/text.h"

/* ---- leaving out volatile paths */

static int strip_into(struct doc_writer *writer, struct bytes doc, const char *const *paths,
	size_t count, struct err *err)
{
	struct doc_iter iter = doc_iter_begin(doc);
	struct value value;
	const char *name;

	while (doc_iter_next(&iter, &name, &value)) {
		const char *below[BACKFILL_VOLATILE_MAX];
		size_t size = strlen(name), below_count = 0;
		bool dropped = false;
		for (size_t i = 0; i < count; i++) {
			if (strncmp(paths[i], name, size) != 0)
				continue;
			dropped = dropped || paths[i][size] == '\0';
			if (paths[i][size] == '.')
				below[below_count++] = paths[i] + size + 1;
		}
		if (dropped)
			continue;
		if (below_count == 0 || value.type != VALUE_DOCUMENT) {
			doc_write_value(writer, name, &value);
			continue;
		}
		doc_write_document(writer, name);
		int result = strip_into(writer, value.bytes, below, below_count, err);
		if (result != 0)
			return result;
		doc_write_end(writer);
	}
	return 0;
}

int backfill_strip(
	struct bytes doc, const char *const *paths, size_t count, struct str *out, struct err *err)
{
	struct doc_writer writer;

	if (count > BACKFILL_VOLATILE_MAX)
		return err_set(err, ERR_INTERNAL, "too many volatile paths");
	doc_write_begin(&writer, out);
	int result = strip_into(&writer, doc, paths, count, err);
	if (result != 0)
		return result;
	doc_write_end(&writer);
	return str_check(out, err);
}

int backfill_leaf(const struct backfill_batch *batch, struct bytes doc,
	const struct backfill_write *write, struct sha256 *ret_leaf, struct err *err)
{
	char small[4096]; /* where most of them end */
	CLEANUP_STR struct str stable = STR_BORROW(small, sizeof small);
	int result =
		backfill_strip(doc, write->volatile_paths, write->volatile_count, &stable, err);

	return result != 0 ? result
			   : sha256_of_with(batch->sha256, str_bytes(&stable), ret_leaf, err);
}

/* ---- one unit */

struct deriving {
	struct backfill_batch *batch;
	struct derive_run run;
	size_t unit;
	size_t first; /* its first derived document */
	bool large;   /* the mutex of large payloads is held */
};

static int bind_all(struct deriving *deriving, const struct backfill_bindings *bindings,
	struct value *variables, struct err *err)
{
	for (size_t i = 0; i < bindings->count; i++) {
		struct value value;
		int result = derive_evaluate(bindings->list[i].value, &deriving->run, &value, err);
		if (result != 0)
			return result;
		variables[bindings->list[i].slot] = value;
	}
	return 0;
}

static int choose_case(
	struct deriving *deriving, const struct backfill_case **ret_case, struct err *err)
{
	const struct backfill_phase *phase = deriving->batch->phase;

	*ret_case = NULL;
	for (size_t i = 0; i < phase->case_count; i++) {
		bool fits = false;
		int result = derive_test(phase->cases[i].when, &deriving->run, &fits, err);
		if (result != 0)
			return result;
		if (fits) {
			*ret_case = &phase->cases[i];
			return 0;
		}
	}
	if (phase->case_count == 0)
		return 0;
	CLEANUP_STR struct str names = STR_INIT;
	for (size_t i = 0; i < phase->case_count; i++)
		str_append_format(&names, "%s%s", i == 0 ? "" : ", ", phase->cases[i].name);
	return err_set(
		err, ERR_MIGRATION, "no case of phase %s fits (%s)", phase->name, str_text(&names));
}

static int keep(struct deriving *deriving, const struct backfill_write *write,
	const struct value *value, struct err *err)
{
	struct backfill_batch *batch = deriving->batch;

	if (value->type != VALUE_DOCUMENT)
		return err_set(
			err, ERR_MIGRATION, "%s: the result is no document", write->collection);
	if (value->bytes.size > BACKFILL_DOCUMENT_OCTETS)
		return err_set(err, ERR_LIMIT, "%s: the document has %zu octets, over 16 MiB",
			write->collection, value->bytes.size);
	struct backfill_derived derived = {
		.write = write,
		.unit = deriving->unit,
		.document = arena_bytes(batch->arena, value->bytes),
	};
	if (derived.document.data == NULL)
		return err_no_memory(err);
	int result = backfill_leaf(batch, derived.document, write, &derived.leaf, err);
	if (result != 0)
		return result;
	derived.id = doc_get(derived.document, "_id");
	if (derived.id.type != VALUE_OBJECT_ID)
		return err_set(err, ERR_MIGRATION, "%s: _id is not an ObjectId but of type %s",
			write->collection, value_type_name(derived.id.type));
	batch->derived[batch->derived_count++] = derived;
	return 0;
}

/* "sha256:" and 64 digits, or the digits alone; size 0: it is not known. */
static int wanted_sha256(struct deriving *deriving, const struct backfill_lookup *lookup,
	struct bytes *ret_hex, struct err *err)
{
	static const char prefix[] = "sha256:";
	struct value value = {.type = VALUE_MISSING};
	int result = lookup->sha256 == NULL
			     ? 0
			     : derive_evaluate(lookup->sha256, &deriving->run, &value, err);

	*ret_hex = bytes_make(NULL, 0);
	if (result != 0 || value.type == VALUE_MISSING || value.type == VALUE_NULL)
		return result;
	if (value.type != VALUE_STRING)
		return err_set(err, ERR_MIGRATION, "%s: the payload's SHA-256 is of type %s",
			lookup->as, value_type_name(value.type));
	*ret_hex = value.bytes;
	if (ret_hex->size >= sizeof prefix - 1 &&
		memcmp(ret_hex->data, prefix, sizeof prefix - 1) == 0)
		*ret_hex = bytes_make(
			ret_hex->data + sizeof prefix - 1, ret_hex->size - (sizeof prefix - 1));
	return 0;
}

static int read_payloads(struct deriving *deriving, struct value *variables, struct err *err)
{
	struct backfill_batch *batch = deriving->batch;
	const struct backfill_phase *phase = batch->phase;
	int result = 0;

	for (size_t i = 0; result == 0 && i < phase->lookup_count; i++) {
		const struct backfill_lookup *lookup = &phase->lookups[i];
		struct value key;
		struct bytes hex;
		if (lookup->bucket == NULL)
			continue;
		result = derive_evaluate(lookup->key, &deriving->run, &key, err);
		if (result != 0 || key.type == VALUE_MISSING || key.type == VALUE_NULL)
			continue;
		result = wanted_sha256(deriving, lookup, &hex, err);
		if (result == 0)
			result = backfill_payload_read(batch->mongo, lookup->bucket, &key, hex,
				batch->large, &deriving->large, deriving->run.scratch,
				&variables[lookup->slot], err);
	}
	return result;
}

static int derive_unit(struct deriving *deriving, struct value *variables, struct err *err)
{
	const struct backfill_phase *phase = deriving->batch->phase;
	const struct backfill_unit *unit = &deriving->batch->units[deriving->unit];
	const struct backfill_lookup *missing = unit->not_found;
	const struct backfill_case *chosen = NULL;

	if (unit->failed != NULL) {
		*err = *unit->failed;
		return -(int)err->code;
	}

	if (missing != NULL) {
		struct value key;
		CLEANUP_STR struct str text = STR_INIT;
		int result = derive_evaluate(missing->key, &deriving->run, &key, err);
		if (result != 0)
			return result;
		value_to_text(&key, &text);
		return err_set(err, ERR_MIGRATION, "there is no %s with %s %s (%s)",
			missing->collection, missing->field, str_text(&text), missing->as);
	}
	int result = read_payloads(deriving, variables, err);
	if (result == 0)
		result = bind_all(deriving, &phase->let, variables, err);
	if (result == 0)
		result = choose_case(deriving, &chosen, err);
	if (result == 0 && chosen != NULL)
		result = bind_all(deriving, &chosen->let, variables, err);
	for (size_t i = 0; result == 0 && i < phase->write_count; i++) {
		const struct backfill_write *write = &phase->writes[i];
		struct value value;
		bool wanted = true;
		if (write->when != NULL)
			result = derive_test(write->when, &deriving->run, &wanted, err);
		if (result == 0 && wanted)
			result = derive_evaluate(write->document, &deriving->run, &value, err);
		if (result == 0 && wanted)
			result = keep(deriving, write, &value, err);
	}
	return result;
}

/* Two lookups of a batch, or a lookup and a let, may fail on a document's own account only. */
static bool is_the_documents_fault(const struct err *err)
{
	return err->code == ERR_MIGRATION || err->code == ERR_LIMIT || err->code == ERR_SYNTAX;
}

static void forget_payloads(struct deriving *deriving, struct value *variables)
{
	const struct backfill_batch *batch = deriving->batch;
	bool any = false;

	for (size_t i = 0; i < batch->phase->lookup_count; i++) {
		const struct backfill_lookup *lookup = &batch->phase->lookups[i];
		if (lookup->bucket == NULL || variables[lookup->slot].type == VALUE_MISSING)
			continue;
		variables[lookup->slot] = (struct value){.type = VALUE_MISSING};
		any = true;
	}
	arena_reset(deriving->run.scratch, BACKFILL_SCRATCH_OCTETS);
	if (any || deriving->large) /* and what arena_reset keeps */
		arena_release(deriving->run.scratch);
	if (deriving->large)
		(void)pthread_mutex_unlock(batch->large);
}

int backfill_derive(struct backfill_batch *batch, const char *run_id, struct err *err)
{
	size_t most = batch->unit_count * batch->phase->write_count;
	struct arena scratch = ARENA_INIT;
	int result = 0;

	batch->derived = arena_array(batch->arena, most + 1, sizeof *batch->derived);
	batch->failures = arena_array(batch->arena, batch->unit_count + 1, sizeof *batch->failures);
	if (batch->derived == NULL || batch->failures == NULL)
		return err_no_memory(err);
	for (size_t i = 0; result == 0 && i < batch->unit_count; i++) {
		struct backfill_unit *unit = &batch->units[i];
		struct deriving deriving = {
			.batch = batch,
			.run = {.root = unit->root,
				.variables = unit->variables,
				.scratch = &scratch,
				.sha256 = batch->sha256},
			.unit = i,
			.first = batch->derived_count,
		};
		unit->variables[0] =
			(struct value){.type = VALUE_STRING, .bytes = bytes_of_string(run_id)};
		struct backfill_failure *failure = &batch->failures[batch->failure_count];
		result = derive_unit(&deriving, unit->variables, &failure->err);
		if (result != 0 && is_the_documents_fault(&failure->err)) {
			/* All of a unit or nothing: half of one would be a lie. */
			batch->derived_count = deriving.first;
			failure->unit = i;
			batch->failure_count++;
			result = 0;
		} else if (result != 0) {
			*err = failure->err;
		}
		forget_payloads(&deriving, unit->variables);
	}
	arena_release(&scratch);
	return result;
}
