/* Attestations and SBOMs of a kit: both sides of each rule. */
#include "evidence_scene.h"

#include "trust/chain.h"
#include "trust/compose.h"
#include "verify/evidence_text.h"

#define SEED "what was built"

/* A seed, and an attestation of SLSA provenance about it by the build server. */
static const struct manifest_file *begin(struct scene *scene)
{
	scene_begin(scene);
	return scene_add(scene, "seeds/a", ROLE_SEED, bytes_of_string(SEED));
}

static void test_no_evidence(void **state)
{
	struct scene scene;

	(void)state;
	(void)begin(&scene);
	scene_must(scene_check(&scene), &scene.err);
	assert_int_equal(scene.evidence.attestation_count, 0);
	assert_int_equal(scene.evidence.sbom_count, 0);
	scene_end_all(&scene);
}

static void test_attestation(void **state)
{
	const struct attestation *attestation;
	struct scene scene;

	(void)state;
	const struct manifest_file *seed = begin(&scene);
	scene_declare(&scene, TYPE_CUSTOM, "release-ap", "ci");
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_attest(&scene, "attestations/a.dsse", TYPE_SLSA, seed, "ci");
	(void)scene_attest(&scene, "attestations/b.dsse", TYPE_CUSTOM, seed, "release-ap");
	scene_must(scene_check(&scene), &scene.err);
	assert_int_equal(scene.evidence.attestation_count, 2);
	attestation = &scene.evidence.attestations[0];
	assert_string_equal(attestation->file, "attestations/a.dsse");
	assert_string_equal(attestation->predicate_type, TYPE_SLSA);
	assert_string_equal(attestation->signer, "ci");
	assert_string_equal(attestation->subject, "seeds/a");
	assert_int_equal(attestation->subjects_here, 1);
	assert_int_equal(attestation->subject_count, 2);
	assert_string_equal(scene.evidence.attestations[1].signer, "release-ap");
	scene_end_all(&scene);
}

static void test_attestation_missing(void **state)
{
	struct scene scene;

	(void)state;
	const struct manifest_file *seed = begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	scene_refused(&scene, ERR_ATTESTATION, "the kit has none");

	seed = begin(&scene);
	scene_declare(&scene, TYPE_CUSTOM, "ci", NULL);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_attest(&scene, "attestations/a", TYPE_SLSA, seed, "ci");
	scene_refused(&scene, ERR_ATTESTATION, "declares an attestation of type " TYPE_CUSTOM);
}

static void test_attestation_by_others(void **state)
{
	struct scene scene;

	(void)state;
	const struct manifest_file *seed = begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_attest(&scene, "attestations/a", TYPE_SLSA, seed, "stranger");
	scene_refused(&scene, ERR_ATTESTATION, "attestations/a: no key that the manifest names");

	/* A release key signs kits; it attests nothing that the manifest does not name it for. */
	seed = begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_attest(&scene, "attestations/a", TYPE_SLSA, seed, "release-eu");
	scene_refused(&scene, ERR_ATTESTATION, "attestations/a: no key that the manifest names");

	/* What was found of one attestation says nothing of the next. */
	seed = begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_attest(&scene, "attestations/a", TYPE_SLSA, seed, "ci");
	(void)scene_attest(&scene, "attestations/b", TYPE_SLSA, seed, "stranger");
	scene_refused(&scene, ERR_ATTESTATION, "attestations/b: no key that the manifest names");

	/* Named for one type is not named for another. */
	seed = begin(&scene);
	scene_declare(&scene, TYPE_CUSTOM, "release-eu", NULL);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_attest(&scene, "attestations/a", TYPE_SLSA, seed, "release-eu");
	scene_refused(&scene, ERR_ATTESTATION, "release-eu signed it, whom the manifest does not");
}

static void test_attestation_of_undeclared_type(void **state)
{
	struct scene scene;

	(void)state;
	const struct manifest_file *seed = begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_attest(&scene, "attestations/a", "urn:\\u001b[2J", seed, "ci");
	scene_refused(&scene, ERR_ATTESTATION, "predicate type is urn:\\x1b[2J, which");
}

