/* What the data that are there would do to the migrations, or the migrations to them. */
#include <string.h>

#include "base/cleanup.h"
#include "steps/preflight.h"
#include "text/text.h"

/* Reads and compares once; the checks look at the same differences. */
int preflight_look(struct preflight *preflight, struct err *err)
{
	const struct step_context *given = preflight->context;

	preflight->diffs =
		arena_array(given->arena, given->step_count + 1, sizeof *preflight->diffs);
	if (preflight->diffs == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < given->step_count; i++) {
		struct step_context context = *given;
		struct ensure_state state;
		struct ensure ensure;
		struct ensure_diff *diff = &preflight->diffs[preflight->diff_count];
		context.step = &given->steps[i];
		if (context.step->kind != &step_ensure)
			continue;
		int rc = ensure_look(&context, &ensure, &state, diff, err);
		if (rc == 0)
			rc = ensure_measure(&context, diff, err);
		if (rc < 0)
			return err_context(err, "%s", context.step->name);
		preflight->diff_count++;
	}
	return 0;
}

/* Called for each change of each ensure migration. */
typedef int change_check(struct preflight *preflight, const struct ensure_change *change,
	void *argument, struct err *err);

static int each_change(
	struct preflight *preflight, change_check *check, void *argument, struct err *err)
{
	for (size_t i = 0; i < preflight->diff_count; i++)
		for (size_t k = 0; k < preflight->diffs[i].count; k++) {
			int rc = check(preflight, &preflight->diffs[i].changes[k], argument, err);
			if (rc < 0)
				return rc;
		}
	return 0;
}

/* ---- what is there and conflicts */

struct tally {
	int64_t builds, there, conflicts;
};

static int check_conflict(struct preflight *preflight, const struct ensure_change *change,
	void *argument, struct err *err)
{
	CLEANUP_STR struct str place = STR_INIT;
	struct tally *tally = argument;

	tally->builds +=
		change->kind == ENSURE_CREATE_INDEX || change->kind == ENSURE_REPLACE_INDEX;
	if (change->kind != ENSURE_CONFLICT)
		return 0;
	tally->conflicts++;
	ensure_place(&place, change->collection, change->index);
	return preflight_tell(
		preflight, "indexes", CHECK_FAILED, err, "%s: %s", str_text(&place), change->text);
}

int preflight_indexes(struct preflight *preflight, struct err *err)
{
	struct tally tally = {0};
	int rc = each_change(preflight, check_conflict, &tally, err);

	if (rc < 0 || tally.conflicts > 0)
		return rc;
	if (preflight->diff_count == 0)
		return preflight_tell(preflight, "indexes", CHECK_SKIPPED, err,
			"indexes: skipped, no migration declares any");
	for (size_t i = 0; i < preflight->diff_count; i++)
		tally.there += (int64_t)preflight->diffs[i].already[ENSURE_CREATE_INDEX];
	CLEANUP_STR struct str text = STR_INIT;
	text_plural(&text, tally.builds, "index is built", "indexes are built");
	str_append_format(&text, ", %lld there; nothing that is there stands in the way",
		(long long)tally.there);
	rc = str_check(&text, err);
	return rc < 0 ? rc
		      : preflight_tell(
				preflight, "indexes", CHECK_PASSED, err, "%s", str_text(&text));
}

/* ---- keys that a unique index would refuse */

static int check_duplicates(struct preflight *preflight, const struct ensure_change *change,
	void *argument, struct err *err)
{
	CLEANUP_STR struct str found = STR_INIT;
	int64_t *looked = argument;

	if ((change->kind != ENSURE_CREATE_INDEX && change->kind != ENSURE_REPLACE_INDEX) ||
		!change->wanted->unique || !change->over_documents)
		return 0;
	(*looked)++;
	int rc = ensure_find_duplicates(
		preflight->context, change->collection, change->wanted, &found, err);
	if (rc < 0 || found.size == 0)
		return rc;
	CLEANUP_STR struct str place = STR_INIT;
	ensure_place(&place, change->collection, change->index);
	return preflight_tell(preflight, "duplicates", CHECK_FAILED, err, "%s is unique, and %s",
		str_text(&place), str_text(&found));
}

