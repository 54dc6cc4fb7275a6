/* offkit-pack root init: a trust root that nobody has signed yet. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/place.h"
#include "pack/root_result.h"
#include "trust/compose.h"

struct root_init_values {
	const char *out, *expires;
	struct option_list keys;
	int64_t root_threshold, targets_threshold, number;
};

static const struct option options[] = {
	OPTION_ROW_LIST("key", 'k', "FILE[=NAME]", struct root_init_values, keys,
		"a public key (PEM), and what people call it; else the file's name"),
	OPTION_ROW_INTEGER("root-threshold", 0, "N", 1, ROOT_KEYS_MAX, struct root_init_values,
		root_threshold, "how many keys a new root needs"),
	OPTION_ROW_INTEGER("targets-threshold", 0, "N", 1, ROOT_KEYS_MAX, struct root_init_values,
		targets_threshold, "how many keys a kit needs"),
	OPTION_ROW_TEXT("expires", 0, "DATE", struct root_init_values, expires,
		"2036-01-01, or a time as in RFC 3339"),
	OPTION_ROW_INTEGER("number", 0, "N", 1, INT32_MAX, struct root_init_values, number,
		"the root's version; else 1"),
	OPTION_ROW_TEXT("out", 'o', "FILE", struct root_init_values, out, "the new root.json"),
	OPTION_END,
};

/* "dir/release-eu.pub" is called release-eu unless "=NAME" follows. */
static int split_name(const char *text, struct arena *arena, char **ret_path, const char **ret_name,
	struct err *err)
{
	char *path = arena_string(arena, text);
	char *equals = path != NULL ? strrchr(path, '=') : NULL;

	if (path == NULL)
		return err_no_memory(err);
	if (equals != NULL) {
		*equals = '\0';
		*ret_name = equals + 1;
	} else {
		const char *slash = strrchr(path, '/');
		const char *base = slash != NULL ? slash + 1 : path;
		const char *ending = strrchr(base, '.');
		*ret_name = arena_string_n(
			arena, base, ending != NULL ? (size_t)(ending - base) : strlen(base));
	}
	*ret_path = path;
	return *ret_name == NULL ? err_no_memory(err) : 0;
}

static int load_key(const char *text, struct arena *arena, struct root_plan_key *plan,
	struct public_key **ret_key, struct err *err)
{
	CLEANUP_STR struct str pem = STR_INIT;
	struct public_key *key;
	char *path = NULL;
	int rc = split_name(text, arena, &path, &plan->name, err);

	if (rc == 0)
		rc = file_read_path(path, KEY_PEM_MAX, &pem, err);
	if (rc < 0)
		return rc;
	if (public_key_from_pem(str_bytes(&pem), &key, err) < 0)
		return err_context(err, "%s", path);
	plan->key = *ret_key = key;
	plan->scheme = public_key_default_scheme(key);
	return 0;
}

static int parse_expiry(const char *text, int64_t *ret_time, struct err *err)
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
	return 0;
}

static int write_root(struct face *face, const struct root_init_values *given,
	struct root_plan *plan, struct root_plan_key *plan_keys, struct public_key **keys,
	struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	int rc = 0;

	for (size_t i = 0; i < given->keys.count && rc == 0; i++)
		rc = load_key(given->keys.items[i], &face->arena, &plan_keys[i], &keys[i], err);
	if (rc == 0)
		rc = trust_root_compose(plan, &text, err);
	if (rc < 0 && err->code == ERR_TRUST_INVALID)
		rc = err_recode(err, ERR_USAGE);
	if (rc == 0)
		rc = place_new_file(given->out, str_bytes(&text), 0644, err);
	if (rc == 0)
		root_result_write(
			face, given->out, plan->version, "nobody has signed it yet", false);
	return rc;
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const struct root_init_values *given = values;
	struct root_plan plan = {
		.version = given->number > 0 ? given->number : 1,
		.root_threshold = (unsigned)given->root_threshold,
		.targets_threshold = (unsigned)given->targets_threshold,
		.key_count = given->keys.count,
	};

	(void)operand_count;
	(void)operands;
	if (given->out == NULL || given->keys.count == 0)
		return err_set(err, ERR_USAGE, "a root needs -o FILE and a --key or more");
	if (given->root_threshold == 0 || given->targets_threshold == 0)
		return err_set(
			err, ERR_USAGE, "a root needs --root-threshold and --targets-threshold");
	int rc = parse_expiry(given->expires, &plan.expires, err);
	if (rc < 0)
		return rc;
	struct root_plan_key *plan_keys =
		arena_array(&face->arena, given->keys.count, sizeof *plan_keys);
	struct public_key **keys = arena_array(&face->arena, given->keys.count, sizeof *keys);
	if (plan_keys == NULL || keys == NULL)
		return err_no_memory(err);
	plan.keys = plan_keys;
	rc = write_root(face, given, &plan, plan_keys, keys, err);
	for (size_t i = 0; i < given->keys.count; i++)
		public_key_free(keys[i]);
	return rc;
}

const struct command command_root_init = {
	.name = "root init",
	.synopsis = "",
	.summary = "make a trust root from public keys; offkit-pack root sign is next",
	.options = options,
	.values_size = sizeof(struct root_init_values),
	.run = run,
};
