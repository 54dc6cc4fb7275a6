#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "engine/history.h"

/* "20251220T091207Z-3f9a": sorting by name is sorting by time. */
bool history_is_run_id(const char *name)
{
	static const char FORM[] = "########T######Z-xxxx";

	if (strlen(name) != sizeof FORM - 1)
		return false;
	for (size_t i = 0; i < sizeof FORM - 1; i++) {
		bool digit = name[i] >= '0' && name[i] <= '9';
		bool hex = digit || (name[i] >= 'a' && name[i] <= 'f');
		if (FORM[i] == '#' ? !digit : FORM[i] == 'x' ? !hex : name[i] != FORM[i])
			return false;
	}
	return true;
}

void run_id_of(char id[static RUN_ID_SIZE], int64_t now, uint32_t random)
{
	enum { RANDOM_BITS = 6 }; /* of the last 16; above them the millisecond of the second */
	char time[TIME_NAME_SIZE];

	time_format_name(now, time);
	(void)snprintf(id, RUN_ID_SIZE, "%s-%04x", time,
		(unsigned)(now % 1000) << RANDOM_BITS | (random & ((1U << RANDOM_BITS) - 1)));
}

/* Two runs in one millisecond on one host are kept apart by the lock. */
void run_new_id(char id[static RUN_ID_SIZE])
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof random, GRND_NONBLOCK) != (ssize_t)sizeof random)
		random = (uint32_t)clock_boottime();
	run_id_of(id, clock_now(), random);
}

static int newest_first(const void *a, const void *b)
{
	return strcmp(b, a);
}

static int list_runs(int runs_fd, char (**ret_ids)[RUN_ID_SIZE], size_t *ret_count, struct err *err)
{
	CLEANUP_FREE char(*ids)[RUN_ID_SIZE] = NULL;
	size_t count = 0, room = 0;
	const char *name = NULL;
	CLEANUP_DIR DIR *dir = NULL;
	int rc = folder_names(runs_fd, &dir, err);

	while (rc == 0 && (rc = folder_next_name(dir, &name, err)) == 0 && name != NULL) {
		if (!history_is_run_id(name))
			continue;
		if (count == room) {
			room = room == 0 ? 16 : room * 2;
			void *grown = realloc(ids, room * sizeof *ids);
			if (grown == NULL)
				return err_no_memory(err);
			ids = grown;
		}
		memcpy(ids[count++], name, RUN_ID_SIZE);
	}
	if (rc < 0) {
		(void)err_context(err, "runs");
		return err_recode(err, ERR_STATE_FOLDER);
	}
	if (count > 0)
		qsort(ids, count, sizeof *ids, newest_first);
	*ret_ids = STEAL(ids);
	*ret_count = count;
	return 0;
}

static int read_run(int runs_fd, const char *id, struct history *history, struct err *err)
{
	CLEANUP_FD int run_fd = -1;
	struct journal_head head;
	size_t torn = 0;
	int rc = folder_open_at(runs_fd, id, &run_fd, err);

	if (rc == 0)
		rc = journal_read(run_fd, history_visit, history, &head, &torn, err);
	return rc < 0 ? err_context(err, "runs/%s", id) : 0;
}

int history_newest(int state_dirfd, bool (*wanted)(const struct history *history),
	struct history *history, char ret_id[static RUN_ID_SIZE], struct err *err)
{
	CLEANUP_FD int runs_fd = -1;
	CLEANUP_FREE char(*ids)[RUN_ID_SIZE] = NULL;
	size_t count = 0;
	int rc = folder_open_at(state_dirfd, "runs", &runs_fd, err);

	if (rc == 0)
		rc = list_runs(runs_fd, &ids, &count, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		history_release(history);
		rc = read_run(runs_fd, ids[i], history, err);
		/* A folder without a journal: the crash came before its first line. */
		if (rc < 0 && err->code == ERR_NOT_FOUND)
			continue;
		if (rc < 0)
			return rc;
		if (wanted == NULL || wanted(history)) {
			memcpy(ret_id, ids[i], RUN_ID_SIZE);
			return 0;
		}
	}
	return err_set(err, ERR_NOT_FOUND, "there is no such run in the state folder");
}

static int open_with_journal(int runs_fd, const char *id, int *ret_fd, struct err *err)
{
	CLEANUP_FD int run_fd = -1;
	int rc = folder_open_at(runs_fd, id, &run_fd, err);

	if (rc == 0 && faccessat(run_fd, JOURNAL_NAME, F_OK, AT_SYMLINK_NOFOLLOW) != 0)
		rc = err_set_errno(err, ERR_NOT_FOUND, errno, "%s", JOURNAL_NAME);
	if (rc < 0)
		return err_context(err, "runs/%s", id);
	*ret_fd = steal_fd(&run_fd);
	return 0;
}

int run_open(int state_dirfd, char id[static RUN_ID_SIZE], int *ret_fd, struct err *err)
{
	CLEANUP_FD int runs_fd = -1;
	CLEANUP_FREE char(*ids)[RUN_ID_SIZE] = NULL;
	size_t count = 0;
	int rc = folder_open_at(state_dirfd, "runs", &runs_fd, err);

	if (rc == 0 && *id != '\0')
		return open_with_journal(runs_fd, id, ret_fd, err);
	if (rc == 0)
		rc = list_runs(runs_fd, &ids, &count, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++) {
		rc = open_with_journal(runs_fd, ids[i], ret_fd, err);
		if (rc == 0)
			memcpy(id, ids[i], RUN_ID_SIZE);
		if (rc != -ERR_NOT_FOUND)
			return rc;
	}
	return err_set(err, ERR_NOT_FOUND, "there is no run in the state folder");
}

static void tidy_folder(int dirfd, const char *name)
{
	CLEANUP_FD int fd = -1;
	struct err ignored;

	if (folder_open_at(dirfd, name, &fd, &ignored) == 0)
		temporaries_remove_at(fd);
}

void runs_tidy(int state_dirfd)
{
	CLEANUP_FD int runs_fd = -1;
	CLEANUP_FREE char(*ids)[RUN_ID_SIZE] = NULL;
	size_t count = 0;
	struct err ignored;

	tidy_folder(state_dirfd, ".");
	tidy_folder(state_dirfd, "trust");
	if (folder_open_at(state_dirfd, "runs", &runs_fd, &ignored) < 0 ||
		list_runs(runs_fd, &ids, &count, &ignored) < 0)
		return;
	for (size_t i = 0; i < count; i++) {
		tidy_folder(runs_fd, ids[i]);
		/* Fails for every one that has a journal, or anything else. */
		(void)unlinkat(runs_fd, ids[i], AT_REMOVEDIR);
	}
}
