#include "pack/program_list.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "kit/elf.h"
#include "pack/created.h"

int program_open(const struct program_file *program, int *ret_fd, struct err *err)
{
	int fd = open(program->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (fd < 0)
		return err_set_errno(err, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNREADABLE, errno,
			"%s", program->path);
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
		(void)close(fd);
		return err_set(err, ERR_UNREADABLE, "%s is no file", program->path);
	}
	*ret_fd = fd;
	return 0;
}

static int read_beginning(int fd, struct str *out, struct err *err)
{
	uint8_t chunk[4096];

	while (out->size < ELF_BEGINNING_MAX) {
		ssize_t got = pread(fd, chunk, sizeof chunk, (off_t)out->size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_UNREADABLE, errno, "the program");
		if (got == 0)
			break;
		str_append(out, chunk, (size_t)got);
	}
	return str_check(out, err);
}

static int check_headers(const struct program_file *program, struct err *err)
{
	CLEANUP_STR struct str beginning = STR_INIT;
	CLEANUP_FD int fd = -1;
	struct elf elf;

	int rc = program_open(program, &fd, err);
	if (rc == 0)
		rc = read_beginning(fd, &beginning, err);
	if (rc < 0)
		return rc;
	rc = elf_parse(str_bytes(&beginning), &elf, err);
	if (rc < 0) {
		(void)err_context(err, "%s", program->path);
		return err_recode(err, ERR_USAGE);
	}
	if (strcmp(elf.architecture, program->architecture) != 0)
		return err_set(err, ERR_USAGE, "%s is a program for %s, and not for %s",
			program->path, elf.architecture, program->architecture);
	if (!elf.is_static)
		return err_set(err, ERR_USAGE,
			"%s is not static: it needs an interpreter, and the image has none",
			program->path);
	return 0;
}

static int read_item(
	const char *text, struct arena *arena, struct program_file *ret_program, struct err *err)
{
	static const char system[] = "linux/";
	const char *equals = strchr(text, '=');

	if (equals == NULL || equals[1] == '\0' || strncmp(text, system, sizeof system - 1) != 0)
		return err_set(err, ERR_USAGE,
			"--program %s is not PLATFORM=FILE, such as linux/amd64=build/offkit",
			text);
	const char *architecture = text + sizeof system - 1;
	*ret_program = (struct program_file){
		arena_string_n(arena, architecture, (size_t)(equals - architecture)),
		arena_string(arena, equals + 1)};
	if (ret_program->architecture == NULL || ret_program->path == NULL)
		return err_no_memory(err);
	return check_headers(ret_program, err);
}

static int compare(const void *left, const void *right)
{
	return strcmp(((const struct program_file *)left)->architecture,
		((const struct program_file *)right)->architecture);
}

int program_list_read(const struct option_list *given, struct arena *arena,
	struct program_list *ret_list, struct err *err)
{
	struct program_list list = {.count = given->count};

	if (given->count == 0)
		return err_set(err, ERR_USAGE, "--program PLATFORM=FILE is needed");
	if (given->count > PROGRAMS_MAX)
		return err_set(err, ERR_USAGE, "there are more than %d programs", PROGRAMS_MAX);
	for (size_t i = 0; i < given->count; i++) {
		int rc = read_item(given->items[i], arena, &list.items[i], err);
		if (rc < 0)
			return rc;
	}
	qsort(list.items, list.count, sizeof *list.items, compare);
	for (size_t i = 1; i < list.count; i++)
		if (compare(&list.items[i - 1], &list.items[i]) == 0)
			return err_set(err, ERR_USAGE, "there are two programs for linux/%s",
				list.items[i].architecture);
	*ret_list = list;
	return 0;
}

static int newest_program(const struct program_list *list, int64_t *ret_time, struct err *err)
{
	int64_t newest = 0;

	for (size_t i = 0; i < list->count; i++) {
		CLEANUP_FD int fd = -1;
		struct stat st;
		int rc = program_open(&list->items[i], &fd, err);
		if (rc < 0)
			return rc;
		if (fstat(fd, &st) == 0 && (int64_t)st.st_mtime * 1000 > newest)
			newest = (int64_t)st.st_mtime * 1000;
	}
	*ret_time = newest;
	return 0;
}

int programs_created(struct face *face, const char *option, const struct program_list *list,
	int64_t *ret_time, struct err *err)
{
	int64_t created;
	bool is_given;

	int rc = created_given(option, &created, &is_given, err);
	if (rc == 0 && !is_given) {
		face_note(face,
			"nothing says when this was made: the newest program's time is taken");
		rc = newest_program(list, &created, err);
	}
	if (rc == 0)
		*ret_time = created - created % 1000;
	return rc;
}
