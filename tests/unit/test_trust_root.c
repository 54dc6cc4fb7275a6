/* Trust roots: who counts, how often, and what no root may say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "kit/envelope.h"
#include "trust/compose.h"
#include "trust/chain.h"
#include "trust/store.h"

static struct err err;

static struct private_key *load_key(const char *name)
{
	CLEANUP_STR struct str path = STR_INIT, pem = STR_INIT;
	struct private_key *key = NULL;

	str_append_format(&path, "fixtures/keys/%s.key", name);
	assert_int_equal(file_read_path(str_text(&path), KEY_PEM_MAX, &pem, &err), 0);
	assert_int_equal(private_key_from_pem(str_bytes(&pem), &key, &err), 0);
	return key;
}

enum { KEYS_MAX = 6 };

/* A root in the making; unset numbers get usual values. */
struct recipe {
	int64_t version;
	unsigned root_threshold, targets_threshold;
	const char *keys[KEYS_MAX];	   /* names of fixtures */
	enum key_scheme schemes[KEYS_MAX]; /* 0: the key's default */
	const char *labels[KEYS_MAX];	   /* NULL: none */
	const char *signers[KEYS_MAX];
};

static int compose(const struct recipe *recipe, struct str *out)
{
	struct private_key *keys[KEYS_MAX];
	struct root_plan_key plan_keys[KEYS_MAX];
	struct root_plan plan = {.version = recipe->version > 0 ? recipe->version : 1,
		.root_threshold = recipe->root_threshold > 0 ? recipe->root_threshold : 1,
		.targets_threshold = recipe->targets_threshold > 0 ? recipe->targets_threshold : 1,
		.keys = plan_keys};

	assert_int_equal(time_parse("2036-01-01T00:00:00Z", &plan.expires, &err), 0);
	for (; plan.key_count < KEYS_MAX && recipe->keys[plan.key_count] != NULL;
		plan.key_count++) {
		size_t i = plan.key_count;
		keys[i] = load_key(recipe->keys[i]);
		const struct public_key *pub = private_key_public(keys[i]);
		enum key_scheme scheme = recipe->schemes[i];
		plan_keys[i] = (struct root_plan_key){pub,
			scheme != KEY_SCHEME_NONE ? scheme : public_key_default_scheme(pub),
			recipe->labels[i], DUTY_BOTH};
	}
	int status = trust_root_compose(&plan, out, &err);
	for (size_t i = 0; i < plan.key_count; i++)
		private_key_free(keys[i]);
	return status;
}

static void sign(struct str *text, const char *key_name)
{
	CLEANUP(private_key_cleanup) struct private_key *key = load_key(key_name);
	struct str out = STR_INIT;

	assert_int_equal(trust_root_sign(str_bytes(text), NULL, key, &out, &err), 0);
	str_release(text);
	*text = out;
}

static void make(const struct recipe *recipe, struct str *out)
{
	assert_int_equal(compose(recipe, out), 0);
	for (size_t i = 0; i < KEYS_MAX && recipe->signers[i] != NULL; i++)
		sign(out, recipe->signers[i]);
}

static struct trust_root *parse(const struct str *text)
{
	struct trust_root *root = NULL;

	assert_int_equal(trust_root_parse(str_bytes(text), &root, &err), 0);
	return root;
}

#define THREE                                                                                      \
	{                                                                                          \
		"release-eu", "release-us", "release-ap"                                           \
	}

static void test_embedded(void **state)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	struct sha256 digest;

	(void)state;
	assert_int_equal(trust_root_embedded(&root, &err), 0);
	assert_true(trust_root_version(root) >= 1);
	assert_non_null(trust_root_role(root, "targets"));
	assert_int_equal(sha256_of(trust_root_embedded_text(), &digest, &err), 0);
	assert_true(sha256_equal(&digest, trust_root_digest(root)));
}

