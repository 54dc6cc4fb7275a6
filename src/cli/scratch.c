#include "cli/scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

enum { RECORD_SIZE_MAX = 16 * 1024, RANDOM_SIZE = 8 };

static const char SUFFIX[] = ".json";

static int make_name(char name[static SCRATCH_NAME_SIZE], struct err *err)
{
	unsigned char random[RANDOM_SIZE];
	size_t size = strlen(SCRATCH_PREFIX);

	if (getrandom(random, sizeof random, 0) != (ssize_t)sizeof random)
		return err_set_errno(err, ERR_INTERNAL, errno, "getrandom");
	memcpy(name, SCRATCH_PREFIX, size);
	for (size_t i = 0; i < sizeof random; i++, size += 2)
		(void)snprintf(name + size, 3, "%02x", random[i]);
	return 0;
}

/* The name of a record: *name is the database's. */
static bool is_record(const char *file, char name[static SCRATCH_NAME_SIZE])
{
	const size_t size = SCRATCH_NAME_SIZE - 1;

	if (strlen(file) != size + strlen(SUFFIX) || strcmp(file + size, SUFFIX) != 0 ||
		strncmp(file, SCRATCH_PREFIX, strlen(SCRATCH_PREFIX)) != 0)
		return false;
	memcpy(name, file, size);
	name[size] = '\0';
	return strspn(name + strlen(SCRATCH_PREFIX), "0123456789abcdef") == 2 * RANDOM_SIZE;
}

static int record(struct scratch *scratch, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT, file = STR_INIT, server = STR_INIT;
	struct json_writer writer;

	mongo_uri_redact(scratch->uri, &server);
	int rc = str_check(&server, err);
	if (rc < 0)
		return rc;
	json_write_begin(&writer, &text);
	json_write_object(&writer);
	json_member_string(&writer, "database", scratch->name);
	json_member_string(&writer, "server", str_text(&server));
	json_member_time(&writer, "time", clock_now());
	json_write_end(&writer);
	str_append_char(&text, '\n');
	str_append_format(&file, "%s%s", scratch->name, SUFFIX);
	rc = str_check(&text, err);
	if (rc == 0)
		rc = str_check(&file, err);
	if (rc == 0)
		rc = file_write_durable_at(
			scratch->dirfd, str_text(&file), str_bytes(&text), 0600, err);
	if (rc == 0)
		scratch->recorded = true;
	return rc;
}

static int remove_record(const struct scratch *scratch, const char *name, struct err *err)
{
	CLEANUP_STR struct str file = STR_INIT;

	str_append_format(&file, "%s%s", name, SUFFIX);
	int rc = str_check(&file, err);
	if (rc == 0 && unlinkat(scratch->dirfd, str_text(&file), 0) != 0 && errno != ENOENT)
		rc = err_set_errno(err, ERR_STATE_FOLDER, errno, "%s", str_text(&file));
	return rc < 0 ? rc : folder_sync(scratch->dirfd, err);
}

static int drop(const struct scratch *scratch, struct mongo *mongo, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct doc_writer writer;

	if (strcmp(mongo_database(mongo), scratch->spared) == 0)
		return err_set(err, ERR_INTERNAL, "%s is the site's database", scratch->spared);
	doc_write_begin(&writer, &command);
	doc_write_int32(&writer, "dropDatabase", 1);
	doc_write_end(&writer);
	int rc = str_check(&command, err);
	return rc < 0 ? rc : mongo_command(mongo, str_bytes(&command), &reply, NULL, err);
}

/* ---- of rehearsals that were killed */

static int is_here(struct scratch *scratch, const char *file, bool *ret_here, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT, server = STR_INIT;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const char *its = "?";
	int rc = file_read_at(scratch->dirfd, file, RECORD_SIZE_MAX, &text, err);

	mongo_uri_redact(scratch->uri, &server);
	if (rc == 0)
		rc = str_check(&server, err);
	if (rc == 0)
		rc = json_parse(str_bytes(&text), JSON_LIMITS(RECORD_SIZE_MAX), &doc, err);
	if (rc == 0)
		rc = json_need_string(json_root(doc), "server", RECORD_SIZE_MAX, &its, err);
	if (rc < 0)
		return err_context(err, "%s", file);
	*ret_here = strcmp(its, str_text(&server)) == 0;
	if (!*ret_here)
		face_tell(scratch->face, MSG_SCRATCH_ELSEWHERE, SCRATCH_NAME_SIZE - 1, file, its);
	return 0;
}

static int drop_left_over(
	struct scratch *scratch, const char *file, const char *name, struct err *err)
{
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	bool here = false;
	int rc = is_here(scratch, file, &here, err);

	if (rc < 0 || !here)
		return rc;
	rc = mongo_connect_again(scratch->mongo, name, &mongo, err);
	if (rc == 0)
		rc = drop(scratch, mongo, err);
	if (rc == 0)
		rc = remove_record(scratch, name, err);
	if (rc == 0)
		face_tell(scratch->face, MSG_SCRATCH_DROPPED, name);
	return rc;
}

static int sweep(struct scratch *scratch, struct err *err)
{
	CLEANUP_FD int fd = openat(scratch->dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_DIR DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	char name[SCRATCH_NAME_SIZE];
	int rc = 0;

	if (dir == NULL)
		return err_set_errno(err, ERR_STATE_FOLDER, errno, "the folder of rehearsals");
	fd = -1; /* the stream's from here on */
	while (rc == 0 && (entry = readdir(dir)) != NULL)
		if (is_record(entry->d_name, name))
			rc = drop_left_over(scratch, entry->d_name, name, err);
	return rc;
}

/* ---- begin and end */

/* Whatever is in it, also what offkit itself keeps. */
static int refuse_if_there(const struct scratch *scratch, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_int32(&writer, "listCollections", 1);
	doc_write_bool(&writer, "nameOnly", true);
	doc_write_end(&writer);
	int rc = str_check(&command, err);
	if (rc == 0)
		rc = mongo_command(scratch->mongo, str_bytes(&command), &reply, NULL, err);
	if (rc < 0)
		return rc;
	struct value batch = doc_get_path(str_bytes(&reply), "cursor.firstBatch");
	if (batch.type != VALUE_ARRAY || doc_count(batch.bytes) != 0)
		return err_set(err, ERR_PREFLIGHT, "there is a database %s already", scratch->name);
	return 0;
}

int scratch_begin(struct scratch *scratch, struct err *err)
{
	int rc = make_name(scratch->name, err);

	if (rc == 0)
		rc = mongo_connect(scratch->uri, scratch->name, &scratch->mongo, err);
	if (rc == 0)
		rc = sweep(scratch, err);
	if (rc == 0)
		rc = refuse_if_there(scratch, err);
	return rc < 0 ? rc : record(scratch, err);
}

/* The connection may be what has failed. */
static int drop_once_more(const struct scratch *scratch, struct err *err)
{
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	int rc = mongo_connect(scratch->uri, scratch->name, &mongo, err);

	return rc < 0 ? rc : drop(scratch, mongo, err);
}

void scratch_end(struct scratch *scratch)
{
	struct err err;
	int rc = 0;

	if (scratch->recorded)
		rc = drop(scratch, scratch->mongo, &err);
	if (rc < 0)
		rc = drop_once_more(scratch, &err);
	if (rc == 0 && scratch->recorded)
		rc = remove_record(scratch, scratch->name, &err);
	if (rc < 0)
		face_tell(scratch->face, MSG_SCRATCH_LEFT_OVER, scratch->name, err.message);
	scratch->recorded = false;
	mongo_close(scratch->mongo);
	scratch->mongo = NULL;
}
