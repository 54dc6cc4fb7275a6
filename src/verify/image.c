#include "verify/image.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/apart.h"
#include "base/cleanup.h"
#include "verify/image_report.h"
#include "verify/image_walk.h"

/* Comes before the octets of an image. */
struct request {
	int64_t size;
	bool has_pinned;
	struct sha256 pinned;
};

/* ---- in both processes */

/* The parent's end alone has a bound on waiting. */
static int silent(struct err *err)
{
	return err_set(err, ERR_UNSAFE_ARCHIVE,
		"what reads the images has come no further for %d minutes",
		APART_SILENCE_MAX / 60000);
}

static int read_some(int fd, void *into, size_t room, size_t *ret_size, struct err *err)
{
	ssize_t got;

	do
		got = read(fd, into, room);
	while (got < 0 && errno == EINTR);
	if (got < 0 && errno == EAGAIN)
		return silent(err);
	/* Reset: the other side has ended without having read all, and says why elsewhere. */
	if (got < 0 && errno != ECONNRESET)
		return err_set_errno(err, ERR_INTERNAL, errno, "reading an image");
	*ret_size = got < 0 ? 0 : (size_t)got;
	return 0;
}

/* Less than size only at the end. */
static int read_whole(int fd, void *into, size_t size, size_t *ret_size, struct err *err)
{
	size_t done = 0;
	size_t got = 1;

	while (done < size && got > 0) {
		int rc = read_some(fd, (uint8_t *)into + done, size - done, &got, err);
		if (rc < 0)
			return rc;
		done += got;
	}
	*ret_size = done;
	return 0;
}

/* ret_gone: nobody is left to read it. A pipe would have raised a signal. */
static int send_whole(int fd, const void *data, size_t size, bool *ret_gone, struct err *err)
{
	size_t done = 0;

	while (done < size && !*ret_gone) {
		ssize_t sent = send(fd, (const uint8_t *)data + done, size - done, MSG_NOSIGNAL);
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0 && errno == EAGAIN)
			return silent(err);
		if (sent < 0 && errno != EPIPE && errno != ECONNRESET)
			return err_set_errno(err, ERR_INTERNAL, errno, "handing over an image");
		*ret_gone = sent < 0;
		if (sent > 0)
			done += (size_t)sent;
	}
	return 0;
}

/* ---- in the process without rights */

struct feed {
	int fd;
	int64_t left; /* octets of the image */
};

static int read_feed(void *self, uint8_t *into, size_t room, size_t *ret_size, struct err *err)
{
	struct feed *feed = self;
	size_t size = (uint64_t)feed->left < room ? (size_t)feed->left : room;

	int rc = size == 0 ? 0 : read_some(feed->fd, into, size, &size, err);
	if (rc == 0 && size == 0 && feed->left > 0)
		rc = err_set(err, ERR_INTERNAL, "an image was given up");
	if (rc < 0)
		return rc;
	feed->left -= (int64_t)size;
	*ret_size = size;
	return 0;
}

/* What is wrong with an archive within the kit's is wrong with a document, not with the medium. */
static int as_document(int rc, struct err *err)
{
	if (rc == -ERR_NOT_A_KIT || rc == -ERR_TRUNCATED)
		return err_recode(err, ERR_SYNTAX);
	return rc;
}

static int read_image(int fd, const struct request *request, struct err *err)
{
	CLEANUP(image_blobs_release) struct image_blobs blobs = {.count = 0};
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str report = STR_INIT;
	struct feed feed = {fd, request->size};
	const struct octet_source source = {&feed, read_feed};
	struct image image;
	bool gone = false;

	int rc = as_document(image_blobs_read(&blobs, &source, err), err);
	/* What is left would be taken for the next request. */
	if (rc == 0 && feed.left != 0)
		rc = err_set(err, ERR_INTERNAL, "an image was not read to its end");
	if (rc == 0)
		rc = image_walk(
			&blobs, request->has_pinned ? &request->pinned : NULL, &arena, &image, err);
	if (rc == 0)
		rc = image_report_write(&image, &report, err);
	if (rc == 0)
		rc = send_whole(fd, &report.size, sizeof report.size, &gone, err);
	return rc < 0 ? rc : send_whole(fd, report.text, report.size, &gone, err);
}

static int read_images(int channel, void *argument, struct err *err)
{
	const int *fd = argument;
	struct request request;
	size_t got;

	(void)channel;
	for (;;) {
		int rc = read_whole(*fd, &request, sizeof request, &got, err);
		if (rc < 0 || got == 0)
			return rc;
		rc = read_image(*fd, &request, err);
		if (rc < 0)
			return rc;
	}
}

/* ---- in the process that has them */

struct image_reader {
	struct apart *apart; /* NULL: it has ended */
	int fd;
	bool is_open;
	int64_t left; /* octets of the image that are still to come */
	bool is_deaf; /* it reads no more, and says why at the end */
	bool has_pinned;
	struct sha256 pinned;
};

