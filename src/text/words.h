/*
 * words: a command in one text, as the words of an argument vector.
 *
 * Blanks separate. '...' is taken as it is; in "..." a backslash stands before a quote or a
 * backslash, outside of quotes before any character. As in a shell so far; nothing is expanded,
 * and everything else is a character like others.
 */
#ifndef OFFKIT_TEXT_WORDS_H
#define OFFKIT_TEXT_WORDS_H

#include "base/arena.h"
#include "base/bytes.h"

enum { WORDS_MAX = 256 };

/* The vector, ended by NULL, lives in arena. ERR_USAGE: no word, too many, a quote not closed. */
MUST_CHECK int words_split(
	const char *text, struct arena *arena, const char *const **ret_words, struct err *err);

#endif
