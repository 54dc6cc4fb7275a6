/* Tar archives and folders as members: what is read back, and what is refused at its header. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include <lzma.h>
#include <zlib.h>
#include <zstd.h>

#include "archive/members.h"
#include "archive/writer.h"
#include "base/cleanup.h"

struct block {
	char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100],
		magic[8], user[32], group[32], major[8], minor[8], prefix[155], rest[12];
};

static void add_header(struct str *out, const char *name, char type, const char *link, size_t size)
{
	struct block block = {0};
	unsigned sum = 0;

	_Static_assert(sizeof block == 512, "a tar header is a block");
	memcpy(block.name, name, strlen(name));
	memcpy(block.link, link, strlen(link));
	memcpy(block.mode, "0000644", 8);
	memcpy(block.uid, "0000000", 8);
	memcpy(block.gid, "0000000", 8);
	(void)snprintf(block.size, sizeof block.size, "%011o", (unsigned)size);
	memcpy(block.mtime, "00000000000", 12);
	memcpy(block.magic, "ustar\00000", 8);
	block.type = type;
	memset(block.checksum, ' ', sizeof block.checksum);
	for (size_t i = 0; i < sizeof block; i++)
		sum += ((const unsigned char *)&block)[i];
	(void)snprintf(block.checksum, sizeof block.checksum, "%06o", sum % 262144);
	str_append(out, &block, sizeof block);
}

static void pad(struct str *out)
{
	static const char zeros[512];

	str_append(out, zeros, (512 - out->size % 512) % 512);
}

static void add(struct str *out, const char *name, char type, const char *content)
{
	add_header(out, name, type, "", strlen(content));
	str_append_text(out, content);
	pad(out);
}

static void add_pax(struct str *out, const char *record)
{
	add_header(out, "PaxHeader", 'x', "", strlen(record));
	str_append_text(out, record);
	pad(out);
}

static void add_end(struct str *out)
{
	static const char zeros[1024];

	str_append(out, zeros, sizeof zeros);
}

static int memory_file(struct bytes content)
{
	int fd = memfd_create("archive", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, content.data, content.size), (ssize_t)content.size);
	return fd;
}

/* Gives a few octets at a time, as a pipe may. */
static int trickle(void *self, uint8_t *into, size_t room, size_t *ret_size, struct err *err)
{
	enum { AT_ONCE = 1000 };
	struct bytes *rest = self;
	size_t size = rest->size < AT_ONCE ? rest->size : AT_ONCE;

	(void)err;
	if (size > room)
		size = room;
	memcpy(into, rest->data, size);
	*rest = bytes_make(rest->data + size, rest->size - size);
	*ret_size = size;
	return 0;
}

/* Reads everything; the list is "name=content;" of files and "name/;" of folders. */
static int read_members(struct members *members, struct str *list, struct err *err)
{
	struct member member;
	struct bytes chunk;
	bool end = false;
	int rc = 0;

	while (rc == 0) {
		rc = members_next(members, &member, &end, err);
		if (rc < 0 || end)
			break;
		str_append_text(list, member.untrusted_name);
		if (member.type == MEMBER_FOLDER) {
			str_append_text(list, "/;");
			continue;
		}
		str_append_char(list, '=');
		while ((rc = members_read(members, &chunk, err)) == 0 && chunk.size > 0)
			str_append(list, chunk.data, chunk.size);
		str_append_char(list, ';');
	}
	return rc;
}

static int read_all(struct bytes archive, struct str *list, struct err *err)
{
	CLEANUP_FD int fd = memory_file(archive);
	CLEANUP(members_cleanup) struct members *members = NULL;
	int rc = members_open_archive(fd, &members, err);

	return rc < 0 ? rc : read_members(members, list, err);
}

static int read_all_of_source(struct bytes archive, struct str *list, struct err *err)
{
	CLEANUP(members_cleanup) struct members *members = NULL;
	const struct octet_source source = {&archive, trickle};
	int rc = members_open_source(&source, &members, err);

	return rc < 0 ? rc : read_members(members, list, err);
}

