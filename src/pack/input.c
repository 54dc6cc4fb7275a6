#include "pack/input.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/members.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "kit/migration.h"
#include "kit/name.h"
#include "pack/image_pins.h"
#include "pack/kit_json.h"
#include "text/text.h"
#include "trust/root.h"

static const struct {
	const char *ending;
	const char *media_type;
} media_types[] = {
	{".spdx.json", "application/spdx+json"},
	{".sigstore.json", "application/vnd.dev.sigstore.bundle.v0.3+json"},
	{".dsse", "application/vnd.dsse.envelope.v1+json"},
	{".dsse.json", "application/vnd.dsse.envelope.v1+json"},
	{".json", "application/json"},
	{".ndjson", "application/x-ndjson"},
	{".md", "text/markdown"},
	{".txt", "text/plain"},
	{".tar", "application/x-tar"},
	{".gz", "application/gzip"},
	{".zst", "application/zstd"},
};

static const char *media_type_of(const char *name)
{
	size_t size = strlen(name);

	for (size_t i = 0; i < sizeof media_types / sizeof *media_types; i++) {
		size_t ending = strlen(media_types[i].ending);
		if (size > ending && strcmp(name + size - ending, media_types[i].ending) == 0)
			return media_types[i].media_type;
	}
	return "application/octet-stream";
}

struct reading {
	struct face *face;
	struct arena *arena;
	struct input *input;
	struct sha256_stream *digest;
	struct image_pins *pins;
	size_t file_room, root_room;
	uint64_t done, total; /* octets, for the progress; the total is of the first walk */
};

/* Doubles an array that lives in the arena. */
static void *grow(struct arena *arena, const void *old, size_t count, size_t size, size_t *room)
{
	size_t wanted = *room == 0 ? 64 : *room * 2;
	void *array = arena_array(arena, wanted, size);

	if (array == NULL)
		return NULL;
	if (count > 0)
		memcpy(array, old, count * size);
	*room = wanted;
	return array;
}

/* pins NULL: it is no image. */
static int hash(struct reading *reading, struct members *members, struct image_pins *pins,
	struct sha256 *ret_digest, struct err *err)
{
	struct bytes chunk;

	for (;;) {
		int rc = members_read(members, &chunk, err);
		if (rc < 0)
			return rc;
		if (chunk.size == 0)
			return sha256_stream_finish(reading->digest, ret_digest, err);
		rc = sha256_stream_update(reading->digest, chunk, err);
		if (rc == 0 && pins != NULL)
			rc = image_pins_data(pins, chunk, err);
		if (rc < 0)
			return rc;
		reading->done += chunk.size;
		face_progress(reading->face, "Hashing", reading->done, reading->total);
	}
}

static int read_file(struct reading *reading, struct members *members, const char *name,
	int64_t size, enum file_role role, struct sha256 *ret_digest, struct err *err)
{
	struct image_pins *pins = role == ROLE_IMAGE ? reading->pins : NULL;
	int rc = pins != NULL ? image_pins_begin(pins, name, size, err) : 0;

	if (rc == 0)
		rc = hash(reading, members, pins, ret_digest, err);
	if (rc == 0 && pins != NULL)
		rc = image_pins_end(pins, err);
	return rc;
}

static int add_file(struct reading *reading, struct members *members, const struct member *member,
	enum file_role role, struct err *err)
{
	struct manifest *manifest = &reading->input->manifest;
	struct sha256 digest;

	int rc = name_check(bytes_of_string(member->untrusted_name), err);
	if (rc < 0)
		return rc;
	if (manifest->file_count == MANIFEST_FILES_MAX)
		return err_set(err, ERR_LIMIT, "a kit has at most %d files", MANIFEST_FILES_MAX);
	if (manifest->file_count == reading->file_room) {
		manifest->files = grow(reading->arena, manifest->files, manifest->file_count,
			sizeof *manifest->files, &reading->file_room);
		if (manifest->files == NULL)
			return err_no_memory(err);
	}
	const char *name = arena_string(reading->arena, member->untrusted_name);
	if (name == NULL)
		return err_no_memory(err);
	rc = read_file(reading, members, name, member->size, role, &digest, err);
	if (rc < 0)
		return rc;
	manifest->files[manifest->file_count++] = (struct manifest_file){.name = name,
		.size = member->size,
		.digest = digest,
		.media_type = media_type_of(name),
		.role = role};
	reading->input->octets += member->size;
	return 0;
}

static int add_root(struct reading *reading, const struct member *member, struct err *err)
{
	struct input *input = reading->input;

	if (input->root_count == ROOT_CHAIN_MAX)
		return err_set(err, ERR_LIMIT, "a kit has at most %d roots", ROOT_CHAIN_MAX);
	if (input->root_count == reading->root_room) {
		input->roots = grow(reading->arena, input->roots, input->root_count,
			sizeof *input->roots, &reading->root_room);
		if (input->roots == NULL)
			return err_no_memory(err);
	}
	const char *name = arena_string(reading->arena, member->untrusted_name);
	if (name == NULL)
		return err_no_memory(err);
	input->roots[input->root_count++] = name;
	return 0;
}

static bool is_root_name(const char *name)
{
	size_t digits;

	if (strncmp(name, "trust/", 6) != 0 || name[6] == '0')
		return false;
	digits = strspn(name + 6, "0123456789");
	return digits > 0 && digits < 10 && strcmp(name + 6 + digits, ".root.json") == 0;
}

