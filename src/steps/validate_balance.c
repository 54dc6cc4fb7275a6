#include "steps/validate.h"

#include "base/cleanup.h"

int validate_balance(struct validation *validation, struct err *err)
{
	CLEANUP(finding_release) struct finding finding = FINDING_INIT("balance");
	struct mongo_server server;
	int rc = mongo_server(validation->context->mongo, &server, err);

	if (rc < 0)
		return rc;
	finding.outcome = CHECK_SKIPPED;
	str_append_text(
		&finding.text, server.topology == TOPOLOGY_SHARDED
				       ? "shard balance: skipped, this offkit does not measure it"
				       : "shard balance: skipped, this is not a sharded cluster");
	return finding_tell(validation, &finding, err);
}
