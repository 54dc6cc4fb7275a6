#include "pack/root_changes.h"

#include <string.h>

#include "base/clock.h"
#include "text/text.h"

static const char *const role_names[] = {"root", "targets"};
static const char *const role_titles[] = {"roots", "kits"};
static const char *const role_thresholds[] = {"rootThreshold", "targetsThreshold"};
/* By which of the roles a key is in, as bits. */
static const char *const duty_titles[] = {"neither", "roots", "kits", "roots and kits"};
static const char *const duty_names[] = {"none", "root", "targets", "both"};

static bool same_material(const struct trust_key *a, const struct trust_key *b)
{
	return sha256_equal(public_key_fingerprint(a->key), public_key_fingerprint(b->key));
}

static size_t duty_of(const struct trust_root *root, const struct trust_key *key)
{
	size_t duty = 0;

	for (size_t i = 0; i < 2; i++) {
		const struct trust_role *role = trust_root_role(root, role_names[i]);
		for (size_t j = 0; j < role->key_count; j++)
			if (same_material(role->keys[j], key))
				duty |= (size_t)1 << i;
	}
	return duty;
}

static bool has_key(
	const struct trust_root *root, const struct trust_key *wanted, size_t wanted_duty)
{
	size_t count;
	const struct trust_key *keys = trust_root_keys(root, &count);

	for (size_t i = 0; i < count; i++)
		if (same_material(&keys[i], wanted) && keys[i].scheme == wanted->scheme &&
			strcmp(keys[i].name, wanted->name) == 0 &&
			duty_of(root, &keys[i]) == wanted_duty)
			return true;
	return false;
}

static int check_versions(
	const struct trust_root *root, const struct trust_root *previous, struct err *err)
{
	if (previous != NULL && trust_root_version(previous) != trust_root_version(root) - 1)
		return err_set(err, ERR_USAGE,
			"version %lld of the root does not come before version %lld",
			(long long)trust_root_version(previous),
			(long long)trust_root_version(root));
	return 0;
}

/* ---- text */

static void show_keys(
	char sign, const struct trust_root *root, const struct trust_root *other, struct str *out)
{
	size_t count;
	const struct trust_key *keys = trust_root_keys(root, &count);
	char hex[SHA256_HEX_SIZE];

	for (size_t i = 0; i < count; i++) {
		size_t duty = duty_of(root, &keys[i]);
		if (other != NULL && has_key(other, &keys[i], duty))
			continue;
		sha256_to_hex(public_key_fingerprint(keys[i].key), hex);
		str_append_format(out, "  %c key ", sign);
		text_escape(out, bytes_of_string(keys[i].name), 60);
		str_append_format(out, " for %s, %s\n      %s\n", duty_titles[duty],
			key_scheme_name(keys[i].scheme), hex);
	}
}

static void show_thresholds(
	const struct trust_root *root, const struct trust_root *previous, struct str *out)
{
	for (size_t i = 0; i < 2; i++) {
		unsigned now = trust_root_role(root, role_names[i])->threshold;
		str_append_format(out, "  threshold for %s: ", role_titles[i]);
		if (previous != NULL)
			str_append_format(
				out, "%u -> ", trust_root_role(previous, role_names[i])->threshold);
		str_append_format(out, "%u\n", now);
	}
}

static void show_expiry(
	const struct trust_root *root, const struct trust_root *previous, struct str *out)
{
	char text[RFC3339_SIZE];

	str_append_text(out, "  expiry: ");
	if (previous != NULL) {
		time_format(trust_root_expires(previous), text);
		str_append_format(out, "%s -> ", text);
	}
	time_format(trust_root_expires(root), text);
	str_append_format(out, "%s\n", text);
}

int root_changes_text(const char *path, const struct trust_root *root,
	const struct trust_root *previous, struct str *out, struct err *err)
{
	struct sha256 digest;
	char hex[SHA256_HEX_SIZE];
	long long version = trust_root_version(root);
	int rc = check_versions(root, previous, err);

	if (rc == 0)
		rc = trust_root_signed_digest(root, &digest, err);
	if (rc < 0)
		return rc;
	if (previous != NULL)
		str_append_format(out, "%s: what version %lld says against version %lld\n", path,
			version, version - 1);
	else
		str_append_format(out, "%s: all that version %lld says%s\n", path, version,
			version > 1 ? "; --previous would show what changes" : "");
	if (previous != NULL)
		show_keys('-', previous, root, out);
	show_keys(previous != NULL || version == 1 ? '+' : ' ', root, previous, out);
	show_thresholds(root, previous, out);
	show_expiry(root, previous, out);
	sha256_to_hex(&digest, hex);
	str_append_format(out, "  SHA-256 of what is signed:\n      %s\n", hex);
	return str_check(out, err);
}

/* ---- JSON */

static void write_keys(const char *name, const struct trust_root *root,
	const struct trust_root *other, struct json_writer *writer)
{
	size_t count = 0;
	const struct trust_key *keys = root != NULL ? trust_root_keys(root, &count) : NULL;
	char hex[SHA256_HEX_SIZE];

	json_member_array(writer, name);
	for (size_t i = 0; i < count; i++) {
		size_t duty = duty_of(root, &keys[i]);
		if (other != NULL && has_key(other, &keys[i], duty))
			continue;
		sha256_to_hex(public_key_fingerprint(keys[i].key), hex);
		json_write_object(writer);
		json_member_string(writer, "name", keys[i].name);
		json_member_string(writer, "duty", duty_names[duty]);
		json_member_string(writer, "scheme", key_scheme_name(keys[i].scheme));
		json_member_string(writer, "fingerprint", hex);
		json_write_end(writer);
	}
	json_write_end(writer);
}

static void write_terms(const char *name, const struct trust_root *root, struct json_writer *writer)
{
	json_member_object(writer, name);
	for (size_t i = 0; i < 2; i++)
		json_member_integer(writer, role_thresholds[i],
			trust_root_role(root, role_names[i])->threshold);
	json_member_time(writer, "expires", trust_root_expires(root));
	json_write_end(writer);
}

int root_changes_json(const struct trust_root *root, const struct trust_root *previous,
	struct json_writer *writer, struct err *err)
{
	struct sha256 digest;
	char hex[SHA256_HEX_SIZE];
	int rc = check_versions(root, previous, err);

	if (rc == 0)
		rc = trust_root_signed_digest(root, &digest, err);
	if (rc < 0)
		return rc;
	sha256_to_hex(&digest, hex);
	json_member_string(writer, "signedDigest", hex);
	json_member_object(writer, "changes");
	write_keys("removed", previous, root, writer);
	write_keys("added", root, previous, writer);
	if (previous != NULL)
		write_terms("before", previous, writer);
	write_terms("now", root, writer);
	json_write_end(writer);
	return 0;
}
