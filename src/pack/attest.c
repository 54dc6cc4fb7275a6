#include "pack/attest.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "json/json_write.h"
#include "kit/manifest.h"
#include "kit/name.h"
#include "kit/statement.h"

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

static int write_subject(struct json_writer *json, int dirfd, const char *name,
	struct sha256_stream *stream, struct err *err)
{
	char hex[SHA256_HEX_SIZE];
	struct sha256 digest;
	int rc = digest_file(dirfd, name, stream, &digest, err);

	if (rc < 0)
		return rc;
	sha256_to_hex(&digest, hex);
	json_write_object(json);
	json_member_object(json, "digest");
	json_member_string(json, "sha256", hex);
	json_write_end(json);
	json_member_string(json, "name", name);
	json_write_end(json);
	return 0;
}

static int check_names(const char *const *names, size_t count, struct err *err)
{
	CLEANUP(name_set_cleanup) struct name_set *set = NULL;
	int rc = name_set_new(&set, err);

	if (rc == 0 && count > STATEMENT_SUBJECTS_MAX)
		return err_set(err, ERR_LIMIT, "a statement is about %d files at most",
			STATEMENT_SUBJECTS_MAX);
	for (size_t i = 0; i < count && rc == 0; i++) {
		rc = name_check(bytes_of_string(names[i]), err);
		if (rc == 0)
			rc = name_set_add(set, names[i], err);
		if (rc < 0)
			(void)err_recode(err, ERR_USAGE);
	}
	return rc;
}

static int write_statement(int dirfd, const char *const *names, size_t count,
	const char *predicate_type, const struct json *predicate, struct str *out, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	struct json_writer json;
	int rc = sha256_stream_new(&stream, err);

	if (rc < 0)
		return rc;
	json_write_begin(&json, out);
	json_write_object(&json);
	json_member_string(&json, "_type", STATEMENT_TYPE);
	json_member_value(&json, "predicate", predicate);
	json_member_string(&json, "predicateType", predicate_type);
	json_member_array(&json, "subject");
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = write_subject(&json, dirfd, names[i], stream, err);
	if (rc < 0)
		return rc;
	json_write_end(&json);
	json_write_end(&json);
	return str_check(out, err);
}

int attest_statement(int dirfd, const char *const *names, size_t count, const char *predicate_type,
	struct bytes predicate, struct str *out, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	int rc;

	if ((rc = check_names(names, count, err)) < 0)
		return rc;
	if ((rc = json_parse(predicate, JSON_LIMITS(STATEMENT_SIZE_MAX), &doc, err)) < 0)
		return err_context(err, "the predicate");
	if (json_type(json_root(doc)) != JSON_OBJECT)
		return err_set(err, ERR_SYNTAX, "the predicate is no object");
	rc = write_statement(dirfd, names, count, predicate_type, json_root(doc), &text, err);
	return rc < 0 ? rc : json_canonical_text(str_bytes(&text), out, err);
}
