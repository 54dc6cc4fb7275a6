#include "text/options.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "text/text.h"

/* Option tables are short; what was given already is remembered in one word a table. */
enum { SET_OPTIONS_MAX = 64, SHOWN_MAX = 60, HELP_COLUMN = 32 };

struct option_set {
	const struct option *options; /* NULL: an empty table */
	void *values;
	uint64_t given;
};

struct parser {
	struct arena *arena;
	struct option_set sets[2]; /* the common options, the command's */
	int argc;
	const char *const *argv;
	int next;
};

static size_t table_size(const struct option *options)
{
	size_t count = 0;

	while (options != NULL && options[count].name != NULL)
		count++;
	return count;
}

/* Appends text of the command line so that it is safe to show. */
static const char *shown(struct str *scratch, const char *text)
{
	str_truncate(scratch, 0);
	text_escape(scratch, bytes_of_string(text), SHOWN_MAX);
	return str_text(scratch);
}

static int unknown_option(const struct parser *parser, const char *word, struct err *err)
{
	const char *names[2 * SET_OPTIONS_MAX + 1];
	size_t count = 0;
	struct str scratch = STR_INIT;
	char name[SHOWN_MAX] = "";

	for (size_t s = 0; s < 2; s++)
		for (size_t i = 0; i < table_size(parser->sets[s].options); i++)
			names[count++] = parser->sets[s].options[i].name;
	names[count] = NULL;
	if (strncmp(word, "--", 2) == 0)
		(void)strncat(name, word + 2, sizeof name - 1);
	name[strcspn(name, "=")] = '\0';
	const char *near = name[0] != '\0' ? text_nearest(name, names) : NULL;
	if (near != NULL)
		(void)err_set(err, ERR_USAGE, "there is no option %s; did you mean --%s?",
			shown(&scratch, word), near);
	else
		(void)err_set(err, ERR_USAGE, "there is no option %s", shown(&scratch, word));
	str_release(&scratch);
	return -(int)ERR_USAGE;
}

static const struct option *find_long(
	struct parser *parser, const char *name, size_t size, struct option_set **ret_set)
{
	for (size_t s = 0; s < 2; s++) {
		const struct option *options = parser->sets[s].options;
		for (size_t i = 0; i < table_size(options); i++) {
			if (strlen(options[i].name) == size &&
				memcmp(options[i].name, name, size) == 0) {
				*ret_set = &parser->sets[s];
				return &options[i];
			}
		}
	}
	return NULL;
}

static const struct option *find_letter(
	struct parser *parser, char letter, struct option_set **ret_set)
{
	for (size_t s = 0; s < 2; s++) {
		const struct option *options = parser->sets[s].options;
		for (size_t i = 0; i < table_size(options); i++) {
			if (letter != 0 && options[i].letter == letter) {
				*ret_set = &parser->sets[s];
				return &options[i];
			}
		}
	}
	return NULL;
}

static int store_integer(
	const struct option *option, int64_t *ret, const char *value, struct err *err)
{
	char *end;

	errno = 0;
	long long number = strtoll(value, &end, 10);
	/* strtoll skips white space and takes a plus sign; we want neither. */
	if (!(isdigit((unsigned char)value[0]) || value[0] == '-') || *end != '\0')
		return err_set(err, ERR_USAGE, "--%s takes a whole number", option->name);
	if (errno != 0 || number < option->min || number > option->max)
		return err_set(err, ERR_USAGE, "--%s takes a number from %lld to %lld",
			option->name, (long long)option->min, (long long)option->max);
	*ret = number;
	return 0;
}

static int store_choice(
	const struct option *option, const char **ret, const char *value, struct err *err)
{
	for (const char *const *choice = option->choices; *choice != NULL; choice++) {
		if (strcmp(*choice, value) == 0) {
			*ret = *choice;
			return 0;
		}
	}
	struct str all = STR_INIT;
	for (const char *const *choice = option->choices; *choice != NULL; choice++) {
		if (choice != option->choices)
			str_append_text(&all, choice[1] == NULL ? " or " : ", ");
		str_append_text(&all, *choice);
	}
	(void)err_set(err, ERR_USAGE, "--%s takes %s", option->name, str_text(&all));
	str_release(&all);
	return -(int)ERR_USAGE;
}

