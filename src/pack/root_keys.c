#include "pack/root_keys.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "pack/load_key.h"

/*
 * "dir/release-eu.pub" is called release-eu unless "=NAME" follows; its scheme is its type's usual
 * one unless ":SCHEME" does.
 */
static int split(const char *text, struct arena *arena, char **ret_path, struct root_plan_key *plan,
	struct err *err)
{
	char *path = arena_string(arena, text);
	char *equals = path != NULL ? strrchr(path, '=') : NULL;

	if (path == NULL)
		return err_no_memory(err);
	if (equals != NULL)
		*equals = '\0';
	char *colon = strrchr(path, ':');
	plan->scheme = colon != NULL ? key_scheme_by_name(colon + 1) : KEY_SCHEME_NONE;
	if (plan->scheme != KEY_SCHEME_NONE)
		*colon = '\0';
	const char *slash = strrchr(path, '/');
	const char *base = slash != NULL ? slash + 1 : path;
	const char *ending = strrchr(base, '.');
	plan->name = equals != NULL
			     ? equals + 1
			     : arena_string_n(arena, base,
				       ending != NULL ? (size_t)(ending - base) : strlen(base));
	*ret_path = path;
	return plan->name == NULL ? err_no_memory(err) : 0;
}

static int load(const char *text, enum key_duty duty, struct arena *arena, struct root_keys *keys,
	struct err *err)
{
	struct root_plan_key *plan = &keys->plan[keys->count];
	char *path = NULL;
	int rc = split(text, arena, &path, plan, err);

	if (rc == 0)
		rc = load_public_key(path, &keys->keys[keys->count], err);
	if (rc < 0)
		return rc;
	plan->duty = duty;
	plan->key = keys->keys[keys->count++];
	if (plan->scheme == KEY_SCHEME_NONE)
		plan->scheme = public_key_default_scheme(plan->key);
	if (!public_key_supports(plan->key, plan->scheme))
		return err_set(err, ERR_USAGE, "%s: an %s key cannot have the scheme %s", path,
			public_key_description(plan->key), key_scheme_name(plan->scheme));
	return 0;
}

int root_keys_load(const struct root_key_options *options, struct arena *arena,
	struct root_keys *ret_keys, struct err *err)
{
	const struct {
		const struct option_list *list;
		enum key_duty duty;
	} lists[] = {
		{&options->both, DUTY_BOTH},
		{&options->root, DUTY_ROOT},
		{&options->targets, DUTY_TARGETS},
		{&options->none, DUTY_NONE},
	};
	struct root_keys keys = {0};
	size_t room = 1;
	int rc = 0;

	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		room += lists[i].list->count;
	keys.plan = arena_array(arena, room, sizeof *keys.plan);
	keys.keys = arena_array(arena, room, sizeof(struct public_key *));
	if (keys.plan == NULL || keys.keys == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
		for (size_t j = 0; j < lists[i].list->count && rc == 0; j++)
			rc = load(lists[i].list->items[j], lists[i].duty, arena, &keys, err);
	if (rc < 0) {
		root_keys_release(&keys);
		return rc;
	}
	*ret_keys = keys;
	return 0;
}

void root_keys_release(struct root_keys *keys)
{
	for (size_t i = 0; i < keys->count; i++)
		public_key_free(keys->keys[i]);
	keys->count = 0;
}

int root_expiry_parse(const char *text, bool allow_expired, int64_t *ret_time, struct err *err)
{
	char time[RFC3339_SIZE];

	if (text == NULL)
		return err_set(err, ERR_USAGE, "--expires says until when the root holds");
	if (strlen(text) == strlen("2036-01-01")) {
		(void)snprintf(time, sizeof time, "%sT00:00:00Z", text);
		text = time;
	}
	if (time_parse(text, ret_time, err) < 0) {
		(void)err_recode(err, ERR_USAGE);
		return err_context(err, "--expires");
	}
	if (!allow_expired && *ret_time <= clock_now())
		return err_set(err, ERR_USAGE,
			"--expires: %s is over; --allow-expired makes such a root all the same",
			text);
	return 0;
}
