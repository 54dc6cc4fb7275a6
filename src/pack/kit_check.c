#include "pack/kit_check.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "engine/walk.h"
#include "text/text.h"
#include "verify/evidence.h"
#include "verify/evidence_text.h"
#include "verify/kit_source.h"

#define DAY ((int64_t)24 * 60 * 60 * 1000)

enum { SOON = 30 /* days: a kit travels, and waits for its night */ };

const char *kit_check_result_name(enum kit_check_result result)
{
	static const char *const names[] = {"passed", "warning", "failed"};

	return names[result];
}

/* ---- the list */

static int add(struct kit_checks *checks, const char *name, const char *object,
	enum kit_check_result result, const struct str *text, struct err *err)
{
	int rc = str_check(text, err);

	if (rc < 0)
		return rc;
	if (checks->count == checks->room) {
		size_t room = checks->room * 2 + 64;
		struct kit_check *grown = realloc(checks->checks, room * sizeof *grown);
		if (grown == NULL)
			return err_no_memory(err);
		checks->checks = grown;
		checks->room = room;
	}
	struct kit_check check = {name, arena_string(&checks->arena, object), result,
		arena_string(&checks->arena, str_text(text))};
	if (check.object == NULL || check.text == NULL)
		return err_no_memory(err);
	checks->checks[checks->count++] = check;
	return 0;
}

static int add_format(struct kit_checks *checks, const char *name, const char *object,
	enum kit_check_result result, struct err *err, const char *format, ...) PRINTF_LIKE(6, 7);

static int add_format(struct kit_checks *checks, const char *name, const char *object,
	enum kit_check_result result, struct err *err, const char *format, ...)
{
	CLEANUP_STR struct str shown = STR_INIT;
	char line[ERR_MESSAGE_MAX];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(line, sizeof line, format, args);
	va_end(args);
	text_escape(&shown, bytes_of_string(line), sizeof line);
	return add(checks, name, object, result, &shown, err);
}

/* A check that failed is one row, and the first of them the verdict. */
static int add_failure(struct kit_checks *checks, const char *name, const char *object,
	const struct err *failure, struct err *err)
{
	if (checks->first.code == ERR_NONE)
		checks->first = *failure;
	return add_format(checks, name, object, KIT_CHECK_FAILED, err, "%s", failure->message);
}

/* ---- what was verified, said */

static int check_signatures(
	struct kit_checks *checks, const struct trusted_kit *kit, struct err *err)
{
	const bool *has_signed;
	const struct trust_role *role = trusted_kit_signers(kit, &has_signed);
	CLEANUP_STR struct str text = STR_INIT;
	size_t count = 0;

	for (size_t i = 0; i < role->key_count; i++)
		count += has_signed[i];
	str_append_format(
		&text, "%zu of %zu keys, %u needed:", count, role->key_count, role->threshold);
	for (size_t i = 0; i < role->key_count; i++)
		if (has_signed[i]) {
			str_append_char(&text, ' ');
			text_escape(&text, bytes_of_string(role->keys[i]->name), 40);
		}
	int rc = add(checks, "manifest", "manifest.dsse", KIT_CHECK_PASSED, &text, err);
	return rc < 0 ? rc
		      : add_format(checks, "sums-signature", "SHA256SUMS.sig", KIT_CHECK_PASSED,
				err, "Verified OK, by the key %s", trusted_kit_sums_signer(kit));
}

static int check_files(struct kit_checks *checks, const struct manifest *manifest, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < manifest->file_count && rc == 0; i++)
		rc = add_format(
			checks, "file", manifest->files[i].name, KIT_CHECK_PASSED, err, "OK");
	return rc;
}

/* Until when something holds: a warning while that is nearer than a kit's way is long. */
static int check_until(
	struct kit_checks *checks, const char *name, int64_t until, int64_t now, struct err *err)
{
	char text[RFC3339_SIZE];
	int64_t days = (until - now) / DAY;

	time_format(until, text);
	return add_format(checks, name, "", days < SOON ? KIT_CHECK_WARNING : KIT_CHECK_PASSED, err,
		"until %s, %lld days from now", text, (long long)days);
}

static int check_times(
	struct kit_checks *checks, const struct trusted_kit *kit, int64_t now, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(kit);
	int rc = manifest->has_expiry ? check_until(checks, "expiry", manifest->expires, now, err)
				      : add_format(checks, "expiry", "", KIT_CHECK_WARNING, err,
						"the kit never expires");

	return rc < 0 ? rc
		      : check_until(checks, "trust-root", trust_root_expires(trusted_kit_root(kit)),
				now, err);
}

static int check_requirements(
	struct kit_checks *checks, const struct manifest *manifest, struct err *err)
{
	const char *min = manifest->requires_mongodb_min;
	const char *max = manifest->requires_mongodb_max;
	const char *previous = manifest->requires_previous;

	return add_format(checks, "requirements", "", KIT_CHECK_PASSED, err,
		"offkit %s, MongoDB %s to %s, installed before: %s",
		manifest->requires_offkit != NULL ? manifest->requires_offkit : "any",
		min != NULL ? min : "any", max != NULL ? max : "any",
		previous != NULL ? previous : "any");
}

