#include "engine/lease_document.h"

#include <string.h>

#include "base/cleanup.h"

static const char ID[] = "lease";

/* ---- expressions; a string of ours is never taken for the name of a field */

static void write_literal(struct doc_writer *writer, const char *name, const struct value *value)
{
	doc_write_document(writer, name);
	doc_write_value(writer, "$literal", value);
	doc_write_end(writer);
}

static void write_text(struct doc_writer *writer, const char *name, const char *text)
{
	const struct value value = {.type = VALUE_STRING, .bytes = bytes_of_string(text)};

	write_literal(writer, name, &value);
}

static void write_sum(
	struct doc_writer *writer, const char *name, const char *field, int64_t number)
{
	doc_write_document(writer, name);
	doc_write_array(writer, "$add");
	doc_write_string(writer, NULL, field);
	doc_write_int64(writer, NULL, number);
	doc_write_end(writer);
	doc_write_end(writer);
}

static void write_expiry(struct doc_writer *writer, int64_t length)
{
	if (length > 0)
		write_sum(writer, "expires", "$$NOW", length);
	else
		doc_write_date(writer, "expires", 0);
}

/* ---- taking it */

/* Nobody's, expired, this place's, or the one that is to be broken. */
static void write_free(struct doc_writer *writer, const struct lease_self *self)
{
	doc_write_string(writer, "_id", ID);
	doc_write_array(writer, "$or");
	doc_write_document(writer, NULL);
	doc_write_document(writer, "$expr");
	doc_write_array(writer, "$lte");
	doc_write_string(writer, NULL, "$expires");
	doc_write_string(writer, NULL, "$$NOW");
	doc_write_end(writer);
	doc_write_end(writer);
	doc_write_end(writer);
	if (*self->place != '\0') {
		doc_write_document(writer, NULL);
		doc_write_string(writer, "place", self->place);
		doc_write_end(writer);
	}
	if (self->broken >= 0) {
		doc_write_document(writer, NULL);
		doc_write_int64(writer, "token", self->broken);
		doc_write_end(writer);
	}
	doc_write_end(writer);
}

static void write_ours(struct doc_writer *writer, const struct lease_self *self)
{
	static const char *const kept[] = {
		"token", "owner", "host", "command", "place", "pid", "since", "expires", "wait"};
	char field[16];

	doc_write_document(writer, "before");
	for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
		(void)snprintf(field, sizeof field, "$%s", kept[i]);
		doc_write_string(writer, kept[i], field);
	}
	doc_write_end(writer);
	write_sum(writer, "token", "$token", 1);
	write_text(writer, "owner", self->owner);
	write_text(writer, "host", self->host);
	write_text(writer, "command", self->command);
	write_text(writer, "place", self->place);
	doc_write_int64(writer, "pid", self->pid);
	doc_write_string(writer, "since", "$$NOW");
	write_expiry(writer, self->times.length);
	doc_write_int64(writer, "wait", self->times.write_time + self->times.margin);
}

static int ask(struct mongo *mongo, const struct str *command, struct str *reply,
	struct mongo_refusal *refusal, struct err *err)
{
	int rc = str_check(command, err);

	if (rc == 0)
		rc = mongo_command(mongo, str_bytes(command), reply, refusal, err);
	return rc < 0 ? err_context(err, "the lease") : 0;
}

/* Appends the first document that the pipeline gives; nothing if it gives none. */
static int first_of(
	struct mongo *mongo, const struct str *pipeline, struct str *doc, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	struct bytes found;
	int rc = str_check(pipeline, err);

	if (rc == 0)
		rc = mongo_aggregate(
			mongo, MONGO_OWN_COLLECTION, str_bytes(pipeline), &cursor, err);
	if (rc == 0)
		rc = mongo_cursor_next(cursor, &found, err);
	if (rc < 0)
		return err_context(err, "the lease");
	if (rc == 1)
		str_append(doc, found.data, found.size);
	return str_check(doc, err);
}

/* Of what earlier owners left (ledger_step.c), 0: nothing. */
static int highest_token(struct mongo *mongo, int64_t *ret_token, struct err *err)
{
	CLEANUP_STR struct str pipeline = STR_INIT, found = STR_INIT;
	struct doc_writer writer;
	int64_t token = 0;

	doc_write_begin(&writer, &pipeline);
	writer.is_array[0] = true;
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "$group");
	doc_write_null(&writer, "_id");
	doc_write_document(&writer, "token");
	doc_write_string(&writer, "$max", "$token");
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int rc = first_of(mongo, &pipeline, &found, err);
	if (rc < 0)
		return rc;
	if (found.size > 0)
		(void)doc_get_integer(str_bytes(&found), "token", &token);
	*ret_token = token > 0 ? token : 0;
	return 0;
}

/* 11000: another was faster, which is as good. Somebody may have deleted the document, to be rid of
 * a lease: the token goes on from what it was all the same. */