static void test_attestation_about_something_else(void **state)
{
	const struct manifest_file other = {.digest = {{1}}};
	struct scene scene;

	(void)state;
	(void)begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_attest(&scene, "attestations/a", TYPE_SLSA, &other, "ci");
	scene_refused(&scene, ERR_ATTESTATION, "it is about the subject and more, and no file");

	/* A subject without a SHA-256 is not one whose SHA-256 is zero. */
	(void)begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	scene.files[0].digest = (struct sha256){{0}};
	(void)scene_attest(&scene, "attestations/a", TYPE_SLSA, &other, "ci");
	scene_refused(&scene, ERR_ATTESTATION, "it is about the subject and more, and no file");

	/* Every empty file in the world has this digest. */
	(void)begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	const struct manifest_file *empty =
		scene_add(&scene, "seeds/empty", ROLE_SEED, bytes_of_string(""));
	(void)scene_attest(&scene, "attestations/a", TYPE_SLSA, empty, "ci");
	scene_refused(&scene, ERR_ATTESTATION, "it is about");

	/* What is said of a statement says nothing of the release; an SBOM is part of that. */
	const struct manifest_file *seed = begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	const struct manifest_file *first =
		scene_attest(&scene, "attestations/a", TYPE_SLSA, seed, "ci");
	(void)scene_attest(&scene, "attestations/b", TYPE_SLSA, first, "ci");
	scene_refused(&scene, ERR_ATTESTATION, "attestations/b: it is about the subject and more");
}

/* The digest that is pinned, and those of the manifests that it leads to; no others. */
static void test_attestation_about_an_image(void **state)
{
	struct image_manifest manifests[] = {{.digest = {{2}}}, {.digest = {{3}}}};
	struct image image = {.file = "images/i.tar",
		.digest = {{1}},
		.manifest_count = 2,
		.manifests = manifests};
	struct scene scene;

	(void)state;
	for (uint8_t i = 1; i <= 4; i++) {
		const struct manifest_file about = {.digest = {{i}}};
		(void)begin(&scene);
		scene.evidence.image_count = 1;
		scene.evidence.images = &image;
		scene_declare(&scene, TYPE_SLSA, "ci", NULL);
		(void)scene_attest(&scene, "attestations/a", TYPE_SLSA, &about, "ci");
		if (i == 4) {
			scene_refused(&scene, ERR_ATTESTATION, "no file or image");
			continue;
		}
		scene_must(scene_check(&scene), &scene.err);
		assert_memory_equal(
			scene.evidence.attestations[0].subject, "images/i.tar@sha256:0", 21);
		scene_end_all(&scene);
	}
}

static void test_attestation_keys_that_the_root_lacks(void **state)
{
	struct scene scene;

	(void)state;
	const struct manifest_file *seed = begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "nobody", "ci");
	(void)scene_attest(&scene, "attestations/a", TYPE_SLSA, seed, "ci");
	scene_must(scene_check(&scene), &scene.err);
	scene_end_all(&scene);

	seed = begin(&scene);
	scene_declare(&scene, TYPE_CUSTOM, "nobody", NULL);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_attest(&scene, "attestations/a", TYPE_SLSA, seed, "ci");
	scene_refused(
		&scene, ERR_ATTESTATION, "type " TYPE_CUSTOM ": it names 0000000000000000...");
}

