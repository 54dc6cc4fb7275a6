#include "crypto/sha1.h"

#include <stdlib.h>

#include <openssl/evp.h>

#include "base/hex.h"

enum { SHA1_SIZE = 20 };

struct sha1_stream {
	EVP_MD_CTX *context;
};

static int library_failed(struct err *err)
{
	return err_set(err, ERR_INTERNAL, "SHA-1 could not be computed");
}

int sha1_stream_new(struct sha1_stream **ret_stream, struct err *err)
{
	struct sha1_stream *stream = calloc(1, sizeof *stream);

	if (stream == NULL)
		return err_no_memory(err);
	stream->context = EVP_MD_CTX_new();
	if (stream->context == NULL || EVP_DigestInit_ex2(stream->context, EVP_sha1(), NULL) != 1) {
		sha1_stream_free(stream);
		return library_failed(err);
	}
	*ret_stream = stream;
	return 0;
}

int sha1_stream_update(struct sha1_stream *stream, struct bytes data, struct err *err)
{
	if (data.size > 0 && EVP_DigestUpdate(stream->context, data.data, data.size) != 1)
		return library_failed(err);
	return 0;
}

int sha1_stream_finish(
	struct sha1_stream *stream, char ret_hex[static SHA1_HEX_SIZE], struct err *err)
{
	uint8_t octets[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (EVP_DigestFinal_ex(stream->context, octets, &size) != 1 || size != SHA1_SIZE ||
		EVP_DigestInit_ex2(stream->context, EVP_sha1(), NULL) != 1)
		return library_failed(err);
	hex_encode(bytes_make(octets, SHA1_SIZE), ret_hex);
	return 0;
}

void sha1_stream_free(struct sha1_stream *stream)
{
	if (stream == NULL)
		return;
	EVP_MD_CTX_free(stream->context);
	free(stream);
}

void sha1_stream_cleanup(struct sha1_stream **stream)
{
	sha1_stream_free(*stream);
}
