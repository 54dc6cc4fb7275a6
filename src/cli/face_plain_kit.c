/* The kit and who signed it, in lines: what the terminal UI's first page shows. */
#include <string.h>

#include "base/clock.h"
#include "cli/face_plain.h"
#include "text/text.h"

enum { DATE = 10, MINUTES = 16 }; /* characters: "2025-12-19T14:02" */

static void row(struct str *out, const char *label)
{
	str_append_format(out, "\n%s%-16s", PLAIN_INDENT, label);
}

static void checked_row(struct str *out, const struct face *face, const char *label)
{
	str_append_format(out, "\n%s%s %-14s", PLAIN_INDENT, face_sign(face, SIGN_GOOD), label);
}

/* "2025-12-19 14:02 UTC" */
static void append_minutes(struct str *out, const char *time)
{
	if (strlen(time) >= MINUTES)
		str_append_format(out, "%.*s %.5s UTC", DATE, time, time + DATE + 1);
}

static void append_times(struct str *out, const struct json *kit)
{
	const struct json *installed = json_member(kit, "installed");

	row(out, "Made");
	append_minutes(out, plain_text(kit, "created"));
	if (*plain_text(kit, "expires") != '\0')
		str_append_format(out, ", expires %.*s", DATE, plain_text(kit, "expires"));
	row(out, "Installed");
	if (installed == NULL) {
		str_append_text(out, "nothing of this name yet");
		return;
	}
	plain_escaped(out, plain_text(installed, "version"));
	str_append_format(out, ", sequence %lld", (long long)plain_number(installed, "sequence"));
	if (plain_number(kit, "sequence") > plain_number(installed, "sequence"))
		str_append_text(out, " (this is newer)");
}

static void append_signers(struct str *out, const struct face *face, const struct json *event)
{
	const struct json *signers = json_member(event, "signers");
	const char *comma = ": ";
	int signed_by = 0;

	for (const struct json *key = signers == NULL ? NULL : json_first(signers); key != NULL;
		key = json_next(key))
		signed_by += plain_true(key, "signed");
	checked_row(out, face, "Manifest");
	str_append_format(out, "%d of %d keys, %lld needed", signed_by,
		signers == NULL ? 0 : (int)json_count(signers),
		(long long)plain_number(event, "threshold"));
	for (const struct json *key = signers == NULL ? NULL : json_first(signers); key != NULL;
		key = json_next(key)) {
		if (!plain_true(key, "signed"))
			continue;
		str_append_text(out, comma);
		plain_escaped(out, plain_text(key, "name"));
		comma = ", ";
	}
	checked_row(out, face, "SHA256SUMS");
	str_append_text(out, "key ");
	plain_escaped(out, plain_text(event, "sumsSigner"));
}

static void append_evidence(struct str *out, const struct face *face, const struct json *event)
{
	const struct json *evidence = json_member(event, "evidence");

	for (const struct json *item = evidence == NULL ? NULL : json_first(evidence); item != NULL;
		item = json_next(item)) {
		checked_row(out, face, plain_text(item, "name"));
		plain_escaped(out, plain_text(item, "text"));
	}
}

void plain_kit_page(const struct face *face, const struct json *event, struct str *out)
{
	const struct json *kit = json_member(event, "kit");
	const struct json *root = json_member(event, "root");
	char size[TEXT_SIZE_SIZE];

	row(out, "Kit");
	plain_escaped(out, plain_text(kit, "name"));
	str_append_char(out, ' ');
	plain_escaped(out, plain_text(kit, "version"));
	str_append_format(out, ", sequence %lld", (long long)plain_number(kit, "sequence"));
	append_times(out, kit);
	append_signers(out, face, event);
	checked_row(out, face, "Files");
	text_plural(out, plain_number(event, "files"), "file", NULL);
	str_append_format(out, ", %s", text_size((uint64_t)plain_number(event, "octets"), size));
	append_evidence(out, face, event);
	checked_row(out, face, "Trust root");
	str_append_format(out, "version %lld, until %.*s", (long long)plain_number(root, "version"),
		DATE, plain_text(root, "expires"));
	if (plain_true(root, "demo"))
		str_append_format(
			out, "\n%s%s %s", PLAIN_INDENT, face_sign(face, SIGN_WARN), face_demo_root);
}
