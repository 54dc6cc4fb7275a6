#include "steps/hook_step.h"

#include "base/cleanup.h"
#include "steps/hook.h"
#include "text/text.h"

enum { LINE_COLUMNS = 200, LINES_MAX = 40 };

/* The hook's own words, each line a note; a terminal shows them and does nothing else. */
static int note_output(const struct step_context *context, const char *which,
	const struct str *output, struct err *err)
{
	struct bytes rest = str_bytes(output);
	int lines = 0;

	while (rest.size > 0 && lines++ < LINES_MAX) {
		CLEANUP_STR struct str note = STR_INIT;
		size_t size = 0;
		while (size < rest.size && rest.data[size] != '\n')
			size++;
		str_append_format(&note, "%s hook: ", which);
		text_escape(&note, bytes_make(rest.data, size), LINE_COLUMNS);
		int rc = str_check(&note, err);
		if (rc == 0 && size > 0)
			rc = context->host->note(context->host->self, str_text(&note), err);
		if (rc < 0)
			return rc;
		size += size < rest.size;
		rest = bytes_make(rest.data + size, rest.size - size);
	}
	if (rest.size == 0 && output->size < HOOK_OUTPUT_MAX)
		return 0;
	CLEANUP_STR struct str more = STR_INIT;
	str_append_format(&more, "%s hook: it said more, which is not kept", which);
	int rc = str_check(&more, err);
	return rc < 0 ? rc : context->host->note(context->host->self, str_text(&more), err);
}

int hook_step(const struct step_context *context, const struct site_hook *hook, const char *which,
	struct err *err)
{
	CLEANUP_STR struct str output = STR_INIT;
	CLEANUP_STR struct str note = STR_INIT;
	struct err told;

	if (hook->argv == NULL) {
		str_append_format(&note, "the site names no %s hook: nothing was run", which);
		int rc = str_check(&note, err);
		return rc < 0 ? rc : context->host->note(context->host->self, str_text(&note), err);
	}
	int rc = hook_run(hook, context->run_id, &output, err);
	if (rc < 0) {
		/* The hook's failure is what counts, not that its words could not be noted. */
		(void)(note_output(context, which, &output, &told) < 0);
		return rc;
	}
	rc = note_output(context, which, &output, err);
	if (rc < 0)
		return rc;
	str_append_format(&note, "%s hook %s ended well", which, hook->argv[0]);
	rc = str_check(&note, err);
	return rc < 0 ? rc : context->host->note(context->host->self, str_text(&note), err);
}