static int store_list(
	struct parser *parser, struct option_list *list, const char *value, struct err *err)
{
	if (list->items == NULL) {
		list->items = arena_array(parser->arena, (size_t)parser->argc, sizeof *list->items);
		if (list->items == NULL)
			return err_no_memory(err);
	}
	list->items[list->count++] = value;
	return 0;
}

/* value is NULL for a flag. */
static int store(struct parser *parser, struct option_set *set, const struct option *option,
	const char *value, struct err *err)
{
	void *target = (char *)set->values + option->offset;
	uint64_t bit = (uint64_t)1 << (option - set->options);

	if (option->kind != OPTION_LIST && (set->given & bit) != 0)
		return err_set(err, ERR_USAGE, "--%s is given twice", option->name);
	set->given |= bit;
	if (value != NULL && value[0] == '\0')
		return err_set(err, ERR_USAGE, "--%s needs %s, and it is empty", option->name,
			option->argument);
	switch (option->kind) {
	case OPTION_FLAG:
		*(bool *)target = true;
		return 0;
	case OPTION_TEXT:
		*(const char **)target = value;
		return 0;
	case OPTION_LIST:
		return store_list(parser, target, value, err);
	case OPTION_INTEGER:
		return store_integer(option, target, value, err);
	case OPTION_CHOICE:
		return store_choice(option, target, value, err);
	}
	return err_set(err, ERR_INTERNAL, "--%s has no kind", option->name);
}

/* The value that follows as a word of its own. */
static int next_value(
	struct parser *parser, const struct option *option, const char **ret_value, struct err *err)
{
	if (parser->next >= parser->argc)
		return err_set(err, ERR_USAGE, "--%s needs %s", option->name, option->argument);
	*ret_value = parser->argv[parser->next++];
	return 0;
}

static int parse_long(struct parser *parser, const char *word, struct err *err)
{
	const char *name = word + 2;
	size_t size = strcspn(name, "=");
	const char *value = name[size] == '=' ? name + size + 1 : NULL;
	struct option_set *set;
	const struct option *option = find_long(parser, name, size, &set);

	if (option == NULL)
		return unknown_option(parser, word, err);
	if (option->kind == OPTION_FLAG) {
		if (value != NULL)
			return err_set(err, ERR_USAGE, "--%s takes no value", option->name);
	} else if (value == NULL) {
		int status = next_value(parser, option, &value, err);
		if (status != 0)
			return status;
	}
	return store(parser, set, option, value, err);
}

/* -o VALUE, -oVALUE; flags may be bundled. */
static int parse_letters(struct parser *parser, const char *word, struct err *err)
{
	for (const char *letter = word + 1; *letter != '\0'; letter++) {
		struct option_set *set;
		const struct option *option = find_letter(parser, *letter, &set);
		const char *value = NULL;
		int status;

		if (option == NULL)
			return unknown_option(parser, word, err);
		if (option->kind != OPTION_FLAG) {
			value = letter + 1;
			if (*value == '\0' &&
				(status = next_value(parser, option, &value, err)) != 0)
				return status;
		}
		status = store(parser, set, option, value, err);
		if (status != 0 || option->kind != OPTION_FLAG)
			return status;
	}
	return 0;
}

static bool names_command(const char *name, const char *first, const char *second, bool *ret_two)
{
	size_t size = strlen(first);

	if (strcmp(name, first) == 0) {
		*ret_two = false;
		return true;
	}
	if (second == NULL || strncmp(name, first, size) != 0 || name[size] != ' ' ||
		strcmp(name + size + 1, second) != 0)
		return false;
	*ret_two = true;
	return true;
}

/* Whether word is the first of a name of two. */
static bool names_family(const char *name, const char *word)
{
	size_t size = strlen(word);

	return strncmp(name, word, size) == 0 && name[size] == ' ';
}

static int unknown_command(
	const struct program *program, const char *first, const char *second, struct err *err)
{
	const char *names[SET_OPTIONS_MAX + 1];
	size_t count = 0;
	struct str word = STR_INIT, scratch = STR_INIT;
	bool is_first_of_two = false;

	for (; program->commands[count] != NULL && count < SET_OPTIONS_MAX; count++) {
		const char *name = program->commands[count]->name;
		names[count] = name;
		is_first_of_two = is_first_of_two || names_family(name, first);
	}
	names[count] = NULL;
	str_append_text(&word, first);
	if (is_first_of_two && second != NULL) {
		str_append_char(&word, ' ');
		str_append_text(&word, second);
	}
	const char *near = text_nearest(str_text(&word), names);
	(void)err_set(err, ERR_USAGE, "there is no command %s%s%s%s",
		shown(&scratch, str_text(&word)), near != NULL ? "; did you mean " : "",
		near != NULL ? near : "", near != NULL ? "?" : "");
	str_release(&word);
	str_release(&scratch);
	return -(int)ERR_USAGE;
}

