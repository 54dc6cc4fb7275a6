#include <stdlib.h>
#include <string.h>

#include "archive/members_private.h"
#include "archive/parts.h"
#include "archive/ring.h"
#include "base/cleanup.h"

enum { CONTENT_LEAST = 16 * 1024 /* octets of content for which a slot is worth to be begun on */ };

/* ---- the child: decodes, and tells what it finds in records */

static int put(struct ring *ring, int channel, const struct apart_record *record, const void *rest,
	struct err *err)
{
	size_t rest_size = record->kind == RECORD_MEMBER ? record->size : 0;
	uint8_t *room;
	size_t size;

	int rc = ring_room(ring, channel, sizeof *record + rest_size, &room, &size, err);
	if (rc < 0)
		return rc;
	memcpy(room, record, sizeof *record);
	if (rest_size > 0)
		memcpy(room + sizeof *record, rest, rest_size);
	ring_fill(ring, sizeof *record + rest_size);
	return 0;
}

/* Decoded octets go to their place in the ring at once. */
static int put_content(
	struct ring *ring, int channel, struct members *members, int64_t *left, struct err *err)
{
	struct apart_record record = {.kind = RECORD_CONTENT};
	const size_t least = *left < CONTENT_LEAST ? (size_t)*left : CONTENT_LEAST;
	uint8_t *room;
	size_t size;
	size_t got = 0;

	int rc = ring_room(ring, channel, sizeof record + least, &room, &size, err);
	if (rc < 0)
		return rc;
	size -= sizeof record;
	rc = members_read_into(members, room + sizeof record,
		*left < (int64_t)size ? (size_t)*left : size, &got, err);
	if (rc < 0)
		return rc;
	if (got == 0)
		return err_set(err, ERR_INTERNAL, "a member ends before its size");
	record.size = (uint32_t)got;
	memcpy(room, &record, sizeof record);
	ring_fill(ring, sizeof record + got);
	*left -= (int64_t)got;
	return 0;
}

static int put_member(struct ring *ring, int channel, struct members *members,
	const struct member *member, struct err *err)
{
	size_t name_size = strlen(member->untrusted_name);
	const struct apart_record record = {.kind = RECORD_MEMBER,
		.type = member->type,
		.size = (uint32_t)name_size,
		.member_size = member->size};
	int64_t left = member->size;

	if (name_size > MEMBER_HEADER_MAX)
		return err_set(err, ERR_LIMIT, "a member's name has %zu octets", name_size);
	int rc = put(ring, channel, &record, member->untrusted_name, err);
	while (rc == 0 && left > 0)
		rc = put_content(ring, channel, members, &left, err);
	return rc;
}

static int put_all(struct ring *ring, int channel, struct members *members, struct err *err)
{
	struct member member;
	bool end = false;
	int rc = 0;

	while (rc == 0) {
		rc = members_next(members, &member, &end, err);
		if (rc < 0 || end)
			break;
		rc = put_member(ring, channel, members, &member, err);
	}
	if (rc == 0)
		rc = put(ring, channel, &(struct apart_record){.kind = RECORD_END}, NULL, err);
	return rc;
}

static int put_form(struct ring *ring, int channel, const char *name, struct err *err)
{
	struct apart_record record = {.kind = RECORD_FORM};

	while (record.type < ARCHIVE_FORM_COUNT &&
		strcmp(archive_form_name((enum archive_form)record.type), name) != 0)
		record.type++;
	return put(ring, channel, &record, NULL, err);
}

/* What was found before a failure is told first, so that the first in the stream counts. */
static int decode_members(
	int channel, struct apart_input *input, struct members *members, struct err *err)
{
	int rc = put_form(&input->ring, channel, members_form(members), err);
	if (rc == 0)
		rc = put_all(&input->ring, channel, members, err);
	ring_publish(&input->ring, channel);
	return rc;
}

static int decode(int channel, void *argument, struct err *err)
{
	CLEANUP(members_cleanup) struct members *members = NULL;
	struct apart_input *input = argument;
	int rc = members_open_archive_here(input->fd, &members, err);

	return rc < 0 ? rc : decode_members(channel, input, members, err);
}

