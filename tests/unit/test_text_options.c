/* The command lines of both programs: tables in, values or a sentence out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "text/options.h"

struct common {
	const char *output;
	bool yes;
};

struct values {
	const char *out;
	struct option_list keys;
	int64_t batch;
	bool force;
};

static const char *const outputs[] = {"text", "json", NULL};

static const struct option common_options[] = {
	OPTION_ROW_CHOICE("output", 0, outputs, struct common, output, "what stdout carries"),
	OPTION_ROW_FLAG("yes", 'y', struct common, yes, "answer every foreseeable question"),
	OPTION_END,
};

static const struct option build_options[] = {
	OPTION_ROW_TEXT("out", 'o', "KIT", struct values, out, "where the kit goes"),
	OPTION_ROW_LIST("key", 'k', "FILE", struct values, keys, "a private key"),
	OPTION_ROW_INTEGER(
		"batch-size", 0, "N", 1, 10000, struct values, batch, "documents a batch"),
	OPTION_ROW_FLAG("force", 'f', struct values, force, "overwrite"),
	OPTION_END,
};

static const struct command build = {
	"build", "DIR", "build a kit", build_options, sizeof(struct values), 1, 1, NULL};
static const struct command trust_show = {"trust show", "", "show the root", NULL, 0, 0, 0, NULL};
static const struct command trust_update = {
	"trust update", "FILE...", "rotate it", NULL, 0, 1, SIZE_MAX, NULL};
static const struct command *const commands[] = {&build, &trust_show, &trust_update, NULL};
static const struct program program = {"offkit-pack", "builds kits", commands, common_options};

#define PARSE(line, common, err, ...)                                                              \
	parse_words((line), (common), (err), (const char *[]){"offkit-pack", __VA_ARGS__, NULL})

static int parse_words(
	struct command_line *line, struct common *common, struct err *err, const char **words)
{
	char *argv[16];
	int argc = 0;

	for (; words[argc] != NULL; argc++)
		argv[argc] = (char *)(uintptr_t)words[argc];
	*common = (struct common){0};
	return command_line_parse(&program, common, argc, argv, line, err);
}

static void test_reads_every_kind(void **state)
{
	struct command_line line;
	struct common common;
	struct err err;

	(void)state;
	assert_int_equal(
		PARSE(&line, &common, &err, "--output=json", "build", "src", "-o", "kit.tar",
			"--key", "a.key", "-kb.key", "--batch-size", "500", "-fy"),
		0);
	const struct values *values = line.values;
	assert_ptr_equal(line.command, &build);
	assert_string_equal(common.output, "json");
	assert_true(common.yes);
	assert_string_equal(values->out, "kit.tar");
	assert_int_equal(values->keys.count, 2);
	assert_string_equal(values->keys.items[0], "a.key");
	assert_string_equal(values->keys.items[1], "b.key");
	assert_int_equal(values->batch, 500);
	assert_true(values->force);
	assert_int_equal(line.operand_count, 1);
	assert_string_equal(line.operands[0], "src");
	assert_int_equal(command_line_check(&program, &line, &err), 0);
	command_line_release(&line);
}

static void test_names_of_two_words(void **state)
{
	struct command_line line;
	struct common common;
	struct err err;

	(void)state;
	assert_int_equal(PARSE(&line, &common, &err, "trust", "update", "show"), 0);
	assert_ptr_equal(line.command, &trust_update);
	assert_int_equal(line.operand_count, 1);
	command_line_release(&line);
	assert_int_equal(PARSE(&line, &common, &err, "trust", "shwo"), -ERR_USAGE);
	assert_non_null(strstr(err.message, "did you mean trust show?"));
}

static void test_two_dashes_end_options(void **state)
{
	struct command_line line;
	struct common common;
	struct err err;

	(void)state;
	assert_int_equal(PARSE(&line, &common, &err, "build", "--", "--force"), 0);
	assert_int_equal(line.operand_count, 1);
	assert_string_equal(line.operands[0], "--force");
	assert_false(((const struct values *)line.values)->force);
	command_line_release(&line);
	assert_int_equal(PARSE(&line, &common, &err, "build", "-"), 0);
	assert_string_equal(line.operands[0], "-");
	command_line_release(&line);
}

struct refusal {
	const char *words[6];
	const char *message;
};

static void test_refuses_with_a_sentence(void **state)
{
	static const struct refusal refusals[] = {
		{{"p", "biuld"}, "there is no command biuld; did you mean build?"},
		{{"p", "build", "--froce"}, "there is no option --froce; did you mean --force?"},
		{{"p", "build", "--ouput=x"},
			"there is no option --ouput=x; did you mean --output?"},
		{{"p", "build", "--zzzzzzzz"}, "there is no option --zzzzzzzz"},
		{{"p", "build", "-x"}, "there is no option -x"},
		{{"p", "--force"}, "there is no option --force"},
		{{"p", "build", "--force=1"}, "--force takes no value"},
		{{"p", "build", "-f", "-f"}, "--force is given twice"},
		{{"p", "build", "-o", "a", "--out=b"}, "--out is given twice"},
		{{"p", "build", "--out"}, "--out needs KIT"},
		{{"p", "build", "--out="}, "--out needs KIT, and it is empty"},
		{{"p", "build", "-o"}, "--out needs KIT"},
		{{"p", "--output", "xml"}, "--output takes text or json"},
		{{"p", "build", "--batch-size", "0"},
			"--batch-size takes a number from 1 to 10000"},
		{{"p", "build", "--batch-size", "10001"},
			"--batch-size takes a number from 1 to 10000"},
		{{"p", "build", "--batch-size", " 1"}, "--batch-size takes a whole number"},
		{{"p", "build", "--batch-size", "+1"}, "--batch-size takes a whole number"},
		{{"p", "build", "--batch-size", "1k"}, "--batch-size takes a whole number"},
		{{"p", "build", "--batch-size", "99999999999999999999"},
			"--batch-size takes a number from 1 to 10000"},
		{{"p", "build", "--\033[31m"}, "there is no option --\\x1b[31m"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
		struct command_line line;
		struct common common;
		struct err err = {0};
		const char *words[8] = {0};

		memcpy(words, refusals[i].words, sizeof refusals[i].words);
		assert_int_equal(parse_words(&line, &common, &err, words), -ERR_USAGE);
		assert_string_equal(err.message, refusals[i].message);
	}
}

static void test_counts_operands(void **state)
{
	struct command_line line;
	struct common common;
	struct err err;

	(void)state;
	assert_int_equal(PARSE(&line, &common, &err, "build"), 0);
	assert_int_equal(command_line_check(&program, &line, &err), -ERR_USAGE);
	assert_string_equal(err.message, "too few operands; usage: offkit-pack build DIR");
	command_line_release(&line);
	assert_int_equal(PARSE(&line, &common, &err, "build", "a", "b"), 0);
	assert_int_equal(command_line_check(&program, &line, &err), -ERR_USAGE);
	command_line_release(&line);
	assert_int_equal(PARSE(&line, &common, &err, "-y"), 0);
	assert_null(line.command);
	assert_int_equal(command_line_check(&program, &line, &err), -ERR_USAGE);
	command_line_release(&line);
}

static void test_usage_comes_from_the_table(void **state)
{
	struct str out = STR_INIT;

	(void)state;
	command_usage(&program, &build, &out);
	assert_string_equal(str_text(&out),
		"usage: offkit-pack build [OPTION]... DIR\n"
		"\n"
		"build a kit\n"
		"\n"
		"options:\n"
		"  -o, --out KIT                 where the kit goes\n"
		"  -k, --key FILE                a private key\n"
		"      --batch-size N            documents a batch\n"
		"  -f, --force                   overwrite\n"
		"\n"
		"common options:\n"
		"      --output text|json        what stdout carries\n"
		"  -y, --yes                     answer every foreseeable question\n"
		"\n"
		"see offkit-pack-build(1)\n");
	str_truncate(&out, 0);
	program_usage(&program, NULL, &out);
	assert_string_equal(str_text(&out),
		"usage: offkit-pack COMMAND [OPTION]...\n"
		"\n"
		"builds kits\n"
		"\n"
		"commands:\n"
		"  build DIR                     build a kit\n"
		"  trust show                    show the root\n"
		"  trust update FILE...          rotate it\n"
		"\n"
		"common options:\n"
		"      --output text|json        what stdout carries\n"
		"  -y, --yes                     answer every foreseeable question\n"
		"\n"
		"see offkit-pack(1), and offkit-pack help COMMAND\n");
	str_release(&out);
}

/* What is as wide as a terminal stays in its line; one more breaks at the blank before it. */
static void test_help_fits_a_terminal(void **state)
{
	static const char *const choices[] = {"01234567890123456789", "abcdefghijklmnopqrstuvwxyz",
		"abcdefghijklmno", "last", NULL};
	static const struct option options[] = {
		OPTION_ROW_FLAG("fits", 0, struct values, force,
			"of forty-eight characters, not one less nor more"),
		OPTION_ROW_FLAG("wide", 0, struct values, force,
			"of forty-nine characters, that is, one too manyyy"),
		OPTION_ROW_FLAG("unbroken", 0, struct values, force,
			"0123456789012345678901234567890123456789012345678"),
		OPTION_ROW_FLAG("long", 0, struct values, force,
			"0123456789012345678901234567890123456789012345678 first"),
		OPTION_ROW_FLAG("columns", 0, struct values, force,
			"äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü not octets but columns"),
		OPTION_ROW_CHOICE("choose", 0, choices, struct values, out, "one of them"),
		OPTION_END,
	};
	static const struct command wide = {
		"wide", "", "wide", options, sizeof(struct values), 0, 0, NULL};
	struct str out = STR_INIT;

	(void)state;
	command_usage(&program, &wide, &out);
	assert_non_null(strstr(str_text(&out),
		"      --fits                    of forty-eight characters, not one less nor more\n"
		"      --wide                    of forty-nine characters, that is, one too\n"
		"                                manyyy\n"
		"      --unbroken                "
		"0123456789012345678901234567890123456789012345678\n"
		"      --long                    "
		"0123456789012345678901234567890123456789012345678\n"
		"                                first\n"
		"      --columns                 äöüäöüäöüäöüäöüäöüäöüäöüäöüäöü not octets but\n"
		"                                columns\n"
		"      --choose 01234567890123456789|abcdefghijklmnopqrstuvwxyz|abcdefghijklmno|\n"
		"               last             one of them\n"));
	str_release(&out);
}

