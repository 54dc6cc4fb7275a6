#include "verify/evidence_private.h"
#include "verify/kit_private.h"

int evidence_check(const struct manifest *manifest, const struct trust_root *root,
	uint8_t *const *contents, struct arena *arena, struct kit_evidence *evidence,
	struct err *err)
{
	const struct evidence_reading reading = {manifest, root, contents, arena, evidence};
	int rc = sboms_check(&reading, err);

	return rc < 0 ? rc : attestations_check(&reading, err);
}

const struct kit_evidence *trusted_kit_evidence(const struct trusted_kit *kit)
{
	return &kit->evidence;
}
