/*
 * damage: unpacks damaged copies of a kit, every one of a kind, and checks what is promised: a copy
 * is refused with a code that says so, and nothing is left outside quarantine; or, where only
 * octets changed that nobody signed, the tree is bit for bit that of the kit.
 *
 *	damage flip KIT STATE STEP   every STEP-th octet, in two ways each
 *	damage cut KIT STATE STEP    every STEP-th length
 *	damage unpack KIT STATE      the kit as it is; prints the folder's name
 *
 * STATE is made and emptied; a file system in memory makes this fast. Reports like a unit test.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/members.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "verify/verify.h"

enum { CODES_MAX = 256, KIT_SIZE_MAX = 16 * 1024 * 1024, FAILURES_SHOWN = 20 };

struct bench {
	struct trust_root *root;
	int state;
	int kit; /* memory file that is damaged */
	char kit_path[64];
	struct str good;      /* the kit's octets */
	struct str good_tree; /* what it unpacks to */
	unsigned refused[CODES_MAX];
	unsigned accepted;
	unsigned failures;
};

static void die(const char *what, const struct err *err)
{
	(void)printf("not ok %s: %s\n", what, err != NULL ? err->message : "");
	exit(EXIT_FAILURE);
}

/* Name, mode, size and content of everything in a folder. */
static void describe_tree(int dirfd, struct str *out)
{
	static const char *const first[] = {NULL};
	CLEANUP(members_cleanup) struct members *members = NULL;
	struct member member;
	struct bytes chunk;
	struct stat st;
	struct err err;
	bool end = false;

	if (members_open_folder(dirfd, first, &members, &err) < 0)
		die("walking a tree", &err);
	for (;;) {
		if (members_next(members, &member, &end, &err) < 0)
			die("walking a tree", &err);
		if (end)
			return;
		if (fstatat(dirfd, member.untrusted_name, &st, AT_SYMLINK_NOFOLLOW) != 0)
			die("stat", NULL);
		str_append_format(out, "%s %o %lld\n", member.untrusted_name, st.st_mode,
			(long long)member.size);
		while (member.type == MEMBER_FILE && members_read(members, &chunk, &err) == 0 &&
			chunk.size > 0)
			str_append(out, chunk.data, chunk.size);
	}
}

