/*
 * redact: what leaves the site for a vendor, without the site's secrets.
 *
 * Taken out of any text, JSON or not: the user and password of every URI; the value that follows a
 * name such as password, secret, credential, apiKey or authorization behind ":" or "=", or behind
 * an option of that name; ids of documents behind _id; private keys in PEM, keys of object stores,
 * bearer tokens; and every text that the caller knows to be a secret, whatever stands around it.
 * When in doubt it takes out more. JSON stays JSON, and lines stay lines but for PEM's.
 *
 * A secret that has none of these shapes and that the caller does not know is not seen.
 */
#ifndef OFFKIT_TEXT_REDACT_H
#define OFFKIT_TEXT_REDACT_H

#include <stdint.h>

#include "base/bytes.h"

#define REDACTED "***"

enum { REDACT_KNOWN_MAX = 64, REDACT_KNOWN_SIZE_MIN = 3 };

/* Texts that are taken out wherever they stand. */
struct redact_known {
	size_t count;
	const char *texts[REDACT_KNOWN_MAX];
	const char *instead[REDACT_KNOWN_MAX]; /* "***", "host-1" */
};

struct redaction {
	struct redact_known known;
	bool hosts; /* hosts of URIs and IPv4 addresses too */
};

/* Takes text, which the caller keeps, as known; one that is too short to be looked for, is there
 * already, or comes after the last is left out: false. */
bool redact_know(struct redaction *redaction, const char *text, const char *instead);

/* Whether what stands behind such a name is a secret: PGPASSWORD, AWS_SECRET_ACCESS_KEY. */
bool redact_is_secret_name(const char *name);

/* Appends text as it may leave; returns how often something was taken out. */
size_t redact(struct str *out, struct bytes text, const struct redaction *redaction);

/*
 * The parts of a URI's authority (RFC 3986, 3.2), as views: the user and password as one, and the
 * hosts with their ports, separated by commas. Lenient: an unescaped "@" or "/" in the password
 * belongs to it. false: it is no URI with "://".
 */
bool redact_uri_parts(struct bytes uri, struct bytes *ret_userinfo, struct bytes *ret_hosts);

#endif
