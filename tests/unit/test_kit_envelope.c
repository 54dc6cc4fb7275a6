/* DSSE envelopes: the protocol's own example, and what no envelope may be. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kit/detached.h"
#include "kit/envelope.h"

static struct err err;

static int parse(const char *text, struct arena *arena, struct envelope *envelope)
{
	return envelope_parse(bytes_of_string(text), arena, envelope, &err);
}

/* DSSE v1.0, protocol.md: "hello world" of type http://example.com/HelloWorld. */
static void test_pae(void **state)
{
	CLEANUP_STR struct str out = STR_INIT;

	(void)state;
	assert_int_equal(envelope_pae("http://example.com/HelloWorld",
				 bytes_of_string("hello world"), &out, &err),
		0);
	assert_string_equal(
		str_text(&out), "DSSEv1 29 http://example.com/HelloWorld 11 hello world");
	str_truncate(&out, 0);
	assert_int_equal(envelope_pae("", bytes_make(NULL, 0), &out, &err), 0);
	assert_string_equal(str_text(&out), "DSSEv1 0  0 ");
}

static void test_round_trip(void **state)
{
	static const char text[] =
		"{\"payload\":\"aGVsbG8gd29ybGQ=\",\"payloadType\":\"t/x\",\"signatures\":["
		"{\"keyid\":\"k1\",\"sig\":\"AQI=\"},{\"sig\":\"Aw==\"}]}";
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str out = STR_INIT;
	struct envelope envelope;

	(void)state;
	assert_int_equal(parse(text, &arena, &envelope), 0);
	assert_string_equal(envelope.payload_type, "t/x");
	assert_true(bytes_equal(envelope.untrusted_payload, bytes_of_string("hello world")));
	assert_int_equal(envelope.signature_count, 2);
	assert_string_equal(envelope.signatures[0].untrusted_keyid, "k1");
	assert_string_equal(envelope.signatures[1].untrusted_keyid, "");
	assert_true(bytes_equal(envelope.signatures[0].signature, bytes_make("\1\2", 2)));
	assert_int_equal(envelope_write(&envelope, &out, &err), 0);
	assert_string_equal(str_text(&out), text);
}

#define SIGNED(sigs) "{\"payload\":\"YQ==\",\"payloadType\":\"t\",\"signatures\":" sigs "}"

static void test_passes_over_what_it_does_not_know(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct envelope envelope;

	(void)state;
	assert_int_equal(parse("{\"x\":1,\"payload\":\"\",\"payloadType\":\"t\",\"signatures\":["
			       "{\"sig\":\"AQ==\",\"cert\":\"-\"}]}",
				 &arena, &envelope),
		0);
	assert_int_equal(envelope.untrusted_payload.size, 0);
}

static void test_refuses(void **state)
{
	static const char *const cases[] = {
		"",
		"[]",
		"{}",
		SIGNED("{}"),
		SIGNED("null"),
		SIGNED("[\"AQ==\"]"),
		SIGNED("[{}]"),
		SIGNED("[{\"sig\":\"\"}]"),
		SIGNED("[{\"sig\":\"AQ==\",\"keyid\":1}]"),
		SIGNED("[{\"sig\":\"AQ\"}]"),
		SIGNED("[{\"sig\":\"AR==\"}]"),
		SIGNED("[{\"sig\":\"AQ==\\n\"}]"),
		SIGNED("[{\"sig\":\"-_-/\"}]"),
		SIGNED("[{\"sig\":\"/+-_\"}]"),
		SIGNED("[{\"sig\":\"-_\"}]"),
		SIGNED("[{\"sig\":\"AQ==\"},{\"sig\":\"\"}]"),
		SIGNED("[{\"sig\":\"AQ==\"}],\"payload\":\"YQ==\""),
		SIGNED("[{\"sig\":\"AQ==\"}]") "x",
		"{\"payload\":\"YQ\",\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"AQ==\"}]}",
		"{\"payload\":\"YQ==\",\"payloadType\":\"\",\"signatures\":[{\"sig\":\"AQ==\"}]}",
		"{\"payload\":\"YQ==\",\"signatures\":[{\"sig\":\"AQ==\"}]}",
		"{\"payloadType\":\"t\",\"signatures\":[{\"sig\":\"AQ==\"}]}",
		"{\"payload\":\"YQ==\",\"payloadType\":\"t\"}",
	};
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct envelope envelope;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		assert_int_equal(parse(cases[i], &arena, &envelope), -ERR_SYNTAX);
	assert_int_equal(parse(SIGNED("[]"), &arena, &envelope), -ERR_MANIFEST_SIGNATURE);
}

