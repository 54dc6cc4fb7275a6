#include "engine/journal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"

static const char FIRST_PREV[] = "0000000000000000000000000000000000000000000000000000000000000000";
static const char HASH_MEMBER[] = ",\"hash\":\"";

struct journal {
	int fd; /* -1: in memory */
	off_t size;
	bool failed; /* no line is taken any more */
	struct journal_head head;
	struct str pending; /* lines until journal_persist */
	struct str line;
	struct json_writer writer;
	bool journaled;
	char sealed[SHA256_HEX_SIZE]; /* the hash of line */
};

void journal_head_reset(struct journal_head *head)
{
	head->seq = 0;
	memcpy(head->hash, FIRST_PREV, SHA256_HEX_SIZE);
}

int journal_new(struct journal **ret_journal, struct err *err)
{
	struct journal *journal = calloc(1, sizeof *journal);

	if (journal == NULL)
		return err_no_memory(err);
	journal->fd = -1;
	journal_head_reset(&journal->head);
	*ret_journal = journal;
	return 0;
}

void journal_free(struct journal *journal)
{
	if (journal == NULL)
		return;
	if (journal->fd >= 0)
		(void)close(journal->fd);
	str_release(&journal->pending);
	str_release(&journal->line);
	free(journal);
}

void journal_cleanup(struct journal **journal)
{
	journal_free(*journal);
}

const struct journal_head *journal_head(const struct journal *journal)
{
	return &journal->head;
}

bool journal_persisted(const struct journal *journal)
{
	return journal->fd >= 0;
}

/*
 * A line that could not be written whole is taken off again: a torn line in the middle of the file
 * would damage the chain for good. After a sync that failed nothing can be known of the line, and
 * nothing is learnt from a later sync that succeeds: the kernel may have dropped what it could not
 * write and have marked the page clean. So nothing is appended any more; whoever resumes reads what
 * is on the disk.
 */
static int append_durable(struct journal *journal, struct bytes text, struct err *err)
{
	if (journal->failed)
		return err_set(err, ERR_DISK, "%s: an earlier line could not be made durable",
			JOURNAL_NAME);
	int rc = fd_write_all(journal->fd, text, err);
	if (rc == 0 && fdatasync(journal->fd) != 0) {
		journal->failed = true;
		rc = err_set_errno(err, ERR_DISK, errno, "sync");
	}
	if (rc < 0 && ftruncate(journal->fd, journal->size) != 0) {
		journal->failed = true;
		return err_context(err, "%s (and its last line is torn)", JOURNAL_NAME);
	}
	if (rc < 0)
		return err_context(err, JOURNAL_NAME);
	journal->size += (off_t)text.size;
	return 0;
}

static int failed_to(const char *what, struct err *err)
{
	return err_set_errno(err, ERR_DISK, errno, "%s: %s", JOURNAL_NAME, what);
}

