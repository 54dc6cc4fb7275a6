/*
 * damage: unpacks damaged copies of a kit, every one of a kind, and checks what is promised: a copy
 * is refused with a code that fits what was damaged, and nothing is left outside quarantine; or no
 * name, octet, mode or word of the verdict differs from those of the signed kit.
 *
 *	damage flip KIT STATE STEP     every STEP-th bit of the packed file
 *	damage cut KIT STATE STEP      every STEP-th length of the packed file
 *	damage shorten KIT STATE STEP  every STEP-th length of each member, packed again around it
 *	damage folder KIT STATE STEP   every STEP-th bit and length of each file of an unpacked kit
 *	damage change KIT STATE COUNT  COUNT times, while a thread changes the file that is read
 *	damage unpack KIT STATE        the kit as it is; prints the folder's name
 *
 * DAMAGE_KEEP=FOLDER in the environment keeps the copies that were accepted.
 *
 * A bit of a member that is packed again is that bit of a plain archive: only lengths need a new
 * header. A STEP that 8 does not divide comes through all bits of an octet. STATE is made and
 * emptied; a file system in memory makes this fast. Reports like a unit test.
 */
#include <dirent.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/members.h"
#include "archive/writer.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "verify/verify.h"

enum { CODES_MAX = 256, KIT_SIZE_MAX = 64 * 1024 * 1024, FAILURES_SHOWN = 20, PARTS_MAX = 64 };
enum { TAR_BLOCK = 512 };

/* Exit codes as bits of a set. */
#define CODE(code)     (1U << (code))
#define CODES_OF_A_KIT (CODE(2) | CODE(3) | CODE(4) | CODE(5))

/* A member, or what lies around it in a plain archive, and what damage to it may be called. */
struct part {
	char name[128];
	size_t begin, end; /* in the packed file */
	unsigned codes;
	bool may_pass; /* octets that nobody reads */
};

/*
 * Of an envelope and of a signature the syntax is read before they are verified; of SHA256SUMS and
 * of the files nothing is.
 */
static const struct {
	const char *name;
	unsigned codes;
} families[] = {
	{"manifest.dsse", CODE(3) | CODE(5)}, {"SHA256SUMS", CODE(2) | CODE(3) | CODE(4) | CODE(5)},
	{"SHA256SUMS.sig", CODE(3) | CODE(4)}, {"", CODE(2)}, /* every other file */
};

