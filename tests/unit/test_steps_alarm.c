#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "steps/alarm.h"
#include "steps/lag.h"
#include "steps/throttle.h"

/* ---- a level */

static const struct alarm_rule LEVEL = {.raise_over = 60, .clear_at = 30};

static void a_level_is_raised_over_its_limit_and_not_at_it(void **state)
{
	(void)state;
	struct alarm alarm = {0};

	assert_false(alarm_look(&alarm, &LEVEL, 1, 60));
	assert_false(alarm.firing);
	assert_true(alarm_look(&alarm, &LEVEL, 2, 61));
	assert_true(alarm.firing);
	assert_false(alarm_look(&alarm, &LEVEL, 3, 100));
}

static void it_is_cleared_at_the_lower_mark_and_not_above_it(void **state)
{
	(void)state;
	struct alarm alarm = {0};

	assert_true(alarm_look(&alarm, &LEVEL, 1, 61));
	assert_false(alarm_look(&alarm, &LEVEL, 2, 31));
	assert_true(alarm.firing);
	assert_true(alarm_look(&alarm, &LEVEL, 3, 30));
	assert_false(alarm.firing);
	assert_false(alarm_look(&alarm, &LEVEL, 4, 59));
}

static void what_was_not_seen_changes_nothing(void **state)
{
	(void)state;
	struct alarm alarm = {0};

	assert_true(alarm_look(&alarm, &LEVEL, 1, 61));
	assert_false(alarm_look(&alarm, &LEVEL, 2, -1));
	assert_true(alarm.firing);
}

static void a_level_that_holds_waits_for_its_time(void **state)
{
	(void)state;
	const struct alarm_rule rule = {.raise_over = 10, .clear_at = 10, .hold = 100};
	struct alarm alarm = {0};

	assert_false(alarm_look(&alarm, &rule, 1000, 11));
	assert_false(alarm_look(&alarm, &rule, 1099, 11));
	assert_false(alarm_look(&alarm, &rule, 1099, 9));
	assert_false(alarm_look(&alarm, &rule, 1150, 11));
	assert_false(alarm_look(&alarm, &rule, 1249, 11));
	assert_true(alarm_look(&alarm, &rule, 1250, 11));
}

static void a_clock_that_goes_back_raises_nothing(void **state)
{
	(void)state;
	const struct alarm_rule rule = {.raise_over = 10, .clear_at = 10, .hold = 100};
	struct alarm alarm = {0};

	assert_false(alarm_look(&alarm, &rule, 1000000, 11));
	assert_false(alarm_look(&alarm, &rule, 50, 11));
	assert_false(alarm_look(&alarm, &rule, 149, 11));
	assert_true(alarm_look(&alarm, &rule, 150, 11));
}

/* ---- a backlog */

static const struct backlog_rule OUTBOX = {.limit = 500, .time = 600, .stall = 60};

static void what_drains_is_no_alert_however_long_it_takes(void **state)
{
	(void)state;
	struct backlog backlog = {0};

	for (int64_t i = 0; i < 90; i++)
		assert_false(backlog_look(&backlog, &OUTBOX, 1 + i * 50, 100000 - i));
	assert_false(backlog.drained);
}

static void what_does_not_shrink_is_one_while_it_drains(void **state)
{
	(void)state;
	struct backlog backlog = {0};

	assert_false(backlog_look(&backlog, &OUTBOX, 1, 9000));
	assert_false(backlog_look(&backlog, &OUTBOX, 30, 8000));
	assert_false(backlog_look(&backlog, &OUTBOX, 89, 8001));
	assert_true(backlog_look(&backlog, &OUTBOX, 90, 8000));
	assert_true(backlog.stuck);
	/* One event is no drain; a tenth is. */
	assert_false(backlog_look(&backlog, &OUTBOX, 91, 7999));
	assert_true(backlog.firing);
	assert_true(backlog_look(&backlog, &OUTBOX, 92, 7200));
	assert_false(backlog.firing);
}

static void afterwards_growth_is_one(void **state)
{
	(void)state;
	struct backlog backlog = {0};

	assert_false(backlog_look(&backlog, &OUTBOX, 1, 3));
	assert_true(backlog.drained);
	assert_false(backlog_look(&backlog, &OUTBOX, 10, 501));
	assert_false(backlog_look(&backlog, &OUTBOX, 40, 700));
	assert_true(backlog_look(&backlog, &OUTBOX, 70, 900));
}

static void afterwards_being_over_the_limit_for_long_is_one_too(void **state)
{
	(void)state;
	struct backlog backlog = {0};
	int64_t now = 1, value = 1000;

	assert_false(backlog_look(&backlog, &OUTBOX, now, 0));
	now = 10;
	for (; now < 610; now += 50, value -= 1)
		assert_false(backlog_look(&backlog, &OUTBOX, now, value));
	assert_true(backlog_look(&backlog, &OUTBOX, 610, value));
	assert_false(backlog.stuck);
}

