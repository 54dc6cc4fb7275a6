/* offkit-pack image -o IMAGE --program PLATFORM=FILE: the runner's image, without a daemon. */
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/place.h"
#include "base/version.h"
#include "json/json_write.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "pack/image_make.h"
#include "pack/sbom.h"
#include "text/text.h"

#define LABEL(name) "org.opencontainers.image." name

enum { LABELS_MAX = 64, TAG_MAX = 128 };

struct image_values {
	const char *out, *migrations, *licences, *created, *tag, *sbom;
	struct option_list programs, labels, components;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("out", 'o', "IMAGE", struct image_values, out,
		"where the image goes: an OCI layout as one .tar"),
	OPTION_ROW_LIST("program", 0, "PLATFORM=FILE", struct image_values, programs,
		"the static offkit of linux/amd64, linux/arm64; one a platform"),
	OPTION_ROW_TEXT("migrations", 0, "DIR", struct image_values, migrations,
		"what goes to /usr/share/offkit/migrations in the image"),
	OPTION_ROW_TEXT("licences", 0, "FILE", struct image_values, licences,
		"what goes to /usr/share/doc/offkit/copyright in the image"),
	OPTION_ROW_TEXT("tag", 0, "TAG", struct image_values, tag,
		"the image's name in the layout, and its version; else this program's version"),
	OPTION_ROW_LIST("label", 0, "NAME=VALUE", struct image_values, labels,
		"one more label, or another value of one"),
	OPTION_ROW_TEXT("created", 0, "TIME", struct image_values, created,
		"RFC 3339; else SOURCE_DATE_EPOCH, the newest program"),
	OPTION_ROW_TEXT("sbom", 0, "FILE", struct image_values, sbom,
		"write the image's SBOM, too: SPDX 2.3, NAME.spdx.json"),
	OPTION_ROW_LIST("components", 0, "[PLATFORM=]FILE", struct image_values, components,
		"what the programs contain, as offkit-pack sbom has it"),
	OPTION_END,
};

/* The reference of a distribution: [A-Za-z0-9_][A-Za-z0-9_.-]*, at most 128 octets. */
static int check_tag(const char *tag, struct err *err)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_.-";
	size_t size = strspn(tag, allowed);

	if (tag[size] != '\0' || size > TAG_MAX || tag[0] == '.' || tag[0] == '-')
		return err_set(err, ERR_USAGE,
			"--tag is not letters, digits, \"_\", \".\" and \"-\", beginning with none "
			"of the last two, at most %d",
			TAG_MAX);
	return 0;
}

/* Keeps the labels sorted; a name that is there gets the new value. */
static int set_label(
	struct image_labels *labels, const char *name, const char *value, struct err *err)
{
	struct image_label *items = labels->items;
	size_t i = 0;

	while (i < labels->count && strcmp(items[i].name, name) < 0)
		i++;
	if (i < labels->count && strcmp(items[i].name, name) == 0) {
		items[i].value = value;
		return 0;
	}
	if (labels->count == LABELS_MAX)
		return err_set(err, ERR_USAGE, "there are more than %d labels", LABELS_MAX);
	memmove(items + i + 1, items + i, (labels->count++ - i) * sizeof *items);
	items[i] = (struct image_label){name, value};
	return 0;
}

static int set_given_label(
	struct image_labels *labels, const char *text, struct arena *arena, struct err *err)
{
	const char *equals = strchr(text, '=');

	if (equals == NULL || equals == text)
		return err_set(err, ERR_USAGE, "--label %s is not NAME=VALUE", text);
	const char *name = arena_string_n(arena, text, (size_t)(equals - text));
	return name == NULL ? err_no_memory(err) : set_label(labels, name, equals + 1, err);
}

/* What is made, and what its programs contain: NULL if nothing says it. */
struct request {
	struct image_plan plan;
	const struct component_list *components[PROGRAMS_MAX];
};

static int licences(
	struct face *face, const struct request *request, const char **ret_text, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	size_t count = request->components[0] == NULL ? 0 : request->plan.programs.count;

	components_licences("ISC", request->components, count, &text);
	int rc = str_check(&text, err);
	if (rc < 0)
		return rc;
	*ret_text = arena_string(&face->arena, str_text(&text));
	return *ret_text == NULL ? err_no_memory(err) : 0;
}

static int make_labels(struct face *face, const struct image_values *given, struct request *request,
	struct err *err)
{
	struct image_plan *plan = &request->plan;
	struct image_labels *labels = &plan->labels;
	char *created = arena_alloc(&face->arena, RFC3339_SIZE);
	const char *licence;
	int rc = licences(face, request, &licence, err);