static int read_member(struct reading *reading, struct members *members,
	const struct member *member, struct err *err)
{
	enum file_role role;

	if (member->type == MEMBER_FOLDER)
		return 0;
	if (file_role_of(member->untrusted_name, &role))
		return add_file(reading, members, member, role, err);
	if (is_root_name(member->untrusted_name))
		return add_root(reading, member, err);
	if (strcmp(member->untrusted_name, KIT_JSON_NAME) != 0) {
		CLEANUP_STR struct str shown = STR_INIT;
		text_escape(&shown, bytes_of_string(member->untrusted_name), 200);
		face_note(reading->face, "%s is left out: it is in none of a kit's folders",
			str_text(&shown));
	}
	return 0;
}

static int newest_time(int dirfd, const char *name, int64_t *newest, struct err *err)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
		return err_set(err, ERR_UNREADABLE, "%s changed while it was read", name);
	int64_t time = (int64_t)st.st_mtim.tv_sec * 1000;
	if (time > *newest)
		*newest = time;
	return 0;
}

/* Twice: once for the total that the progress needs, once to read. */
static int walk(struct reading *reading, int dirfd, bool read, struct err *err)
{
	static const char *const first[] = {KIT_JSON_NAME, NULL};
	CLEANUP(members_cleanup) struct members *members = NULL;
	struct member member;
	bool end = false;

	int rc = members_open_folder(dirfd, first, &members, err);
	while (rc == 0) {
		rc = members_next(members, &member, &end, err);
		if (rc < 0 || end)
			return rc;
		if (read)
			rc = read_member(reading, members, &member, err);
		else if (member.type == MEMBER_FILE)
			reading->total += (uint64_t)member.size;
		if (rc == 0 && read && member.type == MEMBER_FILE)
			rc = newest_time(
				dirfd, member.untrusted_name, &reading->input->newest, err);
	}
	return rc;
}

static int compare_files(const void *left, const void *right)
{
	return strcmp(((const struct manifest_file *)left)->name,
		((const struct manifest_file *)right)->name);
}

static int compare_roots(const void *left, const void *right)
{
	long a = strtol(*(const char *const *)left + 6, NULL, 10);
	long b = strtol(*(const char *const *)right + 6, NULL, 10);

	return a < b ? -1 : a > b;
}

/* Each migration that kit.json names must be readable by the one who will carry it out. */
static int check_migrations(int dirfd, const struct manifest *manifest, struct err *err)
{
	for (size_t i = 0; i < manifest->migration_count; i++) {
		CLEANUP_STR struct str name = STR_INIT;
		CLEANUP_STR struct str text = STR_INIT;
		CLEANUP(json_cleanup) struct json_doc *doc = NULL;
		struct migration migration;

		str_append_format(&name, "migrations/%s/migration.json", manifest->migrations[i]);
		int rc = str_check(&name, err);
		if (rc == 0 && manifest_find(manifest, str_text(&name)) == NULL)
			rc = err_set(err, ERR_MISSING_FILE, "kit.json names the migration %s",
				manifest->migrations[i]);
		if (rc == 0)
			rc = file_read_at(dirfd, str_text(&name), MIGRATION_SIZE_MAX, &text, err);
		if (rc == 0)
			rc = json_parse(
				str_bytes(&text), JSON_LIMITS(MIGRATION_SIZE_MAX), &doc, err);
		if (rc == 0)
			rc = migration_parse(json_root(doc), &migration, err);
		if (rc == 0 && strcmp(migration.id, manifest->migrations[i]) != 0)
			rc = err_set(err, ERR_SYNTAX, "its id is %s", migration.id);
		if (rc < 0)
			return err_context(err, "%s", str_text(&name));
	}
	return 0;
}

int input_read(struct face *face, int dirfd, const struct trust_root *root, struct arena *arena,
	struct input *ret_input, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *digest = NULL;
	CLEANUP(image_pins_cleanup) struct image_pins *pins = NULL;
	struct input input = {0};
	struct reading reading = {.face = face, .arena = arena, .input = &input};

	int rc = kit_json_read(dirfd, root, arena, &input.manifest, &input.has_created, err);
	if (rc == 0)
		rc = sha256_stream_new(&digest, err);
	if (rc == 0)
		rc = image_pins_new(
			face, input.manifest.images, input.manifest.image_count, arena, &pins, err);
	reading.digest = digest;
	reading.pins = pins;
	if (rc == 0)
		rc = walk(&reading, dirfd, false, err);
	if (rc == 0)
		rc = walk(&reading, dirfd, true, err);
	if (rc < 0)
		return rc;
	if (input.manifest.file_count == 0)
		return err_set(err, ERR_MISSING_FILE, "none of a kit's folders has a file");
	qsort(input.manifest.files, input.manifest.file_count, sizeof *input.manifest.files,
		compare_files);
	if (input.root_count > 0)
		qsort(input.roots, input.root_count, sizeof *input.roots, compare_roots);
	rc = check_migrations(dirfd, &input.manifest, err);
	if (rc == 0)
		rc = image_pins_finish(pins, &input.manifest, &input.images, err);
	if (rc == 0)
		*ret_input = input;
	return rc;
}
