/*
 * lease_document: the commands that change and read the lease document. Internal to lease.c.
 */
#ifndef OFFKIT_ENGINE_LEASE_DOCUMENT_H
#define OFFKIT_ENGINE_LEASE_DOCUMENT_H

#include "engine/lease.h"

enum { PLACE_SIZE = 96 };

struct lease_self {
	const char *owner, *command, *host;
	const char *place; /* the kernel's boot id, device and number of the state folder */
	int64_t pid;
	struct lease_times times;
	int64_t broken; /* the token that may be taken over in any case; -1: none */
};

/* One atomic attempt: the new document appended to doc if we have it now, and *ret_taken. */
MUST_CHECK int lease_document_take(struct mongo *mongo, const struct lease_self *self,
	struct str *doc, bool *ret_taken, struct err *err);

/* Expires length from now by the server's clock, with fields; *ret_ours: the token was still ours.
 * length 0: expires at once, given back. */
MUST_CHECK int lease_document_renew(struct mongo *mongo, int64_t token, int64_t length,
	struct bytes fields, bool *ret_ours, struct err *err);

#endif
