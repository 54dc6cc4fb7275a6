/*
 * A kit whose documents come from the input and are signed here, so that what stands behind the
 * signatures is reached: a kit that verifies has exactly the files that its manifest signs, and
 * enough different keys have signed it.
 *
 * Pieces (aid.h): settings, the statement, SHA256SUMS, and then name and content of each member. In
 * the statement, the sums and members, #0 to #9 stand for the digest of the member of that number
 * (in a member: of one before it), #s for that of SHA256SUMS, %0 to %9 for a member's size, !0 to
 * !2 for a key's id. An empty statement or list is made of the members. Of a member of trust/ or
 * attestations/ the first octet says who signs (bits 0 to 3), and the rest is the member "signed"
 * of the root, or the statement.
 *
 * Settings, an octet each, "@" for none of it:
 *	0  bits 0 to 3: who signs the statement: the root's three keys, a stranger
 *	1  bits 0 to 1: who signs SHA256SUMS (3: the stranger); 2: the statement's signatures twice;
 *	   3: another payload type; 4: signatures in the wrong order
 *	2  bit 0: documents behind the members; 1: the last member twice; 2: the first one left out;
 *	   3: one bit of the last one's content changed; 4: a second SHA256SUMS at the end
 *	3  bit 0: unpack
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "kit/detached.h"
#include "kit/envelope.h"
#include "kit/name.h"
#include "kit/sums.h"
#include "tests/fuzz/aid.h"
#include "tests/fuzz/tar.h"
#include "text/text.h"
#include "verify/evidence_text.h"
#include "verify/verify.h"

enum { FILES_MAX = 10 };
enum { SETTING_SIGNERS, SETTING_ENVELOPE, SETTING_ARCHIVE, SETTING_UNPACK };

#define NOW INT64_C(1900000000000) /* 2030 */

struct file {
	struct bytes name;
	struct str text; /* owned */
	struct bytes content;
	struct sha256 digest;
};

struct parts {
	struct bytes settings;
	size_t count;
	struct file files[FILES_MAX];
	struct str payload, sums, envelope, signature;
	size_t signers; /* of the root's keys, each once */
	bool right_type, sums_trusted, brings_roots;
};

static bool setting(const struct parts *parts, size_t octet, unsigned bit)
{
	return (octet_of(parts->settings, octet) >> bit & 1) != 0;
}

/* ---- the documents */

static bool is_folder(struct bytes name)
{
	return name.size > 0 && name.data[name.size - 1] == '/';
}

static bool begins(struct bytes text, const char *with)
{
	size_t size = strlen(with);

	return text.size >= size && memcmp(text.data, with, size) == 0;
}

static void append_hex(struct str *out, const struct sha256 *digest)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	str_append_text(out, hex);
}

static bool is_key(struct bytes text, size_t at)
{
	return text.data[at] == '!' && octet_of(text, at + 1) - '0' < AID_KEYS;
}

static bool is_sums(struct bytes text, size_t at)
{
	return text.data[at] == '#' && octet_of(text, at + 1) == 's';
}

static void fill_in(
	const struct parts *parts, struct bytes text, const struct sha256 *sums, struct str *out)
{
	for (size_t i = 0; i < text.size; i++) {
		unsigned which = octet_of(text, i + 1) - '0';
		bool place = (text.data[i] == '#' || text.data[i] == '%') && which < parts->count;
		if (place && text.data[i] == '#')
			append_hex(out, &parts->files[which].digest);
		else if (place)
			str_append_format(out, "%zu", parts->files[which].content.size);
		else if (is_key(text, i))
			str_append_text(out, aid_key_id(which));
		else if (is_sums(text, i) && sums != NULL)
			append_hex(out, sums);
		else
			str_append_char(out, (char)text.data[i]);
		i += place || is_key(text, i) || (is_sums(text, i) && sums != NULL);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct manifest_file *)a)->name, ((const struct manifest_file *)b)->name);
}

static size_t list_files(
	const struct parts *parts, struct manifest_file *files, struct arena *arena)
{
	size_t count = 0;

	for (size_t i = 0; i < parts->count; i++) {
		const struct file *file = &parts->files[i];
		if (is_folder(file->name) || begins(file->name, "trust/"))
			continue;
		files[count] = (struct manifest_file){
			.name = arena_string_n(arena, file->name.data, file->name.size),
			.size = (int64_t)file->content.size,
			.digest = file->digest,
			.media_type = "application/json"};
		HOLDS(files[count].name != NULL);
		if (!file_role_of(files[count].name, &files[count].role))
			files[count].role = ROLE_SEED;
		count++;
	}
	qsort(files, count, sizeof *files, by_name);
	return count;
}

