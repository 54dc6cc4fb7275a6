#include "engine/monitor.h"

#include <fcntl.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/lag.h"
#include "steps/outbox.h"
#include "text/text.h"

const char *monitor_alert_label(enum monitor_alert alert)
{
	static const char *const LABELS[] = {
		[MONITOR_ERRORS] = "migration errors",
		[MONITOR_BACKLOG] = "outbox backlog",
		[MONITOR_LAG] = "replication lag",
	};

	return LABELS[alert];
}

const char *monitor_outcome_name(enum monitor_outcome outcome)
{
	static const char *const NAMES[] = {[MONITOR_QUIET] = "quiet",
		[MONITOR_FIRING] = "firing",
		[MONITOR_SKIPPED] = "skipped"};

	return NAMES[outcome];
}

void monitor_init(struct monitor *monitor, const struct site *site)
{
	*monitor = (struct monitor){.site = site};
}

void monitor_release(struct monitor *monitor)
{
	mongo_close(monitor->mongo);
	history_release(&monitor->history);
	*monitor = (struct monitor){0};
}

enum monitor_alert monitor_firing(const struct monitor *monitor)
{
	enum monitor_alert i = 0;

	while (i < MONITOR_ALERTS && monitor->findings[i].outcome != MONITOR_FIRING)
		i++;
	return i;
}

/* ---- the journal */

static bool stat_journal(int state_dirfd, const char *run, struct stat *st)
{
	char name[sizeof "runs//" JOURNAL_NAME + RUN_ID_SIZE];

	(void)snprintf(name, sizeof name, "runs/%s/" JOURNAL_NAME, run);
	return *run != '\0' && fstatat(state_dirfd, name, st, AT_SYMLINK_NOFOLLOW) == 0;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* Only when there is something new: a journal of millions of documents is long. */
static int read_journal(struct monitor *monitor, int state_dirfd, struct err *err)
{
	struct stat runs = {0}, journal = {0}, before;
	char id[RUN_ID_SIZE] = "";

	bool known = stat_journal(state_dirfd, monitor->run, &journal);
	if (fstatat(state_dirfd, "runs", &runs, AT_SYMLINK_NOFOLLOW) != 0)
		return 0;
	before = monitor->journal_seen;
	if (known && same_file(&journal, &before) && runs.st_mtim.tv_sec < before.st_mtim.tv_sec)
		return 0;
	int rc = history_newest(state_dirfd, NULL, &monitor->history, id, err);
	if (rc == -ERR_NOT_FOUND) {
		monitor->run[0] = '\0';
		return 0;
	}
	if (rc < 0)
		return rc;
	memcpy(monitor->run, id, sizeof monitor->run);
	/* As it was before it was read: what was added since is read again. */
	monitor->journal_seen = journal;
	return 0;
}

static const struct history_step *step_of_kind(const struct history *history, const char *kind)
{
	for (size_t i = history->step_count; i-- > 0;)
		if (strcmp(history->steps[i].kind, kind) == 0)
			return &history->steps[i];
	return NULL;
}

/* The collections in which events wait, by the checkpoint of the step that resumes ingest. */
static const struct json *outboxes_of(const struct monitor *monitor)
{
	const struct history_step *step = step_of_kind(&monitor->history, "resume-ingest");
	const struct json *list = step == NULL || step->checkpoint == NULL
					  ? NULL
					  : json_member(step->checkpoint, "outboxes");

	return list != NULL && json_type(list) == JSON_ARRAY && json_count(list) > 0 ? list : NULL;
}

static bool backfill_is_at_work(const struct monitor *monitor)
{
	const struct history *history = &monitor->history;

	for (size_t i = 0; i < history->step_count; i++) {
		const struct history_step *step = &history->steps[i];
		if (strcmp(step->kind, "backfill") == 0 && step->begin != NULL &&
			step->end == NULL && step->undo == NULL)
			return history_state(history) == RUN_OPEN;
	}
	return false;
}

/* ---- the alerts */

static void skip(struct monitor_finding *finding, const char *why)
{
	*finding = (struct monitor_finding){.outcome = MONITOR_SKIPPED, .value = -1};
	(void)snprintf(finding->text, sizeof finding->text, "skipped, %s", why);
}

static void look_at_errors(struct monitor *monitor)
{
	struct monitor_finding *finding = &monitor->findings[MONITOR_ERRORS];

	*finding = (struct monitor_finding){.outcome = MONITOR_QUIET};
	(void)snprintf(finding->text, sizeof finding->text, "no step has failed");
	for (size_t i = 0; i < monitor->history.step_count; i++) {
		const struct history_step *step = &monitor->history.steps[i];
		if (step->failure == NULL)
			continue;
		if (finding->value++ == 0)
			(void)snprintf(finding->text, sizeof finding->text, "%s: %.200s",
				step->name, history_text(step->failure, "message"));
		finding->outcome = MONITOR_FIRING;
	}
	/* A rollback that failed has undone no step, and none has failed. */
	const struct json *end = monitor->history.end;
	if (finding->value == 0 && strcmp(history_text(end, "outcome"), "failed") == 0) {
		*finding = (struct monitor_finding){.outcome = MONITOR_FIRING, .value = 1};
		(void)snprintf(
			finding->text, sizeof finding->text, "%.200s", history_text(end, "text"));
	}
}

static int count_backlog(
	const struct monitor *monitor, const struct json *list, int64_t *ret_count, struct err *err)
{
	int64_t total = 0;

	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		struct outbox outbox = {0};
		int64_t count = 0;
		if (json_type(item) != JSON_STRING)
			continue;
		outbox.collection = json_string(item);
		int rc = outbox_backlog(monitor->mongo, &outbox, &count, err);
		if (rc < 0)
			return rc;
		total += count;
	}
	*ret_count = total;
	return 0;
}

