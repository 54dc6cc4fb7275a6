/*
 * delta: how the files of a kit that changed are put together from an earlier kit's (kit format 1,
 * "Differential kits"): an in-toto Statement about them, of predicate type urn:offkit:delta:v1, in
 * the member delta.dsse; the octets that the earlier kit has not are the members delta/1, delta/2
 * and so on, one a file.
 *
 * A file is a sequence of pieces. One comes from one file of the earlier kit, further on in it than
 * the piece before that came from there, or it is the next of the file's member. So both are read
 * once, forward, whatever an index says. It says where octets are, and nothing about trust: what
 * comes of it is verified as any file. One that was parsed is consistent: sizes add up, no piece
 * reaches beyond its source, none overlaps another.
 */
#ifndef OFFKIT_KIT_DELTA_H
#define OFFKIT_KIT_DELTA_H

#include "base/arena.h"
#include "crypto/digest.h"

#define DELTA_TYPE   "urn:offkit:delta:v1"
#define DELTA_NAME   "delta.dsse"
#define DELTA_FOLDER "delta" /* delta/N: the octets of the Nth file that are new */

enum {
	DELTA_SIZE_MAX = 4 * 1024 * 1024,	 /* octets of the statement */
	DELTA_ENVELOPE_MAX = 2 * DELTA_SIZE_MAX, /* of the member */
	DELTA_FILES_MAX = 500,
	DELTA_PIECES_MAX = 20000, /* of all files together */
};

struct delta_piece {
	bool is_new;  /* from the member; else from the earlier kit's file */
	int64_t from; /* octet of that file; 0 of a new one */
	int64_t size; /* octets, at least 1 */
	struct sha256 digest;
};

struct delta_file {
	const char *name;
	struct sha256 digest;
	int64_t size;	    /* octets, at least 1 */
	int64_t new_size;   /* of them in its member */
	const char *source; /* the earlier kit's file */
	int64_t source_size;
	size_t piece_count; /* at least 1 */
	struct delta_piece *pieces;
};

struct delta {
	struct sha256 manifest; /* digest of the payload that the kit's manifest.dsse has */
	size_t count;		/* at least 1 */
	struct delta_file *files;
};

/* Everything lives in arena. ERR_SYNTAX, ERR_LIMIT; a name that no file may have is
 * ERR_UNSAFE_ARCHIVE. */
MUST_CHECK int delta_parse(struct bytes untrusted_payload, struct arena *arena,
	struct delta *ret_delta, struct err *err);

/* Appends the statement as RFC 8785 has it. */
MUST_CHECK int delta_write(const struct delta *delta, struct str *out, struct err *err);

/* The N of "delta/N", from 1 without leading zeros; 0: it is another name, or too large. */
size_t delta_member_number(const char *name);

#endif