/* DSSE allows either alphabet, and each value is of one. */
static void test_either_alphabet(void **state)
{
	static const uint8_t octets[] = {0xfb, 0xff, 0xbf};
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct envelope envelope;

	(void)state;
	assert_int_equal(parse("{\"payload\":\"-_-_\",\"payloadType\":\"t\",\"signatures\":["
			       "{\"sig\":\"+/+/\"},{\"sig\":\"-_-_\"}]}",
				 &arena, &envelope),
		0);
	assert_true(bytes_equal(envelope.untrusted_payload, bytes_make(octets, 3)));
	assert_true(bytes_equal(envelope.signatures[0].signature, bytes_make(octets, 3)));
	assert_true(bytes_equal(envelope.signatures[1].signature, bytes_make(octets, 3)));
}

static int parse_with_signatures(size_t count, size_t keyid_size, size_t type_size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct envelope envelope;

	str_append_text(&text, "{\"payload\":\"YQ==\",\"payloadType\":\"");
	for (size_t i = 0; i < type_size; i++)
		str_append_char(&text, 't');
	str_append_text(&text, "\",\"signatures\":[");
	for (size_t i = 0; i < count; i++) {
		str_append_text(&text, i == 0 ? "{\"keyid\":\"" : ",{\"keyid\":\"");
		for (size_t k = 0; k < keyid_size; k++)
			str_append_char(&text, 'k');
		str_append_text(&text, "\",\"sig\":\"AQ==\"}");
	}
	str_append_text(&text, "]}");
	return envelope_parse(str_bytes(&text), &arena, &envelope, &err);
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(parse_with_signatures(ENVELOPE_SIGNATURES_MAX, 1, 1), 0);
	assert_int_equal(parse_with_signatures(ENVELOPE_SIGNATURES_MAX + 1, 1, 1), -ERR_LIMIT);
	assert_int_equal(parse_with_signatures(1, ENVELOPE_KEYID_MAX, 1), 0);
	assert_int_equal(parse_with_signatures(1, ENVELOPE_KEYID_MAX + 1, 1), -ERR_LIMIT);
	assert_int_equal(parse_with_signatures(1, 1, ENVELOPE_TYPE_MAX), 0);
	assert_int_equal(parse_with_signatures(1, 1, ENVELOPE_TYPE_MAX + 1), -ERR_LIMIT);
}

static void test_size_limit(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct envelope envelope;

	(void)state;
	str_append_text(&text, SIGNED("[{\"sig\":\"AQ==\"}]"));
	while (text.size < ENVELOPE_SIZE_MAX)
		str_append_char(&text, ' ');
	assert_int_equal(envelope_parse(str_bytes(&text), &arena, &envelope, &err), 0);
	str_append_char(&text, ' ');
	assert_int_equal(envelope_parse(str_bytes(&text), &arena, &envelope, &err), -ERR_LIMIT);
}

static struct private_key *load(const char *path)
{
	CLEANUP_STR struct str pem = STR_INIT;
	struct private_key *key = NULL;

	assert_int_equal(file_read_path(path, KEY_PEM_MAX, &pem, &err), 0);
	assert_int_equal(private_key_from_pem(str_bytes(&pem), &key, &err), 0);
	return key;
}

static void test_sign(void **state)
{
	CLEANUP(private_key_cleanup) struct private_key *eu = load("fixtures/keys/release-eu.key");
	CLEANUP(private_key_cleanup) struct private_key *ed = load("fixtures/keys/ed25519.key");
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str pae = STR_INIT, first = STR_INIT, again = STR_INIT;
	struct envelope envelope = {
		.payload_type = "t/x", .untrusted_payload = bytes_of_string("payload")};

	(void)state;
	assert_int_equal(envelope_sign(&envelope, eu, KEY_ECDSA_P256_SHA256, "", &arena, &err), 0);
	assert_int_equal(envelope_sign(&envelope, ed, KEY_ED25519, "hint", &arena, &err), 0);
	assert_int_equal(envelope.signature_count, 2);
	assert_int_equal(envelope_write(&envelope, &first, &err), 0);
	assert_int_equal(envelope_sign(&envelope, eu, KEY_ECDSA_P256_SHA256, "", &arena, &err), 0);
	assert_int_equal(envelope.signature_count, 2);
	assert_int_equal(envelope_write(&envelope, &again, &err), 0);
	assert_string_equal(str_text(&first), str_text(&again));
	assert_int_equal(envelope_pae("t/x", bytes_of_string("payload"), &pae, &err), 0);
	struct signed_message message = signed_message_make(KEY_USE_ENVELOPE, str_bytes(&pae));
	assert_int_equal(public_key_verify(private_key_public(ed), KEY_ED25519, &message,
				 envelope.signatures[1].signature, &err),
		0);
}

