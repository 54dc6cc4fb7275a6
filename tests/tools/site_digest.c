/*
 * site_digest [--without COLLECTION[:PATH]]... URI DATABASE: what a database is, in lines that can
 * be compared: every collection with its options, its indexes sorted, its documents by _id in
 * canonical Extended JSON, order of members and kinds of numbers included; at the end the SHA-256
 * of all lines.
 *
 * --without leaves a collection out, or what stands in its documents under a dotted path: the paths
 * that a migration declares volatile.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/digest.h"
#include "mongo/mongo.h"

enum { WITHOUT_MAX = 32 };

struct without {
	char collection[128];
	char path[128]; /* "": the whole collection */
};

struct site {
	struct mongo *mongo;
	struct without without[WITHOUT_MAX];
	size_t without_count;
	struct str text;
};

/* ---- documents without some paths */

struct paths {
	const char *path[WITHOUT_MAX];
	size_t count;
};

/* What stands behind name in those paths that begin with it; false if name itself is left out. */
static bool go_down(const struct paths *paths, const char *name, struct paths *ret_below)
{
	size_t length = strlen(name);

	ret_below->count = 0;
	for (size_t i = 0; i < paths->count; i++) {
		if (strncmp(paths->path[i], name, length) != 0)
			continue;
		if (paths->path[i][length] == '\0')
			return false;
		if (paths->path[i][length] == '.')
			ret_below->path[ret_below->count++] = paths->path[i] + length + 1;
	}
	return true;
}

static void copy_members(struct doc_writer *writer, struct bytes doc, const struct paths *paths)
{
	struct doc_iter iter = doc_iter_begin(doc);
	struct paths below;
	struct value value;
	const char *name;

	while (doc_iter_next(&iter, &name, &value)) {
		if (!go_down(paths, name, &below))
			continue;
		if (value.type == VALUE_DOCUMENT && below.count > 0) {
			doc_write_document(writer, name);
			copy_members(writer, value.bytes, &below);
			doc_write_end(writer);
		} else {
			doc_write_value(writer, name, &value);
		}
	}
}

static int add_document(struct site *site, const char *kind, struct bytes doc,
	const struct paths *paths, struct err *err)
{
	CLEANUP_STR struct str copy = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &copy);
	copy_members(&writer, doc, paths);
	doc_write_end(&writer);
	int rc = str_check(&copy, err);
	str_append_text(&site->text, kind);
	if (rc == 0)
		rc = doc_to_json(str_bytes(&copy), true, &site->text, err);
	str_append_char(&site->text, '\n');
	return rc;
}

/* ---- collections */

static bool paths_of(const struct site *site, const char *collection, struct paths *ret_paths)
{
	ret_paths->count = 0;
	for (size_t i = 0; i < site->without_count; i++) {
		if (strcmp(site->without[i].collection, collection) != 0)
			continue;
		if (site->without[i].path[0] == '\0')
			return false;
		ret_paths->path[ret_paths->count++] = site->without[i].path;
	}
	return true;
}

static int by_text(const void *a, const void *b)
{
	const struct bytes *x = a, *y = b;
	const char *name_x = doc_get_string(*x, "name"), *name_y = doc_get_string(*y, "name");

	return strcmp(name_x != NULL ? name_x : "", name_y != NULL ? name_y : "");
}

static int add_indexes(struct site *site, const char *collection, struct err *err)
{
	static const struct paths all = {.count = 0};
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct bytes *indexes = NULL;
	size_t count = 0;
	int rc = mongo_indexes(site->mongo, collection, &arena, &indexes, &count, err);

	if (rc == 0 && count > 0)
		qsort(indexes, count, sizeof *indexes, by_text);
	for (size_t i = 0; rc == 0 && i < count; i++)
		rc = add_document(site, " index ", indexes[i], &all, err);
	return rc;
}

static int add_documents(
	struct site *site, const char *collection, const struct paths *paths, struct err *err)
{
	CLEANUP(mongo_cursor_cleanup) struct mongo_cursor *cursor = NULL;
	CLEANUP_STR struct str sort = STR_INIT;
	struct doc_writer writer;
	struct bytes doc;

	doc_write_begin(&writer, &sort);
	doc_write_int32(&writer, "_id", 1);
	doc_write_end(&writer);
	const struct mongo_find find = {.collection = collection, .sort = str_bytes(&sort)};
	int rc = mongo_find(site->mongo, &find, &cursor, err);
	while (rc == 0 && (rc = mongo_cursor_next(cursor, &doc, err)) == 1)
		rc = add_document(site, " document ", doc, paths, err);
	return rc;
}

/* A validator that asks for nothing is none: collMod can take one away in no other way. */
static const struct paths *paths_of_options(struct bytes options)
{
	static const struct paths all = {.count = 0};
	static const struct paths no_validator = {
		{"validator", "validationLevel", "validationAction"}, 3};
	struct value validator = doc_get(options, "validator");

	return validator.type == VALUE_DOCUMENT && doc_count(validator.bytes) == 0 ? &no_validator
										   : &all;
}

static int add_site(struct site *site, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct mongo_collection *collections = NULL;
	struct paths paths;
	size_t count = 0;
	int rc = mongo_collections(site->mongo, &arena, &collections, &count, err);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		const struct mongo_collection *collection = &collections[i];
		if (!paths_of(site, collection->name, &paths))
			continue;
		str_append_format(&site->text, "%s %s ", collection->type, collection->name);
		rc = add_document(
			site, "", collection->options, paths_of_options(collection->options), err);
		if (rc == 0 && strcmp(collection->type, "view") != 0)
			rc = add_indexes(site, collection->name, err);
		if (rc == 0)
			rc = add_documents(site, collection->name, &paths, err);
	}
	return rc;
}

static bool read_without(struct site *site, const char *text)
{
	struct without *without = &site->without[site->without_count];
	const char *colon = strchr(text, ':');
	size_t length = colon != NULL ? (size_t)(colon - text) : strlen(text);

	if (site->without_count == WITHOUT_MAX || length >= sizeof without->collection)
		return false;
	memcpy(without->collection, text, length);
	(void)snprintf(without->path, sizeof without->path, "%s", colon == NULL ? "" : colon + 1);
	site->without_count++;
	return true;
}

int main(int argc, char **argv)
{
	struct site site = {.text = STR_INIT};
	char hex[SHA256_HEX_SIZE];
	struct sha256 digest;
	struct err err;
	int first = 1;

	while (first + 1 < argc && strcmp(argv[first], "--without") == 0 &&
		read_without(&site, argv[first + 1]))
		first += 2;
	if (argc - first != 2) {
		(void)fputs("usage: site_digest [--without COLLECTION[:PATH]]... URI DATABASE\n",
			stderr);
		return 2;
	}
	mongo_library_begin();
	int rc = mongo_connect(argv[first], argv[first + 1], &site.mongo, &err);
	if (rc == 0)
		rc = add_site(&site, &err);
	if (rc == 0)
		rc = str_check(&site.text, &err);
	if (rc == 0)
		rc = sha256_of(str_bytes(&site.text), &digest, &err);
	mongo_close(site.mongo);
	if (rc == 0) {
		sha256_to_hex(&digest, hex);
		(void)printf("%ssha256 %s\n", str_text(&site.text), hex);
	} else {
		(void)fprintf(stderr, "site_digest: %s\n", err.message);
	}
	str_release(&site.text);
	return rc == 0 ? 0 : 1;
}
