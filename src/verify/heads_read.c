#include "verify/heads_read.h"

#include <stddef.h>
#include <string.h>

#include "base/cleanup.h"
#include "kit/delta.h"
#include "kit/detached.h"
#include "kit/envelope.h"
#include "kit/name.h"
#include "kit/sums.h"

static const struct {
	const char *name;
	int64_t limit;
	size_t offset;
} heads[HEADS_COUNT] = {
	{"manifest.dsse", ENVELOPE_SIZE_MAX, offsetof(struct kit_heads, envelope)},
	{"SHA256SUMS", SUMS_SIZE_MAX, offsetof(struct kit_heads, sums)},
	{"SHA256SUMS.sig", DETACHED_SIZE_MAX, offsetof(struct kit_heads, sums_signature)},
};

const char *const *heads_order(void)
{
	static const char *const names[] = {
		"trust/", "manifest.dsse", "SHA256SUMS", "SHA256SUMS.sig", DELTA_NAME, NULL};

	return names;
}

static struct str *document(struct heads_reader *reader, size_t index)
{
	return (struct str *)(void *)((char *)&reader->documents + heads[index].offset);
}

static size_t head_index(const struct member *member)
{
	size_t i = 0;

	while (i < HEADS_COUNT &&
		(member->type != MEMBER_FILE || strcmp(member->untrusted_name, heads[i].name) != 0))
		i++;
	return i;
}

static int twice(const struct member *member, struct err *err)
{
	return err_set(err, ERR_UNSAFE_ARCHIVE, "%s is in the kit twice", member->untrusted_name);
}

static int read_document(struct members *members, const struct member *member, int64_t limit,
	struct str *out, struct err *err)
{
	if (member->size > limit)
		return err_set(err, ERR_LIMIT, "%s has %lld octets, at most %lld are allowed",
			member->untrusted_name, (long long)member->size, (long long)limit);
	return members_read_all(members, out, err);
}

/* "trust/12.root.json": the version without leading zeros; 0 if it is another name. */
static int64_t root_version(const char *name)
{
	int64_t version = 0;

	if (strncmp(name, "trust/", 6) != 0 || name[6] < '1' || name[6] > '9')
		return 0;
	for (name += 6; *name >= '0' && *name <= '9'; name++) {
		if (version > 99999999)
			return 0;
		version = version * 10 + (*name - '0');
	}
	return strcmp(name, ".root.json") == 0 ? version : 0;
}

static int note_root(
	struct heads_reader *reader, const struct member *member, int64_t version, struct err *err)
{
	if (member->size > ROOT_SIZE_MAX)
		return err_set(err, ERR_LIMIT, "%s has %lld octets, at most %d are allowed",
			member->untrusted_name, (long long)member->size, ROOT_SIZE_MAX);
	for (size_t i = 0; i < reader->root_count; i++)
		if (reader->root_versions[i] == version)
			return twice(member, err);
	if (reader->root_count == ROOT_CHAIN_MAX)
		return err_set(err, ERR_LIMIT, "the kit has more than %d roots", ROOT_CHAIN_MAX);
	reader->root_versions[reader->root_count++] = version;
	return 0;
}

static bool was_read(const struct heads_reader *reader, int64_t version)
{
	for (size_t i = 0; i < reader->newer_count; i++)
		if (reader->newer[i].version == version)
			return true;
	return false;
}

/* members NULL: it is too late to read a root. */
static int take_root(struct heads_reader *reader, struct members *members,
	const struct member *member, int64_t version, struct err *err)
{
	int rc = note_root(reader, member, version, err);

	if (rc < 0 || version <= reader->root_in_force || was_read(reader, version))
		return rc;
	if (members != NULL) {
		struct kit_root *root = &reader->newer[reader->newer_count++];
		*root = (struct kit_root){version, STR_INIT};
		return read_document(members, member, ROOT_SIZE_MAX, &root->untrusted_text, err);
	}
	reader->late_root = !reader->whole;
	return err_set(err, reader->whole ? ERR_UNREADABLE : ERR_UNSAFE_ARCHIVE,
		reader->whole ? "%s: the kit changed while it was read"
			      : "%s stands after the signatures",
		member->untrusted_name);
}

static int take_trust(struct heads_reader *reader, struct members *members,
	const struct member *member, bool *ret_taken, struct err *err)
{
	int64_t version = root_version(member->untrusted_name);

	*ret_taken = true;
	if (member->type == MEMBER_FILE && version > 0)
		return take_root(reader, members, member, version, err);
	if (member->type == MEMBER_FOLDER && strcmp(member->untrusted_name, "trust") == 0) {
		if (reader->trust_folder)
			return twice(member, err);
		reader->trust_folder = true;
		return 0;
	}
	*ret_taken = false;
	return 0;
}

bool heads_all_found(const struct heads_reader *reader)
{
	for (size_t i = 0; i < HEADS_COUNT; i++)
		if (!reader->found[i])
			return false;
	return true;
}