static void test_reads_what_it_writes(void **state)
{
	static const struct recipe recipe = {.version = 7,
		.root_threshold = 2,
		.targets_threshold = 3,
		.keys = {"release-eu", "p384", "p521", "ed25519", "rsa"},
		.schemes = {0, 0, 0, 0, KEY_RSA_PSS_SHA256},
		.labels = {"release-eu", NULL, NULL, NULL, "x@y.z"},
		.signers = {"p384", "rsa", "release-eu", "ed25519", "p521"}};
	CLEANUP_STR struct str text = STR_INIT;

	(void)state;
	make(&recipe, &text);
	CLEANUP(trust_root_cleanup) struct trust_root *root = parse(&text);
	const struct trust_role *role = trust_root_role(root, "root");
	assert_int_equal(trust_root_version(root), 7);
	assert_int_equal(trust_root_expires(root), 2082758400000);
	assert_false(trust_root_is_demo(root));
	assert_int_equal(role->threshold, 2);
	assert_int_equal(role->key_count, 5);
	assert_int_equal(trust_root_role(root, "targets")->threshold, 3);
	assert_null(trust_root_role(root, "snapshot"));
	assert_string_equal(role->keys[0]->name, "release-eu");
	assert_memory_equal(role->keys[1]->name, role->keys[1]->id, 8);
	assert_memory_equal(role->keys[3]->name, role->keys[3]->id, 8);
	assert_string_equal(role->keys[4]->name, "x@y.z");
	assert_int_equal(role->keys[4]->scheme, KEY_RSA_PSS_SHA256);
	assert_int_equal(trust_root_signed_by(root, root, &err), 0);
}

/* A name that the reader would drop is refused where it is written. */
static void test_refuses_names(void **state)
{
	static const char *const names[] = {"", "a b", "\033[31m", "a=b"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		CLEANUP_STR struct str text = STR_INIT;
		const struct recipe recipe = {.keys = {"release-eu"}, .labels = {names[i]}};
		assert_int_equal(compose(&recipe, &text), -ERR_USAGE);
	}
}

static void test_threshold(void **state)
{
	static const struct recipe recipe = {.root_threshold = 2, .keys = THREE};
	CLEANUP_STR struct str text = STR_INIT;

	(void)state;
	make(&recipe, &text);
	CLEANUP(trust_root_cleanup) struct trust_root *none = parse(&text);
	assert_int_equal(trust_root_signed_by(none, none, &err), -ERR_TRUST_INVALID);
	sign(&text, "release-us");
	sign(&text, "release-us");
	CLEANUP(trust_root_cleanup) struct trust_root *one = parse(&text);
	assert_int_equal(trust_root_signed_by(one, one, &err), -ERR_TRUST_INVALID);
	sign(&text, "release-ap");
	CLEANUP(trust_root_cleanup) struct trust_root *two = parse(&text);
	assert_int_equal(trust_root_signed_by(two, two, &err), 0);
}

static void test_key_that_is_not_listed(void **state)
{
	static const struct recipe recipe = {.keys = THREE};
	CLEANUP(private_key_cleanup) struct private_key *stranger = load_key("stranger");
	CLEANUP_STR struct str text = STR_INIT, out = STR_INIT;

	(void)state;
	make(&recipe, &text);
	assert_int_equal(trust_root_sign(str_bytes(&text), NULL, stranger, &out, &err), -ERR_USAGE);
}

/* Two entries of one key, under two names: one vote. */
static void test_material_counts_once(void **state)
{
	static const struct recipe recipe = {.root_threshold = 2,
		.keys = {"release-eu", "release-eu", "release-us"},
		.labels = {"one", "two", "three"},
		.signers = {"release-eu"}};
	static const struct recipe too_high = {.root_threshold = 3,
		.keys = {"release-eu", "release-eu", "release-us"},
		.labels = {"one", "two", "three"}};
	CLEANUP_STR struct str text = STR_INIT, refused = STR_INIT;

	(void)state;
	make(&recipe, &text);
	CLEANUP(trust_root_cleanup) struct trust_root *root = parse(&text);
	assert_int_equal(trust_root_role(root, "root")->key_count, 2);
	assert_int_equal(trust_root_signed_by(root, root, &err), -ERR_TRUST_INVALID);
	assert_int_equal(compose(&too_high, &refused), -ERR_TRUST_INVALID);
	assert_non_null(strstr(err.message, "needs 3 keys and has 2"));
}

