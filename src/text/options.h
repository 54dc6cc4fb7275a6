/*
 * options: command lines by table.
 *
 * A program is a table of commands, a command a table of options; parsing, the checks, and the
 * usage text all come from the tables. Options may stand before and after operands; "--" ends
 * them. `--name VALUE`, `--name=VALUE` and, where a letter is given, `-n VALUE` and `-nVALUE`.
 * Everything that is not understood is ERR_USAGE, with the nearest name where one is near.
 */
#ifndef OFFKIT_TEXT_OPTIONS_H
#define OFFKIT_TEXT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"

enum option_kind {
	OPTION_FLAG,	/* bool */
	OPTION_TEXT,	/* const char *, not empty */
	OPTION_LIST,	/* struct option_list; the only kind that may be given more than once */
	OPTION_INTEGER, /* int64_t within min and max */
	OPTION_CHOICE,	/* const char *, one of choices */
};

struct option_list {
	size_t count;
	const char **items; /* in the order given */
};

/* A row of an option table; the row whose name is NULL ends it. */
struct option {
	const char *name; /* "site", without dashes */
	char letter;	  /* 'o' for -o, 0 if there is none */
	enum option_kind kind;
	const char *argument; /* "FILE"; NULL for a flag */
	const char *help;     /* one line */
	size_t offset;	      /* of the value in the values struct */
	const char *const *choices;
	int64_t min, max;
};

/*
 * Rows by kind; values is the struct's type and member its field:
 *	OPTION_ROW_TEXT("out", 'o', "KIT", struct build_values, out, "where the kit goes")
 */
#define OPTION_ROW(name_, letter_, kind_, argument_, values_, member_, help_, ...)                 \
	{                                                                                          \
		.name = (name_), .letter = (letter_), .kind = (kind_), .argument = (argument_),    \
		.help = (help_), .offset = offsetof(values_, member_), __VA_ARGS__                 \
	}
#define OPTION_ROW_FLAG(name, letter, values, member, help)                                        \
	OPTION_ROW(name, letter, OPTION_FLAG, NULL, values, member, help, )
#define OPTION_ROW_TEXT(name, letter, argument, values, member, help)                              \
	OPTION_ROW(name, letter, OPTION_TEXT, argument, values, member, help, )
#define OPTION_ROW_LIST(name, letter, argument, values, member, help)                              \
	OPTION_ROW(name, letter, OPTION_LIST, argument, values, member, help, )
#define OPTION_ROW_INTEGER(name, letter, argument, min_, max_, values, member, help)               \
	OPTION_ROW(name, letter, OPTION_INTEGER, argument, values, member, help, .min = (min_),    \
		.max = (max_))
#define OPTION_ROW_CHOICE(name, letter, choices_, values, member, help)                            \
	OPTION_ROW(name, letter, OPTION_CHOICE, NULL, values, member, help, .choices = (choices_))
#define OPTION_END                                                                                 \
	{                                                                                          \
		.name = NULL                                                                       \
	}

struct face; /* each program defines its own: where results go, the common options */

/* A command. Its values start zeroed; what is not given stays so. */
struct command {
	const char *name;     /* "verify", or two words: "trust show" */
	const char *synopsis; /* operands: "KIT", "" */
	const char *summary;  /* one line */
	const struct option *options;
	size_t values_size;
	size_t operands_min, operands_max; /* SIZE_MAX: any number */
	int (*run)(struct face *face, const void *values, size_t operand_count,
		const char *const *operands, struct err *err);
};

struct program {
	const char *name;
	const char *summary;
	const struct command *const *commands; /* NULL-terminated */
	const struct option *common; /* understood by every command, and before its name */
};

struct command_line {
	struct arena arena;	       /* owns values and operands; the texts are argv's */
	const struct command *command; /* NULL: none was named */
	const char *family;	       /* "trust": the first word of several commands; else NULL */
	void *values;
	size_t operand_count;
	const char **operands;
};

/*
 * Parses argv (argv[0] is skipped) into ret_line and *common_values. The number of operands is
 * not checked yet, so that --help can be answered first.
 */
MUST_CHECK int command_line_parse(const struct program *program, void *common_values, int argc,
	char *const *argv, struct command_line *ret_line, struct err *err);
void command_line_release(struct command_line *line);

/* ERR_USAGE unless a command was named and has as many operands as it takes. */
MUST_CHECK int command_line_check(
	const struct program *program, const struct command_line *line, struct err *err);

/*
 * Checks it and runs its command. *object becomes the first operand, which a failure is about,
 * before the command runs.
 */
MUST_CHECK int command_line_run(const struct program *program, const struct command_line *line,
	struct face *face, const char **object, struct err *err);

/* The text of --help, of the command or family that was named, else of the program. */
void command_line_usage(
	const struct program *program, const struct command_line *line, struct str *out);

/* The text of --help, of the program (family NULL: all of its commands) and of one command. */
void program_usage(const struct program *program, const char *family, struct str *out);
void command_usage(const struct program *program, const struct command *command, struct str *out);

/* The same for the command that words name, of which there may be none. ERR_USAGE if none has it.
 */
MUST_CHECK int program_help(const struct program *program, size_t word_count,
	const char *const *words, struct str *out, struct err *err);

/* The command that prints it; run is the program's, which calls program_help. */
#define COMMAND_HELP(function)                                                                     \
	{                                                                                          \
		.name = "help", .synopsis = "[COMMAND]",                                           \
		.summary = "what a command takes, and where its manual is", .operands_max = 2,     \
		.run = (function)                                                                  \
	}

/*
 * A script, to be sourced by shell, that completes the program's commands, options and choices, and
 * file names elsewhere. ERR_USAGE if there is none for shell; "bash", "zsh" and "fish" have one.
 * That of zsh may also lie in its function path, as _NAME.
 */
MUST_CHECK int program_completion(
	const struct program *program, const char *shell, struct str *out, struct err *err);

/* The command that prints it; run is the program's, which calls program_completion. */
#define COMMAND_COMPLETION(function)                                                               \
	{                                                                                          \
		.name = "completion", .synopsis = "SHELL",                                         \
		.summary = "print the completion script of a shell", .operands_min = 1,            \
		.operands_max = 1, .run = (function)                                               \
	}

#endif
