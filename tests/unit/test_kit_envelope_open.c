/* An envelope in the memory of its text: what the other reader finds, and the octets it writes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/cleanup.h"
#include "kit/bundle.h"
#include "kit/envelope_open.h"

#define TYPE	   "\"payloadType\":\"application/vnd.in-toto+json\""
#define SIGNATURES "\"signatures\":[{\"keyid\":\"k\",\"sig\":\"AAEC\"},{\"sig\":\"/w==\"}]"

static void same_as_the_other(const char *text)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str opened = STR_INIT, pae = STR_INIT, written = STR_INIT;
	struct envelope expected, found;
	struct err err = {0};

	assert_int_equal(
		envelope_or_bundle_parse(bytes_of_string(text), &arena, &expected, &err), 0);
	assert_int_equal(
		envelope_pae(expected.payload_type, expected.untrusted_payload, &pae, &err), 0);
	assert_int_equal(envelope_write(&expected, &written, &err), 0);
	str_append_text(&opened, text);
	if (envelope_open(&opened, &arena, &found, &err) < 0)
		fail_msg("%s: %s", text, err.message);
	assert_string_equal(str_text(&opened), str_text(&pae));
	assert_string_equal(found.payload_type, expected.payload_type);
	assert_true(bytes_equal(found.untrusted_payload, expected.untrusted_payload));
	assert_int_equal(found.signature_count, expected.signature_count);
	for (size_t i = 0; i < found.signature_count; i++) {
		assert_string_equal(found.signatures[i].untrusted_keyid,
			expected.signatures[i].untrusted_keyid);
		assert_true(bytes_equal(
			found.signatures[i].signature, expected.signatures[i].signature));
	}
	assert_int_equal(envelope_close(&found, &opened, &err), 0);
	assert_string_equal(str_text(&opened), str_text(&written));
}

static void opens_what_the_other_parses(void **state)
{
	(void)state;
	same_as_the_other("{\"payload\":\"\"," TYPE "," SIGNATURES "}");
	same_as_the_other("{\"payload\":\"YQ==\"," TYPE "," SIGNATURES "}");
	same_as_the_other("{\"payload\":\"YWI=\"," TYPE "," SIGNATURES "}");
	same_as_the_other("{\"payload\":\"YWJj\"," TYPE "," SIGNATURES "}");
	same_as_the_other("{" TYPE "," SIGNATURES ",\"payload\":\"YWJjZGVmZ2hpamts\"}");
	same_as_the_other(
		" {" SIGNATURES ",\"x\":[\"payload\"], \"payload\" : \"YWJjZA==\" ," TYPE "}\n");
	/* With an escape in it, which goes the long way. */
	same_as_the_other("{\"payload\":\"YWJ\\u006a\"," TYPE "," SIGNATURES "}");
	same_as_the_other("{\"\\u0070ayload\":\"YWJj\"," TYPE "," SIGNATURES "}");
}

static void refuses_what_the_other_refuses(void **state)
{
	static const char *const texts[] = {
		"",
		"[]",
		"{}",
		"{\"payload\":7," TYPE "," SIGNATURES "}",
		"{" TYPE "," SIGNATURES "}",
		"{\"payload\":\"YQ\"," TYPE "," SIGNATURES "}",
		"{\"payload\":\"YR==\"," TYPE "," SIGNATURES "}",
		"{\"payload\":\"Y Q=\"," TYPE "," SIGNATURES "}",
		"{\"payload\":\"YQ==\",\"payload\":\"YQ==\"," TYPE "," SIGNATURES "}",
		"{\"payload\":\"YQ==\"," TYPE ",\"signatures\":[]}",
		"{\"payload\":\"YQ==\"," TYPE ",\"signatures\":[{\"sig\":\"A\"}]}",
		"{\"payload\":\"YQ==\"," SIGNATURES "}",
		"{\"mediaType\":\"x\",\"payload\":\"YQ==\"," TYPE "," SIGNATURES "}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		CLEANUP_STR struct str opened = STR_INIT;
		struct envelope ignored;
		struct err expected = {0}, found = {0};
		assert_true(envelope_or_bundle_parse(
				    bytes_of_string(texts[i]), &arena, &ignored, &expected) < 0);
		str_append_text(&opened, texts[i]);
		assert_true(envelope_open(&opened, &arena, &ignored, &found) < 0);
		if (expected.code != found.code)
			fail_msg("%s: %s, %s", texts[i], expected.message, found.message);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(opens_what_the_other_parses),
		cmocka_unit_test(refuses_what_the_other_refuses),
	};

	return cmocka_run_group_tests_name("kit: envelope, opened", tests, NULL, NULL);
}
