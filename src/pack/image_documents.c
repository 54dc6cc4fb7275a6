#include "pack/image_documents.h"

#include <stdio.h>

#include "json/json_write.h"

#define MEDIA_TYPE(kind) "application/vnd.oci.image." kind

static void write_digest(struct json_writer *writer, const char *name, const struct sha256 *digest)
{
	char text[sizeof "sha256:" + SHA256_HEX_SIZE] = "sha256:";

	sha256_to_hex(digest, text + sizeof "sha256:" - 1);
	if (name != NULL)
		json_write_name(writer, name);
	json_write_string(writer, text);
}

/* Opens it; the caller ends it. */
static void begin_descriptor(
	struct json_writer *writer, const char *media_type, const struct image_blob *blob)
{
	json_write_object(writer);
	json_member_string(writer, "mediaType", media_type);
	write_digest(writer, "digest", &blob->digest);
	json_member_integer(writer, "size", blob->size);
}

static void write_platform(struct json_writer *writer, const struct image_platform *platform)
{
	json_member_object(writer, "platform");
	json_member_string(writer, "architecture", platform->architecture);
	json_member_string(writer, "os", "linux");
	json_write_end(writer);
}

static void write_labels(
	struct json_writer *writer, const char *name, const struct image_labels *labels)
{
	json_member_object(writer, name);
	for (size_t i = 0; i < labels->count; i++)
		json_member_string(writer, labels->items[i].name, labels->items[i].value);
	json_write_end(writer);
}

static void write_list(struct json_writer *writer, const char *name, const char *item)
{
	json_member_array(writer, name);
	json_write_string(writer, item);
	json_write_end(writer);
}

static void write_execution(struct json_writer *writer, const struct image_labels *labels)
{
	char user[32];

	(void)snprintf(user, sizeof user, "%d:%d", IMAGE_OWNER, IMAGE_OWNER);
	json_member_object(writer, "config");
	json_member_string(writer, "User", user);
	write_list(writer, "Env", "PATH=/usr/bin");
	write_list(writer, "Entrypoint", "/" IMAGE_PROGRAM);
	write_list(writer, "Cmd", "--help");
	json_member_string(writer, "WorkingDir", "/" IMAGE_HOME);
	write_labels(writer, "Labels", labels);
	json_write_end(writer);
}

static void write_history(
	struct json_writer *writer, const struct image_platform *platform, int64_t time)
{
	json_member_array(writer, "history");
	for (size_t i = 0; i < platform->layer_count; i++) {
		json_write_object(writer);
		json_member_time(writer, "created", time);
		json_member_string(writer, "created_by", platform->layers[i]->made_by);
		json_write_end(writer);
	}
	json_write_end(writer);
}

void image_config_write(const struct image_platform *platform, const struct image_labels *labels,
	int64_t time, struct str *out)
{
	struct json_writer writer;

	json_write_begin(&writer, out);
	json_write_object(&writer);
	json_member_time(&writer, "created", time);
	json_member_string(&writer, "architecture", platform->architecture);
	json_member_string(&writer, "os", "linux");
	write_execution(&writer, labels);
	json_member_object(&writer, "rootfs");
	json_member_string(&writer, "type", "layers");
	json_member_array(&writer, "diff_ids");
	for (size_t i = 0; i < platform->layer_count; i++)
		write_digest(&writer, NULL, &platform->layers[i]->diff_id);
	json_write_end(&writer);
	json_write_end(&writer);
	write_history(&writer, platform, time);
	json_write_end(&writer);
}

static void begin_document(struct json_writer *writer, const char *media_type, struct str *out)
{
	json_write_begin(writer, out);
	json_write_object(writer);
	json_member_integer(writer, "schemaVersion", 2);
	json_member_string(writer, "mediaType", media_type);
}

void image_manifest_write(
	const struct image_platform *platform, const struct image_labels *labels, struct str *out)
{
	struct json_writer writer;

	begin_document(&writer, MEDIA_TYPE("manifest.v1+json"), out);
	json_write_name(&writer, "config");
	begin_descriptor(&writer, MEDIA_TYPE("config.v1+json"), &platform->config);
	json_write_end(&writer);
	json_member_array(&writer, "layers");
	for (size_t i = 0; i < platform->layer_count; i++) {
		begin_descriptor(
			&writer, MEDIA_TYPE("layer.v1.tar+gzip"), &platform->layers[i]->blob);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	write_labels(&writer, "annotations", labels);
	json_write_end(&writer);
}

static void write_manifest_descriptor(
	struct json_writer *writer, const struct image_platform *platform)
{
	begin_descriptor(writer, MEDIA_TYPE("manifest.v1+json"), &platform->manifest);
	write_platform(writer, platform);
	json_write_end(writer);
}

void image_index_write(const struct image_platform *platforms, size_t count,
	const struct image_labels *labels, struct str *out)
{
	struct json_writer writer;

	begin_document(&writer, MEDIA_TYPE("index.v1+json"), out);
	json_member_array(&writer, "manifests");
	for (size_t i = 0; i < count; i++)
		write_manifest_descriptor(&writer, &platforms[i]);
	json_write_end(&writer);
	write_labels(&writer, "annotations", labels);
	json_write_end(&writer);
}

void image_layout_write(const struct image_blob *top, const struct image_platform *platform,
	const char *tag, struct str *out)
{
	struct json_writer writer;

	begin_document(&writer, MEDIA_TYPE("index.v1+json"), out);
	json_member_array(&writer, "manifests");
	begin_descriptor(&writer,
		platform != NULL ? MEDIA_TYPE("manifest.v1+json") : MEDIA_TYPE("index.v1+json"),
		top);
	if (platform != NULL)
		write_platform(&writer, platform);
	json_member_object(&writer, "annotations");
	json_member_string(&writer, "org.opencontainers.image.ref.name", tag);
	json_write_end(&writer);
	json_write_end(&writer);
	json_write_end(&writer);
	json_write_end(&writer);
}
