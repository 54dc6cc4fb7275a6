#include "verify/image_walk.h"

#include <string.h>

#include "kit/manifest.h"

struct walk {
	struct image_blobs *blobs;
	struct arena *arena;
	size_t count;
	struct image_manifest *manifests; /* IMAGE_MANIFESTS_MAX */
};

static int refuse(
	struct err *err, enum err_code code, const struct sha256 *digest, const char *what)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	return err_set(err, code, "sha256:%s %s", hex, what);
}

static int within(struct err *err, const struct sha256 *digest)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	return err_context(err, "sha256:%s", hex);
}

static int reach(struct walk *walk, const struct oci_descriptor *descriptor,
	struct image_blob **ret_blob, struct err *err)
{
	struct image_blob *blob = image_blobs_find(walk->blobs, &descriptor->digest);

	if (blob == NULL)
		return refuse(err, ERR_IMAGE, &descriptor->digest, "is missing from the layout");
	if (blob->size != descriptor->size)
		return refuse(err, ERR_IMAGE, &descriptor->digest,
			"has another size than what leads to it says");
	blob->reached = true;
	*ret_blob = blob;
	return 0;
}

static int document(const struct image_blob *blob, struct bytes *ret_text, struct err *err)
{
	if (blob->size > OCI_DOCUMENT_MAX)
		return err_set(
			err, ERR_LIMIT, "the document has more than %d octets", OCI_DOCUMENT_MAX);
	if (!blob->is_object)
		return err_set(err, ERR_SYNTAX, "the document does not begin with \"{\"");
	if (blob->document == NULL)
		return err_set(err, ERR_LIMIT,
			"the layout's documents have more than %d octets together",
			IMAGE_DOCUMENTS_MAX);
	*ret_text = bytes_make(blob->document, (size_t)blob->size);
	return 0;
}

static int check_platform(const struct image_manifest *manifest,
	const struct oci_descriptor *descriptor, struct err *err)
{
	if (manifest == NULL || !descriptor->has_platform || *manifest->platform.os == '\0' ||
		oci_platform_agrees(&manifest->platform, &descriptor->platform))
		return 0;
	return err_set(err, ERR_SYNTAX, "its config is for another platform than the index says");
}

/* An artifact's config is anything, and names no platform: then the members stay "". */
static int walk_config(struct walk *walk, const struct oci_manifest *document_of,
	struct image_manifest *manifest, struct err *err)
{
	const struct oci_descriptor *descriptor = &document_of->config;
	struct image_blob *blob = NULL;
	struct bytes text;
	size_t layer_count;

	int rc = reach(walk, descriptor, &blob, err);
	if (rc < 0 || !oci_is_config(descriptor->media_type))
		return rc;
	rc = document(blob, &text, err);
	if (rc == 0)
		rc = oci_config_parse(text, walk->arena, &manifest->platform, &layer_count, err);
	if (rc < 0)
		return within(err, &descriptor->digest);
	if (layer_count != document_of->layer_count)
		return err_set(err, ERR_SYNTAX, "it has %zu layers, and its config names %zu",
			document_of->layer_count, layer_count);
	return 0;
}

static int walk_manifest(
	struct walk *walk, struct image_blob *blob, struct bytes text, struct err *err)
{
	struct oci_manifest parsed;
	struct image_blob *layer = NULL;

	int rc = oci_manifest_parse(text, walk->arena, &parsed, err);
	if (rc < 0)
		return rc;
	if (!oci_media_type_agrees(parsed.media_type, blob->walked_as))
		return err_set(err, ERR_SYNTAX, "it has another media type than its descriptor");
	if (walk->count == IMAGE_MANIFESTS_MAX)
		return err_set(
			err, ERR_LIMIT, "an image has at most %d manifests", IMAGE_MANIFESTS_MAX);
	struct image_manifest *manifest = &walk->manifests[walk->count];
	*manifest = (struct image_manifest){.digest = blob->digest,
		.platform = {"", "", ""},
		.layer_count = parsed.layer_count,
		.octets = parsed.config.size};
	rc = walk_config(walk, &parsed, manifest, err);
	for (size_t i = 0; i < parsed.layer_count && rc == 0; i++) {
		rc = reach(walk, &parsed.layers[i], &layer, err);
		manifest->octets += parsed.layers[i].size;
		if (rc == 0 && manifest->octets > MANIFEST_FILE_SIZE_MAX)
			rc = err_set(err, ERR_LIMIT, "it has more octets than a file may have");
	}
	if (rc < 0)
		return rc;
	walk->count++;
	blob->walked_to = manifest;
	return 0;
}

static int walk_descriptor(struct walk *walk, const struct oci_descriptor *descriptor,
	unsigned depth, struct err *err);

static int walk_index(struct walk *walk, const struct image_blob *blob, struct bytes text,
	unsigned depth, struct err *err)
{
	struct oci_list list;

	if (depth == IMAGE_INDEX_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "more than %d indexes stand within each other",
			IMAGE_INDEX_DEPTH_MAX);
	int rc = oci_index_parse(text, walk->arena, &list, err);
	if (rc < 0)
		return rc;
	if (!oci_media_type_agrees(list.media_type, blob->walked_as))
		return err_set(err, ERR_SYNTAX, "it has another media type than its descriptor");
	for (size_t i = 0; i < list.count && rc == 0; i++)
		rc = walk_descriptor(walk, &list.descriptors[i], depth + 1, err);
	return rc;
}

