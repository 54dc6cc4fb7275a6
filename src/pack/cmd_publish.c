/* offkit-pack publish KIT --to FOLDER|--to-bucket FILE --log FILE: where releases lie, and on
 * record. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/version.h"
#include "json/json.h"
#include "json/json_write.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/kit_options.h"
#include "pack/load_root.h"
#include "pack/publish.h"
#include "site/site.h"
#include "text/text.h"

struct publish_values {
	const char *to, *bucket, *log;
	struct kit_values kit;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("to", 0, "DIR", struct publish_values, to, "the folder of the releases"),
	OPTION_ROW_TEXT("to-bucket", 0, "FILE", struct publish_values, bucket,
		"or a bucket, as a site file's objectStore names one"),
	OPTION_ROW_TEXT("log", 0, "FILE", struct publish_values, log,
		"the release log, to which a line is added"),
	KIT_OPTION_ROWS(struct publish_values),
	OPTION_END,
};

static void write_file(
	struct json_writer *json, const char *name, int64_t size, const struct sha256 *digest)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	json_write_object(json);
	json_member_string(json, "name", name);
	json_member_string(json, "sha256", hex);
	json_member_integer(json, "size", size);
	json_write_end(json);
}

static void write_kit(struct json_writer *json, const struct trusted_kit *kit)
{
	const struct manifest *manifest = trusted_kit_manifest(kit);
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(trusted_kit_manifest_digest(kit), hex);
	json_member_object(json, "kit");
	json_member_string(json, "manifestDigest", hex);
	json_member_string(json, "name", manifest->name);
	json_member_integer(json, "sequence", manifest->sequence);
	json_member_string(json, "version", manifest->version);
	json_write_end(json);
	json_member_array(json, "components");
	for (size_t i = 0; i < manifest->component_count; i++) {
		json_write_object(json);
		json_member_string(json, "name", manifest->components[i].name);
		json_member_string(json, "version", manifest->components[i].version);
		json_write_end(json);
	}
	json_write_end(json);
	json_member_array(json, "members");
	for (size_t i = 0; i < manifest->file_count; i++)
		write_file(json, manifest->files[i].name, manifest->files[i].size,
			&manifest->files[i].digest);
	json_write_end(json);
}

static int write_line(const struct publication *publication, const char *folder,
	const struct release_log *log, struct str *line, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT, place = STR_INIT;
	char hex[SHA256_HEX_SIZE];
	struct json_writer json;

	str_append_format(&place, "%s/%s", folder, publication->name);
	int rc = str_check(&place, err);
	if (rc < 0)
		return rc;
	sha256_to_hex(&log->last, hex);
	json_write_begin(&json, &text);
	json_write_object(&json);
	json_member_array(&json, "files");
	for (size_t i = 0; i < publication->count; i++)
		write_file(&json, publication->files[i].name, publication->files[i].size,
			&publication->files[i].digest);
	json_write_end(&json);
	write_kit(&json, publication->kit);
	json_member_string(&json, "offkit", version_text());
	json_write_name(&json, "place");
	json_write_string_n(&json, str_text(&place), place.size);
	json_member_string(&json, "previous", hex);
	json_write_name(&json, "time");
	json_write_time(&json, clock_now());
	json_write_end(&json);
	rc = str_check(&text, err);
	return rc < 0 ? rc : json_canonical_text(str_bytes(&text), line, err);
}

static void write_result(struct face *face, const struct publish_values *given, const char *place,
	const struct publication *publication, const struct str *line)
{
	const struct manifest *manifest = trusted_kit_manifest(publication->kit);

	if (face->json) {
		str_append(&face->result, str_text(line), line->size);
		str_append_char(&face->result, '\n');
		return;
	}
	str_append_format(&face->result, "%s/%s: %s %s, sequence %lld, %s; recorded in %s\n", place,
		publication->name, manifest->name, manifest->version, (long long)manifest->sequence,
		publication->was_there ? "was there already" : "published", given->log);
}

static int open_bucket(struct face *face, const char *path, struct site_s3 *site,
	struct object_store **ret_bucket, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	const struct s3_limits limits = S3_LIMITS;
	CLEANUP_STR struct str text = STR_INIT;
	int rc = file_read_path(path, SITE_SIZE_MAX, &text, err);

	if (rc == 0)
		rc = json_parse(str_bytes(&text), JSON_LIMITS(SITE_SIZE_MAX), &doc, err);
	if (rc == 0 && json_type(json_root(doc)) != JSON_OBJECT)
		rc = err_set(err, ERR_SITE, "an object is meant, as a site file's objectStore");
	if (rc == 0)
		rc = site_s3_read(json_root(doc), &face->arena, site, err);
	if (rc == -ERR_SYNTAX || rc == -ERR_LIMIT)
		rc = err_recode(err, ERR_SITE);
	if (rc < 0)
		return err_context(err, "%s", path);
	return object_s3_open(site, &limits, ret_bucket, err);
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const struct publish_values *given = values;
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP(release_log_release) struct release_log log = RELEASE_LOG_INIT;
	CLEANUP(object_store_cleanup) struct object_store *bucket = NULL;
	CLEANUP_STR struct str line = STR_INIT;
	struct site_s3 site;
	struct publication publication = {0};
	const struct verify_options how = kit_options(face, &given->kit);

	(void)operand_count;
	if ((given->to == NULL) == (given->bucket == NULL) || given->log == NULL)
		return err_set(err, ERR_USAGE, "--log is needed, and either --to or --to-bucket");
	int rc = load_root(given->kit.root, &root, err);
	if (rc == 0)
		rc = release_log_open(given->log, &log, err);
	if (rc == 0 && given->bucket != NULL)
		rc = open_bucket(face, given->bucket, &site, &bucket, err);
	if (rc == 0 && bucket != NULL)
		rc = publish_kit_s3(face, operands[0], bucket, root, &how, &log, &publication, err);
	else if (rc == 0)
		rc = publish_kit(face, operands[0], given->to, root, &how, &log, &publication, err);
	const char *place = bucket != NULL ? object_store_name(bucket) : given->to;
	if (rc == 0)
		rc = write_line(&publication, place, &log, &line, err);
	if (rc == 0)
		rc = release_log_append(&log, str_bytes(&line), err);
	if (rc == 0)
		write_result(face, given, place, &publication, &line);
	trusted_kit_free(publication.kit);
	return rc;
}

const struct command command_publish = {
	.name = "publish",
	.synopsis = "KIT",
	.summary = "copy a kit to where releases lie, and record it",
	.options = options,
	.values_size = sizeof(struct publish_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
