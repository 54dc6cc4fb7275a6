#include "steps/throttle.h"

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/alarm.h"
#include "steps/lag.h"
#include "text/text.h"

enum {
	LOOK_INTERVAL = 2000, /* ms between two measurements */
	WAIT_SLICE = 200,     /* ms */
};

/* What the host knows of it. */
enum told { TOLD_NOTHING, TOLD_MEASURED, TOLD_SKIPPED };

struct throttle {
	pthread_mutex_t mutex;
	struct alarm_rule rule;
	struct alarm alarm;
	struct lag lag;
	int64_t looked; /* boottime of the last measurement, 0: none */
	bool looking;	/* a worker is about it */
	int64_t rate;	/* documents a second, 0: as fast as it goes */
	int64_t next;	/* boottime before which no batch may be sent */
	enum told told;
	bool told_firing;
};

int throttle_new(
	const struct step_context *context, struct throttle **ret_throttle, struct err *err)
{
	struct throttle *throttle = calloc(1, sizeof *throttle);
	int64_t limit = context->site == NULL ? 0 : context->site->max_lag;

	if (throttle == NULL)
		return err_no_memory(err);
	if (context->options->max_lag > 0)
		limit = context->options->max_lag;
	throttle->rule = (struct alarm_rule){.raise_over = limit, .clear_at = limit / 2};
	throttle->lag = (struct lag){.lag = -1};
	throttle->rate = context->options->max_rate;
	int errnum = pthread_mutex_init(&throttle->mutex, NULL);
	if (errnum != 0) {
		free(throttle);
		return err_set_errno(err, ERR_NO_MEMORY, errnum, "a lock");
	}
	*ret_throttle = throttle;
	return 0;
}

void throttle_free(struct throttle *throttle)
{
	if (throttle == NULL)
		return;
	(void)pthread_mutex_destroy(&throttle->mutex);
	free(throttle);
}

void throttle_cleanup(struct throttle **throttle)
{
	throttle_free(*throttle);
}

/* ---- measuring */

void throttle_take(struct throttle *throttle, const struct lag *lag, int64_t now)
{
	(void)pthread_mutex_lock(&throttle->mutex);
	throttle->lag = *lag;
	throttle->looked = now;
	throttle->looking = false;
	/* What cannot be measured any more must not hold the copy for ever. */
	if (lag->lag < 0)
		throttle->alarm = (struct alarm){0};
	else if (throttle->rule.raise_over > 0)
		(void)alarm_look(&throttle->alarm, &throttle->rule, now, lag->lag);
	(void)pthread_mutex_unlock(&throttle->mutex);
}

bool throttle_paused(struct throttle *throttle)
{
	(void)pthread_mutex_lock(&throttle->mutex);
	bool paused = throttle->alarm.firing;
	(void)pthread_mutex_unlock(&throttle->mutex);
	return paused;
}

int64_t throttle_lag(struct throttle *throttle)
{
	(void)pthread_mutex_lock(&throttle->mutex);
	int64_t lag = throttle->lag.lag;
	(void)pthread_mutex_unlock(&throttle->mutex);
	return lag;
}

/* What was not used while the server was slow is not made up for. */
void throttle_spend(struct throttle *throttle, int64_t documents, int64_t now)
{
	(void)pthread_mutex_lock(&throttle->mutex);
	if (throttle->rate > 0) {
		if (throttle->next < now)
			throttle->next = now;
		throttle->next += documents * 1000 / throttle->rate;
	}
	(void)pthread_mutex_unlock(&throttle->mutex);
}

int64_t throttle_rest(struct throttle *throttle, int64_t now)
{
	(void)pthread_mutex_lock(&throttle->mutex);
	int64_t rest = throttle->next > now ? throttle->next - now : 0;
	(void)pthread_mutex_unlock(&throttle->mutex);
	return rest;
}

