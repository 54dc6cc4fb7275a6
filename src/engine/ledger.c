#include "engine/ledger.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "text/text.h"

/* ---- reading */

static struct bytes document_at(struct bytes doc, const char *name, enum value_type type)
{
	struct value value = doc.size == 0 ? (struct value){VALUE_MISSING} : doc_get(doc, name);

	return value.type == type ? value.bytes : bytes_make(NULL, 0);
}

static const char *text_at(struct bytes doc, const char *name)
{
	const char *text = doc.size == 0 ? NULL : doc_get_string(doc, name);

	return text == NULL ? "" : text;
}

static int64_t number_at(struct bytes doc, const char *name)
{
	int64_t number = 0;

	return doc.size > 0 && doc_get_integer(doc, name, &number) && number > 0 ? number : 0;
}

int ledger_read(
	struct bytes untrusted_doc, struct arena *arena, struct ledger *ret_ledger, struct err *err)
{
	struct ledger ledger = {
		.run = "", .state = "", .host = "", .state_dir = "", .target = "", .kit_id = ""};

	if (untrusted_doc.size == 0) {
		*ret_ledger = ledger;
		return 0;
	}
	ledger.doc = arena_bytes(arena, untrusted_doc);
	if (ledger.doc.data == NULL)
		return err_no_memory(err);
	struct bytes run = document_at(ledger.doc, "run", VALUE_DOCUMENT);
	const char *hash = text_at(run, "hash");
	ledger.run = text_at(run, "id");
	ledger.known = *ledger.run != '\0';
	ledger.state = text_at(run, "state");
	ledger.host = text_at(run, "host");
	ledger.state_dir = text_at(run, "stateDir");
	ledger.target = text_at(run, "rollback");
	ledger.kit_id = text_at(document_at(run, "kit", VALUE_DOCUMENT), "id");
	ledger.head.seq = number_at(run, "seq");
	ledger.root = number_at(ledger.doc, "root");
	if (ledger.known && (ledger.head.seq == 0 || strlen(hash) != SHA256_HEX_SIZE - 1))
		return err_set(err, ERR_JOURNAL,
			MONGO_OWN_COLLECTION ": what it says of the last run is damaged");
	if (ledger.known)
		memcpy(ledger.head.hash, hash, SHA256_HEX_SIZE);
	*ret_ledger = ledger;
	return 0;
}

bool ledger_is_open(const struct ledger *ledger)
{
	return ledger->known && strcmp(ledger->state, "open") == 0;
}

int64_t ledger_sequence(const struct ledger *ledger, const char *kit_name, const char **ret_version)
{
	struct doc_iter iter = doc_iter_begin(document_at(ledger->doc, "kits", VALUE_ARRAY));
	struct value value;
	const char *name;

	*ret_version = "";
	while (iter.doc.size > 0 && doc_iter_next(&iter, &name, &value)) {
		if (value.type != VALUE_DOCUMENT ||
			strcmp(text_at(value.bytes, "name"), kit_name) != 0)
			continue;
		*ret_version = text_at(value.bytes, "version");
		return number_at(value.bytes, "sequence");
	}
	return 0;
}

static int behind(const struct ledger *ledger, const struct ledger_view *view, const char *what,
	struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	str_append_text(&text, "the database knows run ");
	text_escape(&text, bytes_of_string(ledger->run), 64);
	str_append_text(&text, " of host ");
	text_escape(&text, bytes_of_string(ledger->host), 128);
	str_append_text(&text, ", state folder ");
	text_escape(&text, bytes_of_string(ledger->state_dir), 200);
	str_append_format(&text, ", with %lld events; ", (long long)ledger->head.seq);
	text_escape(&text, bytes_of_string(view->state_dir), 200);
	return err_set(err, ERR_STATE_BEHIND, "%s %s", str_text(&text), what);
}

int ledger_judge(const struct ledger *ledger, const struct ledger_view *view, struct err *err)
{
	CLEANUP_STR struct str what = STR_INIT;

	if (!ledger->known)
		return 0;
	if (!view->found)
		return behind(ledger, view, "does not have that run", err);
	if (view->seq < ledger->head.seq) {
		str_append_format(
			&what, "has %lld of them: it is an older copy", (long long)view->seq);
		return behind(ledger, view, str_text(&what), err);
	}
	if (strcmp(view->hash, ledger->head.hash) == 0)
		return 0;
	str_append_format(&what, "has another one under the number %lld: the run went on elsewhere",
		(long long)ledger->head.seq);
	return behind(ledger, view, str_text(&what), err);
}

/* ---- writing */

static void write_former(struct doc_writer *writer, const struct ledger *ledger, const char *run_id)
{
	struct bytes run = document_at(ledger->doc, "run", VALUE_DOCUMENT);
	struct doc_iter iter = doc_iter_begin(document_at(ledger->doc, "former", VALUE_ARRAY));
	struct value value;
	const char *name;
	size_t count = 0;

	doc_write_array(writer, "former");
	if (ledger->known && strcmp(ledger->run, run_id) != 0) {
		doc_write_raw(writer, NULL, run);
		count++;
	}
	while (iter.doc.size > 0 && count < LEDGER_FORMER_MAX &&
		doc_iter_next(&iter, &name, &value)) {
		if (value.type != VALUE_DOCUMENT)
			continue;
		doc_write_raw(writer, NULL, value.bytes);
		count++;
	}
	doc_write_end(writer);
}

