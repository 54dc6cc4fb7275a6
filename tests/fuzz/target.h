/*
 * target: what a fuzz target defines (tests/fuzz/fuzz_NAME.c; its inputs: tests/fuzz/corpus/NAME/).
 *
 * A property that does not hold traps.
 */
#ifndef OFFKIT_TESTS_FUZZ_TARGET_H
#define OFFKIT_TESTS_FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

#define HOLDS(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			__builtin_trap();                                                          \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
