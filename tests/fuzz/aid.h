/*
 * aid: what fuzz targets share: pieces of an input, files in memory, and a trust root whose keys
 * the targets have themselves, so that what stands behind a signature is reached too.
 *
 * The keys are made of constant octets, for these programs alone: THROW-AWAY KEYS. What an input
 * does not decide and cannot fail here traps if it fails.
 */
#ifndef OFFKIT_TESTS_FUZZ_AID_H
#define OFFKIT_TESTS_FUZZ_AID_H

#include "crypto/key.h"
#include "kit/manifest.h"
#include "tests/fuzz/target.h"
#include "trust/root.h"

/* ---- pieces: an input of several parts has this between them */
#define PIECE_END "\n~~\n"

/* Takes the next piece off rest; empty when nothing is left. */
struct bytes take_piece(struct bytes *rest);

/* The octet at a place, 0 beyond the end. */
unsigned octet_of(struct bytes text, size_t index);

/* ---- files */

/* A file in memory, 0600, to be closed by the caller; its path is good as long as it is open. */
enum { MEMORY_PATH_SIZE = 32 };
int memory_file(struct bytes content);
void memory_path(int fd, char path[static MEMORY_PATH_SIZE]);

/* A folder of this process's own, 0700, in memory where there is such a place; gone at the end. */
int scratch_folder(void);
void scratch_put(const char *name, struct bytes content); /* 0600, in place of what was there */
void scratch_empty(void);

/* Every file of the manifest stands in the folder with its size and digest, and nothing else does
 * but the documents that come first. */
void tree_is_the_manifests(int dirfd, const struct manifest *manifest);

/* ---- keys */
enum { AID_KEYS = 3, AID_THRESHOLD = 2, AID_STRANGER = AID_KEYS };

/* Ed25519; AID_STRANGER is in no root. */
const struct private_key *aid_key(unsigned number);

/* The id under which the root has it. */
const char *aid_key_id(unsigned number);

/* A root of that member "signed", signed by the keys of a mask; its text may be anything. */
void aid_sign_root(struct bytes signed_text, unsigned signers, struct str *out);

/* An envelope over the payload, signed by the keys of a mask, bit AID_STRANGER too. */
void aid_sign_envelope(
	const char *payload_type, struct bytes payload, unsigned signers, struct str *out);

/* Version 1; its first AID_KEYS keys serve both roles, AID_THRESHOLD of them are needed. */
const struct trust_root *aid_root(void);
struct bytes aid_root_text(void);

#endif
