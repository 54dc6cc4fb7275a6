/*
 * evidence_scene: a manifest, its files' contents and the demo root, for the tests of evidence:
 * right, or wrong in one thing.
 */
#ifndef OFFKIT_TESTS_UNIT_EVIDENCE_SCENE_H
#define OFFKIT_TESTS_UNIT_EVIDENCE_SCENE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "kit/envelope.h"
#include "kit/manifest.h"
#include "trust/root.h"
#include "verify/evidence.h"

enum { SCENE_FILES_MAX = 8 };

#define TYPE_SLSA "https://slsa.dev/provenance/v1"
#define SCENE_PROVENANCE                                                                           \
	"{\"buildDefinition\":{\"buildType\":\"urn:a\",\"externalParameters\":{}},"                \
	"\"runDetails\":{\"builder\":{\"id\":\"urn:b\"}}}"
#define TYPE_CUSTOM "https://cosign.sigstore.dev/attestation/v1"
#define STRANGER_ID "00000000000000000000000000000000000000000000000000000000000000ff"

struct scene {
	struct arena arena;
	struct trust_root *root;
	struct manifest manifest;
	struct manifest_file files[SCENE_FILES_MAX]; /* in whatever order */
	uint8_t *contents[SCENE_FILES_MAX];
	struct manifest_attestation declared[4];
	struct kit_evidence evidence;
	char signer[64]; /* of the first attestation, where a test outlives the root that has it */
	struct err err;
};

static inline void scene_must(int rc, const struct err *err)
{
	if (rc < 0)
		fail_msg("%s", err->message);
}

static inline void scene_begin(struct scene *scene)
{
	*scene = (struct scene){.arena = ARENA_INIT};
	scene_must(trust_root_embedded(&scene->root, &scene->err), &scene->err);
	scene->manifest.files = scene->files;
	scene->manifest.attestations = scene->declared;
}

static inline void scene_end_all(struct scene *scene)
{
	trust_root_free(scene->root);
	arena_release(&scene->arena);
}

static inline const struct manifest_file *scene_add(
	struct scene *scene, const char *name, enum file_role role, struct bytes content)
{
	size_t i = scene->manifest.file_count++;

	assert_true(i < SCENE_FILES_MAX);
	scene->files[i] = (struct manifest_file){.name = name,
		.size = (int64_t)content.size,
		.media_type = "text/plain",
		.role = role};
	scene_must(sha256_of(content, &scene->files[i].digest, &scene->err), &scene->err);
	if (role == ROLE_SBOM || role == ROLE_ATTESTATION)
		scene->contents[i] =
			(uint8_t *)arena_string_n(&scene->arena, content.data, content.size);
	return &scene->files[i];
}

static inline const char *scene_key_id(const struct scene *scene, const char *name)
{
	size_t count;
	const struct trust_key *keys = trust_root_keys(scene->root, &count);

	for (size_t i = 0; i < count; i++)
		if (strcmp(keys[i].name, name) == 0)
			return keys[i].id;
	return STRANGER_ID;
}

/* Names one key, by what the demo root calls it, or two. */
static inline void scene_declare(
	struct scene *scene, const char *type, const char *key, const char *second)
{
	struct manifest_attestation *declared =
		&scene->declared[scene->manifest.attestation_count++];

	declared->predicate_type = type;
	declared->key_count = second == NULL ? 1 : 2;
	declared->keys = arena_array(&scene->arena, 2, sizeof *declared->keys);
	declared->keys[0] = scene_key_id(scene, key);
	if (second != NULL)
		declared->keys[1] = scene_key_id(scene, second);
}

static inline const char *scene_statement(
	struct scene *scene, const char *type, const struct sha256 *subject)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(subject, hex);
	return arena_format(&scene->arena,
		"{\"_type\":\"" STATEMENT_TYPE "\",\"predicateType\":\"%s\",\"subject\":[{\"name\":"
		"\"the subject\",\"digest\":{\"sha512\":\"x\"}},{\"name\":\"seeds/other\","
		"\"digest\":{\"sha256\":\"%s\"}}],\"predicate\":" SCENE_PROVENANCE "}",
		type, hex);
}

static inline struct private_key *scene_key(struct scene *scene, const char *name)
{
	CLEANUP_STR struct str path = STR_INIT, pem = STR_INIT;
	struct private_key *key;

	str_append_format(&path, "fixtures/keys/%s.key", name);
	scene_must(file_read_path(str_text(&path), KEY_PEM_MAX, &pem, &scene->err), &scene->err);
	scene_must(private_key_from_pem(str_bytes(&pem), &key, &scene->err), &scene->err);
	return key;
}

/* second may be NULL. */
static inline struct bytes scene_envelope_by(struct scene *scene, const char *payload_type,
	const char *payload, const char *signer, const char *second)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct envelope envelope = {
		.payload_type = payload_type, .untrusted_payload = bytes_of_string(payload)};

	for (const char *name = signer; name != NULL; name = name == signer ? second : NULL) {
		CLEANUP(private_key_cleanup) struct private_key *key = scene_key(scene, name);
		scene_must(envelope_sign(&envelope, key, KEY_ECDSA_P256_SHA256, "", &scene->arena,
				   &scene->err),
			&scene->err);
	}
	scene_must(envelope_write(&envelope, &text, &scene->err), &scene->err);
	return arena_bytes(&scene->arena, str_bytes(&text));
}

static inline struct bytes scene_envelope(
	struct scene *scene, const char *payload_type, const char *payload, const char *signer)
{
	return scene_envelope_by(scene, payload_type, payload, signer, NULL);
}

/* An attestation of that type about the file, in the kit's folder. */
static inline const struct manifest_file *scene_attest(struct scene *scene, const char *name,
	const char *type, const struct manifest_file *about, const char *signer)
{
	const char *payload = scene_statement(scene, type, &about->digest);

	return scene_add(scene, name, ROLE_ATTESTATION,
		scene_envelope(scene, ENVELOPE_TYPE_IN_TOTO, payload, signer));
}

static inline int scene_check(struct scene *scene)
{
	scene->err = (struct err){0};
	return evidence_check(&scene->manifest, scene->root, scene->contents, &scene->arena,
		&scene->evidence, &scene->err);
}

static inline void scene_refused(struct scene *scene, int code, const char *message)
{
	int rc = scene_check(scene);

	if (rc != -code || strstr(scene->err.message, message) == NULL)
		fail_msg("wanted %d %s, got %d %s", code, message, rc, scene->err.message);
	scene_end_all(scene);
}

#endif
