#include "archive/compression.h"

#include <string.h>

static const struct {
	const char *name;
	bool writable;
	const char *endings[3];
	size_t magic_size;
	uint8_t magic[COMPRESSION_MAGIC_MAX];
} formats[COMPRESSION_COUNT] = {
	[COMPRESSION_PLAIN] = {"plain", true, {".tar"}, 0, {0}},
	[COMPRESSION_GZIP] = {"gzip", true, {".tar.gz", ".tgz"}, 2, {0x1F, 0x8B}},
	[COMPRESSION_ZSTD] = {"zstd", true, {".tar.zst"}, 4, {0x28, 0xB5, 0x2F, 0xFD}},
	[COMPRESSION_XZ] = {"xz", true, {".tar.xz"}, 6, {0xFD, '7', 'z', 'X', 'Z', 0}},
	[COMPRESSION_BZIP2] = {"bzip2", false, {NULL}, 3, {'B', 'Z', 'h'}},
	[COMPRESSION_LZ4] = {"lz4", false, {NULL}, 4, {0x04, 0x22, 0x4D, 0x18}},
};

const char *compression_name(enum compression format)
{
	return formats[format].name;
}

bool compression_by_name(const char *name, enum compression *ret_compression)
{
	for (size_t i = 0; i < COMPRESSION_COUNT; i++) {
		if (formats[i].writable && strcmp(formats[i].name, name) == 0) {
			*ret_compression = (enum compression)i;
			return true;
		}
	}
	return false;
}

static bool ends_with(const char *text, const char *ending)
{
	size_t size = strlen(text);
	size_t ending_size = strlen(ending);

	return size > ending_size && strcmp(text + size - ending_size, ending) == 0;
}

bool compression_by_ending(const char *path, enum compression *ret_compression)
{
	for (size_t i = 0; i < COMPRESSION_COUNT; i++) {
		for (size_t k = 0; k < 3 && formats[i].endings[k] != NULL; k++) {
			if (ends_with(path, formats[i].endings[k])) {
				*ret_compression = (enum compression)i;
				return true;
			}
		}
	}
	return false;
}

enum compression compression_of(struct bytes untrusted_beginning)
{
	for (size_t i = 0; i < COMPRESSION_COUNT; i++) {
		size_t size = formats[i].magic_size;
		if (size > 0 && untrusted_beginning.size >= size &&
			memcmp(untrusted_beginning.data, formats[i].magic, size) == 0)
			return (enum compression)i;
	}
	return COMPRESSION_PLAIN;
}
