/* A declaration of collections, compiled. */
#ifndef OFFKIT_TESTS_UNIT_ENSURE_SCENE_H
#define OFFKIT_TESTS_UNIT_ENSURE_SCENE_H

#include "base/cleanup.h"
#include "steps/ensure.h"

struct declaration {
	struct arena arena;
	struct json_doc *doc;
	struct ensure ensure;
};

static int load(struct declaration *declaration, const char *collections, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	*declaration = (struct declaration){0};
	str_append_format(&text,
		"{\"id\":\"1\",\"kind\":\"ensure\",\"title\":\"t\",\"collections\":%s}",
		collections);
	assert_int_equal(
		json_parse(str_bytes(&text), JSON_LIMITS(1 << 20), &declaration->doc, err), 0);
	return ensure_load(
		json_root(declaration->doc), &declaration->arena, &declaration->ensure, err);
}

static void unload(struct declaration *declaration)
{
	json_release(declaration->doc);
	arena_release(&declaration->arena);
}

#endif
