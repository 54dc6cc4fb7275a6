#include "pack/pour.h"

#include <errno.h>
#include <unistd.h>

enum { CHUNK_SIZE = 256 * 1024 };

int pour(int fd, const char *name, int64_t size, struct stream_sink sink, struct err *err)
{
	uint8_t chunk[CHUNK_SIZE];
	int64_t done = 0;

	for (;;) {
		ssize_t got = pread(fd, chunk, sizeof chunk, done);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_UNREADABLE, errno, "%s", name);
		if (got == 0 ? done < size : got > size - done)
			return err_set(err, ERR_CHECKSUM, "%s changed while it was read", name);
		if (got == 0)
			return 0;
		int rc = sink.write(sink.self, bytes_make(chunk, (size_t)got), err);
		if (rc < 0)
			return rc;
		done += got;
	}
}
