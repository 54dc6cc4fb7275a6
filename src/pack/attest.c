#include "pack/attest.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"
#include "crypto/digest.h"
#include "json/json_write.h"
#include "kit/manifest.h"
#include "kit/name.h"
#include "kit/statement.h"
#include "text/text.h"
#include "verify/image.h"

/* As cosign attest-blob --type has them. */
static const struct {
	const char *name;
	const char *type;
} types[] = {
	{"custom", "https://cosign.sigstore.dev/attestation/v1"},
	{"cyclonedx", "https://cyclonedx.org/bom"},
	{"link", "https://in-toto.io/Link/v1"},
	{"openvex", "https://openvex.dev/ns"},
	{"slsaprovenance", "https://slsa.dev/provenance/v0.2"},
	{"slsaprovenance02", "https://slsa.dev/provenance/v0.2"},
	{"slsaprovenance1", "https://slsa.dev/provenance/v1"},
	{"spdx", "https://spdx.dev/Document"},
	{"spdxjson", "https://spdx.dev/Document"},
	{"vuln", "https://cosign.sigstore.dev/attestation/vuln/v1"},
};

const char *attest_predicate_type(const char *name)
{
	for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
		if (strcmp(types[i].name, name) == 0)
			return types[i].type;
	return uri_valid(name) ? name : NULL;
}

int attest_add(struct attest_subjects *subjects, const char *name, const struct sha256 *digest,
	struct arena *arena, struct err *err)
{
	if (subjects->count == STATEMENT_SUBJECTS_MAX)
		return err_set(err, ERR_LIMIT, "a statement is about %d files at most",
			STATEMENT_SUBJECTS_MAX);
	if (subjects->count == subjects->room) {
		size_t room = subjects->room > 0 ? 2 * subjects->room : 64;
		struct attest_subject *items = arena_array(arena, room, sizeof *items);
		if (items == NULL)
			return err_no_memory(err);
		if (subjects->count > 0)
			memcpy(items, subjects->items, subjects->count * sizeof *items);
		subjects->items = items;
		subjects->room = room;
	}
	subjects->items[subjects->count++] = (struct attest_subject){name, *digest};
	return 0;
}

static int digest_file(int dirfd, const char *name, struct sha256_stream *stream,
	struct sha256 *ret, struct err *err)
{
	CLEANUP_FD int fd = -1;
	int64_t size;
	int rc = file_open_at(dirfd, name, &fd, err);

	if (rc < 0)
		return rc;
	rc = sha256_of_file(stream, fd, ret, &size, err);
	return rc < 0 ? err_context(err, "%s", name) : 0;
}

static int check_names(const char *const *names, size_t count, struct err *err)
{
	CLEANUP(name_set_cleanup) struct name_set *set = NULL;
	int rc = name_set_new(&set, err);

	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = name_check(bytes_of_string(names[i]), err);
		if (rc == 0)
			rc = name_set_add(set, names[i], err);
		if (rc < 0)
			(void)err_recode(err, ERR_USAGE);
	}
	return rc;
}

int attest_add_files(struct attest_subjects *subjects, int dirfd, const char *const *names,
	size_t count, struct arena *arena, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	struct sha256 digest;
	int rc = check_names(names, count, err);

	if (rc == 0)
		rc = sha256_stream_new(&stream, err);
	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = digest_file(dirfd, names[i], stream, &digest, err);
		if (rc == 0)
			rc = attest_add(subjects, names[i], &digest, arena, err);
	}
	return rc;
}

