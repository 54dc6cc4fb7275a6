/*
 * elf: what the beginning of a program says of it (System V ABI, ELF-64 object file format): for
 * which machine it is, and whether it needs an interpreter or libraries that are not in it.
 *
 * The file is anybody's: what is read is checked against its end, and nothing is run.
 */
#ifndef OFFKIT_KIT_ELF_H
#define OFFKIT_KIT_ELF_H

#include "base/bytes.h"

enum { ELF_BEGINNING_MAX = 64 * 1024 /* octets in which its headers must lie */ };

struct elf {
	const char *architecture; /* "amd64", "arm64", as an OCI image calls it */
	bool is_static;		  /* needs no interpreter */
};

/*
 * untrusted_beginning has the file's first ELF_BEGINNING_MAX octets, or all of it. ERR_SYNTAX
 * unless it is a program (no library, no object file) for a machine of the table.
 */
MUST_CHECK int elf_parse(struct bytes untrusted_beginning, struct elf *ret_elf, struct err *err);

#endif
