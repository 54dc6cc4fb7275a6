/* Attestations: who signed each, of which type it is, and that it is about this kit. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "kit/bundle.h"
#include "kit/provenance.h"
#include "text/text.h"
#include "verify/evidence_private.h"

/* A key that the manifest names for some type of attestation, and that the root has or had. */
struct attester {
	const struct trust_key *key;
	bool was_rotated_out;
	bool has_signed; /* the attestation at hand */
};

/* What has a digest that a subject may have. */
struct subject_here {
	struct sha256 digest;
	const char *shown;
};

struct attestation_reading {
	const struct evidence_reading *reading;
	size_t attester_count;
	struct attester *attesters;
	size_t subject_count;
	struct subject_here *subjects; /* sorted by digest */
	bool *seen;		       /* of each type that the manifest declares */
};

static int compare_subjects(const void *left, const void *right)
{
	return memcmp(((const struct subject_here *)left)->digest.octets,
		((const struct subject_here *)right)->digest.octets, SHA256_SIZE);
}

static size_t count_images(const struct kit_evidence *evidence)
{
	size_t count = 0;

	for (size_t i = 0; i < evidence->image_count; i++)
		count += 1 + evidence->images[i].manifest_count;
	return count;
}

static int add_image_subject(struct attestation_reading *all, const struct image *image,
	const struct sha256 *digest, struct err *err)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	const char *shown = arena_format(all->reading->arena, "%s@sha256:%s", image->file, hex);
	if (shown == NULL)
		return err_no_memory(err);
	all->subjects[all->subject_count++] = (struct subject_here){*digest, shown};
	return 0;
}

/* Of a release, and of none but this: all empty files of the world have one digest. */
static bool is_subject(const struct manifest_file *file)
{
	return file->size > 0 && file->role != ROLE_ATTESTATION;
}

/* Files and walked images. */
static int index_subjects(struct attestation_reading *all, struct err *err)
{
	const struct manifest *manifest = all->reading->manifest;
	const struct kit_evidence *evidence = all->reading->evidence;
	int rc = 0;

	all->subjects =
		calloc(manifest->file_count + count_images(evidence) + 1, sizeof *all->subjects);
	if (all->subjects == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < manifest->file_count; i++)
		if (is_subject(&manifest->files[i]))
			all->subjects[all->subject_count++] = (struct subject_here){
				manifest->files[i].digest, manifest->files[i].name};
	for (size_t i = 0; i < evidence->image_count && rc == 0; i++) {
		const struct image *image = &evidence->images[i];
		rc = add_image_subject(all, image, &image->digest, err);
		for (size_t k = 0; k < image->manifest_count && rc == 0; k++)
			rc = add_image_subject(all, image, &image->manifests[k].digest, err);
	}
	qsort(all->subjects, all->subject_count, sizeof *all->subjects, compare_subjects);
	return rc;
}

/* An id covers the name as well: a key that was only renamed has another and is the same. */
static const struct trust_key *find_same(
	const struct trust_root *root, const struct trust_key *wanted)
{
	size_t count;
	const struct trust_key *keys = trust_root_keys(root, &count);

	for (size_t i = 0; i < count; i++)
		if (keys[i].scheme == wanted->scheme &&
			sha256_equal(public_key_fingerprint(keys[i].key),
				public_key_fingerprint(wanted->key)))
			return &keys[i];
	return NULL;
}

/* The key of the root in force, or of the newest before it that has it; NULL: none has. */
static const struct trust_key *find_key(
	const struct trust_root *in_force, const char *id, bool *ret_was_rotated_out)
{
	const struct trust_root *root = in_force;
	const struct trust_key *key = trust_root_key(root, id), *same;

	*ret_was_rotated_out = false;
	if (key != NULL)
		return key;
	while (key == NULL && (root = trust_root_previous(root)) != NULL)
		key = trust_root_key(root, id);
	same = key == NULL ? NULL : find_same(in_force, key);
	*ret_was_rotated_out = same == NULL;
	return same != NULL ? same : key;
}

