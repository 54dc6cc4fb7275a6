#include <string.h>

#include "text/completion_internal.h"

static void append_quoted(struct str *out, const char *text, size_t size)
{
	str_append_char(out, '\'');
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\'' || text[i] == '\\')
			str_append_char(out, '\\');
		str_append_char(out, text[i]);
	}
	str_append_char(out, '\'');
}

static void append_description(struct str *out, const char *text)
{
	str_append_text(out, " -d ");
	append_quoted(out, text, strlen(text));
	str_append_char(out, '\n');
}

/* Which command stands on the line so far, as the function NAME_at. */
static void append_command_search(const struct program *program, struct str *out)
{
	str_append_format(out, "function __%s_at\n\tset -l names", program->name);
	for (size_t i = 0; program->commands[i] != NULL; i++)
		str_append_format(out, " '%s'", program->commands[i]->name);
	str_append_text(out, "\n"
			     "\tset -l words (commandline -opc)\n"
			     "\tset -l command ''\n"
			     "\tset -l is_value no\n"
			     "\tfor word in $words[2..-1]\n"
			     "\t\tif test $is_value = yes\n"
			     "\t\t\tset is_value no\n"
			     "\t\t\tcontinue\n"
			     "\t\tend\n"
			     "\t\tswitch $word\n"
			     "\t\t\tcase ''");
	for (const struct option *option = program->common; option->name != NULL; option++) {
		if (!option_takes_value(option))
			continue;
		str_append_format(out, " --%s", option->name);
		if (option->letter != 0)
			str_append_format(out, " -%c", option->letter);
	}
	str_append_text(out, "\n"
			     "\t\t\t\tset is_value yes\n"
			     "\t\t\tcase '-*'\n"
			     "\t\t\tcase '*'\n"
			     "\t\t\t\tset command (string trim -- \"$command $word\")\n"
			     "\t\t\t\tcontains -- $command $names; and break\n"
			     "\t\tend\n"
			     "\tend\n"
			     "\ttest \"$command\" = \"$argv[1]\"\n"
			     "end\n");
}

static void append_condition(
	const struct program *program, const char *at, size_t size, struct str *out)
{
	str_append_format(out, "complete -c %s -n '__%s_at \"", program->name, program->name);
	for (size_t i = 0; i < size; i++)
		str_append_char(out, at[i]);
	str_append_text(out, "\"'");
}

static void append_option(const struct option *option, struct str *out)
{
	str_append_format(out, " -l %s", option->name);
	if (option->letter != 0)
		str_append_format(out, " -s %c", option->letter);
	if (option->kind == OPTION_CHOICE) {
		str_append_text(out, " -x -a '");
		for (size_t i = 0; option->choices[i] != NULL; i++)
			str_append_format(out, "%s%s", i == 0 ? "" : " ", option->choices[i]);
		str_append_char(out, '\'');
	} else if (option->kind == OPTION_INTEGER) {
		str_append_text(out, " -x");
	} else if (option_takes_value(option)) {
		str_append_text(out, " -r");
	}
	append_description(out, option->help);
}

/* Commands of one word, and the first words of those of two, at the beginning; then the second. */
static void append_names(const struct program *program, struct str *out)
{
	append_condition(program, "", 0, out);
	str_append_text(out, " -f\n");
	for (size_t i = 0; program->commands[i] != NULL; i++) {
		const struct command *command = program->commands[i];
		size_t size = command_first_word(command), whole = strlen(command->name);
		bool is_known = command_first_word_is_known(program, i);

		if (!is_known) {
			append_condition(program, "", 0, out);
			str_append_text(out, " -a ");
			append_quoted(out, command->name, size);
			if (size == whole)
				append_description(out, command->summary);
			else
				str_append_char(out, '\n');
		}
		if (size == whole)
			continue;
		if (!is_known) {
			append_condition(program, command->name, size, out);
			str_append_text(out, " -f\n");
		}
		append_condition(program, command->name, size, out);
		str_append_text(out, " -a ");
		append_quoted(out, command->name + size + 1, whole - size - 1);
		append_description(out, command->summary);
	}
}

void completion_fish(const struct program *program, struct str *out)
{
	str_append_format(
		out, "# fish completion of %s, made from its tables of commands.\n", program->name);
	append_command_search(program, out);
	append_names(program, out);
	for (const struct option *option = program->common; option->name != NULL; option++) {
		str_append_format(out, "complete -c %s", program->name);
		append_option(option, out);
	}
	for (size_t i = 0; program->commands[i] != NULL; i++) {
		const struct command *command = program->commands[i];
		for (const struct option *option = command->options;
			option != NULL && option->name != NULL; option++) {
			append_condition(program, command->name, strlen(command->name), out);
			append_option(option, out);
		}
	}
}