static bool is_empty(int state, const char *name)
{
	CLEANUP_DIR DIR *dir = NULL;
	const struct dirent *entry;
	int fd = openat(state, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return true;
	dir = fdopendir(fd);
	while (dir != NULL && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			return false;
	return true;
}

static int unpack(
	struct bench *bench, struct trusted_kit **ret_kit, struct str *quarantine, struct err *err)
{
	const struct verify_options options = {.state_dirfd = bench->state, .now = clock_now()};

	return verify_and_unpack(bench->kit_path, bench->root, &options, ret_kit, quarantine, err);
}

static void complain(struct bench *bench, const char *what, size_t at, const char *why)
{
	if (bench->failures++ < FAILURES_SHOWN)
		(void)printf("# %s %zu: %s\n", what, at, why);
}

/* Bit for bit the kit's own tree. */
static void check_accepted(
	struct bench *bench, const struct trusted_kit *kit, const char *what, size_t at)
{
	CLEANUP_STR struct str tree = STR_INIT;
	CLEANUP_STR struct str name = STR_INIT;
	CLEANUP_FD int folder = -1;
	struct err err;

	str_append_format(&name, "kits/%s", trusted_kit_id(kit));
	if (folder_open_at(bench->state, str_text(&name), &folder, &err) < 0)
		die("opening the unpacked kit", &err);
	describe_tree(folder, &tree);
	if (!bytes_equal(str_bytes(&tree), str_bytes(&bench->good_tree)))
		complain(bench, what, at, "accepted, and its tree is another");
	bench->accepted++;
}

static void check_refused(struct bench *bench, const struct err *err, const char *quarantine,
	const char *what, size_t at)
{
	CLEANUP_STR struct str name = STR_INIT;
	struct stat st;
	int code = err_exit_code(err->code);

	if (code < 2 || code > 5)
		complain(bench, what, at, err->message);
	if (!is_empty(bench->state, "kits"))
		complain(bench, what, at, "refused, and something is in kits");
	if (!is_empty(bench->state, "staging"))
		complain(bench, what, at, "refused, and something is in staging");
	if (*quarantine != '\0') {
		str_append_format(&name, "quarantine/%s/REASON.json", quarantine);
		if (fstatat(bench->state, str_text(&name), &st, AT_SYMLINK_NOFOLLOW) != 0)
			complain(bench, what, at, "there is no REASON.json");
	} else if (!is_empty(bench->state, "quarantine")) {
		complain(bench, what, at, "an unnamed folder is in quarantine");
	}
	bench->refused[code % CODES_MAX]++;
}

static void clear_state(struct bench *bench)
{
	static const char *const names[] = {"kits", "quarantine", "staging"};
	struct err err;

	for (size_t i = 0; i < 3; i++)
		if (tree_remove_at(bench->state, names[i], &err) < 0)
			die("clearing the state", &err);
}

static void attempt(struct bench *bench, const char *what, size_t at)
{
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	CLEANUP_STR struct str quarantine = STR_INIT;
	struct err err = {0};

	if (unpack(bench, &kit, &quarantine, &err) == 0)
		check_accepted(bench, kit, what, at);
	else
		check_refused(bench, &err, str_text(&quarantine), what, at);
	clear_state(bench);
}

static void put(struct bench *bench, size_t at, uint8_t octet)
{
	if (pwrite(bench->kit, &octet, 1, (off_t)at) != 1)
		die("writing the copy", NULL);
}

static void flip_all(struct bench *bench, size_t step)
{
	for (size_t at = 0; at < bench->good.size; at += step) {
		uint8_t octet = (uint8_t)bench->good.text[at];
		put(bench, at, octet ^ (uint8_t)(1U << at % 8));
		attempt(bench, "octet", at);
		put(bench, at, octet ^ 0xFF);
		attempt(bench, "octet", at);
		put(bench, at, octet);
	}
}

static void cut_all(struct bench *bench, size_t step)
{
	for (size_t left = bench->good.size; left > 0;) {
		left = left > step ? left - step : 0;
		if (ftruncate(bench->kit, (off_t)left) != 0)
			die("cutting the copy", NULL);
		attempt(bench, "length", left);
	}
}

/* The kit itself must be good; its tree is what every accepted copy must be. */
static void unpack_good(struct bench *bench, bool show)
{
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	CLEANUP_STR struct str quarantine = STR_INIT;
	CLEANUP_STR struct str name = STR_INIT;
	CLEANUP_FD int folder = -1;
	struct err err = {0};

	if (unpack(bench, &kit, &quarantine, &err) < 0) {
		(void)printf("# quarantine: %s\n", str_text(&quarantine));
		(void)printf("not ok unpack: %s: %s\n", err_name(err.code), err.message);
		exit(err_exit_code(err.code));
	}
	str_append_format(&name, "kits/%s", trusted_kit_id(kit));
	if (folder_open_at(bench->state, str_text(&name), &folder, &err) < 0)
		die("opening the unpacked kit", &err);
	describe_tree(folder, &bench->good_tree);
	if (show)
		(void)printf("ok %s\n", trusted_kit_id(kit));
}

static void begin(struct bench *bench, const char *kit, const char *state)
{
	struct err err;

	if (trust_root_embedded(&bench->root, &err) < 0)
		die("the trust root", &err);
	if (folder_make(state, &bench->state, &err) < 0)
		die("the state folder", &err);
	clear_state(bench);
	if (file_read_path(kit, KIT_SIZE_MAX, &bench->good, &err) < 0)
		die("the kit", &err);
	bench->kit = memfd_create("kit", MFD_CLOEXEC);
	if (bench->kit < 0 || fd_write_all(bench->kit, str_bytes(&bench->good), &err) < 0)
		die("the copy", NULL);
	(void)snprintf(bench->kit_path, sizeof bench->kit_path, "/proc/self/fd/%d", bench->kit);
}

static int report(const struct bench *bench, const char *what, const char *kit)
{
	const char *slash = strrchr(kit, '/');

	for (size_t code = 0; code < CODES_MAX; code++)
		if (bench->refused[code] > 0)
			(void)printf("# code %zu: %u\n", code, bench->refused[code]);
	(void)printf("# accepted, the same tree: %u\n", bench->accepted);
	(void)printf("%s %s %s\n", bench->failures == 0 ? "ok" : "not ok", what,
		slash != NULL ? slash + 1 : kit);
	return bench->failures == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void release(struct bench *bench)
{
	trust_root_free(bench->root);
	str_release(&bench->good);
	str_release(&bench->good_tree);
}

int main(int argc, char **argv)
{
	int status = EXIT_SUCCESS;
	struct bench bench = {0};
	bool once = argc == 4 && strcmp(argv[1], "unpack") == 0;
	bool flip = argc == 5 && strcmp(argv[1], "flip") == 0;
	bool cut = argc == 5 && strcmp(argv[1], "cut") == 0;

	if (!once && !flip && !cut) {
		(void)fputs("usage: damage flip|cut KIT STATE STEP | unpack KIT STATE\n", stderr);
		return EXIT_FAILURE;
	}
	begin(&bench, argv[2], argv[3]);
	unpack_good(&bench, once);
	if (!once) {
		size_t step = (size_t)strtoul(argv[4], NULL, 10);
		clear_state(&bench);
		if (flip)
			flip_all(&bench, step == 0 ? 1 : step);
		else
			cut_all(&bench, step == 0 ? 1 : step);
		status = report(&bench, argv[1], argv[2]);
	}
	release(&bench);
	return status;
}
