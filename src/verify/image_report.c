#include "verify/image_report.h"

#include "base/cleanup.h"
#include "json/json_write.h"
#include "kit/manifest.h"
#include "verify/image_walk.h"

static void write_digest(struct json_writer *writer, const struct sha256 *digest)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	json_member_string(writer, "digest", hex);
}

int image_report_write(const struct image *image, struct str *out, struct err *err)
{
	struct json_writer writer;

	json_write_begin(&writer, out);
	json_write_object(&writer);
	write_digest(&writer, &image->digest);
	json_member_string(&writer, "reference", image->reference);
	json_member_integer(&writer, "unpinned", (int64_t)image->unpinned_count);
	json_member_integer(&writer, "unreferenced", (int64_t)image->unreferenced_count);
	json_member_array(&writer, "manifests");
	for (size_t i = 0; i < image->manifest_count; i++) {
		const struct image_manifest *manifest = &image->manifests[i];
		json_write_object(&writer);
		write_digest(&writer, &manifest->digest);
		json_member_string(&writer, "os", manifest->platform.os);
		json_member_string(&writer, "architecture", manifest->platform.architecture);
		json_member_string(&writer, "variant", manifest->platform.variant);
		json_member_integer(&writer, "layers", (int64_t)manifest->layer_count);
		json_member_integer(&writer, "octets", manifest->octets);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	json_write_end(&writer);
	int rc = str_check(out, err);
	if (rc == 0 && out->size > IMAGE_REPORT_MAX)
		rc = err_set(err, ERR_LIMIT, "the names in its documents are too long together");
	return rc;
}

static int read_text(const struct json *object, const char *name, struct arena *arena,
	const char **ret, struct err *err)
{
	const char *text = NULL;
	int rc = json_optional_string(object, name, OCI_TEXT_MAX, &text, err);

	if (rc == 0 && text == NULL)
		rc = err_set(err, ERR_SYNTAX, "\"%s\" is missing", name);
	if (rc < 0)
		return rc;
	*ret = arena_string(arena, text);
	return *ret == NULL ? err_no_memory(err) : 0;
}

static int read_digest(const struct json *object, struct sha256 *ret_digest, struct err *err)
{
	const char *hex;
	int rc = json_need_string(object, "digest", SHA256_HEX_SIZE, &hex, err);

	if (rc == 0 && !sha256_from_hex(bytes_of_string(hex), ret_digest))
		rc = err_set(err, ERR_SYNTAX, "\"digest\" is none");
	return rc;
}

static int read_count(const struct json *object, const char *name, int64_t min, int64_t max,
	size_t *ret_count, struct err *err)
{
	int64_t count = 0;
	int rc = json_need_integer(object, name, min, max, &count, err);

	if (rc == 0)
		*ret_count = (size_t)count;
	return rc;
}

static int read_manifest(const struct json *object, struct arena *arena,
	struct image_manifest *manifest, struct err *err)
{
	struct oci_platform *platform = &manifest->platform;
	int rc = read_digest(object, &manifest->digest, err);

	if (rc == 0)
		rc = read_text(object, "os", arena, &platform->os, err);
	if (rc == 0)
		rc = read_text(object, "architecture", arena, &platform->architecture, err);
	if (rc == 0)
		rc = read_text(object, "variant", arena, &platform->variant, err);
	if (rc == 0)
		rc = read_count(
			object, "layers", 0, OCI_DESCRIPTORS_MAX, &manifest->layer_count, err);
	if (rc == 0)
		rc = json_need_integer(
			object, "octets", 0, MANIFEST_FILE_SIZE_MAX, &manifest->octets, err);
	return rc;
}

static int read_manifests(
	const struct json *object, struct arena *arena, struct image *image, struct err *err)
{
	const struct json *list = NULL;

	int rc = json_need(object, "manifests", JSON_ARRAY, &list, err);
	if (rc < 0)
		return rc;
	if (json_count(list) == 0 || json_count(list) > IMAGE_MANIFESTS_MAX)
		return err_set(err, ERR_LIMIT, "%zu manifests", json_count(list));
	image->manifests = arena_array(arena, json_count(list), sizeof *image->manifests);
	if (image->manifests == NULL)
		return err_no_memory(err);
	for (const struct json *item = json_first(list); item != NULL && rc == 0;
		item = json_next(item))
		rc = read_manifest(item, arena, &image->manifests[image->manifest_count++], err);
	return rc;
}

int image_report_read(
	struct bytes untrusted_text, struct arena *arena, struct image *ret_image, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct image image = {.file = ""};

	int rc = json_parse(untrusted_text, JSON_LIMITS(IMAGE_REPORT_MAX), &doc, err);
	if (rc == 0)
		rc = read_digest(json_root(doc), &image.digest, err);
	if (rc == 0)
		rc = read_text(json_root(doc), "reference", arena, &image.reference, err);
	if (rc == 0)
		rc = read_count(json_root(doc), "unpinned", 0, IMAGE_MANIFESTS_MAX,
			&image.unpinned_count, err);
	if (rc == 0)
		rc = read_count(json_root(doc), "unreferenced", 0, IMAGE_BLOBS_MAX,
			&image.unreferenced_count, err);
	if (rc == 0)
		rc = read_manifests(json_root(doc), arena, &image, err);
	if (rc == 0)
		*ret_image = image;
	return rc;
}
