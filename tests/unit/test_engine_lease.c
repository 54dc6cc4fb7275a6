/* The lease's arithmetic, and what is read from a document that anybody may have changed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/cleanup.h"
#include "engine/lease.h"

static void times_leave_room(void **state)
{
	static const int64_t lengths[] = {LEASE_MIN, 5000, LEASE_DEFAULT, LEASE_MAX};

	(void)state;
	for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
		struct lease_times times = lease_times_of(lengths[i]);
		/* Three renewals in a row may fail before a write has to wait for one. */
		assert_true(times.length - 3 * times.renewal > times.write_time + times.margin);
		assert_true(times.margin > 0 && times.renewal > 0);
	}
}

static void a_write_is_covered_to_its_last_millisecond(void **state)
{
	struct lease_times times = lease_times_of(60000); /* 20,000 and 5,000 */

	(void)state;
	assert_true(lease_covers(&times, 1000, 1000));
	assert_true(lease_covers(&times, 1000, 1000 + 34999));
	assert_false(lease_covers(&times, 1000, 1000 + 35000));
	assert_false(lease_covers(&times, 1000, 1000 + 60000));
	assert_false(lease_covers(&times, 1000, INT64_C(1) << 50));
}

static struct lease_holder holder_at(int64_t expires, int64_t now)
{
	return (struct lease_holder){.token = 3,
		.owner = "",
		.host = "",
		.command = "",
		.place = "",
		.expires = expires,
		.now = now,
		.wait = 25000};
}

static void who_takes_over_lets_the_last_batch_end(void **state)
{
	struct lease_holder holder = holder_at(100000, 100000);

	(void)state;
	assert_int_equal(lease_patience_with(&holder), 25000); /* expired this instant */
	holder = holder_at(100000, 110000);
	assert_int_equal(lease_patience_with(&holder), 15000);
	holder = holder_at(100000, 125000);
	assert_int_equal(lease_patience_with(&holder), 0);
	holder = holder_at(100000, 900000000);
	assert_int_equal(lease_patience_with(&holder), 0);
	/* broken: what its holder was let through for is over when it would have expired */
	holder = holder_at(100000, 60000);
	assert_int_equal(lease_patience_with(&holder), 65000);
	holder = holder_at(0, 60000);
	assert_int_equal(lease_patience_with(&holder), 0); /* given back */
	holder.token = 0;
	assert_int_equal(lease_patience_with(&holder), 0);
}

static void a_document_that_somebody_changed_does_not_wait_for_ever(void **state)
{
	struct lease_holder holder = holder_at(INT64_C(1) << 50, 0);

	(void)state;
	assert_int_equal(lease_patience_with(&holder), LEASE_MAX + 25000);
	holder = holder_at(100000, 100000);
	holder.wait = INT64_MAX / 2;
	assert_int_equal(lease_patience_with(&holder), LEASE_MAX);
	holder.wait = -1;
	assert_int_equal(lease_patience_with(&holder), LEASE_MAX);
}

static void held_is_by_the_servers_clock(void **state)
{
	struct lease_holder holder = holder_at(100000, 99999);

	(void)state;
	assert_true(lease_is_held(&holder));
	holder.now = 100000;
	assert_false(lease_is_held(&holder));
	holder = holder_at(0, 5);
	assert_false(lease_is_held(&holder));
	holder = holder_at(100000, 5);
	holder.token = 0;
	assert_false(lease_is_held(&holder));
}

static struct bytes from_json(const char *json, struct str *out)
{
	struct err err;

	str_truncate(out, 0);
	if (doc_from_json_text(bytes_of_string(json), out, &err) < 0)
		fail_msg("%s", err.message);
	return str_bytes(out);
}

static void documents_are_read_as_they_are(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str doc = STR_INIT, text = STR_INIT;
	struct lease_holder holder;
	struct err err;

	(void)state;
	assert_int_equal(
		lease_holder_read(
			from_json("{\"_id\":\"lease\",\"token\":7,\"owner\":\"a\\u001b\","
				  "\"host\":\"h\",\"command\":\"install\",\"pid\":12,"
				  "\"since\":{\"$date\":1000},\"expires\":{\"$date\":2000}}",
				&doc),
			&arena, &holder, &err),
		0);
	assert_int_equal(holder.token, 7);
	assert_int_equal(holder.expires, 2000);
	assert_string_equal(holder.host, "h");
	lease_describe(NULL, &holder, &text);
	assert_null(strchr(str_text(&text), 27)); /* what a server says is shown to people */
	assert_int_equal(
		lease_holder_read(from_json("{\"token\":3,\"owner\":5,\"expires\":9}", &doc),
			&arena, &holder, &err),
		0);
	assert_string_equal(holder.owner, "");
	assert_int_equal(holder.expires, 0);
	assert_int_equal(
		lease_holder_read(from_json("{\"token\":\"x\"}", &doc), &arena, &holder, &err),
		-ERR_JOURNAL);
	assert_int_equal(
		lease_holder_read(from_json("{\"token\":-1}", &doc), &arena, &holder, &err),
		-ERR_JOURNAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_leave_room),
		cmocka_unit_test(a_write_is_covered_to_its_last_millisecond),
		cmocka_unit_test(who_takes_over_lets_the_last_batch_end),
		cmocka_unit_test(a_document_that_somebody_changed_does_not_wait_for_ever),
		cmocka_unit_test(held_is_by_the_servers_clock),
		cmocka_unit_test(documents_are_read_as_they_are),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
