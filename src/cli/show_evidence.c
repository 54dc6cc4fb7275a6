#include "cli/show_evidence.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "text/text.h"
#include "verify/evidence_text.h"

enum { NAME_COLUMNS = 34, VERSION_COLUMNS = 18, LICENCE_COLUMNS = 60 };

/* What SPDX calls NOASSERTION is no licence and no word of an operator's. */
static void append_licence(struct face *face, const char *licence)
{
	text_escape(&face->result,
		bytes_of_string(strcmp(licence, "NOASSERTION") == 0
					? face_text(face, MSG_LICENCE_NOT_STATED)
					: licence),
		LICENCE_COLUMNS);
}

static void describe(struct face *face, enum face_sign sign, enum message label,
	void (*summary)(const struct kit_evidence *evidence, struct str *out),
	const struct kit_evidence *evidence)
{
	CLEANUP_STR struct str text = STR_INIT;

	summary(evidence, &text);
	if (text.size == 0)
		return;
	str_append_format(&face->result, "%s ", face_sign(face, sign));
	message_append_label(&face->result, face->language, label, 14);
	str_append_format(&face->result, "%s\n", str_text(&text));
}

void describe_evidence(struct face *face, const struct trusted_kit *kit)
{
	const struct kit_evidence *evidence = trusted_kit_evidence(kit);

	describe(face, SIGN_GOOD, MSG_ATTESTATIONS_CHECKED, attestations_summary, evidence);
	describe(face, SIGN_GOOD, MSG_SBOM, sboms_summary, evidence);
	describe(face, SIGN_WARN, MSG_SBOM, sboms_missing, evidence);
}

static int compare_packages(const void *left, const void *right)
{
	const struct spdx_package *a = *(const struct spdx_package *const *)left;
	const struct spdx_package *b = *(const struct spdx_package *const *)right;
	int order = strcmp(a->name, b->name);

	return order != 0 ? order : strcmp(a->version, b->version);
}

/* The described packages of all SBOMs by name and version. */
static int sort_packages(const struct kit_evidence *evidence,
	const struct spdx_package ***ret_packages, size_t *ret_count, struct err *err)
{
	size_t count = 0;

	for (size_t i = 0; i < evidence->sbom_count; i++)
		count += evidence->sboms[i].spdx.described_count;
	const struct spdx_package **packages = calloc(count + 1, sizeof(*packages));
	if (packages == NULL)
		return err_no_memory(err);
	count = 0;
	for (size_t i = 0; i < evidence->sbom_count; i++)
		for (size_t k = 0; k < evidence->sboms[i].spdx.package_count; k++)
			if (evidence->sboms[i].spdx.packages[k].described)
				packages[count++] = &evidence->sboms[i].spdx.packages[k];
	qsort(packages, count, sizeof(*packages), compare_packages);
	*ret_packages = packages;
	*ret_count = count;
	return 0;
}

static void list_component(struct face *face, const struct manifest_component *component,
	const struct spdx_package *const *packages, size_t count)
{
	const struct spdx_package wanted = {.name = component->name, .version = component->version};
	const struct spdx_package *key = &wanted;
	const struct spdx_package *const *found =
		bsearch(&key, packages, count, sizeof(*packages), compare_packages);
	struct str *out = &face->result;

	str_append_text(out, "  ");
	text_escape(out, bytes_of_string(component->name), 60);
	str_append_char(out, ' ');
	text_escape(out, bytes_of_string(component->version), 60);
	if (found != NULL) {
		str_append_text(out, "  ");
		append_licence(face, (*found)->licence);
	}
	str_append_char(out, '\n');
}

static void begin_list(struct face *face, enum message title)
{
	str_append_format(&face->result, "\n%s\n", face_text(face, title));
}

int list_components(struct face *face, const struct trusted_kit *kit, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(kit);
	const struct spdx_package **packages = NULL;
	size_t count = 0;
	int rc = sort_packages(trusted_kit_evidence(kit), &packages, &count, err);

	if (rc < 0)
		return rc;
	if (manifest->component_count > 0)
		begin_list(face, MSG_DETAILS_COMPONENTS);
	for (size_t i = 0; i < manifest->component_count; i++)
		list_component(face, &manifest->components[i], packages, count);
	free(packages);
	return 0;
}

/* A line of its own, unless there is nothing to say. */
static void list_line(struct str *out,
	void (*part)(const struct attestation *attestation, struct str *out),
	const struct attestation *attestation)
{
	CLEANUP_STR struct str text = STR_INIT;

	part(attestation, &text);
	if (text.size > 0)
		str_append_format(out, "    %s\n", str_text(&text));
}

static void list_name(struct str *out, const char *file, enum file_role role)
{
	str_append_text(out, "  ");
	text_escape(out, bytes_of_string(file + strlen(file_role_folder(role))), 60);
	str_append_char(out, '\n');
}

static int list_licences(struct face *face, const struct kit_evidence *evidence, struct err *err)
{
	struct licence_count *counts;
	char number[TEXT_COUNT_SIZE];
	size_t count;
	int rc = licences_count(evidence, &counts, &count, err);

	if (rc < 0)
		return rc;
	if (count > 0)
		begin_list(face, MSG_LICENCES);
	for (size_t i = 0; i < count; i++) {
		str_append_format(
			&face->result, "  %9s  ", text_count((int64_t)counts[i].packages, number));
		append_licence(face, counts[i].licence);
		str_append_char(&face->result, '\n');
	}
	free(counts);
	return 0;
}

