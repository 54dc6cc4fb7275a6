/* offkit-pack root init: a trust root that nobody has signed yet. */
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/place.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/root_keys.h"
#include "pack/root_status.h"

struct root_init_values {
	const char *out, *expires;
	bool allow_expired;
	struct root_key_options keys;
	int64_t root_threshold, targets_threshold, number;
};

static const struct option options[] = {
	OPTION_ROW_LIST("key", 'k', "FILE[:SCHEME][=NAME]", struct root_init_values, keys.both,
		"a public key (PEM), and what people call it; else the file's name"),
	OPTION_ROW_LIST("root-key", 0, "FILE[:SCHEME][=NAME]", struct root_init_values, keys.root,
		"one that signs roots only"),
	OPTION_ROW_LIST("targets-key", 0, "FILE[:SCHEME][=NAME]", struct root_init_values,
		keys.targets, "one that signs kits only"),
	OPTION_ROW_LIST("other-key", 0, "FILE[:SCHEME][=NAME]", struct root_init_values, keys.none,
		"one that signs neither: attestations"),
	OPTION_ROW_INTEGER("root-threshold", 0, "N", 1, ROOT_KEYS_MAX, struct root_init_values,
		root_threshold, "how many keys a new root needs"),
	OPTION_ROW_INTEGER("targets-threshold", 0, "N", 1, ROOT_KEYS_MAX, struct root_init_values,
		targets_threshold, "how many keys a kit needs"),
	OPTION_ROW_TEXT("expires", 0, "DATE", struct root_init_values, expires,
		"2036-01-01, or a time as in RFC 3339"),
	OPTION_ROW_FLAG("allow-expired", 0, struct root_init_values, allow_expired,
		"also a time that is over, for trials"),
	OPTION_ROW_INTEGER("number", 0, "N", 1, INT32_MAX, struct root_init_values, number,
		"the root's version; else 1"),
	OPTION_ROW_TEXT("out", 'o', "FILE", struct root_init_values, out, "the new root.json"),
	OPTION_END,
};

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(root_keys_release) struct root_keys keys = {0};
	CLEANUP_STR struct str text = STR_INIT;
	const struct root_init_values *given = values;
	struct root_plan plan = {
		.version = given->number > 0 ? given->number : 1,
		.root_threshold = (unsigned)given->root_threshold,
		.targets_threshold = (unsigned)given->targets_threshold,
	};
	int rc;

	(void)operand_count;
	(void)operands;
	if (given->out == NULL)
		return err_set(err, ERR_USAGE, "a root needs -o FILE and a --key or more");
	if (given->root_threshold == 0 || given->targets_threshold == 0)
		return err_set(
			err, ERR_USAGE, "a root needs --root-threshold and --targets-threshold");
	if ((rc = root_expiry_parse(given->expires, given->allow_expired, &plan.expires, err)) <
			0 ||
		(rc = root_keys_load(&given->keys, &face->arena, &keys, err)) < 0)
		return rc;
	plan.key_count = keys.count;
	plan.keys = keys.plan;
	rc = trust_root_compose(&plan, &text, err);
	if (rc < 0 && err->code == ERR_TRUST_INVALID)
		rc = err_recode(err, ERR_USAGE);
	if (rc == 0)
		rc = place_new_file(given->out, str_bytes(&text), 0644, err);
	return rc < 0 ? rc : root_status_show(face, given->out, str_bytes(&text), NULL, err);
}

const struct command command_root_init = {
	.name = "root init",
	.synopsis = "",
	.summary = "make a trust root from public keys; offkit-pack root sign is next",
	.options = options,
	.values_size = sizeof(struct root_init_values),
	.run = run,
};
