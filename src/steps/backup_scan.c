/* What the real mongodump wrote, as an index without digests. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/backup_files.h"

enum { METADATA_SIZE_MAX = 64 * 1024 * 1024 };

static const char documents_kind[] = ".bson";

struct scan {
	struct backup_index *index;
	int dirfd; /* the database's */
	struct err *err;
};

static bool is_folder(int dirfd, const char *name)
{
	struct stat status;

	return name[0] != '.' && fstatat(dirfd, name, &status, AT_SYMLINK_NOFOLLOW) == 0 &&
	       S_ISDIR(status.st_mode);
}

/* The one folder in it is named as the database. */
static int find_database(struct scan *scan, int backup_dirfd)
{
	CLEANUP_DIR DIR *dir = NULL;
	const char *name = NULL, *found = NULL;
	int result = folder_names(backup_dirfd, &dir, scan->err);

	while (result == 0 && (result = folder_next_name(dir, &name, scan->err)) == 0 &&
		name != NULL) {
		if (!is_folder(backup_dirfd, name))
			continue;
		if (found != NULL)
			return err_set(scan->err, ERR_RESTORE,
				"there are several databases in it (%s, %s): name the folder of a "
				"backup of one",
				found, name);
		found = arena_string(&scan->index->arena, name);
		if (found == NULL)
			return err_no_memory(scan->err);
	}
	if (result == 0 && found == NULL)
		result = err_set(scan->err, ERR_RESTORE,
			"neither %s nor the folder of a database is in it", BACKUP_INDEX_NAME);
	scan->index->database = found;
	return result;
}

static bool ends_with(const char *text, const char *end, size_t *ret_stem)
{
	size_t size = strlen(text), end_size = strlen(end);

	if (size <= end_size || strcmp(text + size - end_size, end) != 0)
		return false;
	*ret_stem = size - end_size;
	return true;
}

/* "x.metadata.json" or "x.metadata.json.gz" */
static bool is_metadata(const char *name, size_t *ret_stem, enum compression *ret_compression)
{
	*ret_compression = COMPRESSION_NONE;
	if (ends_with(name, ".metadata.json", ret_stem))
		return true;
	*ret_compression = COMPRESSION_GZIP;
	return ends_with(name, ".metadata.json.gz", ret_stem);
}

static int read_definition(
	struct scan *scan, const char *file, struct backup_collection *collection)
{
	CLEANUP(backup_reader_cleanup) struct backup_reader *reader = NULL;
	CLEANUP_STR struct str text = STR_INIT, doc = STR_INIT;
	struct err *err = scan->err;

	int result = backup_reader_new(scan->dirfd, file, scan->index->compression, &reader, err);
	if (result == 0)
		result = backup_reader_all(reader, METADATA_SIZE_MAX, &text, err);
	if (result == 0)
		result = doc_from_json_text(str_bytes(&text), &doc, err);
	if (result != 0)
		return err_context(err, "%s", file);
	collection->definition = arena_bytes(&scan->index->arena, str_bytes(&doc));
	return collection->definition.data == NULL ? err_no_memory(err) : 0;
}

static int name_collection(
	struct scan *scan, const char *file, size_t stem, struct backup_collection *collection)
{
	struct arena *arena = &scan->index->arena;
	struct backup_metadata metadata;
	int result = backup_metadata_read(collection->definition, arena, &metadata, scan->err);

	if (result != 0)
		return err_context(scan->err, "%s", file);
	collection->name =
		metadata.name != NULL ? metadata.name : backup_collection_name(file, stem, arena);
	collection->type = metadata.type != NULL ? metadata.type : "collection";
	if (doc_get(metadata.options, "viewOn").type != VALUE_MISSING)
		collection->type = "view";
	if (collection->name == NULL || collection->name[0] == '\0')
		return err_set(scan->err, ERR_RESTORE, "%s names no collection", file);
	if (strcmp(collection->type, "view") != 0 && strcmp(collection->type, "collection") != 0)
		return err_set(scan->err, ERR_RESTORE,
			"%s is of type %s, which this version cannot restore", collection->name,
			collection->type);
	return 0;
}

static int find_documents(
	struct scan *scan, const char *file, size_t stem, struct backup_collection *collection)
{
	struct stat status;
	char *name = arena_format(&scan->index->arena, "%.*s%s%s", (int)stem, file, documents_kind,
		compression_suffix(scan->index->compression));

