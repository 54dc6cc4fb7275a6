#include "steps/alarm.h"

bool alarm_look(struct alarm *alarm, const struct alarm_rule *rule, int64_t now, int64_t value)
{
	bool was = alarm->firing;

	if (value < 0)
		return false;
	if (value <= rule->raise_over)
		alarm->since = 0;
	else if (alarm->since == 0 || now < alarm->since)
		alarm->since = now;
	if (alarm->firing)
		alarm->firing = value > rule->clear_at;
	else
		alarm->firing = alarm->since != 0 && now - alarm->since >= rule->hold;
	return alarm->firing != was;
}

enum { STALL_LEAST = 5000 };

struct backlog_rule backlog_rule_of(int64_t limit, int64_t time)
{
	int64_t stall = time / 10 < STALL_LEAST ? STALL_LEAST : time / 10;

	return (struct backlog_rule){
		.limit = limit, .time = time, .stall = stall < time ? stall : time};
}

static void begin_over(struct backlog *backlog, int64_t now, int64_t value)
{
	backlog->over_at = now;
	backlog->lower_at = now;
	backlog->lowest = value;
}

/* What shrank by a tenth since it was stuck drains again. */
static void follow(struct backlog *backlog, int64_t now, int64_t value)
{
	if (now < backlog->over_at || now < backlog->lower_at)
		begin_over(backlog, now, value);
	if (value >= backlog->lowest)
		return;
	if (!backlog->stuck || value <= backlog->lowest - backlog->lowest / 10) {
		backlog->lowest = value;
		backlog->lower_at = now;
	}
}

bool backlog_look(
	struct backlog *backlog, const struct backlog_rule *rule, int64_t now, int64_t value)
{
	bool was = backlog->firing;

	if (value < 0)
		return false;
	if (!backlog->begun)
		backlog->drained = value <= rule->limit;
	backlog->begun = true;
	if (value <= rule->limit) {
		backlog->drained = true;
		backlog->over_at = 0;
		backlog->stuck = false;
		if (value <= rule->limit / 2)
			backlog->firing = false;
		return backlog->firing != was;
	}
	if (backlog->over_at == 0)
		begin_over(backlog, now, value);
	else
		follow(backlog, now, value);
	bool too_long = backlog->drained && now - backlog->over_at >= rule->time;
	backlog->stuck = now - backlog->lower_at >= rule->stall;
	backlog->firing = too_long || backlog->stuck || (backlog->firing && backlog->drained);
	return backlog->firing != was;
}
