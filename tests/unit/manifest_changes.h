/* manifest_changes: what the tests of the manifest share: a text, changed in one place, refused. */
#ifndef OFFKIT_TESTS_UNIT_MANIFEST_CHANGES_H
#define OFFKIT_TESTS_UNIT_MANIFEST_CHANGES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "kit/manifest.h"

static struct err err;

static int parse(const char *text, struct arena *arena, struct manifest *manifest)
{
	return manifest_parse(bytes_of_string(text), arena, manifest, &err);
}

/* Replaces the first occurrence; it must be there. */
static void replace(struct str *out, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	assert_non_null(at);
	str_append(out, text, (size_t)(at - text));
	str_append_text(out, to);
	str_append_text(out, at + strlen(from));
}

#define ZEROS "00000000000000000000000000000000000000000000000000000000000000"

struct change {
	const char *from, *to;
	int code;
	const char *message;
};

static void refuse_changes(const struct str *text, const struct change *all, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		CLEANUP(arena_release) struct arena arena = ARENA_INIT;
		CLEANUP_STR struct str changed = STR_INIT;
		struct manifest manifest;

		replace(&changed, str_text(text), all[i].from, all[i].to);
		err = (struct err){0};
		int status = parse(str_text(&changed), &arena, &manifest);
		if (status != -all[i].code || strstr(err.message, all[i].message) == NULL)
			fail_msg("change %zu (%s): %d %s", i, all[i].to, status, err.message);
	}
}

#endif
