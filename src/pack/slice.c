#include "pack/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"
#include "kit/name.h"

enum { PIECE = 256 * 1024 };

static const struct {
	const char *suffix;
	int64_t octets;
} units[] = {
	{"", 1},
	{"K", 1024},
	{"KB", 1000},
	{"M", 1024 * 1024},
	{"MB", 1000 * 1000},
	{"G", 1024 * 1024 * 1024},
	{"GB", 1000 * 1000 * 1000},
};

bool slice_size(const char *text, int64_t *ret_octets)
{
	char *end = NULL;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	long long number = strtoll(text, &end, 10);
	if (errno != 0 || number < 1)
		return false;
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
		if (strcmp(end, units[i].suffix) != 0)
			continue;
		if (number > PARTS_OCTETS_MAX / units[i].octets)
			return false;
		*ret_octets = number * units[i].octets;
		return true;
	}
	return false;
}

struct slicing {
	struct face *face;
	int from, into; /* the file; the folder of the parts */
	uint8_t *piece;
	int64_t done;
	struct part_list *list;
	struct sha256_stream *whole, *part;
};

/* Reads what is wanted of the file, all of it. */
static int read_piece(struct slicing *slicing, size_t size, struct err *err)
{
	size_t got = 0;

	while (got < size) {
		ssize_t now = pread(slicing->from, slicing->piece + got, size - got,
			(off_t)(slicing->done + (int64_t)got));
		if (now < 0 && errno == EINTR)
			continue;
		if (now < 0)
			return err_set_errno(err, ERR_UNREADABLE, errno, "reading the kit");
		if (now == 0)
			return err_set(err, ERR_CHECKSUM, "the kit became shorter meanwhile");
		got += (size_t)now;
	}
	return 0;
}

static int copy_piece(struct slicing *slicing, int fd, size_t size, struct err *err)
{
	const struct bytes octets = bytes_make(slicing->piece, size);
	int rc = read_piece(slicing, size, err);

	if (rc == 0)
		rc = sha256_stream_update(slicing->whole, octets, err);
	if (rc == 0)
		rc = sha256_stream_update(slicing->part, octets, err);
	if (rc < 0)
		return rc;
	rc = fd_write_all(fd, octets, err);
	if (rc < 0)
		return err_context(err, "a part");
	slicing->done += (int64_t)size;
	face_progress(
		slicing->face, "Slicing", (uint64_t)slicing->done, (uint64_t)slicing->list->size);
	return 0;
}

static int write_part(struct slicing *slicing, struct part *part, struct err *err)
{
	CLEANUP_FD int fd = openat(slicing->into, part->name,
		O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0644);
	int rc = 0;

	if (fd < 0)
		return err_set_errno(err, ERR_DISK, errno, "%s", part->name);
	for (int64_t left = part->size; left > 0 && rc == 0;) {
		size_t size = left < PIECE ? (size_t)left : PIECE;
		rc = copy_piece(slicing, fd, size, err);
		left -= (int64_t)size;
	}
	if (rc == 0)
		rc = sha256_stream_finish(slicing->part, &part->digest, err);
	if (rc == 0 && fsync(fd) != 0)
		rc = err_set_errno(err, ERR_DISK, errno, "%s", part->name);
	return rc;
}

/* "NAME.001" */
static int plan_parts(
	struct part_list *list, int64_t part_size, struct arena *arena, struct err *err)
{
	int64_t count = (list->size - 1) / part_size + 1;

	if (count > PARTS_MAX)
		return err_set(err, ERR_USAGE,
			"--size: %lld parts, and there may be %d: take larger ones",
			(long long)count, PARTS_MAX);
	list->count = (size_t)count;
	list->parts = arena_array(arena, list->count, sizeof *list->parts);
	if (list->parts == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < list->count; i++) {
		const char *name = arena_format(arena, "%s.%03zu", list->archive, i + 1);
		if (name == NULL)
			return err_no_memory(err);
		list->parts[i].name = name;
		list->parts[i].size = part_size;
	}
	list->parts[list->count - 1].size = list->size - (count - 1) * part_size;
	return 0;
}

