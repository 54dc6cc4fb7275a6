/* A file with the keys of an object store: taken with both of them, printable, or refused. */
#include <string.h>

#include "base/cleanup.h"
#include "site/s3.h"
#include "tests/fuzz/target.h"

static void is_printable(const char *text)
{
	HOLDS(*text != '\0');
	for (; *text != '\0'; text++)
		HOLDS(*text > ' ' && *text <= '~');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct site_s3_keys keys;
	struct err err;
	int rc = site_s3_keys_parse(bytes_make(data, size), &arena, &keys, &err);

	HOLDS(rc == 0 || err.code == ERR_SITE);
	if (rc < 0)
		return 0;
	is_printable(keys.access_key);
	is_printable(keys.secret_key);
	if (keys.session_token != NULL)
		is_printable(keys.session_token);
	return 0;
}