static int check_evidence(struct kit_checks *checks, const struct trusted_kit *kit, struct err *err)
{
	const struct kit_evidence *evidence = trusted_kit_evidence(kit);
	CLEANUP_STR struct str attestations = STR_INIT, sboms = STR_INIT, missing = STR_INIT;
	char hex[SHA256_HEX_SIZE];
	int rc = 0;

	for (size_t i = 0; i < evidence->image_count && rc == 0; i++) {
		sha256_to_hex(&evidence->images[i].digest, hex);
		rc = add_format(checks, "image", evidence->images[i].file, KIT_CHECK_PASSED, err,
			"pinned to sha256:%s", hex);
	}
	attestations_summary(evidence, &attestations);
	sboms_summary(evidence, &sboms);
	sboms_missing(evidence, &missing);
	if (rc == 0 && attestations.size > 0)
		rc = add(checks, "attestations", "", KIT_CHECK_PASSED, &attestations, err);
	if (rc == 0 && sboms.size > 0)
		rc = add(checks, "sbom", "", KIT_CHECK_PASSED, &sboms, err);
	if (rc == 0 && missing.size > 0)
		rc = add(checks, "sbom", "", KIT_CHECK_WARNING, &missing, err);
	return rc;
}

/* ---- what a site finds out when it plans */

static int check_migration(struct kit_checks *checks, const struct step *step, struct err *err)
{
	struct err failure = {0};

	if (step->kind->compile != NULL && step->kind->compile(step->migration, &failure) < 0)
		return add_failure(checks, "migration", step->name, &failure, err);
	return add_format(checks, "migration", step->name, KIT_CHECK_PASSED, err, "%s: %s",
		step->kind->name, step->migration->title);
}

static int check_walk(struct kit_checks *checks, const struct trusted_kit *kit,
	const struct walk_scope *scope, struct err *err)
{
	struct err failure = {0};
	struct walk walk;
	int rc = 0;

	if (walk_build(kit, scope, &walk, &failure) < 0)
		return add_failure(checks, "migration", "", &failure, err);
	for (size_t i = 0; i < walk.count && rc == 0; i++)
		if (walk.steps[i].migration != NULL)
			rc = check_migration(checks, &walk.steps[i], err);
	/* Each that is on request, as if it were asked for. */
	const struct manifest *manifest = trusted_kit_manifest(kit);
	for (size_t i = 0; rc == 0 && !scope->alone && i < manifest->migration_count; i++) {
		const struct walk_scope later = {.with = manifest->migrations[i], .alone = true};
		if (walk_find(&walk, later.with) == walk.count)
			rc = check_walk(checks, kit, &later, err);
	}
	walk_release(&walk);
	return rc;
}

static int check_migrations(
	struct kit_checks *checks, const struct trusted_kit *kit, struct err *err)
{
	return check_walk(checks, kit, &(struct walk_scope){0}, err);
}

/* ---- all together */

/* A site reads parts until one hurts; here each is read whole. */
static int check_parts(struct kit_checks *checks, const char *path,
	const struct verify_options *options, struct err *err)
{
	struct kit_source source;
	struct err failure = {0};
	int rc = kit_source_open(&source, path, options, &failure);
	bool in_parts = rc < 0 || source.parts != NULL;

	if (rc == 0)
		rc = kit_source_check_parts(&source, &failure);
	kit_source_release(&source);
	if (rc < 0)
		return add_failure(checks, "medium", "", &failure, err);
	return add_format(checks, "medium", "", KIT_CHECK_PASSED, err, "%s",
		in_parts ? "every part is the listed one" : "in one piece");
}

static int check_verified(
	struct kit_checks *checks, const struct trusted_kit *kit, int64_t now, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(kit);
	int rc = check_signatures(checks, kit, err);

	if (rc == 0)
		rc = check_files(checks, manifest, err);
	if (rc == 0)
		rc = check_times(checks, kit, now, err);
	if (rc == 0)
		rc = check_requirements(checks, manifest, err);
	if (rc == 0)
		rc = check_evidence(checks, kit, err);
	return rc < 0 ? rc : check_migrations(checks, kit, err);
}

int kit_check_all(const char *path, const struct trust_root *root,
	const struct verify_options *options, struct kit_checks *checks, struct err *err)
{
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	struct err failure = {0};
	int rc = check_parts(checks, path, options, err);

	if (rc == 0 && checks->first.code == ERR_NONE) {
		rc = verify_kit(path, root, options, &kit, &failure) < 0
			     ? add_failure(checks, "verification", "", &failure, err)
			     : check_verified(checks, kit, options->now, err);
	}
	if (rc < 0)
		return rc;
	if (checks->first.code == ERR_NONE)
		return 0;
	*err = checks->first;
	return -(int)err->code;
}

void kit_checks_release(struct kit_checks *checks)
{
	free(checks->checks);
	arena_release(&checks->arena);
	*checks = (struct kit_checks){0};
}