/* Root 2, without the build server's key, or with it under another name; the chain owns it. */
static void rotate(struct scene *scene, const char *new_name, struct trust_chain *chain)
{
	static const char *const removed[] = {"ci"};
	const struct trust_key *ci = trust_root_key(scene->root, scene_key_id(scene, "ci"));
	const struct root_plan_key added = {ci->key, ci->scheme, new_name, DUTY_NONE};
	const struct root_change change = {.expires = trust_root_expires(scene->root),
		.removed_count = 1,
		.removed = removed,
		.added_count = new_name != NULL,
		.added = &added};
	struct str text[3] = {STR_INIT, STR_INIT, STR_INIT};

	scene_must(trust_root_rotate(trust_root_embedded_text(), &change, &text[0], &scene->err),
		&scene->err);
	for (size_t i = 0; i < 2; i++) {
		CLEANUP(private_key_cleanup)
		struct private_key *key = scene_key(scene, i == 0 ? "release-eu" : "release-us");
		scene_must(trust_root_sign(str_bytes(&text[i]), scene->root, key, &text[i + 1],
				   &scene->err),
			&scene->err);
	}
	const struct root_offer offer = {2, str_bytes(&text[2]), "2.root.json"};
	*chain = trust_chain_begin(scene->root);
	scene_must(trust_chain_follow(chain, &offer, 1, NULL, &scene->err), &scene->err);
	for (size_t i = 0; i < 3; i++)
		str_release(&text[i]);
}

static int check_rotated(
	struct scene *scene, const char *new_name, const char *other, const char *signer)
{
	const struct manifest_file *seed = begin(scene);
	struct trust_chain chain;

	scene_declare(scene, TYPE_SLSA, "ci", other);
	(void)scene_attest(scene, "attestations/a", TYPE_SLSA, seed, signer);
	scene_must(scene_check(scene), &scene->err);
	scene->evidence = (struct kit_evidence){0};
	rotate(scene, new_name, &chain);
	int rc = evidence_check(&scene->manifest, chain.in_force, scene->contents, &scene->arena,
		&scene->evidence, &scene->err);
	if (rc == 0)
		(void)snprintf(scene->signer, sizeof scene->signer, "%s",
			scene->evidence.attestations[0].signer);
	trust_chain_release(&chain);
	scene_end_all(scene);
	return rc;
}

/* What the root before it took, as a kit that is installed relies on, has the code of rotation. */
static void test_attestation_keys_that_were_rotated_out(void **state)
{
	struct scene scene;

	(void)state;
	assert_int_equal(check_rotated(&scene, NULL, NULL, "ci"), -ERR_TRUST_ROTATED);
	assert_non_null(strstr(scene.err.message, "has no longer a key"));
	assert_int_equal(check_rotated(&scene, NULL, "release-ap", "ci"), -ERR_TRUST_ROTATED);
	assert_int_equal(check_rotated(&scene, NULL, "release-ap", "release-ap"), 0);
}

/* The manifest has the id that the key had before it was renamed; the material decides. */
static void test_attestation_key_that_was_renamed(void **state)
{
	struct scene scene;

	(void)state;
	assert_int_equal(check_rotated(&scene, "builder", NULL, "ci"), 0);
	assert_string_equal(scene.signer, "builder");
	/* Nor is any other key of the root the renamed one. */
	assert_int_equal(check_rotated(&scene, "builder", "release-ap", "ci"), 0);
	assert_string_equal(scene.signer, "builder");
}

/* A key of today for another type does not make good a key of yesterday for this one. */
static void test_attestation_by_yesterdays_and_anothers_key(void **state)
{
	struct trust_chain chain;
	struct scene scene;

	(void)state;
	const struct manifest_file *seed = begin(&scene);
	scene_declare(&scene, TYPE_CUSTOM, "release-ap", NULL);
	scene_declare(&scene, TYPE_SLSA, "ci", "release-eu");
	(void)scene_add(&scene, "attestations/a", ROLE_ATTESTATION,
		scene_envelope_by(&scene, ENVELOPE_TYPE_IN_TOTO,
			scene_statement(&scene, TYPE_SLSA, &seed->digest), "ci", "release-ap"));
	(void)scene_attest(&scene, "attestations/b", TYPE_CUSTOM, seed, "release-ap");
	scene_must(scene_check(&scene), &scene.err);
	scene.evidence = (struct kit_evidence){0};
	rotate(&scene, NULL, &chain);
	assert_int_equal(evidence_check(&scene.manifest, chain.in_force, scene.contents,
				 &scene.arena, &scene.evidence, &scene.err),
		-ERR_ATTESTATION);
	assert_non_null(strstr(scene.err.message, "release-ap signed it, whom"));
	trust_chain_release(&chain);
	scene_end_all(&scene);
}

