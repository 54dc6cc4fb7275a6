/* The kit and who signed it, in lines: what the terminal UI's first page shows. */
#include <string.h>

#include "base/clock.h"
#include "cli/face_plain.h"
#include "text/text.h"

enum { DATE = 10, MINUTES = 16 }; /* characters: "2025-12-19T14:02" */

static void row(struct str *out, const struct language *language, enum message label)
{
	str_append_format(out, "\n%s", PLAIN_INDENT);
	message_append_label(out, language, label, 16);
}

static void checked_row(struct str *out, const struct face *face, const char *label)
{
	str_append_format(out, "\n%s%s %-14s", PLAIN_INDENT, face_sign(face, SIGN_GOOD), label);
}

static void checked_message(struct str *out, const struct face *face, enum message label)
{
	str_append_format(out, "\n%s%s ", PLAIN_INDENT, face_sign(face, SIGN_GOOD));
	message_append_label(out, face->language, label, 14);
}

/* "2025-12-19 14:02 UTC" */
static void append_minutes(struct str *out, const char *time)
{
	if (strlen(time) >= MINUTES)
		str_append_format(out, "%.*s %.5s UTC", DATE, time, time + DATE + 1);
}

static void append_times(struct plain_face *plain, const struct json *kit, struct str *out)
{
	const struct language *language = plain->face->language;
	const struct json *installed = json_member(kit, "installed");

	row(out, language, MSG_MADE);
	append_minutes(out, plain_text(kit, "created"));
	if (*plain_text(kit, "expires") != '\0')
		message_append(out, language, MSG_EXPIRES, plain_text(kit, "expires"));
	row(out, language, MSG_INSTALLED);
	if (installed == NULL) {
		str_append_text(out, message_text(language, MSG_INSTALLED_NONE_OF_NAME));
		return;
	}
	message_append(out, language, MSG_NAME_AND_SEQUENCE,
		plain_shown(plain, installed, "version"),
		(long long)plain_number(installed, "sequence"));
	if (plain_number(kit, "sequence") > plain_number(installed, "sequence"))
		str_append_format(out, " (%s)", message_text(language, MSG_THIS_IS_NEWER));
}

static void append_signers(struct plain_face *plain, const struct json *event, struct str *out)
{
	const struct json *signers = json_member(event, "signers");
	const char *comma = ": ";
	size_t signed_by = 0;

	for (const struct json *key = signers == NULL ? NULL : json_first(signers); key != NULL;
		key = json_next(key))
		signed_by += plain_true(key, "signed");
	checked_message(out, plain->face, MSG_MANIFEST);
	message_append(out, plain->face->language, MSG_KEYS_NEEDED, signed_by,
		signers == NULL ? (size_t)0 : json_count(signers),
		(long long)plain_number(event, "threshold"));
	for (const struct json *key = signers == NULL ? NULL : json_first(signers); key != NULL;
		key = json_next(key)) {
		if (!plain_true(key, "signed"))
			continue;
		str_append_text(out, comma);
		plain_escaped(out, plain_text(key, "name"));
		comma = ", ";
	}
	checked_row(out, plain->face, "SHA256SUMS");
	message_append(
		out, plain->face->language, MSG_KEY_NAMED, plain_shown(plain, event, "sumsSigner"));
}

static void append_evidence(struct plain_face *plain, const struct json *event, struct str *out)
{
	const struct json *evidence = json_member(event, "evidence");

	for (const struct json *item = evidence == NULL ? NULL : json_first(evidence); item != NULL;
		item = json_next(item)) {
		checked_row(out, plain->face, plain_text(item, "name"));
		plain_record(plain, out, plain_text(item, "text"));
	}
}

static void append_files(const struct face *face, const struct json *event, struct str *out)
{
	int64_t files = plain_number(event, "files");
	char size[TEXT_SIZE_SIZE];

	checked_message(out, face, MSG_FILES);
	message_append_count(out, face->language, files, MSG_ONE_FILE, MSG_SOME_FILES);
	str_append_format(out, ", %s", text_size((uint64_t)plain_number(event, "octets"), size));
}

void plain_kit_page(struct plain_face *plain, const struct json *event, struct str *out)
{
	const struct json *kit = json_member(event, "kit");
	const struct json *root = json_member(event, "root");
	const struct face *face = plain->face;

	row(out, face->language, MSG_KIT);
	message_append(out, face->language, MSG_KIT_SEQUENCE, plain_shown(plain, kit, "name"),
		plain_shown(plain, kit, "version"), (long long)plain_number(kit, "sequence"));
	append_times(plain, kit, out);
	append_signers(plain, event, out);
	append_files(face, event, out);
	append_evidence(plain, event, out);
	checked_message(out, face, MSG_TRUST_ROOT);
	message_append(out, face->language, MSG_ROOT_VERSION,
		(long long)plain_number(root, "version"), plain_text(root, "expires"));
	if (plain_true(root, "demo"))
		str_append_format(out, "\n%s%s %s", PLAIN_INDENT, face_sign(face, SIGN_WARN),
			face_text(face, MSG_DEMO_ROOT_PROGRAM));
}
