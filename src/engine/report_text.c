#include <string.h>

#include "base/cleanup.h"
#include "engine/report.h"
#include "text/text.h"

enum { LABEL_COLUMNS = 18, TEXT_COLUMNS = 400 };

static int64_t number_of(const struct json *object, const char *name)
{
	const struct json *member = object == NULL ? NULL : json_member(object, name);

	return member != NULL && json_type(member) == JSON_NUMBER ? (int64_t)json_number(member)
								  : 0;
}

static void escaped(struct str *out, const struct json *object, const char *name)
{
	text_escape(out, bytes_of_string(history_text(object, name)), TEXT_COLUMNS);
}

static void heading(struct str *out, const char *text)
{
	str_append_format(out, "\n%s\n", text);
}

static void line(struct str *out, const char *label, const struct json *object, const char *name)
{
	str_append_format(out, "  %-*s ", LABEL_COLUMNS, label);
	escaped(out, object, name);
	str_append_char(out, '\n');
}

/* Images, attestations, SBOMs: a line each, where the kit has them. */
static void write_evidence(struct str *out, const struct json *report)
{
	const struct json *evidence = json_member(report, "evidence");

	for (const struct json *item = evidence == NULL ? NULL : json_first(evidence); item != NULL;
		item = json_next(item)) {
		CLEANUP_STR struct str label = STR_INIT;
		text_escape(&label, bytes_of_string(history_text(item, "name")), LABEL_COLUMNS);
		line(out, str_text(&label), item, "text");
	}
}

static void write_kit(struct str *out, const struct json *report)
{
	const struct json *kit = json_member(report, "kit");
	const struct json *signers = json_member(report, "signers");
	int signed_count = 0;

	heading(out, "Kit");
	str_append_format(out, "  %-*s ", LABEL_COLUMNS, "Name");
	escaped(out, kit, "name");
	str_append_char(out, ' ');
	escaped(out, kit, "version");
	str_append_format(out, ", sequence %lld\n", (long long)number_of(kit, "sequence"));
	line(out, "Made", kit, "created");
	line(out, "Manifest SHA-256", kit, "digest");
	str_append_format(out, "  %-*s ", LABEL_COLUMNS, "Signed by");
	for (const struct json *signer = signers == NULL ? NULL : json_first(signers);
		signer != NULL; signer = json_next(signer)) {
		const struct json *is = json_member(signer, "signed");
		if (is == NULL || json_type(is) != JSON_BOOL || !json_bool(is))
			continue;
		str_append_text(out, signed_count++ > 0 ? ", " : "");
		escaped(out, signer, "name");
	}
	str_append_format(out, " (%lld needed)\n", (long long)number_of(report, "threshold"));
	write_evidence(out, report);
	line(out, "Trust root", json_member(report, "root"), "digest");
}

static void write_run(struct str *out, const struct json *report)
{
	const struct json *site = json_member(report, "site");
	const struct json *journal = json_member(report, "journal");

	heading(out, "Run");
	line(out, "Run", report, "run");
	line(out, "Command", report, "command");
	line(out, "offkit", report, "offkit");
	line(out, "Begun", report, "begun");
	line(out, "Ended", report, "ended");
	line(out, "Site", site, "name");
	line(out, "Environment", site, "environment");
	line(out, "Database", site, "database");
	line(out, "Server", site, "server");
	str_append_format(out, "  %-*s %lld events, head ", LABEL_COLUMNS, "Journal",
		(long long)number_of(journal, "events"));
	escaped(out, journal, "head");
	str_append_char(out, '\n');
}

/* Where the signed receipt is, and what to compare its key by. */
static void write_receipt(struct str *out, const struct json *report)
{
	const struct json *receipt = json_member(report, "receipt");

	if (receipt == NULL)
		return;
	heading(out, "Signed receipt");
	line(out, "Receipt", receipt, "path");
	line(out, "Public key", receipt, "publicKey");
	line(out, "Site key SHA-256", receipt, "key");
}