static void test_thresholds_must_be_satisfiable(void **state)
{
	static const struct recipe good = {
		.root_threshold = 3, .targets_threshold = 3, .keys = THREE};
	static const struct recipe root_high = {.root_threshold = 4, .keys = THREE};
	static const struct recipe targets_high = {.targets_threshold = 4, .keys = THREE};
	CLEANUP_STR struct str text = STR_INIT;

	(void)state;
	assert_int_equal(compose(&good, &text), 0);
	assert_int_equal(compose(&root_high, &text), -ERR_TRUST_INVALID);
	assert_int_equal(compose(&targets_high, &text), -ERR_TRUST_INVALID);
}

/* Replaces every occurrence; there must be one. */
static void replace(struct str *out, const char *text, const char *from, const char *to)
{
	const char *at = strstr(text, from);

	assert_non_null(at);
	for (; at != NULL; text = at + strlen(from), at = strstr(text, from)) {
		str_append(out, text, (size_t)(at - text));
		str_append_text(out, to);
	}
	str_append_text(out, text);
}

static void test_refuses(void **state)
{
	static const char *const changes[][2] = {
		{"\"_type\":\"root\"", "\"_type\":\"targets\""},
		{"\"spec_version\":\"1.0.31\"", "\"spec_version\":\"2.0.0\""},
		{"\"spec_version\":\"1.0.31\"", "\"spec_version\":\"1.01\""},
		{"\"version\":1", "\"version\":0"},
		{"\"version\":1", "\"version\":-1"},
		{"\"version\":1", "\"version\":1.5"},
		{"\"version\":1", "\"version\":\"1\""},
		{"2036-01-01T00:00:00Z", "2036-01-01"},
		{"\"threshold\":2", "\"threshold\":0"},
		{"\"threshold\":2", "\"threshold\":-2"},
		{"\"threshold\":2", "\"threshold\":4"},
		{"\"threshold\":2", "\"threshold\":\"2\""},
		{"\"consistent_snapshot\":false", "\"consistent_snapshot\":0"},
		{"\"targets\":", "\"target\":"},
		{"\"root\":{", "\"toor\":{"},
		{"\"signatures\"", "\"sigs\""},
		{"\"signed\"", "\"unsigned\""},
		{"\"keyids\":[", "\"keyids\":[1,"},
		{"\"sig\":\"30", "\"sig\":\"3Z"},
		{"\"sig\":\"30", "\"sig\":\"3"},
		{"\"keyid\":", "\"id\":"},
		/* every key's content no longer matches its id: nobody is left */
		{"\"keytype\":\"ecdsa\"", "\"keytype\":\"ecdsa-sha2-nistp256\""},
	};
	static const struct recipe recipe = {.root_threshold = 2,
		.targets_threshold = 2,
		.keys = THREE,
		.signers = {"release-eu"}};
	CLEANUP_STR struct str text = STR_INIT;

	(void)state;
	make(&recipe, &text);
	for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
		CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
		CLEANUP_STR struct str changed = STR_INIT;
		replace(&changed, str_text(&text), changes[i][0], changes[i][1]);
		if (trust_root_parse(str_bytes(&changed), &root, &err) != -ERR_TRUST_INVALID)
			fail_msg("change %zu (%s) is accepted", i, changes[i][1]);
	}
}

/* One of three keys with a wrong id is left out, and two remain. */
static void test_wrong_id_is_ignored(void **state)
{
	static const struct recipe recipe = {.root_threshold = 2,
		.keys = THREE,
		.labels = {"first", "second", "third"},
		.signers = {"release-eu", "release-us"}};
	CLEANUP_STR struct str text = STR_INIT, changed = STR_INIT;

	(void)state;
	make(&recipe, &text);
	replace(&changed, str_text(&text), "\"first\"", "\"prime\"");
	CLEANUP(trust_root_cleanup) struct trust_root *root = parse(&changed);
	assert_int_equal(trust_root_role(root, "root")->key_count, 2);
}