static int walk_image(int fd, struct arena *arena, struct image *image, struct err *err)
{
	CLEANUP(image_reader_cleanup) struct image_reader *reader = NULL;
	uint8_t octets[64 * 1024];
	struct stat st;
	ssize_t got = 0;
	int rc;

	if (fstat(fd, &st) != 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "its size");
	if ((rc = image_reader_start(&reader, err)) < 0 ||
		(rc = image_begin(reader, st.st_size, NULL, err)) < 0)
		return rc;
	while (rc == 0 && (got = read(fd, octets, sizeof octets)) > 0)
		rc = image_data(reader, bytes_make(octets, (size_t)got), err);
	if (rc == 0 && got < 0)
		rc = err_set_errno(err, ERR_UNREADABLE, errno, "reading it");
	return rc < 0 ? rc : image_end(reader, arena, image, err);
}

int attest_add_image(struct attest_subjects *subjects, int dirfd, const char *name,
	struct arena *arena, struct err *err)
{
	CLEANUP_FD int fd = -1;
	char hex[SHA256_HEX_SIZE];
	struct image image;
	int rc = check_names(&name, 1, err);

	if (rc == 0)
		rc = file_open_at(dirfd, name, &fd, err);
	if (rc < 0)
		return rc;
	if (walk_image(fd, arena, &image, err) < 0)
		return err_context(err, "%s", name);
	sha256_to_hex(&image.digest, hex);
	const char *called = arena_format(arena, "%s@sha256:%s", name, hex);
	return called == NULL ? err_no_memory(err)
			      : attest_add(subjects, called, &image.digest, arena, err);
}

static int write_statement(const struct attest_subjects *subjects, const char *predicate_type,
	const struct json *predicate, struct str *out, struct err *err)
{
	struct json_writer json;

	json_write_begin(&json, out);
	json_write_object(&json);
	json_member_string(&json, "_type", STATEMENT_TYPE);
	json_member_value(&json, "predicate", predicate);
	json_member_string(&json, "predicateType", predicate_type);
	json_member_array(&json, "subject");
	for (size_t i = 0; i < subjects->count; i++)
		statement_write_subject(&json, subjects->items[i].name, &subjects->items[i].digest);
	json_write_end(&json);
	json_write_end(&json);
	return str_check(out, err);
}

int attest_statement(const struct attest_subjects *subjects, const char *predicate_type,
	struct bytes predicate, struct str *out, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	int rc = json_parse(predicate, JSON_LIMITS(STATEMENT_SIZE_MAX), &doc, err);

	if (rc < 0)
		return err_context(err, "the predicate");
	if (json_type(json_root(doc)) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "the predicate is no object");
	rc = write_statement(subjects, predicate_type, json_root(doc), &text, err);
	return rc < 0 ? rc : json_canonical_text(str_bytes(&text), out, err);
}

static void write_result(struct face *face, const char *out, const char *predicate_type,
	size_t subject_count, size_t signature_count)
{
	struct json_writer writer;

	if (signature_count == 0)
		face_note(face, "nobody has signed it: offkit-pack prepare, and attach, are next");
	if (!face->json) {
		str_append_format(&face->result, "%s: %s about ", out, predicate_type);
		text_plural(&face->result, (int64_t)subject_count, "file", "files");
		str_append_text(&face->result, "; ");
		text_plural(&face->result, (int64_t)signature_count, "signature", "signatures");
		str_append_char(&face->result, '\n');
		return;
	}
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "attestation", out);
	json_member_string(&writer, "predicateType", predicate_type);
	json_member_integer(&writer, "subjects", (int64_t)subject_count);
	json_member_integer(&writer, "signatures", (int64_t)signature_count);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

int attest_finish(struct face *face, const struct signers *signers,
	const struct attest_subjects *subjects, const char *predicate_type, struct bytes predicate,
	const char *out, struct err *err)
{
	CLEANUP_STR struct str statement = STR_INIT, envelope = STR_INIT;
	int rc = attest_statement(subjects, predicate_type, predicate, &statement, err);

	if (rc == 0)
		rc = sign_statement(signers, str_bytes(&statement), &envelope, err);
	if (rc == 0)
		rc = place_file(out, str_bytes(&envelope), 0644, err);
	if (rc == 0)
		write_result(face, out, predicate_type, subjects->count, signers->count);
	return rc;
}