/* `offkit trust --help` asks about a family of commands, and `offkit trust` names none of it. */
static void test_a_family_of_commands(void **state)
{
	struct str out = STR_INIT;
	struct command_line line;
	struct common common;
	struct err err;

	(void)state;
	assert_int_equal(PARSE(&line, &common, &err, "trust", "--yes"), 0);
	assert_true(common.yes);
	command_line_usage(&program, &line, &out);
	assert_string_equal(str_text(&out),
		"usage: offkit-pack trust COMMAND [OPTION]...\n"
		"\n"
		"builds kits\n"
		"\n"
		"commands:\n"
		"  trust show                    show the root\n"
		"  trust update FILE...          rotate it\n"
		"\n"
		"common options:\n"
		"      --output text|json        what stdout carries\n"
		"  -y, --yes                     answer every foreseeable question\n"
		"\n"
		"see offkit-pack(1), and offkit-pack help COMMAND\n");
	assert_int_equal(command_line_check(&program, &line, &err), -ERR_USAGE);
	assert_string_equal(err.message, "no command is given; see offkit-pack trust --help");
	command_line_release(&line);
	str_release(&out);
}

static void help_says(struct str *wanted, size_t word_count, const char *const *words)
{
	struct str out = STR_INIT;
	struct err err;

	assert_int_equal(program_help(&program, word_count, words, &out, &err), 0);
	assert_string_equal(str_text(&out), str_text(wanted));
	str_release(&out);
	str_truncate(wanted, 0);
}

