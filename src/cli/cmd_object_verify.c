/*
 * offkit object verify [STORE]: re-hash an object store, name what is wrong in it, and with
 * --pointers look whether each pointer has its object. Changes nothing.
 */
#include "base/cleanup.h"
#include "cli/commands.h"
#include "cli/session.h"
#include "cli/stop.h"
#include "object/folder.h"
#include "object/open.h"
#include "steps/object_verify.h"
#include "text/text.h"

struct object_verify_values {
	const char *pointers;
	int64_t workers; /* 0: not given */
};

static const struct option options[] = {
	OPTION_ROW_TEXT("pointers", 0, "COLLECTION", struct object_verify_values, pointers,
		"each pointer in this collection of the site's database must have its object"),
	OPTION_ROW_INTEGER("workers", 0, "N", 1, 32, struct object_verify_values, workers,
		"objects that are read at once (by the number of cores)"),
	OPTION_END,
};

/* ---- what is said */

static void show_json(struct face *face, const char *store, const struct object_verified *verified)
{
	struct json_writer writer;

	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "store", store);
	json_member_bool(&writer, "good", verified->wrong == 0);
	json_member_integer(&writer, "objects", verified->objects);
	json_member_integer(&writer, "octets", verified->octets);
	if (verified->pointers >= 0)
		json_member_integer(&writer, "pointers", verified->pointers);
	json_member_object(&writer, "counts");
	for (enum object_fault i = 0; i < OBJECT_FAULTS; i++)
		json_member_integer(&writer, object_fault_name(i), verified->counts[i]);
	json_write_end(&writer);
	json_member_array(&writer, "findings");
	for (size_t i = 0; i < verified->finding_count; i++) {
		const struct object_finding *finding = &verified->findings[i];
		CLEANUP_STR struct str key = STR_INIT, text = STR_INIT;
		/* A file's name may be any octets. */
		text_escape(&key, bytes_of_string(finding->key), 0);
		text_escape(&text, bytes_of_string(finding->text), 0);
		json_write_object(&writer);
		json_member_string(&writer, "fault", object_fault_name(finding->fault));
		json_member_bool(&writer, "wrong", object_fault_is_wrong(finding->fault));
		json_member_string(&writer, "key", str_text(&key));
		json_member_string(&writer, "text", str_text(&text));
		json_write_end(&writer);
	}
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static void show_text(struct face *face, const char *store, const struct object_verified *verified)
{
	CLEANUP_STR struct str name = STR_INIT, objects = STR_INIT;
	struct str *out = &face->result;
	char size[TEXT_SIZE_SIZE];

	text_escape(&name, bytes_of_string(store), 0);
	message_append(out, face->language, MSG_OBJECT_STORE, str_text(&name));
	str_append_format(
		out, "\n%s ", face_sign(face, verified->wrong == 0 ? SIGN_GOOD : SIGN_NONE));
	message_append_count(
		&objects, face->language, verified->objects, MSG_ONE_OBJECT, MSG_SOME_OBJECTS);
	message_append(out, face->language, MSG_OBJECTS_GOOD, str_text(&objects),
		text_size((uint64_t)verified->octets, size));
	str_append_format(out, "\n%s ", face_sign(face, SIGN_NONE));
	if (verified->pointers >= 0)
		message_append_count(out, face->language, verified->pointers,
			MSG_ONE_POINTER_LOOKED_AT, MSG_SOME_POINTERS_LOOKED_AT);
	else
		str_append_text(out, face_text(face, MSG_NO_POINTERS_LOOKED_AT));
	str_append_char(out, '\n');
	for (size_t i = 0; i < verified->finding_count; i++) {
		const struct object_finding *finding = &verified->findings[i];
		str_append_format(out, "%s %-10s ",
			face_sign(
				face, object_fault_is_wrong(finding->fault) ? SIGN_BAD : SIGN_WARN),
			object_fault_name(finding->fault));
		text_escape(out, bytes_of_string(finding->key), 0);
		str_append_text(out, ": ");
		text_escape(
			out, bytes_of_string(message_of_record(face->language, finding->text)), 0);
		str_append_char(out, '\n');
	}
}

static int judge(struct face *face, const struct object_verified *verified, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	if (verified->wrong == 0)
		return 0;
	for (enum object_fault i = 0; i < OBJECT_FAULTS; i++)
		if (verified->counts[i] > 0 && object_fault_is_wrong(i))
			str_append_format(&text, "%s%lld %s", text.size == 0 ? "" : ", ",
				(long long)verified->counts[i], object_fault_name(i));
	int rc = str_check(&text, err);
	face->result_tells = true;
	return rc < 0 ? rc : err_set(err, ERR_OBJECTS, "%s", str_text(&text));
}

/* ---- the work */

static void tell(void *self, int64_t octets, int64_t total)
{
	face_progress(self, face_text(self, MSG_OBJECTS), (uint64_t)octets, (uint64_t)total);
}

static bool stop_requested(void *self)
{
	(void)self;
	return stop_wanted();
}

static int verify(struct face *face, struct object_store *store, struct mongo *mongo,
	const struct object_verify_values *given, struct err *err)
{
	const struct object_verify verify = {
		.store = store,
		.mongo = mongo,
		.pointers = given->pointers,
		.workers = given->workers,
		.self = face,
		.tell = tell,
		.stop_requested = stop_requested,
	};
	struct object_verified verified;

	stop_watch();
	int rc = object_verify_run(&verify, &face->arena, &verified, err);
	face_progress_end(face);
	if (rc == -ERR_STOPPED)
		return err_set(err, ERR_CANCELLED, "before every object was read");
	if (rc < 0)
		return rc;
	if (face->json)
		show_json(face, object_store_name(store), &verified);
	else
		show_text(face, object_store_name(store), &verified);
	return judge(face, &verified, err);
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(session_release) struct session session = SESSION_INIT;
	CLEANUP(object_store_cleanup) struct object_store *store = NULL;
	const struct object_verify_values *given = values;
	struct mongo *mongo = NULL;
	int rc = 0;

	if (operand_count == 0 || given->pointers != NULL)
		rc = session_open(face, "object verify", SESSION_READS, NULL, &session, err);
	if (rc == 0)
		rc = operand_count > 0 ? object_folder_open_there(operands[0], &store, err)
				       : object_store_open_there(&session.site, &store, err);
	if (rc == 0 && given->pointers != NULL)
		rc = mongo_connect(session.site.uri, session.site.database, &mongo, err);
	if (rc == 0)
		rc = verify(face, store, mongo, given, err);
	mongo_close(mongo);
	return rc;
}

const struct command command_object_verify = {
	.name = "object verify",
	.synopsis = "[STORE]",
	.summary = "re-hash an object store",
	.options = options,
	.values_size = sizeof(struct object_verify_values),
	.operands_max = 1,
	.run = run,
};
