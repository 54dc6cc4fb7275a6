/*
 * What the parent believes of the process that decodes an archive: nothing. Each hostile child here
 * stands for a decoder that was taken over by its input.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include "archive/members_private.h"
#include "base/cleanup.h"

/* ---- what the children send */

static int put(struct apart_input *input, int channel, uint32_t kind, uint32_t type, uint32_t size,
	int64_t member_size, const char *rest)
{
	const struct apart_record record = {
		.kind = kind, .type = type, .size = size, .member_size = member_size};
	struct err err;
	uint8_t *room;
	size_t room_size;

	if (ring_room(&input->ring, channel, sizeof record + strlen(rest), &room, &room_size,
		    &err) < 0)
		return -1;
	memcpy(room, &record, sizeof record);
	memcpy(room + sizeof record, rest, strlen(rest));
	ring_fill(&input->ring, sizeof record + strlen(rest));
	return 0;
}

static int end(struct apart_input *input, int channel)
{
	ring_publish(&input->ring, channel);
	return 0;
}

static int form(struct apart_input *input, int channel)
{
	return put(input, channel, RECORD_FORM, ARCHIVE_FORM_PLAIN, 0, 0, "");
}

/* A file "a" that should have five octets. */
static int begin_file(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	return put(input, channel, RECORD_MEMBER, MEMBER_FILE, 1, 5, "a");
}

/* After its acts it goes on as if all were well: who believed it would see an archive. */
#define CHILD(name_)                                                                               \
	static int name_(int channel, void *argument, struct err *err)                             \
	{                                                                                          \
		struct apart_input *input = argument;                                              \
		(void)err;                                                                         \
		name_##_acts(input, channel);                                                      \
		(void)put(input, channel, RECORD_END, 0, 0, 0, "");                                \
		return end(input, channel);                                                        \
	}

static void honest_acts(struct apart_input *input, int channel)
{
	(void)begin_file(input, channel);
	(void)put(input, channel, RECORD_CONTENT, 0, 2, 0, "he");
	(void)put(input, channel, RECORD_CONTENT, 0, 3, 0, "llo");
	(void)put(input, channel, RECORD_MEMBER, MEMBER_FOLDER, 1, 0, "d");
}
CHILD(honest)

static void unknown_form_acts(struct apart_input *input, int channel)
{
	(void)put(input, channel, RECORD_FORM, ARCHIVE_FORM_COUNT, 0, 0, "");
}
CHILD(unknown_form)

static void no_form_acts(struct apart_input *input, int channel)
{
	(void)put(input, channel, RECORD_MEMBER, MEMBER_FILE, 1, 0, "a");
}
CHILD(no_form)

static void unknown_kind_acts(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	(void)put(input, channel, 77, 0, 0, 0, "");
}
CHILD(unknown_kind)

static void kind_zero_acts(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	(void)put(input, channel, 0, 0, 0, 0, "");
}
CHILD(kind_zero)

static void unknown_type_acts(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	(void)put(input, channel, RECORD_MEMBER, 2, 1, 0, "a");
}
CHILD(unknown_type)

static void negative_size_acts(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	(void)put(input, channel, RECORD_MEMBER, MEMBER_FILE, 1, -1, "a");
}
CHILD(negative_size)

static void folder_with_content_acts(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	(void)put(input, channel, RECORD_MEMBER, MEMBER_FOLDER, 1, 1, "a");
}
CHILD(folder_with_content)

static void no_name_acts(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	(void)put(input, channel, RECORD_MEMBER, MEMBER_FILE, 0, 0, "");
}
CHILD(no_name)

static void endless_name_acts(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	(void)put(input, channel, RECORD_MEMBER, MEMBER_FILE, UINT32_MAX, 0, "a");
}
CHILD(endless_name)

/* Within its slot, but longer than any header. */
static void long_name_acts(struct apart_input *input, int channel)
{
	char *name = malloc(MEMBER_HEADER_MAX + 2);

	memset(name, 'x', MEMBER_HEADER_MAX + 1);
	name[MEMBER_HEADER_MAX + 1] = '\0';
	(void)form(input, channel);
	(void)put(input, channel, RECORD_MEMBER, MEMBER_FILE, MEMBER_HEADER_MAX + 1, 0, name);
	free(name);
}
CHILD(long_name)

static void name_with_nul_acts(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	(void)put(input, channel, RECORD_MEMBER, MEMBER_FILE, 3, 0, "ab"); /* the third is 0 */
	ring_fill(&input->ring, 1);
}
CHILD(name_with_nul)

