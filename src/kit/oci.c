#include "kit/oci.h"

#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"
#include "json/json.h"
#include "kit/manifest.h"

#define REFERENCE_ANNOTATION "org.opencontainers.image.ref.name"
#define OCI_INDEX	     "application/vnd.oci.image.index.v1+json"
#define OCI_MANIFEST	     "application/vnd.oci.image.manifest.v1+json"
#define DIGEST_PREFIX	     "sha256:"

enum { SCHEMA_VERSION = 2, LAYOUT_SIZE_MAX = 4096 };

enum kind { KIND_INDEX, KIND_MANIFEST, KIND_CONFIG };

static const struct {
	const char *media_type;
	enum kind kind;
} kinds[] = {
	{OCI_INDEX, KIND_INDEX},
	{"application/vnd.docker.distribution.manifest.list.v2+json", KIND_INDEX},
	{OCI_MANIFEST, KIND_MANIFEST},
	{"application/vnd.docker.distribution.manifest.v2+json", KIND_MANIFEST},
	{"application/vnd.oci.image.config.v1+json", KIND_CONFIG},
	{"application/vnd.docker.container.image.v1+json", KIND_CONFIG},
};

static bool is_kind(const char *media_type, enum kind kind)
{
	for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
		if (kinds[i].kind == kind && strcmp(kinds[i].media_type, media_type) == 0)
			return true;
	return false;
}

bool oci_is_index(const char *media_type)
{
	return is_kind(media_type, KIND_INDEX);
}

bool oci_is_manifest(const char *media_type)
{
	return is_kind(media_type, KIND_MANIFEST);
}

bool oci_is_config(const char *media_type)
{
	return is_kind(media_type, KIND_CONFIG);
}

bool oci_media_type_agrees(const char *of_document, const char *of_descriptor)
{
	if (*of_document == '\0')
		return strcmp(of_descriptor, OCI_INDEX) == 0 ||
		       strcmp(of_descriptor, OCI_MANIFEST) == 0;
	return strcmp(of_document, of_descriptor) == 0;
}

bool oci_platform_agrees(const struct oci_platform *a, const struct oci_platform *b)
{
	if (strcmp(a->os, b->os) != 0 || strcmp(a->architecture, b->architecture) != 0)
		return false;
	return *a->variant == '\0' || *b->variant == '\0' || strcmp(a->variant, b->variant) == 0;
}

static int copy(struct arena *arena, const char *text, const char **ret, struct err *err)
{
	const char *result = arena_string(arena, text);

	if (result == NULL)
		return err_no_memory(err);
	*ret = result;
	return 0;
}

static int need_text(const struct json *object, const char *name, struct arena *arena,
	const char **ret, struct err *err)
{
	const char *text;
	int rc = json_need_string(object, name, OCI_TEXT_MAX, &text, err);

	return rc < 0 ? rc : copy(arena, text, ret, err);
}

/* "" if absent */
static int optional_text(const struct json *object, const char *name, struct arena *arena,
	const char **ret, struct err *err)
{
	const char *text = "";
	int rc = json_optional_string(object, name, OCI_TEXT_MAX, &text, err);

	return rc < 0 ? rc : copy(arena, text, ret, err);
}

static int read_digest(const char *text, struct sha256 *ret_digest, struct err *err)
{
	const size_t prefix = sizeof DIGEST_PREFIX - 1;

	if (strncmp(text, DIGEST_PREFIX, prefix) != 0)
		return err_set(err, ERR_SYNTAX, "a digest is not of SHA-256");
	if (!sha256_from_hex(bytes_of_string(text + prefix), ret_digest))
		return err_set(err, ERR_SYNTAX,
			"a digest is not \"sha256:\" and 64 lower-case hexadecimal digits");
	return 0;
}

static int read_platform(const struct json *object, struct arena *arena,
	struct oci_platform *platform, struct err *err)
{
	int rc = need_text(object, "os", arena, &platform->os, err);

	if (rc == 0)
		rc = need_text(object, "architecture", arena, &platform->architecture, err);
	if (rc == 0)
		rc = optional_text(object, "variant", arena, &platform->variant, err);
	return rc;
}

static int read_annotations(const struct json *object, struct arena *arena,
	struct oci_descriptor *descriptor, struct err *err)
{
	const struct json *annotations = NULL;

