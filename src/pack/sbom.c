#include "pack/sbom.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/version.h"
#include "json/json_write.h"
#include "kit/spdx.h"
#include "pack/pins.h"

#define DOCUMENT     "SPDXRef-DOCUMENT"
#define IMAGE	     "SPDXRef-image"
#define MIGRATIONS   "SPDXRef-migrations"
#define NO_ASSERTION "NOASSERTION"
#define OWN_LICENCE  "LicenseRef-"

enum { ID_SIZE = 192 };

static void program_id(char id[static ID_SIZE], const struct sbom_program *program)
{
	(void)snprintf(id, ID_SIZE, "SPDXRef-program-linux-%s", program->architecture);
}

static void migration_id(char id[static ID_SIZE], size_t i)
{
	(void)snprintf(id, ID_SIZE, "SPDXRef-migration-%zu", i + 1);
}

static bool components_equal(const struct component *a, const struct component *b)
{
	return strcmp(a->name, b->name) == 0 && strcmp(a->version, b->version) == 0 &&
	       strcmp(a->purl, b->purl) == 0 && strcmp(a->licence, b->licence) == 0 &&
	       strcmp(a->source, b->source) == 0 && (a->file == NULL) == (b->file == NULL) &&
	       (a->file == NULL || sha256_equal(&a->digest, &b->digest));
}

/* The first program that contains it: what several contain is one package of the document. */
static const struct sbom_program *first_with(
	const struct sbom *sbom, const struct component *component)
{
	for (size_t i = 0; i < sbom->program_count; i++)
		for (size_t j = 0; j < sbom->programs[i].components->count; j++)
			if (components_equal(&sbom->programs[i].components->items[j], component))
				return &sbom->programs[i];
	return NULL;
}

static void component_id(
	char id[static ID_SIZE], const struct sbom *sbom, const struct component *component)
{
	const struct sbom_program *first = first_with(sbom, component);
	bool is_other = first != &sbom->programs[0];

	(void)snprintf(id, ID_SIZE, "SPDXRef-component-%.128s%s%s", component->name,
		is_other ? "-linux-" : "", is_other ? first->architecture : "");
}

static void write_checksum(struct json_writer *writer, const char *algorithm, const char *value)
{
	json_write_object(writer);
	json_member_string(writer, "algorithm", algorithm);
	json_member_string(writer, "checksumValue", value);
	json_write_end(writer);
}

static void write_sha256(struct json_writer *writer, const struct sha256 *digest)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	write_checksum(writer, "SHA256", hex);
}

/* Opens it; the caller ends it. */
static void begin_package(struct json_writer *writer, const char *id, const char *name,
	const char *version, const char *purpose, const char *licence)
{
	json_write_object(writer);
	json_member_string(writer, "SPDXID", id);
	json_member_string(writer, "name", name);
	json_member_string(writer, "versionInfo", version);
	json_member_string(writer, "primaryPackagePurpose", purpose);
	json_member_string(writer, "downloadLocation", NO_ASSERTION);
	json_member_string(writer, "licenseConcluded", NO_ASSERTION);
	json_member_string(writer, "licenseDeclared", licence);
	json_member_string(writer, "copyrightText", NO_ASSERTION);
}

static void write_package_checksum(struct json_writer *writer, const struct sha256 *digest)
{
	json_member_array(writer, "checksums");
	write_sha256(writer, digest);
	json_write_end(writer);
}

static void write_purl(struct json_writer *writer, const char *purl)
{
	json_member_array(writer, "externalRefs");
	json_write_object(writer);
	json_member_string(writer, "referenceCategory", "PACKAGE-MANAGER");
	json_member_string(writer, "referenceType", "purl");
	json_member_string(writer, "referenceLocator", purl);
	json_write_end(writer);
	json_write_end(writer);
}

static int compare_texts(const void *left, const void *right)
{
	return strcmp(*(const char *const *)left, *(const char *const *)right);
}

