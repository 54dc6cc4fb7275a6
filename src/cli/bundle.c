#include "cli/bundle.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "cli/show_status.h"
#include "text/text.h"
#include "verify/verify.h"

enum { PATH_SIZE = 1024, LISTED_MAX = 20000, DEPTH_MAX = 6 };

/* ---- entries */

static struct bundle_entry *next_entry(struct bundle *bundle)
{
	return bundle->count < BUNDLE_ENTRIES_MAX ? &bundle->entries[bundle->count] : NULL;
}

int bundle_leave_out(
	struct bundle *bundle, const char *path, int64_t size, const char *why, struct err *err)
{
	CLEANUP_STR struct str shown = STR_INIT, reason = STR_INIT;

	if (bundle->left_out_count == BUNDLE_ENTRIES_MAX)
		return 0;
	(void)redact(&shown, bytes_of_string(path), &bundle->redaction);
	/* It may quote what it complains of. */
	(void)redact(&reason, bytes_of_string(why), &bundle->redaction);
	struct bundle_entry *entry = &bundle->left_out[bundle->left_out_count];
	*entry = (struct bundle_entry){
		.path = arena_string(&bundle->face->arena, str_text(&shown)),
		.size = size,
		.why = arena_string(&bundle->face->arena, str_text(&reason)),
	};
	if (str_check(&shown, err) < 0 || str_check(&reason, err) < 0)
		return -err->code;
	if (entry->path == NULL || entry->why == NULL)
		return err_no_memory(err);
	bundle->left_out_count++;
	return 0;
}

static int add(struct bundle *bundle, const char *path, struct bytes content, const char *why,
	struct err *err)
{
	CLEANUP_STR struct str redacted = STR_INIT;
	CLEANUP_STR struct str name = STR_INIT;
	struct bundle_entry *entry = next_entry(bundle);

	if (entry == NULL)
		return bundle_leave_out(bundle, path, (int64_t)content.size, "too many files", err);
	if (bundle->size + (int64_t)content.size > BUNDLE_SIZE_MAX)
		return bundle_leave_out(bundle, path, (int64_t)content.size,
			"the bundle would become too large", err);
	size_t places = redact(&redacted, content, &bundle->redaction);
	(void)redact(&name, bytes_of_string(path), &bundle->redaction);
	if (str_check(&redacted, err) < 0 || str_check(&name, err) < 0)
		return -err->code;
	*entry = (struct bundle_entry){
		.path = arena_string(&bundle->face->arena, str_text(&name)),
		.size = (int64_t)redacted.size,
		.redacted = places,
		.why = why,
	};
	entry->content = arena_take(&bundle->face->arena, &redacted);
	if (entry->path == NULL || (entry->size > 0 && entry->content.data == NULL))
		return err_no_memory(err);
	bundle->size += entry->size;
	bundle->count++;
	return 0;
}

int bundle_add(struct bundle *bundle, const char *path, struct bytes content, struct err *err)
{
	return add(bundle, path, content, NULL, err);
}

/* ---- files */

static int read_end(int fd, off_t size, struct str *content, struct err *err)
{
	off_t begin = size > BUNDLE_FILE_MAX ? size - BUNDLE_FILE_MAX : 0;
	char buffer[65536];

	while (begin < size) {
		ssize_t got = pread(fd, buffer, sizeof buffer, begin);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_UNREADABLE, errno, "reading");
		if (got == 0)
			break;
		size_t taken = got < size - begin ? (size_t)got : (size_t)(size - begin);
		str_append(content, buffer, taken);
		begin += (off_t)taken;
	}
	return str_check(content, err);
}

/* The end of a file begins with a whole line: half of one could have half of a secret. */
static struct bytes from_whole_line(const struct str *content)
{
	const char *feed = memchr(str_text(content), '\n', content->size);
	size_t skipped = feed == NULL ? content->size : (size_t)(feed - content->text) + 1;

	return bytes_make(str_text(content) + skipped, content->size - skipped);
}

