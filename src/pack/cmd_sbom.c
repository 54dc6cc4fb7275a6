/* offkit-pack sbom -o FILE --program PLATFORM=FILE --components FILE: what a program is made of. */
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/place.h"
#include "base/version.h"
#include "json/json_write.h"
#include "pack/commands.h"
#include "pack/created.h"
#include "pack/face.h"
#include "pack/pour.h"
#include "pack/sbom.h"

struct sbom_values {
	const char *out, *name, *created;
	struct option_list programs, components;
};

static const char *const names[] = {"offkit", "offkit-pack", NULL};

static const struct option options[] = {
	OPTION_ROW_TEXT("out", 'o', "FILE", struct sbom_values, out,
		"where the SBOM goes: SPDX 2.3, NAME.spdx.json"),
	OPTION_ROW_LIST("program", 0, "PLATFORM=FILE", struct sbom_values, programs,
		"a static program of linux/amd64, linux/arm64; one a platform"),
	OPTION_ROW_LIST("components", 0, "[PLATFORM=]FILE", struct sbom_values, components,
		"what it contains, in JSON, as src/deps/components writes it"),
	OPTION_ROW_CHOICE(
		"name", 0, names, struct sbom_values, name, "of the program; else offkit"),
	OPTION_ROW_TEXT("created", 0, "TIME", struct sbom_values, created,
		"RFC 3339; else SOURCE_DATE_EPOCH, the newest program"),
	OPTION_END,
};

static int take(void *self, struct bytes data, struct err *err)
{
	return digester_update(self, data, err);
}

static int digest_program(
	const struct program_file *program, struct sbom_program *described, struct err *err)
{
	CLEANUP(digester_cleanup) struct digester *digester = NULL;
	CLEANUP_FD int fd = -1;
	struct stat st;

	int rc = program_open(program, &fd, err);
	if (rc == 0)
		rc = digester_new(&digester, err);
	if (rc == 0 && fstat(fd, &st) != 0)
		rc = err_set(err, ERR_UNREADABLE, "%s", program->path);
	if (rc == 0)
		rc = pour(fd, program->path, st.st_size, (struct stream_sink){digester, take}, err);
	return rc < 0 ? rc : digester_finish(digester, described->file.name, &described->file, err);
}

static int describe(struct face *face, const struct sbom_values *given, struct sbom *sbom,
	struct str *out, struct err *err)
{
	const struct component_list *components[PROGRAMS_MAX];
	struct sbom_program *described = arena_array(&face->arena, PROGRAMS_MAX, sizeof *described);
	struct program_list programs;

	int rc = described == NULL
			 ? err_no_memory(err)
			 : program_list_read(&given->programs, &face->arena, &programs, err);
	if (rc == 0)
		rc = components_read(&given->components, &programs, &face->arena, components, err);
	if (rc == 0)
		rc = programs_created(face, given->created, &programs, &sbom->created, err);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < programs.count && rc == 0; i++) {
		described[i] = (struct sbom_program){.architecture = programs.items[i].architecture,
			.file.name = sbom->name,
			.components = components[i]};
		rc = digest_program(&programs.items[i], &described[i], err);
	}
	sbom->program_count = programs.count;
	sbom->programs = described;
	return rc < 0 ? rc : sbom_write(sbom, out, err);
}

static void write_result(
	struct face *face, const char *path, const struct sbom *sbom, const char *hex)
{
	struct json_writer writer;

	if (!face->json) {
		str_append_format(&face->result, "%s: %s %s, sha256:%s\n", path, sbom->name,
			sbom->version, hex);
		return;
	}
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "sbom", path);
	json_member_string(&writer, "name", sbom->name);
	json_member_string(&writer, "version", sbom->version);
	json_member_string(&writer, "sha256", hex);
	json_member_time(&writer, "created", sbom->created);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP_STR struct str out = STR_INIT;
	const struct sbom_values *given = values;
	struct sbom sbom = {
		.name = given->name != NULL ? given->name : "offkit", .version = version_text()};
	struct sha256 digest;
	char hex[SHA256_HEX_SIZE];

	(void)operand_count;
	(void)operands;
	if (given->out == NULL)
		return err_set(err, ERR_USAGE, "-o says where the SBOM goes");
	int rc = describe(face, given, &sbom, &out, err);
	if (rc == 0)
		rc = sha256_of(str_bytes(&out), &digest, err);
	if (rc == 0)
		rc = place_file(given->out, str_bytes(&out), 0644, err);
	if (rc < 0)
		return rc;
	sha256_to_hex(&digest, hex);
	write_result(face, given->out, &sbom, hex);
	return 0;
}

const struct command command_sbom = {
	.name = "sbom",
	.synopsis = "",
	.summary = "write what a program is made of, as SPDX",
	.options = options,
	.values_size = sizeof(struct sbom_values),
	.run = run,
};
