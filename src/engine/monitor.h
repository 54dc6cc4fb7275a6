/*
 * monitor: the three alerts (offkit-monitor(1)), looked at again and again beside a run
 * at work. It takes no lock and changes nothing in the database; what it has to remember between
 * two looks it keeps in state/monitor.json, if it may.
 *
 * What it needs of a run stands in the run's journal: how the steps ended, and after ingest was
 * resumed the collections in which events wait. It asks the server to count these and how far its
 * replicas are behind, no more, so a journal that somebody has changed makes it count something
 * else at worst. The kit is not read.
 */
#ifndef OFFKIT_ENGINE_MONITOR_H
#define OFFKIT_ENGINE_MONITOR_H

#include <sys/stat.h>

#include "engine/history.h"
#include "site/site.h"
#include "steps/alarm.h"

#define MONITOR_STATE_NAME "monitor.json"

enum monitor_alert { MONITOR_ERRORS, MONITOR_BACKLOG, MONITOR_LAG, MONITOR_ALERTS };

enum monitor_outcome { MONITOR_QUIET, MONITOR_FIRING, MONITOR_SKIPPED };

struct monitor_finding {
	enum monitor_outcome outcome;
	int64_t value; /* steps, events, ms; -1: there is none */
	char text[256];
};

/* What is remembered: times are those of clock_now, so that it holds across a reboot. */
struct monitor_memory {
	char run[RUN_ID_SIZE]; /* "": none yet */
	struct alarm lag;
	struct backlog backlog;
};

struct monitor {
	const struct site *site;
	struct mongo *mongo; /* kept from look to look; NULL: not connected */
	struct history history;
	char run[RUN_ID_SIZE];	  /* "": nothing was done here yet */
	struct stat journal_seen; /* of the journal as it was read last */
	struct monitor_memory memory;
	bool remembers; /* memory is of more than this look, and will be of the next */

	/* The last look. */
	int64_t time;
	struct monitor_finding findings[MONITOR_ALERTS];
	bool up;	    /* everything that was to be asked was answered */
	struct err trouble; /* otherwise: why not */
};

const char *monitor_alert_label(enum monitor_alert alert); /* "outbox backlog" */
const char *monitor_outcome_name(enum monitor_outcome outcome);

void monitor_init(struct monitor *monitor, const struct site *site);
void monitor_release(struct monitor *monitor);

/*
 * One look. That the database does not answer is no error but `up`; a damaged journal or state
 * folder is one (ERR_JOURNAL, ERR_STATE_FOLDER). state_dirfd -1: nothing was done here yet.
 */
MUST_CHECK int monitor_look(struct monitor *monitor, int state_dirfd, int64_t now, struct err *err);

/* The alert that fires; MONITOR_ALERTS: none does. */
enum monitor_alert monitor_firing(const struct monitor *monitor);

/* The result as one JSON object (monitor.schema.json), and as the text of a Prometheus textfile
 * (exposition format 0.0.4). */
void monitor_json(const struct monitor *monitor, struct json_writer *writer);
void monitor_metrics(const struct monitor *monitor, struct str *out);

/* ---- monitor_memory.c */

/* false: there is none that can be read; memory is then of nothing. */
bool monitor_memory_load(int state_dirfd, struct monitor_memory *ret_memory);
/* false: it could not be kept. */
bool monitor_memory_save(int state_dirfd, const struct monitor_memory *memory);
void monitor_memory_write(const struct monitor_memory *memory, struct str *out);
MUST_CHECK int monitor_memory_read(
	struct bytes untrusted_text, struct monitor_memory *ret_memory, struct err *err);

#endif