static int add_file(
	struct bundle *bundle, int dirfd, const char *name, const char *path, struct err *err)
{
	CLEANUP_FD int fd = -1;
	CLEANUP_STR struct str content = STR_INIT;
	struct stat status = {0};
	struct err reading;
	int rc = file_open_at(dirfd, name, &fd, &reading);

	if (rc == -ERR_NOT_FOUND)
		return 0;
	if (rc == 0 && fstat(fd, &status) == 0)
		rc = read_end(fd, status.st_size, &content, &reading);
	if (rc < 0)
		return bundle_leave_out(bundle, path, 0, reading.message, err);
	if (status.st_size <= BUNDLE_FILE_MAX)
		return add(bundle, path, str_bytes(&content), NULL, err);
	return add(
		bundle, path, from_whole_line(&content), "its end; the beginning is left out", err);
}

static bool ends_with(const char *name, const char *ending)
{
	size_t size = strlen(name), ending_size = strlen(ending);

	return size > ending_size && strcmp(name + size - ending_size, ending) == 0;
}

/* Why a file of a state or run folder stays here; NULL: it is taken. */
static const char *reason_against(const char *name)
{
	static const struct {
		const char *ending, *why;
	} RULES[] = {
		{".html", "report.json says the same"},
		{".ndjson", "documents of the site"},
		{".sock", "a socket"},
		{".key", "a key"},
		{".pem", "a key or certificate"},
		{"events.jsonl", NULL},
		{".json", NULL},
		{".txt", NULL},
		{".dsse", NULL},
		{".pub", NULL},
		{"lock", NULL},
	};

	if (strstr(name, "private") != NULL || strstr(name, "secret") != NULL)
		return "a key";
	for (size_t i = 0; i < sizeof RULES / sizeof *RULES; i++)
		if (ends_with(name, RULES[i].ending) || strcmp(name, RULES[i].ending) == 0)
			return RULES[i].why;
	return "not needed";
}

static int add_listed(
	struct bundle *bundle, int dirfd, const char *name, const char *prefix, struct err *err)
{
	struct stat status;
	char path[PATH_SIZE];

