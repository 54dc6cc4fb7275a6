/* What proves a rollback, against a real server (OFFKIT_TEST_URI). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define SCENE "untouched"
#include "backup_scene.h"
#include "steps/ttl.h"

static void index_of_c0(struct scene *scene, const char *key, const char *more)
{
	CLEANUP_STR struct str command = STR_INIT;

	str_append_format(&command,
		"{\"createIndexes\":\"c0\",\"indexes\":[{\"key\":%s,\"name\":\"own\"%s}]}", key,
		more);
	run_command(scene->mongo, str_text(&command));
}

static void drop_index_of_c0(struct scene *scene)
{
	run_command(scene->mongo, "{\"dropIndexes\":\"c0\",\"index\":\"own\"}");
}

static void the_sites_own_indexes_are_no_difference(void **state)
{
	(void)state;
	struct scene scene;
	struct err err;

	begin(&scene);
	index_of_c0(&scene, "{\"of\":1,\"at\":-1}", ",\"unique\":false");
	MUST(step_backup.apply(context(&scene), &err));
	MUST(step_backup.undo(context(&scene), &err));
	end(&scene);
}

static void a_disarmed_expiry_is_no_difference(void **state)
{
	(void)state;
	struct scene scene;
	struct err err;

	begin(&scene);
	index_of_c0(&scene, "{\"at\":1}", ",\"expireAfterSeconds\":2147483647");
	MUST(json_parse(bytes_of_string("{\"ttl\":[{\"collection\":\"c0\",\"index\":\"own\","
					"\"seconds\":86400}]}"),
		JSON_LIMITS(4096), &scene.freeze_doc, &err));
	MUST(step_backup.apply(context(&scene), &err));
	MUST(step_backup.undo(context(&scene), &err));
	/* Armed again, as the freeze's own undo does. */
	const struct ttl_index armed = {"c0", "own", 86400};
	MUST(ttl_set(scene.mongo, &armed, 86400, &err));
	MUST(step_backup.undo(context(&scene), &err));
	MUST(ttl_set(scene.mongo, &armed, 3600, &err));
	assert_int_equal(step_backup.undo(context(&scene), &err), -ERR_ROLLBACK);
	end(&scene);
}

static void another_index_is_named(void **state)
{
	(void)state;
	static const struct {
		const char *key, *more;
	} others[] = {
		{"{\"at\":1,\"of\":1}", ""},
		{"{\"of\":1,\"at\":-1}", ""},
		{"{\"of\":1}", ""},
		{"{\"of\":1,\"at\":1}", ",\"sparse\":true"},
	};
	struct scene scene;
	struct err err;

	begin(&scene);
	index_of_c0(&scene, "{\"of\":1,\"at\":1}", "");
	MUST(step_backup.apply(context(&scene), &err));
	for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
		drop_index_of_c0(&scene);
		index_of_c0(&scene, others[i].key, others[i].more);
		assert_int_equal(step_backup.undo(context(&scene), &err), -ERR_ROLLBACK);
		assert_non_null(strstr(err.message, "c0: index own"));
	}
	drop_index_of_c0(&scene);
	assert_int_equal(step_backup.undo(context(&scene), &err), -ERR_ROLLBACK);
	assert_non_null(strstr(err.message, "c0: index own"));
	index_of_c0(&scene, "{\"of\":1,\"at\":1}", "");
	MUST(step_backup.undo(context(&scene), &err));
	run_command(scene.mongo, "{\"createIndexes\":\"c1\",\"indexes\":[{\"key\":{\"x\":1},"
				 "\"name\":\"new\"}]}");
	assert_int_equal(step_backup.undo(context(&scene), &err), -ERR_ROLLBACK);
	assert_non_null(strstr(err.message, "c1: index new"));
	end(&scene);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_sites_own_indexes_are_no_difference),
		cmocka_unit_test(a_disarmed_expiry_is_no_difference),
		cmocka_unit_test(another_index_is_named),
	};

	mongo_library_begin();
	int failed = cmocka_run_group_tests(tests, NULL, NULL);
	mongo_library_end();
	return failed;
}
