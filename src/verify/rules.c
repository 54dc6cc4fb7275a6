#include "base/clock.h"
#include "base/version.h"
#include "verify/kit_private.h"

#include <string.h>

enum { DAY = 24 * 60 * 60 * 1000 };

/* Expiry is judged by the latest time that is known to have been. */
static int latest_time(const struct verify_options *options, int64_t *ret_time, struct err *err)
{
	int64_t time = options->now;
	int64_t installed = INT64_MIN;

	if (options->state_dirfd >= 0) {
		int rc = installed_newest(options->state_dirfd, INT64_MAX, &installed, err);
		if (rc < 0)
			return rc;
	}
	if (time < version_commit_time())
		time = version_commit_time();
	*ret_time = time < installed ? installed : time;
	return 0;
}

int rules_check_root(
	const struct trust_root *root, const struct verify_options *options, struct err *err)
{
	char text[RFC3339_SIZE];
	int64_t time;

	if (options->ignore_time)
		return 0;
	int rc = latest_time(options, &time, err);
	if (rc < 0)
		return rc;
	if (time < trust_root_expires(root))
		return 0;
	time_format(trust_root_expires(root), text);
	return err_set(err, ERR_TRUST_EXPIRED, "the trust root, version %lld, expired at %s",
		(long long)trust_root_version(root), text);
}

static int check_time(
	const struct manifest *manifest, const struct verify_options *options, struct err *err)
{
	char text[RFC3339_SIZE];
	int64_t time;
	int rc = latest_time(options, &time, err);

	if (rc < 0)
		return rc;
	if (manifest->has_expiry && time >= manifest->expires) {
		time_format(manifest->expires, text);
		return err_set(err, ERR_EXPIRED, "the kit %s %s expired at %s", manifest->name,
			manifest->version, text);
	}
	if (manifest->created - DAY > options->now) {
		time_format(manifest->created, text);
		return err_set(err, ERR_FUTURE,
			"the kit %s %s was made at %s, more than a day ahead of this machine's "
			"clock",
			manifest->name, manifest->version, text);
	}
	return 0;
}

static int check_sequence(
	const struct manifest *manifest, int64_t sequence, const char *version, struct err *err)
{
	if (manifest->sequence >= sequence)
		return 0;
	return err_set(err, ERR_SEQUENCE,
		"the kit %s %s has sequence %lld; %s with sequence %lld was installed here",
		manifest->name, manifest->version, (long long)manifest->sequence, version,
		(long long)sequence);
}

static int check_previous(const struct manifest *manifest, const char *version, struct err *err)
{
	const char *wanted = manifest->requires_previous;

	if (wanted == NULL || (version != NULL && (strcmp(version, wanted) == 0 ||
							  strcmp(version, manifest->version) == 0)))
		return 0;
	return err_set(err, ERR_REQUIREMENT, "the kit %s %s requires version %s; %s is installed",
		manifest->name, manifest->version, wanted, version != NULL ? version : "none");
}

static int check_installed(
	const struct manifest *manifest, const struct verify_options *options, struct err *err)
{
	struct arena arena = ARENA_INIT;
	const char *version = NULL;
	int64_t sequence = 0;

	int rc = installed_sequence(
		options->state_dirfd, manifest->name, &sequence, &version, &arena, err);
	if (rc == 0 && options->force_reason == NULL)
		rc = check_sequence(manifest, sequence, version, err);
	if (rc == 0)
		rc = check_previous(manifest, version, err);
	arena_release(&arena);
	return rc;
}

int rules_check_kit(
	const struct manifest *manifest, const struct verify_options *options, struct err *err)
{
	int rc = 0;

	if (manifest->requires_offkit != NULL &&
		version_compare(version_text(), manifest->requires_offkit) < 0)
		return err_set(err, ERR_REQUIREMENT,
			"the kit %s %s requires offkit %s or newer, this is %s", manifest->name,
			manifest->version, manifest->requires_offkit, version_text());
	if (options->ignore_time)
		return 0;
	if (options->force_reason == NULL)
		rc = check_time(manifest, options, err);
	if (rc == 0 && options->state_dirfd >= 0)
		rc = check_installed(manifest, options, err);
	return rc;
}