/* Clause 7.9: the SHA-1 of the files' SHA-1s, sorted, one after the other. */
static int write_verification_code(
	struct json_writer *writer, const struct file_digests *files, size_t count, struct err *err)
{
	CLEANUP(sha1_stream_cleanup) struct sha1_stream *stream = NULL;
	CLEANUP_FREE const char **sorted = calloc(count + 1, sizeof *sorted);
	char hex[SHA1_HEX_SIZE];

	if (sorted == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < count; i++)
		sorted[i] = files[i].sha1;
	qsort(sorted, count, sizeof *sorted, compare_texts);
	int rc = sha1_stream_new(&stream, err);
	for (size_t i = 0; i < count && rc == 0; i++)
		rc = sha1_stream_update(stream, bytes_of_string(sorted[i]), err);
	if (rc == 0)
		rc = sha1_stream_finish(stream, hex, err);
	if (rc < 0)
		return rc;
	json_member_bool(writer, "filesAnalyzed", true);
	json_member_object(writer, "packageVerificationCode");
	json_member_string(writer, "packageVerificationCodeValue", hex);
	json_write_end(writer);
	return 0;
}

static int write_program(struct json_writer *writer, const struct sbom *sbom,
	const struct sbom_program *program, struct err *err)
{
	CLEANUP_STR struct str purl = STR_INIT;
	char id[ID_SIZE], hex[SHA256_HEX_SIZE];

	program_id(id, program);
	sha256_to_hex(&program->file.sha256, hex);
	str_append_format(&purl, "pkg:generic/%s@", sbom->name);
	purl_append(&purl, sbom->version);
	str_append_format(&purl, "?arch=%s&checksum=sha256:%s", program->architecture, hex);
	int rc = str_check(&purl, err);
	if (rc < 0)
		return rc;
	begin_package(writer, id, sbom->name, sbom->version, "APPLICATION", "ISC");
	json_member_string(writer, "packageFileName", program->file.name);
	write_package_checksum(writer, &program->file.sha256);
	write_purl(writer, str_text(&purl));
	rc = write_verification_code(writer, &program->file, 1, err);
	json_write_end(writer);
	return rc;
}

static void write_component(
	struct json_writer *writer, const struct sbom *sbom, const struct component *component)
{
	char id[ID_SIZE];

	component_id(id, sbom, component);
	begin_package(
		writer, id, component->name, component->version, "LIBRARY", component->licence);
	if (component->file != NULL) {
		json_member_string(writer, "packageFileName", component->file);
		write_package_checksum(writer, &component->digest);
	}
	if (*component->source != '\0')
		json_member_string(writer, "sourceInfo", component->source);
	write_purl(writer, component->purl);
	json_member_bool(writer, "filesAnalyzed", false);
	json_write_end(writer);
}

static int write_image(struct json_writer *writer, const struct sbom_image *image, struct err *err)
{
	char purl[512], hex[SHA256_HEX_SIZE];
	int rc = 0;

	sha256_to_hex(&image->digest, hex);
	(void)snprintf(
		purl, sizeof purl, "pkg:oci/%s@sha256%%3A%s?tag=%s", image->name, hex, image->tag);
	begin_package(writer, IMAGE, image->name, image->tag, "CONTAINER", NO_ASSERTION);
	json_member_string(writer, "comment",
		"The checksum is the digest of the image's manifest or index, as a kit pins it.");
	write_package_checksum(writer, &image->digest);
	write_purl(writer, purl);
	json_member_bool(writer, "filesAnalyzed", false);
	json_write_end(writer);
	if (image->migration_count > 0) {
		begin_package(writer, MIGRATIONS, "migrations", image->tag, "OTHER", NO_ASSERTION);
		rc = write_verification_code(
			writer, image->migrations, image->migration_count, err);
		json_write_end(writer);
	}
	return rc;
}

static void write_components(
	struct json_writer *writer, const struct sbom *sbom, const struct sbom_program *program)
{
	for (size_t i = 0; i < program->components->count; i++)
		if (first_with(sbom, &program->components->items[i]) == program)
			write_component(writer, sbom, &program->components->items[i]);
}

