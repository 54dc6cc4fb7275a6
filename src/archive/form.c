#include "archive/form.h"

#include <string.h>

static const struct {
	const char *name;
	bool writable;
	const char *endings[3];
	size_t magic_size;
	uint8_t magic[ARCHIVE_FORM_MAGIC_MAX];
} formats[ARCHIVE_FORM_COUNT] = {
	[ARCHIVE_FORM_PLAIN] = {"plain", true, {".tar"}, 0, {0}},
	[ARCHIVE_FORM_GZIP] = {"gzip", true, {".tar.gz", ".tgz"}, 2, {0x1F, 0x8B}},
	[ARCHIVE_FORM_ZSTD] = {"zstd", true, {".tar.zst"}, 4, {0x28, 0xB5, 0x2F, 0xFD}},
	[ARCHIVE_FORM_XZ] = {"xz", true, {".tar.xz"}, 6, {0xFD, '7', 'z', 'X', 'Z', 0}},
	[ARCHIVE_FORM_BZIP2] = {"bzip2", false, {NULL}, 3, {'B', 'Z', 'h'}},
	[ARCHIVE_FORM_LZ4] = {"lz4", false, {NULL}, 4, {0x04, 0x22, 0x4D, 0x18}},
};

const char *archive_form_name(enum archive_form format)
{
	return formats[format].name;
}

bool archive_form_by_name(const char *name, enum archive_form *ret_form)
{
	for (size_t i = 0; i < ARCHIVE_FORM_COUNT; i++) {
		if (formats[i].writable && strcmp(formats[i].name, name) == 0) {
			*ret_form = (enum archive_form)i;
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

bool archive_form_by_ending(const char *path, enum archive_form *ret_form)
{
	for (size_t i = 0; i < ARCHIVE_FORM_COUNT; i++) {
		for (size_t k = 0; k < 3 && formats[i].endings[k] != NULL; k++) {
			if (ends_with(path, formats[i].endings[k])) {
				*ret_form = (enum archive_form)i;
				return true;
			}
		}
	}
	return false;
}

enum archive_form archive_form_of(struct bytes untrusted_beginning)
{
	for (size_t i = 0; i < ARCHIVE_FORM_COUNT; i++) {
		size_t size = formats[i].magic_size;
		if (size > 0 && untrusted_beginning.size >= size &&
			memcmp(untrusted_beginning.data, formats[i].magic, size) == 0)
			return (enum archive_form)i;
	}
	return ARCHIVE_FORM_PLAIN;
}