static int decode_parts(int channel, void *argument, struct err *err)
{
	CLEANUP(members_cleanup) struct members *members = NULL;
	struct apart_input *input = argument;
	struct part_octets parts = {.fds = input->fds, .count = input->count};
	const struct octet_source octets = {&parts, part_octets_read};
	int rc = members_open_source(&octets, &members, err);

	return rc < 0 ? rc : decode_members(channel, input, members, err);
}

/* ---- the parent: believes nothing of it */

struct reader {
	struct apart_input input;
	struct apart *apart;
	struct bytes untrusted_slot; /* what is left of the slot; in shared memory */
	bool has_slot;
	bool ended;
	struct apart_record
		pending; /* read from the slot and checked, but not used; kind 0: none */
	struct str name;
	int64_t content_left; /* of the current member, that the child has yet to send */
	uint32_t chunk_left;  /* of the current record of content, octets */
	enum archive_form form;
};

static int broken(struct err *err, const char *how)
{
	return err_set(err, ERR_UNSAFE_ARCHIVE, "what decodes the archive %s", how);
}

/* Copies out of shared memory; the compiler must not read there again afterwards. */
static void copy_once(void *to, const uint8_t *untrusted_from, size_t size)
{
	memcpy(to, untrusted_from, size);
	atomic_signal_fence(memory_order_seq_cst);
}

/* The child has ended where it should not: it says why, or the kernel does. */
static int ended_early(struct reader *reader, struct err *err)
{
	int rc = apart_finish(STEAL(reader->apart), err);

	reader->ended = true;
	return rc < 0 ? rc : broken(err, "ended too early");
}

/* Has the slot with the next record. */
static int need_slot(struct reader *reader, struct err *err)
{
	bool end = false;
	int rc = 0;

	if (reader->ended)
		return broken(err, "has ended");
	while (rc == 0 && reader->untrusted_slot.size == 0) {
		ring_give_back(&reader->input.ring, apart_channel(reader->apart));
		rc = ring_take(&reader->input.ring, apart_channel(reader->apart),
			&reader->untrusted_slot, &end, err);
		if (rc == 0 && end)
			return ended_early(reader, err);
	}
	return rc;
}

static void advance(struct reader *reader, size_t size)
{
	reader->untrusted_slot =
		bytes_make(reader->untrusted_slot.data + size, reader->untrusted_slot.size - size);
}

/* The next record into pending, unless there is one. */
static int need_record(struct reader *reader, struct err *err)
{
	struct apart_record record;

	if (reader->pending.kind != 0)
		return 0;
	int rc = need_slot(reader, err);
	if (rc < 0)
		return rc;
	if (reader->untrusted_slot.size < sizeof record)
		return broken(err, "sends a record that is cut off");
	copy_once(&record, reader->untrusted_slot.data, sizeof record);
	advance(reader, sizeof record);
	if (record.kind != RECORD_END && record.kind != RECORD_FORM &&
		record.size > reader->untrusted_slot.size)
		return broken(err, "sends a record that is longer than its slot");
	reader->pending = record;
	return 0;
}

static int take_name(struct reader *reader, uint32_t size, struct err *err)
{
	if (size == 0 || size > MEMBER_HEADER_MAX)
		return broken(err, "sends a name of a wrong length");
	str_truncate(&reader->name, 0);
	str_append(&reader->name, reader->untrusted_slot.data, size);
	advance(reader, size);
	int rc = str_check(&reader->name, err);
	if (rc == 0 && strlen(str_text(&reader->name)) != size)
		rc = broken(err, "sends a name with a NUL in it");
	return rc;
}

static int take_member(struct reader *reader, struct member *ret_member, struct err *err)
{
	const struct apart_record record = reader->pending;

	reader->pending.kind = 0;
	if (record.type != MEMBER_FILE && record.type != MEMBER_FOLDER)
		return broken(err, "sends a member of an unknown type");
	if (record.member_size < 0 || (record.type == MEMBER_FOLDER && record.member_size != 0))
		return broken(err, "sends a member of an impossible size");
	int rc = take_name(reader, record.size, err);
	if (rc < 0)
		return rc;
	reader->content_left = record.member_size;
	reader->chunk_left = 0;
	*ret_member = (struct member){.untrusted_name = str_text(&reader->name),
		.type = (enum member_type)record.type,
		.size = record.member_size};
	return 0;
}

