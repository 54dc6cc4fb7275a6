/* What a migration of the kind object-store may say, what a file of the bucket must, and what is
 * known of an attempt that was cut off. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/object_store.h"

/* ---- the migration */

static const char *const NAMES[] = {"bucket", "pointers", "storeBucket", "tenant"};

/* One that is good but for the member name, which is value, as JSON; NULL: it is left out. */
static int load_with(const char *name, const char *value, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct object_migration migration;
	bool known = false;

	str_append_text(&text, "{\"id\": \"m\", \"kind\": \"object-store\", \"title\": \"t\"");
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
		bool own = strcmp(NAMES[i], name) == 0;
		known = known || own;
		if (!own)
			str_append_format(&text, ", \"%s\": \"n%zu\"", NAMES[i], i);
		else if (value != NULL)
			str_append_format(&text, ", \"%s\": %s", name, value);
	}
	if (!known)
		str_append_format(&text, ", \"%s\": %s", name, value);
	str_append_text(&text, "}");
	if (json_parse(str_bytes(&text), JSON_LIMITS(1 << 16), &doc, err) != 0)
		fail_msg("%s", err->message);
	return object_migration_load(json_root(doc), &migration, err);
}

static void accepted(const char *name, const char *value)
{
	struct err err = {0};

	if (load_with(name, value, &err) != 0)
		fail_msg("%s %s: %s", name, value, err.message);
}

static void refused(const char *name, const char *value, enum err_code code)
{
	struct err err = {0};

	if (load_with(name, value, &err) != -(int)code)
		fail_msg("%s %s: %s", name, value, err.code == 0 ? "taken" : err.message);
	if (strstr(err.message, name) == NULL)
		fail_msg("%s is not named: %s", name, err.message);
}

static const char *of_length(size_t length, char text[static 512])
{
	text[0] = '"';
	memset(text + 1, 'a', length);
	memcpy(text + 1 + length, "\"", 2);
	return text;
}

static void names_and_paths_have_limits(void **state)
{
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof NAMES / sizeof *NAMES; i++) {
		accepted(NAMES[i], of_length(OBJECT_BUCKET_NAME_MAX, text));
		refused(NAMES[i], of_length(OBJECT_BUCKET_NAME_MAX + 1, text), ERR_LIMIT);
		refused(NAMES[i], NULL, ERR_SYNTAX);
		refused(NAMES[i], "\"\"", ERR_SYNTAX);
		refused(NAMES[i], "7", ERR_SYNTAX);
		refused(NAMES[i], "\"a$b\"", ERR_SYNTAX);
		refused(NAMES[i], "\".a\"", ERR_SYNTAX);
		refused(NAMES[i], "\"a.\"", ERR_SYNTAX);
		refused(NAMES[i], "\"system.users\"", ERR_SYNTAX);
		refused(NAMES[i], "\"offkit_state\"", ERR_SYNTAX);
		refused(NAMES[i], "\"schema_migrations\"", ERR_SYNTAX);
	}
	accepted("tenantPath", of_length(255, text));
	refused("tenantPath", of_length(256, text), ERR_LIMIT);
	accepted("formatPath", of_length(255, text));
	refused("formatPath", of_length(256, text), ERR_LIMIT);
}

static void other_members_are_refused(void **state)
{
	(void)state;
	refused("delete", "true", ERR_SYNTAX);
	accepted("tenantPath", "\"metadata.tenant\"");
	refused("tenantPath", "\"\"", ERR_SYNTAX);
	refused("tenantPath", "\".a\"", ERR_SYNTAX);
	refused("tenantPath", "\"a.\"", ERR_SYNTAX);
	refused("tenantPath", "\"a..b\"", ERR_SYNTAX);
	refused("tenantPath", "\"$a\"", ERR_SYNTAX);
	refused("formatPath", "\"a.$b\"", ERR_SYNTAX);
}

static void pointers_are_not_in_the_bucket(void **state)
{
	(void)state;
	refused("pointers", "\"n0.files\"", ERR_SYNTAX);
	refused("pointers", "\"n0.chunks\"", ERR_SYNTAX);
	accepted("pointers", "\"n0\"");
	accepted("pointers", "\"n0.pointers\"");
}