static int write_list(const struct slicing *slicing, const struct signers *signers, struct err *err)
{
	CLEANUP_STR struct str statement = STR_INIT, envelope = STR_INIT, name = STR_INIT;
	int rc = part_list_write(slicing->list, &statement, err);

	if (rc == 0)
		rc = sign_statement(signers, str_bytes(&statement), &envelope, err);
	str_append_format(&name, "%s%s", slicing->list->archive, PART_LIST_ENDING);
	if (rc == 0)
		rc = str_check(&name, err);
	return rc < 0 ? rc
		      : file_write_durable_at(
				slicing->into, str_text(&name), str_bytes(&envelope), 0644, err);
}

static int write_all(struct slicing *slicing, const struct signers *signers, struct err *err)
{
	struct part_list *list = slicing->list;
	int rc = 0;

	for (size_t i = 0; i < list->count && rc == 0; i++)
		rc = write_part(slicing, &list->parts[i], err);
	if (rc == 0)
		rc = sha256_stream_finish(slicing->whole, &list->digest, err);
	return rc < 0 ? rc : write_list(slicing, signers, err);
}

static int slice_into(
	struct slicing *slicing, const char *out, const struct signers *signers, struct err *err)
{
	CLEANUP_FD int place = -1;
	CLEANUP_STR struct str name = STR_INIT;
	char temporary[PLACE_TEMPORARY_SIZE] = "";
	struct stat st;
	struct err ignored;
	int rc = place_open(out, &place, &name, err);

	if (rc == 0 && fstatat(place, str_text(&name), &st, AT_SYMLINK_NOFOLLOW) == 0)
		rc = err_set(err, ERR_USAGE, "%s is there already and is left alone", out);
	if (rc == 0)
		rc = place_temporary(place, true, temporary, &slicing->into, err);
	if (rc == 0)
		rc = write_all(slicing, signers, err);
	if (rc == 0)
		rc = folder_sync(slicing->into, err);
	if (rc == 0)
		rc = place_rename(place, temporary, str_text(&name), err);
	if (rc < 0 && temporary[0] != '\0')
		(void)!tree_remove_at(place, temporary, &ignored);
	return rc;
}

static int begin(struct slicing *slicing, const char *path, struct arena *arena, struct err *err)
{
	CLEANUP_FD int dirfd = -1;
	CLEANUP_STR struct str name = STR_INIT;
	struct stat st;
	int rc = place_open(path, &dirfd, &name, err);

	if (rc == 0)
		rc = name_check(str_bytes(&name), err);
	if (rc < 0)
		return rc;
	slicing->from =
		openat(dirfd, str_text(&name), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (slicing->from < 0 || fstat(slicing->from, &st) != 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "%s", path);
	if (!S_ISREG(st.st_mode) || st.st_size == 0)
		return err_set(
			err, ERR_USAGE, "%s is no archive: what is cut is a kit in one file", path);
	slicing->list->size = st.st_size;
	slicing->list->archive = arena_string(arena, str_text(&name));
	return slicing->list->archive == NULL ? err_no_memory(err) : 0;
}

int slice_file(struct face *face, const char *path, int64_t part_size, const char *out,
	const struct signers *signers, struct arena *arena, struct part_list *ret_list,
	struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *whole = NULL;
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *part = NULL;
	CLEANUP_FREE uint8_t *piece = malloc(PIECE);
	struct part_list list = {0};
	struct slicing slicing = {
		.face = face, .from = -1, .into = -1, .piece = piece, .list = &list};
	int rc = piece == NULL ? err_no_memory(err) : sha256_stream_new(&whole, err);

	if (rc == 0)
		rc = sha256_stream_new(&part, err);
	slicing.whole = whole;
	slicing.part = part;
	if (rc == 0)
		rc = begin(&slicing, path, arena, err);
	if (rc == 0)
		rc = plan_parts(&list, part_size, arena, err);
	if (rc == 0)
		rc = slice_into(&slicing, out, signers, err);
	cleanup_close(&slicing.from);
	cleanup_close(&slicing.into);
	if (rc == 0)
		*ret_list = list;
	return rc;
}
