/* What the database's own record says of the migrations of this kit. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "steps/preflight.h"
#include "steps/record.h"
#include "text/text.h"

struct counts {
	int64_t all, done, told;
};

/* "on 2025-12-20T09:12:07Z of lnm 2025.12.1 (run …)", as much of it as the record says. */
static void append_origin(struct str *text, const struct record *record)
{
	int64_t time = record->finished != 0 ? record->finished : record->started;
	char when[RFC3339_SIZE];

	if (time != 0) {
		time_format(time, when);
		str_append_format(text, " on %s", when);
	}
	if (*record->kit != '\0') {
		str_append_text(text, " of ");
		text_escape(text, bytes_of_string(record->kit), 60);
		str_append_char(text, ' ');
		text_escape(text, bytes_of_string(record->version), 40);
	}
	if (*record->run_id != '\0') {
		str_append_text(text, " by run ");
		text_escape(text, bytes_of_string(record->run_id), 60);
	}
}

static int tell(struct preflight *preflight, const struct step *step, const struct record *record,
	enum check_outcome outcome, const char *what, const char *so, struct err *err)
{
	CLEANUP_STR struct str origin = STR_INIT;

	append_origin(&origin, record);
	int rc = str_check(&origin, err);
	return rc < 0 ? rc
		      : preflight_tell(preflight, "migrations", outcome, err, "%s %s%s: %s",
				step->name, what, str_text(&origin), so);
}

/*
 * A migration whose content changed is another one. An ensure looks at what is there and changes
 * what differs; documents that were derived by another template would only be conflicts.
 */
static int judge_other_content(struct preflight *preflight, const struct step *step,
	const struct record *record, struct err *err)
{
	if (step->kind == &step_ensure)
		return tell(preflight, step, record, CHECK_WARNING,
			"is recorded as done with another content",
			"what differs from this kit's is changed", err);
	return tell(preflight, step, record, CHECK_FAILED,
		"is recorded as done with another content",
		"what it wrote is there already; a changed migration needs an id of its own", err);
}

static int judge(struct preflight *preflight, const struct step *step, struct counts *counts,
	struct err *err)
{
	struct step_context context = *preflight->context;
	struct record record;

	context.step = step;
	int rc = record_look(&context, &record, err);
	if (rc < 0)
		return rc;
	counts->all++;
	counts->done += record.status == RECORD_DONE;
	if (record.status == RECORD_NONE || (record.status == RECORD_DONE && !record.other_content))
		return 0;
	counts->told++;
	switch (record.status) {
	case RECORD_DONE:
		return judge_other_content(preflight, step, &record, err);
	case RECORD_RUNNING:
		/* A run that was taken over makes its checks again: its own record is no other's.
		 */
		if (strcmp(record.run_id, context.run_id) == 0)
			return tell(preflight, step, &record, CHECK_WARNING,
				"is recorded as begun and not as done",
				"it is this run, which was taken over and goes on with it", err);
		return tell(preflight, step, &record, CHECK_WARNING,
			"is recorded as begun and not as done",
			"it is carried out again; what that run made is not undone by this one",
			err);
	case RECORD_UNDOING:
		return tell(preflight, step, &record, CHECK_WARNING, "is recorded as being undone",
			"that rollback did not end", err);
	case RECORD_NONE:
	case RECORD_OTHER:
		break;
	}
	return tell(preflight, step, &record, CHECK_WARNING, "is recorded in an unknown state",
		"another program wrote it", err);
}

int preflight_records(struct preflight *preflight, struct err *err)
{
	const struct step_context *context = preflight->context;
	struct counts counts = {0};

	for (size_t i = 0; i < context->step_count; i++) {
		if (context->steps[i].migration == NULL)
			continue;
		int rc = judge(preflight, &context->steps[i], &counts, err);
		if (rc < 0)
			return rc;
	}
	if (counts.told > 0)
		return 0;
	if (counts.all == 0)
		return preflight_tell(preflight, "migrations", CHECK_SKIPPED, err,
			"migrations: skipped, the kit has none");
	CLEANUP_STR struct str text = STR_INIT;
	text_plural(&text, counts.all, "migration", "migrations");
	str_append_format(&text, ", %lld recorded as done here", (long long)counts.done);
	int rc = str_check(&text, err);
	return rc < 0 ? rc
		      : preflight_tell(
				preflight, "migrations", CHECK_PASSED, err, "%s", str_text(&text));
}
