/*
 * face: the command line's face: where results, progress and failures go.
 *
 * stdout carries the result alone: text, or with --output json one document. stderr carries
 * progress and diagnostics, which --log-file keeps as well, with times. Nothing else in the program
 * prints but the terminal UI.
 */
#ifndef OFFKIT_CLI_FACE_H
#define OFFKIT_CLI_FACE_H

#include <stdio.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "json/json_write.h"
#include "text/message.h"
#include "text/options.h"
#include "text/progress.h"
#include "site/site.h"
#include "trust/root.h"

/* The common options, as given. */
struct face_options {
	const char *site, *state_dir;
	const char *output; /* "text", "json"; NULL is text */
	const char *color;  /* "auto", "always", "never"; NULL is auto */
	const char *log_file;
	bool plain, yes, help, version, no_pager;
};

struct face {
	struct face_options options;
	struct arena arena; /* lives as long as the program */
	bool json;
	bool utf8;  /* of the locale: signs beyond ASCII may be shown */
	bool color; /* on stdout */
	const struct language *language;
	struct progress_line progress;
	bool result_tells;  /* with --output json: the result says what failed, too */
	bool end_told;	    /* the run's end said all there is about being cancelled or stopped */
	FILE *log;	    /* NULL: none */
	struct str result;  /* what stdout gets when the command succeeds */
	const char *object; /* what the command is about, for the failure's text */
	struct option_list parts; /* --parts of a command that reads a kit */
	const char *base;	  /* its --base */
};

#define PARTS_OPTION_ROWS(values)                                                                  \
	OPTION_ROW_LIST("parts", 0, "DIR", values, parts, "where else parts of the kit are"),      \
		OPTION_ROW_TEXT("base", 0, "KIT", values, base,                                    \
			"the kit from which a differential one was made")

static inline const char *face_text(const struct face *face, enum message which)
{
	return message_text(face->language, which);
}

enum face_sign { SIGN_GOOD, SIGN_BAD, SIGN_WARN, SIGN_NONE };

/* "✓" or "+", in its colour if colours are wanted. */
const char *face_sign(const struct face *face, enum face_sign sign);

/* Four groups of eight digits a line, so that two people can compare it by telephone. */
void face_append_fingerprint(struct str *out, const struct sha256 *digest, const char *indent);

/* A line on stderr and in the log. */
void face_note(struct face *face, const char *format, ...) PRINTF_LIKE(2, 3);
/* The same of a text of any length: a gate's last lines, its way back, are never cut off. */
void face_say(struct face *face, const struct str *text);

/* The same of one of the table's texts, with its arguments. */
#define face_tell(face, which, ...)                                                                \
	do {                                                                                       \
		CLEANUP_STR struct str face_text_told = STR_INIT;                                  \
		message_append(                                                                    \
			&face_text_told, (face)->language, which __VA_OPT__(, ) __VA_ARGS__);      \
		face_say(face, &face_text_told);                                                   \
	} while (0)

/* "3 documents of 1 collection": either is one of two messages, so counted. */
void face_count_documents(const struct face *face, uint64_t documents, uint64_t collections,
	struct str *ret_documents, struct str *ret_collections);

/* Progress of long work: a line in place on a terminal, else a line every five seconds at most. */
void face_progress(struct face *face, const char *what, uint64_t done, uint64_t total);
void face_progress_end(struct face *face);

/* What --version says. */
void face_show_version(struct str *out);

void face_failure(struct face *face, const struct err *err);

/*
 * The state folder in use: --state-dir, else the site file's, else the usual one. Opens it and
 * writes nothing; ret_fd is -1 if there is none yet.
 */
MUST_CHECK int face_open_state(struct face *face, int *ret_fd, struct err *err);

/* Of a failure to open or lock the state folder, unless another is at work there: names it. */
int face_state_failed(const char *path, struct err *err);

/* The same folder, made if need be, and its lock, for a command that changes it without a site. */
MUST_CHECK int face_lock_state(
	struct face *face, const char *command, int *ret_fd, int *ret_lock_fd, struct err *err);

/* The trust root in force there; state_dirfd may be -1. */
MUST_CHECK int face_load_root(
	struct face *face, int state_dirfd, struct trust_root **ret_root, struct err *err);

/*
 * Keys that anybody has must not decide what happens to data that somebody needs: with the demo
 * root ERR_TRUST_PERMISSION for a production site, and for a server that is not on loopback.
 */
MUST_CHECK int face_check_root(
	const struct site *site, const struct trust_root *root, struct err *err);

#endif
