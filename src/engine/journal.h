/*
 * journal: the chain of events of one run, state/runs/ID/events.jsonl (kit-layout/journal.md).
 *
 * One event a line. Each line ends with the members "prev", the hash of the line before (64 zeros
 * in the first), and "hash", the SHA-256 of the line's own octets without the hash member; so a
 * change of any line is seen, of the last one too. A line is on the disk before journal_end
 * returns.
 *
 * A journal begins in memory: until journal_persist nothing is written anywhere, so that a run that
 * was refused before its first effect leaves nothing behind.
 *
 * Errors: ERR_JOURNAL names the line; ERR_DISK when a line could not be written, which leaves the
 * file as it was before that line. After a sync that failed no line is taken any more: the journal
 * has to be opened again, which reads what is on the disk.
 */
#ifndef OFFKIT_ENGINE_JOURNAL_H
#define OFFKIT_ENGINE_JOURNAL_H

#include "crypto/digest.h"
#include "json/json_write.h"

#define JOURNAL_NAME "events.jsonl"

enum { JOURNAL_LINE_MAX = 4 * 1024 * 1024 };

struct journal;

struct journal_head {
	int64_t seq; /* of the last line, 0: none */
	char hash[SHA256_HEX_SIZE];
};

MUST_CHECK int journal_new(struct journal **ret_journal, struct err *err);
void journal_free(struct journal *journal);
void journal_cleanup(struct journal **journal);
const struct journal_head *journal_head(const struct journal *journal);

/* Of a journal without a line. */
void journal_head_reset(struct journal_head *head);

/* Writes what was kept in memory to run_dirfd, durably, and goes on there. */
MUST_CHECK int journal_persist(struct journal *journal, int run_dirfd, struct err *err);
bool journal_persisted(const struct journal *journal);

/*
 * An event: journal_begin opens the object and writes "seq", "time" and "event"; the caller adds
 * members to the writer; journal_end closes the chain's link, makes it durable, and shows the line,
 * a view until the next journal_begin. An event without a journal line (journaled false) has
 * neither seq nor link and is not kept.
 *
 * Whoever needs memory to take the line in does so between journal_seal, which closes the link and
 * shows the line, and journal_commit, which makes it durable: what is durable has to be known.
 */
struct json_writer *journal_begin(struct journal *journal, const char *event, bool journaled);
MUST_CHECK int journal_seal(struct journal *journal, struct bytes *ret_line, struct err *err);
MUST_CHECK int journal_commit(struct journal *journal, struct err *err);
MUST_CHECK int journal_end(struct journal *journal, struct bytes *ret_line, struct err *err);

/* Each line of a checked chain. The document lives until the call returns unless *keep is set:
 * then the callee owns it. */
typedef int journal_visit(
	void *argument, struct bytes line, struct json_doc *doc, bool *keep, struct err *err);

/*
 * Reads and checks the whole chain, visiting each line. A torn last line (a crash in the middle of
 * writing it) is left out; *ret_torn is its octets.
 */
MUST_CHECK int journal_read(int run_dirfd, journal_visit *visit, void *argument,
	struct journal_head *ret_head, size_t *ret_torn, struct err *err);

/* The same from what is on the disk; cuts a torn line off the file, and goes on after the last
 * line. */
MUST_CHECK int journal_open(int run_dirfd, journal_visit *visit, void *argument,
	struct journal **ret_journal, size_t *ret_torn, struct err *err);

/* Checks one line (without its line feed) against the head before it and moves the head on. */
MUST_CHECK int journal_check_line(struct bytes untrusted_line, const struct json *event,
	struct journal_head *head, struct err *err);

#endif
