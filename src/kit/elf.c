#include "kit/elf.h"

#include <elf.h>
#include <string.h>

static const struct {
	uint16_t machine;
	const char *architecture;
} machines[] = {
	{EM_X86_64, "amd64"},
	{EM_AARCH64, "arm64"},
};

static const char *architecture_of(uint16_t machine)
{
	for (size_t i = 0; i < sizeof machines / sizeof *machines; i++)
		if (machines[i].machine == machine)
			return machines[i].architecture;
	return NULL;
}

static int check_header(const Elf64_Ehdr *header, struct err *err)
{
	if (memcmp(header->e_ident, ELFMAG, SELFMAG) != 0)
		return err_set(err, ERR_SYNTAX, "it is no program: it does not begin as ELF does");
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB)
		return err_set(err, ERR_SYNTAX,
			"it is for a machine that is not little-endian with 64 bits");
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return err_set(err, ERR_SYNTAX, "it is an ELF file, but no program");
	if (header->e_entry == 0)
		return err_set(err, ERR_SYNTAX, "it is a library: nothing in it can be started");
	if (architecture_of(header->e_machine) == NULL)
		return err_set(err, ERR_SYNTAX,
			"it is for ELF machine %u, and neither amd64 nor arm64", header->e_machine);
	return 0;
}

int elf_parse(struct bytes untrusted_beginning, struct elf *ret_elf, struct err *err)
{
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	bool is_loaded = false, is_static = true;

	if (untrusted_beginning.size < sizeof header)
		return err_set(err, ERR_SYNTAX, "it is no program: it is too short for one");
	memcpy(&header, untrusted_beginning.data, sizeof header);
	int rc = check_header(&header, err);
	if (rc < 0)
		return rc;
	if (header.e_phentsize != sizeof segment || header.e_phoff > untrusted_beginning.size ||
		header.e_phnum > (untrusted_beginning.size - header.e_phoff) / sizeof segment)
		return err_set(err, ERR_SYNTAX, "its program headers are not at its beginning");
	for (size_t i = 0; i < header.e_phnum; i++) {
		memcpy(&segment, untrusted_beginning.data + header.e_phoff + i * sizeof segment,
			sizeof segment);
		is_loaded = is_loaded || segment.p_type == PT_LOAD;
		is_static = is_static && segment.p_type != PT_INTERP;
	}
	if (!is_loaded)
		return err_set(err, ERR_SYNTAX, "nothing of it would be loaded");
	*ret_elf = (struct elf){architecture_of(header.e_machine), is_static};
	return 0;
}
