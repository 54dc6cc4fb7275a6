#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "object/s3_client.h"
#include "object/xml.h"

enum { PARTS_MAX = 10000, NUMBER_SIZE = 12 };

struct upload {
	struct s3 *s3;
	const char *key;
	struct str id;
	struct str list; /* of the parts, as the last request has it */
	uint8_t *part;
	size_t part_max;
	struct bytes rest; /* of the source's piece */
	int64_t size;
	struct sha256_stream *hash;
	bool open; /* the server knows of it */
};

static void upload_release(struct upload *upload)
{
	str_release(&upload->id);
	str_release(&upload->list);
	free(upload->part);
	sha256_stream_cleanup(&upload->hash);
}

/* ---- a body in memory */

struct memory {
	struct bytes all;
	bool given;
};

static int memory_next(void *self, struct bytes *ret_piece, struct err *err)
{
	struct memory *memory = self;

	(void)err;
	*ret_piece = memory->given ? bytes_make(NULL, 0) : memory->all;
	memory->given = true;
	return 0;
}

static int memory_rewind(void *self, struct err *err)
{
	(void)err;
	((struct memory *)self)->given = false;
	return 0;
}

/* ---- requests */

static int begin(struct upload *upload, struct err *err)
{
	CLEANUP(s3_answer_release) struct s3_answer answer = S3_ANSWER_INIT;
	const struct sigv4_query query[] = {{"uploads", ""}};
	const struct sigv4_header headers[] = {{"x-amz-checksum-algorithm", "SHA256"}};
	const struct s3_call call = {
		.method = "POST",
		.key = upload->key,
		.query = query,
		.query_count = 1,
		.headers = headers,
		.header_count = 1,
	};
	int rc = s3_call(upload->s3, &call, &answer, err);

	if (rc < 0)
		return rc;
	if (answer.http.status != 200)
		return s3_refused(upload->s3, &call, &answer, err);
	rc = xml_find(str_bytes(&answer.http.text), "InitiateMultipartUploadResult/UploadId",
		&upload->id, err);
	if (rc < 0 || upload->id.size == 0)
		return err_set(err, ERR_STORE, "the server began an upload without an id");
	upload->open = true;
	return 0;
}

static void append_escaped(struct str *out, const char *text)
{
	for (; *text != '\0'; text++)
		switch (*text) {
		case '&':
			str_append_text(out, "&amp;");
			break;
		case '<':
			str_append_text(out, "&lt;");
			break;
		default:
			str_append_char(out, *text);
		}
}

static void note_part(struct upload *upload, int number, const char *etag, const char *checksum)
{
	str_append_text(&upload->list, "<Part><ETag>");
	append_escaped(&upload->list, etag);
	str_append_format(&upload->list,
		"</ETag><ChecksumSHA256>%s</ChecksumSHA256><PartNumber>%d</PartNumber></Part>",
		checksum, number);
}

static int send_part(struct upload *upload, int number, size_t size, struct err *err)
{
	CLEANUP(s3_answer_release) struct s3_answer answer = S3_ANSWER_INIT;
	CLEANUP_STR struct str checksum = STR_INIT;
	struct memory memory = {.all = bytes_make(upload->part, size)};
	const struct object_source body = {&memory, memory_next, memory_rewind};
	char text[NUMBER_SIZE];
	struct sha256 digest;

	int rc = sha256_of(memory.all, &digest, err);
	if (rc < 0)
		return rc;
	base64_encode(bytes_make(digest.octets, SHA256_SIZE), &checksum);
	(void)snprintf(text, sizeof text, "%d", number);
	const struct sigv4_query query[] = {
		{"partNumber", text}, {"uploadId", str_text(&upload->id)}};
	const struct sigv4_header headers[] = {{"x-amz-checksum-sha256", str_text(&checksum)}};
	const struct s3_call call = {
		.method = "PUT",
		.key = upload->key,
		.query = query,
		.query_count = 2,
		.headers = headers,
		.header_count = 1,
		.body = &body,
		.body_size = (int64_t)size,
		.payload = &digest,
	};
	rc = str_check(&checksum, err);
	if (rc == 0)
		rc = s3_call(upload->s3, &call, &answer, err);
	if (rc < 0)
		return rc;
	if (answer.http.status != 200)
		return s3_refused(upload->s3, &call, &answer, err);
	note_part(upload, number, answer.http.etag, str_text(&checksum));
	return str_check(&upload->list, err);
}

/* What the server says after it has begun to answer with 200 may be an error all the same. */
static int judge(struct upload *upload, const struct s3_call *call, const struct s3_answer *answer,
	enum s3_put *ret_put, struct err *err)
{
	if (answer->http.status == 412 || s3_is(answer, "PreconditionFailed")) {
		*ret_put = S3_PUT_EXISTS;
		return 0;
	}
	/* A try before may have completed it whose answer was lost. */
	if (s3_is(answer, "NoSuchUpload")) {
		upload->open = false;
		*ret_put = S3_PUT_EXISTS;
		return 0;
	}
	if (answer->http.status != 200 || answer->code[0] != '\0')
		return s3_refused(upload->s3, call, answer, err);
	upload->open = false;
	*ret_put = S3_PUT_DONE;
	return 0;
}