static int write_packages(struct json_writer *writer, const struct sbom *sbom, struct err *err)
{
	int rc = 0;

	json_member_array(writer, "packages");
	if (sbom->image != NULL)
		rc = write_image(writer, sbom->image, err);
	for (size_t i = 0; i < sbom->program_count && rc == 0; i++)
		rc = write_program(writer, sbom, &sbom->programs[i], err);
	for (size_t i = 0; i < sbom->program_count && rc == 0; i++)
		write_components(writer, sbom, &sbom->programs[i]);
	json_write_end(writer);
	return rc;
}

static void write_file(struct json_writer *writer, const char *id, const char *type,
	const struct file_digests *file)
{
	char name[1200];

	(void)snprintf(name, sizeof name, "./%s", file->name);
	json_write_object(writer);
	json_member_string(writer, "SPDXID", id);
	json_member_string(writer, "fileName", name);
	json_member_array(writer, "fileTypes");
	json_write_string(writer, type);
	json_write_end(writer);
	json_member_array(writer, "checksums");
	write_checksum(writer, "SHA1", file->sha1);
	write_sha256(writer, &file->sha256);
	json_write_end(writer);
	json_member_string(writer, "licenseConcluded", NO_ASSERTION);
	json_member_string(writer, "copyrightText", NO_ASSERTION);
	json_write_end(writer);
}

static void file_id(char id[static ID_SIZE], const struct sbom_program *program)
{
	(void)snprintf(id, ID_SIZE, "SPDXRef-file-linux-%s", program->architecture);
}

static void write_files(struct json_writer *writer, const struct sbom *sbom)
{
	char id[ID_SIZE];

	json_member_array(writer, "files");
	for (size_t i = 0; i < sbom->program_count; i++) {
		file_id(id, &sbom->programs[i]);
		write_file(writer, id, "BINARY", &sbom->programs[i].file);
	}
	for (size_t i = 0; sbom->image != NULL && i < sbom->image->migration_count; i++) {
		migration_id(id, i);
		write_file(writer, id, "TEXT", &sbom->image->migrations[i]);
	}
	json_write_end(writer);
}

static void relate(struct json_writer *writer, const char *from, const char *type, const char *to)
{
	json_write_object(writer);
	json_member_string(writer, "spdxElementId", from);
	json_member_string(writer, "relationshipType", type);
	json_member_string(writer, "relatedSpdxElement", to);
	json_write_end(writer);
}

static void relate_program(
	struct json_writer *writer, const struct sbom *sbom, const struct sbom_program *program)
{
	char id[ID_SIZE], other[ID_SIZE];

	program_id(id, program);
	if (sbom->image != NULL)
		relate(writer, IMAGE, "CONTAINS", id);
	else
		relate(writer, DOCUMENT, "DESCRIBES", id);
	file_id(other, program);
	relate(writer, id, "CONTAINS", other);
	for (size_t i = 0; i < program->components->count; i++) {
		component_id(other, sbom, &program->components->items[i]);
		relate(writer, id, "STATIC_LINK", other);
	}
}

static void write_relationships(struct json_writer *writer, const struct sbom *sbom)
{
	char id[ID_SIZE];

	json_member_array(writer, "relationships");
	if (sbom->image != NULL)
		relate(writer, DOCUMENT, "DESCRIBES", IMAGE);
	for (size_t i = 0; i < sbom->program_count; i++)
		relate_program(writer, sbom, &sbom->programs[i]);
	if (sbom->image != NULL && sbom->image->migration_count > 0)
		relate(writer, IMAGE, "CONTAINS", MIGRATIONS);
	for (size_t i = 0; sbom->image != NULL && i < sbom->image->migration_count; i++) {
		migration_id(id, i);
		relate(writer, MIGRATIONS, "CONTAINS", id);
	}
	json_write_end(writer);
}

/* Clause 10: of each licence that is not on SPDX's list where its text is; seen: those before, each
 * between spaces. */
