/* The report, which depends on the data alone, and the conflicts file. */
#include "steps/backfill.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"

static void write_target(struct json_writer *writer, const struct backfill_write *write,
	const struct backfill_target *target)
{
	char hex[SHA256_HEX_SIZE], id[OBJECT_ID_HEX_SIZE];
	int64_t documents = target->written + target->skipped + target->repeated;

	json_write_object(writer);
	json_member_string(writer, "collection", write->collection);
	json_member_string(writer, "role", write->role);
	json_member_integer(writer, "documents", documents);
	if (documents > 0) {
		object_id_to_hex(target->first, id);
		json_member_string(writer, "first", id);
		object_id_to_hex(target->last, id);
		json_member_string(writer, "last", id);
	}
	sha256_to_hex(&target->total, hex);
	json_member_string(writer, "sha256", hex);
	json_write_end(writer);
}

static void write_phase(struct json_writer *writer, const struct backfill_phase *phase,
	const struct backfill_state *state, const struct backfill_phase_state *done)
{
	json_write_object(writer);
	json_member_string(writer, "name", phase->name);
	json_member_string(writer, "source", phase->collection);
	json_member_integer(writer, "read", done->documents);
	json_member_integer(writer, "units", done->units);
	json_member_object(writer, "perSource");
	for (size_t i = 0; i < done->source_count; i++)
		json_member_integer(writer, done->sources[i].name, done->sources[i].count);
	json_write_end(writer);
	json_member_object(writer, "findings");
	for (int i = 0; i < ODDITY_COUNT; i++)
		json_member_integer(writer, backfill_oddity_name(i), done->oddities[i]);
	json_write_end(writer);
	json_member_array(writer, "derived");
	for (size_t i = 0; i < phase->write_count; i++)
		write_target(writer, &phase->writes[i], &state->targets[phase->writes[i].target]);
	json_write_end(writer);
	json_write_end(writer);
}

int backfill_report_write(const struct backfill_state *state, const struct backfill *backfill,
	struct str *out, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;

	json_write_begin(&writer, &text);
	json_write_object(&writer);
	json_member_string(&writer, "report", "offkit backfill 1");
	json_member_string(&writer, "migration", backfill->id);
	json_member_integer(&writer, "chunk", BACKFILL_CHUNK);
	json_member_integer(&writer, "conflicts", state->conflicts);
	json_member_integer(&writer, "errors", state->errors);
	json_member_array(&writer, "phases");
	for (size_t i = 0; i < backfill->phase_count; i++)
		write_phase(&writer, &backfill->phases[i], state, &state->phases[i]);
	json_write_end(&writer);
	json_write_end(&writer);
	int result = str_check(&text, err);
	return result != 0 ? result : json_canonical_text(str_bytes(&text), out, err);
}

/* ---- conflicts.ndjson */

static int member_doc(
	struct json_writer *writer, const char *name, struct bytes doc, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_doc *json CLEANUP(json_cleanup) = NULL;
	const struct json_limits limits = {4 * (size_t)DOC_SIZE_MAX, 3 * DOC_DEPTH_MAX, true};
	int result = doc_to_json(doc, true, &text, err);

	if (result == 0)
		result = json_parse(str_bytes(&text), &limits, &json, err);
	if (result == 0)
		json_member_value(writer, name, json_root(json));
	else /* what JSON cannot say (U+0000 in a string) is not worth losing the line for */
		json_member_string(writer, name, "(has no form in JSON)");
	return 0;
}

/* The top-level fields in which two documents differ. */
static void write_differences(
	struct json_writer *writer, struct bytes derived, struct bytes existing)
{
	struct doc_iter iter = doc_iter_begin(derived);
	struct value value, other;
	const char *name;

	json_member_array(writer, "differs");
	while (doc_iter_next(&iter, &name, &value)) {
		other = doc_get(existing, name);
		if (!value_equal(&value, &other))
			json_write_string(writer, name);
	}
	iter = doc_iter_begin(existing);
	while (doc_iter_next(&iter, &name, &value))
		if (doc_get(derived, name).type == VALUE_MISSING)
			json_write_string(writer, name);
	json_write_end(writer);
}

static int begin_line(struct json_writer *writer, struct str *out, const struct backfill *backfill,
	const struct backfill_batch *batch, int64_t number, size_t unit, struct err *err)
{
	json_write_begin(writer, out);
	json_write_object(writer);
	json_member_string(writer, "migration", backfill->id);
	json_member_string(writer, "phase", batch->phase->name);
	if (number > 0) /* a finding is no matter of batches */
		json_member_integer(writer, "batch", number);
	json_member_string(writer, "source", batch->phase->collection);
	return member_doc(writer, "sourceKey", batch->units[unit].key, err);
}

