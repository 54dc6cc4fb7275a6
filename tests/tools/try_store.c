/*
 * try_store: what a site file's object store can do, one thing after the other, without a database.
 *
 *	try_store [--wait MS] [--tries N] [--part OCTETS] [--stop FILE] SITE put FILE... |
 *		get HEX | check HEX SIZE | stat HEX | remove HEX | list
 *
 * It stops as soon as the file of --stop is there.
 *
 * put prints each file's digest. It ends with the exit code of the first failure, whose name and
 * text it writes to stderr.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "object/folder.h"
#include "object/s3.h"
#include "site/site.h"

enum { PIECE = 64 * 1024 };

struct file {
	FILE *stream;
	uint8_t piece[PIECE];
};

static int next(void *self, struct bytes *ret_piece, struct err *err)
{
	struct file *file = self;
	size_t size = fread(file->piece, 1, sizeof file->piece, file->stream);

	if (ferror(file->stream))
		return err_set(err, ERR_UNREADABLE, "read");
	*ret_piece = bytes_make(file->piece, size);
	return 0;
}

static int back(void *self, struct err *err)
{
	(void)err;
	rewind(((struct file *)self)->stream);
	return 0;
}

static int put(struct object_store *store, const char *path, struct err *err)
{
	CLEANUP(object_staged_cleanup) struct object_staged *staged = NULL;
	CLEANUP_FILE FILE *stream = fopen(path, "re");
	struct file file = {.stream = stream};
	const struct object_source source = {&file, next, back};
	char hex[SHA256_HEX_SIZE];

	if (stream == NULL || fseek(stream, 0, SEEK_END) != 0)
		return err_set(err, ERR_UNREADABLE, "%s", path);
	const int64_t size = ftell(stream);
	rewind(stream);
	int rc = object_store_stage(store, &source, size, &staged, err);
	if (rc == 0)
		rc = object_store_place(staged, err);
	if (rc < 0)
		return rc;
	sha256_to_hex(&staged->digest, hex);
	(void)puts(hex);
	return 0;
}

static int print(void *self, struct bytes piece, struct err *err)
{
	(void)self;
	return fwrite(piece.data, 1, piece.size, stdout) == piece.size
		       ? 0
		       : err_set(err, ERR_DISK, "stdout");
}

static int show(void *self, const struct object_entry *entry, struct err *err)
{
	(void)self;
	(void)err;
	(void)printf("%s %lld\n", entry->key, (long long)entry->size);
	return 0;
}

static int stat_one(struct object_store *store, const struct sha256 *digest, struct err *err)
{
	bool there = false;
	int64_t size = 0;
	int rc = object_store_stat(store, digest, &there, &size, err);

	if (rc == 0 && there)
		(void)printf("%lld\n", (long long)size);
	else if (rc == 0)
		(void)puts("none");
	return rc;
}

/* self: the path of the file, or NULL. */
static int look(void *self, struct err *err)
{
	return self == NULL || access(self, F_OK) != 0 ? 0 : err_set(err, ERR_STOPPED, "as asked");
}

static int act(struct object_store *store, char **arguments, struct err *err)
{
	const struct object_sink sink = {.take = print};
	const char *verb = arguments[0], *first = arguments[0] == NULL ? NULL : arguments[1];
	struct sha256 digest;
	int rc = 0;

	if (verb != NULL && strcmp(verb, "list") == 0)
		return object_store_each(store, show, NULL, err);
	if (first == NULL)
		return err_set(err, ERR_USAGE, "try_store");
	if (strcmp(verb, "put") == 0) {
		for (char **path = arguments + 1; *path != NULL && rc == 0; path++)
			rc = put(store, *path, err);
		return rc;
	}
	if (!sha256_from_hex(bytes_of_string(first), &digest))
		return err_set(err, ERR_USAGE, "%s is no digest", first);
	if (strcmp(verb, "get") == 0)
		return object_store_get(store, &digest, &sink, err);
	if (strcmp(verb, "stat") == 0)
		return stat_one(store, &digest, err);
	if (strcmp(verb, "remove") == 0)
		return object_store_remove(store, &digest, err);
	if (strcmp(verb, "check") == 0 && arguments[2] != NULL)
		return object_store_check(store, &digest, atoll(arguments[2]), err);
	return err_set(err, ERR_USAGE, "%s", verb);
}

int main(int argc, char **argv)
{
	CLEANUP(object_store_cleanup) struct object_store *store = NULL;
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct s3_limits limits = S3_LIMITS;
	struct object_watch watch = {.look = look};
	struct site site;
	struct err err;
	int at = 1;

	for (; at + 1 < argc && strncmp(argv[at], "--", 2) == 0; at += 2)
		if (strcmp(argv[at], "--wait") == 0)
			limits.wait = limits.wait_max = atoll(argv[at + 1]);
		else if (strcmp(argv[at], "--stop") == 0)
			watch.self = argv[at + 1];
		else if (strcmp(argv[at], "--tries") == 0)
			limits.tries = atoi(argv[at + 1]);
		else if (strcmp(argv[at], "--part") == 0)
			limits.part_size = atoll(argv[at + 1]);
	if (at + 1 >= argc) {
		(void)fprintf(stderr, "try_store [--wait MS] [--tries N] [--part OCTETS] [--stop "
				      "FILE] SITE VERB…\n");
		return 64;
	}
	int rc = site_load(argv[at], NULL, &arena, &site, &err);
	if (rc == 0)
		rc = site.s3.endpoint != NULL ? object_s3_open(&site.s3, &limits, &store, &err)
					      : object_folder_open(site.object_store, &store, &err);
	if (rc == 0) {
		object_store_watch(store, &watch);
		rc = act(store, argv + at + 1, &err);
	}
	if (rc == 0)
		return 0;
	(void)fprintf(stderr, "%s: %s\n", err_name(err.code), err.message);
	return err_exit_code(err.code);
}
