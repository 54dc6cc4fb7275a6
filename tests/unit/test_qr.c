#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "qr/qr.h"
#include "text/text.h"

static const char hash[] = "9f2c41d07be1a2c451d7e8f003b6aa19e07745cc2f81d36b90ce1f5a8d24b7c6";

static void a_hash_fits_the_smallest_screen(void **state)
{
	struct qr qr;
	struct err err;

	(void)state;
	assert_int_equal(qr_make(hash, &qr, &err), 0);
	assert_int_equal(qr.side, 29 + 8);
	assert_int_equal(qr_columns(&qr, false), 37);
	assert_int_equal(qr_rows(&qr, false), 19);
	assert_int_equal(qr_columns(&qr, true), 74);
	assert_int_equal(qr_rows(&qr, true), 37);
}

/* Finder patterns in three corners, a quiet zone around. */
static void it_is_a_qr_code(void **state)
{
	struct qr qr;
	struct err err;

	(void)state;
	assert_int_equal(qr_make(hash, &qr, &err), 0);
	for (int i = 0; i < qr.side; i++)
		for (int j = 0; j < 4; j++)
			assert_false(qr.dark[i][j] || qr.dark[j][i] ||
				     qr.dark[i][qr.side - 1 - j] || qr.dark[qr.side - 1 - j][i]);
	for (int i = 4; i < 4 + 7; i++)
		assert_true(qr.dark[4][i] && qr.dark[i][4] && qr.dark[4][qr.side - 1 - i] &&
			    qr.dark[qr.side - 1 - i][4]);
}

/* Half blocks and pairs of letters say the same, and swapped the opposite. */
static void every_look_is_the_same_code(void **state)
{
	static const char *const halves[] = {" ", "▄", "▀", "█"};
	struct qr qr;
	struct err err;

	(void)state;
	assert_int_equal(qr_make(hash, &qr, &err), 0);
	for (int row = 0; row < qr_rows(&qr, false); row++) {
		CLEANUP_STR struct str half = STR_INIT, wanted = STR_INIT, swapped = STR_INIT;
		CLEANUP_STR struct str other = STR_INIT;
		bool last = 2 * row + 1 == qr.side;
		qr_row(&qr, row, false, false, &half);
		qr_row(&qr, row, false, true, &swapped);
		for (int column = 0; column < qr.side; column++) {
			bool top = qr.dark[2 * row][column];
			bool bottom = !last && qr.dark[2 * row + 1][column];
			str_append_text(&wanted, halves[2 * !top + (!last && !bottom)]);
			str_append_text(&other, halves[2 * top + bottom]);
		}
		assert_string_equal(str_text(&half), str_text(&wanted));
		assert_string_equal(str_text(&swapped), str_text(&other));
		assert_int_equal(text_width(str_text(&half)), 37);
	}
	CLEANUP_STR struct str ascii = STR_INIT;
	qr_row(&qr, 4, true, true, &ascii);
	assert_memory_equal(str_text(&ascii), "        ##############  ", 24);
}

static void a_text_has_its_limits(void **state)
{
	char text[QR_TEXT_MAX + 2];
	struct qr qr;
	struct err err;

	(void)state;
	assert_int_equal(qr_make("", &qr, &err), -ERR_LIMIT);
	memset(text, 'A', sizeof text);
	text[QR_TEXT_MAX + 1] = '\0';
	assert_int_equal(qr_make(text, &qr, &err), -ERR_LIMIT);
	text[QR_TEXT_MAX] = '\0';
	assert_int_equal(qr_make(text, &qr, &err), 0);
	memset(text, '~', QR_TEXT_MAX);
	assert_int_equal(qr_make(text, &qr, &err), 0);
	assert_true(qr.side <= QR_SIDE_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_hash_fits_the_smallest_screen),
		cmocka_unit_test(it_is_a_qr_code),
		cmocka_unit_test(every_look_is_the_same_code),
		cmocka_unit_test(a_text_has_its_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
