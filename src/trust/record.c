#include "trust/record.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "json/json_write.h"
#include "text/text.h"

enum { NAME_SIZE = 64, FILE_SIZE_MAX = 16 * 1024 };

static int write_file(int trust_dirfd, const char *name, struct str *text, struct err *err)
{
	str_append_char(text, '\n');
	int status = str_check(text, err);

	if (status == 0)
		status = file_write_durable_at(trust_dirfd, name, str_bytes(text), 0600, err);
	if (status < 0 && err->code != ERR_NO_MEMORY) {
		(void)err_recode(err, ERR_STATE_FOLDER);
		return err_context(err, "the state's trust folder");
	}
	return status;
}

/* Cut where a character begins; a path may have any octets, and the writer minds those. */
static void member_text(struct json_writer *json, const char *name, const char *text)
{
	const struct bytes octets = bytes_of_string(text);
	size_t end = 0;

	while (end < octets.size) {
		uint32_t character;
		size_t step = utf8_next(octets, end, &character);
		if (end + (step > 0 ? step : 1) > RECORD_TEXT_MAX)
			break;
		end += step > 0 ? step : 1;
	}
	json_write_name(json, name);
	json_write_string_n(json, text, end);
}

static void member_digest(struct json_writer *json, const char *name, const struct sha256 *digest)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	json_member_string(json, name, hex);
}

static void root_name(const struct trust_root *root, char name[static NAME_SIZE])
{
	(void)snprintf(name, NAME_SIZE, "%lld.kept.json", (long long)trust_root_version(root));
}

int root_record_write(int trust_dirfd, const struct trust_root *root, int64_t now,
	const char *source, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer json;
	char name[NAME_SIZE];

	root_name(root, name);
	json_write_begin(&json, &text);
	json_write_object(&json);
	json_member_integer(&json, "version", trust_root_version(root));
	member_digest(&json, "digest", trust_root_digest(root));
	json_member_time(&json, "kept", now);
	member_text(&json, "source", source);
	json_write_end(&json);
	return write_file(trust_dirfd, name, &text, err);
}

static void reset_name(size_t number, char name[static NAME_SIZE])
{
	(void)snprintf(name, NAME_SIZE, "reset-%zu.json", number);
}

/* 0 and NULL if there is no such file. */
static int read_file(int trust_dirfd, const char *name, struct json_doc **ret_doc, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct err read_error;
	int status = file_read_at(trust_dirfd, name, FILE_SIZE_MAX, &text, &read_error);

	if (status == -ERR_NOT_FOUND) {
		*ret_doc = NULL;
		return 0;
	}
	if (status == 0)
		status =
			json_parse(str_bytes(&text), JSON_LIMITS(FILE_SIZE_MAX), &doc, &read_error);
	if (status < 0) {
		*err = read_error;
		return status;
	}
	*ret_doc = STEAL(doc);
	return 0;
}

static int damaged(const char *name, struct err *err)
{
	if (err->code == ERR_NO_MEMORY)
		return -ERR_NO_MEMORY;
	(void)err_recode(err, ERR_STATE_FOLDER);
	return err_context(err, "the state's trust/%s", name);
}

static int read_time(const struct json *object, const char *name, int64_t *ret, struct err *err)
{
	const char *text = NULL;
	int status = json_optional_string(object, name, RFC3339_SIZE, &text, err);

	if (status < 0 || text == NULL)
		return status;
	return time_parse(text, ret, err);
}

static int copy_text(const struct json *object, const char *name, struct arena *arena,
	const char **ret_text, struct err *err)
{
	const char *text;
	int status = json_need_string(object, name, FILE_SIZE_MAX, &text, err);

	if (status < 0)
		return status;
	*ret_text = arena_string(arena, text);
	return *ret_text == NULL ? err_no_memory(err) : 0;
}

static int parse_root(const struct json *object, const struct trust_root *root, struct arena *arena,
	struct root_record *record, struct err *err)
{
	char hex[SHA256_HEX_SIZE];
	const char *digest;
	int status = json_need_string(object, "digest", SHA256_HEX_SIZE, &digest, err);

	if (status < 0)
		return status;
	sha256_to_hex(trust_root_digest(root), hex);
	if (strcmp(digest, hex) != 0)
		return 0;
	if ((status = read_time(object, "kept", &record->kept, err)) < 0)
		return status;
	return copy_text(object, "source", arena, &record->source, err);
}

int root_record_read(int trust_dirfd, const struct trust_root *root, struct arena *arena,
	struct root_record *ret_record, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct root_record record = {INT64_MIN, ""};
	char name[NAME_SIZE];

	root_name(root, name);
	if (read_file(trust_dirfd, name, &doc, err) < 0 ||
		(doc != NULL && parse_root(json_root(doc), root, arena, &record, err) < 0))
		return damaged(name, err);
	*ret_record = record;
	return 0;
}

static int parse_reset(const struct json *object, struct arena *arena, struct reset_record *record,
	struct err *err)
{
	int status;

	*record = (struct reset_record){INT64_MIN, "", INT64_MIN, INT64_MIN};
	if ((status = read_time(object, "reset", &record->reset, err)) < 0 ||
		(status = read_time(object, "from", &record->from, err)) < 0 ||
		(status = read_time(object, "to", &record->to, err)) < 0)
		return status;
	return copy_text(object, "reason", arena, &record->reason, err);
}

static int read_reset(int trust_dirfd, size_t number, struct arena *arena,
	struct reset_record *record, bool *ret_found, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	char name[NAME_SIZE];

	reset_name(number, name);
	if (read_file(trust_dirfd, name, &doc, err) < 0 ||
		(doc != NULL && parse_reset(json_root(doc), arena, record, err) < 0))
		return damaged(name, err);
	*ret_found = doc != NULL;
	return 0;
}

int reset_records_read(int trust_dirfd, struct arena *arena, struct reset_record **ret_records,
	size_t *ret_count, struct err *err)
{
	struct reset_record *records = NULL;
	size_t count = 0, room = 0;

	for (;; count++) {
		struct reset_record record;
		bool found = false;
		int status = read_reset(trust_dirfd, count + 1, arena, &record, &found, err);
		if (status < 0)
			return status;
		if (!found)
			break;
		if (count == room) {
			struct reset_record *more =
				arena_array(arena, room = room * 2 + 4, sizeof *more);
			if (more == NULL)
				return err_no_memory(err);
			if (count > 0)
				memcpy(more, records, count * sizeof *more);
			records = more;
		}
		records[count] = record;
	}
	*ret_records = records;
	*ret_count = count;
	return 0;
}

static void member_known_time(struct json_writer *json, const char *name, int64_t time)
{
	if (time != INT64_MIN)
		json_member_time(json, name, time);
}

int reset_record_write(int trust_dirfd, const struct reset_record *record, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct reset_record *before;
	struct json_writer json;
	char name[NAME_SIZE];
	size_t count;
	int status = reset_records_read(trust_dirfd, &arena, &before, &count, err);

	if (status < 0)
		return status;
	if (count >= RECORD_RESETS_MAX)
		return err_set(err, ERR_STATE_FOLDER, "the time was reset %zu times", count);
	reset_name(count + 1, name);
	json_write_begin(&json, &text);
	json_write_object(&json);
	member_known_time(&json, "reset", record->reset);
	member_text(&json, "reason", record->reason);
	member_known_time(&json, "from", record->from);
	member_known_time(&json, "to", record->to);
	json_write_end(&json);
	return write_file(trust_dirfd, name, &text, err);
}
