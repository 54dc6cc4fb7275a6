/* What a program's headers say, and what is taken for a program at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <elf.h>

#include "kit/elf.h"

enum { SEGMENTS = 3 };

struct program {
	Elf64_Ehdr header;
	Elf64_Phdr segments[SEGMENTS];
};

static struct program good(void)
{
	struct program program = {
		.header = {.e_type = ET_EXEC,
			.e_machine = EM_X86_64,
			.e_entry = 0x401000,
			.e_phoff = offsetof(struct program, segments),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = SEGMENTS},
		.segments = {{.p_type = PT_LOAD}, {.p_type = PT_GNU_STACK}, {.p_type = PT_TLS}},
	};

	memcpy(program.header.e_ident, ELFMAG, SELFMAG);
	program.header.e_ident[EI_CLASS] = ELFCLASS64;
	program.header.e_ident[EI_DATA] = ELFDATA2LSB;
	return program;
}

static int parse(const struct program *program, size_t size, struct elf *ret_elf)
{
	struct err err = {0};
	int rc = elf_parse(bytes_make(program, size), ret_elf, &err);

	assert_true(rc == 0 || err.code == ERR_SYNTAX);
	return rc;
}

static void test_programs(void **state)
{
	struct program program = good();
	struct elf elf;

	(void)state;
	assert_int_equal(parse(&program, sizeof program, &elf), 0);
	assert_string_equal(elf.architecture, "amd64");
	assert_true(elf.is_static);
	program.header.e_machine = EM_AARCH64;
	program.header.e_type = ET_DYN; /* as -static-pie makes it */
	program.segments[1].p_type = PT_DYNAMIC;
	assert_int_equal(parse(&program, sizeof program, &elf), 0);
	assert_string_equal(elf.architecture, "arm64");
	assert_true(elf.is_static);
}

static void test_interpreter(void **state)
{
	struct program program = good();
	struct elf elf;

	(void)state;
	program.segments[SEGMENTS - 1].p_type = PT_INTERP;
	assert_int_equal(parse(&program, sizeof program, &elf), 0);
	assert_false(elf.is_static);
}

static void refuse(struct program program)
{
	struct elf elf;

	assert_true(parse(&program, sizeof program, &elf) < 0);
}

static void test_what_is_no_program(void **state)
{
	struct program program;

	(void)state;
	program = good();
	program.header.e_ident[0] = '#';
	refuse(program);
	program = good();
	program.header.e_ident[EI_CLASS] = ELFCLASS32;
	refuse(program);
	program = good();
	program.header.e_ident[EI_DATA] = ELFDATA2MSB;
	refuse(program);
	program = good();
	program.header.e_type = ET_REL;
	refuse(program);
	program = good();
	program.header.e_entry = 0;
	refuse(program);
	program = good();
	program.header.e_machine = EM_RISCV;
	refuse(program);
	program = good();
	program.segments[0].p_type = PT_NOTE;
	refuse(program);
}

/* Every length short of the last header, and headers that would lie behind the end. */
static void test_ends(void **state)
{
	struct program program = good();
	struct elf elf;

	(void)state;
	for (size_t size = 0; size < sizeof program; size++)
		assert_true(parse(&program, size, &elf) < 0);
	program.header.e_phoff++;
	refuse(program);
	program.header.e_phoff = UINT64_MAX;
	refuse(program);
	program = good();
	program.header.e_phnum++;
	refuse(program);
	program.header.e_phnum = UINT16_MAX;
	refuse(program);
	program = good();
	program.header.e_phentsize--;
	refuse(program);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_interpreter),
		cmocka_unit_test(test_what_is_no_program),
		cmocka_unit_test(test_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
