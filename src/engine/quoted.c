#include "engine/quoted.h"

#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "json/json.h"
#include "text/text.h"
#include "verify/evidence_text.h"

static void quote(struct json_writer *writer, const char *name, const char *text)
{
	json_write_object(writer);
	json_member_string(writer, "name", name);
	json_member_string(writer, "text", text);
	json_write_end(writer);
}

void quote_manifest(const struct manifest *manifest, struct json_writer *writer)
{
	char size[TEXT_SIZE_SIZE], text[256], hex[SHA256_HEX_SIZE];

	json_member_array(writer, "fileList");
	for (size_t i = 0; i < manifest->file_count && i < QUOTED_FILES_MAX; i++) {
		const struct manifest_file *file = &manifest->files[i];
		sha256_to_hex(&file->digest, hex);
		(void)snprintf(text, sizeof text, "%s, %s, sha256 %.16s…",
			file_role_name(file->role), text_size((uint64_t)file->size, size), hex);
		quote(writer, file->name, text);
	}
	json_write_end(writer);
	json_member_array(writer, "componentList");
	for (size_t i = 0; i < manifest->component_count && i < QUOTED_FILES_MAX; i++)
		quote(writer, manifest->components[i].name, manifest->components[i].version);
	json_write_end(writer);
}

/* ---- evidence */

static void quote_summary(struct json_writer *writer, const char *name,
	void (*summary)(const struct kit_evidence *evidence, struct str *out),
	const struct kit_evidence *evidence)
{
	CLEANUP_STR struct str text = STR_INIT;

	summary(evidence, &text);
	if (text.size > 0)
		quote(writer, name, str_text(&text));
}

static void quote_attestation(struct json_writer *writer, const struct attestation *attestation)
{
	CLEANUP_STR struct str text = STR_INIT;

	attestation_text(attestation, &text);
	str_append_text(&text, "; ");
	attestation_about(attestation, &text);
	if (attestation->builder != NULL)
		str_append_text(&text, "; ");
	attestation_builder(attestation, &text);
	if (attestation->log_entries + attestation->timestamps > 0)
		str_append_text(&text, "; ");
	attestation_proofs(attestation, &text);
	quote(writer, attestation->file, str_text(&text));
}

static void quote_image(struct json_writer *writer, const struct image *image)
{
	CLEANUP_STR struct str text = STR_INIT;
	char hex[SHA256_HEX_SIZE];

	image_text(image, &text);
	sha256_to_hex(&image->digest, hex);
	str_append_format(&text, "; sha256:%s", hex);
	quote(writer, image->file, str_text(&text));
}

static void quote_sbom(struct json_writer *writer, const struct sbom *sbom)
{
	CLEANUP_STR struct str text = STR_INIT;

	sbom_text(sbom, &text);
	quote(writer, sbom->file, str_text(&text));
}

void quote_evidence(const struct kit_evidence *evidence, struct json_writer *writer)
{
	size_t room = QUOTED_FILES_MAX;

	json_member_array(writer, "evidence");
	quote_summary(writer, "Images", images_summary, evidence);
	quote_summary(writer, "Attestations", attestations_summary, evidence);
	quote_summary(writer, "SBOM", sboms_summary, evidence);
	json_write_end(writer);
	json_member_array(writer, "evidenceList");
	for (size_t i = 0; i < evidence->image_count && room > 0; i++, room--)
		quote_image(writer, &evidence->images[i]);
	for (size_t i = 0; i < evidence->sbom_count && room > 0; i++, room--)
		quote_sbom(writer, &evidence->sboms[i]);
	for (size_t i = 0; i < evidence->attestation_count && room > 0; i++, room--)
		quote_attestation(writer, &evidence->attestations[i]);
	json_write_end(writer);
}

/* ---- conflicts */

/* The end of the file from a line's beginning on; false if there is none. */
static bool read_tail(int run_dirfd, struct str *tail)
{
	CLEANUP_FD int fd = -1;
	CLEANUP_FREE char *octets = malloc(QUOTED_TAIL_MAX);
	struct stat status;
	struct err ignored;

	if (octets == NULL || file_open_at(run_dirfd, "conflicts.ndjson", &fd, &ignored) < 0 ||
		fstat(fd, &status) != 0)
		return false;
	off_t begin = status.st_size > QUOTED_TAIL_MAX ? status.st_size - QUOTED_TAIL_MAX : 0;
	ssize_t got = pread(fd, octets, QUOTED_TAIL_MAX, begin);
	if (got <= 0)
		return false;
	const char *line = octets;
	if (begin > 0) {
		line = memchr(octets, '\n', (size_t)got);
		if (line == NULL)
			return false;
		line++;
	}
	str_append(tail, line, (size_t)(octets + got - line));
	return str_check(tail, &ignored) == 0;
}

/* Where the last lines begin, so many at most. */
static const char *last_lines(const struct str *tail, size_t count)
{
	const char *begin = str_text(tail), *at = begin + tail->size;

	while (at > begin) {
		if (at[-1] == '\n' && count-- == 0)
			return at;
		at--;
	}
	return begin;
}

void quote_conflicts(int run_dirfd, struct json_writer *writer)
{
	/* Inside of an event a document lies deeper than in its own line. */
	const struct json_limits limits = {
		.size = QUOTED_TAIL_MAX, .depth = JSON_DEPTH_MAX - 4, .own = true};
	CLEANUP_STR struct str tail = STR_INIT;

	if (run_dirfd < 0 || !read_tail(run_dirfd, &tail))
		return;
	json_member_array(writer, "conflicts");
	for (const char *line = last_lines(&tail, QUOTED_CONFLICTS_MAX); *line != '\0';) {
		CLEANUP(json_cleanup) struct json_doc *doc = NULL;
		size_t size = strcspn(line, "\n");
		struct err ignored;
		if (json_parse(bytes_make(line, size), &limits, &doc, &ignored) == 0)
			json_write_value(writer, json_root(doc));
		line += size + (line[size] == '\n');
	}
	json_write_end(writer);
}