/* The command is the first word that is no option; a second word belongs to names of two. */
static int choose_command(const struct program *program, struct parser *parser,
	struct command_line *line, const char *first, struct err *err)
{
	const char *second = parser->next < parser->argc ? parser->argv[parser->next] : NULL;
	bool alone = second == NULL || second[0] == '-';

	for (size_t i = 0; program->commands[i] != NULL; i++) {
		bool two;
		const struct command *command = program->commands[i];
		if (alone && names_family(command->name, first))
			line->family = first;
		if (!names_command(command->name, first, second, &two))
			continue;
		if (two)
			parser->next++;
		line->command = command;
		line->values = arena_alloc(&line->arena, command->values_size);
		if (line->values == NULL)
			return err_no_memory(err);
		parser->sets[1] = (struct option_set){command->options, line->values, 0};
		return 0;
	}
	return line->family != NULL ? 0 : unknown_command(program, first, second, err);
}

static int parse_words(const struct program *program, struct parser *parser,
	struct command_line *line, struct err *err)
{
	bool options_ended = false;

	while (parser->next < parser->argc) {
		const char *word = parser->argv[parser->next++];
		int status = 0;

		if (!options_ended && strcmp(word, "--") == 0)
			options_ended = true;
		else if (!options_ended && strncmp(word, "--", 2) == 0)
			status = parse_long(parser, word, err);
		else if (!options_ended && word[0] == '-' && word[1] != '\0')
			status = parse_letters(parser, word, err);
		else if (line->command == NULL && line->family == NULL)
			status = choose_command(program, parser, line, word, err);
		else
			line->operands[line->operand_count++] = word;
		if (status != 0)
			return status;
	}
	return 0;
}

int command_line_parse(const struct program *program, void *common_values, int argc,
	char *const *argv, struct command_line *ret_line, struct err *err)
{
	struct command_line line = {.arena = ARENA_INIT};
	struct parser parser = {
		.sets = {{program->common, common_values, 0}},
		.argc = argc,
		.argv = (const char *const *)argv,
		.next = argc > 0 ? 1 : 0,
	};

	parser.arena = &line.arena;
	line.operands = arena_array(&line.arena, (size_t)argc + 1, sizeof *line.operands);
	int status = line.operands == NULL ? err_no_memory(err)
					   : parse_words(program, &parser, &line, err);
	if (status != 0) {
		command_line_release(&line);
		return status;
	}
	*ret_line = line;
	return 0;
}

void command_line_release(struct command_line *line)
{
	arena_release(&line->arena);
	*line = (struct command_line){.arena = ARENA_INIT};
}

int command_line_check(
	const struct program *program, const struct command_line *line, struct err *err)
{
	const struct command *command = line->command;

	if (command == NULL)
		return err_set(err, ERR_USAGE, "no command is given; see %s%s%s --help",
			program->name, line->family != NULL ? " " : "",
			line->family != NULL ? line->family : "");
	if (line->operand_count < command->operands_min ||
		line->operand_count > command->operands_max)
		return err_set(err, ERR_USAGE, "%s operands; usage: %s %s%s%s",
			line->operand_count < command->operands_min ? "too few" : "too many",
			program->name, command->name, command->synopsis[0] != '\0' ? " " : "",
			command->synopsis);
	return 0;
}

/* Fills up to the column of the help lines; a left side that is too long gets its own line. */
static void append_padding(struct str *out, size_t start)
{
	if (out->size - start > HELP_COLUMN - 2) {
		str_append_char(out, '\n');
		start = out->size;
	}
	while (out->size - start < HELP_COLUMN && !out->failed)
		str_append_char(out, ' ');
}

/* A|B|C, continued below the first where the line would be wider than a terminal; returns where the
 * last line starts. */