struct bench {
	struct trust_root *root;
	int state;
	int kit; /* memory file that is damaged */
	char kit_path[256];
	struct str good;	 /* the kit's octets */
	struct str good_tree;	 /* what it unpacks to */
	struct str good_verdict; /* what is said of it */
	struct part parts[PARTS_MAX];
	size_t part_count;
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

static unsigned codes_of(const char *name)
{
	size_t i = 0;

	while (families[i].name[0] != '\0' && strcmp(families[i].name, name) != 0)
		i++;
	return families[i].codes;
}

/* What may be said of damage there, and whether nothing need be said. */
static unsigned codes_at(const struct bench *bench, size_t at, bool *ret_may_pass)
{
	*ret_may_pass = true;
	for (size_t i = 0; i < bench->part_count; i++) {
		const struct part *part = &bench->parts[i];
		if (at < part->begin || at >= part->end)
			continue;
		*ret_may_pass = part->may_pass;
		return part->codes;
	}
	return CODES_OF_A_KIT;
}

static void describe_verdict(const struct trusted_kit *kit, struct str *out)
{
	struct json_writer writer;

	json_write_begin(&writer, out);
	json_write_object(&writer);
	verify_result_write(kit, &writer);
	json_write_end(&writer);
}

/* For other programs to read. */
static void keep(const struct bench *bench)
{
	const char *folder = getenv("DAMAGE_KEEP");
	CLEANUP_STR struct str name = STR_INIT, content = STR_INIT;
	CLEANUP_FD int fd = -1;
	struct err err;

	if (folder == NULL)
		return;
	str_append_format(&name, "%s/%u", folder, bench->accepted);
	fd = open(str_text(&name), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	if (fd < 0 || file_read_path(bench->kit_path, KIT_SIZE_MAX, &content, &err) < 0 ||
		fd_write_all(fd, str_bytes(&content), &err) < 0)
		die("keeping a copy", NULL);
}

/* Bit for bit the kit's own tree, and the same words about it. */
static void check_accepted(
	struct bench *bench, const struct trusted_kit *kit, const char *what, size_t at)
{
	CLEANUP_STR struct str tree = STR_INIT;
	CLEANUP_STR struct str verdict = STR_INIT;
	CLEANUP_STR struct str name = STR_INIT;
	CLEANUP_FD int folder = -1;
	struct err err;

	str_append_format(&name, "kits/%s", trusted_kit_id(kit));
	if (folder_open_at(bench->state, str_text(&name), &folder, &err) < 0)
		die("opening the unpacked kit", &err);
	describe_tree(folder, &tree);
	if (!bytes_equal(str_bytes(&tree), str_bytes(&bench->good_tree)))
		complain(bench, what, at, "accepted, and its tree is another");
	keep(bench);
	describe_verdict(kit, &verdict);
	if (!bytes_equal(str_bytes(&verdict), str_bytes(&bench->good_verdict)))
		complain(bench, what, at, "accepted, and the verdict is another");
	bench->accepted++;
}

static void check_refused(struct bench *bench, const struct err *err, const char *quarantine,
	unsigned codes, const char *what, size_t at)
{
	CLEANUP_STR struct str name = STR_INIT;
	struct stat st;
	int code = err_exit_code(err->code);

	if (code >= 32 || (codes & CODE(code)) == 0)
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

static void attempt(struct bench *bench, unsigned codes, bool may_pass, const char *what, size_t at)
{
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	CLEANUP_STR struct str quarantine = STR_INIT;
	struct err err = {0};

	if (unpack(bench, &kit, &quarantine, &err) != 0)
		check_refused(bench, &err, str_text(&quarantine), codes, what, at);
	else if (may_pass)
		check_accepted(bench, kit, what, at);
	else
		complain(bench, what, at, "accepted");
	clear_state(bench);
}

static void put(int fd, size_t at, char octet)
{
	if (pwrite(fd, &octet, 1, (off_t)at) != 1)
		die("writing the copy", NULL);
}

static void cut_to(int fd, size_t size)
{
	if (ftruncate(fd, (off_t)size) != 0)
		die("cutting the copy", NULL);
}

static void put_all(int fd, struct bytes content)
{
	struct err err;

	cut_to(fd, 0);
	if (lseek(fd, 0, SEEK_SET) != 0 || fd_write_all(fd, content, &err) < 0)
		die("writing the copy", NULL);
}

static void flip_all(struct bench *bench, size_t step)
{
	bool may_pass;

	for (size_t bit = 0; bit < bench->good.size * 8; bit += step) {
		size_t at = bit / 8;
		unsigned codes = codes_at(bench, at, &may_pass);
		put(bench->kit, at, (char)(bench->good.text[at] ^ (1 << bit % 8)));
		attempt(bench, codes, may_pass, "bit", bit);
		put(bench->kit, at, bench->good.text[at]);
	}
}

static void cut_all(struct bench *bench, size_t step)
{
	for (size_t left = bench->good.size; left > 0;) {
		left = left > step ? left - step : 0;
		cut_to(bench->kit, left);
		attempt(bench, CODE(3), true, "length", left);
	}
}

/* ---- a medium that changes */

struct changer {
	struct bench *bench;
	atomic_bool stop;
	uint64_t random;
};

/* An octet, and back again a moment later: no two reads of the file need agree. */
static void *change_on(void *argument)
{
	struct changer *changer = argument;
	struct bench *bench = changer->bench;

	while (!atomic_load(&changer->stop)) {
		changer->random = changer->random * 6364136223846793005U + 1442695040888963407U;
		size_t at = (size_t)(changer->random >> 16) % bench->good.size;
		put(bench->kit, at, (char)(bench->good.text[at] ^ (1 << (changer->random >> 61))));
		(void)sched_yield();
		put(bench->kit, at, bench->good.text[at]);
	}
	return NULL;
}

static void change_while_read(struct bench *bench, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct changer changer = {.bench = bench, .random = i};
		pthread_t thread;
		atomic_init(&changer.stop, false);
		if (pthread_create(&thread, NULL, change_on, &changer) != 0)
			die("a thread", NULL);
		/* Two readings that differ are a file that could not be read. */
		attempt(bench, CODES_OF_A_KIT | CODE(1), true, "changing", i);
		atomic_store(&changer.stop, true);
		(void)pthread_join(thread, NULL);
	}
}

/* ---- members */

/* The kit's archive again, its part of that index no longer than size octets. */
static void pack_again(struct bench *bench, size_t shorter, size_t size)
{
	CLEANUP(archive_writer_cleanup) struct archive_writer *writer = NULL;
	struct err err;

	cut_to(bench->kit, 0);
	if (lseek(bench->kit, 0, SEEK_SET) != 0 ||
		archive_writer_new(bench->kit, ARCHIVE_FORM_PLAIN, 0, &writer, &err) < 0)
		die("packing again", &err);
	for (size_t i = 0; i < bench->part_count; i++) {
		const struct part *part = &bench->parts[i];
		size_t octets = i == shorter ? size : part->end - part->begin;
		struct bytes data = bytes_make(bench->good.text + part->begin, octets);
		if (part->name[0] == '\0')
			continue;
		if (archive_writer_file(writer, part->name, (int64_t)octets, &err) < 0 ||
			(octets > 0 && archive_writer_data(writer, data, &err) < 0))
			die("packing again", &err);
	}
	if (archive_writer_finish(writer, &err) < 0)
		die("packing again", &err);
}

/* An empty file, a signature without its line feed: what a shorter member may be besides. */
static void shorten_all(struct bench *bench, size_t step)
{
	pack_again(bench, SIZE_MAX, 0);
	attempt(bench, 0, true, "packed again", 0);
	for (size_t i = 0; i < bench->part_count; i++) {
		const struct part *part = &bench->parts[i];
		for (size_t size = 0; part->name[0] != '\0' && size < part->end - part->begin;
			size += step) {
			pack_again(bench, i, size);
			attempt(bench, part->codes, false, part->name, size);
		}
	}
}

static void damage_file(struct bench *bench, int folder, const char *name, size_t step)
{
	CLEANUP_STR struct str content = STR_INIT;
	CLEANUP_FD int fd = openat(folder, name, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
	unsigned codes = codes_of(name);
	struct err err;

	if (fd < 0 || file_read_at(folder, name, KIT_SIZE_MAX, &content, &err) < 0)
		die(name, NULL);
	for (size_t bit = 0; bit < content.size * 8; bit += step) {
		size_t at = bit / 8;
		put(fd, at, (char)(content.text[at] ^ (1 << bit % 8)));
		attempt(bench, codes, false, name, bit);
		put(fd, at, content.text[at]);
	}
	for (size_t size = 0; size < content.size; size += step) {
		cut_to(fd, size);
		attempt(bench, codes, false, name, size);
		put_all(fd, str_bytes(&content));
	}
}

static void damage_folder(struct bench *bench, const char *path, size_t step)
{
	static const char *const first[] = {NULL};
	CLEANUP(members_cleanup) struct members *members = NULL;
	CLEANUP_FD int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct member member;
	struct err err;
	bool end = false;

	if (folder < 0 || members_open_folder(folder, first, &members, &err) < 0)
		die(path, NULL);
	for (;;) {
		if (members_next(members, &member, &end, &err) < 0)
			die(path, &err);
		if (end)
			return;
		if (member.type == MEMBER_FILE)
			damage_file(bench, folder, member.untrusted_name, step);
	}
}

/* ---- the kit as it is */

static void add_part(struct bench *bench, const char *name, size_t begin, size_t end,
	unsigned codes, bool may_pass)
{
	if (bench->part_count == PARTS_MAX)
		die("too many members", NULL);
	struct part *part = &bench->parts[bench->part_count++];
	*part = (struct part){.begin = begin, .end = end, .codes = codes, .may_pass = may_pass};
	(void)snprintf(part->name, sizeof part->name, "%s", name);
}

/* The parts of a plain archive of our own making; of one that is compressed nothing is known. */
static void find_parts(struct bench *bench)
{
	const char *text = bench->good.text;
	size_t at = 0;

	if (archive_form_of(str_bytes(&bench->good)) != ARCHIVE_FORM_PLAIN)
		return;
	while (at + TAR_BLOCK <= bench->good.size && text[at] != '\0') {
		size_t size = (size_t)strtoul(text + at + 124, NULL, 8);
		size_t content = at + TAR_BLOCK,
		       padding = (TAR_BLOCK - size % TAR_BLOCK) % TAR_BLOCK;
		add_part(bench, "", at, content, CODES_OF_A_KIT, true);
		add_part(bench, text + at, content, content + size, codes_of(text + at), false);
		add_part(bench, "", content + size, content + size + padding, CODE(3), true);
		at = content + size + padding;
	}
	add_part(bench, "", at, bench->good.size, CODE(3), false);
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
	describe_verdict(kit, &bench->good_verdict);
	if (show)
		(void)printf("ok %s\n", trusted_kit_id(kit));
}

static void begin(struct bench *bench, const char *kit, const char *state)
{
	struct stat st;
	struct err err;

	if (trust_root_embedded(&bench->root, &err) < 0)
		die("the trust root", &err);
	if (folder_make(state, &bench->state, &err) < 0)
		die("the state folder", &err);
	clear_state(bench);
	bench->kit = -1;
	if (stat(kit, &st) == 0 && S_ISDIR(st.st_mode)) {
		(void)snprintf(bench->kit_path, sizeof bench->kit_path, "%s", kit);
		return;
	}
	if (file_read_path(kit, KIT_SIZE_MAX, &bench->good, &err) < 0)
		die("the kit", &err);
	bench->kit = memfd_create("kit", MFD_CLOEXEC);
	if (bench->kit < 0)
		die("the copy", NULL);
	put_all(bench->kit, str_bytes(&bench->good));
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
	str_release(&bench->good_verdict);
}

static int usage(void)
{
	(void)fputs(
		"usage: damage flip|cut|shorten|folder|change KIT STATE STEP | unpack KIT STATE\n",
		stderr);
	return EXIT_FAILURE;
}

static bool run_mode(struct bench *bench, const char *mode, const char *kit, size_t step)
{
	if (strcmp(mode, "flip") == 0)
		flip_all(bench, step);
	else if (strcmp(mode, "cut") == 0)
		cut_all(bench, step);
	else if (strcmp(mode, "shorten") == 0 && bench->part_count > 0)
		shorten_all(bench, step);
	else if (strcmp(mode, "change") == 0 && bench->kit >= 0)
		change_while_read(bench, step);
	else if (strcmp(mode, "folder") == 0 && bench->kit < 0)
		damage_folder(bench, kit, step);
	else
		return false;
	return true;
}

int main(int argc, char **argv)
{
	struct bench bench = {0};
	bool once = argc == 4 && strcmp(argv[1], "unpack") == 0;
	int status = EXIT_SUCCESS;

	if (!once && argc != 5)
		return usage();
	begin(&bench, argv[2], argv[3]);
	unpack_good(&bench, once);
	if (!once) {
		size_t step = (size_t)strtoul(argv[4], NULL, 10);
		clear_state(&bench);
		find_parts(&bench);
		status = run_mode(&bench, argv[1], argv[2], step == 0 ? 1 : step)
				 ? report(&bench, argv[1], argv[2])
				 : usage();
	}
	release(&bench);
	return status;
}