static void test_sign_limit(void **state)
{
	CLEANUP(private_key_cleanup) struct private_key *ed = load("fixtures/keys/ed25519.key");
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct envelope_signature others[ENVELOPE_SIGNATURES_MAX];
	struct envelope envelope = {.payload_type = "t",
		.untrusted_payload = bytes_of_string("p"),
		.signature_count = ENVELOPE_SIGNATURES_MAX,
		.signatures = others};

	(void)state;
	for (size_t i = 0; i < ENVELOPE_SIGNATURES_MAX; i++)
		others[i] = (struct envelope_signature){"", bytes_make("x", 1)};
	assert_int_equal(envelope_sign(&envelope, ed, KEY_ED25519, "", &arena, &err), -ERR_LIMIT);
	envelope.signature_count--;
	assert_int_equal(envelope_sign(&envelope, ed, KEY_ED25519, "", &arena, &err), 0);
	assert_int_equal(envelope.signature_count, ENVELOPE_SIGNATURES_MAX);
}

static void test_add(void **state)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct envelope envelope = {.payload_type = "t"};
	uint8_t octets[ENVELOPE_SIGNATURES_MAX + 1];

	(void)state;
	for (size_t i = 0; i < ENVELOPE_SIGNATURES_MAX; i++) {
		octets[i] = (uint8_t)i;
		assert_int_equal(
			envelope_add(&envelope, bytes_make(&octets[i], 1), &arena, &err), 0);
		assert_int_equal(
			envelope_add(&envelope, bytes_make(&octets[i], 1), &arena, &err), 0);
		assert_int_equal(envelope.signature_count, i + 1);
	}
	octets[ENVELOPE_SIGNATURES_MAX] = ENVELOPE_SIGNATURES_MAX;
	assert_int_equal(envelope_add(&envelope, bytes_make(&octets[ENVELOPE_SIGNATURES_MAX], 1),
				 &arena, &err),
		-ERR_LIMIT);
	assert_int_equal(envelope_add(&envelope, bytes_make(&octets[5], 1), &arena, &err), 0);
	octets[0] = 77;
	assert_int_equal(envelope.signatures[0].signature.data[0], 0);
}

static int status_of_detached(const char *text)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct detached detached;

	return detached_parse(bytes_of_string(text), &arena, &detached, &err);
}

static void test_detached(void **state)
{
	static const char *const bad[] = {"", "\n", "AQ==\n\n", "AQ==\r\n", " AQ==", "AQ", "-_-_"};
	CLEANUP(private_key_cleanup) struct private_key *eu = load("fixtures/keys/release-eu.key");
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct bytes content = bytes_of_string("sums");
	struct signed_message message = signed_message_make(KEY_USE_BLOB, content);
	struct detached detached;

	(void)state;
	assert_int_equal(detached_sign(content, eu, KEY_ECDSA_P256_SHA256, &text, &err), 0);
	assert_int_equal(detached_parse(str_bytes(&text), &arena, &detached, &err), 0);
	assert_int_equal(public_key_verify(private_key_public(eu), KEY_ECDSA_P256_SHA256, &message,
				 detached.signature, &err),
		0);
	assert_int_equal(detached.digest_size, DIGEST_NONE);
	assert_int_equal(status_of_detached("AQ==\n"), 0);
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		assert_int_equal(status_of_detached(bad[i]), -ERR_SYNTAX);
	str_truncate(&text, 0);
	while (text.size < DETACHED_SIZE_MAX)
		str_append_char(&text, 'A');
	assert_int_equal(detached_parse(str_bytes(&text), &arena, &detached, &err), 0);
	str_append_char(&text, '\n');
	assert_int_equal(detached_parse(str_bytes(&text), &arena, &detached, &err), -ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pae),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_passes_over_what_it_does_not_know),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_either_alphabet),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_size_limit),
		cmocka_unit_test(test_sign),
		cmocka_unit_test(test_sign_limit),
		cmocka_unit_test(test_add),
		cmocka_unit_test(test_detached),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
