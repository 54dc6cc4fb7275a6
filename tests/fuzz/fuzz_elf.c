/* A program's headers: read within what is there, and what is taken is for a machine of the table.
 */
#include <string.h>

#include "kit/elf.h"
#include "tests/fuzz/target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct elf elf;
	struct err err;

	int rc = elf_parse(bytes_make(data, size), &elf, &err);
	HOLDS(rc == 0 || err.code == ERR_SYNTAX);
	HOLDS(rc < 0 || strcmp(elf.architecture, "amd64") == 0 ||
		strcmp(elf.architecture, "arm64") == 0);
	return 0;
}
