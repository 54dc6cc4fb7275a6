/* Sigstore bundles: those that programs make, and what none may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kit/bundle.h"

static struct err err;

#define V01 "application/vnd.dev.sigstore.bundle+json;version=0.1"
#define V02 "application/vnd.dev.sigstore.bundle+json;version=0.2"
#define V03 "application/vnd.dev.sigstore.bundle.v0.3+json"
#define KEY "{\"publicKey\":{\"hint\":\"h\"}}"
#define ENVELOPE                                                                                   \
	"\"dsseEnvelope\":{\"payload\":\"YQ==\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":"   \
	"\"AQ==\"}]}"
#define DIGEST                                                                                     \
	"\"messageDigest\":{\"algorithm\":\"SHA2_256\",\"digest\":"                                \
	"\"WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=\"},"
#define MESSAGE "\"messageSignature\":{" DIGEST "\"signature\":\"AQ==\"}"
#define BUNDLE(type, material, content)                                                            \
	"{\"mediaType\":\"" type "\",\"verificationMaterial\":" material "," content "}"
#define PROOFS "\"publicKey\":{\"hint\":\"h\"},\"tlogEntries\":"

static int parse(const char *text, struct arena *arena, struct bundle *bundle)
{
	return bundle_parse(bytes_of_string(text), arena, bundle, &err);
}

static int status_of(const char *text)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct bundle bundle;

	return parse(text, &arena, &bundle);
}

static void test_every_version(void **state)
{
	static const char *const texts[] = {
		BUNDLE(V01, KEY, ENVELOPE),
		BUNDLE(V02, KEY, ENVELOPE),
		BUNDLE(V03, KEY, ENVELOPE),
		BUNDLE("application/vnd.dev.sigstore.bundle+json;version=0.3", KEY, ENVELOPE),
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		struct bundle bundle;
		assert_int_equal(parse(texts[i], &arena, &bundle), 0);
		assert_true(bundle.has_envelope);
		assert_string_equal(bundle.untrusted_hint, "h");
		assert_string_equal(bundle.envelope.payload_type, "t");
		assert_int_equal(bundle.envelope.signature_count, 1);
		assert_int_equal(bundle.proofs.log_entries, 0);
	}
}

/* As cosign 2.5 and 3.1 write it: a key of P-256, and one of Ed25519, whose digest is missing. */
static void test_message(void **state)
{
	static const char *const without[] = {
		BUNDLE(V03, KEY,
			"\"messageSignature\":{\"messageDigest\":{},\"signature\":\"AQ==\"}"),
		BUNDLE(V03, KEY, "\"messageSignature\":{\"signature\":\"AQ==\"}"),
		BUNDLE(V03, KEY,
			"\"messageSignature\":{\"messageDigest\":null,\"signature\":\"AQ==\"}"),
	};
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct signed_message hello = signed_message_make(KEY_USE_BLOB, bytes_of_string("hello\n"));
	struct signed_message other = signed_message_make(KEY_USE_BLOB, bytes_of_string("hello"));
	struct bundle bundle;
	bool fits;

	(void)state;
	assert_int_equal(parse(BUNDLE(V03, KEY, MESSAGE), &arena, &bundle), 0);
	assert_false(bundle.has_envelope);
	assert_true(bytes_equal(bundle.blob.signature, bytes_make("\1", 1)));
	assert_int_equal(bundle.blob.digest_size, DIGEST_256);
	assert_int_equal(detached_fits(&bundle.blob, &hello, &fits, &err), 0);
	assert_true(fits);
	assert_int_equal(detached_fits(&bundle.blob, &other, &fits, &err), 0);
	assert_false(fits);
	for (size_t i = 0; i < sizeof without / sizeof without[0]; i++) {
		assert_int_equal(parse(without[i], &arena, &bundle), 0);
		assert_int_equal(bundle.blob.digest_size, DIGEST_NONE);
		assert_int_equal(detached_fits(&bundle.blob, &other, &fits, &err), 0);
		assert_true(fits);
	}
}

