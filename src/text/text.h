/*
 * text: UTF-8 that comes from outside, and the operator's sentences.
 */
#ifndef OFFKIT_TEXT_TEXT_H
#define OFFKIT_TEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

struct language;

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_valid(struct bytes text);

/* Decodes one character; returns its octets (1 to 4), 0 at the end and where no valid one begins.
 */
size_t utf8_next(struct bytes text, size_t offset, uint32_t *ret_character);

/* Columns on a terminal: 2 for wide characters, 0 for combining ones, of escaped, valid text. */
size_t text_width(const char *text);

/* Appends text, filled up with blanks to so many columns. */
void text_append_column(struct str *out, const char *text, size_t columns);

/* The longest beginning of text that is at most columns wide; returns its octets. */
size_t text_cut(const char *text, size_t columns);

/* 0 if text is in Unicode NFC; ERR_SYNTAX if not, or if it is not UTF-8. */
MUST_CHECK int text_check_nfc(struct bytes text, struct err *err);

/*
 * Appends the NFKC case-folded form (Unicode 3.13, toNFKC_Casefold), by which names that look alike
 * compare equal. ERR_SYNTAX for invalid UTF-8.
 */
MUST_CHECK int text_fold(struct bytes text, struct str *out, struct err *err);

/*
 * Whether a terminal shows a character and does nothing else: no control character (C0, DEL, C1),
 * no bidirectional control or other invisible one, no line separator, none that is unassigned or
 * private, and no combining mark without a base or behind too many others, which would change what
 * stands before it or in the lines around. marks: those behind the last base, TEXT_NO_BASE at the
 * beginning and after what was escaped; kept from one character to the next.
 */
enum { TEXT_MARKS_MAX = 4 };
#define TEXT_NO_BASE (~0U)
bool text_shows(uint32_t character, unsigned *marks);

/*
 * Appends untrusted text so that a terminal shows it and does nothing else: what it does not
 * (text_shows), and invalid UTF-8, become \xNN (an octet) or \u{N} (a character above U+007F); a
 * backslash becomes \\. Cut to max_columns with an ellipsis, never inside of an escape; 0 is no
 * limit.
 */
void text_escape(struct str *out, struct bytes untrusted_text, size_t max_columns);

/*
 * The last door before a terminal: as text_escape without a limit, for a line of which parts were
 * escaped already, so that a backslash stays one.
 */
void text_guard(struct str *out, struct bytes line);

/* "1,402,118" */
enum { TEXT_COUNT_SIZE = 32 };
const char *text_count(int64_t count, char out[static TEXT_COUNT_SIZE]);

/* "1 byte", "912 bytes", "31.4 MB", "1.07 GB", "31 GB": powers of 1000, three digits at most. */
enum { TEXT_SIZE_SIZE = 32 };
const char *text_size(uint64_t octets, char out[static TEXT_SIZE_SIZE]);

/* Of milliseconds, cut: "under 0.1 s", "0.4 s", "48 s", "3 min 31 s", "6 min", "2 h 5 min", "3 d 4
 * h". */
enum { TEXT_DURATION_SIZE = 32 };
const char *text_duration(int64_t milliseconds, char out[static TEXT_DURATION_SIZE]);
const char *text_duration_in(
	const struct language *language, int64_t milliseconds, char out[static TEXT_DURATION_SIZE]);

/* Of octets a size, of milliseconds a duration, of every other unit a count. */
enum { TEXT_AMOUNT_SIZE = 32 };
const char *text_amount(int64_t value, const char *unit, char out[static TEXT_AMOUNT_SIZE]);

/* Of milliseconds, for columns: "0:48", "3:31", "2:05:09". */
const char *text_stopwatch(int64_t milliseconds, char out[static TEXT_DURATION_SIZE]);

/* How long the work until the next safe point takes: a batch of so many at that rate a second; 0 of
 * either: it is not known. */
void text_until_safe(
	struct str *out, const struct language *language, int64_t batch_size, double rate);

/* "1 file", "3,000 files": the count and the word; many NULL is one with an s. */
void text_plural(struct str *out, int64_t count, const char *one, const char *many);

/*
 * The closest name of a NULL-terminated list for a mistyped word: at most two letters wrong,
 * missing, superfluous or swapped (one in words below six letters). NULL if none is near.
 */
const char *text_nearest(const char *word, const char *const *names);

enum { TEXT_WRAP_COLUMNS = 80 };

/*
 * A line, broken at blanks so that it ends by column TEXT_WRAP_COLUMNS; out stands at column, and
 * all lines begin there. A word that is too long is not broken. With a line feed.
 */
void text_wrap(struct str *out, const char *text, int column);

#endif