/* What was walked already, by another way: it is the same only if it is called the same. */
static int walk_again(
	const struct image_blob *blob, const struct oci_descriptor *descriptor, struct err *err)
{
	if (strcmp(blob->walked_as, descriptor->media_type) != 0)
		return err_set(err, ERR_SYNTAX, "two descriptors give it different media types");
	return check_platform(blob->walked_to, descriptor, err);
}

static int walk_blob(struct walk *walk, struct image_blob *blob,
	const struct oci_descriptor *descriptor, unsigned depth, struct err *err)
{
	struct bytes text;

	if (blob->walked_as != NULL)
		return walk_again(blob, descriptor, err);
	blob->walked_as = descriptor->media_type;
	int rc = document(blob, &text, err);
	if (rc < 0)
		return rc;
	if (oci_is_index(descriptor->media_type))
		return walk_index(walk, blob, text, depth, err);
	rc = walk_manifest(walk, blob, text, err);
	return rc < 0 ? rc : check_platform(blob->walked_to, descriptor, err);
}

/* The specification allows an index to name what is neither: a blob, and nothing behind it. */
static bool leads_on(const struct oci_descriptor *descriptor)
{
	return oci_is_index(descriptor->media_type) || oci_is_manifest(descriptor->media_type);
}

static int walk_descriptor(
	struct walk *walk, const struct oci_descriptor *descriptor, unsigned depth, struct err *err)
{
	struct image_blob *blob = NULL;

	int rc = reach(walk, descriptor, &blob, err);
	if (rc < 0 || !leads_on(descriptor))
		return rc;
	rc = walk_blob(walk, blob, descriptor, depth, err);
	return rc < 0 ? within(err, &descriptor->digest) : 0;
}

static int choose_pinned(const struct oci_list *list, const struct sha256 *pinned,
	const struct oci_descriptor **ret_descriptor, struct err *err)
{
	for (size_t i = 0; i < list->count; i++) {
		const struct oci_descriptor *descriptor = &list->descriptors[i];
		if (!sha256_equal(&descriptor->digest, pinned) || !leads_on(descriptor))
			continue;
		*ret_descriptor = descriptor;
		return 0;
	}
	return refuse(err, ERR_IMAGE, pinned, "is pinned, and index.json does not lead to it");
}

static int choose_only(
	const struct oci_list *list, const struct oci_descriptor **ret_descriptor, struct err *err)
{
	const struct oci_descriptor *found = NULL;

	for (size_t i = 0; i < list->count; i++) {
		const struct oci_descriptor *descriptor = &list->descriptors[i];
		if (!leads_on(descriptor))
			continue;
		if (found != NULL && !sha256_equal(&found->digest, &descriptor->digest))
			return err_set(err, ERR_IMAGE,
				"index.json leads to more than one image, and no digest is pinned");
		if (found == NULL)
			found = descriptor;
	}
	if (found == NULL)
		return err_set(err, ERR_SYNTAX, "index.json leads to no image");
	*ret_descriptor = found;
	return 0;
}

/* What is pinned is walked first, so that its manifests are known from the others. */
static int walk_all(struct walk *walk, const struct oci_list *list,
	const struct oci_descriptor *chosen, struct image *image, struct err *err)
{
	int rc = walk_descriptor(walk, chosen, 0, err);

	if (rc < 0)
		return rc;
	if (walk->count == 0)
		return refuse(err, ERR_SYNTAX, &chosen->digest, "leads to no manifest");
	image->manifest_count = walk->count;
	for (size_t i = 0; i < list->count && rc == 0; i++)
		rc = walk_descriptor(walk, &list->descriptors[i], 0, err);
	image->unpinned_count = walk->count - image->manifest_count;
	for (size_t i = 0; i < walk->blobs->count; i++)
		image->unreferenced_count += !walk->blobs->blobs[i].reached;
	return rc;
}

int image_walk(struct image_blobs *blobs, const struct sha256 *pinned, struct arena *arena,
	struct image *ret_image, struct err *err)
{
	struct walk walk = {.blobs = blobs, .arena = arena};
	const struct oci_descriptor *chosen = NULL;
	struct oci_list list;

	walk.manifests = arena_array(arena, IMAGE_MANIFESTS_MAX, sizeof *walk.manifests);
	if (walk.manifests == NULL)
		return err_no_memory(err);
	int rc = oci_index_parse(str_bytes(&blobs->index), arena, &list, err);
	if (rc < 0)
		return err_context(err, "index.json");
	rc = pinned != NULL ? choose_pinned(&list, pinned, &chosen, err)
			    : choose_only(&list, &chosen, err);
	if (rc < 0)
		return rc;
	struct image image = {.file = "",
		.digest = chosen->digest,
		.reference = chosen->reference,
		.manifests = walk.manifests};
	rc = walk_all(&walk, &list, chosen, &image, err);
	if (rc == 0)
		*ret_image = image;
	return rc;
}