static void it_is_cleared_at_half_the_limit(void **state)
{
	(void)state;
	struct backlog backlog = {0};

	assert_false(backlog_look(&backlog, &OUTBOX, 1, 0));
	assert_false(backlog_look(&backlog, &OUTBOX, 2, 600));
	assert_true(backlog_look(&backlog, &OUTBOX, 62, 600));
	assert_false(backlog_look(&backlog, &OUTBOX, 63, 251));
	assert_true(backlog.firing);
	assert_true(backlog_look(&backlog, &OUTBOX, 64, 250));
	assert_false(backlog.firing);
}

static void at_the_limit_nothing_is_an_alert(void **state)
{
	(void)state;
	struct backlog backlog = {0};

	for (int64_t now = 1; now < 5000; now += 100)
		assert_false(backlog_look(&backlog, &OUTBOX, now, 500));
}

static void a_clock_that_goes_back_begins_the_wait_anew(void **state)
{
	(void)state;
	struct backlog backlog = {0};

	assert_false(backlog_look(&backlog, &OUTBOX, 1000000, 600));
	assert_false(backlog_look(&backlog, &OUTBOX, 50, 600));
	assert_false(backlog_look(&backlog, &OUTBOX, 109, 600));
	assert_true(backlog_look(&backlog, &OUTBOX, 110, 600));
}

static void a_limit_of_nothing_and_no_time_fire_at_once(void **state)
{
	(void)state;
	const struct backlog_rule rule = backlog_rule_of(0, 0);
	struct backlog backlog = {0};

	assert_int_equal(rule.stall, 0);
	assert_true(backlog_look(&backlog, &rule, 1, 1));
	assert_true(backlog_look(&backlog, &rule, 2, 0));
}

static void the_stall_is_a_tenth_of_the_time(void **state)
{
	(void)state;
	assert_int_equal(backlog_rule_of(500, 600000).stall, 60000);
	assert_int_equal(backlog_rule_of(500, 20000).stall, 5000);
	assert_int_equal(backlog_rule_of(500, 3000).stall, 3000);
}

/* ---- the lag of a set */

struct member {
	int state;
	int64_t time;
};

static void write_status(struct str *out, const struct member *members, size_t count)
{
	struct doc_writer writer;

	doc_write_begin(&writer, out);
	doc_write_array(&writer, "members");
	for (size_t i = 0; i < count; i++) {
		doc_write_document(&writer, NULL);
		doc_write_int32(&writer, "_id", (int32_t)i);
		doc_write_int32(&writer, "state", members[i].state);
		doc_write_date(&writer, "optimeDate", members[i].time);
		doc_write_end(&writer);
	}
	doc_write_end(&writer);
	doc_write_end(&writer);
}

static void the_slowest_secondary_counts(void **state)
{
	(void)state;
	CLEANUP_STR struct str status = STR_INIT;
	const struct member members[] = {{1, 100000}, {2, 98000}, {2, 40000}, {7, 0}, {8, 0}};

	write_status(&status, members, 5);
	assert_int_equal(lag_of_status(str_bytes(&status), bytes_make(NULL, 0)).lag, 60000);
}

static void a_secondary_that_is_delayed_on_purpose_counts_from_there(void **state)
{
	(void)state;
	CLEANUP_STR struct str status = STR_INIT, config = STR_INIT;
	const struct member members[] = {{1, 7200000}, {2, 7198000}, {2, 3600000 - 1000}};
	struct doc_writer writer;

	write_status(&status, members, 3);
	doc_write_begin(&writer, &config);
	doc_write_document(&writer, "config");
	doc_write_array(&writer, "members");
	doc_write_document(&writer, NULL);
	doc_write_int32(&writer, "_id", 2);
	doc_write_int64(&writer, "secondaryDelaySecs", 3600);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	doc_write_end(&writer);
	assert_int_equal(lag_of_status(str_bytes(&status), str_bytes(&config)).lag, 2000);
}

static void a_set_without_primary_or_secondaries_has_none(void **state)
{
	(void)state;
	CLEANUP_STR struct str alone = STR_INIT, headless = STR_INIT;
	const struct member members[] = {{1, 100000}, {2, 98000}};

	write_status(&alone, members, 1);
	write_status(&headless, members + 1, 1);
	assert_int_equal(lag_of_status(str_bytes(&alone), bytes_make(NULL, 0)).lag, -1);
	assert_non_null(lag_of_status(str_bytes(&alone), bytes_make(NULL, 0)).why);
	assert_int_equal(lag_of_status(str_bytes(&headless), bytes_make(NULL, 0)).lag, -1);
}

/* ---- the throttle */

static struct str told;

static int tell_check(
	void *self, const char *name, enum check_outcome outcome, const char *text, struct err *err)
{
	(void)self;
	(void)text;
	str_append_format(&told, "%s:%d ", name, (int)outcome);
	return str_check(&told, err);
}

static int tell_alert(void *self, const char *name, const char *text, bool firing, struct err *err)
{
	(void)self;
	(void)text;
	str_append_format(&told, "%s:%s ", name, firing ? "on" : "off");
	return str_check(&told, err);
}