static void it_is_compiled_without_a_database(void **state)
{
	const struct step_kind *kind = step_kind_by_name("object-store");

	(void)state;
	assert_non_null(kind);
	assert_non_null(kind->compile);
}

/* ---- a file of the bucket */

static int read_file(int64_t length, int64_t chunk_size, struct err *err)
{
	CLEANUP_STR struct str doc = STR_INIT;
	struct doc_writer writer;
	struct object_file file;

	doc_write_begin(&writer, &doc);
	doc_write_int32(&writer, "_id", 7);
	doc_write_int64(&writer, "length", length);
	doc_write_int64(&writer, "chunkSize", chunk_size);
	doc_write_end(&writer);
	return object_file_read("documents", str_bytes(&doc), &file, err);
}

static void a_file_has_a_length_that_can_be(void **state)
{
	const int64_t most = INT64_C(1) << OBJECT_FILE_OCTETS_MAX_BITS;
	struct err err;

	(void)state;
	assert_int_equal(read_file(0, 1, &err), 0);
	assert_int_equal(read_file(most - 1, 261120, &err), 0);
	assert_int_equal(read_file(most, 261120, &err), -ERR_MIGRATION);
	assert_int_equal(read_file(-1, 261120, &err), -ERR_MIGRATION);
	assert_int_equal(read_file(1, 0, &err), -ERR_MIGRATION);
	assert_non_null(strstr(err.message, "file 7 of GridFS bucket documents"));
}

/* ---- notes */

struct folder {
	char path[64];
	int fd;
};

static int make_folder(void **state)
{
	struct folder *folder = calloc(1, sizeof *folder);

	assert_non_null(folder);
	(void)snprintf(folder->path, sizeof folder->path, "/tmp/offkit-notes-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	folder->fd = open(folder->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = folder;
	return 0;
}

static int remove_folder(void **state)
{
	struct folder *folder = *state;
	struct err err;

	(void)close(folder->fd);
	assert_int_equal(tree_remove_at(AT_FDCWD, folder->path, &err), 0);
	free(folder);
	return 0;
}

static struct sha256 digest_of(uint8_t octet)
{
	struct sha256 digest;

	memset(digest.octets, octet, sizeof digest.octets);
	return digest;
}

static void note(struct object_notes *notes, size_t worker, uint8_t first, size_t count)
{
	struct sha256 digests[OBJECT_BATCH_MAX];
	struct err err = {0};

	for (size_t i = 0; i < count; i++)
		digests[i] = digest_of((uint8_t)(first + i));
	if (object_notes_write(notes, worker, digests, count, &err) != 0)
		fail_msg("%s", err.message);
}

static bool had(const struct object_notes *notes, uint8_t octet)
{
	const struct sha256 digest = digest_of(octet);

	return object_notes_had(notes, &digest);
}

static void open_notes(void **state, struct object_notes *notes)
{
	struct err err = {0};

	if (object_notes_open(((struct folder *)*state)->fd, notes, &err) != 0)
		fail_msg("%s", err.message);
}

static void what_was_noted_is_known_until_an_attempt_ends(void **state)
{
	struct object_notes notes;

	open_notes(state, &notes);
	assert_false(had(&notes, 1));
	note(&notes, 0, 1, 3);
	note(&notes, 31, 100, 2);
	note(&notes, 0, 10, 1);	       /* in the place of 1, 2 and 3 */
	assert_false(had(&notes, 10)); /* an attempt's own are no memory of an earlier one */
	object_notes_close(&notes);

	open_notes(state, &notes);
	assert_true(had(&notes, 10) && had(&notes, 100) && had(&notes, 101));
	assert_false(had(&notes, 1) || had(&notes, 2) || had(&notes, 3));
	/* Cut off again, in another batch: what the first had noted is known still. */
	note(&notes, 0, 50, 1);
	note(&notes, 31, 51, 1);
	object_notes_close(&notes);

	open_notes(state, &notes);
	assert_true(had(&notes, 10) && had(&notes, 100) && had(&notes, 50) && had(&notes, 51));
	object_notes_done(&notes);
	object_notes_close(&notes);

	open_notes(state, &notes);
	assert_false(had(&notes, 10) || had(&notes, 50));
	object_notes_close(&notes);
}

static void a_note_that_is_cut_off_is_none(void **state)
{
	int dirfd = ((struct folder *)*state)->fd;
	struct object_notes notes;

	open_notes(state, &notes);
	note(&notes, 3, 1, 2);
	object_notes_close(&notes);
	int fd = openat(dirfd, "object.putting.3", O_WRONLY);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 2 * SHA256_HEX_SIZE - 9), 0);
	(void)close(fd);
	open_notes(state, &notes);
	assert_true(had(&notes, 1));
	assert_false(had(&notes, 2));
	object_notes_close(&notes);
}

