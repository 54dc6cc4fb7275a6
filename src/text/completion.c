#include <string.h>

#include "base/cleanup.h"
#include "text/completion_internal.h"

bool option_takes_value(const struct option *option)
{
	return option->kind != OPTION_FLAG;
}

size_t command_first_word(const struct command *command)
{
	return strcspn(command->name, " ");
}

bool command_first_word_is_known(const struct program *program, size_t index)
{
	size_t size = command_first_word(program->commands[index]);

	for (size_t i = 0; i < index; i++)
		if (command_first_word(program->commands[i]) == size &&
			memcmp(program->commands[i]->name, program->commands[index]->name, size) ==
				0)
			return true;
	return false;
}

static void append_options(struct str *out, const struct option *options)
{
	for (; options != NULL && options->name != NULL; options++) {
		str_append_format(out, " --%s", options->name);
		if (options->letter != 0)
			str_append_format(out, " -%c", options->letter);
	}
}

/* Patterns of a case: the words after which a value comes. */
static void append_value_patterns(struct str *out, const char *before, const struct option *options)
{
	for (; options != NULL && options->name != NULL; options++) {
		if (!option_takes_value(options))
			continue;
		str_append_format(out, "|%s--%s", before, options->name);
		if (options->letter != 0)
			str_append_format(out, "|%s-%c", before, options->letter);
	}
}

static void append_choices(struct str *out, const char *before, const struct option *options)
{
	for (; options != NULL && options->name != NULL; options++) {
		if (options->kind != OPTION_CHOICE)
			continue;
		str_append_format(out, "\t%s--%s)\n\t\twords='", before, options->name);
		for (size_t i = 0; options->choices[i] != NULL; i++)
			str_append_format(out, "%s%s", i == 0 ? "" : " ", options->choices[i]);
		str_append_text(out, "' ;;\n");
	}
}

/* Which command stands on the line so far; "--name=value" comes as three words. */
static void append_command_search(const struct program *program, struct str *out)
{
	str_append_text(out, "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
			     "\t\tword=${COMP_WORDS[i]}\n"
			     "\t\tcase $word in\n\t\t=");
	append_value_patterns(out, "", program->common);
	str_append_text(out, ")\n"
			     "\t\t\t[[ ${COMP_WORDS[i + 1]} == = ]] && ((i++))\n"
			     "\t\t\t((i++))\n"
			     "\t\t\tcontinue ;;\n"
			     "\t\t-*) continue ;;\n"
			     "\t\tesac\n"
			     "\t\tcommand+=${command:+ }$word\n"
			     "\t\tfor name in \"${names[@]}\"; do\n"
			     "\t\t\t[[ $name == \"$command\" ]] && break 2\n"
			     "\t\tdone\n"
			     "\tdone\n");
}

/* What its options have before them in a pattern; a view of room. */
static const char *before_of(const struct command *command, struct str *room)
{
	str_truncate(room, 0);
	str_append_format(room, "'%s':", command->name);
	return str_text(room);
}

static void append_values(const struct program *program, struct str *out)
{
	CLEANUP_STR struct str room = STR_INIT;

	str_append_text(out, "\t[[ $last == = ]] && last=${COMP_WORDS[COMP_CWORD - 2]}\n"
			     "\t[[ $current == = ]] && current=\n"
			     "\tcase $command:$last in\n");
	append_choices(out, "*:", program->common);
	for (size_t i = 0; program->commands[i] != NULL; i++)
		append_choices(
			out, before_of(program->commands[i], &room), program->commands[i]->options);
	str_append_text(out, "\t*:=");
	append_value_patterns(out, "*:", program->common);
	for (size_t i = 0; program->commands[i] != NULL; i++)
		append_value_patterns(
			out, before_of(program->commands[i], &room), program->commands[i]->options);
	/* Nothing is proposed, and the shell falls back to file names. */
	str_append_text(out, ") return ;;\n\t*)\n");
}

static void append_words(const struct program *program, struct str *out)
{
	str_append_text(out, "\t\tif [[ $current == -* ]]; then\n\t\t\twords='");
	append_options(out, program->common);
	str_append_text(out, "'\n\t\t\tcase $command in\n");
	for (size_t i = 0; program->commands[i] != NULL; i++) {
		str_append_format(out, "\t\t\t'%s') words+='", program->commands[i]->name);
		append_options(out, program->commands[i]->options);
		str_append_text(out, "' ;;\n");
	}
	str_append_text(out, "\t\t\tesac\n"
			     "\t\telse\n"
			     "\t\t\tfor name in \"${names[@]}\"; do\n"
			     "\t\t\t\t[[ $name == \"${command:+$command }\"* ]] || continue\n"
			     "\t\t\t\tname=${name#\"${command:+$command }\"}\n"
			     "\t\t\t\twords+=\" ${name%% *}\"\n"
			     "\t\t\tdone\n"
			     "\t\tfi ;;\n"
			     "\tesac\n");
}

static void completion_bash(const struct program *program, struct str *out)
{
	str_append_format(out,
		"# bash completion of %s, made from its tables of commands.\n"
		"_%s()\n{\n"
		"\tlocal current=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD - 1]}\n"
		"\tlocal command= words= word name i\n"
		"\tlocal names=(",
		program->name, program->name);
	for (size_t i = 0; program->commands[i] != NULL; i++)
		str_append_format(out, "%s'%s'", i == 0 ? "" : " ", program->commands[i]->name);
	str_append_text(out, ")\n\n\tCOMPREPLY=()\n");
	append_command_search(program, out);
	append_values(program, out);
	append_words(program, out);
	str_append_format(out,
		"\tmapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\" | sort -u)\n"
		"}\ncomplete -o default -F _%s %s\n",
		program->name, program->name);
}

static const struct {
	const char *name;
	completion_function *write;
} shells[] = {
	{"bash", completion_bash},
	{"zsh", completion_zsh},
	{"fish", completion_fish},
};

int program_completion(
	const struct program *program, const char *shell, struct str *out, struct err *err)
{
	for (size_t i = 0; i < sizeof shells / sizeof shells[0]; i++) {
		if (strcmp(shell, shells[i].name) == 0) {
			shells[i].write(program, out);
			return 0;
		}
	}
	return err_set(err, ERR_USAGE,
		"there is no completion for this shell; bash, zsh and fish have one");
}