static void add_attester(
	struct attestation_reading *all, const struct trust_key *key, bool was_rotated_out)
{
	for (size_t i = 0; i < all->attester_count; i++)
		if (all->attesters[i].key == key)
			return;
	all->attesters[all->attester_count++] =
		(struct attester){.key = key, .was_rotated_out = was_rotated_out};
}

static int refuse_keys(const struct attestation_reading *all,
	const struct manifest_attestation *declared, size_t rotated, struct err *err)
{
	CLEANUP_STR struct str type = STR_INIT;

	text_escape(&type, bytes_of_string(declared->predicate_type), 120);
	return err_set(err, rotated > 0 ? ERR_TRUST_ROTATED : ERR_ATTESTATION,
		"the trust root, version %lld, has no%s key that the manifest lets sign "
		"attestations of type %s: it names %.16s...%s",
		(long long)trust_root_version(all->reading->root), rotated > 0 ? " longer a" : "",
		str_text(&type), declared->keys[0], declared->key_count > 1 ? " and others" : "");
}

/* A key that the root does not have is no key; a type needs one that is. */
static int find_attesters(struct attestation_reading *all,
	const struct manifest_attestation *declared, struct err *err)
{
	size_t usable = 0, rotated = 0;

	for (size_t i = 0; i < declared->key_count; i++) {
		bool was_rotated_out;
		const struct trust_key *key =
			find_key(all->reading->root, declared->keys[i], &was_rotated_out);
		if (key == NULL)
			continue;
		usable += !was_rotated_out;
		rotated += was_rotated_out;
		add_attester(all, key, was_rotated_out);
	}
	return usable > 0 ? 0 : refuse_keys(all, declared, rotated, err);
}