static void member_within_content_acts(struct apart_input *input, int channel)
{
	(void)begin_file(input, channel);
	(void)put(input, channel, RECORD_CONTENT, 0, 2, 0, "he");
	(void)put(input, channel, RECORD_MEMBER, MEMBER_FILE, 1, 0, "b");
}
CHILD(member_within_content)

static void end_within_content_acts(struct apart_input *input, int channel)
{
	(void)begin_file(input, channel);
}
CHILD(end_within_content)

static void too_much_content_acts(struct apart_input *input, int channel)
{
	(void)begin_file(input, channel);
	(void)put(input, channel, RECORD_CONTENT, 0, 6, 0, "hello!");
}
CHILD(too_much_content)

static void content_beyond_the_slot_acts(struct apart_input *input, int channel)
{
	(void)begin_file(input, channel);
	(void)put(input, channel, RECORD_CONTENT, 0, RING_SLOT_SIZE, 0, "hello");
}
CHILD(content_beyond_the_slot)

static void content_of_nothing_acts(struct apart_input *input, int channel)
{
	(void)begin_file(input, channel);
	(void)put(input, channel, RECORD_CONTENT, 0, 0, 0, "");
}
CHILD(content_of_nothing)

static void content_of_a_folder_acts(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	(void)put(input, channel, RECORD_MEMBER, MEMBER_FOLDER, 1, 0, "d");
	(void)put(input, channel, RECORD_CONTENT, 0, 1, 0, "x");
}
CHILD(content_of_a_folder)

static void cut_off_record_acts(struct apart_input *input, int channel)
{
	struct err err;
	uint8_t *room;
	size_t size;

	(void)form(input, channel);
	(void)!ring_room(&input->ring, channel, 3, &room, &size, &err);
	ring_fill(&input->ring, 3);
	ring_publish(&input->ring, channel);
}
CHILD(cut_off_record)

static void overfull_slot_acts(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	ring_fill(&input->ring, RING_SLOT_SIZE);
	(void)channel;
}
CHILD(overfull_slot)

static void miscount_acts(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	ring_publish(&input->ring, channel);
	input->ring.count += RING_SLOTS;
	input->ring.held = true;
}
CHILD(miscount)

/* The parent's own numbers are overwritten: it must not count by them. */
static void overwritten_counters_acts(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	ring_publish(&input->ring, channel);
	atomic_store(&input->ring.shared->taken, UINT64_MAX / 2);
	input->ring.held = true;
	input->ring.count -= UINT64_MAX / 2; /* far from wherever the parent is by now */
}
CHILD(overwritten_counters)

static void empty_slots_acts(struct apart_input *input, int channel)
{
	for (int i = 0; i < 3 * RING_SLOTS; i++) {
		struct err err;
		uint8_t *room;
		size_t size;
		(void)!ring_room(&input->ring, channel, 1, &room, &size, &err);
		ring_publish(&input->ring, channel);
	}
}
CHILD(empty_slots)

static void wakes_for_nothing_acts(struct apart_input *input, int channel)
{
	(void)form(input, channel);
	for (int i = 0; i < 1000; i++)
		(void)!send(channel, "xyz", 3, MSG_NOSIGNAL | MSG_DONTWAIT);
}
CHILD(wakes_for_nothing)

static void silence_acts(struct apart_input *input, int channel)
{
	(void)input;
	(void)shutdown(channel, SHUT_RDWR); /* not on the list: it is killed for that */
}
CHILD(silence)

/* A sanitizer catches it itself, and ends the process in its own way. */
#ifndef __SANITIZE_ADDRESS__
static void crash_acts(struct apart_input *input, int channel)
{
	volatile uintptr_t nowhere = 16;

	(void)begin_file(input, channel);
	ring_publish(&input->ring, channel);
	*(volatile char *)nowhere = 1;
}
CHILD(crash)
#endif

static void quiet_exit_acts(struct apart_input *input, int channel)
{
	(void)begin_file(input, channel);
	ring_publish(&input->ring, channel);
	_exit(1);
}
CHILD(quiet_exit)

/* Escape sequences in the one text that is the child's own. */
static int colourful(int channel, void *argument, struct err *err)
{
	(void)form(argument, channel);
	(void)end(argument, channel);
	return err_set(err, ERR_TRUNCATED, "\033[32mall is well\302\233\n%s", "\377");
}