static void expect(struct str *archive, const char *list, enum err_code code)
{
	CLEANUP_STR struct str found = STR_INIT;
	CLEANUP_STR struct str again = STR_INIT;
	struct err err = {0};

	int rc = read_all(str_bytes(archive), &found, &err);
	if (rc != -(int)code)
		fail_msg("wanted %s, got %s: %s", err_name(code), err_name(err.code), err.message);
	if (list != NULL)
		assert_string_equal(str_text(&found), list);
	assert_int_equal(read_all_of_source(str_bytes(archive), &again, &err), rc);
	assert_string_equal(str_text(&again), str_text(&found));
	str_release(archive);
}

static void reads_files_and_folders(void **state)
{
	struct str tar = STR_INIT;

	(void)state;
	add(&tar, "a", '0', "one");
	add(&tar, "d/", '5', "");
	add(&tar, "d/b", '0', "");
	add_end(&tar);
	expect(&tar, "a=one;d/;d/b=;", ERR_NONE);
}

static void refuses_what_is_no_file(void **state)
{
	static const char types[] = {'1', '2', '3', '4', '6'};

	(void)state;
	for (size_t i = 0; i < sizeof types; i++) {
		struct str tar = STR_INIT;
		add_header(&tar, "a", types[i], "b", 0);
		add_end(&tar);
		expect(&tar, "", ERR_UNSAFE_ARCHIVE);
	}
}

static void refuses_attributes(void **state)
{
	static const char *const records[] = {
		"34 SCHILY.xattr.user.test=abcdefg\n",
		"45 SCHILY.acl.access=user::rwx,group::r-x,o\n",
		"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n26 GNU.sparse.name=sparse\n"
		"28 GNU.sparse.realsize=4096\n",
	};

	(void)state;
	for (size_t i = 0; i < sizeof records / sizeof *records; i++) {
		CLEANUP_STR struct str found = STR_INIT;
		CLEANUP_STR struct str tar = STR_INIT;
		struct err err = {0};
		add_pax(&tar, records[i]);
		add(&tar, "a", '0', "1\n0\n3\nabc");
		add_end(&tar);
		if (read_all(str_bytes(&tar), &found, &err) == 0)
			fail_msg("accepted: %s", records[i]);
		assert_int_equal(err_exit_code(err.code), 3);
	}
}

static void takes_long_names_by_pax(void **state)
{
	struct str tar = STR_INIT;

	(void)state;
	add_pax(&tar, "15 path=d/long\n");
	add(&tar, "short", '0', "x");
	add_end(&tar);
	expect(&tar, "d/long=x;", ERR_NONE);
}

static void names_outside_ascii_stay_as_they_are(void **state)
{
	struct str tar = STR_INIT;

	(void)state;
	add_pax(&tar, "15 path=d/\303\274\303\251\n");
	add(&tar, "short", '0', "x");
	add(&tar, "\303\274", '0', "y");
	add_end(&tar);
	expect(&tar, "d/\303\274\303\251=x;\303\274=y;", ERR_NONE);
}

static void bounds_headers(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		CLEANUP_STR struct str record = STR_INIT;
		struct str tar = STR_INIT;
		/* All headers together: the pax header, its content, the member's own. */
		size_t content = MEMBER_HEADER_MAX - 1024 + (over ? 512 : 0);
		str_append_format(&record, "%zu comment=", content);
		while (record.size < content - 1)
			str_append_char(&record, 'x');
		str_append_char(&record, '\n');
		add_pax(&tar, str_text(&record));
		add(&tar, "a", '0', "x");
		add_end(&tar);
		expect(&tar, over ? "" : "a=x;", over ? ERR_LIMIT : ERR_NONE);
	}
}

