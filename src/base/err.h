/*
 * err: the one way in which a function says that it failed.
 *
 * A function that can fail returns 0, or the negated code of errors.def, and fills the caller's
 * struct err. Success never touches it, failure never touches a ret_* output. The struct has a
 * fixed size and nothing here allocates, so that running out of memory can be reported too.
 *
 * The message names the failure and its object; callers on the way up put their context in front
 * of it ("migrations/21-101/migration.json: line 3: ..."). What to do next is the table's.
 */
#ifndef OFFKIT_BASE_ERR_H
#define OFFKIT_BASE_ERR_H

#define MUST_CHECK		 __attribute__((warn_unused_result))
#define PRINTF_LIKE(text, first) __attribute__((__format__(__printf__, text, first)))

enum err_code {
	ERR_NONE = 0,
#define ERR(name, exit_code, sentence, next) ERR_##name,
#include "base/errors.def"
#undef ERR
	ERR_COUNT
};

enum { ERR_MESSAGE_MAX = 1024 };

struct err {
	enum err_code code;
	char message[ERR_MESSAGE_MAX]; /* UTF-8, cut at a character's border, always terminated */
};

/* Fills err and returns -code, so that `return err_set(...)` is the idiom. */
int err_set(struct err *err, enum err_code code, const char *format, ...) PRINTF_LIKE(3, 4);

/* As err_set, and ": " and the text of the errno value at the end. */
int err_set_errno(struct err *err, enum err_code code, int errnum, const char *format, ...)
	PRINTF_LIKE(4, 5);

/* Puts context and ": " before the message; returns -err->code. */
int err_context(struct err *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Gives the failure another code, keeping its message (database lost: before or after effects). */
int err_recode(struct err *err, enum err_code code);

int err_no_memory(struct err *err);

/* The table's columns. The exit code of ERR_NONE is 0. */
int err_exit_code(enum err_code code);
const char *err_name(enum err_code code);     /* "CHECKSUM"; stable, stands in JSON output */
const char *err_sentence(enum err_code code); /* what it is, for the operator */
const char *err_next(enum err_code code);     /* what to do next */

/* The code of a name as in err_name, ERR_NONE if there is none. */
enum err_code err_by_name(const char *name);

#endif
