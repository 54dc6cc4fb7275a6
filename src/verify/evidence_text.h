/*
 * evidence_text: what a kit's evidence is, in a line, for every face alike. All of it is escaped
 * (text_escape): it was signed, and it may still be meant for a terminal.
 */
#ifndef OFFKIT_VERIFY_EVIDENCE_TEXT_H
#define OFFKIT_VERIFY_EVIDENCE_TEXT_H

#include "verify/evidence.h"

/* Of all together; nothing is appended where a kit has none. */
void images_summary(const struct kit_evidence *evidence, struct str *out);
void attestations_summary(const struct kit_evidence *evidence, struct str *out); /* "2: SBOM" */
void sboms_summary(const struct kit_evidence *evidence, struct str *out);
/* "no SBOM describes the 2 components": what a warning is due for; else nothing */
void sboms_missing(const struct kit_evidence *evidence, struct str *out);

/* Of one, without its file's name. */
void platform_text(const struct oci_platform *platform, struct str *out); /* "linux/arm/v7" */
void image_text(const struct image *image, struct str *out);
void attestation_text(const struct attestation *attestation, struct str *out);
void attestation_about(const struct attestation *attestation, struct str *out);
/* "built by https://ci.example.org"; nothing where none is named */
void attestation_builder(const struct attestation *attestation, struct str *out);
/* "1 log entry, 1 timestamp: present, not checked"; nothing where there is none */
void attestation_proofs(const struct attestation *attestation, struct str *out);
void sbom_text(const struct sbom *sbom, struct str *out);

/* The members "attestations", "sboms" and "componentsWithoutSbom" of an open JSON object
 * (verify.schema.json). */
struct json_writer;
void evidence_write(const struct kit_evidence *evidence, struct json_writer *writer);

/* How many packages of all SBOMs have a licence. */
struct licence_count {
	const char *licence; /* the SBOMs'; not escaped */
	size_t packages;
};

/* The most frequent first, then by name; the array is to be freed. */
MUST_CHECK int licences_count(const struct kit_evidence *evidence,
	struct licence_count **ret_counts, size_t *ret_count, struct err *err);

#endif