	int rc = json_optional(object, "annotations", JSON_OBJECT, &annotations, err);
	if (rc < 0 || annotations == NULL)
		return rc;
	for (const struct json *item = json_first(annotations); item != NULL;
		item = json_next(item))
		if (json_type(item) != JSON_STRING)
			return err_set(err, ERR_SYNTAX, "an annotation is not a string");
	return optional_text(annotations, REFERENCE_ANNOTATION, arena, &descriptor->reference, err);
}

/* A descriptor may carry its blob along: then somebody may take it from there. */
static int check_data(
	const struct json *object, const struct oci_descriptor *descriptor, struct err *err)
{
	CLEANUP_STR struct str data = STR_INIT;
	struct sha256 digest;
	const char *text = NULL;

	int rc = json_optional_string(object, "data", OCI_DOCUMENT_MAX, &text, err);
	if (rc < 0 || text == NULL)
		return rc;
	rc = base64_decode(bytes_of_string(text), &data, err);
	if (rc == 0)
		rc = sha256_of(str_bytes(&data), &digest, err);
	if (rc < 0)
		return err_context(err, "\"data\"");
	if ((int64_t)data.size != descriptor->size || !sha256_equal(&digest, &descriptor->digest))
		return err_set(err, ERR_SYNTAX, "\"data\" is not what the digest names");
	return 0;
}

static int read_descriptor(const struct json *object, struct arena *arena,
	struct oci_descriptor *ret_descriptor, struct err *err)
{
	struct oci_descriptor descriptor = {.platform = {"", "", ""}, .reference = ""};
	const struct json *platform = NULL;
	const char *digest;

	int rc = need_text(object, "mediaType", arena, &descriptor.media_type, err);
	if (rc == 0 && !media_type_valid(descriptor.media_type))
		rc = err_set(err, ERR_SYNTAX, "\"mediaType\" is no media type");
	if (rc == 0)
		rc = json_need_string(object, "digest", OCI_TEXT_MAX, &digest, err);
	if (rc == 0)
		rc = read_digest(digest, &descriptor.digest, err);
	if (rc == 0)
		rc = json_need_integer(
			object, "size", 0, MANIFEST_FILE_SIZE_MAX, &descriptor.size, err);
	if (rc == 0)
		rc = read_annotations(object, arena, &descriptor, err);
	if (rc == 0)
		rc = json_optional(object, "platform", JSON_OBJECT, &platform, err);
	descriptor.has_platform = rc == 0 && platform != NULL;
	if (descriptor.has_platform)
		rc = read_platform(platform, arena, &descriptor.platform, err);
	if (rc == 0)
		rc = check_data(object, &descriptor, err);
	if (rc == 0)
		*ret_descriptor = descriptor;
	return rc;
}

static int read_descriptors(const struct json *object, const char *name, struct arena *arena,
	size_t *ret_count, struct oci_descriptor **ret_descriptors, struct err *err)
{
	const struct json *list;
	size_t count = 0;

	int rc = json_need(object, name, JSON_ARRAY, &list, err);
	if (rc < 0)
		return rc;
	if (json_count(list) > OCI_DESCRIPTORS_MAX)
		return err_set(err, ERR_LIMIT, "\"%s\" has more than %d descriptors", name,
			OCI_DESCRIPTORS_MAX);
	struct oci_descriptor *descriptors =
		arena_array(arena, json_count(list) + 1, sizeof *descriptors);
	if (descriptors == NULL)
		return err_no_memory(err);
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		rc = read_descriptor(item, arena, &descriptors[count], err);
		if (rc < 0)
			return err_context(err, "\"%s\": descriptor %zu", name, count + 1);
		count++;
	}
	*ret_count = count;
	*ret_descriptors = descriptors;
	return 0;
}

/*
 * What index and manifest have in common. foreign are members of the other kind: a document that
 * has them means one thing to this reader and another to the next.
 */
static int read_head(const struct json *root, enum kind kind, const char *const *foreign,
	struct arena *arena, const char **ret_media_type, struct err *err)
{
	const char *media_type = "";
	int64_t version;

	int rc = json_need_integer(
		root, "schemaVersion", SCHEMA_VERSION, SCHEMA_VERSION, &version, err);
	if (rc == 0)
		rc = optional_text(root, "mediaType", arena, &media_type, err);
	if (rc < 0)
		return rc;
	if (json_member(root, "mediaType") != NULL && !is_kind(media_type, kind))
		return err_set(err, ERR_SYNTAX, "\"mediaType\" is not that of %s",
			kind == KIND_INDEX ? "an index" : "a manifest");
	for (; *foreign != NULL; foreign++)
		if (json_member(root, *foreign) != NULL)
			return err_set(err, ERR_SYNTAX, "%s has \"%s\"",
				kind == KIND_INDEX ? "an index" : "a manifest", *foreign);
	*ret_media_type = media_type;
	return 0;
}