static void wants_a_whole_end(void **state)
{
	struct str tar = STR_INIT;

	(void)state;
	add(&tar, "a", '0', "x");
	expect(&tar, "a=x;", ERR_TRUNCATED); /* no end */
	add(&tar, "a", '0', "x");
	add_end(&tar);
	str_truncate(&tar, tar.size - 512);
	expect(&tar, "a=x;", ERR_TRUNCATED); /* one block of it */
	add(&tar, "a", '0', "x");
	add_end(&tar);
	str_append_char(&tar, '\0');
	expect(&tar, "a=x;", ERR_NONE);
	add(&tar, "a", '0', "x");
	add_end(&tar);
	str_append_char(&tar, 'x');
	expect(&tar, "a=x;", ERR_UNSAFE_ARCHIVE);
	add(&tar, "a", '0', "x");
	add_end(&tar);
	add(&tar, "b", '0', "y");
	add_end(&tar);
	expect(&tar, "a=x;", ERR_UNSAFE_ARCHIVE); /* a member after the end */
	add(&tar, "a", '0', "xyz");
	str_truncate(&tar, 514);
	expect(&tar, NULL, ERR_TRUNCATED);
}

static void bounds_padding(void **state)
{
	(void)state;
	for (int over = 0; over < 2; over++) {
		struct str tar = STR_INIT;
		add(&tar, "a", '0', "x");
		size_t content = tar.size;
		while (tar.size < content + ARCHIVE_PADDING_MAX)
			add_end(&tar);
		if (over)
			str_append_char(&tar, '\0');
		expect(&tar, "a=x;", over ? ERR_LIMIT : ERR_NONE);
	}
}

static void refuses_a_damaged_header(void **state)
{
	struct str tar = STR_INIT;

	(void)state;
	add(&tar, "a", '0', "x");
	add(&tar, "b", '0', "y");
	add_end(&tar);
	tar.text[1024 + 104] ^= 1; /* a digit of the mode of b */
	expect(&tar, "a=x;", ERR_TRUNCATED);
	str_append_text(&tar, "this is some text, and no archive");
	expect(&tar, "", ERR_NOT_A_KIT);
}

/* ---- compressed streams */

static void make_tar(struct str *out)
{
	add(out, "a", '0', "one");
	add_end(out);
}

static void gzip(struct bytes data, struct str *out)
{
	uint8_t room[8192];
	z_stream z = {.next_in = (Bytef *)(uintptr_t)data.data,
		.avail_in = (uInt)data.size,
		.next_out = room,
		.avail_out = sizeof room};

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 31, 8, 0), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	str_append(out, room, sizeof room - z.avail_out);
	(void)deflateEnd(&z);
}

static void zstd(struct bytes data, int window_log, struct str *out)
{
	uint8_t room[8192];
	ZSTD_CCtx *context = ZSTD_createCCtx();
	ZSTD_inBuffer from = {data.data, data.size, 0};
	ZSTD_outBuffer to = {room, sizeof room, 0};

	(void)ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
	(void)ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, 1);
	/* Streamed without the size, so that the window stands in the header. */
	(void)ZSTD_compressStream2(context, &to, &from, ZSTD_e_flush);
	assert_int_equal(ZSTD_compressStream2(context, &to, &from, ZSTD_e_end), 0);
	str_append(out, room, to.pos);
	(void)ZSTD_freeCCtx(context);
}

static void xz(struct bytes data, uint32_t dictionary, struct str *out)
{
	uint8_t room[8192];
	size_t used = 0;
	lzma_options_lzma options;
	lzma_filter filters[] = {{LZMA_FILTER_LZMA2, &options}, {LZMA_VLI_UNKNOWN, NULL}};

	assert_false(lzma_lzma_preset(&options, 1));
	options.dict_size = dictionary;
	assert_int_equal(lzma_stream_buffer_encode(filters, LZMA_CHECK_CRC32, NULL, data.data,
				 data.size, room, &used, sizeof room),
		LZMA_OK);
	str_append(out, room, used);
}