static bool bound_waiting(int fd)
{
	const struct timeval most = {.tv_sec = APART_SILENCE_MAX / 1000};

	return setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &most, sizeof most) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &most, sizeof most) == 0;
}

int image_reader_start(struct image_reader **ret_reader, struct err *err)
{
	int ends[2];

	struct image_reader *reader = calloc(1, sizeof *reader);
	if (reader == NULL)
		return err_no_memory(err);
	reader->fd = -1;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
		image_reader_free(reader);
		return err_set_errno(err, ERR_INTERNAL, errno, "a channel to a process apart");
	}
	reader->fd = ends[0];
	int rc = 0;
	if (!bound_waiting(reader->fd))
		rc = err_set_errno(err, ERR_INTERNAL, errno, "a channel to a process apart");
	if (rc == 0)
		rc = apart_start(read_images, &ends[1], &ends[1], 1, &reader->apart, err);
	(void)close(ends[1]);
	if (rc < 0)
		image_reader_free(reader);
	else
		*ret_reader = reader;
	return rc;
}

int image_begin(
	struct image_reader *reader, int64_t size, const struct sha256 *pinned, struct err *err)
{
	struct request request = {.size = size, .has_pinned = pinned != NULL};

	if (reader->apart == NULL || reader->is_open)
		return err_set(err, ERR_INTERNAL, "an image is begun out of turn");
	if (pinned != NULL)
		request.pinned = *pinned;
	reader->is_open = true;
	reader->left = size;
	reader->has_pinned = request.has_pinned;
	reader->pinned = request.pinned;
	return send_whole(reader->fd, &request, sizeof request, &reader->is_deaf, err);
}

int image_data(struct image_reader *reader, struct bytes data, struct err *err)
{
	if ((int64_t)data.size > reader->left)
		return err_set(err, ERR_INTERNAL, "an image is longer than it was said to be");
	reader->left -= (int64_t)data.size;
	return send_whole(reader->fd, data.data, data.size, &reader->is_deaf, err);
}

/* ret_is_whole: false if the process ended before it had said all. */
static int read_report(
	struct image_reader *reader, struct str *out, bool *ret_is_whole, struct err *err)
{
	CLEANUP_FREE char *text = NULL;
	size_t size, got;

	*ret_is_whole = false;
	int rc = read_whole(reader->fd, &size, sizeof size, &got, err);
	if (rc < 0 || got < sizeof size)
		return rc;
	if (size > IMAGE_REPORT_MAX)
		return err_set(err, ERR_LIMIT, "what reads the images says too much");
	text = malloc(size + 1);
	if (text == NULL)
		return err_no_memory(err);
	rc = read_whole(reader->fd, text, size, &got, err);
	if (rc < 0 || got < size)
		return rc;
	str_append(out, text, size);
	*ret_is_whole = true;
	return str_check(out, err);
}

/* It ended early: it alone knows why. */
static int ended(struct image_reader *reader, struct err *err)
{
	int rc = apart_finish(STEAL(reader->apart), err);

	return rc < 0 ? rc : err_set(err, ERR_INTERNAL, "what reads the images ended early");
}

int image_check_pinned(const struct image *image, const struct sha256 *pinned, struct err *err)
{
	char found[SHA256_HEX_SIZE], wanted[SHA256_HEX_SIZE];

	if (sha256_equal(&image->digest, pinned))
		return 0;
	sha256_to_hex(&image->digest, found);
	sha256_to_hex(pinned, wanted);
	return err_set(
		err, ERR_IMAGE, "sha256:%s was walked, and sha256:%s is pinned", found, wanted);
}

int image_end(
	struct image_reader *reader, struct arena *arena, struct image *ret_image, struct err *err)
{
	CLEANUP_STR struct str report = STR_INIT;
	struct image image;
	bool is_whole;

	if (reader->apart == NULL || !reader->is_open || (reader->left != 0 && !reader->is_deaf))
		return err_set(err, ERR_INTERNAL, "an image ends out of turn");
	reader->is_open = false;
	int rc = read_report(reader, &report, &is_whole, err);
	if (rc < 0)
		return rc;
	if (!is_whole)
		return ended(reader, err);
	if (reader->is_deaf)
		return err_set(err, ERR_UNSAFE_ARCHIVE,
			"what reads the images reports on one that it has not read");
	rc = image_report_read(str_bytes(&report), arena, &image, err);
	if (rc == 0 && reader->has_pinned)
		rc = image_check_pinned(&image, &reader->pinned, err);
	if (rc == 0)
		*ret_image = image;
	return rc;
}

void image_reader_free(struct image_reader *reader)
{
	if (reader == NULL)
		return;
	apart_abandon(reader->apart);
	if (reader->fd >= 0)
		(void)close(reader->fd);
	free(reader);
}

void image_reader_cleanup(struct image_reader **reader)
{
	image_reader_free(*reader);
}
