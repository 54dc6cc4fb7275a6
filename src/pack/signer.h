/*
 * signer: a command that signs, because the key is elsewhere: in a token, a key service, an agent.
 *
 * An argument vector without a shell, with our environment. Its input is what is to be signed,
 * octet for octet, as a file (/dev/stdin works where a tool wants a name); its output is the
 * signature, in a form of signature.h; what it says on stderr is shown as its own words. It ends
 * with status 0, in time. At a terminal it may ask for a PIN on /dev/tty.
 */
#ifndef OFFKIT_PACK_SIGNER_H
#define OFFKIT_PACK_SIGNER_H

#include "crypto/key.h"
#include "pack/face.h"

enum { SIGNER_TIMEOUT = 120, SIGNER_TIMEOUT_MAX = 3600 }; /* s */

/* "release.pub=COMMAND": the key, and in the face's arena what runs the command; timeout in s, 0 is
 * the usual one. *ret_path is the public key's file. ERR_USAGE, and what reading keys meets. */
MUST_CHECK int signer_open(struct face *face, const char *given, int64_t timeout,
	const char **ret_path, struct private_key **ret_key, struct err *err);

#endif
