/*
 * A database of a few collections on the server of OFFKIT_TEST_URI, a folder for its backup, and a
 * host that can be made to fail: for the tests of the backup and of what is proved by it.
 */
#ifndef OFFKIT_TESTS_BACKUP_SCENE_H
#define OFFKIT_TESTS_BACKUP_SCENE_H

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/backup.h"

/* Of each program its own: several run at once on one server. */
#define SCENE_DATABASE "offkit_test_" SCENE
static const char database[] = SCENE_DATABASE;
enum { COLLECTIONS = 4, DOCUMENTS = 700 };

#define MUST(call)                                                                                 \
	do {                                                                                       \
		if ((call) < 0)                                                                    \
			fail_msg("%s: %s", #call, err.message);                                    \
	} while (0)

struct scene {
	struct mongo *mongo;
	struct site site;
	struct step_host host;
	struct step_options options;
	struct step_context context;
	struct arena arena;
	struct json_doc *checkpoint;
	const char *freeze; /* the freeze step's checkpoint, NULL: none */
	struct json_doc *freeze_doc;
	int checkpoints, notes;
	int fail_at;  /* this checkpoint cannot be written; 0: none */
	int write_at; /* at this checkpoint somebody writes to write_to */
	const char *write_to;
	int stop_after; /* looks at stop_requested; -1: never */
	char folder[64];
};

static void run_command(struct mongo *mongo, const char *json)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct err err;

	MUST(doc_from_json_text(bytes_of_string(json), &command, &err));
	MUST(mongo_command(mongo, str_bytes(&command), &reply, NULL, &err));
}

static void insert(struct mongo *mongo, const char *collection, int from, int count)
{
	CLEANUP(mongo_bulk_cleanup) struct mongo_bulk *bulk = NULL;
	struct mongo_bulk_result result;
	struct err err;

	MUST(mongo_bulk_begin(mongo, collection, &bulk, &err));
	for (int i = from; i < from + count; i++) {
		CLEANUP_STR struct str doc = STR_INIT;
		struct doc_writer writer;
		doc_write_begin(&writer, &doc);
		doc_write_int32(&writer, "_id", i);
		doc_write_string(&writer, "of", collection);
		doc_write_end(&writer);
		MUST(mongo_bulk_insert(bulk, str_bytes(&doc), &err));
	}
	MUST(mongo_bulk_run(bulk, &result, &err));
	assert_int_equal(result.inserted, count);
}

/* ---- the host */

static int host_note(void *self, const char *text, struct err *err)
{
	(void)text;
	(void)err;
	((struct scene *)self)->notes++;
	return 0;
}

static int host_check(
	void *self, const char *name, enum check_outcome outcome, const char *text, struct err *err)
{
	(void)self;
	(void)name;
	(void)text;
	(void)err;
	assert_int_equal(outcome, CHECK_PASSED);
	return 0;
}

static int host_checkpoint(void *self, struct bytes fields, struct err *err)
{
	struct scene *scene = self;

	scene->checkpoints++;
	if (scene->checkpoints == scene->fail_at)
		return err_set(err, ERR_DISK, "the journal cannot be written");
	json_release(scene->checkpoint);
	scene->checkpoint = NULL;
	int result = json_parse(fields, JSON_LIMITS(1 << 20), &scene->checkpoint, err);
	if (result == 0 && scene->checkpoints == scene->write_at)
		insert(scene->mongo, scene->write_to, 100000, 1);
	return result;
}

static void host_progress(void *self, const struct step_progress *progress)
{
	(void)self;
	assert_true(progress->done >= 0);
}

static bool host_stop_requested(void *self)
{
	struct scene *scene = self;

	return scene->stop_after >= 0 && scene->stop_after-- == 0;
}

static const struct json *checkpoint_of(void *self, const char *step_name)
{
	struct scene *scene = self;

	if (strcmp(step_name, "backup") == 0)
		return scene->checkpoint == NULL ? NULL : json_root(scene->checkpoint);
	return scene->freeze_doc == NULL ? NULL : json_root(scene->freeze_doc);
}

/* ---- scenes */

/* With the database as it is. */
static void begin_again(struct scene *scene)
{
	const char *uri = getenv("OFFKIT_TEST_URI");
	struct err err;

	if (uri == NULL)
		skip();
	*scene = (struct scene){.stop_after = -1};
	MUST(mongo_connect(uri, database, &scene->mongo, &err));
	(void)snprintf(scene->folder, sizeof scene->folder, "/tmp/offkit-test-backup-XXXXXX");
	assert_non_null(mkdtemp(scene->folder));
	scene->site = (struct site){.backup_dir = scene->folder,
		.backup_workers = 2,
		.backup_compression = COMPRESSION_GZIP};
	scene->host = (struct step_host){.self = scene,
		.check = host_check,
		.note = host_note,
		.checkpoint = host_checkpoint,
		.progress = host_progress,
		.stop_requested = host_stop_requested};
}

static void begin(struct scene *scene)
{
	begin_again(scene);
	run_command(scene->mongo, "{\"dropDatabase\":1}");
	for (int i = 0; i < COLLECTIONS; i++) {
		char name[16];
		(void)snprintf(name, sizeof name, "c%d", i);
		insert(scene->mongo, name, 0, DOCUMENTS);
	}
}

static void end(struct scene *scene)
{
	struct err err;

	MUST(tree_remove_at(AT_FDCWD, scene->folder, &err));
	json_release(scene->checkpoint);
	json_release(scene->freeze_doc);
	arena_release(&scene->arena);
	mongo_close(scene->mongo);
}

static const struct step_context *context(struct scene *scene)
{
	scene->context = (struct step_context){
		.site = &scene->site,
		.mongo = scene->mongo,
		.host = &scene->host,
		.options = &scene->options,
		.run_id = "20251220T091207Z-3f9a",
		.run_dirfd = -1,
		.state_dirfd = -1,
		.arena = &scene->arena,
		.checkpoint = scene->checkpoint == NULL ? NULL : json_root(scene->checkpoint),
		.checkpoint_of = checkpoint_of,
	};
	return &scene->context;
}

#endif