/* "migrations/ID/..." of the files, in their order. */
static size_t list_migrations(const struct manifest_file *files, size_t count,
	const char **migrations, struct arena *arena)
{
	const char *last = "";
	size_t found = 0;

	for (size_t i = 0; i < count; i++) {
		const char *id = files[i].name + strlen("migrations/");
		const char *end = files[i].role == ROLE_MIGRATION ? strchr(id, '/') : NULL;
		if (end == NULL)
			continue;
		char *copy = arena_string_n(arena, id, (size_t)(end - id));
		HOLDS(copy != NULL);
		if (strcmp(copy, last) != 0)
			migrations[found++] = last = copy;
	}
	return found;
}

static void make_documents(struct parts *parts, struct bytes payload, struct bytes sums_text)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct manifest_file files[FILES_MAX];
	struct sums_entry entries[FILES_MAX];
	const char *migrations[FILES_MAX];
	struct manifest manifest = {.name = "fuzz",
		.version = "1.0.0",
		.title = "",
		.sequence = 1,
		.created = NOW,
		.files = files};
	struct sums sums = {.entries = entries};
	struct err err;

	manifest.file_count = sums.count = list_files(parts, files, &arena);
	manifest.migrations = migrations;
	manifest.migration_count = list_migrations(files, sums.count, migrations, &arena);
	for (size_t i = 0; i < sums.count; i++)
		entries[i] = (struct sums_entry){files[i].name, files[i].digest};
	if (sums_text.size > 0)
		fill_in(parts, sums_text, NULL, &parts->sums);
	else
		sums_write(&sums, &parts->sums);
	HOLDS(sha256_of(str_bytes(&parts->sums), &manifest.sums_digest, &err) == 0);
	if (payload.size > 0)
		fill_in(parts, payload, &manifest.sums_digest, &parts->payload);
	else
		HOLDS(manifest_write(&manifest, &parts->payload, &err) == 0);
}

/* Its place counts already: what it may refer to stands before it. */
static void add_file(struct parts *parts, struct bytes name, struct bytes content)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct file *file = &parts->files[parts->count];
	unsigned signers = octet_of(content, 0);
	bool root = begins(name, "trust/"), attestation = begins(name, "attestations/");
	struct err err;

	file->name = name;
	if ((root || attestation) && content.size > 0)
		content = bytes_make(content.data + 1, content.size - 1);
	fill_in(parts, content, NULL, root || attestation ? &text : &file->text);
	parts->brings_roots = parts->brings_roots || root;
	if (root)
		aid_sign_root(str_bytes(&text), signers, &file->text);
	if (attestation)
		aid_sign_envelope(ENVELOPE_TYPE_IN_TOTO, str_bytes(&text), signers, &file->text);
	file->content = str_bytes(&file->text);
	HOLDS(sha256_of(file->content, &file->digest, &err) == 0);
	parts->count++;
}

/* ---- signing */

static void sign_statement(struct parts *parts)
{
	CLEANUP_STR struct str encoding = STR_INIT;
	struct str made[AID_KEYS + 1] = {STR_INIT};
	struct envelope_signature signatures[2 * (AID_KEYS + 1)];
	struct envelope envelope = {.signatures = signatures};
	bool other_type = setting(parts, SETTING_ENVELOPE, 3);
	struct err err;

	parts->right_type = !other_type;
	envelope.payload_type = other_type ? "application/json" : ENVELOPE_TYPE_IN_TOTO;
	envelope.untrusted_payload = str_bytes(&parts->payload);
	HOLDS(envelope_pae(envelope.payload_type, envelope.untrusted_payload, &encoding, &err) ==
		0);
	struct signed_message message = signed_message_make(KEY_USE_ENVELOPE, str_bytes(&encoding));
	for (unsigned i = 0; i <= AID_KEYS; i++) {
		unsigned key = setting(parts, SETTING_ENVELOPE, 4) ? AID_KEYS - i : i;
		if (!setting(parts, SETTING_SIGNERS, key))
			continue;
		HOLDS(private_key_sign(aid_key(key), KEY_ED25519, &message, &made[i], &err) == 0);
		parts->signers += key != AID_STRANGER;
		for (int again = setting(parts, SETTING_ENVELOPE, 2); again >= 0; again--)
			signatures[envelope.signature_count++] =
				(struct envelope_signature){"key", str_bytes(&made[i])};
	}
	HOLDS(envelope_write(&envelope, &parts->envelope, &err) == 0);
	for (unsigned i = 0; i <= AID_KEYS; i++)
		str_release(&made[i]);
}

