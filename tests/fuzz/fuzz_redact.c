/* A text that is redacted has nothing in it that was known to be a secret, and no user of a URI. */
#include <string.h>

#include "base/cleanup.h"
#include "tests/fuzz/target.h"
#include "text/redact.h"

static bool contains(struct bytes text, const char *wanted)
{
	return text.size > 0 && memmem(text.data, text.size, wanted, strlen(wanted)) != NULL;
}

static void check(struct bytes text, bool hosts)
{
	CLEANUP_STR struct str out = STR_INIT;
	struct redaction redaction = {.hosts = hosts};
	struct bytes user, at;

	(void)redact_know(&redaction, "sEcReT", REDACTED);
	(void)redact_know(&redaction, "db1", "host-1");
	size_t count = redact(&out, text, &redaction);
	HOLDS(!contains(str_bytes(&out), "sEcReT") && !contains(str_bytes(&out), "db1"));
	HOLDS(count > 0 || bytes_equal(text, str_bytes(&out)));
	HOLDS(count <= text.size);
	if (redact_uri_parts(text, &user, &at))
		HOLDS(user.size + at.size <= text.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	check(bytes_make(data, size), false);
	check(bytes_make(data, size), true);
	return 0;
}