static void reads_several_frames_as_one(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		CLEANUP_STR struct str tar = STR_INIT;
		struct str out = STR_INIT;
		make_tar(&tar);
		struct bytes halves[] = {
			bytes_make(tar.text, 700), bytes_make(tar.text + 700, tar.size - 700)};
		for (int i = 0; i < 2; i++) {
			if (kind == 0)
				gzip(halves[i], &out);
			else if (kind == 1)
				zstd(halves[i], 20, &out);
			else
				xz(halves[i], 1 << 20, &out);
		}
		expect(&out, "a=one;", ERR_NONE);
	}
}

static void refuses_what_follows_a_frame(void **state)
{
	(void)state;
	for (int kind = 0; kind < 3; kind++) {
		CLEANUP_STR struct str tar = STR_INIT;
		struct str out = STR_INIT;
		make_tar(&tar);
		if (kind == 0)
			gzip(str_bytes(&tar), &out);
		else if (kind == 1)
			zstd(str_bytes(&tar), 20, &out);
		else
			xz(str_bytes(&tar), 1 << 20, &out);
		str_append_text(&out, "x");
		expect(&out, NULL, ERR_TRUNCATED);
	}
}

static void bounds_windows(void **state)
{
	CLEANUP_STR struct str tar = STR_INIT;
	struct str out = STR_INIT;

	(void)state;
	make_tar(&tar);
	zstd(str_bytes(&tar), 23, &out);
	expect(&out, "a=one;", ERR_NONE);
	zstd(str_bytes(&tar), 24, &out);
	expect(&out, NULL, ERR_LIMIT);
	xz(str_bytes(&tar), 8 << 20, &out);
	expect(&out, "a=one;", ERR_NONE);
	xz(str_bytes(&tar), 12 << 20, &out);
	expect(&out, NULL, ERR_LIMIT);
}

/* ---- the writer */

static void write_archive(enum archive_form form, int level, struct str *out)
{
	CLEANUP(archive_writer_cleanup) struct archive_writer *writer = NULL;
	CLEANUP_FD int fd = memfd_create("out", MFD_CLOEXEC);
	char name[301];
	char room[4096];
	ssize_t got;
	struct err err = {0};

	memset(name, 'n', sizeof name);
	for (size_t i = 60; i < sizeof name; i += 60)
		name[i] = '/';
	name[sizeof name - 1] = '\0';
	assert_int_equal(archive_writer_new(fd, form, level, &writer, &err), 0);
	assert_int_equal(archive_writer_file(writer, "a", 3, &err), 0);
	assert_int_equal(archive_writer_data(writer, bytes_of_string("one"), &err), 0);
	assert_int_equal(archive_writer_file(writer, name, 1, &err), 0);
	assert_int_equal(archive_writer_data(writer, bytes_of_string("x"), &err), 0);
	assert_int_equal(archive_writer_file(writer, "d/\303\274", 0, &err), 0);
	assert_int_equal(archive_writer_finish(writer, &err), 0);
	for (off_t at = 0; (got = pread(fd, room, sizeof room, at)) > 0; at += got)
		str_append(out, room, (size_t)got);
}

static void writes_what_it_reads(void **state)
{
	(void)state;
	for (int i = ARCHIVE_FORM_PLAIN; i <= ARCHIVE_FORM_XZ; i++) {
		CLEANUP_STR struct str found = STR_INIT;
		CLEANUP_STR struct str again = STR_INIT;
		CLEANUP_STR struct str out = STR_INIT;
		struct err err = {0};
		write_archive((enum archive_form)i, 0, &out);
		write_archive((enum archive_form)i, 0, &again);
		assert_true(bytes_equal(str_bytes(&out), str_bytes(&again)));
		if (read_all(str_bytes(&out), &found, &err) != 0)
			fail_msg("%s", err.message);
		assert_non_null(strstr(str_text(&found), "a=one;nnnnn"));
		assert_non_null(strstr(str_text(&found), "=x;d/\303\274=;"));
		assert_int_equal(found.size, 6 + 303 + 6);
	}
}

