/*
 * message: what the program says by itself, in one place and in several languages.
 *
 * messages.def has every text in English; messages_LANGUAGE.def has it in another language, or
 * leaves it out, and then the English one is said. All are compiled in: beside a program that has
 * to run from a stick there are no catalogues, which is why this is not gettext's.
 *
 * What stands in the journal, the report and the receipt, and therefore in an event, is the record:
 * it is English everywhere, so that two people can compare it, and names of choices, keys, numbers,
 * sizes and times are the same everywhere. A face says what it knows of the record's sentences in
 * its own language (the table's RECORD rows, and errors.def), and quotes the others as they are.
 *
 * A text's conversions are those of its English one, in the same order: the compiler holds the
 * arguments against that (message_append, message_format), and a test every other language.
 */
#ifndef OFFKIT_TEXT_MESSAGE_H
#define OFFKIT_TEXT_MESSAGE_H

#include "base/bytes.h"
#include "base/err.h"

enum message {
	MSG_NONE, /* "" */
#define MESSAGE(name, columns, english) MSG_##name,
#define RECORD(name, columns, english)	MSG_##name,
#include "text/messages.def"
#undef RECORD
#undef MESSAGE
	MESSAGE_OWN_COUNT,
	/* And two of each error, the operator's columns of base/errors.def: records, too. */
	MESSAGE_COUNT = MESSAGE_OWN_COUNT + 2 * (ERR_COUNT - 1),
};

/* NULL is English. */
struct language;

/*
 * The language that a locale's name asks for ("de", "de_AT.UTF-8"); English where it asks for none
 * that there is, and on a terminal that does not show its letters.
 */
const struct language *language_by_locale(const char *locale, bool utf8);

/* "en" */
const char *language_name(const struct language *language);

/* Never NULL. */
const char *message_text(const struct language *language, enum message which);

/* A text of the record in that language, or as it is: where it is known, word for word. */
const char *message_of_record(const struct language *language, const char *text);

/* The same, and what is known but for a name in it, which is said by the same rule. */
void message_append_record(struct str *out, const struct language *language, const char *text);

/* The text, filled up with blanks to so many columns; a longer one gets one blank. */
void message_append_label(
	struct str *out, const struct language *language, enum message which, size_t columns);

/* "1 file", "3,000 files": one of two messages, which have the counted number as their "%s". */
#define message_append_count(out, language, count, one, many)                                      \
	(MESSAGE_ARGUMENTS_FIT(one, ""), MESSAGE_ARGUMENTS_FIT(many, ""),                          \
		message_append_counted(out, language, count, one, many))

/* The widest that a text may be where it is shown, 0: it is wrapped or cut there. */
int message_columns(enum message which);

/* message_append(out, language, MSG_..., arguments): as str_append_format. */
#define message_append(out, language, which, ...)                                                  \
	(MESSAGE_ARGUMENTS_FIT(which __VA_OPT__(, ) __VA_ARGS__),                                  \
		message_append_any(out, language, which __VA_OPT__(, ) __VA_ARGS__))

/* message_format(out, size, language, MSG_..., arguments): as snprintf, cut between characters. */
#define message_format(out, size, language, which, ...)                                            \
	(MESSAGE_ARGUMENTS_FIT(which __VA_OPT__(, ) __VA_ARGS__),                                  \
		message_format_any(out, size, language, which __VA_OPT__(, ) __VA_ARGS__))

/* ---- behind the two */

void message_append_counted(struct str *out, const struct language *language, int64_t count,
	enum message one, enum message many);
void message_append_any(struct str *out, const struct language *language, enum message which, ...);
void message_format_any(
	char *out, size_t size, const struct language *language, enum message which, ...);

#define MESSAGE(name, columns, english)                                                            \
	static const char MESSAGE_ENGLISH_MSG_##name[] __attribute__((unused)) = english;
#define RECORD MESSAGE
#include "text/messages.def"
#undef RECORD
#undef MESSAGE

/* Never defined: the compiler reads the arguments, and evaluates none. */
int message_arguments(const char *format, ...) PRINTF_LIKE(1, 2);
#define MESSAGE_ARGUMENTS_FIT(which, ...)                                                          \
	((void)sizeof(message_arguments(MESSAGE_ENGLISH_##which __VA_OPT__(, ) __VA_ARGS__)))

#endif
