/*
 * Command lines, an argument a line, against a table with every kind of option: what is taken is
 * within the table's bounds, and the same arguments said in another way give the same values.
 */
#include <string.h>

#include "base/cleanup.h"
#include "tests/fuzz/aid.h"
#include "text/options.h"
#include "text/text.h"

enum { ARGUMENTS_MAX = 16, LEAST = -5, MOST = 500 };

struct values {
	bool flag, other;
	const char *text, *choice;
	struct option_list list;
	int64_t number;
};

struct common {
	bool help;
	const char *site;
};

static const char *const choices[] = {"human", "json", NULL};

static int run(struct face *face, const void *values, size_t count, const char *const *operands,
	struct err *err)
{
	const struct values *own = values;

	(void)face;
	(void)err;
	HOLDS(own != NULL && count >= 1 && count <= 3);
	for (size_t i = 0; i < count; i++)
		HOLDS(operands[i] != NULL);
	return 0;
}

static const struct option options[] = {
	OPTION_ROW_FLAG("flag", 'f', struct values, flag, "a flag"),
	OPTION_ROW_FLAG("flat", 0, struct values, other, "its neighbour"),
	OPTION_ROW_TEXT("out", 'o', "FILE", struct values, text, "a text"),
	OPTION_ROW_LIST("key", 'k', "KEY", struct values, list, "a list"),
	OPTION_ROW_INTEGER("batch", 'b', "N", LEAST, MOST, struct values, number, "a number"),
	OPTION_ROW_CHOICE("output", 'x', choices, struct values, choice, "a choice"),
	OPTION_END,
};
static const struct option common_options[] = {
	OPTION_ROW_FLAG("help", 'h', struct common, help, "help"),
	OPTION_ROW_TEXT("site", 's', "FILE", struct common, site, "a site file"),
	OPTION_END,
};
static const struct command verify = {
	"verify", "KIT", "verifies", options, sizeof(struct values), 1, 3, run};
static const struct command show = {
	"trust show", "KIT", "shows", options, sizeof(struct values), 1, 3, run};
static const struct command *const commands[] = {&verify, &show, NULL};
static const struct program program = {"offkit", "a program", commands, common_options};

static void check_values(const struct values *values)
{
	HOLDS(values->number == 0 || (values->number >= LEAST && values->number <= MOST));
	HOLDS(values->text == NULL || *values->text != '\0');
	HOLDS(values->choice == NULL || strcmp(values->choice, "human") == 0 ||
		strcmp(values->choice, "json") == 0);
	HOLDS(values->list.count <= ARGUMENTS_MAX);
	for (size_t i = 0; i < values->list.count; i++)
		HOLDS(*values->list.items[i] != '\0');
}

static void check_line(const struct command_line *line, int argc)
{
	CLEANUP_STR struct str usage = STR_INIT;
	const char *object = NULL;
	struct err err;
	int rc = command_line_check(&program, line, &err);

	HOLDS(rc == 0 || rc == -ERR_USAGE);
	HOLDS(line->operand_count <= (size_t)argc);
	if (line->command != NULL)
		check_values(line->values);
	HOLDS(command_line_run(&program, line, NULL, &object, &err) == rc);
	HOLDS(rc < 0 || strcmp(object, line->operands[0]) == 0);
	command_line_usage(&program, line, &usage);
	HOLDS(usage.size > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP(command_line_release) struct command_line line = {.arena = ARENA_INIT};
	struct common common = {0};
	char *argv[ARGUMENTS_MAX + 2] = {(char[]){"offkit"}};
	struct bytes rest = bytes_make(data, size);
	struct err err = {0};
	int argc = 1;

	while (rest.size > 0 && argc <= ARGUMENTS_MAX) {
		const uint8_t *feed = memchr(rest.data, '\n', rest.size);
		size_t length = feed != NULL ? (size_t)(feed - rest.data) : rest.size;
		argv[argc++] = arena_string_n(&arena, rest.data, length);
		size_t taken = feed != NULL ? length + 1 : length;
		rest = bytes_make(rest.data + taken, rest.size - taken);
	}
	int rc = command_line_parse(&program, &common, argc, argv, &line, &err);
	HOLDS(rc == 0 || rc == -ERR_USAGE);
	if (rc == 0)
		check_line(&line, argc);
	else
		HOLDS(utf8_valid(bytes_of_string(err.message)));
	return 0;
}
