#include "cli/check_kit.h"

#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/show_evidence.h"
#include "cli/show_images.h"
#include "text/text.h"
#include "verify/evidence.h"

static void show_progress(void *argument, const struct verify_progress *progress)
{
	face_progress(argument, "Verifying", progress->octets_done, progress->octets_total);
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

static void append_day(struct str *out, int64_t time)
{
	char text[RFC3339_SIZE];

	time_format(time, text);
	str_append_format(out, "%.10s", text);
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

	str_append_text(out, "Installed  ");
	if (sequence == 0) {
		str_append_format(out, "no kit named %s%s\n", manifest->name,
			checked->state_dirfd < 0 ? " (no state folder here)" : "");
		return;
	}
	str_append_format(out, "%s %s, sequence %lld (this is %s)\n", manifest->name,
		checked->installed_version, (long long)sequence,
		manifest->sequence > sequence	 ? "newer"
		: manifest->sequence == sequence ? "the same sequence"
						 : "older");
}

void describe_kit(struct face *face, const struct checked_kit *checked)
{
	const struct manifest *manifest = trusted_kit_manifest(checked->kit);
	struct str *out = &face->result;

	str_append_format(out, "Kit        %s %s, sequence %lld", manifest->name, manifest->version,
		(long long)manifest->sequence);
	if (manifest->title[0] != '\0') {
		str_append_text(out, ": ");
		text_escape(out, bytes_of_string(manifest->title), 60);
	}
	str_append_text(out, "\nMade       ");
	append_minute(out, manifest->created);
	if (manifest->has_expiry) {
		str_append_text(out, ", expires ");
		append_day(out, manifest->expires);
	}
	str_append_char(out, '\n');
	describe_installed(face, checked);
}

static void describe_signers(struct face *face, const struct checked_kit *checked)
{
	const bool *has_signed;
	const struct trust_role *role = trusted_kit_signers(checked->kit, &has_signed);
	struct str *out = &face->result;
	size_t count = 0;

	for (size_t i = 0; i < role->key_count; i++)
		count += has_signed[i];
	str_append_format(out,
		"%s Manifest      %zu of %zu keys, %u needed: ", face_sign(face, SIGN_GOOD), count,
		role->key_count, role->threshold);
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

	for (size_t i = 0; i < evidence->attestation_count; i++) {
		proofs.log_entries += evidence->attestations[i].log_entries;
		proofs.timestamps += evidence->attestations[i].timestamps;
	}
	if (proofs.log_entries + proofs.timestamps + proofs.certificates == 0)
		return;
	str_append_format(&face->result, "%s In bundles    ", face_sign(face, SIGN_NONE));
	text_plural(&face->result, (int64_t)proofs.log_entries, "log entry", "log entries");
	str_append_text(&face->result, ", ");
	text_plural(&face->result, (int64_t)proofs.timestamps, "timestamp", "timestamps");
	str_append_text(&face->result, ", ");
	text_plural(&face->result, (int64_t)proofs.certificates, "certificate", "certificates");
	str_append_text(&face->result, ": present, not checked\n");
}

void describe_checks(struct face *face, const struct checked_kit *checked)
{
	const struct manifest *manifest = trusted_kit_manifest(checked->kit);
	const struct trust_root *root = trusted_kit_root(checked->kit);
	struct str *out = &face->result;
	char size[TEXT_SIZE_SIZE], count[TEXT_COUNT_SIZE];
	uint64_t octets = 0;

	for (size_t i = 0; i < manifest->file_count; i++)
		octets += (uint64_t)manifest->files[i].size;
	describe_signers(face, checked);
	str_append_format(out, "%s SHA256SUMS    key ", face_sign(face, SIGN_GOOD));
	text_escape(out, bytes_of_string(trusted_kit_sums_signer(checked->kit)), 40);
	str_append_text(out, "; ");
	text_plural(out, (int64_t)manifest->file_count, "file listed", "files listed");
	(void)text_count((int64_t)manifest->file_count, count);
	str_append_format(out, "\n%s Files         %s of %s, %s\n", face_sign(face, SIGN_GOOD),
		count, count, text_size(octets, size));
	describe_proofs(face, checked);
	describe_images(face, checked->kit);
	describe_evidence(face, checked->kit);
	if (checked->state_dirfd < 0)
		str_append_format(out,
			"%s Sequence      not compared: there is no state folder here\n",
			face_sign(face, SIGN_WARN));
	str_append_format(out, "%s Trust root    version ", face_sign(face, SIGN_GOOD));
	if (trusted_kit_roots_brought(checked->kit) > 0)
		str_append_format(out, "%lld -> ",
			(long long)trust_root_version(root) -
				(long long)trusted_kit_roots_brought(checked->kit));
	str_append_format(out, "%lld, until ", (long long)trust_root_version(root));
	append_day(out, trust_root_expires(root));
	str_append_text(out,
		trusted_kit_roots_brought(checked->kit) > 0 ? ", brought by this kit\n" : "\n");
	if (trust_root_is_demo(root))
		str_append_format(out, "%s %s\n", face_sign(face, SIGN_WARN),
			face_text(face, MSG_DEMO_ROOT_PROGRAM));
}