static size_t append_choices(struct str *out, size_t start, const char *const *choices)
{
	size_t indent = text_width(str_text(out) + start) + 1, column = indent;

	str_append_char(out, ' ');
	for (size_t i = 0; choices[i] != NULL; i++) {
		size_t width = text_width(choices[i]) + (choices[i + 1] != NULL);
		if (i > 0 && column + width > TEXT_WRAP_COLUMNS) {
			str_append_char(out, '\n');
			start = out->size;
			str_append_format(out, "%*s", (int)indent, "");
			column = indent;
		}
		str_append_format(out, "%s%s", choices[i], choices[i + 1] != NULL ? "|" : "");
		column += width;
	}
	return start;
}

static void append_option(struct str *out, const struct option *option)
{
	size_t start = out->size;

	if (option->letter != 0)
		str_append_format(out, "  -%c, --%s", option->letter, option->name);
	else
		str_append_format(out, "      --%s", option->name);
	if (option->kind == OPTION_CHOICE)
		start = append_choices(out, start, option->choices);
	else if (option->argument != NULL)
		str_append_format(out, " %s", option->argument);
	append_padding(out, start);
	text_wrap(out, option->help, HELP_COLUMN);
}

static void append_options(struct str *out, const char *heading, const struct option *options)
{
	if (table_size(options) == 0)
		return;
	str_append_format(out, "\n%s:\n", heading);
	for (size_t i = 0; i < table_size(options); i++)
		append_option(out, &options[i]);
}

void program_usage(const struct program *program, const char *family, struct str *out)
{
	str_append_format(out, "usage: %s %s%sCOMMAND [OPTION]...\n\n%s\n\ncommands:\n",
		program->name, family != NULL ? family : "", family != NULL ? " " : "",
		program->summary);
	for (size_t i = 0; program->commands[i] != NULL; i++) {
		const struct command *command = program->commands[i];
		size_t start = out->size;
		if (family != NULL && !names_family(command->name, family))
			continue;
		str_append_format(out, "  %s%s%s", command->name,
			command->synopsis[0] != '\0' ? " " : "", command->synopsis);
		append_padding(out, start);
		text_wrap(out, command->summary, HELP_COLUMN);
	}
	append_options(out, "common options", program->common);
	str_append_format(out, "\nsee %s(1), and %s help COMMAND\n", program->name, program->name);
}

/* "offkit-trust-show" */
static void append_page(
	struct str *out, const struct program *program, const struct command *command)
{
	str_append_format(out, "%s-", program->name);
	for (const char *c = command->name; *c != '\0'; c++)
		str_append_char(out, *c == ' ' ? '-' : *c);
}

void command_usage(const struct program *program, const struct command *command, struct str *out)
{
	str_append_format(out, "usage: %s %s%s%s%s\n\n%s\n", program->name, command->name,
		table_size(command->options) > 0 ? " [OPTION]..." : "",
		command->synopsis[0] != '\0' ? " " : "", command->synopsis, command->summary);
	append_options(out, "options", command->options);
	append_options(out, "common options", program->common);
	str_append_text(out, "\nsee ");
	append_page(out, program, command);
	str_append_text(out, "(1)\n");
}

void command_line_usage(
	const struct program *program, const struct command_line *line, struct str *out)
{
	if (line->command != NULL)
		command_usage(program, line->command, out);
	else
		program_usage(program, line->family, out);
}

int program_help(const struct program *program, size_t word_count, const char *const *words,
	struct str *out, struct err *err)
{
	struct command_line line = {.arena = ARENA_INIT};
	struct parser parser = {
		.arena = &line.arena,
		.argc = (int)word_count,
		.argv = words,
		.next = 1,
	};
	int status = word_count == 0 ? 0 : choose_command(program, &parser, &line, words[0], err);

	if (status == 0 && parser.next < parser.argc)
		status = err_set(err, ERR_USAGE, "too many operands; usage: %s help [COMMAND]",
			program->name);
	if (status == 0)
		command_line_usage(program, &line, out);
	command_line_release(&line);
	return status;
}

int command_line_run(const struct program *program, const struct command_line *line,
	struct face *face, const char **object, struct err *err)
{
	int result = command_line_check(program, line, err);

	if (result != 0)
		return result;
	if (line->operand_count > 0)
		*object = line->operands[0];
	return line->command->run(
		face, line->values, line->operand_count, (const char *const *)line->operands, err);
}