static void test_attestation_malformed(void **state)
{
	static const char unsigned_text[] =
		"{\"payloadType\":\"" ENVELOPE_TYPE_IN_TOTO "\",\"payload\":\"e30=\","
		"\"signatures\":[]}";
	struct scene scene;

	(void)state;
	(void)begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_add(&scene, "attestations/a", ROLE_ATTESTATION, bytes_of_string("{"));
	scene_refused(&scene, ERR_SYNTAX, "attestations/a: ");

	(void)begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_add(&scene, "attestations/a", ROLE_ATTESTATION, bytes_of_string(unsigned_text));
	scene_refused(&scene, ERR_ATTESTATION, "attestations/a: ");

	(void)begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_add(&scene, "attestations/a", ROLE_ATTESTATION,
		scene_envelope(&scene, ENVELOPE_TYPE_IN_TOTO, "{}", "ci"));
	scene_refused(&scene, ERR_SYNTAX, "attestations/a: in-toto statement");

	/* A payload that nobody entitled has signed is not looked into. */
	(void)begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_add(&scene, "attestations/a", ROLE_ATTESTATION,
		scene_envelope(&scene, ENVELOPE_TYPE_IN_TOTO, "{}", "stranger"));
	scene_refused(&scene, ERR_ATTESTATION, "no key that the manifest names");

	const struct manifest_file *seed = begin(&scene);
	scene_declare(&scene, TYPE_SLSA, "ci", NULL);
	(void)scene_add(&scene, "attestations/a", ROLE_ATTESTATION,
		scene_envelope(&scene, "text/plain",
			scene_statement(&scene, TYPE_SLSA, &seed->digest), "ci"));
	scene_refused(&scene, ERR_ATTESTATION, "its payload type is \"text/plain\"");
}

/* SBOMs. */

#define PACKAGE(name, version, more)                                                               \
	"{\"SPDXID\":\"SPDXRef-" name version "\",\"name\":\"" name                                \
	"\",\"versionInfo\":\"" version "\",\"downloadLocation\":\"NONE\"" more "}"
#define CHECKSUM(digit)                                                                            \
	",\"checksums\":[{\"algorithm\":\"SHA256\",\"checksumValue\":\"" digit                     \
	"000000000000000000000000000000000000000000000000000000000000000\"}]"
#define SBOM(packages, described)                                                                  \
	"{\"spdxVersion\":\"SPDX-2.3\",\"dataLicense\":\"CC0-1.0\",\"SPDXID\":\"SPDXRef-"          \
	"DOCUMENT\",\"name\":\"x\",\"documentNamespace\":\"urn:x\",\"creationInfo\":{"             \
	"\"created\":\"2025-12-19T14:02:00Z\",\"creators\":[\"Tool: x\"]},\"packages\":[" packages \
	"],\"documentDescribes\":[" described "]}"

static struct manifest_component components[] = {
	{"runner", "1", true, {{0x10}}},
	{"tool", "2", false, {{0}}},
	/* For two platforms: one name and version, two digests. */
	{"both", "3", true, {{0x30}}},
	{"both", "3", true, {{0x40}}},
};

static void begin_sboms(struct scene *scene, size_t component_count)
{
	(void)begin(scene);
	scene->manifest.components = components;
	scene->manifest.component_count = component_count;
}

static void add_sbom(struct scene *scene, const char *name, const char *text)
{
	(void)scene_add(scene, name, ROLE_SBOM, bytes_of_string(text));
}