static int conflict_line(const struct backfill *backfill, const struct backfill_batch *batch,
	int64_t number, const struct backfill_derived *derived, struct str *out, struct err *err)
{
	CLEANUP_STR struct str existing = STR_INIT, stable = STR_INIT;
	struct json_writer writer;
	char id[OBJECT_ID_HEX_SIZE];
	int result = begin_line(&writer, out, backfill, batch, number, derived->unit, err);

	json_member_string(&writer, "kind", "conflict");
	json_member_string(&writer, "collection", derived->write->collection);
	object_id_to_hex(derived->id.object_id, id);
	json_member_string(&writer, "id", id);
	json_member_string(&writer, "reason",
		derived->reason != NULL ? derived->reason
					: "a document exists that differs from the derived one");
	if (result == 0 && derived->existing.size > 0) {
		const struct backfill_write *write = derived->write;
		result = backfill_strip(derived->existing, write->volatile_paths,
			write->volatile_count, &existing, err);
		if (result == 0)
			result = backfill_strip(derived->document, write->volatile_paths,
				write->volatile_count, &stable, err);
		if (result != 0)
			return result;
		write_differences(&writer, str_bytes(&stable), str_bytes(&existing));
		result = member_doc(&writer, "existing", derived->existing, err);
	}
	if (result == 0)
		result = member_doc(&writer, "derived", derived->document, err);
	json_write_end(&writer);
	str_append_char(out, '\n');
	return result;
}

static int failure_line(const struct backfill *backfill, const struct backfill_batch *batch,
	int64_t number, const struct backfill_failure *failure, struct str *out, struct err *err)
{
	struct json_writer writer;
	int result = begin_line(&writer, out, backfill, batch, number, failure->unit, err);

	json_member_string(&writer, "kind", "error");
	json_member_string(&writer, "reason", failure->err.message);
	json_write_end(&writer);
	str_append_char(out, '\n');
	return result;
}

static const char *what_is_odd(const struct backfill_finding *finding)
{
	switch (finding->oddity) {
	case ODDITY_MISSING:
		return "it names a document that is not there; derived without it";
	case ODDITY_RING:
		return "the chain from it comes back to it; derived as if it named none";
	default:
		return "the chain from it is longer than is looked at";
	}
}

static int finding_line(const struct backfill *backfill, const struct backfill_batch *batch,
	const struct backfill_finding *finding, struct str *out, struct err *err)
{
	CLEANUP_STR struct str key = STR_INIT;
	struct json_writer writer;
	struct doc_writer doc;
	int result = begin_line(&writer, out, backfill, batch, 0, finding->unit, err);

	if (result != 0)
		return result;
	json_member_string(&writer, "kind", backfill_oddity_name(finding->oddity));
	json_member_string(&writer, "lookup", finding->lookup->as);
	json_member_string(&writer, "collection", finding->lookup->collection);
	doc_write_begin(&doc, &key);
	doc_write_value(&doc, finding->lookup->field, &finding->key);
	doc_write_end(&doc);
	result = str_check(&key, err);
	if (result == 0)
		result = member_doc(&writer, "key", str_bytes(&key), err);
	json_member_string(&writer, "reason", what_is_odd(finding));
	json_write_end(&writer);
	str_append_char(out, '\n');
	return result;
}

int backfill_finding_lines(const struct backfill *backfill, const struct backfill_batch *batch,
	struct str *out, struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < batch->finding_count; i++)
		result = finding_line(backfill, batch, &batch->findings[i], out, err);
	return result == 0 ? str_check(out, err) : result;
}

int backfill_append_lines(const struct step_context *context, const char *name, int64_t *offset,
	struct bytes lines, struct err *err)
{
	CLEANUP_FD int fd =
		openat(context->run_dirfd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

	if (fd < 0 || ftruncate(fd, *offset) != 0 || lseek(fd, *offset, SEEK_SET) != *offset)
		return err_set_errno(err, ERR_DISK, errno, "%s", name);
	int result = fd_write_all(fd, lines, err);
	if (result == 0 && fsync(fd) != 0)
		result = err_set_errno(err, ERR_DISK, errno, "%s", name);
	if (result == 0 && *offset == 0) /* it may be new: its name has to stay, too */
		result = folder_sync(context->run_dirfd, err);
	if (result != 0)
		return err_context(err, "%s", name);
	*offset += (int64_t)lines.size;
	return 0;
}

int backfill_conflict_lines(const struct backfill *backfill, const struct backfill_batch *batch,
	int64_t number, struct str *out, struct err *err)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < batch->derived_count; i++)
		if (batch->derived[i].fate == FATE_CONFLICT)
			result = conflict_line(
				backfill, batch, number, &batch->derived[i], out, err);
	for (size_t i = 0; result == 0 && i < batch->failure_count; i++)
		result = failure_line(backfill, batch, number, &batch->failures[i], out, err);
	return result == 0 ? str_check(out, err) : result;
}