static void test_other_digests(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct signed_message abc = signed_message_make(KEY_USE_BLOB, bytes_of_string("abc"));
	struct bundle bundle;
	bool fits;

	(void)state;
	assert_int_equal(
		parse(BUNDLE(V03, KEY,
			      "\"messageSignature\":{\"messageDigest\":{\"algorithm\":"
			      "\"SHA2_384\",\"digest\":\"ywB1P0WjXou1oD1pmsZQBycsMqsO3tFj"
			      "GotgWkP/W+2AhgcroefMI1i67KE0yCWn\"},\"signature\":\"AQ==\"}"),
			&arena, &bundle),
		0);
	assert_int_equal(bundle.blob.digest_size, DIGEST_384);
	assert_int_equal(detached_fits(&bundle.blob, &abc, &fits, &err), 0);
	assert_true(fits);
}

static void test_counts_proofs(void **state)
{
	static const char text[] = BUNDLE(V02,
		"{\"x509CertificateChain\":{\"certificates\":[{\"rawBytes\":\"AQ==\"},{"
		"\"rawBytes\":"
		"\"Ag==\"}]},\"tlogEntries\":[{\"logIndex\":\"1\"}],\"timestampVerificationData\":{"
		"\"rfc3161Timestamps\":[{\"signedTimestamp\":\"AQ==\"},{\"signedTimestamp\":\"AQ=="
		"\"},"
		"{\"signedTimestamp\":\"AQ==\"}]}}",
		ENVELOPE);
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct envelope envelope;
	struct bundle bundle;

	(void)state;
	assert_int_equal(parse(text, &arena, &bundle), 0);
	assert_string_equal(bundle.untrusted_hint, "");
	assert_int_equal(
		envelope_or_bundle_parse(bytes_of_string(text), &arena, &envelope, &err), 0);
	assert_int_equal(envelope.proofs.certificates, 2);
	assert_int_equal(envelope.proofs.log_entries, 1);
	assert_int_equal(envelope.proofs.timestamps, 3);
	assert_int_equal(parse(BUNDLE(V03, "{\"certificate\":{\"rawBytes\":\"AQ==\"}}", MESSAGE),
				 &arena, &bundle),
		0);
	assert_int_equal(bundle.blob.proofs.certificates, 1);
}