static int scan_member(struct heads_reader *reader, struct members *members,
	const struct member *member, struct err *err)
{
	size_t index = head_index(member);
	bool taken = false;
	int rc = name_check(bytes_of_string(member->untrusted_name), err);

	if (rc < 0)
		return rc;
	if (index == HEADS_COUNT) {
		rc = take_trust(reader, members, member, &taken, err);
		if (rc == 0 && !taken)
			reader->second_pass = true;
		return rc;
	}
	if (reader->found[index])
		return twice(member, err);
	reader->found[index] = true;
	rc = read_document(members, member, heads[index].limit, document(reader, index), err);
	if (rc < 0)
		return rc;
	return sha256_of(str_bytes(document(reader, index)), &reader->digests[index], err);
}

static int what_is_missing(const struct heads_reader *reader, struct err *err)
{
	if (!reader->found[0])
		return err_set(err, ERR_NOT_A_KIT, "there is no manifest.dsse in it");
	return err_set(err, ERR_MISSING_FILE, "%s is missing from the kit",
		heads[reader->found[1] ? 2 : 1].name);
}

static void forget_trust(struct heads_reader *reader)
{
	reader->root_count = 0;
	reader->trust_folder = false;
}

int64_t heads_scanned_max(int64_t archive_size)
{
	if (archive_size < 0 ||
		archive_size >= (INT64_MAX - SCANNED_OCTETS_MIN) / SCANNED_RATIO_MAX)
		return INT64_MAX;
	return archive_size * SCANNED_RATIO_MAX + SCANNED_OCTETS_MIN;
}

int heads_read(
	struct heads_reader *reader, struct members *members, int64_t scanned_max, struct err *err)
{
	struct member member;
	int64_t left = scanned_max;
	bool end = false;

	reader->second_pass = reader->whole;
	for (size_t count = 0; reader->whole || !heads_all_found(reader); count++) {
		int rc = members_next(members, &member, &end, err);
		if (rc == 0 && end && !heads_all_found(reader))
			return what_is_missing(reader, err);
		if (rc == 0 && end)
			break;
		if (rc == 0 && count == SCANNED_MEMBERS_MAX)
			return err_set(err, ERR_LIMIT, "the kit has more than %d members",
				SCANNED_MEMBERS_MAX);
		if (rc == 0 && head_index(&member) == HEADS_COUNT && member.size > left)
			return err_set(err, ERR_LIMIT,
				"what stands before the manifest and SHA256SUMS grows to more than "
				"%d times the archive's size",
				SCANNED_RATIO_MAX);
		if (rc == 0 && head_index(&member) == HEADS_COUNT)
			left -= member.size;
		if (rc == 0)
			rc = scan_member(reader, members, &member, err);
		if (rc < 0)
			return rc;
	}
	if (reader->second_pass)
		forget_trust(reader);
	return 0;
}

bool heads_need_second_pass(const struct heads_reader *reader)
{
	return reader->second_pass;
}

static int compare_document(struct heads_reader *reader, struct members *members,
	const struct member *member, size_t index, struct err *err)
{
	CLEANUP_STR struct str again = STR_INIT;
	struct sha256 digest;

	if (!reader->second_pass || reader->found_again[index])
		return twice(member, err);
	reader->found_again[index] = true;
	int rc = read_document(members, member, heads[index].limit, &again, err);
	if (rc == 0)
		rc = sha256_of(str_bytes(&again), &digest, err);
	if (rc == 0 && !sha256_equal(&digest, &reader->digests[index]))
		rc = err_set(err, ERR_UNREADABLE, "%s changed while the kit was read",
			heads[index].name);
	return rc;
}

int heads_again(struct heads_reader *reader, struct members *members, const struct member *member,
	bool *ret_taken, struct err *err)
{
	size_t index = head_index(member);
	bool taken = true;
	int rc = name_check(bytes_of_string(member->untrusted_name), err);

	if (rc == 0 && index < HEADS_COUNT)
		rc = compare_document(reader, members, member, index, err);
	else if (rc == 0)
		rc = take_trust(reader, NULL, member, &taken, err);
	if (rc == 0)
		*ret_taken = taken;
	return rc;
}

int heads_put(const struct heads_reader *reader, struct staging *staging, struct err *err)
{
	const struct kit_heads *documents = &reader->documents;
	int rc = staging_put(staging, heads[0].name, str_bytes(&documents->envelope), err);

	if (rc == 0)
		rc = staging_put(staging, heads[1].name, str_bytes(&documents->sums), err);
	if (rc == 0)
		rc = staging_put(
			staging, heads[2].name, str_bytes(&documents->sums_signature), err);
	return rc;
}

void heads_release(struct heads_reader *reader)
{
	str_release(&reader->documents.envelope);
	str_release(&reader->documents.sums);
	str_release(&reader->documents.sums_signature);
	for (size_t i = 0; i < reader->newer_count; i++)
		str_release(&reader->newer[i].untrusted_text);
}
