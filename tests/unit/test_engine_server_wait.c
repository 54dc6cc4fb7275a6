#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "engine/server_wait.h"

static void pauses_are_doubled(void **state)
{
	static const int64_t PAUSES[] = {0, 1000, 2000, 4000, 8000, 16000, 30000, 30000};

	(void)state;
	for (unsigned tries = 0; tries < sizeof PAUSES / sizeof *PAUSES; tries++)
		assert_int_equal(run_pause_before(tries), PAUSES[tries]);
	assert_int_equal(run_pause_before(UINT32_MAX), 30000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pauses_are_doubled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
