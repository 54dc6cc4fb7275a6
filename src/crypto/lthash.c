#include "crypto/lthash.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/evp.h>

enum { VECTOR_SIZE = LTHASH_LANES * 2, IV_SIZE = 16 /* counter and nonce */ };

struct lthash_stream {
	struct sha256_stream *sha256;
	EVP_CIPHER_CTX *context;
	union {
		uint8_t octets[VECTOR_SIZE];
		uint16_t lanes[LTHASH_LANES]; /* little-endian */
	} vector;
};

static const uint8_t zeros[VECTOR_SIZE];

static int library_failed(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "ChaCha20 could not be computed");
}

int lthash_stream_new(struct lthash_stream **ret_stream, struct err *err)
{
	struct lthash_stream *stream = calloc(1, sizeof *stream);

	if (stream == NULL)
		return err_no_memory(err);
	int status = sha256_stream_new(&stream->sha256, err);
	if (status == 0) {
		stream->context = EVP_CIPHER_CTX_new();
		if (stream->context == NULL ||
			EVP_EncryptInit_ex(stream->context, EVP_chacha20(), NULL, NULL, NULL) != 1)
			status = library_failed(err);
	}
	if (status != 0) {
		lthash_stream_free(stream);
		return status;
	}
	*ret_stream = stream;
	return 0;
}

void lthash_stream_free(struct lthash_stream *stream)
{
	if (stream == NULL)
		return;
	sha256_stream_free(stream->sha256);
	EVP_CIPHER_CTX_free(stream->context);
	free(stream);
}

void lthash_stream_cleanup(struct lthash_stream **stream)
{
	lthash_stream_free(*stream);
}

void lthash_reset(struct lthash *sum)
{
	memset(sum, 0, sizeof *sum);
}

/* The document's vector, in stream->vector: 1,024 lanes of 16 bits, little-endian. */
static int expand(struct lthash_stream *stream, struct bytes document, struct err *err)
{
	struct sha256 digest;
	int status, size = 0;

	if ((status = sha256_stream_update(stream->sha256, document, err)) != 0 ||
		(status = sha256_stream_finish(stream->sha256, &digest, err)) != 0)
		return status;
	if (EVP_EncryptInit_ex(stream->context, NULL, NULL, digest.octets, zeros) != 1 ||
		EVP_EncryptUpdate(
			stream->context, stream->vector.octets, &size, zeros, VECTOR_SIZE) != 1 ||
		size != VECTOR_SIZE)
		return library_failed(err);
	return 0;
}

int lthash_add(
	struct lthash_stream *stream, struct lthash *sum, struct bytes document, struct err *err)
{
	int status = expand(stream, document, err);

	if (status != 0)
		return status;
	for (size_t i = 0; i < LTHASH_LANES; i++)
		sum->lanes[i] = (uint16_t)(sum->lanes[i] + le16toh(stream->vector.lanes[i]));
	sum->count++;
	sum->octets += document.size;
	return 0;
}

int lthash_remove(
	struct lthash_stream *stream, struct lthash *sum, struct bytes document, struct err *err)
{
	int status = expand(stream, document, err);

	if (status != 0)
		return status;
	for (size_t i = 0; i < LTHASH_LANES; i++)
		sum->lanes[i] = (uint16_t)(sum->lanes[i] - le16toh(stream->vector.lanes[i]));
	sum->count--;
	sum->octets -= document.size;
	return 0;
}

void lthash_merge(struct lthash *sum, const struct lthash *other)
{
	for (size_t i = 0; i < LTHASH_LANES; i++)
		sum->lanes[i] = (uint16_t)(sum->lanes[i] + other->lanes[i]);
	sum->count += other->count;
	sum->octets += other->octets;
}

static void put_u64(uint8_t *out, uint64_t number)
{
	for (size_t i = 0; i < 8; i++)
		out[i] = (uint8_t)(number >> (8 * i));
}

int lthash_digest(const struct lthash *sum, struct sha256 *ret_digest, struct err *err)
{
	uint8_t text[VECTOR_SIZE + 16];

	for (size_t i = 0; i < LTHASH_LANES; i++) {
		text[2 * i] = (uint8_t)sum->lanes[i];
		text[2 * i + 1] = (uint8_t)(sum->lanes[i] >> 8);
	}
	put_u64(text + VECTOR_SIZE, sum->count);
	put_u64(text + VECTOR_SIZE + 8, sum->octets);
	return sha256_of(bytes_make(text, sizeof text), ret_digest, err);
}
