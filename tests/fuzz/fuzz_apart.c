/*
 * The parent of a decoder that was taken over: the input is what that process does to the memory
 * that both share, and when it ends. Whatever it is, members have names, sizes and so much content;
 * or the archive is refused.
 *
 * Acts of the child: an octet that says which, and its argument.
 *	m	16-bit size; a member of that size: the next octet says the length of its name,
 *which follows; its top bit makes it a folder c	16-bit size; content, which follows r	a
 *record as it is, 24 octets, and an octet that says how many follow it p	publishes the slot
 *	s	slot, 32-bit: another size
 *	n	so many slots more are said to be published
 *	e	ends as if all were well (else END is sent first)
 */
#include <string.h>

#include "archive/members_private.h"
#include "base/cleanup.h"
#include "tests/fuzz/aid.h"

enum { MEMBERS_MAX = 200, ACTS_MAX = 200 };

static struct bytes script;

static struct bytes take(struct bytes *rest, size_t size)
{
	struct bytes taken = bytes_make(rest->data, size < rest->size ? size : rest->size);

	*rest = bytes_make(rest->data + taken.size, rest->size - taken.size);
	return taken;
}

static unsigned number(struct bytes *rest, size_t octets)
{
	struct bytes text = take(rest, octets);
	unsigned value = 0;

	for (size_t i = 0; i < octets; i++)
		value |= octet_of(text, i) << (8 * i);
	return value;
}

/* ---- the child */

static void put(struct apart_input *input, int channel, const struct apart_record *record,
	struct bytes rest)
{
	struct err err;
	uint8_t *room;
	size_t size;

	if (ring_room(&input->ring, channel, sizeof *record + rest.size, &room, &size, &err) < 0)
		return;
	memcpy(room, record, sizeof *record);
	if (rest.size > 0)
		memcpy(room + sizeof *record, rest.data, rest.size);
	ring_fill(&input->ring, sizeof *record + rest.size);
}

static void put_member(struct apart_input *input, int channel, struct bytes *rest)
{
	struct apart_record record = {.kind = RECORD_MEMBER, .member_size = number(rest, 2)};
	unsigned length = number(rest, 1);

	record.type = (length & 0x80) != 0 ? MEMBER_FOLDER : MEMBER_FILE;
	struct bytes name = take(rest, length & 0x7f);
	record.size = (uint32_t)name.size;
	put(input, channel, &record, name);
}

static void put_content(struct apart_input *input, int channel, struct bytes *rest)
{
	struct bytes content = take(rest, number(rest, 2));

	put(input, channel,
		&(struct apart_record){.kind = RECORD_CONTENT, .size = (uint32_t)content.size},
		content);
}

static void put_record(struct apart_input *input, int channel, struct bytes *rest)
{
	struct apart_record record = {0};
	struct bytes octets = take(rest, sizeof record);

	if (octets.size > 0)
		memcpy(&record, octets.data, octets.size);
	put(input, channel, &record, take(rest, number(rest, 1)));
}

static bool act(struct apart_input *input, int channel, struct bytes *rest)
{
	struct ring_shared *shared = input->ring.shared;

	switch (number(rest, 1)) {
	case 'm':
		put_member(input, channel, rest);
		return true;
	case 'c':
		put_content(input, channel, rest);
		return true;
	case 'r':
		put_record(input, channel, rest);
		return true;
	case 'p':
		ring_publish(&input->ring, channel);
		return true;
	case 's':
		shared->sizes[number(rest, 1) % RING_SLOTS] = number(rest, 4);
		return true;
	case 'n':
		shared->published += number(rest, 1);
		return true;
	case 'e':
		ring_publish(&input->ring, channel);
		return false;
	default:
		return true;
	}
}

static int work(int channel, void *argument, struct err *err)
{
	struct apart_input *input = argument;
	struct bytes rest = script;

	(void)err;
	put(input, channel, &(struct apart_record){.kind = RECORD_FORM}, bytes_make(NULL, 0));
	for (int i = 0; i < ACTS_MAX && rest.size > 0; i++)
		if (!act(input, channel, &rest))
			return 0;
	put(input, channel, &(struct apart_record){.kind = RECORD_END}, bytes_make(NULL, 0));
	ring_publish(&input->ring, channel);
	return 0;
}

/* ---- its parent */

static int read_member(struct members *members, const struct member *member, struct err *err)
{
	static uint8_t content[4096];
	int64_t done = 0;
	size_t got;

	HOLDS(*member->untrusted_name != '\0');
	HOLDS(strlen(member->untrusted_name) <= MEMBER_HEADER_MAX);
	HOLDS(member->type == MEMBER_FILE || member->type == MEMBER_FOLDER);
	HOLDS(member->size >= 0 && (member->type == MEMBER_FILE || member->size == 0));
	do {
		int rc = members_read_into(members, content, sizeof content, &got, err);
		if (rc < 0)
			return rc;
		done += (int64_t)got;
		HOLDS(got <= sizeof content && done <= member->size);
	} while (got == sizeof content);
	HOLDS(done == member->size);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(members_cleanup) struct members *members = NULL;
	CLEANUP_FD int fd = memory_file(bytes_make(NULL, 0));
	struct member member;
	struct err err = {0};
	bool end = false;

	script = bytes_make(data, size);
	int rc = members_open_apart(work, fd, &members, &err);
	for (int i = 0; i < MEMBERS_MAX && rc == 0 && !end; i++) {
		rc = members_next(members, &member, &end, &err);
		if (rc == 0 && !end && i % 3 != 2)
			rc = read_member(members, &member, &err);
	}
	HOLDS(rc == 0 || rc == -ERR_UNSAFE_ARCHIVE || rc == -ERR_NO_MEMORY);
	return 0;
}