static void write_steps(struct str *out, const struct json *report)
{
	char duration[TEXT_DURATION_SIZE];

	heading(out, "Steps");
	const struct json *steps = json_member(report, "steps");
	for (const struct json *step = json_first(steps); step != NULL; step = json_next(step)) {
		str_append_format(out, "  %-*s %-8s %8s  ", LABEL_COLUMNS,
			history_text(step, "label"), history_text(step, "outcome"),
			text_stopwatch(number_of(step, "duration"), duration));
		escaped(out, step, "text");
		str_append_char(out, '\n');
	}
}

static void write_rows(struct str *out, const struct json *report, const char *name,
	const char *title, const char *first, const char *second)
{
	const struct json *rows = json_member(report, name);

	if (rows == NULL || json_count(rows) == 0)
		return;
	heading(out, title);
	for (const struct json *row = json_first(rows); row != NULL; row = json_next(row)) {
		str_append_format(out, "  %-*s ", LABEL_COLUMNS, history_text(row, first));
		escaped(out, row, second);
		str_append_char(out, '\n');
	}
}

static void write_hashes(struct str *out, const struct json *report)
{
	const struct json *hashes = json_member(report, "reportHashes");

	if (hashes == NULL || json_count(hashes) == 0)
		return;
	heading(out, "SHA-256 of the backfill reports");
	for (const struct json *hash = json_first(hashes); hash != NULL; hash = json_next(hash))
		str_append_format(
			out, "  %-*s %s\n", LABEL_COLUMNS, json_name(hash), json_string(hash));
}

static void write_question(struct str *out, const struct json *check)
{
	const struct json *examples = json_member(check, "examples");

	str_append_format(out, "  %-*s ", LABEL_COLUMNS, history_text(check, "outcome"));
	escaped(out, check, "text");
	str_append_format(out, "\n  %-*s ", LABEL_COLUMNS, "");
	/* Whole, however long it is: it is there to be pasted. */
	text_escape(out, bytes_of_string(history_text(check, "query")), 0);
	str_append_char(out, '\n');
	for (const struct json *example = examples == NULL ? NULL : json_first(examples);
		example != NULL; example = json_next(example)) {
		str_append_format(out, "  %-*s ", LABEL_COLUMNS, "");
		text_escape(out, bytes_of_string(json_string(example)), TEXT_COLUMNS);
		str_append_char(out, '\n');
	}
}

/* What validate asked the server, to be asked again. */
static void write_questions(struct str *out, const struct json *report)
{
	const struct json *steps = json_member(report, "steps");

	for (const struct json *step = json_first(steps); step != NULL; step = json_next(step)) {
		const struct json *checks = report_checks(step);
		if (checks == NULL)
			continue;
		heading(out, "Validation, as it can be asked again in mongosh");
		for (const struct json *check = json_first(checks); check != NULL;
			check = json_next(check))
			write_question(out, check);
	}
}

static void write_all(struct str *out, const struct json *report)
{
	const struct json *root = json_member(report, "root");
	const struct json *demo = root == NULL ? NULL : json_member(root, "demo");

	str_append_text(out, "offkit report\n");
	if (demo != NULL && json_type(demo) == JSON_BOOL && json_bool(demo))
		str_append_text(out, "DEMO ROOT: keys that anybody has were trusted.\n");
	str_append_char(out, '\n');
	str_append_format(out, "  %s\n",
		*history_text(report, "text") != '\0' ? history_text(report, "text")
						      : history_text(report, "state"));
	write_kit(out, report);
	write_run(out, report);
	write_receipt(out, report);
	write_steps(out, report);
	write_hashes(out, report);
	write_rows(out, report, "checks", "Checks", "outcome", "text");
	write_questions(out, report);
	write_rows(out, report, "answers", "Answers", "by", "text");
	write_rows(out, report, "alerts", "Alerts", "name", "text");
	write_rows(out, report, "failures", "Failures", "step", "message");
	write_rows(out, report, "notes", "Notes", "step", "text");
}

/* Each line through the last door: some of what stands in it came as it was. */
int report_text(const struct json *report, struct str *out, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;

	write_all(&text, report);
	int rc = str_check(&text, err);
	if (rc < 0)
		return rc;
	const char *line = str_text(&text);
	for (size_t size; *line != '\0'; line += size + (line[size] == '\n')) {
		size = strcspn(line, "\n");
		text_guard(out, bytes_make(line, size));
		str_append_char(out, '\n');
	}
	return str_check(out, err);
}
