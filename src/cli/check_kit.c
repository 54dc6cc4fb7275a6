#include "cli/check_kit.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/show_evidence.h"
#include "cli/show_images.h"
#include "text/text.h"
#include "verify/evidence.h"

enum { LABEL_COLUMNS = 11, CHECK_COLUMNS = 14 };

static void show_progress(void *argument, const struct verify_progress *progress)
{
	face_progress(argument, face_text(argument, MSG_VERIFYING), progress->octets_done,
		progress->octets_total);
}

int check_kit(struct face *face, const char *path, const char *force_reason,
	struct checked_kit *checked, struct err *err)
{
	struct verify_options options = {.now = clock_now(),
		.force_reason = force_reason,
		.part_folder_count = face->parts.count,
		.part_folders = face->parts.items,
		.base = face->base,
		.progress = show_progress,
		.argument = face};
	int rc = face_open_state(face, &checked->state_dirfd, err);

	if (rc == 0)
		rc = face_load_root(face, checked->state_dirfd, &checked->root, err);
	if (rc < 0)
		return rc;
	options.state_dirfd = checked->state_dirfd;
	rc = verify_kit(path, checked->root, &options, &checked->kit, err);
	if (rc < 0 || checked->state_dirfd < 0)
		return rc;
	return installed_sequence(checked->state_dirfd, trusted_kit_manifest(checked->kit)->name,
		&checked->installed_sequence, &checked->installed_version, &face->arena, err);
}

void checked_kit_release(struct checked_kit *checked)
{
	trusted_kit_free(checked->kit);
	trust_root_free(checked->root);
	cleanup_close(&checked->state_dirfd);
	*checked = CHECKED_KIT_INIT;
}

/* "2025-12-19 14:02 UTC" */
static void append_minute(struct str *out, int64_t time)
{
	char text[RFC3339_SIZE];

	time_format(time, text);
	str_append_format(out, "%.10s %.5s UTC", text, text + 11);
}

void write_installed(struct json_writer *writer, const struct checked_kit *checked)
{
	json_member_bool(writer, "sequenceChecked", checked->state_dirfd >= 0);
	if (checked->installed_sequence == 0)
		return;
	json_member_object(writer, "installed");
	json_member_string(writer, "version", checked->installed_version);
	json_member_integer(writer, "sequence", checked->installed_sequence);
	json_write_end(writer);
}

static void describe_installed(struct face *face, const struct checked_kit *checked)
{
	const struct manifest *manifest = trusted_kit_manifest(checked->kit);
	struct str *out = &face->result;
	int64_t sequence = checked->installed_sequence;

	message_append_label(out, face->language, MSG_INSTALLED, LABEL_COLUMNS);
	if (sequence == 0) {
		message_append(out, face->language, MSG_NO_KIT_NAMED, manifest->name);
		str_append_format(out, "%s%s\n", checked->state_dirfd < 0 ? " " : "",
			checked->state_dirfd < 0 ? face_text(face, MSG_NO_STATE_FOLDER) : "");
		return;
	}
	message_append(out, face->language, MSG_KIT_SEQUENCE, manifest->name,
		checked->installed_version, (long long)sequence);
	str_append_format(out, " (%s)\n",
		face_text(face, manifest->sequence > sequence	 ? MSG_THIS_IS_NEWER
				: manifest->sequence == sequence ? MSG_THIS_IS_THE_SAME_SEQUENCE
								 : MSG_THIS_IS_OLDER));
}

void describe_kit(struct face *face, const struct checked_kit *checked)
{
	const struct manifest *manifest = trusted_kit_manifest(checked->kit);
	struct str *out = &face->result;
	char expires[RFC3339_SIZE];

	message_append_label(out, face->language, MSG_KIT, LABEL_COLUMNS);
	message_append(out, face->language, MSG_KIT_SEQUENCE, manifest->name, manifest->version,
		(long long)manifest->sequence);
	if (manifest->title[0] != '\0') {
		str_append_text(out, ": ");
		text_escape(out, bytes_of_string(manifest->title), 60);
	}
	str_append_char(out, '\n');
	message_append_label(out, face->language, MSG_MADE, LABEL_COLUMNS);
	append_minute(out, manifest->created);
	if (manifest->has_expiry) {
		time_format(manifest->expires, expires);
		message_append(out, face->language, MSG_EXPIRES, expires);
	}
	str_append_char(out, '\n');
	describe_installed(face, checked);
}

static void begin_check(struct face *face, enum face_sign sign, enum message label)
{
	str_append_format(&face->result, "%s ", face_sign(face, sign));
	message_append_label(&face->result, face->language, label, CHECK_COLUMNS);
}

