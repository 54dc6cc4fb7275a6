/*
 * show_evidence: the components, attestations and SBOMs of a verified kit, as text and JSON.
 */
#ifndef OFFKIT_CLI_SHOW_EVIDENCE_H
#define OFFKIT_CLI_SHOW_EVIDENCE_H

#include "cli/face.h"
#include "verify/verify.h"

/* A line each for attestations and SBOMs, among the checks; nothing for a kit without. */
void describe_evidence(struct face *face, const struct trusted_kit *kit);

/* "Components", with the licences that an SBOM says they have. */
MUST_CHECK int list_components(struct face *face, const struct trusted_kit *kit, struct err *err);

/* "Attestations", "SBOMs", "Licences": each by itself, and how many packages have which licence. */
MUST_CHECK int list_evidence(struct face *face, const struct trusted_kit *kit, struct err *err);

/* Every package of every SBOM in a line. */
void list_packages(struct face *face, const struct trusted_kit *kit);

/* The members "licences" and "sbomPackages" of an open object (inspect.schema.json). */
MUST_CHECK int write_licences(
	struct json_writer *writer, const struct trusted_kit *kit, struct err *err);
void write_packages(struct json_writer *writer, const struct trusted_kit *kit);

#endif
