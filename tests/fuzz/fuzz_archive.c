/* A file that says it is an archive: every member of it is read, or it is refused. */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "archive/members.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "tests/fuzz/target.h"

enum { MEMBERS_MAX = 1000, OCTETS_MAX = 16 * 1024 * 1024 };

static void read_member(struct members *members, const struct member *member, size_t *octets)
{
	struct bytes chunk;
	struct err err;
	int64_t done = 0;

	HOLDS(member->size >= 0 && *member->untrusted_name != '\0');
	while (*octets < OCTETS_MAX && members_read(members, &chunk, &err) == 0) {
		if (chunk.size == 0) {
			HOLDS(done == member->size);
			return;
		}
		done += (int64_t)chunk.size;
		*octets += chunk.size;
		HOLDS(done <= member->size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP_FD int fd = memfd_create("archive", MFD_CLOEXEC);
	CLEANUP(members_cleanup) struct members *members = NULL;
	struct member member;
	struct err err;
	bool end = false;
	size_t octets = 0;

	if (fd_write_all(fd, bytes_make(data, size), &err) < 0 ||
		members_open_archive_here(fd, &members, &err) < 0)
		return 0;
	for (int i = 0; i < MEMBERS_MAX; i++) {
		if (members_next(members, &member, &end, &err) < 0 || end)
			return 0;
		if (i % 3 != 2) /* the third is skipped */
			read_member(members, &member, &octets);
	}
	return 0;
}
