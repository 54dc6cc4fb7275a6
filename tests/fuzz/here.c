/*
 * Where the linker sends members_open_archive to for the targets that verify whole kits under
 * libFuzzer: the decoder that would run in a process of its own runs in this one.
 */
#include "archive/members.h"

int __wrap_members_open_archive(int fd, struct members **ret_members, struct err *err);

int __wrap_members_open_archive(int fd, struct members **ret_members, struct err *err)
{
	return members_open_archive_here(fd, ret_members, err);
}