static void strongest_levels_are_read(void **state)
{
	static const struct {
		enum archive_form form;
		int level;
	} strongest[] = {{ARCHIVE_FORM_ZSTD, WRITER_ZSTD_LEVEL_MAX},
		{ARCHIVE_FORM_XZ, WRITER_XZ_LEVEL_MAX}, {ARCHIVE_FORM_GZIP, WRITER_GZIP_LEVEL_MAX}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		CLEANUP_STR struct str out = STR_INIT;
		CLEANUP_STR struct str found = STR_INIT;
		struct archive_writer *writer;
		struct err err = {0};
		write_archive(strongest[i].form, strongest[i].level, &out);
		assert_int_equal(read_all(str_bytes(&out), &found, &err), 0);
		assert_int_equal(archive_writer_new(1, strongest[i].form, strongest[i].level + 1,
					 &writer, &err),
			-ERR_USAGE);
	}
}

/* ---- folders */

static void walks_a_folder(void **state)
{
	static const char *const first[] = {"z", NULL};
	char path[] = "/tmp/offkit-members-XXXXXX";
	CLEANUP_STR struct str list = STR_INIT;
	CLEANUP(members_cleanup) struct members *members = NULL;
	struct member member;
	struct bytes chunk;
	struct err err = {0};
	bool end = false;

	(void)state;
	assert_non_null(mkdtemp(path));
	CLEANUP_FD int dirfd = open(path, O_RDONLY | O_DIRECTORY);
	assert_int_equal(mkdirat(dirfd, "d", 0700), 0);
	for (int i = 0; i < 3; i++) {
		int fd = openat(
			dirfd, (const char *const[]){"a", "d/b", "z"}[i], O_WRONLY | O_CREAT, 0600);
		assert_int_equal(write(fd, "x", 1), 1);
		(void)close(fd);
	}
	assert_int_equal(members_open_folder(dirfd, first, &members, &err), 0);
	while (members_next(members, &member, &end, &err) == 0 && !end) {
		str_append_format(&list, "%s:%lld", member.untrusted_name, (long long)member.size);
		assert_int_equal(members_read(members, &chunk, &err), 0);
		str_append_format(&list, ":%zu;", chunk.size);
	}
	assert_true(end);
	assert_string_equal(str_text(&list), "z:1:1;a:1:1;d:0:0;d/b:1:1;");
	assert_int_equal(symlinkat("a", dirfd, "link"), 0);
	struct members *other;
	assert_int_equal(members_open_folder(dirfd, first, &other, &err), -ERR_UNSAFE_ARCHIVE);
	for (int i = 0; i < 4; i++)
		(void)unlinkat(dirfd, (const char *const[]){"a", "d/b", "z", "link"}[i], 0);
	(void)unlinkat(dirfd, "d", AT_REMOVEDIR);
	(void)rmdir(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_files_and_folders),
		cmocka_unit_test(refuses_what_is_no_file),
		cmocka_unit_test(refuses_attributes),
		cmocka_unit_test(takes_long_names_by_pax),
		cmocka_unit_test(names_outside_ascii_stay_as_they_are),
		cmocka_unit_test(bounds_headers),
		cmocka_unit_test(wants_a_whole_end),
		cmocka_unit_test(bounds_padding),
		cmocka_unit_test(refuses_a_damaged_header),
		cmocka_unit_test(reads_several_frames_as_one),
		cmocka_unit_test(refuses_what_follows_a_frame),
		cmocka_unit_test(bounds_windows),
		cmocka_unit_test(writes_what_it_reads),
		cmocka_unit_test(strongest_levels_are_read),
		cmocka_unit_test(walks_a_folder),
	};

	return cmocka_run_group_tests_name("archive: members", tests, NULL, NULL);
}