int list_evidence(struct face *face, const struct trusted_kit *kit, struct err *err)
{
	const struct kit_evidence *evidence = trusted_kit_evidence(kit);
	struct str *out = &face->result;

	if (evidence->attestation_count > 0)
		begin_list(face, MSG_ATTESTATIONS);
	for (size_t i = 0; i < evidence->attestation_count; i++) {
		list_name(out, evidence->attestations[i].file, ROLE_ATTESTATION);
		list_line(out, attestation_text, &evidence->attestations[i]);
		list_line(out, attestation_about, &evidence->attestations[i]);
		list_line(out, attestation_builder, &evidence->attestations[i]);
		list_line(out, attestation_proofs, &evidence->attestations[i]);
	}
	if (evidence->sbom_count > 0)
		begin_list(face, MSG_SBOMS);
	for (size_t i = 0; i < evidence->sbom_count; i++) {
		list_name(out, evidence->sboms[i].file, ROLE_SBOM);
		str_append_text(out, "    ");
		sbom_text(&evidence->sboms[i], out);
		str_append_char(out, '\n');
	}
	return list_licences(face, evidence, err);
}

/* Escaped, cut and filled up to so many columns, and two more. */
static void append_column(struct str *out, const char *untrusted_text, size_t columns)
{
	CLEANUP_STR struct str text = STR_INIT;

	text_escape(&text, bytes_of_string(untrusted_text), columns);
	text_append_column(out, str_text(&text), columns + 2);
}

static void list_sbom(struct face *face, const struct sbom *sbom)
{
	struct str *out = &face->result;

	text_escape(out, bytes_of_string(sbom->file), 0);
	str_append_text(out, ": ");
	text_escape(out, bytes_of_string(sbom->spdx.name), 60);
	str_append_text(out, "\n  ");
	append_column(out, face_text(face, MSG_PACKAGE_COLUMN), NAME_COLUMNS);
	append_column(out, face_text(face, MSG_VERSION_COLUMN), VERSION_COLUMNS);
	str_append_format(out, "%s\n", face_text(face, MSG_LICENCE_COLUMN));
	for (size_t i = 0; i < sbom->spdx.package_count; i++) {
		const struct spdx_package *package = &sbom->spdx.packages[i];
		str_append_text(out, package->described ? "* " : "  ");
		append_column(out, package->name, NAME_COLUMNS);
		append_column(out, package->version, VERSION_COLUMNS);
		append_licence(face, package->licence);
		str_append_char(out, '\n');
	}
}

void list_packages(struct face *face, const struct trusted_kit *kit)
{
	const struct kit_evidence *evidence = trusted_kit_evidence(kit);
	struct str *out = &face->result;

	for (size_t i = 0; i < evidence->sbom_count; i++) {
		str_append_text(out, i > 0 ? "\n" : "");
		list_sbom(face, &evidence->sboms[i]);
	}
	if (evidence->sbom_count > 0)
		str_append_format(out, "\n* %s\n", face_text(face, MSG_COMPONENT_OF_KIT));
	else
		str_append_format(out, "%s\n", face_text(face, MSG_KIT_HAS_NO_SBOM));
}

int write_licences(struct json_writer *writer, const struct trusted_kit *kit, struct err *err)
{
	struct licence_count *counts;
	size_t count;
	int rc = licences_count(trusted_kit_evidence(kit), &counts, &count, err);

	if (rc < 0)
		return rc;
	json_member_array(writer, "licences");
	for (size_t i = 0; i < count; i++) {
		json_write_object(writer);
		json_member_string(writer, "licence", counts[i].licence);
		json_member_integer(writer, "packages", (int64_t)counts[i].packages);
		json_write_end(writer);
	}
	json_write_end(writer);
	free(counts);
	return 0;
}

static void write_package(
	struct json_writer *writer, const char *file, const struct spdx_package *package)
{
	char hex[SHA256_HEX_SIZE];

	json_write_object(writer);
	json_member_string(writer, "file", file);
	json_member_string(writer, "name", package->name);
	if (package->version[0] != '\0')
		json_member_string(writer, "version", package->version);
	json_member_string(writer, "licence", package->licence);
	if (package->has_sha256) {
		sha256_to_hex(&package->digest, hex);
		json_member_string(writer, "sha256", hex);
	}
	json_member_bool(writer, "component", package->described);
	json_write_end(writer);
}

void write_packages(struct json_writer *writer, const struct trusted_kit *kit)
{
	const struct kit_evidence *evidence = trusted_kit_evidence(kit);

	json_member_array(writer, "sbomPackages");
	for (size_t i = 0; i < evidence->sbom_count; i++)
		for (size_t k = 0; k < evidence->sboms[i].spdx.package_count; k++)
			write_package(writer, evidence->sboms[i].file,
				&evidence->sboms[i].spdx.packages[k]);
	json_write_end(writer);
}