static void say_backlog(const struct monitor *monitor, int64_t value, char *text, size_t size)
{
	const struct backlog *backlog = &monitor->memory.backlog;
	const int64_t limit = monitor->site->backlog_limit;
	char count[TEXT_COUNT_SIZE], most[TEXT_COUNT_SIZE], over[TEXT_DURATION_SIZE];
	int used = snprintf(text, size, "%s events wait to be published", text_count(value, count));

	if (used < 0 || (size_t)used >= size || value <= limit)
		return;
	text += used;
	size -= (size_t)used;
	if (!monitor->remembers)
		(void)snprintf(text, size, "; no earlier look is remembered");
	else if (backlog->stuck)
		(void)snprintf(text, size, ", and they %s",
			backlog->drained ? "become no fewer" : "do not drain");
	else if (!backlog->drained)
		(void)snprintf(text, size, ", and they drain");
	else
		(void)snprintf(text, size, ", over the limit of %s for %s", text_count(limit, most),
			text_duration(monitor->time - backlog->over_at, over));
}

/* Without a memory of earlier looks the value alone decides, so that nothing is missed. */
static void judge_backlog(struct monitor *monitor, int64_t value)
{
	struct monitor_finding *finding = &monitor->findings[MONITOR_BACKLOG];
	struct backlog *backlog = &monitor->memory.backlog;
	const int64_t limit = monitor->site->backlog_limit;
	const struct backlog_rule rule = backlog_rule_of(limit, monitor->site->backlog_time);

	(void)backlog_look(backlog, &rule, monitor->time, value);
	bool firing = monitor->remembers ? backlog->firing : value > limit;
	*finding = (struct monitor_finding){
		.outcome = firing ? MONITOR_FIRING : MONITOR_QUIET, .value = value};
	say_backlog(monitor, value, finding->text, sizeof finding->text);
}