static void take(struct throttle *throttle, int64_t now, int64_t lag)
{
	const struct step_host host = {.check = tell_check, .alert = tell_alert};
	const struct lag measured = {.lag = lag, .why = lag < 0 ? "it is refused" : NULL};
	struct err err;

	throttle_take(throttle, &measured, now);
	assert_int_equal(throttle_tell(throttle, &host, &err), 0);
}

static void it_pauses_over_the_limit_and_goes_on_at_half_of_it(void **state)
{
	(void)state;
	CLEANUP(throttle_cleanup) struct throttle *throttle = NULL;
	const struct site site = {.max_lag = 60000};
	const struct step_options options = {0};
	const struct step_context context = {.site = &site, .options = &options};
	struct err err;

	str_truncate(&told, 0);
	assert_int_equal(throttle_new(&context, &throttle, &err), 0);
	take(throttle, 1, 2000);
	assert_false(throttle_paused(throttle));
	take(throttle, 2, 60001);
	assert_true(throttle_paused(throttle));
	take(throttle, 3, 31000);
	assert_true(throttle_paused(throttle));
	take(throttle, 4, 30000);
	assert_false(throttle_paused(throttle));
	assert_int_equal(throttle_lag(throttle), 30000);
	assert_string_equal(str_text(&told), "oplog-lag:on oplog-lag:off ");
	str_release(&told);
}

static void what_cannot_be_measured_holds_nothing_and_is_said_once(void **state)
{
	(void)state;
	CLEANUP(throttle_cleanup) struct throttle *throttle = NULL;
	const struct step_options options = {.max_lag = 5000};
	const struct step_context context = {.options = &options};
	struct err err;

	str_truncate(&told, 0);
	assert_int_equal(throttle_new(&context, &throttle, &err), 0);
	take(throttle, 1, -1);
	take(throttle, 2, -1);
	take(throttle, 3, 6000);
	assert_true(throttle_paused(throttle));
	take(throttle, 4, -1);
	assert_false(throttle_paused(throttle));
	assert_string_equal(str_text(&told), "lag:3 lag:0 oplog-lag:on lag:3 oplog-lag:off ");
	str_release(&told);
}

static void a_rate_makes_the_next_batch_wait(void **state)
{
	(void)state;
	CLEANUP(throttle_cleanup) struct throttle *throttle = NULL;
	const struct step_options options = {.max_rate = 200};
	const struct step_context context = {.options = &options};
	struct err err;

	assert_int_equal(throttle_new(&context, &throttle, &err), 0);
	assert_int_equal(throttle_rest(throttle, 1000), 0);
	throttle_spend(throttle, 500, 1000);
	assert_int_equal(throttle_rest(throttle, 1000), 2500);
	throttle_spend(throttle, 100, 1000);
	assert_int_equal(throttle_rest(throttle, 1000), 3000);
	assert_int_equal(throttle_rest(throttle, 4000), 0);
	/* What was not used is not made up for. */
	throttle_spend(throttle, 200, 60000);
	assert_int_equal(throttle_rest(throttle, 60000), 1000);
}

static void without_one_nothing_waits(void **state)
{
	(void)state;
	CLEANUP(throttle_cleanup) struct throttle *throttle = NULL;
	const struct step_options options = {0};
	const struct step_context context = {.options = &options};
	struct err err;

	assert_int_equal(throttle_new(&context, &throttle, &err), 0);
	throttle_spend(throttle, 1000000, 1000);
	assert_int_equal(throttle_rest(throttle, 1000), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_level_is_raised_over_its_limit_and_not_at_it),
		cmocka_unit_test(it_is_cleared_at_the_lower_mark_and_not_above_it),
		cmocka_unit_test(what_was_not_seen_changes_nothing),
		cmocka_unit_test(a_level_that_holds_waits_for_its_time),
		cmocka_unit_test(a_clock_that_goes_back_raises_nothing),
		cmocka_unit_test(what_drains_is_no_alert_however_long_it_takes),
		cmocka_unit_test(what_does_not_shrink_is_one_while_it_drains),
		cmocka_unit_test(afterwards_growth_is_one),
		cmocka_unit_test(afterwards_being_over_the_limit_for_long_is_one_too),
		cmocka_unit_test(it_is_cleared_at_half_the_limit),
		cmocka_unit_test(at_the_limit_nothing_is_an_alert),
		cmocka_unit_test(a_clock_that_goes_back_begins_the_wait_anew),
		cmocka_unit_test(a_limit_of_nothing_and_no_time_fire_at_once),
		cmocka_unit_test(the_stall_is_a_tenth_of_the_time),
		cmocka_unit_test(the_slowest_secondary_counts),
		cmocka_unit_test(a_secondary_that_is_delayed_on_purpose_counts_from_there),
		cmocka_unit_test(a_set_without_primary_or_secondaries_has_none),
		cmocka_unit_test(it_pauses_over_the_limit_and_goes_on_at_half_of_it),
		cmocka_unit_test(what_cannot_be_measured_holds_nothing_and_is_said_once),
		cmocka_unit_test(a_rate_makes_the_next_batch_wait),
		cmocka_unit_test(without_one_nothing_waits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
