/* offkit inspect KIT: who signed it, what is in it, what it would change. */
#include <string.h>

#include "base/cleanup.h"
#include "base/confine.h"
#include "cli/check_kit.h"
#include "cli/commands.h"
#include "cli/show_evidence.h"
#include "cli/show_images.h"
#include "kit/migration.h"
#include "text/text.h"

struct inspect_values {
	bool sbom;
	struct option_list parts;
	const char *base;
};

static const struct option options[] = {
	OPTION_ROW_FLAG("sbom", 0, struct inspect_values, sbom,
		"list the packages of its SBOMs, with versions and licences"),
	PARTS_OPTION_ROWS(struct inspect_values),
	OPTION_END,
};

/* What a migration says of itself; the document must outlive it. */
static int read_migration(const struct trusted_kit *kit, const char *id, struct json_doc **ret_doc,
	struct migration *ret_migration, struct err *err)
{
	CLEANUP_STR struct str name = STR_INIT;
	struct json_doc *doc = NULL;

	str_append_format(&name, "migrations/%s/migration.json", id);
	int rc = str_check(&name, err);
	if (rc == 0)
		rc = json_parse(trusted_kit_file(kit, str_text(&name)),
			JSON_LIMITS(MIGRATION_SIZE_MAX), &doc, err);
	if (rc == 0)
		rc = migration_parse(json_root(doc), ret_migration, err);
	/* What install refuses is not shown under another name here. */
	if (rc == 0 && strcmp(ret_migration->id, id) != 0)
		rc = err_set(err, ERR_SYNTAX, "it says that it is %s", ret_migration->id);
	if (rc < 0) {
		json_release(doc);
		return err_context(err, "%s", str_text(&name));
	}
	*ret_doc = doc;
	return 0;
}

static void list_files(struct face *face, const struct manifest *manifest)
{
	struct str *out = &face->result;
	char size[TEXT_SIZE_SIZE];

	for (enum file_role role = 0; role < ROLE_COUNT; role++) {
		bool any = false;
		for (size_t i = 0; i < manifest->file_count; i++) {
			const struct manifest_file *file = &manifest->files[i];
			if (file->role != role)
				continue;
			if (!any)
				str_append_format(out, "\n%s\n", file_role_folder(role));
			any = true;
			str_append_format(out, "  %9s  ", text_size((uint64_t)file->size, size));
			text_escape(out,
				bytes_of_string(file->name + strlen(file_role_folder(role))), 0);
			str_append_char(out, '\n');
		}
	}
}

static int list_migrations(struct face *face, const struct trusted_kit *kit, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(kit);
	struct str *out = &face->result;

	if (manifest->migration_count > 0)
		str_append_format(out, "\n%s\n", face_text(face, MSG_MIGRATIONS_IN_ORDER));
	for (size_t i = 0; i < manifest->migration_count; i++) {
		CLEANUP(json_cleanup) struct json_doc *doc = NULL;
		struct migration migration;
		int rc = read_migration(kit, manifest->migrations[i], &doc, &migration, err);
		if (rc < 0)
			return rc;
		str_append_format(out, "  %s  ", migration.id);
		text_escape(out, bytes_of_string(migration.title), 60);
		str_append_text(out, " (");
		text_escape(out, bytes_of_string(migration.kind), 0);
		str_append_text(out, ")\n");
		if (migration.what[0] != '\0') {
			str_append_text(out, "          ");
			text_escape(out, bytes_of_string(migration.what), 0);
			str_append_char(out, '\n');
		}
	}
	return 0;
}

static void write_requires(struct json_writer *writer, const struct manifest *manifest)
{
	json_member_object(writer, "requires");
	if (manifest->requires_offkit != NULL)
		json_member_string(writer, "offkit", manifest->requires_offkit);
	if (manifest->requires_mongodb_min != NULL)
		json_member_string(writer, "mongodbMin", manifest->requires_mongodb_min);
	if (manifest->requires_mongodb_max != NULL)
		json_member_string(writer, "mongodbMax", manifest->requires_mongodb_max);
	if (manifest->requires_previous != NULL)
		json_member_string(writer, "previous", manifest->requires_previous);
	json_write_end(writer);
}