/* ---- a removal */

static size_t count_noted(void **state, enum object_noted noted, uint8_t first)
{
	struct sha256 *digests = NULL;
	size_t count = 0;
	struct err err = {0};

	if (object_noted_read(((struct folder *)*state)->fd, noted, &digests, &count, &err) != 0)
		fail_msg("%s", err.message);
	for (size_t i = 0; i < count; i++) {
		const struct sha256 wanted = digest_of((uint8_t)(first + i));
		assert_true(sha256_equal(&digests[i], &wanted));
	}
	free(digests);
	return count;
}

static void a_removal_is_known_until_it_ends(void **state)
{
	int dirfd = ((struct folder *)*state)->fd;
	const struct sha256 digests[] = {digest_of(7), digest_of(8)};
	struct object_notes notes;
	struct err err = {0};

	assert_int_equal(count_noted(state, OBJECT_NOTED_REMOVING, 0), 0);
	assert_int_equal(object_removal_note(dirfd, digests, 2, &err), 0);
	assert_int_equal(count_noted(state, OBJECT_NOTED_REMOVING, 7), 2);

	/* What was put is another matter, and is forgotten with it. */
	open_notes(state, &notes);
	assert_false(had(&notes, 7));
	note(&notes, 4, 50, 3);
	object_notes_close(&notes);
	assert_int_equal(count_noted(state, OBJECT_NOTED_PUTTING, 50), 3);
	assert_int_equal(object_removal_done(dirfd, &err), 0);
	assert_int_equal(count_noted(state, OBJECT_NOTED_PUTTING, 0), 0);
	assert_int_equal(count_noted(state, OBJECT_NOTED_REMOVING, 0), 0);
}

static void without_a_folder_no_removal_is_noted(void **state)
{
	struct sha256 *digests = NULL;
	size_t count = 1;
	struct err err;

	(void)state;
	assert_int_equal(object_removal_note(-1, NULL, 0, &err), 0);
	assert_int_equal(object_noted_read(-1, OBJECT_NOTED_REMOVING, &digests, &count, &err), 0);
	assert_int_equal(count, 0);
	free(digests);
	assert_int_equal(object_removal_done(-1, &err), 0);
}

static void without_a_folder_nothing_is_noted(void **state)
{
	struct object_notes notes;
	struct err err;

	(void)state;
	assert_int_equal(object_notes_open(-1, &notes, &err), 0);
	note(&notes, 0, 1, 2);
	assert_false(had(&notes, 1));
	object_notes_done(&notes);
	object_notes_close(&notes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_and_paths_have_limits),
		cmocka_unit_test(other_members_are_refused),
		cmocka_unit_test(pointers_are_not_in_the_bucket),
		cmocka_unit_test(it_is_compiled_without_a_database),
		cmocka_unit_test(a_file_has_a_length_that_can_be),
		cmocka_unit_test_setup_teardown(
			what_was_noted_is_known_until_an_attempt_ends, make_folder, remove_folder),
		cmocka_unit_test_setup_teardown(
			a_note_that_is_cut_off_is_none, make_folder, remove_folder),
		cmocka_unit_test(without_a_folder_nothing_is_noted),
		cmocka_unit_test_setup_teardown(
			a_removal_is_known_until_it_ends, make_folder, remove_folder),
		cmocka_unit_test(without_a_folder_no_removal_is_noted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
