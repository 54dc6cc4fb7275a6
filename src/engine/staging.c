#include "engine/staging.h"

#include <fcntl.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "engine/run.h"
#include "kit/receipt.h"

#define PEM_BEGIN "-----BEGIN "

/* What was found, as the check tells it. */
struct staging {
	struct arena arena;
	struct receipt receipt;
	char digest[SHA256_HEX_SIZE]; /* of the receipt's file; "": there is none */
	char key[SHA256_HEX_SIZE];
	const char *path;
	const char *reason; /* why without one, NULL: with */
};

static void staging_release(struct staging *staging)
{
	arena_release(&staging->arena);
}

/* ---- the receipt */

int staging_key_load(const struct site *site, struct public_key **ret_key, struct err *err)
{
	CLEANUP_STR struct str pem = STR_INIT;
	const char *given = site->staging_key;
	int rc = 0;

	if (given == NULL)
		return err_set(err, ERR_STAGING,
			"the site file names no stagingKey, by which a receipt of staging could be "
			"verified");
	if (strncmp(given, PEM_BEGIN, strlen(PEM_BEGIN)) == 0)
		str_append_text(&pem, given);
	else
		rc = file_read_path(given, KEY_PEM_MAX, &pem, err);
	if (rc == 0)
		rc = str_check(&pem, err);
	CLEANUP(public_key_cleanup) struct public_key *key = NULL;
	if (rc == 0)
		rc = public_key_from_pem(str_bytes(&pem), &key, err);
	if (rc == 0)
		rc = receipt_key_check(key, err);
	if (rc < 0)
		return err_context(err, "the site file's stagingKey");
	*ret_key = STEAL(key);
	return 0;
}

/* 0 and no digest: there is no file at the usual place, and none was named. */
static int read_file(struct run *run, struct staging *staging, struct str *text, struct err *err)
{
	const struct engine_options *options = run->options;
	struct err reading;
	struct sha256 digest;
	int rc;

	staging->path = options->staging_receipt;
	if (staging->path != NULL) {
		rc = file_read_path(staging->path, RECEIPT_SIZE_MAX, text, &reading);
	} else {
		staging->path = arena_format(
			&staging->arena, "%s/" STAGING_RECEIPT_NAME, options->site->state_dir);
		if (staging->path == NULL)
			return err_no_memory(err);
		rc = file_read_path(staging->path, RECEIPT_SIZE_MAX, text, &reading);
		if (rc == -ERR_NOT_FOUND)
			return 0;
	}
	if (rc < 0) {
		*err = reading;
		return rc;
	}
	rc = sha256_of(str_bytes(text), &digest, err);
	if (rc == 0)
		sha256_to_hex(&digest, staging->digest);
	return rc;
}

static int open_receipt(struct run *run, struct staging *staging, struct err *err)
{
	CLEANUP(public_key_cleanup) struct public_key *key = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	int rc = read_file(run, staging, &text, err);

	if (rc < 0 || *staging->digest == '\0')
		return rc;
	rc = staging_key_load(run->options->site, &key, err);
	if (rc < 0)
		return rc;
	sha256_to_hex(public_key_fingerprint(key), staging->key);
	rc = receipt_open(str_bytes(&text), key, &staging->arena, &staging->receipt, err);
	return rc < 0 ? err_context(err, "%s", staging->path) : 0;
}

static int judge_receipt(const struct run *run, const struct staging *staging, struct err *err)
{
	const struct receipt *receipt = &staging->receipt;
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(trusted_kit_manifest_digest(run->kit), hex);
	if (strcmp(receipt->kit_digest, hex) != 0)
		return err_set(err, ERR_STAGING,
			"%s is about %s %s with manifest %s, and this kit has manifest %s",
			staging->path, receipt->kit_name, receipt->kit_version, receipt->kit_digest,
			hex);
	if (strcmp(receipt->environment, "staging") != 0)
		return err_set(err, ERR_STAGING, "%s comes from a site whose environment is %s",
			staging->path, receipt->environment);
	if (strcmp(receipt->outcome, "done") != 0)
		return err_set(err, ERR_STAGING, "%s says that run %s on staging ended as %s",
			staging->path, receipt->run, receipt->outcome);
	if (strcmp(receipt->validation, "passed") != 0)
		return err_set(err, ERR_STAGING, "%s says of the validation on staging: %s",
			staging->path, receipt->validation);
	return 0;
}

