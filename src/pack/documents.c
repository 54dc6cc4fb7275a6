#include "pack/documents.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "json/json_write.h"
#include "kit/bundle.h"
#include "kit/sums.h"
#include "text/text.h"

void signed_documents_release(struct signed_documents *heads)
{
	str_release(&heads->envelope);
	str_release(&heads->sums);
	str_release(&heads->sums_signature);
}

int signed_documents_check(const struct signed_documents *heads, const struct envelope *envelope,
	struct arena *arena, struct manifest *manifest, struct err *err)
{
	struct sha256 digest;
	struct sums sums;
	int rc;

	if (strcmp(envelope->payload_type, ENVELOPE_TYPE_IN_TOTO) != 0)
		return err_set(err, ERR_SYNTAX, "manifest.dsse does not hold a manifest");
	if ((rc = manifest_parse(envelope->untrusted_payload, arena, manifest, err)) < 0 ||
		(rc = sums_parse(str_bytes(&heads->sums), arena, &sums, err)) < 0 ||
		(rc = sha256_of(str_bytes(&heads->sums), &digest, err)) < 0)
		return rc;
	if (!sha256_equal(&digest, &manifest->sums_digest))
		return err_set(
			err, ERR_MANIFEST_SUMS, "the manifest has another digest of SHA256SUMS");
	return manifest_agrees_with_sums(manifest, &sums, err);
}

int signed_documents_add(const struct signers *signers, struct signed_documents *heads,
	struct signed_summary *ret_summary, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct envelope envelope;
	struct manifest manifest;
	int rc;

	if ((rc = envelope_or_bundle_parse_draft(
		     str_bytes(&heads->envelope), &arena, &envelope, err)) < 0 ||
		(rc = signed_documents_check(heads, &envelope, &arena, &manifest, err)) < 0)
		return rc;
	rc = sign_envelope(signers, &envelope, &arena, err);
	if (rc == 0 && heads->sums_signature.size == 0)
		rc = sign_sums(signers, str_bytes(&heads->sums), &heads->sums_signature, err);
	if (rc < 0)
		return rc;
	return signed_documents_put(heads, &envelope, &manifest, ret_summary, err);
}

int signed_documents_put(struct signed_documents *heads, const struct envelope *envelope,
	const struct manifest *manifest, struct signed_summary *ret_summary, struct err *err)
{
	str_truncate(&heads->envelope, 0);
	int rc = envelope_write(envelope, &heads->envelope, err);
	if (rc < 0)
		return rc;
	(void)snprintf(ret_summary->kit, sizeof ret_summary->kit, "%s %s", manifest->name,
		manifest->version);
	ret_summary->signature_count = envelope->signature_count;
	ret_summary->sums_signed = heads->sums_signature.size > 0;
	ret_summary->key_count = ret_summary->threshold = 0;
	return 0;
}

void signed_summary_write(const struct signed_summary *summary, const char *path, struct face *face)
{
	struct json_writer writer;

	if (!face->json) {
		str_append_format(&face->result, "%s: %s%s", path, summary->kit,
			summary->kit[0] != '\0' ? "; " : "");
		text_plural(&face->result, (int64_t)summary->signature_count, "signature",
			"signatures");
		if (summary->threshold > 0)
			str_append_format(&face->result, "; of the %zu keys that must sign, %zu %s",
				summary->threshold, summary->key_count,
				summary->key_count == 1 ? "has" : "have");
		str_append_char(&face->result, '\n');
		return;
	}
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, summary->kit[0] != '\0' ? "kit" : "envelope", path);
	json_member_integer(&writer, "signatures", (int64_t)summary->signature_count);
	if (summary->threshold > 0) {
		json_member_integer(&writer, "keys", (int64_t)summary->key_count);
		json_member_integer(&writer, "threshold", (int64_t)summary->threshold);
	}
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}
