#include "archive/members.h"

#include <stdlib.h>

#include "archive/members_private.h"

int members_new(const struct members_source *source, void *self, struct members **ret_members,
	struct err *err)
{
	struct members *members = malloc(sizeof *members);

	if (members == NULL)
		return err_no_memory(err);
	*members = (struct members){source, self};
	*ret_members = members;
	return 0;
}

int members_next(struct members *members, struct member *ret_member, bool *ret_end, struct err *err)
{
	return members->source->next(members->self, ret_member, ret_end, err);
}

int members_read(struct members *members, struct bytes *ret_chunk, struct err *err)
{
	return members->source->read(members->self, ret_chunk, err);
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
	free(members);
}

void members_cleanup(struct members **members)
{
	members_free(*members);
}
