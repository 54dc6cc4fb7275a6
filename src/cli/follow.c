#include "cli/follow.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/stop.h"
#include "tui/screen.h"
#include "tui/tui.h"

bool has_terminal(void)
{
	return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1;
}

static enum tui_signal signalled(void *argument)
{
	(void)argument;
	switch (stop_take()) {
	case 0:
		return TUI_NO_SIGNAL;
	case SIGHUP:
		return TUI_HANGUP;
	case SIGTERM:
		return TUI_TERMINATE;
	default:
		return TUI_INTERRUPT;
	}
}

/* Why the run goes on in lines. */
static void say_screen_failed(struct face *face, const struct err *screen)
{
	CLEANUP_STR struct str text = STR_INIT;

	message_append(&text, face->language, MSG_SCREEN_SAID, screen->message);
	face_say(face, &text);
}

static int on_screen(struct face *face, struct feed *feed, struct err *err)
{
	const char *color = face->options.color;
	const char *no_color = getenv("NO_COLOR");
	CLEANUP_FD int here = -1;
	struct err screen, ignored;

	if (folder_open(".", &here, &ignored) < 0)
		here = -1;
	const struct tui_options options = {
		.color = color != NULL && strcmp(color, "never") == 0 ? false
			 : color != NULL && strcmp(color, "always") == 0
				 ? true
				 : no_color == NULL || *no_color == '\0',
		.ascii = !face->utf8,
		.language = face->language,
		.signalled = signalled,
		.plan_dirfd = here,
	};
	int drawn = tui_run(feed, &options, &face->result, &screen);
	bool ended = feed_ended(feed);
	int rc = feed_finish(feed, err);
	/* A terminal that went away leaves a run that goes on; a run that went away is the error.
	 */
	if (drawn < 0 && (ended ? rc == 0 : screen.code != ERR_NO_TERMINAL)) {
		*err = screen;
		return drawn;
	}
	if (drawn < 0 && !ended)
		say_screen_failed(face, &screen);
	return rc;
}

static int in_lines(struct face *face, struct feed *feed, enum plain_want want, struct err *err)
{
	struct err following;
	int shown = plain_follow(face, feed, want, &following);
	bool ended = feed_ended(feed);
	int rc = feed_finish(feed, err);

	if (shown < 0 && !ended) {
		*err = following;
		return shown;
	}
	return rc;
}

int follow_run(struct face *face, struct feed *feed, enum plain_want want, struct err *err)
{
	const struct face_options *options = &face->options;

	if (!options->yes && !options->plain && !face->json && has_terminal() && screen_possible())
		return on_screen(face, feed, err);
	return in_lines(face, feed, want, err);
}
