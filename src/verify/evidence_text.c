#include "verify/evidence_text.h"

#include <stdlib.h>
#include <string.h>

#include "json/json_write.h"
#include "text/text.h"

enum { NAME_COLUMNS = 60, BUILDER_COLUMNS = 100, WORDS_SHOWN = 6, PLATFORMS_SHOWN = 4 };

void platform_text(const struct oci_platform *platform, struct str *out)
{
	if (*platform->os == '\0') {
		str_append_text(out, "no platform");
		return;
	}
	text_escape(out, bytes_of_string(platform->os), NAME_COLUMNS);
	str_append_char(out, '/');
	text_escape(out, bytes_of_string(platform->architecture), NAME_COLUMNS);
	if (*platform->variant == '\0')
		return;
	str_append_char(out, '/');
	text_escape(out, bytes_of_string(platform->variant), NAME_COLUMNS);
}

void image_text(const struct image *image, struct str *out)
{
	size_t layers = 0;
	int64_t octets = 0;
	char size[TEXT_SIZE_SIZE];

	for (size_t i = 0; i < image->manifest_count; i++) {
		layers += image->manifests[i].layer_count;
		octets += image->manifests[i].octets;
		if (i >= PLATFORMS_SHOWN)
			continue;
		str_append_text(out, i > 0 ? ", " : "");
		platform_text(&image->manifests[i].platform, out);
	}
	if (image->manifest_count > PLATFORMS_SHOWN)
		str_append_format(out, " and %zu more", image->manifest_count - PLATFORMS_SHOWN);
	str_append_text(out, "; ");
	text_plural(out, (int64_t)layers, "layer", "layers");
	str_append_format(out, ", %s", text_size((uint64_t)octets, size));
}

/* One image is told whole, several are counted. */
void images_summary(const struct kit_evidence *evidence, struct str *out)
{
	size_t manifests = 0;
	int64_t octets = 0;
	char size[TEXT_SIZE_SIZE];

	if (evidence->image_count == 1)
		image_text(&evidence->images[0], out);
	if (evidence->image_count < 2)
		return;
	for (size_t i = 0; i < evidence->image_count; i++)
		for (size_t k = 0; k < evidence->images[i].manifest_count; k++) {
			manifests++;
			octets += evidence->images[i].manifests[k].octets;
		}
	text_plural(out, (int64_t)evidence->image_count, "image", "images");
	str_append_text(out, ", ");
	text_plural(out, (int64_t)manifests, "platform", "platforms");
	str_append_format(out, ", %s", text_size((uint64_t)octets, size));
}

static const char *word_of(const struct attestation *attestation)
{
	const char *word = predicate_type_word(attestation->predicate_type);

	return word != NULL ? word : attestation->predicate_type;
}

/* Whether none before it has the same word. */
static bool word_is_new(const struct kit_evidence *evidence, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (strcmp(word_of(&evidence->attestations[i]),
			    word_of(&evidence->attestations[at])) == 0)
			return false;
	return true;
}

void attestations_summary(const struct kit_evidence *evidence, struct str *out)
{
	char count[TEXT_COUNT_SIZE];
	size_t shown = 0;

	if (evidence->attestation_count == 0)
		return;
	str_append_text(out, text_count((int64_t)evidence->attestation_count, count));
	for (size_t i = 0; i < evidence->attestation_count && shown < WORDS_SHOWN; i++) {
		if (!word_is_new(evidence, i))
			continue;
		str_append_text(out, shown++ == 0 ? ": " : ", ");
		text_escape(
			out, bytes_of_string(word_of(&evidence->attestations[i])), NAME_COLUMNS);
	}
}

void sboms_missing(const struct kit_evidence *evidence, struct str *out)
{
	if (evidence->undescribed_count == 0)
		return;
	str_append_text(out, "no SBOM describes the ");
	text_plural(out, (int64_t)evidence->undescribed_count, "component", "components");
}

void sboms_summary(const struct kit_evidence *evidence, struct str *out)
{
	size_t packages = 0, components = 0;

	if (evidence->sbom_count == 0)
		return;
	for (size_t i = 0; i < evidence->sbom_count; i++) {
		packages += evidence->sboms[i].spdx.package_count;
		components += evidence->sboms[i].components_here;
	}
	str_append_text(out, "SPDX 2.3, ");
	text_plural(out, (int64_t)components, "component", "components");
	str_append_text(out, ", ");
	text_plural(out, (int64_t)packages, "package", "packages");
}

void attestation_text(const struct attestation *attestation, struct str *out)
{
	const char *title = predicate_type_title(attestation->predicate_type);

	text_escape(out, bytes_of_string(title != NULL ? title : attestation->predicate_type),
		NAME_COLUMNS);
	str_append_text(out, ", signed by ");
	text_escape(out, bytes_of_string(attestation->signer), NAME_COLUMNS);
}

void attestation_about(const struct attestation *attestation, struct str *out)
{
	char here[TEXT_COUNT_SIZE], all[TEXT_COUNT_SIZE];

	str_append_text(out, "about ");
	text_escape(out, bytes_of_string(attestation->subject), 0);
	if (attestation->subject_count > 1)
		str_append_format(out, " (%s of %s subjects in this kit)",
			text_count((int64_t)attestation->subjects_here, here),
			text_count((int64_t)attestation->subject_count, all));
}