	(void)snprintf(path, sizeof path, "%s%s", prefix, name);
	if (fstatat(dirfd, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		return errno == ENOENT ? 0
				       : bundle_leave_out(bundle, path, 0, strerror(errno), err);
	if (!S_ISREG(status.st_mode))
		return 0;
	const char *why = reason_against(name);
	return why == NULL ? add_file(bundle, dirfd, name, path, err)
			   : bundle_leave_out(bundle, path, status.st_size, why, err);
}

/* The plain files of one folder; what cannot be listed of it is said. */
static int add_folder(struct bundle *bundle, int dirfd, const char *prefix, struct err *err)
{
	CLEANUP_DIR DIR *dir = NULL;
	const char *name = NULL;
	struct err listing;
	int listed = folder_names(dirfd, &dir, &listing), rc = 0;

	while (rc == 0 && listed == 0 && (listed = folder_next_name(dir, &name, &listing)) == 0 &&
		name != NULL)
		rc = add_listed(bundle, dirfd, name, prefix, err);
	return listed < 0 ? bundle_leave_out(bundle, prefix, 0, listing.message, err) : rc;
}

/* ---- names and sizes of everything, and the content of nothing */

struct listing {
	struct str lines;
	size_t count;
};

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int names_of(int dirfd, struct dirent ***ret_names)
{
	char path[64];

	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", dirfd);
	return scandir(path, ret_names, NULL, by_name);
}

static void list_tree(struct listing *listing, int dirfd, const char *path, unsigned depth)
{
	struct dirent **names = NULL;
	int count = names_of(dirfd, &names);

	if (count < 0) {
		text_escape(&listing->lines, bytes_of_string(path), 0);
		str_append_format(&listing->lines, "(cannot be listed: %s)\n", strerror(errno));
	}
	for (int i = 0; i < count; i++) {
		const char *name = names[i]->d_name;
		char inner[PATH_SIZE];
		struct stat status;
		if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0 &&
			listing->count < LISTED_MAX &&
			fstatat(dirfd, name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
			bool folder = S_ISDIR(status.st_mode);
			(void)snprintf(
				inner, sizeof inner, "%s%s%s", path, name, folder ? "/" : "");
			listing->count++;
			str_append_format(&listing->lines, "%04o %12lld ",
				(unsigned)(status.st_mode & 07777),
				folder ? 0LL : (long long)status.st_size);
			text_escape(&listing->lines, bytes_of_string(inner), 0);
			str_append_char(&listing->lines, '\n');
			int fd = folder && depth < DEPTH_MAX
					 ? openat(dirfd, name,
						   O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
					 : -1;
			if (fd >= 0) {
				list_tree(listing, fd, inner, depth + 1);
				(void)close(fd);
			}
		}
		free(names[i]);
	}
	free(names);
}

static int add_listing(struct bundle *bundle, int dirfd, const char *path, struct err *err)
{
	struct listing listing = {.lines = STR_INIT};

	list_tree(&listing, dirfd, "", 0);
	if (listing.count == LISTED_MAX)
		str_append_text(&listing.lines, "(and more)\n");
	int rc = str_check(&listing.lines, err);
	if (rc == 0)
		rc = bundle_add(bundle, path, str_bytes(&listing.lines), err);
	str_release(&listing.lines);
	return rc;
}

/* What lies within the state folder is listed with it. */
static int add_backups(struct bundle *bundle, struct err *err)
{
	CLEANUP_FD int fd = -1;
	struct site site;
	struct err missing;

	if (site_load(bundle->face->options.site, bundle->face->options.state_dir,
		    &bundle->face->arena, &site, &missing) < 0 ||
		strcmp(site.backup_dir, site.state_dir) == 0 ||
		path_is_within(site.backup_dir, site.state_dir) ||
		folder_open(site.backup_dir, &fd, &missing) < 0)
		return 0;
	return add_listing(bundle, fd, "backup-files.txt", err);
}

/* ---- what was refused */

/* What a rehearsal foretold. */
static int add_rehearsal(struct bundle *bundle, int state_dirfd, struct err *err)
{
	CLEANUP_FD int fd =
		openat(state_dirfd, "rehearsal", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? 0 : add_file(bundle, fd, "newest.json", "rehearsal/newest.json", err);
}

static int add_quarantine(struct bundle *bundle, int state_dirfd, struct err *err)
{
	struct dirent **names = NULL;
	CLEANUP_FD int fd =
		openat(state_dirfd, "quarantine", O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int count = fd < 0 ? 0 : names_of(fd, &names);
	int rc = 0;

	for (int i = 0; i < count; i++) {
		char name[PATH_SIZE], path[PATH_SIZE + sizeof "quarantine/"];
		(void)snprintf(name, sizeof name, "%s/REASON.json", names[i]->d_name);
		(void)snprintf(path, sizeof path, "quarantine/%s", name);
		if (rc == 0 && names[i]->d_name[0] != '.')
			rc = add_file(bundle, fd, name, path, err);
		free(names[i]);
	}
	free(names);
	return rc;
}

/* ---- how things stand */

static int add_status(struct bundle *bundle, struct err *err)
{
	CLEANUP(newest_run_release) struct newest_run newest = {0};
	CLEANUP_STR struct str text = STR_INIT;
	struct database_view database;
	struct err trouble;

	if (newest_run_find(bundle->face, &newest, &trouble) < 0)
		return bundle_leave_out(bundle, "status.json", 0, trouble.message, err);
	database_view_find(bundle->face, &database);
	status_json(&newest, &database, &text);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : bundle_add(bundle, "status.json", str_bytes(&text), err);
}

static int find_kit(struct bundle *bundle, int state_dirfd, const char **ret_id, struct err *err)
{
	struct history history = {0};
	char id[RUN_ID_SIZE];
	int rc = history_newest(state_dirfd, NULL, &history, id, err);

	if (rc == 0)
		*ret_id = arena_string(&bundle->face->arena,
			history_text(json_member(history.begin, "kit"), "id"));
	history_release(&history);
	return rc;
}

/* Whether the installed kit is still what was signed. */
static int add_kit(struct bundle *bundle, int state_dirfd, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	struct json_writer writer;
	struct err trouble;
	const char *id = NULL;
	int rc = find_kit(bundle, state_dirfd, &id, &trouble);

	if (rc == 0 && (id == NULL || *id == '\0'))
		return 0;
	if (rc == 0)
		rc = face_load_root(bundle->face, state_dirfd, &root, &trouble);
	if (rc == 0)
		rc = verify_installed(state_dirfd, id, root, &kit, &trouble);
	json_write_begin(&writer, &text);
	json_write_object(&writer);
	if (rc == 0) {
		json_member_bool(&writer, "verified", true);
		verify_result_write(kit, &writer);
	} else {
		json_member_bool(&writer, "verified", false);
		json_member_string(&writer, "error", err_name(trouble.code));
		json_member_string(&writer, "message", trouble.message);
	}
	json_write_end(&writer);
	str_append_char(&text, '\n');
	rc = str_check(&text, err);
	return rc < 0 ? rc : bundle_add(bundle, "kit.json", str_bytes(&text), err);
}

static int add_run(struct bundle *bundle, int state_dirfd, const char *run, struct err *err)
{
	CLEANUP_FD int fd = -1;
	char prefix[RUN_ID_SIZE + sizeof "runs//"];
	struct err missing;

	if (run != NULL)
		(void)snprintf(bundle->run, sizeof bundle->run, "%s", run);
	int rc = run_open(state_dirfd, bundle->run, &fd, &missing);
	if (rc < 0 && run != NULL) {
		*err = missing;
		return rc;
	}
	if (rc < 0) {
		bundle->run[0] = '\0';
		return 0;
	}
	(void)snprintf(prefix, sizeof prefix, "runs/%s/", bundle->run);
	return add_folder(bundle, fd, prefix, err);
}

static int compare_entries(const void *a, const void *b)
{
	return strcmp(
		((const struct bundle_entry *)a)->path, ((const struct bundle_entry *)b)->path);
}

int bundle_gather(
	struct bundle *bundle, struct face *face, const char *run, bool hosts, struct err *err)
{
	CLEANUP_FD int state_dirfd = -1;

	*bundle = (struct bundle){.face = face, .redaction.hosts = hosts};
	bundle_learn(bundle);
	struct err trouble;
	int rc = bundle_assume_state(bundle, err);
	if (rc < 0)
		return rc;
	rc = face_open_state(face, &state_dirfd, &trouble);
	if (rc < 0 && run != NULL) {
		*err = trouble;
		return rc;
	}
	if (rc < 0)
		rc = bundle_leave_out(bundle, "state", 0, trouble.message, err);
	if (rc == 0 && state_dirfd < 0 && run != NULL)
		return err_set(err, ERR_NOT_FOUND, "there is no state folder");
	if (rc == 0)
		rc = bundle_add_facts(bundle, state_dirfd, err);
	if (rc == 0)
		rc = add_backups(bundle, err);
	if (rc == 0 && state_dirfd >= 0) {
		rc = add_run(bundle, state_dirfd, run, err);
		if (rc == 0)
			rc = add_folder(bundle, state_dirfd, "state/", err);
		if (rc == 0)
			rc = add_listing(bundle, state_dirfd, "state-files.txt", err);
		if (rc == 0)
			rc = add_quarantine(bundle, state_dirfd, err);
		if (rc == 0)
			rc = add_rehearsal(bundle, state_dirfd, err);
		if (rc == 0)
			rc = add_kit(bundle, state_dirfd, err);
		if (rc == 0)
			rc = add_status(bundle, err);
	}
	if (rc < 0)
		return rc;
	qsort(bundle->entries, bundle->count, sizeof *bundle->entries, compare_entries);
	qsort(bundle->left_out, bundle->left_out_count, sizeof *bundle->left_out, compare_entries);
	return 0;
}
