/* Whether the oplog reaches back as far as the walk takes: secondaries and the proof of silence
 * need it. */
#include "base/cleanup.h"
#include "steps/oplog.h"
#include "steps/preflight.h"
#include "text/text.h"

enum {
	SHORTEST_WALK = 60 * 1000, /* ms; questions are asked between the steps */
	COMFORT = 2,		   /* times the estimate: less is a warning */
	FULL_PERCENT = 90,	   /* of its size: from here on old entries go */
};

/* What the steps themselves say that they take; what is not known counts as nothing. */
static int expected_duration(
	const struct step_context *context, int64_t *ret_duration, struct err *err)
{
	int64_t sum = 0;

	for (size_t i = 0; i < context->step_count; i++) {
		struct step_context other = *context;
		struct step_plan plan = {.takes = -1};
		other.step = &context->steps[i];
		/* An ensure measures what preflight_look measures, and says no time. */
		if (other.step == context->step || other.step->kind->plan == NULL ||
			other.step->kind == &step_ensure)
			continue;
		int rc = other.step->kind->plan(&other, &plan, err);
		if (rc < 0)
			return rc;
		sum += plan.takes > 0 ? plan.takes : 0;
	}
	*ret_duration = sum > SHORTEST_WALK ? sum : SHORTEST_WALK;
	return 0;
}

/* One that is not full keeps everything until it is: as long as it took so far, in proportion. */
static int64_t will_reach_back(const struct oplog_window *window)
{
	if (window->octets <= 0 || window->max_octets <= window->octets ||
		window->octets > window->max_octets / 100 * FULL_PERCENT)
		return window->reaches_back;
	return (int64_t)((double)window->reaches_back * (double)window->max_octets /
			 (double)window->octets);
}

int preflight_oplog(struct preflight *preflight, struct err *err)
{
	const struct step_context *context = preflight->context;
	struct oplog_window window;
	char covers[TEXT_DURATION_SIZE], needs[TEXT_DURATION_SIZE];
	const char *why = "";
	int64_t duration = 0;
	int rc = oplog_window(context->mongo, &window, &why, err);

	if (rc < 0)
		return rc;
	if (window.reaches_back < 0)
		return preflight_tell(
			preflight, "oplog", CHECK_SKIPPED, err, "oplog: skipped, %s", why);
	rc = expected_duration(context, &duration, err);
	if (rc < 0)
		return rc;
	int64_t reach = will_reach_back(&window);
	(void)text_duration(reach, covers);
	(void)text_duration(duration, needs);
	if (reach < duration)
		return preflight_tell(preflight, "oplog", CHECK_FAILED, err,
			"the oplog covers %s and the walk needs about %s: secondaries could fall "
			"out "
			"of it, and silence could not be proved; enlarge it (replSetResizeOplog)",
			covers, needs);
	return preflight_tell(preflight, "oplog",
		reach < COMFORT * duration ? CHECK_WARNING : CHECK_PASSED, err,
		"oplog covers %s; the walk needs about %s", covers, needs);
}
