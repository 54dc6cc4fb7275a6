/*
 * alarm: when a number that is looked at again and again is an alert, and when it is one no longer.
 *
 * Pure: the time is given with each look, in ms of whatever clock the caller keeps to; one that
 * goes backwards delays an alert and never raises it. A state may be kept in a file between two
 * looks.
 */
#ifndef OFFKIT_STEPS_ALARM_H
#define OFFKIT_STEPS_ALARM_H

#include <stdbool.h>
#include <stdint.h>

/* ---- a level with hysteresis */

struct alarm_rule {
	int64_t raise_over; /* a value above it raises the alarm */
	int64_t clear_at;   /* one at or under it clears it; at most raise_over */
	int64_t hold;	    /* ms that it has to be above before it is raised, 0: at once */
};

struct alarm {
	bool firing;
	int64_t since; /* of the first look above raise_over; 0: it is not above */
};

/* value -1: it was not seen, and nothing changes. Returns whether firing has changed. */
bool alarm_look(struct alarm *alarm, const struct alarm_rule *rule, int64_t now, int64_t value);

/* ---- events that wait to be published (DESIGN 8, "Resume ingest") */

struct backlog_rule {
	int64_t limit; /* events; nothing at or under it is an alert */
	int64_t time;  /* ms over the limit after which it is one, unless it still drains */
	int64_t stall; /* ms over the limit without shrinking after which it is one */
};

/*
 * From the first look until the backlog is at its limit it drains: then only one that does not
 * shrink is an alert. Afterwards growth is one as well, and so is being over the limit for long. It
 * clears at half the limit, and one that was stuck also when it shrinks by a tenth.
 */
struct backlog {
	bool begun, drained, firing;
	bool stuck;	  /* firing, because it did not shrink */
	int64_t lowest;	  /* since it is over the limit */
	int64_t lower_at; /* when it was lowest for the first time */
	int64_t over_at;  /* since when it is over the limit; 0: it is not */
};

/* Returns whether firing has changed. value -1: it was not seen, and nothing changes. */
bool backlog_look(
	struct backlog *backlog, const struct backlog_rule *rule, int64_t now, int64_t value);

/* The rule of a site: its limit and time; a tenth of the time is what may pass without shrinking,
 * at least five seconds and at most the time. */
struct backlog_rule backlog_rule_of(int64_t limit, int64_t time);

#endif