int preflight_duplicates(struct preflight *preflight, struct err *err)
{
	int64_t looked = 0;
	size_t failures = preflight->failures;
	int rc = each_change(preflight, check_duplicates, &looked, err);

	if (rc < 0 || preflight->failures > failures)
		return rc;
	if (looked == 0)
		return preflight_tell(preflight, "duplicates", CHECK_SKIPPED, err,
			"duplicate keys: skipped, no unique index is built over documents");
	CLEANUP_STR struct str text = STR_INIT;
	str_append_text(&text, "no two documents have a key that ");
	text_plural(&text, looked, "unique index", "unique indexes");
	str_append_text(&text, " would refuse");
	rc = str_check(&text, err);
	return rc < 0 ? rc
		      : preflight_tell(
				preflight, "duplicates", CHECK_PASSED, err, "%s", str_text(&text));
}

/* ---- documents that would expire */

struct expiry {
	int64_t looked, expiring;
	bool asked;
};

/* Documents that die are in the backup only: that is asked, unless it was said beforehand. */
static int ask_expiry(
	struct preflight *preflight, struct expiry *expiry, const char *text, struct err *err)
{
	const struct step_context *context = preflight->context;
	bool yes = false;

	if (context->read_only ||
		(context->options->allow_expiry && context->options->reason != NULL))
		return 0;
	int rc = context->host->answered(context->host->self, text, ENSURE_EXPIRY_FLAG, &yes, err);
	if (rc == 0 && !yes)
		rc = err_set(err, ERR_CANCELLED, "because documents would expire");
	expiry->asked = true;
	return rc;
}

static int check_expiry(struct preflight *preflight, const struct ensure_change *change,
	void *argument, struct err *err)
{
	const struct step_options *options = preflight->context->options;
	CLEANUP_STR struct str text = STR_INIT;
	struct expiry *expiry = argument;

	if (change->wanted == NULL || change->wanted->expiry < 0 || !change->over_documents)
		return 0;
	expiry->looked++;
	expiry->expiring += change->expiring;
	if (change->expiring == 0)
		return 0;
	ensure_expiry_question(change, &text);
	int rc = str_check(&text, err);
	if (rc < 0)
		return rc;
	if (options->allow_expiry && options->reason != NULL)
		return preflight_tell(preflight, "expiry", CHECK_WARNING, err,
			"%s; allowed by %s: %s", str_text(&text), ENSURE_EXPIRY_FLAG,
			options->reason);
	rc = preflight_tell(preflight, "expiry", CHECK_WARNING, err, "%s", str_text(&text));
	return rc < 0 ? rc : ask_expiry(preflight, expiry, str_text(&text), err);
}

/* So that the step, which comes hours later, does not ask again. */
static int keep_answer(struct preflight *preflight, struct err *err)
{
	static const char allowed[] = "{\"expiryAllowed\":true}";
	const struct step_host *host = preflight->context->host;

	return host->checkpoint(host->self, bytes_of_string(allowed), err);
}

int preflight_expiry(struct preflight *preflight, struct err *err)
{
	struct expiry expiry = {0};
	int rc = each_change(preflight, check_expiry, &expiry, err);

	if (rc < 0)
		return rc;
	if (expiry.asked)
		return keep_answer(preflight, err);
	if (expiry.expiring > 0)
		return 0;
	if (expiry.looked == 0)
		return preflight_tell(preflight, "expiry", CHECK_SKIPPED, err,
			"expiry: skipped, no TTL is set over documents that are there");
	CLEANUP_STR struct str text = STR_INIT;
	text_plural(&text, expiry.looked, "TTL is set", "TTLs are set");
	str_append_text(&text, ", and no document that is there would expire");
	rc = str_check(&text, err);
	return rc < 0 ? rc
		      : preflight_tell(
				preflight, "expiry", CHECK_PASSED, err, "%s", str_text(&text));
}
