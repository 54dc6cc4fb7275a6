#include "crypto/digest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include "base/cleanup.h"
#include "base/hex.h"

enum { PIECE = 256 * 1024 /* octets that are read at once */ };

struct sha256_stream {
	EVP_MD_CTX *context;
	EVP_MD *method; /* fetched once: a lookup for every small message would cost more than it */
};

static int library_failed(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "SHA-256 could not be computed");
}

int sha256_stream_new(struct sha256_stream **ret_stream, struct err *err)
{
	struct sha256_stream *stream = calloc(1, sizeof *stream);

	if (stream == NULL)
		return err_no_memory(err);
	stream->context = EVP_MD_CTX_new();
	stream->method = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	if (stream->context == NULL || stream->method == NULL ||
		EVP_DigestInit_ex2(stream->context, stream->method, NULL) != 1) {
		sha256_stream_free(stream);
		return library_failed(err);
	}
	*ret_stream = stream;
	return 0;
}

int sha256_stream_update(struct sha256_stream *stream, struct bytes data, struct err *err)
{
	if (data.size > 0 && EVP_DigestUpdate(stream->context, data.data, data.size) != 1)
		return library_failed(err);
	return 0;
}

int sha256_stream_finish(struct sha256_stream *stream, struct sha256 *ret_digest, struct err *err)
{
	struct sha256 digest;
	unsigned size = 0;

	if (EVP_DigestFinal_ex(stream->context, digest.octets, &size) != 1 || size != SHA256_SIZE ||
		EVP_DigestInit_ex2(stream->context, stream->method, NULL) != 1)
		return library_failed(err);
	*ret_digest = digest;
	return 0;
}

int sha256_stream_peek(
	const struct sha256_stream *stream, struct sha256 *ret_digest, struct err *err)
{
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	struct sha256 digest;
	unsigned size = 0;

	bool done = copy != NULL && EVP_MD_CTX_copy_ex(copy, stream->context) == 1 &&
		    EVP_DigestFinal_ex(copy, digest.octets, &size) == 1 && size == SHA256_SIZE;
	EVP_MD_CTX_free(copy);
	if (!done)
		return library_failed(err);
	*ret_digest = digest;
	return 0;
}

void sha256_stream_restart(struct sha256_stream *stream)
{
	struct sha256 ignored;
	struct err second;

	(void)!sha256_stream_finish(stream, &ignored, &second);
}

void sha256_stream_free(struct sha256_stream *stream)
{
	if (stream == NULL)
		return;
	EVP_MD_CTX_free(stream->context);
	EVP_MD_free(stream->method);
	free(stream);
}

void sha256_stream_cleanup(struct sha256_stream **stream)
{
	sha256_stream_free(*stream);
}

int sha256_of(struct bytes data, struct sha256 *ret_digest, struct err *err)
{
	static const uint8_t nothing;
	struct sha256 digest;
	unsigned size = 0;

	if (EVP_Digest(data.size > 0 ? data.data : &nothing, data.size, digest.octets, &size,
		    EVP_sha256(), NULL) != 1 ||
		size != SHA256_SIZE)
		return library_failed(err);
	*ret_digest = digest;
	return 0;
}

int sha256_of_with(
	struct sha256_stream *stream, struct bytes data, struct sha256 *ret_digest, struct err *err)
{
	if (stream == NULL)
		return sha256_of(data, ret_digest, err);
	int result = sha256_stream_update(stream, data, err);
	return result != 0 ? result : sha256_stream_finish(stream, ret_digest, err);
}

static int digest_all(struct sha256_stream *stream, int fd, uint8_t *piece,
	struct sha256 *ret_digest, int64_t *ret_size, struct err *err)
{
	int64_t size = 0;

	for (;;) {
		ssize_t got = pread(fd, piece, PIECE, (off_t)size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_UNREADABLE, errno, "reading at octet %lld",
				(long long)size);
		if (got == 0)
			break;
		size += got;
		int rc = sha256_stream_update(stream, bytes_make(piece, (size_t)got), err);
		if (rc < 0)
			return rc;
	}
	*ret_size = size;
	return sha256_stream_finish(stream, ret_digest, err);
}

int sha256_of_file(struct sha256_stream *stream, int fd, struct sha256 *ret_digest,
	int64_t *ret_size, struct err *err)
{
	CLEANUP_FREE uint8_t *piece = malloc(PIECE);
	int rc = piece == NULL ? err_no_memory(err)
			       : digest_all(stream, fd, piece, ret_digest, ret_size, err);

	if (rc < 0)
		sha256_stream_restart(stream);
	return rc;
}

bool sha256_equal(const struct sha256 *a, const struct sha256 *b)
{
	return memcmp(a->octets, b->octets, SHA256_SIZE) == 0;
}

void sha256_to_hex(const struct sha256 *digest, char hex[static SHA256_HEX_SIZE])
{
	hex_encode(bytes_make(digest->octets, SHA256_SIZE), hex);
}

bool sha256_from_hex(struct bytes hex, struct sha256 *ret_digest)
{
	struct sha256 digest;

	if (hex.size != SHA256_HEX_SIZE - 1 || !hex_decode(hex, digest.octets))
		return false;
	*ret_digest = digest;
	return true;
}
