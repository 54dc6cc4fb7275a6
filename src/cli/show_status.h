/*
 * show_status: how the newest run stands and what the database says, as one document
 * (status.schema.json).
 */
#ifndef OFFKIT_CLI_SHOW_STATUS_H
#define OFFKIT_CLI_SHOW_STATUS_H

#include "cli/show_lease.h"
#include "cli/show_run.h"

void status_json(
	const struct newest_run *newest, const struct database_view *database, struct str *out);

#endif
