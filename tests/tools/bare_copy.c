/*
 * bare_copy: the bare loop that a backup is measured against: one cursor over one collection, and
 * the raw documents written to a file, with neither digests nor compression.
 *
 *	bare_copy [--batch-size N] URI DATABASE COLLECTION FILE
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <mongoc/mongoc.h>

enum { BUFFER = 1024 * 1024 };

static int copy(mongoc_cursor_t *cursor, FILE *file)
{
	const bson_t *doc;
	bson_error_t error;
	unsigned long long count = 0, octets = 0;

	while (mongoc_cursor_next(cursor, &doc)) {
		if (fwrite(bson_get_data(doc), 1, doc->len, file) != doc->len)
			return EXIT_FAILURE;
		count++;
		octets += doc->len;
	}
	if (mongoc_cursor_error(cursor, &error)) {
		(void)fprintf(stderr, "bare_copy: %s\n", error.message);
		return EXIT_FAILURE;
	}
	(void)printf("%llu documents, %llu octets\n", count, octets);
	return EXIT_SUCCESS;
}

static int run(mongoc_client_t *client, char **argv, int batch_size)
{
	bson_t filter = BSON_INITIALIZER, opts = BSON_INITIALIZER;
	FILE *file = fopen(argv[3], "wb");
	int status = EXIT_FAILURE;

	if (file == NULL)
		return status;
	(void)setvbuf(file, NULL, _IOFBF, BUFFER);
	if (batch_size > 0)
		(void)BSON_APPEND_INT32(&opts, "batchSize", batch_size);
	mongoc_collection_t *collection = mongoc_client_get_collection(client, argv[1], argv[2]);
	mongoc_cursor_t *cursor =
		mongoc_collection_find_with_opts(collection, &filter, &opts, NULL);
	status = copy(cursor, file);
	if (fclose(file) != 0)
		status = EXIT_FAILURE;
	mongoc_cursor_destroy(cursor);
	mongoc_collection_destroy(collection);
	bson_destroy(&opts);
	bson_destroy(&filter);
	return status;
}

int main(int argc, char **argv)
{
	int batch_size = 0;

	if (argc > 2 && strcmp(argv[1], "--batch-size") == 0) {
		batch_size = atoi(argv[2]);
		argc -= 2;
		argv += 2;
	}
	if (argc != 5) {
		(void)fputs(
			"usage: bare_copy [--batch-size N] URI DATABASE COLLECTION FILE\n", stderr);
		return EXIT_FAILURE;
	}
	mongoc_init();
	mongoc_client_t *client = mongoc_client_new(argv[1]);
	if (client == NULL)
		return EXIT_FAILURE;
	int status = run(client, argv + 1, batch_size);
	mongoc_client_destroy(client);
	mongoc_cleanup();
	return status;
}