static void sign(struct parts *parts)
{
	unsigned key = octet_of(parts->settings, SETTING_ENVELOPE) & 3;
	struct err err;

	sign_statement(parts);
	parts->sums_trusted = key != AID_STRANGER;
	HOLDS(detached_sign(str_bytes(&parts->sums), aid_key(key), KEY_ED25519, &parts->signature,
		      &err) == 0);
}

/* ---- the archive */

/* One that is also the last may come after all, as the second of two. */
static size_t first_packed(const struct parts *parts)
{
	return setting(parts, SETTING_ARCHIVE, 2) && parts->count > 1 ? 1 : 0;
}

static void put_documents(const struct parts *parts, struct str *archive)
{
	tar_put(archive, bytes_of_string("manifest.dsse"), str_bytes(&parts->envelope));
	tar_put(archive, bytes_of_string("SHA256SUMS"), str_bytes(&parts->sums));
	tar_put(archive, bytes_of_string("SHA256SUMS.sig"), str_bytes(&parts->signature));
}

static void put_changed(const struct file *file, struct str *archive)
{
	CLEANUP_STR struct str content = STR_INIT;

	str_append(&content, file->content.data, file->content.size);
	if (content.size > 0)
		content.text[content.size / 2] ^= 4;
	tar_put(archive, file->name, str_bytes(&content));
}

static void pack(const struct parts *parts, struct str *archive)
{
	bool behind = setting(parts, SETTING_ARCHIVE, 0);
	const struct file *last = parts->count > 0 ? &parts->files[parts->count - 1] : NULL;

	if (!behind)
		put_documents(parts, archive);
	for (size_t i = first_packed(parts); i < parts->count; i++)
		if (&parts->files[i] == last && setting(parts, SETTING_ARCHIVE, 3))
			put_changed(last, archive);
		else
			tar_put(archive, parts->files[i].name, parts->files[i].content);
	if (last != NULL && setting(parts, SETTING_ARCHIVE, 1))
		tar_put(archive, last->name, last->content);
	if (behind)
		put_documents(parts, archive);
	if (setting(parts, SETTING_ARCHIVE, 4))
		tar_put(archive, bytes_of_string("SHA256SUMS"), str_bytes(&parts->sums));
	tar_end(archive);
}

/* ---- what must hold of a kit that verified */

static void is_what_was_signed(const struct parts *parts, const struct trusted_kit *kit)
{
	const struct manifest *manifest = trusted_kit_manifest(kit);
	size_t files = 0;

	/* A root that the kit brings may ask for fewer. */
	HOLDS(parts->signers >= (parts->brings_roots ? 1 : AID_THRESHOLD));
	HOLDS(parts->right_type && parts->sums_trusted);
	HOLDS(!setting(parts, SETTING_ARCHIVE, 1) && !setting(parts, SETTING_ARCHIVE, 4));
	for (size_t i = first_packed(parts); i < parts->count; i++) {
		const struct file *file = &parts->files[i];
		CLEANUP_STR struct str name = STR_INIT;
		str_append(&name, file->name.data, file->name.size);
		if (is_folder(file->name) || strncmp(str_text(&name), "trust/", 6) == 0)
			continue;
		const struct manifest_file *listed = manifest_find(manifest, str_text(&name));
		HOLDS(listed != NULL && listed->size == (int64_t)file->content.size);
		HOLDS(sha256_equal(&listed->digest, &file->digest));
		struct bytes kept = trusted_kit_file(kit, listed->name);
		HOLDS(kept.data == NULL || bytes_equal(kept, file->content));
		HOLDS(i + 1 < parts->count || !setting(parts, SETTING_ARCHIVE, 3) ||
			file->content.size == 0);
		files++;
	}
	HOLDS(files == manifest->file_count);
}

