/* fault_memory KIT: the Nth allocation fails; it comes out as ERR_NO_MEMORY, and nothing leaks. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "json/json_write.h"
#include "kit/envelope.h"
#include "kit/manifest.h"
#include "kit/name.h"
#include "kit/sums.h"
#include "kit/receipt.h"
#include "tests/fault/fault.h"
#include "trust/root.h"
#include "verify/verify.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__real_reallocarray(void *pointer, size_t count, size_t size);
char *__real_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__wrap_reallocarray(void *pointer, size_t count, size_t size);
char *__wrap_strdup(const char *text);
char *__wrap_strndup(const char *text, size_t size);

void *__wrap_malloc(size_t size)
{
	return fault_strikes() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return fault_strikes() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
	return fault_strikes() ? NULL : __real_realloc(pointer, size);
}

void *__wrap_reallocarray(void *pointer, size_t count, size_t size)
{
	return fault_strikes() ? NULL : __real_reallocarray(pointer, count, size);
}

char *__wrap_strdup(const char *text)
{
	return fault_strikes() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
	return fault_strikes() ? NULL : __real_strndup(text, size);
}

static bool is_no_memory(enum err_code code)
{
	return code == ERR_NO_MEMORY;
}

/* The same, and what libcrypto could not do: it does not say why. */
static bool is_no_memory_or_library(enum err_code code)
{
	return code == ERR_NO_MEMORY || code == ERR_INTERNAL;
}

static int parse_json(void *argument, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str canonical = STR_INIT;
	CLEANUP_STR struct str olpc = STR_INIT;
	int status = json_parse(*(const struct bytes *)argument, JSON_LIMITS(1 << 20), &doc, err);

	if (status == 0)
		status = json_canonical(json_root(doc), &canonical, err);
	if (status == 0)
		status = json_canonical_olpc(json_root(doc), &olpc, err);
	return status;
}

static int parse_names(void *argument, struct err *err)
{
	static const char *const names[] = {"seeds/Z\303\274rich/a", "seeds/Z\303\274rich/b",
		"seeds/\316\243\317\202/c", "seeds/d"};
	CLEANUP(name_set_cleanup) struct name_set *set = NULL;
	int status = name_set_new(&set, err);

	(void)argument;
	for (size_t i = 0; i < sizeof names / sizeof names[0] && status == 0; i++) {
		status = name_check(bytes_of_string(names[i]), err);
		if (status == 0)
			status = name_set_add(set, names[i], err);
	}
	return status;
}

static int parse_envelope_and_manifest(void *argument, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str written = STR_INIT;
	struct envelope envelope;
	struct manifest manifest;
	int status = envelope_parse(*(const struct bytes *)argument, &arena, &envelope, err);

	if (status == 0)
		status = manifest_parse(envelope.untrusted_payload, &arena, &manifest, err);
	if (status == 0)
		status = manifest_write(&manifest, &written, err);
	return status;
}

/* A receipt is put together from what a reader has taken, too. */
static int write_and_parse_receipt(void *argument, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	CLEANUP_STR struct str written = STR_INIT;
	struct receipt receipt;
	int status = receipt_parse(*(const struct bytes *)argument, &arena, &receipt, err);

	return status < 0 ? status : receipt_write(&receipt, &written, err);
}

static int parse_sums(void *argument, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct sums sums;

	return sums_parse(*(const struct bytes *)argument, &arena, &sums, err);
}

static int parse_root(void *argument, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;

	(void)argument;
	return trust_root_embedded(&root, err);
}

struct kit_run {
	const char *path, *base;
	const struct trust_root *root;
};

static int verify(void *argument, struct err *err)
{
	const struct kit_run *run = argument;
	const struct verify_options options = {
		.state_dirfd = -1, .now = 1766400000000, .base = run->base};
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;

	return verify_kit(run->path, run->root, &options, &kit, err);
}

/* A document of a kit that is a folder. */
static bool load(const char *folder, const char *name, struct str *content, struct bytes *ret_bytes)
{
	CLEANUP_STR struct str path = STR_INIT;
	struct err err;

	str_append_format(&path, "%s/%s", folder, name);
	if (file_read_path(str_text(&path), 1 << 20, content, &err) < 0)
		return false;
	*ret_bytes = str_bytes(content);
	return true;
}

#define CASE(name_, stride_, work_, may_be_, argument_)                                            \
	{                                                                                          \
		.name = (name_), .stride = (stride_), .work = (work_), .may_be = (may_be_),        \
		.argument = (argument_)                                                            \
	}

int main(int argc, char **argv)
{
	static const char json[] = "{\"a\":[1,-25,{\"\\u00e9\\\"\":\"x\",\"b\":null}],\"c\":{},"
				   "\"d\\n\":\"\\ud83d\\ude00\",\"e\":[[],true,false]}";
	struct bytes json_text = bytes_of_string(json), envelope = {0}, sums = {0}, receipt = {0};
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP_STR struct str envelope_text = STR_INIT, sums_text = STR_INIT,
			       receipt_text = STR_INIT;
	struct err err;

	if (argc != 5 || trust_root_embedded(&root, &err) < 0 ||
		!load(argv[1], "manifest.dsse", &envelope_text, &envelope) ||
		!load(argv[1], "SHA256SUMS", &sums_text, &sums) ||
		!load("tests/fuzz/corpus/receipt", "whole", &receipt_text, &receipt))
		return EXIT_FAILURE;
	struct kit_run folder = {argv[1], NULL, root}, zstd = {argv[2], NULL, root},
		       gzip = {argv[3], NULL, root}, changed = {argv[4], argv[2], root};
	const struct fault_case cases[] = {
		CASE("json", 1, parse_json, is_no_memory, &json_text),
		CASE("names", 1, parse_names, is_no_memory, NULL),
		CASE("envelope and manifest", 1, parse_envelope_and_manifest, is_no_memory,
			&envelope),
		CASE("receipt", 1, write_and_parse_receipt, is_no_memory, &receipt),
		CASE("sums", 1, parse_sums, is_no_memory, &sums),
		CASE("root", 17, parse_root, is_no_memory_or_library, NULL),
		CASE("verify a folder", 41, verify, is_no_memory_or_library, &folder),
		CASE("verify zstd", 47, verify, is_no_memory_or_library, &zstd),
		CASE("verify gzip", 67, verify, is_no_memory_or_library, &gzip),
		CASE("verify what changed", 157, verify, is_no_memory_or_library, &changed),
	};
	return fault_run(cases, sizeof cases / sizeof cases[0]);
}
