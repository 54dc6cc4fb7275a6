/* offkit-pack verify KIT: what a site will say, before the kit goes there. */
#include "base/cleanup.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/kit_options.h"
#include "pack/load_root.h"

struct verify_values {
	struct kit_values kit;
};

static const struct option options[] = {
	KIT_OPTION_ROWS(struct verify_values),
	OPTION_END,
};

static void write_result(struct face *face, const struct trusted_kit *kit)
{
	const struct manifest *manifest = trusted_kit_manifest(kit);
	struct json_writer writer;

	if (!face->json) {
		str_append_format(&face->result, "%s: %s %s, sequence %lld, verifies%s\n",
			face->object, manifest->name, manifest->version,
			(long long)manifest->sequence,
			trust_root_is_demo(trusted_kit_root(kit)) ? " with the DEMO ROOT" : "");
		return;
	}
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_bool(&writer, "verified", true);
	verify_result_write(kit, &writer);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const struct verify_values *given = values;
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	const struct verify_options how = kit_options(face, &given->kit);

	(void)operand_count;
	int rc = load_root(given->kit.root, &root, err);
	if (rc == 0)
		rc = verify_kit(operands[0], root, &how, &kit, err);
	if (rc == 0)
		write_result(face, kit);
	return rc;
}

const struct command command_verify = {
	.name = "verify",
	.synopsis = "KIT",
	.summary = "check a kit as a site will",
	.options = options,
	.values_size = sizeof(struct verify_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
