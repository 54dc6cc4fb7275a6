/*
 * bulk: fills a folder with files for measuring: half of them cannot be compressed, half are text
 * that can. The same seed gives the same octets.
 *
 *	bulk FOLDER FILES OCTETS_EACH SEED
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"

static uint64_t state;

/* splitmix64 */
static uint64_t draw(void)
{
	uint64_t z = state += 0x9E3779B97F4A7C15U;

	z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
	z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
	return z ^ (z >> 31);
}

static void fill_random(uint8_t *chunk, size_t size)
{
	for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
		uint64_t value = draw();
		memcpy(chunk + i, &value, size - i < sizeof value ? size - i : sizeof value);
	}
}

/* Lines as a log has them. */
static void fill_text(uint8_t *chunk, size_t size)
{
	static const char *const words[] = {"advisory", "observation", "linkset", "tombstone",
		"component", "affected", "version", "severity"};
	size_t at = 0;

	while (at < size) {
		char line[128];
		int length = snprintf(line, sizeof line, "%08x %s %s %s %u\n",
			(unsigned)(draw() & 0xFFFF), words[draw() % 8], words[draw() % 8],
			words[draw() % 8], (unsigned)(draw() % 1000));
		size_t part = size - at < (size_t)length ? size - at : (size_t)length;
		memcpy(chunk + at, line, part);
		at += part;
	}
}

static int write_file(const char *folder, unsigned number, uint64_t size, struct err *err)
{
	static uint8_t chunk[1024 * 1024];
	char path[4096];

	(void)snprintf(path, sizeof path, "%s/part-%03u.%s", folder, number,
		number % 2 == 0 ? "bin" : "txt");
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_set(err, ERR_DISK, "%s", path);
	int rc = 0;
	while (size > 0 && rc == 0) {
		size_t part = size < sizeof chunk ? (size_t)size : sizeof chunk;
		if (number % 2 == 0)
			fill_random(chunk, part);
		else
			fill_text(chunk, part);
		rc = fd_write_all(fd, bytes_make(chunk, part), err);
		size -= part;
	}
	(void)close(fd);
	return rc;
}

int main(int argc, char **argv)
{
	struct err err;

	if (argc != 5) {
		(void)fputs("usage: bulk FOLDER FILES OCTETS_EACH SEED\n", stderr);
		return EXIT_FAILURE;
	}
	state = strtoull(argv[4], NULL, 10);
	for (unsigned i = 0; i < strtoul(argv[2], NULL, 10); i++) {
		if (write_file(argv[1], i, strtoull(argv[3], NULL, 10), &err) < 0) {
			(void)fprintf(stderr, "bulk: %s\n", err.message);
			return EXIT_FAILURE;
		}
	}
	return EXIT_SUCCESS;
}
