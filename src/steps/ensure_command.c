#include "steps/ensure_command.h"

#include <string.h>

#include "base/cleanup.h"
#include "steps/backup_files.h"

static bool is_one_of(int code, const int *codes)
{
	for (; *codes != 0; codes++)
		if (code == *codes)
			return true;
	return false;
}

int ensure_run(const struct step_context *context, const struct str *command, const int *accepted,
	struct mongo_refusal *refusal, struct err *err)
{
	CLEANUP_STR struct str reply = STR_INIT;
	struct err failed;
	int rc = str_check(command, err);

	*refusal = (struct mongo_refusal){0};
	if (rc < 0)
		return rc;
	rc = mongo_command(context->mongo, str_bytes(command), &reply, refusal, &failed);
	if (rc < 0 && is_one_of(refusal->code, accepted)) {
		*refusal = (struct mongo_refusal){0};
		return 0;
	}
	if (rc < 0)
		*err = failed;
	return rc;
}

int ensure_validate(const struct step_context *context, const char *collection,
	struct bytes validator, const char *level, const char *action,
	struct mongo_refusal *refusal, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "collMod", collection);
	if (validator.size > 0) {
		doc_write_raw(&writer, "validator", validator);
	} else {
		doc_write_document(&writer, "validator");
		doc_write_end(&writer);
	}
	doc_write_string(&writer, "validationLevel", level);
	doc_write_string(&writer, "validationAction", action);
	doc_write_end(&writer);
	return ensure_run(context, &command, (const int[]){0}, refusal, err);
}

int ensure_expire(const struct step_context *context, const char *collection, const char *index,
	const struct value *seconds, struct mongo_refusal *refusal, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "collMod", collection);
	doc_write_document(&writer, "index");
	doc_write_string(&writer, "name", index);
	doc_write_value(&writer, "expireAfterSeconds", seconds);
	doc_write_end(&writer);
	doc_write_end(&writer);
	return ensure_run(context, &command, (const int[]){0}, refusal, err);
}

int ensure_build(const struct step_context *context, const char *collection, struct bytes spec,
	struct mongo_refusal *refusal, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "createIndexes", collection);
	doc_write_array(&writer, "indexes");
	doc_write_raw(&writer, NULL, spec);
	doc_write_end(&writer);
	doc_write_end(&writer);
	return ensure_run(
		context, &command, (const int[]){SERVER_INDEX_ALREADY_EXISTS, 0}, refusal, err);
}

int ensure_restore_index(const struct step_context *context, const char *collection,
	struct bytes listed, struct mongo_refusal *refusal, struct err *err)
{
	CLEANUP_STR struct str spec = STR_INIT;
	struct doc_iter iter = doc_iter_begin(listed);
	struct doc_writer writer;
	struct value value;
	const char *name;

	doc_write_begin(&writer, &spec);
	while (doc_iter_next(&iter, &name, &value))
		if (!backup_is_servers_field(name, &value) && strcmp(name, "background") != 0)
			doc_write_value(&writer, name, &value);
	doc_write_end(&writer);
	int rc = str_check(&spec, err);
	return rc < 0 ? rc : ensure_build(context, collection, str_bytes(&spec), refusal, err);
}

int ensure_drop_index(const struct step_context *context, const char *collection, const char *index,
	struct mongo_refusal *refusal, struct err *err)
{
	static const int gone[] = {SERVER_INDEX_NOT_FOUND, SERVER_NAMESPACE_NOT_FOUND, 0};
	CLEANUP_STR struct str command = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_string(&writer, "dropIndexes", collection);
	doc_write_string(&writer, "index", index);
	doc_write_end(&writer);
	return ensure_run(context, &command, gone, refusal, err);
}