/* Whether the caller is the one who shall measure now. */
static bool is_due(struct throttle *throttle)
{
	int64_t now = clock_boottime();

	(void)pthread_mutex_lock(&throttle->mutex);
	bool due = !throttle->looking &&
		   (throttle->looked == 0 || now - throttle->looked >= LOOK_INTERVAL);
	if (due)
		throttle->looking = true;
	(void)pthread_mutex_unlock(&throttle->mutex);
	return due;
}

static int look(struct throttle *throttle, struct mongo *mongo, struct err *err)
{
	struct lag lag;

	if (!is_due(throttle))
		return 0;
	int rc = lag_measure(mongo, &lag, err);
	if (rc == 0) {
		throttle_take(throttle, &lag, clock_boottime());
		return 0;
	}
	(void)pthread_mutex_lock(&throttle->mutex);
	throttle->looking = false;
	(void)pthread_mutex_unlock(&throttle->mutex);
	return rc;
}

int throttle_pass(struct throttle *throttle, struct mongo *mongo,
	int (*waiting)(void *self, struct err *err), void *self, struct err *err)
{
	for (;;) {
		int rc = look(throttle, mongo, err);
		int64_t rest = throttle_rest(throttle, clock_boottime());
		bool paused = throttle_paused(throttle);
		if (rc == 0 && !paused && rest == 0)
			return 0;
		if (rc == 0)
			rc = waiting(self, err);
		if (rc < 0)
			return rc;
		(void)poll(NULL, 0, paused || rest > WAIT_SLICE ? WAIT_SLICE : (int)rest);
	}
}

/* ---- telling */

static int tell_check(
	const struct throttle *now, enum told was, const struct step_host *host, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	if (now->lag.lag >= 0 && was != TOLD_SKIPPED)
		return 0;
	if (now->lag.lag >= 0)
		str_append_text(&text, "replication lag: it can be measured again");
	else if (was == TOLD_MEASURED)
		str_append_format(&text,
			"replication lag: it cannot be measured any more (%s); the copy goes on "
			"without "
			"looking at it",
			now->lag.why);
	else
		str_append_format(&text, "replication lag: skipped, %s", now->lag.why);
	int rc = str_check(&text, err);
	return rc < 0 ? rc
		      : host->check(host->self, "lag",
				now->lag.lag >= 0 ? CHECK_PASSED : CHECK_SKIPPED, str_text(&text),
				err);
}

static int tell_alert(const struct throttle *now, const struct step_host *host, struct err *err)
{
	char text[160], lag[TEXT_DURATION_SIZE], mark[TEXT_DURATION_SIZE];

	if (now->alarm.firing)
		(void)snprintf(text, sizeof text,
			"replication lag is %s; the copy waits until it is %s or less",
			text_duration(now->lag.lag, lag), text_duration(now->rule.clear_at, mark));
	else if (now->lag.lag < 0)
		(void)snprintf(text, sizeof text, "replication lag cannot be measured any more");
	else
		(void)snprintf(text, sizeof text, "replication lag is %s; the copy goes on",
			text_duration(now->lag.lag, lag));
	return host->alert(host->self, "oplog-lag", text, now->alarm.firing, err);
}

int throttle_tell(struct throttle *throttle, const struct step_host *host, struct err *err)
{
	(void)pthread_mutex_lock(&throttle->mutex);
	const struct throttle now = {
		.rule = throttle->rule,
		.alarm = throttle->alarm,
		.lag = throttle->lag,
		.looked = throttle->looked,
	};
	const enum told was = throttle->told;
	const bool was_firing = throttle->told_firing;
	if (now.looked != 0) {
		throttle->told = now.lag.lag >= 0 ? TOLD_MEASURED : TOLD_SKIPPED;
		throttle->told_firing = now.alarm.firing;
	}
	(void)pthread_mutex_unlock(&throttle->mutex);
	int rc = 0;

	if (now.looked == 0)
		return 0;
	if (was != (now.lag.lag >= 0 ? TOLD_MEASURED : TOLD_SKIPPED))
		rc = tell_check(&now, was, host, err);
	if (rc == 0 && was_firing != now.alarm.firing)
		rc = tell_alert(&now, host, err);
	return rc;
}