static void write_kits(
	struct doc_writer *writer, const struct ledger *ledger, const struct ledger_run *run)
{
	struct doc_iter iter = doc_iter_begin(document_at(ledger->doc, "kits", VALUE_ARRAY));
	const char *version, *name;
	int64_t sequence = ledger_sequence(ledger, run->kit_name, &version);
	bool newer = run->kit_sequence >= sequence;
	struct value value;
	size_t count = 0;

	doc_write_array(writer, "kits");
	doc_write_document(writer, NULL);
	doc_write_string(writer, "name", run->kit_name);
	doc_write_string(writer, "version", newer ? run->kit_version : version);
	doc_write_int64(writer, "sequence", newer ? run->kit_sequence : sequence);
	doc_write_end(writer);
	while (iter.doc.size > 0 && ++count < LEDGER_KITS_MAX &&
		doc_iter_next(&iter, &name, &value))
		if (value.type == VALUE_DOCUMENT &&
			strcmp(text_at(value.bytes, "name"), run->kit_name) != 0)
			doc_write_raw(writer, NULL, value.bytes);
	doc_write_end(writer);
}

int ledger_write_run(
	const struct ledger *ledger, const struct ledger_run *run, struct str *out, struct err *err)
{
	const struct value marks = {.type = VALUE_ARRAY, .bytes = run->marks};
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_document(&writer, "run");
	doc_write_string(&writer, "id", run->id);
	doc_write_string(&writer, "state", run->state);
	doc_write_string(&writer, "host", run->host);
	doc_write_string(&writer, "stateDir", run->state_dir);
	doc_write_string(&writer, "rollback", run->target);
	doc_write_int64(&writer, "seq", run->head->seq);
	doc_write_string(&writer, "hash", run->head->hash);
	doc_write_document(&writer, "kit");
	doc_write_string(&writer, "id", run->kit_id);
	doc_write_string(&writer, "name", run->kit_name);
	doc_write_string(&writer, "version", run->kit_version);
	doc_write_int64(&writer, "sequence", run->kit_sequence);
	doc_write_end(&writer);
	doc_write_value(&writer, "marks", &marks);
	doc_write_end(&writer);
	write_former(&writer, ledger, run->id);
	write_kits(&writer, ledger, run);
	doc_write_int64(&writer, "root", run->root > ledger->root ? run->root : ledger->root);
	doc_write_end(&writer);
	return str_check(out, err);
}

int ledger_write_head(const struct ledger_run *run, struct str *out, struct err *err)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_string(&writer, "run.state", run->state);
	doc_write_string(&writer, "run.rollback", run->target);
	doc_write_int64(&writer, "run.seq", run->head->seq);
	doc_write_string(&writer, "run.hash", run->head->hash);
	doc_write_end(&writer);
	return str_check(out, err);
}

/* ---- stragglers */

struct search {
	struct mongo *mongo;
	void (*found)(void *argument, const char *run, const struct mark *mark, int64_t count);
	void *argument;
};

static int search_run(const struct search *search, struct bytes run, struct err *err)
{
	struct doc_iter iter = doc_iter_begin(document_at(run, "marks", VALUE_ARRAY));
	const char *id = text_at(run, "id"), *name;
	struct value value;

	if (strcmp(text_at(run, "state"), "undone") != 0 || *id == '\0')
		return 0;
	while (iter.doc.size > 0 && doc_iter_next(&iter, &name, &value)) {
		if (value.type != VALUE_DOCUMENT)
			continue;
		const struct mark mark = {
			text_at(value.bytes, "collection"), text_at(value.bytes, "path")};
		int64_t count = 0;
		if (*mark.collection == '\0' || *mark.path == '\0' || *mark.path == '$')
			continue;
		int rc = mark_count(search->mongo, &mark, id, &count, err);
		if (rc < 0)
			return rc;
		if (count > 0)
			search->found(search->argument, id, &mark, count);
	}
	return 0;
}

int ledger_stragglers(const struct ledger *ledger, struct mongo *mongo,
	void (*found)(void *argument, const char *run, const struct mark *mark, int64_t count),
	void *argument, struct err *err)
{
	const struct search search = {mongo, found, argument};
	struct doc_iter iter = doc_iter_begin(document_at(ledger->doc, "former", VALUE_ARRAY));
	int rc = search_run(&search, document_at(ledger->doc, "run", VALUE_DOCUMENT), err);
	struct value value;
	const char *name;

	while (rc == 0 && iter.doc.size > 0 && doc_iter_next(&iter, &name, &value))
		if (value.type == VALUE_DOCUMENT)
			rc = search_run(&search, value.bytes, err);
	return rc;
}