static void write_list(struct json_writer *writer, const struct manifest *manifest)
{
	char hex[SHA256_HEX_SIZE];

	json_member_array(writer, "list");
	for (size_t i = 0; i < manifest->file_count; i++) {
		const struct manifest_file *file = &manifest->files[i];
		sha256_to_hex(&file->digest, hex);
		json_write_object(writer);
		json_member_string(writer, "name", file->name);
		json_member_string(writer, "role", file_role_name(file->role));
		json_member_integer(writer, "size", file->size);
		json_member_string(writer, "mediaType", file->media_type);
		json_member_string(writer, "sha256", hex);
		json_write_end(writer);
	}
	json_write_end(writer);
	json_member_array(writer, "components");
	for (size_t i = 0; i < manifest->component_count; i++) {
		json_write_object(writer);
		json_member_string(writer, "name", manifest->components[i].name);
		json_member_string(writer, "version", manifest->components[i].version);
		if (manifest->components[i].has_digest) {
			sha256_to_hex(&manifest->components[i].digest, hex);
			json_member_string(writer, "sha256", hex);
		}
		json_write_end(writer);
	}
	json_write_end(writer);
}

static int write_migrations(
	struct json_writer *writer, const struct trusted_kit *kit, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(kit);

	json_member_array(writer, "migrations");
	for (size_t i = 0; i < manifest->migration_count; i++) {
		CLEANUP(json_cleanup) struct json_doc *doc = NULL;
		struct migration migration;
		int rc = read_migration(kit, manifest->migrations[i], &doc, &migration, err);
		if (rc < 0)
			return rc;
		json_write_object(writer);
		json_member_string(writer, "id", migration.id);
		json_member_string(writer, "kind", migration.kind);
		json_member_string(writer, "title", migration.title);
		json_member_string(writer, "what", migration.what);
		json_write_end(writer);
	}
	json_write_end(writer);
	return 0;
}

static int inspect_json(
	struct face *face, const struct checked_kit *checked, bool packages, struct err *err)
{
	struct json_writer writer;
	const struct manifest *manifest = trusted_kit_manifest(checked->kit);

	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	verify_result_write(checked->kit, &writer);
	write_installed(&writer, checked);
	write_requires(&writer, manifest);
	write_list(&writer, manifest);
	int rc = write_migrations(&writer, checked->kit, err);
	if (rc == 0)
		rc = write_licences(&writer, checked->kit, err);
	if (rc == 0 && packages)
		write_packages(&writer, checked->kit);
	if (rc < 0) {
		str_truncate(&face->result, 0);
		return rc;
	}
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
	return 0;
}

static int inspect_text(struct face *face, const struct checked_kit *checked, struct err *err)
{
	describe_kit(face, checked);
	str_append_char(&face->result, '\n');
	describe_checks(face, checked);
	int rc = list_migrations(face, checked->kit, err);
	if (rc == 0)
		rc = list_components(face, checked->kit, err);
	if (rc == 0) {
		list_images(face, checked->kit);
		rc = list_evidence(face, checked->kit, err);
	}
	if (rc < 0) {
		str_truncate(&face->result, 0);
		return rc;
	}
	list_files(face, trusted_kit_manifest(checked->kit));
	return 0;
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const struct inspect_values *given = values;
	struct checked_kit checked = CHECKED_KIT_INIT;

	(void)operand_count;
	face->parts = given->parts;
	face->base = given->base;
	int rc = confine_to_reading(err);
	/* Looking at an old kit is not activating it. */
	if (rc == 0)
		rc = check_kit(face, operands[0], "inspect", &checked, err);
	if (rc == 0 && face->json)
		rc = inspect_json(face, &checked, given->sbom, err);
	else if (rc == 0 && given->sbom)
		list_packages(face, checked.kit);
	else if (rc == 0)
		rc = inspect_text(face, &checked, err);
	checked_kit_release(&checked);
	return rc;
}

const struct command command_inspect = {
	.name = "inspect",
	.synopsis = "KIT",
	.summary = "who signed it, what is in it, what it would change",
	.options = options,
	.values_size = sizeof(struct inspect_values),
	.operands_min = 1,
	.operands_max = 1,
	.run = run,
};
