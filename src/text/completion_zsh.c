#include <string.h>

#include "text/completion_internal.h"

/* Text within single quotes; a backslash is put before what is in special. */
static void append_escaped(struct str *out, const char *text, size_t size, const char *special)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\'') {
			str_append_text(out, "'\\''");
			continue;
		}
		if (strchr(special, text[i]) != NULL)
			str_append_char(out, '\\');
		str_append_char(out, text[i]);
	}
}

static void append_value(const struct option *option, struct str *out)
{
	if (!option_takes_value(option))
		return;
	const char *argument = option->argument != NULL ? option->argument : option->name;
	str_append_char(out, ':');
	append_escaped(out, argument, strlen(argument), ":\\");
	str_append_char(out, ':');
	if (option->kind == OPTION_CHOICE) {
		for (size_t i = 0; option->choices[i] != NULL; i++)
			str_append_format(out, "%c%s", i == 0 ? '(' : ' ', option->choices[i]);
		str_append_char(out, ')');
	} else if (option->kind == OPTION_INTEGER) {
		str_append_char(out, ' ');
	} else {
		str_append_text(out, strcmp(argument, "DIR") == 0 ? "_files -/" : "_files");
	}
}

/* A specification as _arguments takes it; one given already is not proposed again, unless a list.
 */
static void append_spec(const struct option *option, bool is_letter, struct str *out)
{
	str_append_text(out, "\t\t'");
	if (option->kind == OPTION_LIST)
		str_append_char(out, '*');
	else if (option->letter != 0)
		str_append_format(out, "(-%c --%s)", option->letter, option->name);
	if (is_letter)
		str_append_format(
			out, "-%c%s", option->letter, option_takes_value(option) ? "+" : "");
	else
		str_append_format(
			out, "--%s%s", option->name, option_takes_value(option) ? "=" : "");
	str_append_char(out, '[');
	append_escaped(out, option->help, strlen(option->help), "[]\\");
	str_append_char(out, ']');
	append_value(option, out);
	str_append_text(out, "'\n");
}

static void append_specs(const struct option *options, struct str *out)
{
	for (const struct option *option = options; option != NULL && option->name != NULL;
		option++) {
		append_spec(option, false, out);
		if (option->letter != 0)
			append_spec(option, true, out);
	}
}

/* Which command stands on the line before the word that is completed. */
static void append_command_search(const struct program *program, struct str *out)
{
	str_append_text(out, "\tfor word in ${words[2,CURRENT-1]}; do\n"
			     "\t\tif ((is_value)); then\n"
			     "\t\t\tis_value=0\n"
			     "\t\t\tcontinue\n"
			     "\t\tfi\n"
			     "\t\tcase $word in\n\t\t(''");
	for (const struct option *option = program->common; option->name != NULL; option++) {
		if (!option_takes_value(option))
			continue;
		str_append_format(out, "|--%s", option->name);
		if (option->letter != 0)
			str_append_format(out, "|-%c", option->letter);
	}
	str_append_text(out, ") is_value=1 ;;\n"
			     "\t\t(-*) ;;\n"
			     "\t\t(*)\n"
			     "\t\t\tcommand+=${command:+ }$word\n"
			     "\t\t\t((${names[(Ie)$command]})) && break ;;\n"
			     "\t\tesac\n"
			     "\tdone\n");
}

/* What a word that is not an option may be, by what stands before it. */
static void append_nexts(const struct program *program, struct str *out)
{
	str_append_text(out, "\t[[ -n $command ]] || nexts=(\n");
	for (size_t i = 0; program->commands[i] != NULL; i++) {
		const struct command *command = program->commands[i];
		size_t size = command_first_word(command);

		if (command_first_word_is_known(program, i))
			continue;
		str_append_text(out, "\t\t'");
		append_escaped(out, command->name, size, ":\\");
		if (command->name[size] == '\0') {
			str_append_char(out, ':');
			append_escaped(out, command->summary, strlen(command->summary), "\\");
		}
		str_append_text(out, "'\n");
	}
	str_append_text(out, "\t)\n");
	for (size_t i = 0; program->commands[i] != NULL; i++) {
		const struct command *command = program->commands[i];
		size_t size = command_first_word(command);

		if (command->name[size] == '\0')
			continue;
		str_append_text(out, "\t[[ $command != ");
		append_escaped(out, command->name, size, "");
		str_append_text(out, " ]] || nexts+=('");
		append_escaped(
			out, command->name + size + 1, strlen(command->name + size + 1), ":\\");
		str_append_char(out, ':');
		append_escaped(out, command->summary, strlen(command->summary), "\\");
		str_append_text(out, "')\n");
	}
}

void completion_zsh(const struct program *program, struct str *out)
{
	str_append_format(out,
		"#compdef %s\n"
		"# zsh completion of %s, made from its tables of commands.\n"
		"compdef _%s %s\n\n"
		"_%s_next() { _describe -t commands command nexts }\n\n"
		"_%s() {\n"
		"\tlocal command= word is_value=0\n"
		"\tlocal -a names nexts specs\n"
		"\tnames=(",
		program->name, program->name, program->name, program->name, program->name,
		program->name);
	for (size_t i = 0; program->commands[i] != NULL; i++)
		str_append_format(out, "%s'%s'", i == 0 ? "" : " ", program->commands[i]->name);
	str_append_text(out, ")\n");
	append_command_search(program, out);
	append_nexts(program, out);
	str_append_text(out, "\tcase $command in\n");
	for (size_t i = 0; program->commands[i] != NULL; i++) {
		str_append_format(out, "\t('%s') specs=(\n", program->commands[i]->name);
		append_specs(program->commands[i]->options, out);
		str_append_text(out, "\t) ;;\n");
	}
	str_append_text(out, "\tesac\n\tspecs+=(\n");
	append_specs(program->common, out);
	str_append_format(out,
		"\t)\n"
		"\tif (($#nexts)); then\n"
		"\t\t_arguments -s $specs '*: :_%s_next'\n"
		"\telse\n"
		"\t\t_arguments -s $specs '*: :_files'\n"
		"\tfi\n"
		"}\n\n"
		"[[ $funcstack[1] != _%s ]] || _%s \"$@\"\n",
		program->name, program->name, program->name);
}
