#include "tests/fuzz/tar.h"

#include <stdio.h>
#include <string.h>

enum { BLOCK = 512, NAME_FIELD = 100 };

struct header {
	char name[NAME_FIELD], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type,
		link[100], magic[8], rest[247];
};

static void pad(struct str *archive)
{
	static const char zeros[BLOCK];

	if (archive->size % BLOCK != 0)
		str_append(archive, zeros, BLOCK - archive->size % BLOCK);
}

void tar_put(struct str *archive, struct bytes name, struct bytes content)
{
	struct header header = {.mode = "0000644",
		.uid = "0000000",
		.gid = "0000000",
		.mtime = "00000000000",
		.checksum = "        ",
		.magic = "ustar\00000"};
	size_t size = name.size < NAME_FIELD ? name.size : NAME_FIELD;
	unsigned sum = 0;

	_Static_assert(sizeof header == BLOCK, "a header is a block");
	if (size > 0)
		memcpy(header.name, name.data, size);
	header.type = size > 0 && name.data[size - 1] == '/' ? '5' : '0';
	if (header.type == '5')
		content.size = 0;
	(void)snprintf(header.size, sizeof header.size, "%011zo", content.size);
	memset(header.checksum, ' ', sizeof header.checksum);
	for (size_t i = 0; i < BLOCK; i++)
		sum += ((const unsigned char *)&header)[i];
	(void)snprintf(header.checksum, sizeof header.checksum, "%06o", sum & 0777777);
	str_append(archive, &header, sizeof header);
	if (content.size > 0)
		str_append(archive, content.data, content.size);
	pad(archive);
}

void tar_end(struct str *archive)
{
	static const char zeros[2 * BLOCK];

	str_append(archive, zeros, sizeof zeros);
}
