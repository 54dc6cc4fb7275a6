/*
 * A file that says it is an archive, as it is, and once more with the checksums of its headers put
 * right: every member of it is read, or it is refused. What was read whole is the same after the
 * writer of archives wrote it.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/members.h"
#include "archive/writer.h"
#include "base/cleanup.h"
#include "kit/name.h"
#include "tests/fuzz/aid.h"

enum { MEMBERS_MAX = 1000, OCTETS_MAX = 16 * 1024 * 1024, BLOCK = 512 };

/* Names and contents of the files, one after another. */
struct listing {
	struct str text;
	size_t files, octets;
	bool whole, can_be_written;
};

static void read_member(struct members *members, const struct member *member, struct str *content)
{
	struct bytes chunk;
	struct err err;
	int64_t done = 0;

	HOLDS(member->size >= 0 && *member->untrusted_name != '\0');
	HOLDS(member->type == MEMBER_FILE || member->size == 0);
	while (content->size < OCTETS_MAX && members_read(members, &chunk, &err) == 0) {
		if (chunk.size == 0) {
			HOLDS(done == member->size);
			return;
		}
		str_append(content, chunk.data, chunk.size);
		done += (int64_t)chunk.size;
		HOLDS(done <= member->size);
	}
}

static void list_member(struct members *members, const struct member *member,
	struct archive_writer *writer, struct listing *listing)
{
	CLEANUP_STR struct str name = STR_INIT, content = STR_INIT;
	struct err err;
	bool folder = member->type == MEMBER_FOLDER;

	str_append_text(&name, member->untrusted_name);
	if (folder || name_check(str_bytes(&name), &err) < 0)
		listing->can_be_written = false;
	read_member(members, member, &content);
	listing->octets += content.size;
	str_append_format(&listing->text, "%s %d %zu ", str_text(&name), folder, content.size);
	str_append(&listing->text, content.text, content.size);
	if (!listing->can_be_written || writer == NULL)
		return;
	HOLDS(archive_writer_file(writer, str_text(&name), (int64_t)content.size, &err) == 0);
	HOLDS(archive_writer_data(writer, str_bytes(&content), &err) == 0);
}

static void list(int fd, struct archive_writer *writer, unsigned skip, struct listing *listing)
{
	CLEANUP(members_cleanup) struct members *members = NULL;
	struct member member;
	struct err err = {0};
	bool end = false;

	listing->can_be_written = true;
	int rc = members_open_archive_here(fd, &members, &err);
	for (unsigned i = 0; i < MEMBERS_MAX && listing->octets < OCTETS_MAX && rc == 0; i++) {
		rc = members_next(members, &member, &end, &err);
		if (rc == 0 && end) {
			listing->whole = true;
			return;
		}
		if (rc == 0 && (skip == 0 || i % skip != 0))
			list_member(members, &member, writer, listing);
	}
	HOLDS(rc == 0 || err_exit_code(err.code) == 3);
}

static void try(struct bytes input)
{
	CLEANUP(archive_writer_cleanup) struct archive_writer *writer = NULL;
	CLEANUP_FD int fd = memory_file(input);
	CLEANUP_FD int copy = memory_file(bytes_make(NULL, 0));
	struct listing first = {.text = STR_INIT}, second = {.text = STR_INIT},
		       third = {.text = STR_INIT};
	struct err err;

	HOLDS(archive_writer_new(copy, ARCHIVE_FORM_PLAIN, 0, &writer, &err) == 0);
	list(fd, writer, 0, &first);
	list(fd, NULL, 3, &second);
	if (first.octets < OCTETS_MAX)
		HOLDS(first.whole == second.whole);
	/* Ended whatever it has: libarchive leaks of an archive that is given up. */
	HOLDS(archive_writer_finish(writer, &err) == 0);
	if (first.whole && first.can_be_written) {
		list(copy, NULL, 0, &third);
		HOLDS(third.whole && bytes_equal(str_bytes(&first.text), str_bytes(&third.text)));
	}
	str_release(&first.text);
	str_release(&second.text);
	str_release(&third.text);
}

/* Whatever block may be a header gets the checksum that it would have as one. */
static bool put_checksums_right(struct str *archive)
{
	enum { MAGIC = 257, CHECKSUM = 148, CHECKSUM_SIZE = 8 };
	bool any = false;

	for (size_t at = 0; at + BLOCK <= archive->size; at += BLOCK) {
		unsigned char *block = (unsigned char *)archive->text + at;
		unsigned sum = CHECKSUM_SIZE * ' ';
		if (memcmp(block + MAGIC, "ustar", 5) != 0)
			continue;
		for (size_t i = 0; i < BLOCK; i++)
			sum += i - CHECKSUM < CHECKSUM_SIZE ? 0 : block[i];
		for (int i = 5; i >= 0; i--, sum >>= 3)
			block[CHECKSUM + i] = (unsigned char)('0' + (sum & 7));
		block[CHECKSUM + 6] = '\0';
		block[CHECKSUM + 7] = ' ';
		any = true;
	}
	return any;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_STR struct str copy = STR_INIT;

	try(bytes_make(data, size));
	str_append(&copy, data, size);
	if (put_checksums_right(&copy))
		try(str_bytes(&copy));
	return 0;
}