static int complete(struct upload *upload, bool only_new, enum s3_put *ret_put, struct err *err)
{
	CLEANUP(s3_answer_release) struct s3_answer answer = S3_ANSWER_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	const struct sigv4_query query[] = {{"uploadId", str_text(&upload->id)}};
	const struct sigv4_header headers[] = {{"if-none-match", "*"}};
	struct sha256 digest;

	str_append_format(&text,
		"<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">%s"
		"</CompleteMultipartUpload>",
		str_text(&upload->list));
	int rc = str_check(&text, err);
	if (rc == 0)
		rc = sha256_of(str_bytes(&text), &digest, err);
	if (rc < 0)
		return rc;
	struct memory memory = {.all = str_bytes(&text)};
	const struct object_source body = {&memory, memory_next, memory_rewind};
	const struct s3_call call = {
		.method = "POST",
		.key = upload->key,
		.query = query,
		.query_count = 1,
		.headers = headers,
		.header_count = only_new ? 1 : 0,
		.body = &body,
		.body_size = (int64_t)text.size,
		.payload = &digest,
	};
	rc = s3_call(upload->s3, &call, &answer, err);
	return rc < 0 ? rc : judge(upload, &call, &answer, ret_put, err);
}

/* What fails here is left to the bucket's lifecycle rules. */
static void give_up(struct upload *upload)
{
	CLEANUP(s3_answer_release) struct s3_answer answer = S3_ANSWER_INIT;
	const struct sigv4_query query[] = {{"uploadId", str_text(&upload->id)}};
	const struct s3_call call = {
		.method = "DELETE",
		.key = upload->key,
		.query = query,
		.query_count = 1,
		.is_last = true,
	};
	struct err ignored;

	if (upload->open)
		(void)!s3_call(upload->s3, &call, &answer, &ignored);
}

/* ---- the parts */

static int fill(struct upload *upload, const struct object_source *source, size_t *ret_size,
	struct err *err)
{
	size_t size = 0;

	while (size < upload->part_max) {
		if (upload->rest.size == 0) {
			int rc = source->next(source->self, &upload->rest, err);
			if (rc < 0)
				return rc;
			if (upload->rest.size == 0)
				break;
		}
		size_t piece = upload->part_max - size;
		if (piece > upload->rest.size)
			piece = upload->rest.size;
		bytes_copy(upload->part + size, upload->rest.data, piece);
		upload->rest = bytes_make(upload->rest.data + piece, upload->rest.size - piece);
		size += piece;
	}
	upload->size += (int64_t)size;
	*ret_size = size;
	return sha256_stream_update(upload->hash, bytes_make(upload->part, size), err);
}

static int send_parts(struct upload *upload, const struct object_source *source, struct err *err)
{
	size_t size = 0;
	int rc = source->rewind(source->self, err);

	for (int number = 1; rc == 0; number++) {
		rc = fill(upload, source, &size, err);
		if (rc < 0 || size == 0)
			return rc;
		rc = number > PARTS_MAX
			     ? err_set(err, ERR_CHECKSUM, "there are more octets than before")
			     : send_part(upload, number, size, err);
	}
	return rc;
}

static int is_same(
	struct upload *upload, int64_t size, const struct sha256 *digest, struct err *err)
{
	struct sha256 found;
	int rc = sha256_stream_finish(upload->hash, &found, err);

	if (rc == 0 && (upload->size != size || !sha256_equal(&found, digest)))
		rc = err_set(err, ERR_CHECKSUM, "it changed while it was sent");
	return rc;
}

int s3_put_parts(struct s3 *s3, const char *key, const struct object_source *source, int64_t size,
	const struct sha256 *digest, bool only_new, enum s3_put *ret_put, struct err *err)
{
	CLEANUP(upload_release) struct upload upload = {.s3 = s3, .key = key};
	const int64_t least = (size + PARTS_MAX - 1) / PARTS_MAX;
	enum s3_put put = S3_PUT_DONE;

	upload.part_max = (size_t)(least > s3->limits.part_size ? least : s3->limits.part_size);
	upload.part = malloc(upload.part_max);
	if (upload.part == NULL)
		return err_no_memory(err);
	int rc = sha256_stream_new(&upload.hash, err);
	if (rc == 0)
		rc = begin(&upload, err);
	if (rc == 0)
		rc = send_parts(&upload, source, err);
	if (rc == 0)
		rc = is_same(&upload, size, digest, err);
	if (rc == 0)
		rc = complete(&upload, only_new, &put, err);
	give_up(&upload);
	if (rc == 0)
		*ret_put = put;
	return rc;
}
