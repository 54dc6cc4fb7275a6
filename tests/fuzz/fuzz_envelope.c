/* What the readers of envelopes and bundles take survives being written; nothing unsigned is taken.
 */
#include "base/cleanup.h"
#include "kit/bundle.h"
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

static void check_envelope(struct bytes input, struct arena *arena)
{
	struct envelope envelope, same;
	struct err err;
	int rc = envelope_parse(input, arena, &envelope, &err);

	/* An envelope that nobody has signed is a matter of signatures. */
	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT || rc == -ERR_MANIFEST_SIGNATURE);
	if (rc < 0)
		return;
	HOLDS(envelope.signature_count >= 1);
	for (size_t i = 0; i < envelope.signature_count; i++)
		HOLDS(envelope.signatures[i].signature.size > 0);
	write_and_read_again(&envelope);
	HOLDS(envelope_parse_draft(input, arena, &same, &err) == 0);
}

static void check_bundle(struct bytes input, struct arena *arena)
{
	struct envelope envelope;
	struct bundle bundle;
	struct err err;
	int rc = bundle_parse(input, arena, &bundle, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT || rc == -ERR_MANIFEST_SIGNATURE);
	if (rc < 0)
		return;
	HOLDS(bundle.has_envelope ? bundle.envelope.signature_count == 1
				  : bundle.blob.signature.size > 0);
	rc = envelope_or_bundle_parse(input, arena, &envelope, &err);
	HOLDS(rc == (bundle.has_envelope ? 0 : -ERR_SYNTAX));
	if (rc == 0)
		write_and_read_again(&envelope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct bytes input = bytes_make(data, size);
	struct detached detached;
	struct err err;

	check_envelope(input, &arena);
	check_bundle(input, &arena);
	int rc = detached_parse(input, &arena, &detached, &err);
	HOLDS(rc < 0 || detached.signature.size > 0);
	return 0;
}