int journal_persist(struct journal *journal, int run_dirfd, struct err *err)
{
	int rc = str_check(&journal->pending, err);

	if (rc < 0)
		return rc;
	/* In one durable piece: a run's folder never has half of its beginning. */
	rc = file_write_durable_at(
		run_dirfd, JOURNAL_NAME, str_bytes(&journal->pending), 0600, err);
	int fd = rc < 0 ? -1
			: openat(run_dirfd, JOURNAL_NAME,
				  O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (rc == 0 && fd < 0)
		rc = failed_to("open", err);
	if (rc < 0) {
		/* Nothing was done yet: no run is to be found here. */
		(void)unlinkat(run_dirfd, JOURNAL_NAME, 0);
		return rc;
	}
	journal->fd = fd;
	journal->size = (off_t)journal->pending.size;
	str_release(&journal->pending);
	journal->pending = STR_INIT;
	return 0;
}

struct json_writer *journal_begin(struct journal *journal, const char *event, bool journaled)
{
	struct json_writer *writer = &journal->writer;

	str_truncate(&journal->line, 0);
	journal->journaled = journaled;
	json_write_begin(writer, &journal->line);
	json_write_object(writer);
	if (journaled)
		json_member_integer(writer, "seq", journal->head.seq + 1);
	json_member_time(writer, "time", clock_now());
	json_member_string(writer, "event", event);
	return writer;
}

/* The hash covers the octets that the line has without its last member. */
static int hash_open_line(
	struct bytes open_object, char hex[static SHA256_HEX_SIZE], struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	struct sha256 digest;
	int rc = sha256_stream_new(&stream, err);

	if (rc == 0)
		rc = sha256_stream_update(stream, open_object, err);
	if (rc == 0)
		rc = sha256_stream_update(stream, bytes_of_string("}"), err);
	if (rc == 0)
		rc = sha256_stream_finish(stream, &digest, err);
	if (rc == 0)
		sha256_to_hex(&digest, hex);
	return rc;
}

static int close_link(struct journal *journal, struct err *err)
{
	json_member_string(&journal->writer, "prev", journal->head.hash);
	int rc = str_check(&journal->line, err);
	if (rc == 0)
		rc = hash_open_line(str_bytes(&journal->line), journal->sealed, err);
	if (rc == 0)
		json_member_string(&journal->writer, "hash", journal->sealed);
	return rc;
}

int journal_seal(struct journal *journal, struct bytes *ret_line, struct err *err)
{
	int rc = journal->journaled ? close_link(journal, err) : 0;

	if (rc < 0)
		return rc;
	json_write_end(&journal->writer);
	str_append_char(&journal->line, '\n');
	rc = str_check(&journal->line, err);
	if (rc == 0 && journal->line.size > JOURNAL_LINE_MAX)
		rc = err_set(err, ERR_INTERNAL, "an event of %zu octets", journal->line.size);
	if (rc == 0)
		*ret_line = bytes_make(journal->line.text, journal->line.size - 1);
	return rc;
}

int journal_commit(struct journal *journal, struct err *err)
{
	int rc = 0;

	if (!journal->journaled)
		return 0;
	if (journal->fd >= 0) {
		rc = append_durable(journal, str_bytes(&journal->line), err);
	} else {
		str_append(&journal->pending, journal->line.text, journal->line.size);
		rc = str_check(&journal->pending, err);
	}
	if (rc < 0)
		return rc;
	journal->head.seq++;
	memcpy(journal->head.hash, journal->sealed, sizeof journal->sealed);
	return 0;
}

int journal_end(struct journal *journal, struct bytes *ret_line, struct err *err)
{
	struct bytes line;
	int rc = journal_seal(journal, &line, err);

	if (rc == 0)
		rc = journal_commit(journal, err);
	if (rc == 0)
		*ret_line = line;
	return rc;
}

/* ---- reading */

static int line_damaged(struct err *err, int64_t seq, const char *what)
{
	return err_set(err, ERR_JOURNAL, "%s: line %lld %s", JOURNAL_NAME, (long long)seq, what);
}

int journal_check_line(struct bytes untrusted_line, const struct json *event,
	struct journal_head *head, struct err *err)
{
	const size_t tail = sizeof HASH_MEMBER - 1 + SHA256_HEX_SIZE - 1 + 2; /* and "} */
	int64_t want = head->seq + 1;
	const struct json *seq = json_member(event, "seq");
	const struct json *prev = json_member(event, "prev");
	const char *text = (const char *)untrusted_line.data;
	char hex[SHA256_HEX_SIZE];

	if (seq == NULL || json_type(seq) != JSON_NUMBER || !json_is_integer(seq) ||
		json_integer(seq) != want)
		return line_damaged(err, want, "is not the next one: lines were removed or moved");
	if (prev == NULL || json_type(prev) != JSON_STRING ||
		strcmp(json_string(prev), head->hash) != 0)
		return line_damaged(err, want, "does not follow from the line before it");
	if (untrusted_line.size < tail ||
		memcmp(text + untrusted_line.size - tail, HASH_MEMBER, sizeof HASH_MEMBER - 1) != 0)
		return line_damaged(err, want, "has no hash");
	struct bytes open_object = bytes_make(text, untrusted_line.size - tail);
	int rc = hash_open_line(open_object, hex, err);
	if (rc < 0)
		return rc;
	if (memcmp(text + untrusted_line.size - SHA256_HEX_SIZE - 1, hex, SHA256_HEX_SIZE - 1) != 0)
		return line_damaged(err, want, "was changed: its hash does not match");
	head->seq = want;
	memcpy(head->hash, hex, sizeof hex);
	return 0;
}

static int read_line(struct bytes line, struct journal_head *head, journal_visit *visit,
	void *argument, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	bool keep = false;
	int rc = json_parse(line, JSON_LIMITS_OWN(JOURNAL_LINE_MAX), &doc, err);

	if (rc < 0) {
		if (err->code == ERR_NO_MEMORY)
			return rc;
		return line_damaged(err, head->seq + 1, "is not an event");
	}
	rc = journal_check_line(line, json_root(doc), head, err);
	if (rc == 0 && visit != NULL)
		rc = visit(argument, line, doc, &keep, err);
	if (keep)
		doc = NULL;
	return rc;
}

struct line_reader {
	FILE *file;
	char *line;
	size_t room;
	off_t whole; /* octets of whole lines so far */
};

static void reader_close(struct line_reader *reader)
{
	if (reader->file != NULL)
		(void)fclose(reader->file);
	free(reader->line);
}

static int read_chain(struct line_reader *reader, journal_visit *visit, void *argument,
	struct journal_head *head, size_t *ret_torn, struct err *err)
{
	ssize_t size;

	*ret_torn = 0;
	while ((size = getline(&reader->line, &reader->room, reader->file)) > 0) {
		if (reader->line[size - 1] != '\n') {
			*ret_torn = (size_t)size;
			break;
		}
		int rc = read_line(
			bytes_make(reader->line, (size_t)size - 1), head, visit, argument, err);
		if (rc < 0)
			return rc;
		reader->whole += size;
	}
	if (ferror(reader->file))
		return err_set_errno(err, ERR_UNREADABLE, errno, JOURNAL_NAME);
	return 0;
}

static int read_from(int fd, journal_visit *visit, void *argument, struct journal_head *head,
	size_t *ret_torn, off_t *ret_whole, struct err *err)
{
	CLEANUP(reader_close) struct line_reader reader = {0};
	CLEANUP_FD int own = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	reader.file = own < 0 ? NULL : fdopen(own, "r");
	if (reader.file == NULL)
		return err_no_memory(err);
	(void)steal_fd(&own);
	journal_head_reset(head);
	int rc = read_chain(&reader, visit, argument, head, ret_torn, err);
	if (rc < 0)
		return rc;
	*ret_whole = reader.whole;
	return 0;
}

int journal_read(int run_dirfd, journal_visit *visit, void *argument, struct journal_head *ret_head,
	size_t *ret_torn, struct err *err)
{
	CLEANUP_FD int fd = -1;
	struct journal_head head;
	size_t torn = 0;
	off_t whole = 0;
	int rc = file_open_at(run_dirfd, JOURNAL_NAME, &fd, err);

	if (rc == 0)
		rc = read_from(fd, visit, argument, &head, &torn, &whole, err);
	if (rc < 0)
		return rc;
	*ret_head = head;
	*ret_torn = torn;
	return 0;
}

/*
 * What was written last may be nowhere but in memory, when a process was killed between the write
 * and the sync, or after a sync that failed: it is synced, and then read from the disk, as far as
 * the kernel lets go of what it keeps.
 */
static int settle(int fd, struct err *err)
{
	if (fsync(fd) != 0)
		return failed_to("sync", err);
	(void)posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	return 0;
}

static int cut_torn_line(const struct journal *journal, size_t torn, struct err *err)
{
	if (torn == 0)
		return 0;
	if (ftruncate(journal->fd, journal->size) != 0)
		return failed_to("cutting a torn line off", err);
	return fsync(journal->fd) != 0 ? failed_to("sync", err) : 0;
}

int journal_open(int run_dirfd, journal_visit *visit, void *argument, struct journal **ret_journal,
	size_t *ret_torn, struct err *err)
{
	CLEANUP(journal_cleanup) struct journal *journal = NULL;
	size_t torn = 0;
	int rc = journal_new(&journal, err);

	if (rc < 0)
		return rc;
	journal->fd = openat(run_dirfd, JOURNAL_NAME, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (journal->fd < 0)
		return err_set_errno(
			err, errno == ENOENT ? ERR_NOT_FOUND : ERR_DISK, errno, "%s", JOURNAL_NAME);
	rc = settle(journal->fd, err);
	if (rc == 0)
		rc = read_from(
			journal->fd, visit, argument, &journal->head, &torn, &journal->size, err);
	if (rc == 0)
		rc = cut_torn_line(journal, torn, err);
	if (rc < 0)
		return rc;
	*ret_torn = torn;
	*ret_journal = STEAL(journal);
	return 0;
}