	labels->items = arena_array(&face->arena, LABELS_MAX, sizeof *labels->items);
	if (rc < 0)
		return rc;
	if (labels->items == NULL || created == NULL)
		return err_no_memory(err);
	time_format(plan->created, created);
	const struct image_label usual[] = {
		{LABEL("title"), "offkit"},
		{LABEL("description"),
			"verifies an offline kit and migrates a site with what is in it"},
		{LABEL("licenses"), licence},
		{LABEL("version"), plan->tag},
		{LABEL("created"), created},
	};
	for (size_t i = 0; i < sizeof usual / sizeof *usual && rc == 0; i++)
		rc = set_label(labels, usual[i].name, usual[i].value, err);
	for (size_t i = 0; i < given->labels.count && rc == 0; i++)
		rc = set_given_label(labels, given->labels.items[i], &face->arena, err);
	return rc;
}

static int read_request(struct face *face, const struct image_values *given,
	struct request *request, struct err *err)
{
	struct image_plan *plan = &request->plan;

	if (given->out == NULL)
		return err_set(err, ERR_USAGE, "-o says where the image goes");
	*plan = (struct image_plan){.tag = given->tag != NULL ? given->tag : version_text(),
		.migrations = given->migrations,
		.licences = given->licences};
	int rc = check_tag(plan->tag, err);
	if (rc == 0)
		rc = program_list_read(&given->programs, &face->arena, &plan->programs, err);
	if (rc == 0)
		rc = programs_created(face, given->created, &plan->programs, &plan->created, err);
	if (rc == 0 && (given->sbom != NULL || given->components.count > 0))
		rc = components_read(&given->components, &plan->programs, &face->arena,
			request->components, err);
	return rc < 0 ? rc : make_labels(face, given, request, err);
}

static void write_text(struct face *face, const char *path, const struct image_made *made)
{
	char hex[SHA256_HEX_SIZE], size[TEXT_SIZE_SIZE];

	sha256_to_hex(&made->digest, hex);
	str_append_format(&face->result, "%s: sha256:%s; %s\n", path, hex,
		text_size((uint64_t)made->size, size));
	for (size_t i = 0; i < made->platform_count; i++) {
		sha256_to_hex(&made->platforms[i].manifest.digest, hex);
		str_append_format(&face->result, "  linux/%s: sha256:%s\n",
			made->platforms[i].architecture, hex);
	}
}

static void write_json(struct face *face, const char *path, const struct image_plan *plan,
	const struct image_made *made)
{
	struct json_writer writer;
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(&made->digest, hex);
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "image", path);
	json_member_string(&writer, "tag", plan->tag);
	json_member_string(&writer, "sha256", hex);
	json_member_integer(&writer, "size", made->size);
	json_member_time(&writer, "created", plan->created);
	json_member_array(&writer, "manifests");
	for (size_t i = 0; i < made->platform_count; i++) {
		sha256_to_hex(&made->platforms[i].manifest.digest, hex);
		json_write_object(&writer);
		json_member_string(&writer, "os", "linux");
		json_member_string(&writer, "architecture", made->platforms[i].architecture);
		json_member_string(&writer, "sha256", hex);
		json_member_integer(&writer, "layers", (int64_t)made->platforms[i].layer_count);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static int write_sbom(const struct request *request, const struct image_made *made,
	const char *path, struct err *err)
{
	const struct image_plan *plan = &request->plan;
	CLEANUP_STR struct str out = STR_INIT;
	struct sbom_program programs[PROGRAMS_MAX];
	const struct sbom_image image = {.name = "offkit-runner",
		.tag = plan->tag,
		.digest = made->digest,
		.migration_count = made->migrations.file_count,
		.migrations = made->migrations.files};
	const struct sbom sbom = {.created = plan->created,
		.name = "offkit",
		.version = version_text(),
		.program_count = made->platform_count,
		.programs = programs,
		.image = &image};

	for (size_t i = 0; i < made->platform_count; i++)
		programs[i] = (struct sbom_program){made->platforms[i].architecture,
			made->program_files[i], request->components[i]};
	int rc = sbom_write(&sbom, &out, err);
	return rc < 0 ? rc : place_file(path, str_bytes(&out), 0644, err);
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const struct image_values *given = values;
	struct request request = {.components = {NULL}};
	struct image_made made;

	(void)operand_count;
	(void)operands;
	int rc = read_request(face, given, &request, err);
	if (rc == 0)
		rc = image_make(&request.plan, given->out, &face->arena, &made, err);
	if (rc == 0 && given->sbom != NULL)
		rc = write_sbom(&request, &made, given->sbom, err);
	if (rc < 0)
		return rc;
	if (face->json)
		write_json(face, given->out, &request.plan, &made);
	else
		write_text(face, given->out, &made);
	return 0;
}

const struct command command_image = {
	.name = "image",
	.synopsis = "",
	.summary = "make the runner's image of offkit and its migrations",
	.options = options,
	.values_size = sizeof(struct image_values),
	.run = run,
};
