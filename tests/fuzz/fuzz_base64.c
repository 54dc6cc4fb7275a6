/* base64 and PEM: one text for some octets, and only that is taken. */
#include "base/cleanup.h"
#include "crypto/base64.h"
#include "crypto/pem.h"
#include "tests/fuzz/aid.h"

static void text_has_one_form(struct bytes text)
{
	CLEANUP_STR struct str octets = STR_INIT, again = STR_INIT;
	struct err err;
	int rc = base64_decode(text, &octets, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX);
	HOLDS(octets.size <= base64_decoded_size(text));
	if (rc < 0) {
		HOLDS(octets.size == 0);
		return;
	}
	base64_encode(str_bytes(&octets), &again);
	HOLDS(bytes_equal(str_bytes(&again), text));
}

static void octets_come_back(struct bytes octets)
{
	CLEANUP_STR struct str text = STR_INIT, again = STR_INIT;
	struct err err;

	base64_encode(octets, &text);
	HOLDS(text.size == (octets.size + 2) / 3 * 4);
	HOLDS(base64_decode(str_bytes(&text), &again, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&again), octets));
}

/* Lines may be of another length than ours, so it is the octets that come back. */
static void block(struct bytes text)
{
	CLEANUP_STR struct str octets = STR_INIT, pem = STR_INIT, again = STR_INIT;
	struct err err;
	int rc = pem_decode(text, "TEST", &octets, &err);

	HOLDS(rc == 0 || rc == -ERR_SYNTAX);
	if (rc < 0)
		return;
	pem_encode("TEST", str_bytes(&octets), &pem);
	HOLDS(pem_decode(str_bytes(&pem), "TEST", &again, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&again), str_bytes(&octets)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes input = bytes_make(data, size);

	text_has_one_form(input);
	octets_come_back(input);
	block(input);
	return 0;
}
