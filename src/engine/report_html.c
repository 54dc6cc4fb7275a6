/* One page that needs nothing else, made to be printed and signed by hand. */
#include <string.h>

#include "base/cleanup.h"
#include "engine/report.h"
#include "text/text.h"

static const char STYLE[] =
	"body{font:15px/1.45 system-ui,sans-serif;color:#1b1b1b;max-width:60rem;margin:2rem auto;"
	"padding:0 1rem}h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.05rem;"
	"margin:1.8rem 0 .4rem;border-bottom:1px solid #bbb}table{border-collapse:collapse;"
	"width:100%}th,td{text-align:left;vertical-align:top;padding:.18rem .8rem .18rem 0}"
	"th{font-weight:600;white-space:nowrap}td.n{text-align:right;white-space:nowrap;"
	"font-variant-numeric:tabular-nums}code{font:.86em/1.4 ui-monospace,monospace;"
	"word-break:break-all}.failed{color:#a40000;font-weight:600}.warning{font-weight:600}"
	".demo{border:2px solid;padding:.4rem .8rem;font-weight:600}tr{break-inside:avoid}"
	".sign{margin-top:3rem}.sign td{border-top:1px solid #1b1b1b;padding-top:.2rem;width:33%}"
	"@media print{body{margin:0;max-width:none;font-size:11pt}}";

static void html(struct str *out, const char *text)
{
	CLEANUP_STR struct str safe = STR_INIT;

	text_escape(&safe, bytes_of_string(text), 0);
	for (const char *c = str_text(&safe); *c != '\0'; c++) {
		if (*c == '<')
			str_append_text(out, "&lt;");
		else if (*c == '>')
			str_append_text(out, "&gt;");
		else if (*c == '&')
			str_append_text(out, "&amp;");
		else if (*c == '"')
			str_append_text(out, "&quot;");
		else
			str_append_char(out, *c);
	}
}

static int64_t number_of(const struct json *object, const char *name)
{
	const struct json *member = object == NULL ? NULL : json_member(object, name);

	return member != NULL && json_type(member) == JSON_NUMBER ? (int64_t)json_number(member)
								  : 0;
}

static void row(struct str *out, const char *label, const char *text, bool code)
{
	if (*text == '\0')
		return;
	str_append_format(out, "<tr><th>%s</th><td>%s", label, code ? "<code>" : "");
	html(out, text);
	str_append_format(out, "%s</td></tr>\n", code ? "</code>" : "");
}

static void write_signers(struct str *out, const struct json *report)
{
	const struct json *signers = json_member(report, "signers");

	str_append_text(out, "<tr><th>Signed by</th><td>");
	for (const struct json *signer = signers == NULL ? NULL : json_first(signers);
		signer != NULL; signer = json_next(signer)) {
		const struct json *is = json_member(signer, "signed");
		if (is == NULL || json_type(is) != JSON_BOOL || !json_bool(is))
			continue;
		html(out, history_text(signer, "name"));
		str_append_text(out, " <code>");
		html(out, history_text(signer, "fingerprint"));
		str_append_text(out, "</code><br>");
	}
	str_append_format(
		out, "%lld needed</td></tr>\n", (long long)number_of(report, "threshold"));
}

static void write_evidence(struct str *out, const struct json *report)
{
	const struct json *evidence = json_member(report, "evidence");

	for (const struct json *item = evidence == NULL ? NULL : json_first(evidence); item != NULL;
		item = json_next(item)) {
		str_append_text(out, "<tr><th>");
		html(out, history_text(item, "name"));
		str_append_text(out, "</th><td>");
		html(out, history_text(item, "text"));
		str_append_text(out, "</td></tr>\n");
	}
}

static void write_head(struct str *out, const struct json *report)
{
	const struct json *kit = json_member(report, "kit");
	const struct json *site = json_member(report, "site");
	const struct json *journal = json_member(report, "journal");

	str_append_text(out, "<h2>Kit</h2><table>\n");
	row(out, "Name", history_text(kit, "name"), false);
	row(out, "Version", history_text(kit, "version"), false);
	row(out, "Made", history_text(kit, "created"), false);
	row(out, "Manifest", history_text(kit, "digest"), true);
	write_signers(out, report);
	write_evidence(out, report);
	row(out, "Trust root", history_text(json_member(report, "root"), "digest"), true);
	str_append_text(out, "</table>\n<h2>Run</h2><table>\n");
	row(out, "Run", history_text(report, "run"), true);
	row(out, "Begun", history_text(report, "begun"), false);
	row(out, "Ended", history_text(report, "ended"), false);
	row(out, "Site", history_text(site, "name"), false);
	row(out, "Environment", history_text(site, "environment"), false);
	row(out, "Database", history_text(site, "database"), false);
	row(out, "Server", history_text(site, "server"), false);
	row(out, "offkit", history_text(report, "offkit"), false);
	row(out, "Journal's head", history_text(journal, "head"), true);
	str_append_text(out, "</table>\n");
}

static void write_receipt(struct str *out, const struct json *report)
{
	const struct json *receipt = json_member(report, "receipt");

	if (receipt == NULL)
		return;
	str_append_text(out, "<h2>Signed receipt</h2><table>\n");
	row(out, "Receipt", history_text(receipt, "path"), true);
	row(out, "Public key", history_text(receipt, "publicKey"), true);
	row(out, "Site key SHA-256", history_text(receipt, "key"), true);
	str_append_text(out, "</table>\n");
}

