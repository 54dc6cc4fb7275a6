#include <stdlib.h>
#include <string.h>

#include "verify/evidence_text.h"
#include "verify/kit_images.h"

const struct manifest *trusted_kit_manifest(const struct trusted_kit *kit)
{
	return &kit->manifest;
}

const struct sha256 *trusted_kit_manifest_digest(const struct trusted_kit *kit)
{
	return &kit->manifest_digest;
}

const char *trusted_kit_id(const struct trusted_kit *kit)
{
	return kit->id;
}

struct bytes trusted_kit_file(const struct trusted_kit *kit, const char *name)
{
	const struct manifest_file *file = manifest_find(&kit->manifest, name);

	if (file == NULL || kit->kept[file - kit->manifest.files] == NULL)
		return bytes_make(NULL, 0);
	return bytes_make(kit->kept[file - kit->manifest.files], (size_t)file->size);
}

const struct trust_role *trusted_kit_signers(const struct trusted_kit *kit, const bool **ret_signed)
{
	*ret_signed = kit->has_signed;
	return kit->role;
}

const char *trusted_kit_sums_signer(const struct trusted_kit *kit)
{
	return kit->sums_signer;
}

struct proofs trusted_kit_proofs(const struct trusted_kit *kit)
{
	return kit->proofs;
}

const struct trust_root *trusted_kit_root(const struct trusted_kit *kit)
{
	return kit->root;
}

size_t trusted_kit_roots_brought(const struct trusted_kit *kit)
{
	return kit->chain.steps;
}

void trusted_kit_free(struct trusted_kit *kit)
{
	if (kit == NULL)
		return;
	trust_chain_release(&kit->chain);
	arena_release(&kit->evidence_arena);
	arena_release(&kit->arena);
	free(kit);
}

void trusted_kit_cleanup(struct trusted_kit **kit)
{
	trusted_kit_free(*kit);
}

static void write_digest(struct json_writer *writer, const char *name, const struct sha256 *digest)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	json_member_string(writer, name, hex);
}

static void write_kit(const struct trusted_kit *kit, struct json_writer *writer)
{
	const struct manifest *manifest = &kit->manifest;

	json_member_object(writer, "kit");
	json_member_string(writer, "id", kit->id);
	json_member_string(writer, "name", manifest->name);
	json_member_string(writer, "version", manifest->version);
	json_member_integer(writer, "sequence", manifest->sequence);
	json_member_string(writer, "title", manifest->title);
	json_member_time(writer, "created", manifest->created);
	if (manifest->has_expiry)
		json_member_time(writer, "expires", manifest->expires);
	json_member_string(writer, "form", kit->form);
	write_digest(writer, "manifestDigest", &kit->manifest_digest);
	json_write_end(writer);
}

static void write_signatures(const struct trusted_kit *kit, struct json_writer *writer)
{
	json_member_object(writer, "signatures");
	json_member_integer(writer, "threshold", kit->role->threshold);
	json_member_array(writer, "keys");
	for (size_t i = 0; i < kit->role->key_count; i++) {
		const struct trust_key *key = kit->role->keys[i];
		json_write_object(writer);
		json_member_string(writer, "name", key->name);
		json_member_string(writer, "keyid", key->id);
		json_member_string(writer, "scheme", key_scheme_name(key->scheme));
		json_member_bool(writer, "signed", kit->has_signed[i]);
		json_write_end(writer);
	}
	json_write_end(writer);
	json_member_object(writer, "notChecked");
	json_member_integer(writer, "logEntries", (int64_t)kit->proofs.log_entries);
	json_member_integer(writer, "timestamps", (int64_t)kit->proofs.timestamps);
	json_member_integer(writer, "certificates", (int64_t)kit->proofs.certificates);
	json_write_end(writer);
	json_write_end(writer);
	json_member_object(writer, "sums");
	json_member_string(writer, "signedBy", kit->sums_signer);
	write_digest(writer, "digest", &kit->manifest.sums_digest);
	json_write_end(writer);
}

void verify_result_write(const struct trusted_kit *kit, struct json_writer *writer)
{
	int64_t octets = 0;

	for (size_t i = 0; i < kit->manifest.file_count; i++)
		octets += kit->manifest.files[i].size;
	write_kit(kit, writer);
	write_signatures(kit, writer);
	json_member_object(writer, "files");
	json_member_integer(writer, "count", (int64_t)kit->manifest.file_count);
	json_member_integer(writer, "octets", octets);
	json_write_end(writer);
	kit_images_write(kit, writer);
	evidence_write(&kit->evidence, writer);
	json_member_object(writer, "trustRoot");
	json_member_integer(writer, "version", trust_root_version(kit->root));
	json_member_time(writer, "expires", trust_root_expires(kit->root));
	write_digest(writer, "digest", trust_root_digest(kit->root));
	json_member_bool(writer, "demo", trust_root_is_demo(kit->root));
	if (kit->chain.steps > 0)
		json_member_integer(writer, "broughtFrom",
			trust_root_version(kit->root) - (int64_t)kit->chain.steps);
	json_write_end(writer);
}
