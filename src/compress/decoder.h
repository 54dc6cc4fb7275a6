/*
 * decoder: a compressed stream as octets, in steps of the caller's, in bounded memory.
 *
 * gzip (RFC 1952, with its checks), zstd (RFC 8878), xz (the .xz format 1.2), bzip2 and lz4 (its
 * frame format 1.6; both have small windows by their format). Several members,
 * frames or streams after one another are one stream, as each standard has it; anything else after
 * the last one is an error. A zstd or xz window over DECODER_WINDOW_MAX is ERR_LIMIT, any damage
 * ERR_TRUNCATED.
 */
#ifndef OFFKIT_COMPRESS_DECODER_H
#define OFFKIT_COMPRESS_DECODER_H

#include <stdbool.h>

#include "base/bytes.h"

enum decoder_kind { DECODER_GZIP, DECODER_ZSTD, DECODER_XZ, DECODER_BZIP2, DECODER_LZ4 };

enum { DECODER_WINDOW_LOG_MAX = 23, DECODER_WINDOW_MAX = 1 << DECODER_WINDOW_LOG_MAX };

struct decoder;

MUST_CHECK int decoder_new(enum decoder_kind kind, struct decoder **ret_decoder, struct err *err);

/*
 * Takes octets from the front of *untrusted_input (moving it on) and makes at most room octets.
 * last: no input follows this. 0 octets made with input used up: more input is wanted.
 */
MUST_CHECK int decoder_step(struct decoder *decoder, struct bytes *untrusted_input, bool last,
	uint8_t *out, size_t room, size_t *ret_made, struct err *err);

/* Everything that was fed is decoded, and the stream may end here. */
bool decoder_complete(const struct decoder *decoder);

void decoder_free(struct decoder *decoder);
void decoder_cleanup(struct decoder **decoder);

#endif