static void test_sbom(void **state)
{
	static const char one[] =
		SBOM(PACKAGE("runner", "1", CHECKSUM("1")) "," PACKAGE("libc", "9", ""),
			"\"SPDXRef-runner1\"");
	static const char two[] = SBOM(PACKAGE("tool", "2", CHECKSUM("9")), "\"SPDXRef-tool2\"");
	struct scene scene;

	(void)state;
	begin_sboms(&scene, 2);
	add_sbom(&scene, "sbom/one.spdx.json", one);
	add_sbom(&scene, "sbom/two.spdx.json", two);
	scene_must(scene_check(&scene), &scene.err);
	assert_int_equal(scene.evidence.sbom_count, 2);
	assert_string_equal(scene.evidence.sboms[0].file, "sbom/one.spdx.json");
	assert_int_equal(scene.evidence.sboms[0].components_here, 1);
	assert_int_equal(scene.evidence.sboms[0].spdx.package_count, 2);
	assert_int_equal(scene.evidence.sboms[0].by_checksum, 1);
	assert_int_equal(scene.evidence.sboms[1].components_here, 1);
	assert_int_equal(scene.evidence.sboms[1].by_checksum, 0);
	scene_end_all(&scene);

	/* The same component in two documents is described by both. */
	begin_sboms(&scene, 1);
	add_sbom(&scene, "sbom/one.spdx.json", one);
	add_sbom(&scene, "sbom/two.spdx.json", one);
	scene_must(scene_check(&scene), &scene.err);
	assert_int_equal(scene.evidence.sboms[0].components_here, 1);
	assert_int_equal(scene.evidence.sboms[1].components_here, 1);
	scene_end_all(&scene);
}

static void test_sbom_for_two_platforms(void **state)
{
	static const char both[] = SBOM(
		"{\"SPDXID\":\"SPDXRef-a\",\"name\":\"both\",\"versionInfo\":\"3\","
		"\"downloadLocation\":\"NONE\"" CHECKSUM(
			"3") "},"
			     "{\"SPDXID\":\"SPDXRef-b\",\"name\":\"both\",\"versionInfo\":\"3\","
			     "\"downloadLocation\":\"NONE\"" CHECKSUM("4") "}",
		"\"SPDXRef-a\",\"SPDXRef-b\"");
	static const char one[] = SBOM(PACKAGE("both", "3", CHECKSUM("3")), "\"SPDXRef-both3\"");
	static const char neither[] = SBOM(PACKAGE("both", "3", ""), "\"SPDXRef-both3\"");
	struct scene scene;

	(void)state;
	begin_sboms(&scene, 4);
	scene.manifest.components += 2;
	scene.manifest.component_count = 2;
	add_sbom(&scene, "sbom/a.spdx.json", both);
	scene_must(scene_check(&scene), &scene.err);
	assert_int_equal(scene.evidence.sboms[0].components_here, 2);
	scene_end_all(&scene);

	begin_sboms(&scene, 4);
	scene.manifest.components += 2;
	scene.manifest.component_count = 2;
	add_sbom(&scene, "sbom/a.spdx.json", one);
	scene_refused(&scene, ERR_SBOM, "no SBOM describes the component both 3");

	begin_sboms(&scene, 4);
	scene.manifest.components += 2;
	scene.manifest.component_count = 2;
	add_sbom(&scene, "sbom/a.spdx.json", neither);
	scene_refused(&scene, ERR_SBOM, "it describes both 3 without the SHA-256");
}

