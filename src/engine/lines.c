#include "engine/lines.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum { READ_SIZE = 64 * 1024 };

/* The line that begins at what was not taken yet; false if its end has not come. */
static bool take(struct lines *lines, struct bytes *ret_line)
{
	const char *begin = str_text(&lines->buffer) + lines->used;
	size_t size = lines->buffer.size - lines->used;
	const char *end = size == 0 ? NULL : memchr(begin, '\n', size);

	if (end == NULL)
		return false;
	*ret_line = bytes_make(begin, (size_t)(end - begin));
	lines->used += (size_t)(end - begin) + 1;
	return true;
}

static void move_up(struct lines *lines)
{
	size_t size = lines->buffer.size - lines->used;

	if (lines->used == 0)
		return;
	memmove(lines->buffer.text, lines->buffer.text + lines->used, size);
	str_truncate(&lines->buffer, size);
	lines->used = 0;
}

int lines_next(struct lines *lines, size_t max, struct bytes *ret_line, struct err *err)
{
	char chunk[READ_SIZE];

	for (;;) {
		struct bytes line;
		bool whole = take(lines, &line);
		if (whole ? line.size > max : lines->buffer.size - lines->used > max)
			return err_set(err, ERR_LIMIT, "a line of more than %zu octets", max);
		if (whole) {
			*ret_line = line;
			return 1;
		}
		if (lines->closed)
			return 0;
		move_up(lines);
		ssize_t got = recv(lines->fd, chunk, sizeof chunk, MSG_DONTWAIT);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
			return 0;
		if (got <= 0)
			lines->closed = true;
		else
			str_append(&lines->buffer, chunk, (size_t)got);
		int rc = str_check(&lines->buffer, err);
		if (rc < 0)
			return rc;
	}
}

void lines_release(struct lines *lines)
{
	str_release(&lines->buffer);
}