static void describe_signers(struct face *face, const struct checked_kit *checked)
{
	const bool *has_signed;
	const struct trust_role *role = trusted_kit_signers(checked->kit, &has_signed);
	struct str *out = &face->result;
	size_t count = 0;

	for (size_t i = 0; i < role->key_count; i++)
		count += has_signed[i];
	begin_check(face, SIGN_GOOD, MSG_MANIFEST);
	message_append(out, face->language, MSG_KEYS_NEEDED, count, role->key_count,
		(long long)role->threshold);
	str_append_text(out, ": ");
	for (size_t i = 0, shown = 0; i < role->key_count; i++) {
		if (!has_signed[i])
			continue;
		str_append_text(out, shown++ > 0 ? ", " : "");
		text_escape(out, bytes_of_string(role->keys[i]->name), 40);
	}
	str_append_text(out, "\n");
}

/* Said only where something came along. */
static void describe_proofs(struct face *face, const struct checked_kit *checked)
{
	const struct kit_evidence *evidence = trusted_kit_evidence(checked->kit);
	struct proofs proofs = trusted_kit_proofs(checked->kit);
	struct str *out = &face->result;

	for (size_t i = 0; i < evidence->attestation_count; i++) {
		proofs.log_entries += evidence->attestations[i].log_entries;
		proofs.timestamps += evidence->attestations[i].timestamps;
	}
	if (proofs.log_entries + proofs.timestamps + proofs.certificates == 0)
		return;
	begin_check(face, SIGN_NONE, MSG_IN_BUNDLES);
	message_append_count(out, face->language, (int64_t)proofs.log_entries, MSG_ONE_LOG_ENTRY,
		MSG_SOME_LOG_ENTRIES);
	str_append_text(out, ", ");
	message_append_count(out, face->language, (int64_t)proofs.timestamps, MSG_ONE_TIMESTAMP,
		MSG_SOME_TIMESTAMPS);
	str_append_text(out, ", ");
	message_append_count(out, face->language, (int64_t)proofs.certificates, MSG_ONE_CERTIFICATE,
		MSG_SOME_CERTIFICATES);
	str_append_format(out, ": %s\n", face_text(face, MSG_NOT_CHECKED));
}

static void describe_files(struct face *face, const struct checked_kit *checked)
{
	const struct manifest *manifest = trusted_kit_manifest(checked->kit);
	CLEANUP_STR struct str signer = STR_INIT;
	struct str *out = &face->result;
	char size[TEXT_SIZE_SIZE], count[TEXT_COUNT_SIZE];
	uint64_t octets = 0;

	for (size_t i = 0; i < manifest->file_count; i++)
		octets += (uint64_t)manifest->files[i].size;
	text_escape(&signer, bytes_of_string(trusted_kit_sums_signer(checked->kit)), 40);
	str_append_format(out, "%s SHA256SUMS    ", face_sign(face, SIGN_GOOD));
	message_append(out, face->language, MSG_KEY_NAMED, str_text(&signer));
	str_append_text(out, "; ");
	message_append_count(out, face->language, (int64_t)manifest->file_count,
		MSG_ONE_FILE_LISTED, MSG_SOME_FILES_LISTED);
	str_append_char(out, '\n');
	(void)text_count((int64_t)manifest->file_count, count);
	begin_check(face, SIGN_GOOD, MSG_FILES);
	message_append(out, face->language, MSG_FILES_OF, count, count, text_size(octets, size));
	str_append_char(out, '\n');
}

static void describe_root(struct face *face, const struct checked_kit *checked)
{
	const struct trust_root *root = trusted_kit_root(checked->kit);
	long long brought = (long long)trusted_kit_roots_brought(checked->kit);
	long long version = (long long)trust_root_version(root);
	struct str *out = &face->result;
	char expires[RFC3339_SIZE];

	time_format(trust_root_expires(root), expires);
	begin_check(face, SIGN_GOOD, MSG_TRUST_ROOT);
	if (brought > 0)
		message_append(
			out, face->language, MSG_ROOT_BROUGHT, version - brought, version, expires);
	else
		message_append(out, face->language, MSG_ROOT_VERSION, version, expires);
	str_append_char(out, '\n');
	if (trust_root_is_demo(root))
		str_append_format(out, "%s %s\n", face_sign(face, SIGN_WARN),
			face_text(face, MSG_DEMO_ROOT_PROGRAM));
}

void describe_checks(struct face *face, const struct checked_kit *checked)
{
	describe_signers(face, checked);
	describe_files(face, checked);
	describe_proofs(face, checked);
	describe_images(face, checked->kit);
	describe_evidence(face, checked->kit);
	if (checked->state_dirfd < 0) {
		begin_check(face, SIGN_WARN, MSG_SEQUENCE);
		str_append_format(
			&face->result, "%s\n", face_text(face, MSG_SEQUENCE_NOT_COMPARED));
	}
	describe_root(face, checked);
}
