/* offkit-pack root rotate OLD: the next version of a trust root, that nobody has signed yet. */
#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/root_keys.h"
#include "pack/root_status.h"

struct root_rotate_values {
	const char *out, *expires;
	bool allow_expired;
	struct root_key_options keys;
	struct option_list removed;
	int64_t root_threshold, targets_threshold;
};

static const struct option options[] = {
	OPTION_ROW_LIST("add-key", 0, "FILE[:SCHEME][=NAME]", struct root_rotate_values, keys.both,
		"a new public key (PEM) that signs roots and kits"),
	OPTION_ROW_LIST("add-root-key", 0, "FILE[:SCHEME][=NAME]", struct root_rotate_values,
		keys.root, "one that signs roots only"),
	OPTION_ROW_LIST("add-targets-key", 0, "FILE[:SCHEME][=NAME]", struct root_rotate_values,
		keys.targets, "one that signs kits only"),
	OPTION_ROW_LIST("add-other-key", 0, "FILE[:SCHEME][=NAME]", struct root_rotate_values,
		keys.none, "one that signs neither: attestations"),
	OPTION_ROW_LIST("remove-key", 0, "NAME|FINGERPRINT", struct root_rotate_values, removed,
		"a key that is not to be trusted any more"),
	OPTION_ROW_INTEGER("root-threshold", 0, "N", 1, ROOT_KEYS_MAX, struct root_rotate_values,
		root_threshold, "how many keys the root after this one needs; else as before"),
	OPTION_ROW_INTEGER("targets-threshold", 0, "N", 1, ROOT_KEYS_MAX, struct root_rotate_values,
		targets_threshold, "how many keys a kit needs; else as before"),
	OPTION_ROW_TEXT("expires", 0, "DATE", struct root_rotate_values, expires,
		"2036-01-01, or a time as in RFC 3339"),
	OPTION_ROW_FLAG("allow-expired", 0, struct root_rotate_values, allow_expired,
		"also a time that is over, for trials"),
	OPTION_ROW_TEXT("out", 'o', "FILE", struct root_rotate_values, out, "the new root.json"),
	OPTION_END,
};

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *old = NULL;
	CLEANUP(root_keys_release) struct root_keys keys = {0};
	CLEANUP_STR struct str old_text = STR_INIT, text = STR_INIT;
	const struct root_rotate_values *given = values;
	struct root_change change = {
		.root_threshold = (unsigned)given->root_threshold,
		.targets_threshold = (unsigned)given->targets_threshold,
		.removed_count = given->removed.count,
		.removed = given->removed.items,
	};
	int rc;

	(void)operand_count;
	if (given->out == NULL)
		return err_set(err, ERR_USAGE, "-o FILE says where the new root goes");
	if ((rc = root_expiry_parse(given->expires, given->allow_expired, &change.expires, err)) <
			0 ||
		(rc = root_keys_load(&given->keys, &face->arena, &keys, err)) < 0 ||
		(rc = file_read_path(operands[0], ROOT_SIZE_MAX, &old_text, err)) < 0 ||
		(rc = trust_root_parse(str_bytes(&old_text), &old, err)) < 0)
		return rc;
	change.added_count = keys.count;
	change.added = keys.plan;
	rc = trust_root_rotate(str_bytes(&old_text), &change, &text, err);
	/* The old root was good, so what is wrong now was asked for. */
	if (rc < 0 && err->code == ERR_TRUST_INVALID)
		rc = err_recode(err, ERR_USAGE);
	if (rc == 0)
		rc = place_new_file(given->out, str_bytes(&text), 0644, err);
	return rc < 0 ? rc : root_status_show(face, given->out, str_bytes(&text), old, err);
}

const struct command command_root_rotate = {
	.name = "root rotate",
	.synopsis = "OLD",
	.summary = "make the next version of a trust root; offkit-pack root sign is next",
	.options = options,
	.values_size = sizeof(struct root_rotate_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