/* The JSON form of protobuf: what is null is absent, and what is not known is passed over. */
static void test_passes_over(void **state)
{
	static const char *const texts[] = {
		BUNDLE(V03, "{\"publicKey\":{}}", ENVELOPE),
		BUNDLE(V03, "{\"publicKey\":{\"hint\":null}}", ENVELOPE),
		BUNDLE(V03, "{\"publicKey\":{\"hint\":\"\"}}", ENVELOPE),
		BUNDLE(V03, "{\"publicKey\":{},\"certificate\":null}", ENVELOPE),
		BUNDLE(V03, "{" PROOFS "[]}", ENVELOPE),
		BUNDLE(V03, "{" PROOFS "null,\"timestampVerificationData\":null}", ENVELOPE),
		BUNDLE(V03, "{" PROOFS "[{}],\"timestampVerificationData\":{}}", ENVELOPE),
		BUNDLE(V03, KEY, ENVELOPE ",\"messageSignature\":null"),
		BUNDLE(V03, KEY, MESSAGE ",\"dsseEnvelope\":null,\"x\":{}"),
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		assert_int_equal(status_of(texts[i]), 0);
}

#define DIGEST_OF(algorithm, digest)                                                               \
	BUNDLE(V03, KEY,                                                                           \
		"\"messageSignature\":{\"messageDigest\":{" algorithm digest                       \
		"},\"signature\":\"AQ==\"}")

static void test_refuses(void **state)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{}",
		"{\"mediaType\":\"" V03 "\"}",
		BUNDLE("application/vnd.dev.sigstore.bundle.v0.4+json", KEY, ENVELOPE),
		BUNDLE("application/vnd.dev.sigstore.bundle+json;version=0.4", KEY, ENVELOPE),
		BUNDLE("application/vnd.dev.sigstore.bundle+json", KEY, ENVELOPE),
		BUNDLE(V03 " ", KEY, ENVELOPE),
		BUNDLE("", KEY, ENVELOPE),
		"{\"verificationMaterial\":" KEY "," ENVELOPE "}",
		"{\"mediaType\":\"" V03 "\"," ENVELOPE "}",
		BUNDLE(V03, "{}", ENVELOPE),
		BUNDLE(V03, "null", ENVELOPE),
		BUNDLE(V03, "{\"publicKey\":\"k\"}", ENVELOPE),
		BUNDLE(V03, "{\"publicKey\":{\"hint\":1}}", ENVELOPE),
		BUNDLE(V03, "{\"publicKey\":{},\"certificate\":{\"rawBytes\":\"AQ==\"}}", ENVELOPE),
		BUNDLE(V03, "{\"certificate\":{}}", ENVELOPE),
		BUNDLE(V03, "{\"certificate\":{\"rawBytes\":\"AQ\"}}", ENVELOPE),
		BUNDLE(V03, "{\"x509CertificateChain\":{\"certificates\":[{}]}}", ENVELOPE),
		BUNDLE(V03, "{" PROOFS "{}}", ENVELOPE),
		BUNDLE(V03, "{" PROOFS "[1]}", ENVELOPE),
		BUNDLE(V03, "{" PROOFS "[],\"timestampVerificationData\":[]}", ENVELOPE),
		BUNDLE(V03,
			"{" PROOFS "[],\"timestampVerificationData\":{\"rfc3161Timestamps\":[{}]}}",
			ENVELOPE),
		BUNDLE(V03, KEY, "\"x\":1"),
		BUNDLE(V03, KEY, ENVELOPE "," MESSAGE),
		BUNDLE(V03, KEY, "\"dsseEnvelope\":{}"),
		BUNDLE(V03, KEY, "\"dsseEnvelope\":[]"),
		BUNDLE(V03, KEY,
			"\"dsseEnvelope\":{\"payload\":\"YQ==\",\"payloadType\":\"t\","
			"\"signatures\":"
			"[{\"sig\":\"AQ==\"},{\"sig\":\"AQ==\"}]}"),
		BUNDLE(V03, KEY, "\"messageSignature\":{}"),
		BUNDLE(V03, KEY, "\"messageSignature\":{\"signature\":\"\"}"),
		BUNDLE(V03, KEY, "\"messageSignature\":{\"signature\":\"AQ\"}"),
		BUNDLE(V03, KEY, "\"messageSignature\":{\"signature\":\"-_-_\"}"),
		DIGEST_OF("\"algorithm\":\"SHA2_256\"", ""),
		DIGEST_OF("", "\"digest\":\"AQ==\""),
		DIGEST_OF("\"algorithm\":\"SHA2_256\",", "\"digest\":\"AQ==\""),
		DIGEST_OF("\"algorithm\":\"SHA2_384\",",
			"\"digest\":\"WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=\""),
		DIGEST_OF("\"algorithm\":\"SHA3_256\",",
			"\"digest\":\"WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=\""),
		DIGEST_OF("\"algorithm\":1,",
			"\"digest\":\"WJG1tSLV3whtD/CxEPvZ0hu0/HFjrzTQgoai6Eb2vgM=\""),
		BUNDLE(V03, KEY, ENVELOPE) "x",
		BUNDLE(V03, KEY, ENVELOPE ",\"mediaType\":\"" V03 "\""),
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(status_of(cases[i]), -ERR_SYNTAX);
	assert_int_equal(status_of(BUNDLE(V03, KEY,
				 "\"dsseEnvelope\":{\"payload\":\"YQ==\",\"payloadType\":\"t\","
				 "\"signatures\":"
				 "[]}")),
		-ERR_MANIFEST_SIGNATURE);
}