static void write_steps(struct str *out, const struct json *report)
{
	const struct json *steps = json_member(report, "steps");
	char duration[TEXT_DURATION_SIZE];

	str_append_text(out, "<h2>Steps</h2><table>\n");
	for (const struct json *step = json_first(steps); step != NULL; step = json_next(step)) {
		str_append_text(out, "<tr><th>");
		html(out, history_text(step, "label"));
		str_append_format(out, "</th><td class=\"%s\">", history_text(step, "outcome"));
		html(out, history_text(step, "outcome"));
		str_append_format(out, "</td><td class=\"n\">%s</td><td>",
			text_stopwatch(number_of(step, "duration"), duration));
		html(out, history_text(step, "text"));
		str_append_text(out, "</td></tr>\n");
	}
	str_append_text(out, "</table>\n");
}

static void write_hashes(struct str *out, const struct json *report)
{
	const struct json *hashes = json_member(report, "reportHashes");

	if (hashes == NULL || json_count(hashes) == 0)
		return;
	str_append_text(out, "<h2>SHA-256 of the backfill reports</h2><table>\n");
	for (const struct json *hash = json_first(hashes); hash != NULL; hash = json_next(hash)) {
		str_append_text(out, "<tr><th>");
		html(out, json_name(hash));
		str_append_text(out, "</th><td><code>");
		html(out, json_string(hash));
		str_append_text(out, "</code></td></tr>\n");
	}
	str_append_text(out, "</table>\n");
}

static void write_rows(struct str *out, const struct json *report, const char *name,
	const char *title, const char *const *columns)
{
	const struct json *rows = json_member(report, name);

	if (rows == NULL || json_count(rows) == 0)
		return;
	str_append_format(out, "<h2>%s</h2><table>\n", title);
	for (const struct json *item = json_first(rows); item != NULL; item = json_next(item)) {
		str_append_format(out, "<tr class=\"%s\">", history_text(item, "outcome"));
		for (const char *const *column = columns; *column != NULL; column++) {
			str_append_text(out, "<td>");
			html(out, history_text(item, *column));
			str_append_text(out, "</td>");
		}
		str_append_text(out, "</tr>\n");
	}
	str_append_text(out, "</table>\n");
}

static void write_question(struct str *out, const struct json *check)
{
	const struct json *examples = json_member(check, "examples");

	str_append_format(out, "<tr class=\"%s\"><td>", history_text(check, "outcome"));
	html(out, history_text(check, "outcome"));
	str_append_text(out, "</td><td>");
	html(out, history_text(check, "text"));
	str_append_text(out, "<br><code>");
	html(out, history_text(check, "query"));
	str_append_text(out, "</code>");
	for (const struct json *example = examples == NULL ? NULL : json_first(examples);
		example != NULL; example = json_next(example)) {
		str_append_text(out, "<br>");
		html(out, json_string(example));
	}
	str_append_text(out, "</td></tr>\n");
}

static void write_questions(struct str *out, const struct json *report)
{
	const struct json *steps = json_member(report, "steps");

	for (const struct json *step = json_first(steps); step != NULL; step = json_next(step)) {
		const struct json *checks = report_checks(step);
		if (checks == NULL)
			continue;
		str_append_text(
			out, "<h2>Validation, as it can be asked again in mongosh</h2><table>\n");
		for (const struct json *check = json_first(checks); check != NULL;
			check = json_next(check))
			write_question(out, check);
		str_append_text(out, "</table>\n");
	}
}

int report_html(const struct json *report, struct str *out, struct err *err)
{
	const struct json *kit = json_member(report, "kit");
	const struct json *root = json_member(report, "root");
	const struct json *demo = root == NULL ? NULL : json_member(root, "demo");

	str_append_text(out, "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
			     "<title>offkit report</title><style>");
	str_append_text(out, STYLE);
	str_append_text(out, "</style></head><body>\n<h1>");
	html(out, history_text(kit, "name"));
	str_append_char(out, ' ');
	html(out, history_text(kit, "version"));
	str_append_text(out, "</h1>\n<p>");
	html(out, *history_text(report, "text") != '\0' ? history_text(report, "text")
							: history_text(report, "state"));
	str_append_text(out, "</p>\n");
	if (demo != NULL && json_type(demo) == JSON_BOOL && json_bool(demo))
		str_append_text(out,
			"<p class=\"demo\">DEMO ROOT: keys that anybody has were trusted.</p>\n");
	write_head(out, report);
	write_receipt(out, report);
	write_steps(out, report);
	write_hashes(out, report);
	write_rows(out, report, "checks", "Checks",
		(const char *const[]){"outcome", "step", "text", NULL});
	write_questions(out, report);
	write_rows(out, report, "answers", "Answers",
		(const char *const[]){"time", "by", "text", "choice", "reason", NULL});
	write_rows(out, report, "alerts", "Alerts",
		(const char *const[]){"time", "name", "text", NULL});
	write_rows(out, report, "failures", "Failures",
		(const char *const[]){"time", "step", "message", NULL});
	write_rows(
		out, report, "notes", "Notes", (const char *const[]){"time", "step", "text", NULL});
	str_append_text(out,
		"<table class=\"sign\"><tr><td>Name</td><td>Date</td><td>Signature</td></tr>"
		"</table>\n</body></html>\n");
	return str_check(out, err);
}