int oci_layout_parse(struct bytes text, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const char *version;

	int rc = json_parse(text, JSON_LIMITS(LAYOUT_SIZE_MAX), &doc, err);
	if (rc == 0)
		rc = json_need_string(
			json_root(doc), "imageLayoutVersion", OCI_TEXT_MAX, &version, err);
	if (rc == 0 && strcmp(version, "1.0.0") != 0)
		rc = err_set(err, ERR_SYNTAX, "\"imageLayoutVersion\" is not 1.0.0");
	return rc;
}

int oci_index_parse(
	struct bytes text, struct arena *arena, struct oci_list *ret_list, struct err *err)
{
	static const char *const foreign[] = {"config", "layers", "fsLayers", NULL};
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	struct oci_list list;

	int rc = json_parse(text, JSON_LIMITS(OCI_DOCUMENT_MAX), &doc, err);
	if (rc == 0)
		rc = read_head(json_root(doc), KIND_INDEX, foreign, arena, &list.media_type, err);
	if (rc == 0)
		rc = read_descriptors(
			json_root(doc), "manifests", arena, &list.count, &list.descriptors, err);
	if (rc == 0)
		*ret_list = list;
	return rc;
}

int oci_manifest_parse(
	struct bytes text, struct arena *arena, struct oci_manifest *ret_manifest, struct err *err)
{
	static const char *const foreign[] = {"manifests", "fsLayers", NULL};
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const struct json *config;
	struct oci_manifest manifest;

	int rc = json_parse(text, JSON_LIMITS(OCI_DOCUMENT_MAX), &doc, err);
	if (rc == 0)
		rc = read_head(
			json_root(doc), KIND_MANIFEST, foreign, arena, &manifest.media_type, err);
	if (rc == 0)
		rc = json_need(json_root(doc), "config", JSON_OBJECT, &config, err);
	if (rc < 0)
		return rc;
	rc = read_descriptor(config, arena, &manifest.config, err);
	if (rc < 0)
		return err_context(err, "\"config\"");
	rc = read_descriptors(
		json_root(doc), "layers", arena, &manifest.layer_count, &manifest.layers, err);
	if (rc == 0)
		*ret_manifest = manifest;
	return rc;
}

static int read_rootfs(const struct json *rootfs, size_t *ret_count, struct err *err)
{
	const struct json *list;
	const char *type;
	struct sha256 digest;

	int rc = json_need_string(rootfs, "type", OCI_TEXT_MAX, &type, err);
	if (rc == 0 && strcmp(type, "layers") != 0)
		rc = err_set(err, ERR_SYNTAX, "\"type\" is not \"layers\"");
	if (rc == 0)
		rc = json_need(rootfs, "diff_ids", JSON_ARRAY, &list, err);
	if (rc < 0)
		return rc;
	if (json_count(list) > OCI_DESCRIPTORS_MAX)
		return err_set(err, ERR_LIMIT, "\"diff_ids\" has more than %d digests",
			OCI_DESCRIPTORS_MAX);
	for (const struct json *item = json_first(list); item != NULL; item = json_next(item)) {
		if (json_type(item) != JSON_STRING)
			return err_set(err, ERR_SYNTAX, "a digest of \"diff_ids\" is no string");
		rc = read_digest(json_string(item), &digest, err);
		if (rc < 0)
			return err_context(err, "\"diff_ids\"");
	}
	*ret_count = json_count(list);
	return 0;
}

int oci_config_parse(struct bytes text, struct arena *arena, struct oci_platform *ret_platform,
	size_t *ret_layer_count, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const struct json *rootfs;
	struct oci_platform platform;
	size_t count = 0;

	int rc = json_parse(text, JSON_LIMITS(OCI_DOCUMENT_MAX), &doc, err);
	if (rc == 0)
		rc = read_platform(json_root(doc), arena, &platform, err);
	if (rc == 0)
		rc = json_need(json_root(doc), "rootfs", JSON_OBJECT, &rootfs, err);
	if (rc < 0)
		return rc;
	rc = read_rootfs(rootfs, &count, err);
	if (rc < 0)
		return err_context(err, "\"rootfs\"");
	*ret_platform = platform;
	*ret_layer_count = count;
	return 0;
}