static int insert_first(struct mongo *mongo, struct err *err)
{
	int64_t token = 0;
	int rc = highest_token(mongo, &token, err);

	if (rc < 0)
		return rc;
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "insert", MONGO_OWN_COLLECTION);
	doc_write_array(&writer, "documents");
	doc_write_document(&writer, NULL);
	doc_write_string(&writer, "_id", ID);
	doc_write_int64(&writer, "token", token);
	doc_write_date(&writer, "expires", 0);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	struct mongo_refusal refusal = {0};
	rc = ask(mongo, &command, &reply, &refusal, err);
	return rc < 0 && refusal.code == 11000 ? 0 : rc;
}

static int find_and_modify(struct mongo *mongo, const struct lease_self *self, struct str *doc,
	bool *ret_taken, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct mongo_refusal refusal;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "findAndModify", MONGO_OWN_COLLECTION);
	doc_write_document(&writer, "query");
	write_free(&writer, self);
	doc_write_end(&writer);
	doc_write_array(&writer, "update");
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "$set");
	write_ours(&writer, self);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_bool(&writer, "new", true);
	doc_write_end(&writer);
	int rc = ask(mongo, &command, &reply, &refusal, err);
	if (rc < 0)
		return rc;
	struct value value = doc_get(str_bytes(&reply), "value");
	*ret_taken = value.type == VALUE_DOCUMENT;
	if (*ret_taken)
		str_append(doc, value.bytes.data, value.bytes.size);
	return str_check(doc, err);
}

int lease_document_take(struct mongo *mongo, const struct lease_self *self, struct str *doc,
	bool *ret_taken, struct err *err)
{
	CLEANUP_STR struct str there = STR_INIT;
	int rc = lease_look(mongo, &there, err);

	if (rc == 0 && there.size == 0)
		rc = insert_first(mongo, err);
	return rc < 0 ? rc : find_and_modify(mongo, self, doc, ret_taken, err);
}

/* ---- keeping it */

static void write_renewal(struct doc_writer *writer, int64_t length, struct bytes fields)
{
	struct value value;
	const char *name;

	doc_write_document(writer, "$set");
	write_expiry(writer, length);
	if (fields.size > 0) {
		struct doc_iter iter = doc_iter_begin(fields);
		while (doc_iter_next(&iter, &name, &value))
			write_literal(writer, name, &value);
	}
	doc_write_end(writer);
}

int lease_document_renew(struct mongo *mongo, int64_t token, int64_t length, struct bytes fields,
	bool *ret_ours, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct mongo_refusal refusal;
	struct doc_writer writer;
	int64_t count = 0;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "update", MONGO_OWN_COLLECTION);
	doc_write_array(&writer, "updates");
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "q");
	doc_write_string(&writer, "_id", ID);
	doc_write_int64(&writer, "token", token);
	doc_write_end(&writer);
	doc_write_array(&writer, "u");
	doc_write_document(&writer, NULL);
	write_renewal(&writer, length, fields);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	int rc = ask(mongo, &command, &reply, &refusal, err);
	if (rc < 0)
		return rc;
	if (!doc_get_integer(str_bytes(&reply), "n", &count))
		return err_set(err, ERR_DATABASE_LOST, "the lease: an answer without a count");
	*ret_ours = count == 1;
	return 0;
}

/* ---- looking at it */

int lease_look(struct mongo *mongo, struct str *doc, struct err *err)
{
	CLEANUP_STR struct str pipeline = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &pipeline);
	writer.is_array[0] = true;
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "$match");
	doc_write_string(&writer, "_id", ID);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_document(&writer, NULL);
	doc_write_document(&writer, "$addFields");
	doc_write_string(&writer, "now", "$$NOW");
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	return first_of(mongo, &pipeline, doc, err);
}

static int64_t date_of(struct bytes doc, const char *name)
{
	struct value value = doc_get(doc, name);

	return value.type == VALUE_DATE ? value.int64 : 0;
}

static int take_text(
	struct bytes doc, const char *name, struct arena *arena, const char **ret, struct err *err)
{
	const char *text = doc_get_string(doc, name);

	*ret = arena_string(arena, text == NULL ? "" : text);
	return *ret == NULL ? err_no_memory(err) : 0;
}

int lease_holder_read(
	struct bytes doc, struct arena *arena, struct lease_holder *ret_holder, struct err *err)
{
	struct lease_holder holder = {.owner = "", .host = "", .command = "", .place = ""};
	const struct {
		const char *name;
		const char **text;
	} texts[] = {{"owner", &holder.owner}, {"host", &holder.host}, {"command", &holder.command},
		{"place", &holder.place}};

	for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
		int rc = take_text(doc, texts[i].name, arena, texts[i].text, err);
		if (rc < 0)
			return rc;
	}
	if (!doc_get_integer(doc, "token", &holder.token) || holder.token < 0)
		return err_set(err, ERR_JOURNAL,
			MONGO_OWN_COLLECTION ": the lease has no token: somebody has changed it");
	(void)doc_get_integer(doc, "pid", &holder.pid);
	(void)doc_get_integer(doc, "wait", &holder.wait);
	holder.since = date_of(doc, "since");
	holder.expires = date_of(doc, "expires");
	holder.now = date_of(doc, "now");
	*ret_holder = holder;
	return 0;
}