static int index_attesters(struct attestation_reading *all, struct err *err)
{
	const struct manifest *manifest = all->reading->manifest;
	size_t room = manifest->attestation_count * MANIFEST_ATTESTATION_KEYS_MAX;

	all->attesters = calloc(room + 1, sizeof *all->attesters);
	all->seen = calloc(manifest->attestation_count + 1, sizeof *all->seen);
	if (all->attesters == NULL || all->seen == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < manifest->attestation_count; i++) {
		int rc = find_attesters(all, &manifest->attestations[i], err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* Before a word of the payload is read: who of those that may attest anything has signed it. */
static int find_signers(
	struct attestation_reading *all, const struct envelope *envelope, struct err *err)
{
	CLEANUP_STR struct str pae = STR_INIT;
	const struct attester *rotated = NULL;
	size_t found = 0;
	int rc = envelope_pae(envelope->payload_type, envelope->untrusted_payload, &pae, err);

	if (rc < 0)
		return rc;
	struct signed_message message = signed_message_make(KEY_USE_ENVELOPE, str_bytes(&pae));
	for (size_t i = 0; i < all->attester_count; i++) {
		struct attester *attester = &all->attesters[i];
		attester->has_signed = false;
		for (size_t k = 0; k < envelope->signature_count && !attester->has_signed; k++) {
			struct err tried;
			rc = public_key_verify(attester->key->key, attester->key->scheme, &message,
				envelope->signatures[k].signature, &tried);
			attester->has_signed = rc == 0;
			if (rc < 0 && tried.code != ERR_MANIFEST_SIGNATURE) {
				*err = tried;
				return rc;
			}
		}
		if (attester->has_signed && attester->was_rotated_out)
			rotated = attester;
		found += attester->has_signed && !attester->was_rotated_out;
	}
	if (found > 0)
		return 0;
	if (rotated != NULL)
		return err_set(err, ERR_TRUST_ROTATED,
			"%s signed it, a key that the trust root, version %lld, no longer has",
			rotated->key->name, (long long)trust_root_version(all->reading->root));
	return err_set(err, ERR_ATTESTATION,
		"no key that the manifest names for attestations has signed it");
}

static const char *first_signer(const struct attestation_reading *all)
{
	for (size_t i = 0; i < all->attester_count; i++)
		if (all->attesters[i].has_signed && !all->attesters[i].was_rotated_out)
			return all->attesters[i].key->name;
	return "";
}

static const struct trust_key *signer_for(
	const struct attestation_reading *all, const struct manifest_attestation *declared)
{
	bool was_rotated_out;

	for (size_t k = 0; k < declared->key_count; k++) {
		const struct trust_key *key =
			find_key(all->reading->root, declared->keys[k], &was_rotated_out);
		for (size_t i = 0; i < all->attester_count && !was_rotated_out; i++)
			if (all->attesters[i].has_signed && all->attesters[i].key == key)
				return key;
	}
	return NULL;
}

static int check_type(struct attestation_reading *all, struct attestation *attestation,
	const struct statement *statement, struct err *err)
{
	const struct manifest *manifest = all->reading->manifest;
	CLEANUP_STR struct str shown = STR_INIT;
	size_t i = 0;

	while (i < manifest->attestation_count &&
		strcmp(manifest->attestations[i].predicate_type, statement->predicate_type) != 0)
		i++;
	text_escape(&shown, bytes_of_string(statement->predicate_type), 120);
	if (i == manifest->attestation_count)
		return err_set(err, ERR_ATTESTATION,
			"its predicate type is %s, which the manifest does not declare",
			str_text(&shown));
	const struct trust_key *signer = signer_for(all, &manifest->attestations[i]);
	if (signer == NULL)
		return err_set(err, ERR_ATTESTATION,
			"%s signed it, whom the manifest does not name for the predicate type %s",
			first_signer(all), str_text(&shown));
	all->seen[i] = true;
	attestation->predicate_type = manifest->attestations[i].predicate_type;
	attestation->signer = signer->name;
	return 0;
}

static const struct subject_here *find_subject(
	const struct attestation_reading *all, const struct statement_subject *subject)
{
	const struct subject_here wanted = {.digest = subject->digest};

	if (!subject->has_sha256)
		return NULL;
	return bsearch(&wanted, all->subjects, all->subject_count, sizeof wanted, compare_subjects);
}

static int check_subjects(const struct attestation_reading *all, struct attestation *attestation,
	const struct statement *statement, struct err *err)
{
	CLEANUP_STR struct str shown = STR_INIT;

	attestation->subject_count = statement->subject_count;
	for (size_t i = 0; i < statement->subject_count; i++) {
		const struct subject_here *here = find_subject(all, &statement->subjects[i]);
		if (here == NULL)
			continue;
		if (attestation->subjects_here++ == 0)
			attestation->subject = here->shown;
	}
	if (attestation->subjects_here > 0)
		return 0;
	text_escape(&shown, bytes_of_string(statement->subjects[0].name), 80);
	return err_set(err, ERR_ATTESTATION,
		"it is about %s%s, and no file or image of this kit has such a SHA-256",
		shown.size == 0 ? "something without a name" : str_text(&shown),
		statement->subject_count > 1 ? " and more" : "");
}

/* Provenance that says neither builder nor how it was built is none, whoever signed it. */
static int check_predicate(struct attestation_reading *all, struct attestation *attestation,
	struct bytes payload, struct err *err)
{
	struct provenance provenance;

	if (strcmp(attestation->predicate_type, PROVENANCE_TYPE) != 0)
		return 0;
	int rc = provenance_parse(payload, all->reading->arena, &provenance, err);
	if (rc == 0)
		attestation->builder = provenance.builder;
	else if (rc != -ERR_NO_MEMORY)
		rc = err_recode(err, ERR_ATTESTATION);
	return rc;
}

static int check_envelope(struct attestation_reading *all, struct attestation *attestation,
	const struct envelope *envelope, struct arena *scratch, struct err *err)
{
	CLEANUP_STR struct str shown = STR_INIT;
	struct statement statement;

	if (strcmp(envelope->payload_type, ENVELOPE_TYPE_IN_TOTO) != 0) {
		text_escape(&shown, bytes_of_string(envelope->payload_type), 80);
		return err_set(err, ERR_ATTESTATION, "its payload type is \"%s\", not \"%s\"",
			str_text(&shown), ENVELOPE_TYPE_IN_TOTO);
	}
	int rc = find_signers(all, envelope, err);
	if (rc == 0)
		rc = statement_parse(envelope->untrusted_payload, scratch, &statement, err);
	if (rc == 0)
		rc = check_type(all, attestation, &statement, err);
	if (rc == 0)
		rc = check_predicate(all, attestation, envelope->untrusted_payload, err);
	return rc < 0 ? rc : check_subjects(all, attestation, &statement, err);
}

static int check_file(
	struct attestation_reading *all, const struct manifest_file *file, struct err *err)
{
	struct kit_evidence *evidence = all->reading->evidence;
	struct attestation *attestation = &evidence->attestations[evidence->attestation_count++];
	const uint8_t *content = all->reading->contents[file - all->reading->manifest->files];
	CLEANUP(arena_release) struct arena scratch = ARENA_INIT;
	struct envelope envelope;

	attestation->file = file->name;
	int rc = envelope_or_bundle_parse(
		bytes_make(content, (size_t)file->size), &scratch, &envelope, err);
	if (rc == 0) {
		attestation->log_entries = envelope.proofs.log_entries;
		attestation->timestamps = envelope.proofs.timestamps;
	}
	if (rc == 0)
		rc = check_envelope(all, attestation, &envelope, &scratch, err);
	/* An envelope that nobody signed is a manifest's error there; here it is an attestation's.
	 */
	if (rc == -ERR_MANIFEST_SIGNATURE)
		rc = err_recode(err, ERR_ATTESTATION);
	return rc < 0 ? err_context(err, "%s", file->name) : 0;
}

static int check_all_seen(const struct attestation_reading *all, struct err *err)
{
	const struct manifest *manifest = all->reading->manifest;
	CLEANUP_STR struct str type = STR_INIT;

	for (size_t i = 0; i < manifest->attestation_count; i++) {
		if (all->seen[i])
			continue;
		text_escape(&type, bytes_of_string(manifest->attestations[i].predicate_type), 120);
		return err_set(err, ERR_ATTESTATION,
			"the manifest declares an attestation of type %s, and the kit has none",
			str_text(&type));
	}
	return 0;
}

static int check_all(struct attestation_reading *all, size_t count, struct err *err)
{
	const struct manifest *manifest = all->reading->manifest;
	struct kit_evidence *evidence = all->reading->evidence;
	int rc = index_attesters(all, err);

	if (rc == 0)
		rc = index_subjects(all, err);
	if (rc < 0)
		return rc;
	evidence->attestations =
		arena_array(all->reading->arena, count, sizeof *evidence->attestations);
	if (evidence->attestations == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < manifest->file_count; i++) {
		if (manifest->files[i].role != ROLE_ATTESTATION)
			continue;
		rc = check_file(all, &manifest->files[i], err);
		if (rc < 0)
			return rc;
	}
	return check_all_seen(all, err);
}

int attestations_check(const struct evidence_reading *reading, struct err *err)
{
	const struct manifest *manifest = reading->manifest;
	struct attestation_reading all = {.reading = reading};
	size_t count = 0;

	for (size_t i = 0; i < manifest->file_count; i++)
		count += manifest->files[i].role == ROLE_ATTESTATION;
	if (count == 0 && manifest->attestation_count == 0)
		return 0;
	int rc = check_all(&all, count, err);
	free(all.attesters);
	free(all.subjects);
	free(all.seen);
	return rc;
}
