/*
 * prompt: a question on the terminal, and the line that answers it.
 */
#ifndef OFFKIT_CLI_PROMPT_H
#define OFFKIT_CLI_PROMPT_H

#include "cli/face.h"

enum { PROMPT_ANSWER_MAX = 4096 };

/*
 * Asks on stderr, with the fallback in brackets ("" is shown as none), and reads a line of stdin;
 * an empty one is the fallback. The answer is without blanks at its ends. ERR_CANCELLED at the end
 * of the input.
 */
MUST_CHECK int prompt_line(struct face *face, const char *question, const char *fallback,
	struct str *ret_answer, struct err *err);

/* "y" or "yes" is yes, everything else is no. */
MUST_CHECK int prompt_yes(struct face *face, const char *question, bool *ret_yes, struct err *err);

#endif