/* ---- what is told of it */

static void write_members(struct json_writer *writer, const struct staging *staging)
{
	json_member_object(writer, "staging");
	if (staging->reason != NULL) {
		json_member_string(writer, "reason", staging->reason);
	} else {
		json_member_string(writer, "receipt", staging->digest);
		json_member_string(writer, "key", staging->key);
		json_member_string(writer, "run", staging->receipt.run);
		json_member_string(writer, "site", staging->receipt.site);
	}
	json_write_end(writer);
}

static int tell(struct run *run, const struct staging *staging, const char *outcome,
	const char *text, struct err *err)
{
	struct json_writer *writer = run_event(run, EVENT_CHECK);

	json_member_string(writer, "step", "preflight");
	json_member_string(writer, "name", "staging");
	json_member_string(writer, "outcome", outcome);
	json_member_string(writer, "text", text);
	if (staging != NULL)
		write_members(writer, staging);
	return run_event_end(run, err);
}

static int tell_proved(struct run *run, const struct staging *staging, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	char ended[RFC3339_SIZE];

	/* A receipt cannot know of a rollback after it: when it was made is for the reader. */
	time_format(staging->receipt.ended, ended);
	str_append_format(&text,
		"this kit was installed and validated on staging: site %s, run %s, by its receipt "
		"of %s",
		staging->receipt.site, staging->receipt.run, ended);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : tell(run, staging, "passed", str_text(&text), err);
}

static int tell_without(struct run *run, struct staging *staging, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	const char *reason = run->options->step.reason;

	staging->reason = reason != NULL ? reason : "the operator typed the database's name";
	str_append_format(&text, "production without a receipt of staging: %s", staging->reason);
	int rc = str_check(&text, err);
	return rc < 0 ? rc : tell(run, staging, "warning", str_text(&text), err);
}

/* ---- the gate */

static int ask_without(struct run *run, const struct staging *staging, struct err *err)
{
	static const struct choice CHOICES[] = {
		{"without", "go on without"}, {"leave", "leave"}, {NULL, NULL}};
	CLEANUP_STR struct str text = STR_INIT;

	if (run->options->without_ui_questions)
		return err_set(err, ERR_STAGING,
			"site %s is production: there is no --staging-receipt and no %s",
			run->options->site->name, staging->path);
	str_append_format(&text,
		"This is production, and there is no receipt that this kit was installed on "
		"staging: bring it to %s and begin again, or type the database's name to go on "
		"without.",
		staging->path);
	return run_ask_name(run, CHOICES, &text, ERR_STAGING,
		"the operator did not go on without a receipt of staging", err);
}

static int judge(struct run *run, struct staging *staging, struct err *err)
{
	int rc;

	if (run->options->without_staging)
		return tell_without(run, staging, err);
	rc = open_receipt(run, staging, err);
	if (rc == 0 && *staging->digest != '\0') {
		rc = judge_receipt(run, staging, err);
		return rc < 0 ? rc : tell_proved(run, staging, err);
	}
	if (rc < 0)
		return rc;
	if (run->read_only)
		return tell(run, NULL, "warning",
			"production: the install asks for staging's receipt of this kit", err);
	rc = ask_without(run, staging, err);
	return rc < 0 ? rc : tell_without(run, staging, err);
}

int staging_judge(struct run *run, struct err *err)
{
	CLEANUP(staging_release) struct staging staging = {.path = NULL};
	int rc;

	if (strcmp(run->options->site->environment, "production") != 0)
		return 0;
	rc = judge(run, &staging, err);
	/* A receipt that is missing, damaged or another's: one refusal, which says why. */
	if (rc == -ERR_RECEIPT || rc == -ERR_NOT_FOUND || rc == -ERR_UNREADABLE ||
		rc == -ERR_LIMIT || rc == -ERR_SYNTAX)
		rc = err_recode(err, ERR_STAGING);
	return rc;
}
