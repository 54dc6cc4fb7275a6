/* What the reader of envelopes takes survives being written; nothing unsigned is taken. */
#include "base/cleanup.h"
#include "kit/detached.h"
#include "kit/envelope.h"
#include "tests/fuzz/target.h"

static void write_and_read_again(const struct envelope *envelope)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str text = STR_INIT;
	struct envelope again;
	struct err err;

	HOLDS(envelope_write(envelope, &text, &err) == 0);
	HOLDS(envelope_parse(str_bytes(&text), &arena, &again, &err) == 0);
	HOLDS(bytes_equal(again.untrusted_payload, envelope->untrusted_payload));
	HOLDS(again.signature_count == envelope->signature_count);
	for (size_t i = 0; i < again.signature_count; i++)
		HOLDS(bytes_equal(
			again.signatures[i].signature, envelope->signatures[i].signature));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str signature = STR_INIT;
	struct envelope envelope;
	struct err err;
	int rc = envelope_parse(bytes_make(data, size), &arena, &envelope, &err);

	/* An envelope that nobody has signed is a matter of signatures. */
	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT || rc == -ERR_MANIFEST_SIGNATURE);
	if (rc == 0) {
		HOLDS(envelope.signature_count >= 1);
		for (size_t i = 0; i < envelope.signature_count; i++)
			HOLDS(envelope.signatures[i].signature.size > 0);
		write_and_read_again(&envelope);
		HOLDS(envelope_parse_draft(bytes_make(data, size), &arena, &envelope, &err) == 0);
	}
	rc = detached_parse(bytes_make(data, size), &signature, &err);
	HOLDS(rc == 0 ? signature.size > 0 : signature.size == 0);
	return 0;
}