static void write_own_licences(
	struct json_writer *writer, const struct component *component, struct str *seen)
{
	const char *text = component->licence;
	char id[ID_SIZE], told[1024];

	for (const char *at = text; (at = strstr(at, OWN_LICENCE)) != NULL; at++) {
		/* Not "DocumentRef-a:LicenseRef-b", which another document explains. */
		if (at > text && at[-1] != ' ' && at[-1] != '(')
			continue;
		(void)snprintf(id, sizeof id, " %.*s ", (int)strcspn(at, "() +"), at);
		if (strstr(str_text(seen), id) != NULL)
			continue;
		if (seen->size == 0)
			json_member_array(writer, "hasExtractedLicensingInfos");
		str_append_text(seen, id);
		id[strlen(id) - 1] = '\0';
		(void)snprintf(told, sizeof told, "Its text is in the source of %s %s.",
			component->name, component->version);
		json_write_object(writer);
		json_member_string(writer, "licenseId", id + 1);
		json_member_string(writer, "extractedText", told);
		json_write_end(writer);
	}
}

static int write_all_own_licences(
	struct json_writer *writer, const struct sbom *sbom, struct err *err)
{
	CLEANUP_STR struct str seen = STR_INIT;

	for (size_t i = 0; i < sbom->program_count; i++)
		for (size_t j = 0; j < sbom->programs[i].components->count; j++)
			write_own_licences(writer, &sbom->programs[i].components->items[j], &seen);
	if (seen.size > 0)
		json_write_end(writer);
	return str_check(&seen, err);
}

static int write_document(
	const struct sbom *sbom, const char *digest, struct str *out, struct err *err)
{
	const char *name = sbom->image != NULL ? sbom->image->name : sbom->name;
	const char *version = sbom->image != NULL ? sbom->image->tag : sbom->version;
	struct json_writer writer;
	char text[512];

	json_write_begin(&writer, out);
	json_write_object(&writer);
	json_member_string(&writer, "spdxVersion", "SPDX-2.3");
	json_member_string(&writer, "dataLicense", "CC0-1.0");
	json_member_string(&writer, "SPDXID", DOCUMENT);
	(void)snprintf(text, sizeof text, "%s-%s", name, version);
	json_member_string(&writer, "name", text);
	(void)snprintf(
		text, sizeof text, "https://spdx.org/spdxdocs/%s-%s-%s", name, version, digest);
	json_member_string(&writer, "documentNamespace", text);
	json_member_object(&writer, "creationInfo");
	json_member_time(&writer, "created", sbom->created);
	json_member_array(&writer, "creators");
	(void)snprintf(text, sizeof text, "Tool: offkit-pack-%s", version_text());
	json_write_string(&writer, text);
	json_write_end(&writer);
	json_write_end(&writer);
	int rc = write_packages(&writer, sbom, err);
	if (rc < 0)
		return rc;
	rc = write_all_own_licences(&writer, sbom, err);
	if (rc < 0)
		return rc;
	write_files(&writer, sbom);
	write_relationships(&writer, sbom);
	json_write_end(&writer);
	str_append_char(out, '\n');
	return str_check(out, err);
}

/* What a site would say of it. */
static int check_document(struct bytes text, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct spdx spdx;
	int rc = spdx_parse(text, &arena, &spdx, err);

	return rc < 0 ? err_context(err, "the SBOM") : 0;
}

int sbom_write(const struct sbom *sbom, struct str *out, struct err *err)
{
	CLEANUP_STR struct str unnamed = STR_INIT;
	struct sha256 digest;
	char hex[SHA256_HEX_SIZE];
	int rc = write_document(sbom, "", &unnamed, err);

	if (rc == 0)
		rc = sha256_of(str_bytes(&unnamed), &digest, err);
	if (rc < 0)
		return rc;
	sha256_to_hex(&digest, hex);
	rc = write_document(sbom, hex, out, err);
	return rc < 0 ? rc : check_document(str_bytes(out), err);
}