static int look_at_backlog(struct monitor *monitor, struct err *err)
{
	const struct json *list = outboxes_of(monitor);
	int64_t value = 0;

	if (list == NULL) {
		skip(&monitor->findings[MONITOR_BACKLOG], "ingest was not resumed yet");
		monitor->memory.backlog = (struct backlog){0};
		return 0;
	}
	int rc = count_backlog(monitor, list, &value, err);
	if (rc == 0)
		judge_backlog(monitor, value);
	return rc;
}

static int look_at_lag(struct monitor *monitor, struct err *err)
{
	struct monitor_finding *finding = &monitor->findings[MONITOR_LAG];
	const int64_t limit = monitor->site->max_lag;
	const struct alarm_rule rule = {.raise_over = limit, .clear_at = limit / 2};
	bool at_work = backfill_is_at_work(monitor);
	char lag[TEXT_DURATION_SIZE];
	struct lag measured;
	int rc = lag_measure(monitor->mongo, &measured, err);

	if (rc < 0)
		return rc;
	if (measured.lag < 0) {
		skip(finding, measured.why);
		return 0;
	}
	(void)alarm_look(&monitor->memory.lag, &rule, monitor->time, measured.lag);
	bool high = monitor->remembers ? monitor->memory.lag.firing : measured.lag > limit;
	*finding = (struct monitor_finding){
		.outcome = high && at_work ? MONITOR_FIRING : MONITOR_QUIET,
		.value = measured.lag,
	};
	(void)snprintf(finding->text, sizeof finding->text, "the slowest secondary is %s behind%s",
		text_duration(measured.lag, lag),
		high && !at_work ? "; no backfill is at work" : "");
	return 0;
}

static int look_at_database(struct monitor *monitor, struct err *err)
{
	int rc = 0;

	if (monitor->mongo == NULL)
		rc = mongo_connect(
			monitor->site->uri, monitor->site->database, &monitor->mongo, err);
	if (rc == 0)
		rc = look_at_lag(monitor, err);
	if (rc == 0)
		rc = look_at_backlog(monitor, err);
	return rc;
}

/* The old connection may be half dead: the next look makes another. */
static void note_trouble(struct monitor *monitor, const struct err *trouble)
{
	mongo_close(monitor->mongo);
	monitor->mongo = NULL;
	monitor->up = false;
	monitor->trouble = *trouble;
	skip(&monitor->findings[MONITOR_LAG], "the database was not asked");
	skip(&monitor->findings[MONITOR_BACKLOG], "the database was not asked");
}

static void recall(struct monitor *monitor, int state_dirfd)
{
	if (!monitor->remembers)
		monitor->remembers = monitor_memory_load(state_dirfd, &monitor->memory);
	/* Another run is another story. */
	if (strcmp(monitor->memory.run, monitor->run) != 0) {
		monitor->memory = (struct monitor_memory){0};
		memcpy(monitor->memory.run, monitor->run, sizeof monitor->memory.run);
	}
}

int monitor_look(struct monitor *monitor, int state_dirfd, int64_t now, struct err *err)
{
	struct err trouble = {0};
	int rc = state_dirfd < 0 ? 0 : read_journal(monitor, state_dirfd, err);

	if (rc < 0)
		return rc;
	monitor->time = now;
	monitor->up = true;
	monitor->trouble = (struct err){0};
	if (monitor->run[0] == '\0') {
		for (size_t i = 0; i < MONITOR_ALERTS; i++)
			skip(&monitor->findings[i], "nothing was done here yet");
		return 0;
	}
	recall(monitor, state_dirfd);
	/* One that begins now remembers from now on, if it can. */
	if (!monitor->remembers)
		monitor->remembers = monitor_memory_save(state_dirfd, &monitor->memory);
	look_at_errors(monitor);
	if (look_at_database(monitor, &trouble) < 0)
		note_trouble(monitor, &trouble);
	if (monitor->remembers)
		(void)monitor_memory_save(state_dirfd, &monitor->memory);
	return 0;
}