/* The text changed after it was signed: every octet of the signed part matters. */
static void test_signed_part_is_covered(void **state)
{
	static const struct recipe recipe = {
		.root_threshold = 2, .keys = THREE, .signers = {"release-eu", "release-us"}};
	CLEANUP_STR struct str text = STR_INIT, changed = STR_INIT, spaced = STR_INIT;

	(void)state;
	make(&recipe, &text);
	replace(&changed, str_text(&text), "2036-01-01", "2037-01-01");
	CLEANUP(trust_root_cleanup) struct trust_root *other = parse(&changed);
	assert_int_equal(trust_root_signed_by(other, other, &err), -ERR_TRUST_INVALID);
	/* White space is not signed: the canonical form is. */
	replace(&spaced, str_text(&text), "\"version\":1", "\"version\": 1");
	CLEANUP(trust_root_cleanup) struct trust_root *same = parse(&spaced);
	assert_int_equal(trust_root_signed_by(same, same, &err), 0);
}

static void test_role_count(void **state)
{
	static const struct recipe recipe = {.keys = THREE};
	CLEANUP_STR struct str text = STR_INIT, eu = STR_INIT, stranger = STR_INIT;
	CLEANUP(private_key_cleanup) struct private_key *eu_key = load_key("release-eu");
	CLEANUP(private_key_cleanup) struct private_key *stranger_key = load_key("stranger");
	struct signed_message message =
		signed_message_make(KEY_USE_ENVELOPE, bytes_of_string("message"));
	struct signed_message other =
		signed_message_make(KEY_USE_ENVELOPE, bytes_of_string("massage"));
	bool who[3];
	size_t count;

	(void)state;
	make(&recipe, &text);
	CLEANUP(trust_root_cleanup) struct trust_root *root = parse(&text);
	const struct trust_role *role = trust_root_role(root, "targets");
	assert_int_equal(private_key_sign(eu_key, KEY_ECDSA_P256_SHA256, &message, &eu, &err), 0);
	assert_int_equal(
		private_key_sign(stranger_key, KEY_ECDSA_P256_SHA256, &message, &stranger, &err),
		0);
	/* Ids are hints: a wrong one, one that names another's key, the same signature thrice. */
	const struct envelope_signature signatures[] = {
		{role->keys[1]->id, str_bytes(&eu)},
		{"", str_bytes(&eu)},
		{role->keys[2]->id, str_bytes(&stranger)},
		{role->keys[0]->id, bytes_make("", 0)},
		{"no such key", str_bytes(&eu)},
	};
	assert_int_equal(trust_role_count(role, &message, signatures, 5, who, &count, &err), 0);
	assert_int_equal(count, 1);
	assert_int_equal(who[0] + who[1] + who[2], 1);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(
			who[i], sha256_equal(public_key_fingerprint(role->keys[i]->key),
					public_key_fingerprint(private_key_public(eu_key))));
	assert_int_equal(trust_role_count(role, &other, signatures, 5, who, &count, &err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(trust_role_count(role, &message, NULL, 0, who, &count, &err), 0);
	assert_int_equal(count, 0);
}

static void test_follow(void **state)
{
	static const struct recipe first = {.version = 1, .root_threshold = 2, .keys = THREE};
	static const struct {
		struct recipe recipe;
		int outcome;
	} cases[] = {
		{{.version = 2,
			 .root_threshold = 2,
			 .keys = THREE,
			 .signers = {"release-eu", "release-ap"}},
			0},
		/* other keys: both thresholds are asked for */
		{{.version = 2,
			 .root_threshold = 1,
			 .keys = {"release-eu", "release-us", "p384"},
			 .signers = {"release-eu", "release-us"}},
			0},
		{{.version = 2,
			 .root_threshold = 1,
			 .keys = {"release-eu", "release-us", "p384"},
			 .signers = {"release-eu", "p384"}},
			-ERR_TRUST_INVALID},
		{{.version = 2,
			 .root_threshold = 3,
			 .keys = {"release-eu", "release-us", "p384"},
			 .signers = {"release-eu", "release-us"}},
			-ERR_TRUST_INVALID},
		{{.version = 1,
			 .root_threshold = 2,
			 .keys = THREE,
			 .signers = {"release-eu", "release-ap"}},
			-ERR_TRUST_INVALID},
		{{.version = 3,
			 .root_threshold = 2,
			 .keys = THREE,
			 .signers = {"release-eu", "release-ap"}},
			-ERR_TRUST_INVALID},
	};
	CLEANUP_STR struct str text = STR_INIT;

	(void)state;
	make(&first, &text);
	CLEANUP(trust_root_cleanup) struct trust_root *root = parse(&text);
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		CLEANUP_STR struct str next_text = STR_INIT;
		make(&cases[i].recipe, &next_text);
		CLEANUP(trust_root_cleanup) struct trust_root *next = parse(&next_text);
		assert_int_equal(trust_root_follow(root, next, &err), cases[i].outcome);
	}
}

struct state_folder {
	char path[64];
	int dirfd, trust_dirfd;
};

static void make_state(struct state_folder *folder)
{
	(void)strcpy(folder->path, "/tmp/offkit-trust-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	assert_int_equal(folder_open(folder->path, &folder->dirfd, &err), 0);
	assert_int_equal(folder_make_at(folder->dirfd, "trust", &folder->trust_dirfd, &err), 0);
}

static void remove_state(struct state_folder *folder)
{
	(void)close(folder->trust_dirfd);
	assert_int_equal(tree_remove_at(folder->dirfd, "trust", &err), 0);
	(void)close(folder->dirfd);
	assert_int_equal(rmdir(folder->path), 0);
}

static void keep(const struct state_folder *folder, const char *name, const struct str *text)
{
	assert_int_equal(
		file_write_durable_at(folder->trust_dirfd, name, str_bytes(text), 0600, &err), 0);
}

static void test_store(void **state)
{
	static const struct recipe second = {.version = 2,
		.root_threshold = 1,
		.keys = {"release-eu", "release-us", "p384"},
		.signers = {"release-eu", "release-us"}};
	static const struct recipe third = {
		.version = 3, .keys = {"ed25519", "p384"}, .signers = {"p384", "ed25519"}};
	static const struct recipe bad_third = {
		.version = 3, .keys = {"ed25519"}, .signers = {"ed25519"}};
	CLEANUP_STR struct str two = STR_INIT, three = STR_INIT, bad = STR_INIT;
	struct trust_root *root = NULL;
	struct state_folder folder;

	(void)state;
	assert_int_equal(trust_store_load(-1, &root, &err), 0);
	if (!trust_root_is_demo(root)) {
		trust_root_free(root);
		skip(); /* built with another root: its private keys are not here */
	}
	trust_root_free(root);
	make(&second, &two);
	make(&third, &three);
	make(&bad_third, &bad);
	make_state(&folder);
	assert_int_equal(trust_store_load(folder.dirfd, &root, &err), 0);
	assert_int_equal(trust_root_version(root), 1);
	trust_root_free(root);
	keep(&folder, "2.root.json", &two);
	keep(&folder, "3.root.json", &three);
	assert_int_equal(trust_store_load(folder.dirfd, &root, &err), 0);
	assert_int_equal(trust_root_version(root), 3);
	assert_true(trust_root_is_demo(root));
	trust_root_free(root);
	/* One that its forerunner did not sign is an error, not the end of the chain. */
	keep(&folder, "3.root.json", &bad);
	assert_int_equal(trust_store_load(folder.dirfd, &root, &err), -ERR_TRUST_INVALID);
	keep(&folder, "3.root.json", &two);
	assert_int_equal(trust_store_load(folder.dirfd, &root, &err), -ERR_TRUST_INVALID);
	assert_int_equal(unlinkat(folder.trust_dirfd, "3.root.json", 0), 0);
	assert_int_equal(symlinkat("2.root.json", folder.trust_dirfd, "3.root.json"), 0);
	assert_int_equal(trust_store_load(folder.dirfd, &root, &err), -ERR_STATE_FOLDER);
	remove_state(&folder);
}

static void test_limits(void **state)
{
	static const struct recipe recipe = {.keys = THREE};
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP_STR struct str text = STR_INIT;

	(void)state;
	make(&recipe, &text);
	while (text.size < ROOT_SIZE_MAX)
		str_append_char(&text, '\n');
	assert_int_equal(trust_root_parse(str_bytes(&text), &root, &err), 0);
	trust_root_free(STEAL(root));
	str_append_char(&text, '\n');
	assert_int_equal(trust_root_parse(str_bytes(&text), &root, &err), -ERR_TRUST_INVALID);
}

/* That many keys that nobody can use beside the good ones, roles beside the known ones. */
static int many(size_t extra_keys, size_t extra_roles, size_t signatures)
{
	static const struct recipe recipe = {.keys = THREE};
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP_STR struct str text = STR_INIT, with_keys = STR_INIT, with_roles = STR_INIT,
			       with_signatures = STR_INIT, more = STR_INIT;

	make(&recipe, &text);
	str_append_text(&more, "\"keys\":{");
	for (size_t i = 0; i < extra_keys; i++)
		str_append_format(&more, "\"%zu\":{},", i);
	replace(&with_keys, str_text(&text), "\"keys\":{", str_text(&more));
	str_truncate(&more, 0);
	str_append_text(&more, "\"roles\":{");
	for (size_t i = 0; i < extra_roles; i++)
		str_append_format(&more, "\"%zu\":{\"keyids\":[],\"threshold\":1},", i);
	replace(&with_roles, str_text(&with_keys), "\"roles\":{", str_text(&more));
	str_truncate(&more, 0);
	str_append_text(&more, "\"signatures\":[");
	for (size_t i = 0; i < signatures; i++)
		str_append_text(
			&more, i == 0 ? "{\"keyid\":\"x\",\"sig\":\"\"}" : ",{\"keyid\":\"x\"}");
	replace(&with_signatures, str_text(&with_roles), "\"signatures\":[", str_text(&more));
	return trust_root_parse(str_bytes(&with_signatures), &root, &err);
}

static void test_more_limits(void **state)
{
	(void)state;
	assert_int_equal(many(ROOT_KEYS_MAX - 3, ROOT_ROLES_MAX - 2, ENVELOPE_SIGNATURES_MAX), 0);
	assert_int_equal(many(ROOT_KEYS_MAX - 2, 0, 0), -ERR_TRUST_INVALID);
	assert_int_equal(many(0, ROOT_ROLES_MAX - 1, 0), -ERR_TRUST_INVALID);
	assert_int_equal(many(0, 0, ENVELOPE_SIGNATURES_MAX + 1), -ERR_TRUST_INVALID);
}

/* Sigstore's public history: fifteen real rotations; kept outside of the tree. */
static void test_real_rotations(void **state)
{
	const char *shared = getenv("OFFKIT_SHARED");
	struct trust_root *root = NULL;

	(void)state;
	for (int version = 1; version <= 15; version++) {
		CLEANUP_STR struct str path = STR_INIT, text = STR_INIT;
		struct trust_root *next = NULL;
		str_append_format(&path, "%s/tuf-roots/%d.root.json",
			shared != NULL ? shared : "../shared", version);
		if (file_read_path(str_text(&path), ROOT_SIZE_MAX, &text, &err) < 0) {
			print_message("skipped: %s\n", err.message);
			str_release(&path); /* skip() jumps past the clean-up */
			str_release(&text);
			skip();
		}
		if (trust_root_parse(str_bytes(&text), &next, &err) < 0)
			fail_msg("version %d: %s", version, err.message);
		assert_int_equal(trust_root_version(next), version);
		if (trust_root_signed_by(next, next, &err) < 0 ||
			(root != NULL && trust_root_follow(root, next, &err) < 0))
			fail_msg("version %d: %s", version, err.message);
		trust_root_free(root);
		root = next;
	}
	trust_root_free(root);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_embedded),
		cmocka_unit_test(test_reads_what_it_writes),
		cmocka_unit_test(test_refuses_names),
		cmocka_unit_test(test_threshold),
		cmocka_unit_test(test_key_that_is_not_listed),
		cmocka_unit_test(test_material_counts_once),
		cmocka_unit_test(test_thresholds_must_be_satisfiable),
		cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_wrong_id_is_ignored),
		cmocka_unit_test(test_signed_part_is_covered),
		cmocka_unit_test(test_role_count),
		cmocka_unit_test(test_follow),
		cmocka_unit_test(test_store),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_more_limits),
		cmocka_unit_test(test_real_rotations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
