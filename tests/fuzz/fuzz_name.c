/*
 * Names of members, a name a line: what is taken obeys each rule by itself, and a set of names has
 * none twice, in whatever order they come.
 */
#include <string.h>

#include "base/cleanup.h"
#include "kit/manifest.h"
#include "kit/migration.h"
#include "kit/name.h"
#include "tests/fuzz/aid.h"
#include "text/text.h"

enum { NAMES_MAX = 32 };

static void component_is_safe(struct bytes part)
{
	const char *text = (const char *)part.data;

	HOLDS(part.size >= 1 && part.size <= NAME_COMPONENT_MAX);
	HOLDS(text[part.size - 1] != '.' && text[part.size - 1] != ' ');
	for (size_t i = 0; i < part.size; i++)
		HOLDS(part.data[i] >= 0x20 && part.data[i] != 0x7f && text[i] != '\\');
}

static void name_is_safe(struct bytes name)
{
	struct bytes rest = name;
	struct err err;

	HOLDS(name.size <= NAME_SIZE_MAX && text_check_nfc(name, &err) == 0);
	while (rest.size > 0) {
		const uint8_t *slash = memchr(rest.data, '/', rest.size);
		size_t size = slash != NULL ? (size_t)(slash - rest.data) : rest.size;
		component_is_safe(bytes_make(rest.data, size));
		HOLDS(slash == NULL || size + 1 < rest.size);
		size_t taken = slash != NULL ? size + 1 : size;
		rest = bytes_make(rest.data + taken, rest.size - taken);
	}
}

/* Folding an accepted name again changes nothing. */
static void fold_is_stable(struct bytes name)
{
	CLEANUP_STR struct str once = STR_INIT, twice = STR_INIT;
	struct err err;

	HOLDS(text_fold(name, &once, &err) == 0);
	HOLDS(text_fold(str_bytes(&once), &twice, &err) == 0);
	HOLDS(bytes_equal(str_bytes(&once), str_bytes(&twice)));
}

static void other_names(const char *text)
{
	CLEANUP_STR struct str folder = STR_INIT;
	struct err err;

	/* These become folders' names: they are safe ones, of one component. */
	if (kit_name_valid(text) || (version_valid(text) && strlen(text) <= MANIFEST_VERSION_MAX)) {
		str_append_format(&folder, "%s-0", text);
		HOLDS(name_check(str_bytes(&folder), &err) == 0);
	}
	if (migration_id_valid(text))
		HOLDS(name_check(bytes_of_string(text), &err) == 0 && strchr(text, '/') == NULL);
	if (media_type_valid(text))
		HOLDS(strchr(text, '/') != NULL && strchr(text, '/') == strrchr(text, '/'));
}

static bool all_fit(char *const *names, size_t count, bool backwards)
{
	CLEANUP(name_set_cleanup) struct name_set *set = NULL;
	struct err err;
	bool fit = true;

	HOLDS(name_set_new(&set, &err) == 0);
	for (size_t i = 0; i < count; i++) {
		const char *name = names[backwards ? count - 1 - i : i];
		int rc = name_set_add(set, name, &err);
		HOLDS(rc == 0 || rc == -ERR_UNSAFE_ARCHIVE);
		fit = fit && rc == 0;
		HOLDS(rc < 0 || name_set_add(set, name, &err) < 0);
	}
	return fit;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct bytes rest = bytes_make(data, size);
	char *names[NAMES_MAX];
	size_t count = 0;
	struct err err;

	while (rest.size > 0 && count < NAMES_MAX) {
		const uint8_t *feed = memchr(rest.data, '\n', rest.size);
		size_t length = feed != NULL ? (size_t)(feed - rest.data) : rest.size;
		struct bytes name = bytes_make(rest.data, length);
		char *text = arena_string_n(&arena, name.data, name.size);
		HOLDS(text != NULL);
		other_names(text);
		int rc = name_check(name, &err);
		HOLDS(rc == 0 || rc == -ERR_UNSAFE_ARCHIVE);
		HOLDS(rc == 0 || utf8_valid(bytes_of_string(err.message)));
		if (rc == 0) {
			name_is_safe(name);
			fold_is_stable(name);
			names[count++] = text;
		}
		size_t taken = feed != NULL ? length + 1 : length;
		rest = bytes_make(rest.data + taken, rest.size - taken);
	}
	HOLDS(all_fit(names, count, false) == all_fit(names, count, true));
	return 0;
}
