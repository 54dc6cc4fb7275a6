/*
 * text: UTF-8 that comes from outside, and the operator's sentences.
 */
#ifndef OFFKIT_TEXT_TEXT_H
#define OFFKIT_TEXT_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_valid(struct bytes text);

/* Decodes one character of valid UTF-8; returns its octets (1 to 4), 0 at the end. */
size_t utf8_next(struct bytes text, size_t offset, uint32_t *ret_character);

/* Columns on a terminal: 2 for wide characters, 0 for combining ones, of escaped, valid text. */
size_t text_width(const char *text);

/* The longest beginning of text that is at most columns wide; returns its octets. */
size_t text_cut(const char *text, size_t columns);

bool text_is_nfc(struct bytes text); /* Unicode NFC; text must be valid UTF-8 */

/* Appends the NFKC case-folded form, by which names that look alike compare equal. */
MUST_CHECK int text_fold(struct bytes text, struct str *out, struct err *err);

/*
 * Appends untrusted text so that a terminal shows it and does nothing else: control characters
 * (C0, DEL, C1), bidirectional controls, other invisible format characters, line separators,
 * unassigned and private characters and invalid UTF-8 become \xNN or \u{N}; a backslash becomes
 * \\. Cut to max_columns with an ellipsis; 0 is no limit.
 */
void text_escape(struct str *out, struct bytes untrusted_text, size_t max_columns);

/* "1,402,118" */
enum { TEXT_COUNT_SIZE = 32 };
const char *text_count(int64_t count, char out[static TEXT_COUNT_SIZE]);

/* "912 bytes", "31.4 MB", "1.07 GB": powers of 1000, three significant digits. */
enum { TEXT_SIZE_SIZE = 32 };
const char *text_size(uint64_t octets, char out[static TEXT_SIZE_SIZE]);

/* Of milliseconds: "0.4 s", "48 s", "3 min 31 s", "2 h 5 min". */
enum { TEXT_DURATION_SIZE = 32 };
const char *text_duration(int64_t milliseconds, char out[static TEXT_DURATION_SIZE]);

/* Of milliseconds, for columns: "0:48", "3:31", "2:05:09". */
const char *text_stopwatch(int64_t milliseconds, char out[static TEXT_DURATION_SIZE]);

/* "1 file", "3 files": the count and the word, with a plural s unless it is given. */
void text_plural(struct str *out, int64_t count, const char *one, const char *many);

/* The closest name of a NULL-terminated list for a mistyped word, NULL if none is near. */
const char *text_nearest(const char *word, const char *const *names);

#endif
