/* What a site's receipt says, and its envelope, of anybody's making. The input is a statement,
 * which the target signs, or an envelope as it is. */
#include <string.h>

#include "base/cleanup.h"
#include "kit/envelope.h"
#include "kit/receipt.h"
#include "tests/fuzz/aid.h"

static void check_limits(const struct receipt *receipt)
{
	struct sha256 digest;

	HOLDS(receipt->file_count >= 1 && receipt->file_count <= RECEIPT_FILES_MAX);
	HOLDS(receipt->step_count <= RECEIPT_STEPS_MAX);
	HOLDS(receipt->answer_count <= RECEIPT_ANSWERS_MAX);
	HOLDS(receipt->hash_count <= RECEIPT_HASHES_MAX);
	HOLDS(*receipt->run != '\0' && strlen(receipt->run) <= RECEIPT_TEXT_MAX);
	HOLDS(sha256_from_hex(bytes_of_string(receipt->kit_digest), &digest));
	HOLDS(sha256_from_hex(bytes_of_string(receipt->head), &digest));
	HOLDS(*receipt->machine == '\0' ||
		sha256_from_hex(bytes_of_string(receipt->machine), &digest));
	HOLDS(receipt->events >= 0 && receipt->duration >= 0 && receipt->exit >= 0);
	for (size_t i = 0; i < receipt->step_count; i++)
		HOLDS(*receipt->steps[i].name != '\0' && receipt->steps[i].duration >= 0);
	for (size_t i = 0; i < receipt->answer_count; i++)
		HOLDS(strlen(receipt->answers[i].reason) <= RECEIPT_TEXT_MAX);
}

/* What is written of it is read, and written alike. */
static void write_again(const struct receipt *receipt, struct arena *arena)
{
	CLEANUP_STR struct str first = STR_INIT, second = STR_INIT;
	struct receipt again;
	struct err err = {0};

	HOLDS(receipt_write(receipt, &first, &err) == 0);
	HOLDS(receipt_parse(str_bytes(&first), arena, &again, &err) == 0);
	HOLDS(receipt_write(&again, &second, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&first), str_bytes(&second)));
}

/* Signed, it is taken if and only if it was before; with another signature it never is. */
static void open_signed(struct bytes payload, bool good, struct arena *arena)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct envelope envelope = {
		.payload_type = ENVELOPE_TYPE_IN_TOTO, .untrusted_payload = payload};
	struct receipt receipt;
	struct err err = {0};

	HOLDS(envelope_sign(&envelope, aid_key(0), KEY_ED25519, "", arena, &err) == 0);
	HOLDS(envelope_write(&envelope, &text, &err) == 0);
	int rc = receipt_open(
		str_bytes(&text), private_key_public(aid_key(0)), arena, &receipt, &err);
	HOLDS(rc == (good ? 0 : -ERR_RECEIPT));
	uint8_t *signature = (uint8_t *)(uintptr_t)envelope.signatures[0].signature.data;
	signature[payload.size % envelope.signatures[0].signature.size] ^= 1;
	str_truncate(&text, 0);
	HOLDS(envelope_write(&envelope, &text, &err) == 0);
	HOLDS(receipt_open(str_bytes(&text), private_key_public(aid_key(0)), arena, &receipt,
		      &err) == -ERR_RECEIPT);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct bytes input = bytes_make(data, size);
	struct receipt receipt;
	struct err err = {0};
	int rc = receipt_parse(input, &arena, &receipt, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX || rc == -ERR_LIMIT);
	if (rc == 0) {
		check_limits(&receipt);
		write_again(&receipt, &arena);
	}
	open_signed(input, rc == 0, &arena);
	HOLDS(receipt_open(input, private_key_public(aid_key(0)), &arena, &receipt, &err) ==
		-ERR_RECEIPT);
	return 0;
}