/* Has octets of the current member's content in the slot: chunk_left of them. */
static int need_content(struct reader *reader, struct err *err)
{
	int rc = need_record(reader, err);

	if (rc < 0)
		return rc;
	if (reader->pending.kind != RECORD_CONTENT || reader->pending.size == 0)
		return broken(err, "does not send all of a file");
	if (reader->pending.size > reader->content_left)
		return broken(err, "sends more of a file than there is");
	reader->chunk_left = reader->pending.size;
	reader->pending.kind = 0;
	return 0;
}

static int reader_read(void *self, uint8_t *into, size_t room, size_t *ret_got, struct err *err)
{
	struct reader *reader = self;
	size_t got = 0;

	while (got < room && reader->content_left > 0) {
		int rc = reader->chunk_left > 0 ? 0 : need_content(reader, err);
		if (rc < 0)
			return rc;
		size_t part = room - got < reader->chunk_left ? room - got : reader->chunk_left;
		copy_once(into + got, reader->untrusted_slot.data, part);
		advance(reader, part);
		got += part;
		reader->chunk_left -= (uint32_t)part;
		reader->content_left -= (int64_t)part;
	}
	*ret_got = got;
	return 0;
}

static int skip_content(struct reader *reader, struct err *err)
{
	while (reader->content_left > 0) {
		int rc = reader->chunk_left > 0 ? 0 : need_content(reader, err);
		if (rc < 0)
			return rc;
		advance(reader, reader->chunk_left);
		reader->content_left -= reader->chunk_left;
		reader->chunk_left = 0;
	}
	return 0;
}

static int reader_next(void *self, struct member *ret_member, bool *ret_end, struct err *err)
{
	struct reader *reader = self;
	int rc = skip_content(reader, err);

	if (rc == 0)
		rc = need_record(reader, err);
	if (rc < 0)
		return rc;
	if (reader->pending.kind == RECORD_END) {
		*ret_end = true;
		return 0;
	}
	if (reader->pending.kind != RECORD_MEMBER)
		return broken(err, "sends something else than a member");
	rc = take_member(reader, ret_member, err);
	if (rc == 0)
		*ret_end = false;
	return rc;
}

static const char *reader_form(const void *self)
{
	return archive_form_name(((const struct reader *)self)->form);
}

static void reader_free(void *self)
{
	struct reader *reader = self;

	apart_abandon(reader->apart);
	ring_close(&reader->input.ring);
	str_release(&reader->name);
	free(reader);
}

static const struct members_source source = {reader_next, reader_read, reader_form, reader_free};

static int open_reader(
	struct reader *reader, apart_work work, const int *fds, size_t count, struct err *err)
{
	int rc = ring_open(&reader->input.ring, err);

	reader->input.fd = fds[0];
	reader->input.fds = fds;
	reader->input.count = count;
	if (rc == 0)
		rc = apart_start(work, &reader->input, fds, count, &reader->apart, err);
	/* They are the caller's, and may go before the members do. */
	reader->input.fds = NULL;
	if (rc < 0)
		return rc;
	ring_keep(&reader->input.ring);
	rc = need_record(reader, err);
	if (rc < 0)
		return rc;
	if (reader->pending.kind != RECORD_FORM || reader->pending.type >= ARCHIVE_FORM_COUNT)
		return broken(err, "does not say what it reads");
	reader->form = (enum archive_form)reader->pending.type;
	reader->pending.kind = 0;
	return 0;
}

static int open_apart(apart_work work, const int *fds, size_t count, struct members **ret_members,
	struct err *err)
{
	struct reader *reader = calloc(1, sizeof *reader);

	if (reader == NULL)
		return err_no_memory(err);
	int rc = open_reader(reader, work, fds, count, err);
	if (rc == 0)
		rc = members_new(&source, reader, ret_members, err);
	if (rc < 0)
		reader_free(reader);
	return rc;
}

int members_open_apart(apart_work work, int fd, struct members **ret_members, struct err *err)
{
	return open_apart(work, &fd, 1, ret_members, err);
}

int members_open_parts(const int *fds, size_t count, struct members **ret_members, struct err *err)
{
	if (count == 0 || count > ARCHIVE_PARTS_MAX)
		return err_set(err, ERR_LIMIT, "an archive of %zu parts", count);
	return open_apart(decode_parts, fds, count, ret_members, err);
}

int members_open_archive(int fd, struct members **ret_members, struct err *err)
{
	return members_open_apart(decode, fd, ret_members, err);
}
