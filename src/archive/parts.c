#include "archive/parts.h"

#include <errno.h>
#include <unistd.h>

int part_octets_read(void *self, uint8_t *into, size_t room, size_t *ret_size, struct err *err)
{
	struct part_octets *parts = self;

	while (parts->current < parts->count) {
		ssize_t got = pread(parts->fds[parts->current], into, room, (off_t)parts->offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_UNREADABLE, errno,
				"reading part %zu at octet %lld", parts->current + 1,
				(long long)parts->offset);
		parts->offset += got;
		if (got > 0) {
			*ret_size = (size_t)got;
			return 0;
		}
		parts->current++;
		parts->offset = 0;
	}
	*ret_size = 0;
	return 0;
}