static void test_help_names_a_command(void **state)
{
	struct str wanted = STR_INIT;
	struct err err;

	(void)state;
	program_usage(&program, NULL, &wanted);
	help_says(&wanted, 0, NULL);
	program_usage(&program, "trust", &wanted);
	help_says(&wanted, 1, (const char *const[]){"trust"});
	command_usage(&program, &build, &wanted);
	help_says(&wanted, 1, (const char *const[]){"build"});
	command_usage(&program, &trust_update, &wanted);
	assert_non_null(strstr(str_text(&wanted), "\nsee offkit-pack-trust-update(1)\n"));
	help_says(&wanted, 2, (const char *const[]){"trust", "update"});
	assert_int_equal(program_help(&program, 1, (const char *const[]){"biuld"}, &wanted, &err),
		-ERR_USAGE);
	assert_string_equal(err.message, "there is no command biuld; did you mean build?");
	assert_int_equal(
		program_help(&program, 2, (const char *const[]){"build", "x"}, &wanted, &err),
		-ERR_USAGE);
	assert_int_equal(wanted.size, 0);
	str_release(&wanted);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reads_every_kind),
		cmocka_unit_test(test_names_of_two_words),
		cmocka_unit_test(test_two_dashes_end_options),
		cmocka_unit_test(test_refuses_with_a_sentence),
		cmocka_unit_test(test_counts_operands),
		cmocka_unit_test(test_usage_comes_from_the_table),
		cmocka_unit_test(test_help_fits_a_terminal),
		cmocka_unit_test(test_a_family_of_commands),
		cmocka_unit_test(test_help_names_a_command),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