static int status_with(size_t entries, size_t hint_size, size_t timestamp_text)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct bundle bundle;

	str_append_text(&text,
		"{\"mediaType\":\"" V03 "\",\"verificationMaterial\":{\"publicKey\":{"
		"\"hint\":\"");
	for (size_t i = 0; i < hint_size; i++)
		str_append_char(&text, 'h');
	str_append_text(&text, "\"},\"tlogEntries\":[");
	for (size_t i = 0; i < entries; i++)
		str_append_text(&text, i == 0 ? "{}" : ",{}");
	str_append_text(&text, "],\"timestampVerificationData\":{\"rfc3161Timestamps\":[{"
			       "\"signedTimestamp\":\"");
	for (size_t i = 0; i < timestamp_text; i++)
		str_append_char(&text, 'A');
	str_append_text(&text, "\"}]}}," ENVELOPE "}");
	return bundle_parse(str_bytes(&text), &arena, &bundle, &err);
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(status_with(BUNDLE_PROOFS_MAX, 1, 4), 0);
	assert_int_equal(status_with(BUNDLE_PROOFS_MAX + 1, 1, 4), -ERR_LIMIT);
	assert_int_equal(status_with(1, ENVELOPE_KEYID_MAX, 4), 0);
	assert_int_equal(status_with(1, ENVELOPE_KEYID_MAX + 1, 4), -ERR_LIMIT);
	assert_int_equal(status_with(1, 1, BUNDLE_PROOF_TEXT_MAX), 0);
	assert_int_equal(status_with(1, 1, BUNDLE_PROOF_TEXT_MAX + 4), -ERR_LIMIT);
}

/* Both forms of an envelope through one door; a blob's signature is none. */
static void test_either_form(void **state)
{
	static const char plain[] =
		"{\"payload\":\"YQ==\",\"payloadType\":\"t\",\"signatures\":[]}";
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct envelope envelope;

	(void)state;
	assert_int_equal(envelope_or_bundle_parse(bytes_of_string(BUNDLE(V03, KEY, ENVELOPE)),
				 &arena, &envelope, &err),
		0);
	assert_int_equal(envelope_or_bundle_parse(bytes_of_string(BUNDLE(V03, KEY, MESSAGE)),
				 &arena, &envelope, &err),
		-ERR_SYNTAX);
	assert_int_equal(envelope_or_bundle_parse(bytes_of_string(plain), &arena, &envelope, &err),
		-ERR_MANIFEST_SIGNATURE);
	assert_int_equal(
		envelope_or_bundle_parse_draft(bytes_of_string(plain), &arena, &envelope, &err), 0);
	assert_int_equal(envelope.signature_count, 0);
	assert_int_equal(
		envelope_or_bundle_parse_draft(bytes_of_string("[]"), &arena, &envelope, &err),
		-ERR_SYNTAX);
	/* Whoever says "mediaType" means a bundle, and has its errors. */
	assert_int_equal(
		envelope_or_bundle_parse(
			bytes_of_string("{\"mediaType\":\"t\",\"payload\":\"YQ==\",\"payloadType\":"
					"\"t\",\"signatures\":[{\"sig\":\"AQ==\"}]}"),
			&arena, &envelope, &err),
		-ERR_SYNTAX);
	assert_non_null(strstr(err.message, "media type"));
}

static void test_beside_a_file(void **state)
{
	static const char *const bad[] = {
		BUNDLE(V03, KEY, ENVELOPE), "{}", "{", " {}", " " BUNDLE(V03, KEY, MESSAGE)};
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct detached detached;

	(void)state;
	assert_int_equal(detached_parse(bytes_of_string(BUNDLE(V03, KEY, MESSAGE) "\n"), &arena,
				 &detached, &err),
		0);
	assert_int_equal(detached.digest_size, DIGEST_256);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(detached_parse(bytes_of_string(bad[i]), &arena, &detached, &err),
			-ERR_SYNTAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_version),
		cmocka_unit_test(test_message),
		cmocka_unit_test(test_other_digests),
		cmocka_unit_test(test_counts_proofs),
		cmocka_unit_test(test_passes_over),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_either_form),
		cmocka_unit_test(test_beside_a_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
