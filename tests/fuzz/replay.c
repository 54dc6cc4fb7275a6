/*
 * The main of a fuzz target for compilers without libFuzzer: feeds each file that is named to it,
 * and reports like a unit test. A finding ends the program.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "base/file.h"
#include "tests/fuzz/target.h"

enum { INPUT_MAX = 64 << 20 };

int main(int argc, char **argv)
{
	(void)printf("1..%d\n", argc - 1);
	for (int i = 1; i < argc; i++) {
		struct str input = STR_INIT;
		struct err err;
		if (file_read_path(argv[i], INPUT_MAX, &input, &err) < 0) {
			(void)printf("not ok %d %s\n", i, err.message);
			return EXIT_FAILURE;
		}
		/* Of its exact size, so that a read beyond the end is seen. */
		uint8_t *exact = malloc(input.size);
		if (exact == NULL && input.size > 0)
			return EXIT_FAILURE;
		for (size_t j = 0; j < input.size; j++)
			exact[j] = (uint8_t)input.text[j];
		(void)LLVMFuzzerTestOneInput(exact, input.size);
		free(exact);
		str_release(&input);
		(void)printf("ok %d %s\n", i, argv[i]);
		(void)fflush(stdout);
	}
	return EXIT_SUCCESS;
}