	if (name == NULL)
		return err_no_memory(scan->err);
	if (strcmp(collection->type, "view") == 0)
		return 0;
	if (fstatat(scan->dirfd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return err_set_errno(scan->err, ERR_RESTORE, errno, "%s", name);
	collection->documents =
		(struct backup_file){.name = name, .size = (uint64_t)status.st_size};
	return 0;
}

/*
 * Documents without metadata, or in a compression that only our own backups have: what is passed
 * over here would be dropped from the database and not come back.
 */
static int must_be_known(struct scan *scan, const char *name)
{
	CLEANUP_STR struct str metadata = STR_INIT;
	struct stat status;
	size_t stem;
	bool compressed = ends_with(name, ".bson.gz", &stem);

	if (ends_with(name, ".bson.zst", &stem) || ends_with(name, ".metadata.json.zst", &stem))
		return err_set(scan->err, ERR_RESTORE,
			"%s is of a backup that offkit made, and its %s is missing", name,
			BACKUP_INDEX_NAME);
	bool documents = compressed || ends_with(name, documents_kind, &stem);
	if (!documents || strncmp(name, "system.", 7) == 0)
		return 0;
	str_append_format(
		&metadata, "%.*s.metadata.json%s", (int)stem, name, compressed ? ".gz" : "");
	int result = str_check(&metadata, scan->err);
	if (result == 0 &&
		fstatat(scan->dirfd, str_text(&metadata), &status, AT_SYMLINK_NOFOLLOW) != 0)
		result = err_set(scan->err, ERR_RESTORE, "%s has no %s beside it", name,
			str_text(&metadata));
	return result;
}

static int add(struct scan *scan, const char *name, size_t *room)
{
	struct backup_index *index = scan->index;
	enum compression compression;
	size_t stem;

	if (!is_metadata(name, &stem, &compression))
		return must_be_known(scan, name);
	if (index->count > 0 && compression != index->compression)
		return err_set(scan->err, ERR_RESTORE,
			"some files are compressed and some are not: this is no one backup");
	index->compression = compression;
	if (index->count == BACKUP_COLLECTIONS_MAX)
		return err_set(scan->err, ERR_RESTORE, "there are more than %d collections",
			BACKUP_COLLECTIONS_MAX);
	if (index->count == *room) {
		size_t larger = *room == 0 ? 64 : *room * 2;
		struct backup_collection *list = arena_array(&index->arena, larger, sizeof *list);
		if (list == NULL)
			return err_no_memory(scan->err);
		if (index->count > 0)
			memcpy(list, index->collections, index->count * sizeof *list);
		index->collections = list;
		*room = larger;
	}
	struct backup_collection *collection = &index->collections[index->count];
	const char *file = arena_string(&index->arena, name);
	if (file == NULL)
		return err_no_memory(scan->err);
	collection->metadata.name = file;
	int result = read_definition(scan, file, collection);
	if (result == 0)
		result = name_collection(scan, file, stem, collection);
	if (result == 0)
		result = find_documents(scan, file, stem, collection);
	/* The server's own (stored functions, old users) are no part of what we restore; nor is the
	 * lease, which is held while we do. */
	if (result == 0 && strncmp(collection->name, "system.", 7) != 0 &&
		strcmp(collection->name, MONGO_OWN_COLLECTION) != 0)
		index->count++;
	return result;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct backup_collection *)a)->name,
		((const struct backup_collection *)b)->name);
}

static int scan_database(struct scan *scan)
{
	struct backup_index *index = scan->index;
	CLEANUP_DIR DIR *dir = NULL;
	const char *name = NULL;
	size_t room = 0;
	int result = folder_names(scan->dirfd, &dir, scan->err);

	while (result == 0 && (result = folder_next_name(dir, &name, scan->err)) == 0 &&
		name != NULL)
		result = add(scan, name, &room);
	if (result == 0 && index->count == 0)
		result = err_set(scan->err, ERR_RESTORE,
			"no collection is in the folder of database %s", index->database);
	if (result == 0 && index->count > 0)
		qsort(index->collections, index->count, sizeof *index->collections, by_name);
	for (size_t i = 1; result == 0 && i < index->count; i++)
		if (strcmp(index->collections[i - 1].name, index->collections[i].name) == 0)
			result = err_set(scan->err, ERR_RESTORE, "two files are of collection %s",
				index->collections[i].name);
	return result;
}

int backup_index_scan(int backup_dirfd, struct backup_index *ret_index, struct err *err)
{
	struct backup_index index = {.arena = ARENA_INIT, .foreign = true, .run_id = ""};
	struct scan scan = {.index = &index, .dirfd = -1, .err = err};
	CLEANUP_FD int dirfd = -1;

	int result = find_database(&scan, backup_dirfd);
	if (result == 0)
		result = folder_open_at(backup_dirfd, index.database, &dirfd, err);
	if (result == 0) {
		scan.dirfd = dirfd;
		result = scan_database(&scan);
	}
	if (result != 0) {
		backup_index_release(&index);
		return err->code == ERR_NO_MEMORY ? result : err_recode(err, ERR_RESTORE);
	}
	*ret_index = index;
	return 0;
}