static void line_is_harmless(struct str *line)
{
	CLEANUP_STR struct str guarded = STR_INIT;

	text_guard(&guarded, str_bytes(line));
	HOLDS(bytes_equal(str_bytes(&guarded), str_bytes(line)));
	str_truncate(line, 0);
}

/* What every face shows of a kit: nothing that a terminal obeys, and JSON. */
static void shows_harmless_text(const struct trusted_kit *kit)
{
	const struct kit_evidence *evidence = trusted_kit_evidence(kit);
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str line = STR_INIT, json = STR_INIT;
	struct json_writer writer;
	struct err err;

	images_summary(evidence, &line);
	line_is_harmless(&line);
	attestations_summary(evidence, &line);
	line_is_harmless(&line);
	sboms_summary(evidence, &line);
	line_is_harmless(&line);
	for (size_t i = 0; i < evidence->image_count; i++) {
		image_text(&evidence->images[i], &line);
		line_is_harmless(&line);
	}
	for (size_t i = 0; i < evidence->attestation_count; i++) {
		attestation_text(&evidence->attestations[i], &line);
		line_is_harmless(&line);
		attestation_about(&evidence->attestations[i], &line);
		line_is_harmless(&line);
		attestation_proofs(&evidence->attestations[i], &line);
		line_is_harmless(&line);
	}
	for (size_t i = 0; i < evidence->sbom_count; i++) {
		sbom_text(&evidence->sboms[i], &line);
		line_is_harmless(&line);
	}
	json_write_begin(&writer, &json);
	json_write_object(&writer);
	verify_result_write(kit, &writer);
	json_write_end(&writer);
	HOLDS(json_parse(str_bytes(&json), JSON_LIMITS_OWN(SIZE_MAX), &doc, &err) == 0);
	line_is_harmless(&json);
}

static void unpacks_as_signed(const char *path, const struct trusted_kit *verified)
{
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	CLEANUP_STR struct str quarantine = STR_INIT, name = STR_INIT;
	const struct verify_options options = {.state_dirfd = scratch_folder(), .now = NOW};
	struct err err;
	int rc = verify_and_unpack(path, aid_root(), &options, &kit, &quarantine, &err);

	HOLDS((rc == 0) == (verified != NULL) || rc == -ERR_REQUIREMENT);
	if (rc == 0) {
		str_append_format(&name, "kits/%s", trusted_kit_id(kit));
		CLEANUP_FD int tree =
			openat(scratch_folder(), str_text(&name), O_RDONLY | O_DIRECTORY);
		HOLDS(tree >= 0);
		tree_is_the_manifests(tree, trusted_kit_manifest(kit));
	}
	scratch_empty();
}

static void verify(const struct parts *parts)
{
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	CLEANUP_STR struct str archive = STR_INIT;
	const struct verify_options options = {.state_dirfd = -1, .now = NOW};
	char path[MEMORY_PATH_SIZE];
	struct err err = {0};

	pack(parts, &archive);
	CLEANUP_FD int fd = memory_file(str_bytes(&archive));
	memory_path(fd, path);
	if (verify_kit(path, aid_root(), &options, &kit, &err) == 0) {
		is_what_was_signed(parts, kit);
		shows_harmless_text(kit);
	} else {
		HOLDS(kit == NULL && err_exit_code(err.code) >= 2 && err_exit_code(err.code) <= 9);
	}
	if (setting(parts, SETTING_UNPACK, 0))
		unpacks_as_signed(path, kit);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes rest = bytes_make(data, size);
	struct parts parts = {.settings = take_piece(&rest)};
	struct bytes payload = take_piece(&rest), sums = take_piece(&rest);

	while (rest.size > 0 && parts.count < FILES_MAX) {
		struct bytes name = take_piece(&rest);
		/* What tar cannot say; it would be another name there. */
		if (name.size > 100 || (name.size > 0 && memchr(name.data, 0, name.size)))
			name.size = 0;
		add_file(&parts, name, take_piece(&rest));
	}
	make_documents(&parts, payload, sums);
	sign(&parts);
	verify(&parts);
	for (size_t i = 0; i < parts.count; i++)
		str_release(&parts.files[i].text);
	str_release(&parts.payload);
	str_release(&parts.sums);
	str_release(&parts.envelope);
	str_release(&parts.signature);
	return 0;
}
