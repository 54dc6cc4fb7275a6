/*
 * The statement in the order that RFC 8785 asks for: every member is written where its name sorts,
 * so that a large manifest is never parsed again only to be put in order.
 */
#include "json/json_write.h"
#include "kit/manifest.h"
#include "kit/statement.h"

static void write_digest(struct json_writer *json, const char *name, const struct sha256 *digest)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	json_member_object(json, name);
	json_member_string(json, "sha256", hex);
	json_write_end(json);
}

static void optional_text(struct json_writer *json, const char *name, const char *text)
{
	if (text != NULL && text[0] != '\0')
		json_member_string(json, name, text);
}

static void write_attestations(struct json_writer *json, const struct manifest *manifest)
{
	if (manifest->attestation_count == 0)
		return;
	json_member_array(json, "attestations");
	for (size_t i = 0; i < manifest->attestation_count; i++) {
		const struct manifest_attestation *attestation = &manifest->attestations[i];
		json_write_object(json);
		json_member_array(json, "keys");
		for (size_t k = 0; k < attestation->key_count; k++)
			json_write_string(json, attestation->keys[k]);
		json_write_end(json);
		json_member_string(json, "predicateType", attestation->predicate_type);
		json_write_end(json);
	}
	json_write_end(json);
}

static void write_images(struct json_writer *json, const struct manifest *manifest)
{
	if (manifest->image_count == 0)
		return;
	json_member_array(json, "images");
	for (size_t i = 0; i < manifest->image_count; i++) {
		json_write_object(json);
		write_digest(json, "digest", &manifest->images[i].digest);
		json_member_string(json, "file", manifest->images[i].file);
		json_write_end(json);
	}
	json_write_end(json);
}

static void write_components(struct json_writer *json, const struct manifest *manifest)
{
	json_member_array(json, "components");
	for (size_t i = 0; i < manifest->component_count; i++) {
		const struct manifest_component *component = &manifest->components[i];
		json_write_object(json);
		if (component->has_digest)
			write_digest(json, "digest", &component->digest);
		json_member_string(json, "name", component->name);
		json_member_string(json, "version", component->version);
		json_write_end(json);
	}
	json_write_end(json);
}

static void write_files(struct json_writer *json, const struct manifest *manifest)
{
	json_member_array(json, "files");
	for (size_t i = 0; i < manifest->file_count; i++) {
		const struct manifest_file *file = &manifest->files[i];
		json_write_object(json);
		json_member_string(json, "mediaType", file->media_type);
		json_member_string(json, "name", file->name);
		json_member_string(json, "role", file_role_name(file->role));
		json_member_integer(json, "size", file->size);
		json_write_end(json);
	}
	json_write_end(json);
}

static void write_kit(struct json_writer *json, const struct manifest *manifest)
{
	json_member_object(json, "kit");
	json_member_string(json, "name", manifest->name);
	json_member_integer(json, "sequence", manifest->sequence);
	optional_text(json, "title", manifest->title);
	json_member_string(json, "version", manifest->version);
	json_write_end(json);
}

static void write_requires(struct json_writer *json, const struct manifest *manifest)
{
	bool has_mongodb =
		manifest->requires_mongodb_min != NULL || manifest->requires_mongodb_max != NULL;

	if (!has_mongodb && manifest->requires_offkit == NULL &&
		manifest->requires_previous == NULL)
		return;
	json_member_object(json, "requires");
	if (has_mongodb) {
		json_member_object(json, "mongodb");
		optional_text(json, "max", manifest->requires_mongodb_max);
		optional_text(json, "min", manifest->requires_mongodb_min);
		json_write_end(json);
	}
	optional_text(json, "offkit", manifest->requires_offkit);
	optional_text(json, "previous", manifest->requires_previous);
	json_write_end(json);
}

static void write_predicate(struct json_writer *json, const struct manifest *manifest)
{
	json_member_object(json, "predicate");
	write_attestations(json, manifest);
	write_components(json, manifest);
	json_member_time(json, "created", manifest->created);
	if (manifest->has_expiry)
		json_member_time(json, "expires", manifest->expires);
	write_files(json, manifest);
	write_images(json, manifest);
	write_kit(json, manifest);
	json_member_array(json, "migrations");
	for (size_t i = 0; i < manifest->migration_count; i++)
		json_write_string(json, manifest->migrations[i]);
	json_write_end(json);
	write_requires(json, manifest);
	write_digest(json, "sumsDigest", &manifest->sums_digest);
	json_write_end(json);
}

int manifest_write(const struct manifest *manifest, struct str *out, struct err *err)
{
	struct json_writer json;

	json_write_begin(&json, out);
	json_write_object(&json);
	json_member_string(&json, "_type", STATEMENT_TYPE);
	write_predicate(&json, manifest);
	json_member_string(&json, "predicateType", MANIFEST_PREDICATE_TYPE);
	json_member_array(&json, "subject");
	for (size_t i = 0; i < manifest->file_count; i++)
		statement_write_subject(&json, manifest->files[i].name, &manifest->files[i].digest);
	json_write_end(&json);
	json_write_end(&json);
	return str_check(out, err);
}