static void test_sbom_refused(void **state)
{
	static const struct {
		const char *name, *text;
		int code;
		const char *message;
	} cases[] = {
		{"sbom/a.spdx.json", SBOM(PACKAGE("runner", "2", ""), "\"SPDXRef-runner2\""),
			ERR_SBOM,
			"sbom/a.spdx.json: it describes runner 2; the manifest's component is "
			"runner "
			"1"},
		{"sbom/a.spdx.json", SBOM(PACKAGE("runner", "", ""), "\"SPDXRef-runner\""),
			ERR_SBOM, "it describes runner without a version"},
		{"sbom/a.spdx.json", SBOM(PACKAGE("rummer", "1", ""), "\"SPDXRef-rummer1\""),
			ERR_SBOM, "it describes rummer, which is no component"},
		{"sbom/a.spdx.json",
			SBOM(PACKAGE("runner", "1", CHECKSUM("2")), "\"SPDXRef-runner1\""),
			ERR_SBOM, "it describes runner 1 with another SHA-256"},
		{"sbom/a.spdx.json", SBOM(PACKAGE("runner", "1", ""), "\"SPDXRef-runner1\""),
			ERR_SBOM, "it describes runner 1 without the SHA-256"},
		{"sbom/a.spdx.json",
			SBOM(PACKAGE("runner", "1", CHECKSUM("1")) "," PACKAGE("more", "1", ""),
				"\"SPDXRef-runner1\",\"SPDXRef-more1\""),
			ERR_SBOM, "it describes more, which is no component"},
		{"sbom/a.json", SBOM(PACKAGE("runner", "1", ""), "\"SPDXRef-runner1\""), ERR_SBOM,
			"sbom/a.json: it is no SPDX document"},
		{"sbom/.spdx.json.txt", SBOM(PACKAGE("runner", "1", ""), "\"SPDXRef-runner1\""),
			ERR_SBOM, "it is no SPDX document"},
		{"sbom/a.spdx.json", "{\"spdxVersion\":\"SPDX-2.3\"}", ERR_SYNTAX,
			"sbom/a.spdx.json: SPDX document"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		struct scene scene;
		begin_sboms(&scene, 1);
		add_sbom(&scene, cases[i].name, cases[i].text);
		scene_refused(&scene, cases[i].code, cases[i].message);
	}
}

static void test_sbom_that_leaves_out_a_component(void **state)
{
	static const char one[] =
		SBOM(PACKAGE("runner", "1", CHECKSUM("1")), "\"SPDXRef-runner1\"");
	struct scene scene;

	(void)state;
	begin_sboms(&scene, 1);
	add_sbom(&scene, "sbom/a.spdx.json", one);
	scene_must(scene_check(&scene), &scene.err);
	scene_end_all(&scene);
	begin_sboms(&scene, 2);
	add_sbom(&scene, "sbom/a.spdx.json", one);
	scene_refused(&scene, ERR_SBOM, "no SBOM describes the component tool 2");
	assert_int_equal(scene.evidence.undescribed_count, 0);
}

/* It passes, and how many components that is can be said; a kit without either says nothing. */
static void test_components_without_sbom(void **state)
{
	CLEANUP_STR struct str line = STR_INIT;
	struct scene scene;

	(void)state;
	for (size_t count = 0; count <= 2; count++) {
		begin_sboms(&scene, count);
		scene_must(scene_check(&scene), &scene.err);
		assert_int_equal(scene.evidence.undescribed_count, count);
		str_truncate(&line, 0);
		sboms_missing(&scene.evidence, &line);
		if (count == 0)
			assert_int_equal(line.size, 0);
		if (count == 2)
			assert_string_equal(str_text(&line), "no SBOM describes the 2 components");
		scene_end_all(&scene);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_evidence),
		cmocka_unit_test(test_attestation),
		cmocka_unit_test(test_attestation_missing),
		cmocka_unit_test(test_attestation_by_others),
		cmocka_unit_test(test_attestation_of_undeclared_type),
		cmocka_unit_test(test_attestation_about_something_else),
		cmocka_unit_test(test_attestation_about_an_image),
		cmocka_unit_test(test_attestation_keys_that_the_root_lacks),
		cmocka_unit_test(test_attestation_keys_that_were_rotated_out),
		cmocka_unit_test(test_attestation_key_that_was_renamed),
		cmocka_unit_test(test_attestation_by_yesterdays_and_anothers_key),
		cmocka_unit_test(test_attestation_malformed),
		cmocka_unit_test(test_sbom),
		cmocka_unit_test(test_sbom_for_two_platforms),
		cmocka_unit_test(test_sbom_refused),
		cmocka_unit_test(test_sbom_that_leaves_out_a_component),
		cmocka_unit_test(test_components_without_sbom),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
