#include "archive/members.h"

#include <stdlib.h>

#include "archive/members_private.h"

enum { CHUNK_SIZE = 256 * 1024 };

struct members {
	const struct members_source *source;
	void *self;	/* owned */
	uint8_t *chunk; /* of members_read, made when it is first called */
};

int members_new(const struct members_source *source, void *self, struct members **ret_members,
	struct err *err)
{
	struct members *members = malloc(sizeof *members);

	if (members == NULL)
		return err_no_memory(err);
	*members = (struct members){.source = source, .self = self};
	*ret_members = members;
	return 0;
}

int members_next(struct members *members, struct member *ret_member, bool *ret_end, struct err *err)
{
	return members->source->next(members->self, ret_member, ret_end, err);
}

int members_read_into(
	struct members *members, uint8_t *into, size_t room, size_t *ret_got, struct err *err)
{
	return members->source->read(members->self, into, room, ret_got, err);
}

int members_read(struct members *members, struct bytes *ret_chunk, struct err *err)
{
	size_t got;

	if (members->chunk == NULL)
		members->chunk = malloc(CHUNK_SIZE);
	if (members->chunk == NULL)
		return err_no_memory(err);
	int rc = members_read_into(members, members->chunk, CHUNK_SIZE, &got, err);
	if (rc == 0)
		*ret_chunk = bytes_make(members->chunk, got);
	return rc;
}

int members_read_all(struct members *members, struct str *out, struct err *err)
{
	struct bytes chunk = bytes_make(NULL, 0);

	for (;;) {
		int rc = members_read(members, &chunk, err);
		if (rc < 0)
			return rc;
		if (chunk.size == 0)
			return str_check(out, err);
		str_append(out, chunk.data, chunk.size);
	}
}

const char *members_form(const struct members *members)
{
	return members->source->form(members->self);
}

void members_free(struct members *members)
{
	if (members == NULL)
		return;
	members->source->free(members->self);
	free(members->chunk);
	free(members);
}

void members_cleanup(struct members **members)
{
	members_free(*members);
}
