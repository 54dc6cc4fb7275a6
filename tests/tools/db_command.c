/*
 * db_command URI DATABASE JSON...: runs commands, given as MongoDB Extended JSON, one after
 * another, and prints each reply in a line. "-" reads commands from stdin, one a line. For tests.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "mongo/mongo.h"

static int run(struct mongo *mongo, const char *json)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT, text = STR_INIT;
	struct err err;

	int result = doc_from_json_text(bytes_of_string(json), &command, &err);
	if (result == 0)
		result = mongo_command(mongo, str_bytes(&command), &reply, NULL, &err);
	if (result == 0)
		result = doc_to_json(str_bytes(&reply), false, &text, &err);
	if (result != 0) {
		(void)fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	(void)puts(str_text(&text));
	struct value errors = doc_get(str_bytes(&reply), "writeErrors");
	return errors.type == VALUE_ARRAY && doc_count(errors.bytes) > 0;
}

static int run_lines(struct mongo *mongo)
{
	CLEANUP_FREE char *line = NULL;
	size_t room = 0;
	ssize_t size;

	while ((size = getline(&line, &room, stdin)) > 0) {
		if (line[size - 1] == '\n')
			line[size - 1] = '\0';
		if (line[0] != '\0' && run(mongo, line) != 0)
			return 1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	struct err err;

	if (argc < 4) {
		(void)fprintf(stderr, "usage: db_command URI DATABASE JSON...|-\n");
		return 2;
	}
	mongo_library_begin();
	if (mongo_connect(argv[1], argv[2], &mongo, &err) != 0) {
		(void)fprintf(stderr, "%s\n", err.message);
		return 1;
	}
	for (int i = 3; i < argc; i++) {
		int failed = strcmp(argv[i], "-") == 0 ? run_lines(mongo) : run(mongo, argv[i]);
		if (failed)
			return 1;
	}
	return 0;
}