void attestation_builder(const struct attestation *attestation, struct str *out)
{
	if (attestation->builder == NULL)
		return;
	str_append_text(out, "built by ");
	text_escape(out, bytes_of_string(attestation->builder), BUILDER_COLUMNS);
}

void attestation_proofs(const struct attestation *attestation, struct str *out)
{
	size_t log_entries = attestation->log_entries, timestamps = attestation->timestamps;

	if (log_entries > 0)
		text_plural(out, (int64_t)log_entries, "log entry", "log entries");
	if (timestamps > 0) {
		str_append_text(out, log_entries > 0 ? ", " : "");
		text_plural(out, (int64_t)timestamps, "timestamp", "timestamps");
	}
	if (log_entries + timestamps > 0)
		str_append_text(out, ": present, not checked");
}

void sbom_text(const struct sbom *sbom, struct str *out)
{
	char count[TEXT_COUNT_SIZE];

	str_append_text(out, "SPDX 2.3, ");
	text_plural(out, (int64_t)sbom->components_here, "component", "components");
	str_append_format(out, " of this kit (%s by checksum), ",
		text_count((int64_t)sbom->by_checksum, count));
	text_plural(out, (int64_t)sbom->spdx.package_count, "package", "packages");
	str_append_text(out, ", ");
	text_plural(out, (int64_t)sbom->spdx.file_count, "file", "files");
}

static void write_attestation(const struct attestation *attestation, struct json_writer *writer)
{
	json_write_object(writer);
	json_member_string(writer, "file", attestation->file);
	json_member_string(writer, "predicateType", attestation->predicate_type);
	json_member_string(writer, "signedBy", attestation->signer);
	json_member_string(writer, "subject", attestation->subject);
	json_member_integer(writer, "subjectsHere", (int64_t)attestation->subjects_here);
	json_member_integer(writer, "subjects", (int64_t)attestation->subject_count);
	json_member_integer(writer, "logEntries", (int64_t)attestation->log_entries);
	json_member_integer(writer, "timestamps", (int64_t)attestation->timestamps);
	if (attestation->builder != NULL)
		json_member_string(writer, "builder", attestation->builder);
	json_write_end(writer);
}

void evidence_write(const struct kit_evidence *evidence, struct json_writer *writer)
{
	json_member_array(writer, "attestations");
	for (size_t i = 0; i < evidence->attestation_count; i++)
		write_attestation(&evidence->attestations[i], writer);
	json_write_end(writer);
	json_member_array(writer, "sboms");
	for (size_t i = 0; i < evidence->sbom_count; i++) {
		const struct sbom *sbom = &evidence->sboms[i];
		json_write_object(writer);
		json_member_string(writer, "file", sbom->file);
		json_member_string(writer, "name", sbom->spdx.name);
		json_member_string(writer, "namespace", sbom->spdx.document_namespace);
		json_member_time(writer, "created", sbom->spdx.created);
		json_member_integer(writer, "components", (int64_t)sbom->components_here);
		json_member_integer(writer, "componentsByChecksum", (int64_t)sbom->by_checksum);
		json_member_integer(writer, "packages", (int64_t)sbom->spdx.package_count);
		json_member_integer(writer, "files", (int64_t)sbom->spdx.file_count);
		json_write_end(writer);
	}
	json_write_end(writer);
	json_member_integer(writer, "componentsWithoutSbom", (int64_t)evidence->undescribed_count);
}

static int by_text(const void *left, const void *right)
{
	return strcmp(((const struct licence_count *)left)->licence,
		((const struct licence_count *)right)->licence);
}

static int by_count(const void *left, const void *right)
{
	size_t a = ((const struct licence_count *)left)->packages;
	size_t b = ((const struct licence_count *)right)->packages;

	return a != b ? (a < b) - (a > b) : by_text(left, right);
}

int licences_count(const struct kit_evidence *evidence, struct licence_count **ret_counts,
	size_t *ret_count, struct err *err)
{
	size_t all = 0, count = 0;

	for (size_t i = 0; i < evidence->sbom_count; i++)
		all += evidence->sboms[i].spdx.package_count;
	struct licence_count *counts = calloc(all + 1, sizeof *counts);
	if (counts == NULL)
		return err_no_memory(err);
	all = 0;
	for (size_t i = 0; i < evidence->sbom_count; i++)
		for (size_t k = 0; k < evidence->sboms[i].spdx.package_count; k++)
			counts[all++].licence = evidence->sboms[i].spdx.packages[k].licence;
	qsort(counts, all, sizeof *counts, by_text);
	for (size_t i = 0; i < all; i++) {
		if (count == 0 || strcmp(counts[count - 1].licence, counts[i].licence) != 0)
			counts[count++] = (struct licence_count){.licence = counts[i].licence};
		counts[count - 1].packages++;
	}
	qsort(counts, count, sizeof *counts, by_count);
	*ret_counts = counts;
	*ret_count = count;
	return 0;
}
