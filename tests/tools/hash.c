/*
 * hash: the speed of one core at SHA-256, as the pipeline hashes: octets a processor second.
 *
 *	hash OCTETS
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "crypto/digest.h"

int main(int argc, char **argv)
{
	static uint8_t chunk[256 * 1024];
	struct sha256_stream *stream;
	struct sha256 digest;
	struct err err;

	if (argc != 2 || sha256_stream_new(&stream, &err) < 0) {
		(void)fputs("usage: hash OCTETS\n", stderr);
		return EXIT_FAILURE;
	}
	size_t left = (size_t)strtoull(argv[1], NULL, 10);
	clock_t start = clock();
	for (size_t at = 0; at < left; at += sizeof chunk)
		if (sha256_stream_update(stream, bytes_make(chunk, sizeof chunk), &err) < 0)
			return EXIT_FAILURE;
	if (sha256_stream_finish(stream, &digest, &err) < 0)
		return EXIT_FAILURE;
	(void)printf("%.0f\n", (double)left / ((double)(clock() - start) / (double)CLOCKS_PER_SEC));
	sha256_stream_free(stream);
	return EXIT_SUCCESS;
}