/* ---- the parent */

/* Reads all of it, and the first failure's code; list is as in test_archive_members. */
static int read_all(apart_work work, struct str *list, struct err *err)
{
	CLEANUP_FD int fd = memfd_create("archive", MFD_CLOEXEC);
	CLEANUP(members_cleanup) struct members *members = NULL;
	struct member member;
	bool at_end = false;
	uint8_t content[3];
	size_t got;

	int rc = members_open_apart(work, fd, &members, err);
	while (rc == 0) {
		rc = members_next(members, &member, &at_end, err);
		if (rc < 0 || at_end)
			break;
		str_append_text(list, member.untrusted_name);
		str_append_char(list, member.type == MEMBER_FOLDER ? '/' : '=');
		while ((rc = members_read_into(members, content, sizeof content, &got, err)) == 0 &&
			got > 0)
			str_append(list, content, got);
		str_append_char(list, ';');
	}
	return rc;
}

static void an_honest_child_is_read(void **state)
{
	CLEANUP_STR struct str list = STR_INIT;
	struct err err = {0};

	(void)state;
	if (read_all(honest, &list, &err) != 0)
		fail_msg("%s", err.message);
	assert_string_equal(str_text(&list), "a=hello;d/;");
}

static void a_channel_full_of_noise_is_harmless(void **state)
{
	CLEANUP_STR struct str list = STR_INIT;
	struct err err = {0};

	(void)state;
	if (read_all(wakes_for_nothing, &list, &err) != 0)
		fail_msg("%s", err.message);
	assert_string_equal(str_text(&list), "");
}

static void what_was_not_read_is_skipped(void **state)
{
	CLEANUP_FD int fd = memfd_create("archive", MFD_CLOEXEC);
	CLEANUP(members_cleanup) struct members *members = NULL;
	struct member member;
	struct err err = {0};
	bool at_end;
	uint8_t first;
	size_t got;

	(void)state;
	assert_int_equal(members_open_apart(honest, fd, &members, &err), 0);
	assert_int_equal(members_next(members, &member, &at_end, &err), 0);
	assert_int_equal(members_read_into(members, &first, 1, &got, &err), 0);
	assert_int_equal(first, 'h');
	assert_int_equal(members_next(members, &member, &at_end, &err), 0);
	assert_string_equal(member.untrusted_name, "d");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(members_next(members, &member, &at_end, &err), 0);
		assert_true(at_end);
	}
}

static void a_hostile_child_is_refused(void **state)
{
	static const struct {
		const char *name;
		apart_work work;
		const char *complaint;
	} children[] = {
		{"unknown form", unknown_form, "what it reads"},
		{"no form", no_form, "what it reads"},
		{"unknown kind", unknown_kind, "else than"},
		{"kind zero", kind_zero, "else than"},
		{"unknown type", unknown_type, "unknown type"},
		{"negative size", negative_size, "impossible size"},
		{"folder with content", folder_with_content, "impossible size"},
		{"no name", no_name, "wrong length"},
		{"endless name", endless_name, "longer than"},
		{"long name", long_name, "wrong length"},
		{"name with NUL", name_with_nul, "NUL"},
		{"member within content", member_within_content, "all of a file"},
		{"end within content", end_within_content, "all of a file"},
		{"too much content", too_much_content, "more of a file"},
		{"content beyond the slot", content_beyond_the_slot, "longer than"},
		{"content of nothing", content_of_nothing, "all of a file"},
		{"content of a folder", content_of_a_folder, "else than"},
		{"cut-off record", cut_off_record, "cut off"},
		{"overfull slot", overfull_slot, "overfills"},
		{"miscount", miscount, "miscounts"},
		{"overwritten counters", overwritten_counters, "miscounts"},
		{"empty slots", empty_slots, "what it reads"},
		{"silence", silence, "may not do"},
#ifndef __SANITIZE_ADDRESS__
		{"crash", crash, "signal 11"},
#endif
	};

	(void)state;
	for (size_t i = 0; i < sizeof children / sizeof children[0]; i++) {
		CLEANUP_STR struct str list = STR_INIT;
		struct err err = {0};
		if (read_all(children[i].work, &list, &err) != -ERR_UNSAFE_ARCHIVE ||
			strstr(err.message, children[i].complaint) == NULL)
			fail_msg("%s: %s: %s", children[i].name, err_name(err.code), err.message);
	}
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

/* libarchive does so when memory runs out within it. */
static void a_child_that_gives_up_is_out_of_memory(void **state)
{
	CLEANUP_STR struct str list = STR_INIT;
	struct err err = {0};

	(void)state;
	assert_int_equal(read_all(quiet_exit, &list, &err), -ERR_NO_MEMORY);
}

static void its_words_are_guarded(void **state)
{
	CLEANUP_STR struct str list = STR_INIT;
	struct err err = {0};

	(void)state;
	assert_int_equal(read_all(colourful, &list, &err), -ERR_TRUNCATED);
	assert_ptr_equal(strstr(err.message, "what reads the archive says: "), err.message);
	for (const char *at = err.message; *at != '\0'; at++)
		assert_in_range((unsigned char)*at, ' ', '~');
}

/* However often it wakes the parent. */
static void waiting_for_a_slot_has_an_end(void **state)
{
	struct err err = {0};
	struct bytes slot;
	struct ring ring;
	int ends[2];
	bool at_end;

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
	assert_int_equal(ring_open(&ring, &err), 0);
	assert_int_equal(ring.patience, APART_SILENCE_MAX);
	ring.patience = 3;
	for (int i = 0; i < 5; i++)
		assert_int_equal(send(ends[1], "", 1, 0), 1);
	assert_int_equal(ring_take(&ring, ends[0], &slot, &at_end, &err), -ERR_UNREADABLE);
	ring_close(&ring);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

/* ---- the octets that are checked are those that were read, whatever the child does meanwhile */

enum { BUSY_SIZE = 4 * 1024 * 1024 };

/* Writes the slots over and over while the parent reads them. */
static int busy(int channel, void *argument, struct err *err)
{
	struct apart_input *input = argument;

	(void)form(input, channel);
	(void)put(input, channel, RECORD_MEMBER, MEMBER_FILE, 1, BUSY_SIZE, "a");
	for (size_t sent = 0; sent < BUSY_SIZE;) {
		struct apart_record record = {.kind = RECORD_CONTENT};
		uint8_t *room;
		size_t size;
		if (ring_room(&input->ring, channel, 4096, &room, &size, err) < 0)
			return 0;
		record.size = (uint32_t)(size - sizeof record);
		if (record.size > BUSY_SIZE - sent)
			record.size = (uint32_t)(BUSY_SIZE - sent);
		memcpy(room, &record, sizeof record);
		ring_fill(&input->ring, sizeof record + record.size);
		ring_publish(&input->ring, channel);
		sent += record.size;
		for (int i = 0; i < 4; i++) {
			/* The record too: its size must have been read once. */
			((struct apart_record *)(void *)room)->size = 0x7FFFFFFF;
			memset(room + sizeof record, 'A' + i, record.size);
			memcpy(room, &record, sizeof record);
		}
	}
	(void)put(input, channel, RECORD_END, 0, 0, 0, "");
	return end(input, channel);
}

static void what_was_read_stays(void **state)
{
	CLEANUP_FD int fd = memfd_create("archive", MFD_CLOEXEC);
	CLEANUP(members_cleanup) struct members *members = NULL;
	static uint8_t content[64 * 1024], again[64 * 1024];
	struct member member;
	struct err err = {0};
	bool at_end;
	size_t got = 1;

	(void)state;
	assert_int_equal(members_open_apart(busy, fd, &members, &err), 0);
	assert_int_equal(members_next(members, &member, &at_end, &err), 0);
	/* Refused for a size that was seen changed, or read; never hurt, never changed after. */
	while (got > 0) {
		if (members_read_into(members, content, sizeof content, &got, &err) < 0) {
			assert_int_equal(err.code, ERR_UNSAFE_ARCHIVE);
			break;
		}
		memcpy(again, content, got);
		(void)sched_yield();
		assert_memory_equal(again, content, got);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_honest_child_is_read),
		cmocka_unit_test(a_channel_full_of_noise_is_harmless),
		cmocka_unit_test(what_was_not_read_is_skipped),
		cmocka_unit_test(a_hostile_child_is_refused),
		cmocka_unit_test(a_child_that_gives_up_is_out_of_memory),
		cmocka_unit_test(its_words_are_guarded),
		cmocka_unit_test(waiting_for_a_slot_has_an_end),
		cmocka_unit_test(what_was_read_stays),
	};

	return cmocka_run_group_tests_name("archive: apart", tests, NULL, NULL);
}
