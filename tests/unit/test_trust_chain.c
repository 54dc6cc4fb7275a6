/* Chains of roots: Sigstore's fifteen real ones as a chain, and every way to damage one of them.
 * They are kept outside of the tree; without them these tests are skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "json/json_write.h"
#include "kit/envelope.h"
#include "trust/chain.h"

enum { ROOTS = 15, OCTET_STRIDE = 211, SIGNATURE_STRIDE = 83 };

static struct str texts[ROOTS + 1]; /* by version; 0 is unused */
static struct trust_root *roots[ROOTS + 1];
static struct err err;

static int load(void **state)
{
	const char *shared = getenv("OFFKIT_SHARED");

	(void)state;
	for (int version = 1; version <= ROOTS; version++) {
		CLEANUP_STR struct str path = STR_INIT;
		str_append_format(&path, "%s/tuf-roots/%d.root.json",
			shared != NULL ? shared : "../shared", version);
		if (file_read_path(str_text(&path), ROOT_SIZE_MAX, &texts[version], &err) < 0)
			return 0;
		if (trust_root_parse(str_bytes(&texts[version]), &roots[version], &err) < 0)
			return -1;
	}
	return 0;
}

static int unload(void **state)
{
	(void)state;
	for (int version = 1; version <= ROOTS; version++) {
		trust_root_free(roots[version]);
		str_release(&texts[version]);
	}
	return 0;
}

static void need_roots(void)
{
	if (roots[ROOTS] == NULL)
		skip();
}

/* Whether the text follows the root before it; version 1 has to be signed by itself. */
static bool follows(struct bytes text, int version, bool *ret_same)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;

	if (trust_root_parse(text, &root, &err) < 0)
		return false;
	*ret_same = trust_root_equal(root, roots[version]);
	return version == 1 ? trust_root_signed_by(root, root, &err) == 0
			    : trust_root_follow(roots[version - 1], root, &err) == 0;
}

static void must_follow(struct bytes text, int version)
{
	bool same = false;

	if (!follows(text, version, &same))
		fail_msg("version %d: %s", version, err.message);
	assert_true(same);
}

static void must_not_follow(struct bytes text, int version, const char *what)
{
	bool same;

	if (follows(text, version, &same))
		fail_msg("version %d with %s was accepted", version, what);
	assert_int_equal(err.code, ERR_TRUST_INVALID);
}

static void offer_all(struct root_offer offers[static ROOTS])
{
	static const int order[ROOTS] = {7, 15, 2, 9, 14, 3, 1, 12, 4, 13, 5, 11, 6, 10, 8};

	for (size_t i = 0; i < ROOTS; i++)
		offers[i] = (struct root_offer){order[i], str_bytes(&texts[order[i]]), "a root"};
}

static void test_chain_in_any_order(void **state)
{
	struct root_offer offers[ROOTS];
	const struct trust_root *at;
	int64_t version = ROOTS;

	(void)state;
	need_roots();
	offer_all(offers);
	struct trust_chain chain = trust_chain_begin(roots[1]);
	assert_int_equal(trust_chain_follow(&chain, offers, ROOTS, NULL, &err), 0);
	assert_int_equal(chain.steps, ROOTS - 1);
	assert_int_equal(chain.missing, 0);
	for (at = chain.in_force; at != NULL; at = trust_root_previous(at))
		assert_int_equal(trust_root_version(at), version--);
	assert_int_equal(version, 0);
	assert_int_equal(trust_chain_check_known(&chain, offers, ROOTS, &err), 0);
	trust_chain_release(&chain);
}

static void test_hole(void **state)
{
	struct root_offer offers[ROOTS];

	(void)state;
	need_roots();
	offer_all(offers);
	offers[0].untrusted_version = 0; /* version 7 is not among them */
	struct trust_chain chain = trust_chain_begin(roots[1]);
	assert_int_equal(trust_chain_follow(&chain, offers, ROOTS, NULL, &err), 0);
	assert_int_equal(trust_root_version(chain.in_force), 6);
	assert_int_equal(chain.missing, 7);
	trust_chain_release(&chain);
}

struct counter {
	size_t calls, fails_at;
};

static int count(void *self, const struct trust_root *root, struct bytes text, struct err *error)
{
	struct counter *counter = self;

	(void)root;
	(void)text;
	if (++counter->calls == counter->fails_at)
		return err_set(error, ERR_STATE_FOLDER, "as asked");
	return 0;
}

/* A step that cannot be kept is not made. */
static void test_keeper_fails(void **state)
{
	struct root_offer offers[ROOTS];
	struct counter counter = {.fails_at = 4};
	const struct root_keeper keeper = {&counter, count};

	(void)state;
	need_roots();
	offer_all(offers);
	struct trust_chain chain = trust_chain_begin(roots[1]);
	assert_int_equal(
		trust_chain_follow(&chain, offers, ROOTS, &keeper, &err), -ERR_STATE_FOLDER);
	assert_int_equal(trust_root_version(chain.in_force), 4);
	assert_int_equal(counter.calls, 4);
	assert_int_equal(trust_chain_follow(&chain, offers, ROOTS, &keeper, &err), 0);
	assert_int_equal(trust_root_version(chain.in_force), ROOTS);
	trust_chain_release(&chain);
}

static void test_order_of_versions(void **state)
{
	(void)state;
	need_roots();
	for (int version = 1; version <= ROOTS; version++)
		for (int next = 1; next <= ROOTS; next++)
			assert_int_equal(trust_root_follow(roots[version], roots[next], &err),
				next == version + 1 ? 0 : -ERR_TRUST_INVALID);
}

static void test_under_another_version(void **state)
{
	struct root_offer offer = {2, str_bytes(&texts[3]), "a root"};

	(void)state;
	need_roots();
	offer.untrusted_text = str_bytes(&texts[3]);
	struct trust_chain chain = trust_chain_begin(roots[1]);
	assert_int_equal(trust_chain_follow(&chain, &offer, 1, NULL, &err), -ERR_TRUST_INVALID);
	assert_ptr_equal(chain.in_force, roots[1]);
	/* What is known already must be the known one. */
	offer.untrusted_version = 1;
	assert_int_equal(trust_chain_check_known(&chain, &offer, 1, &err), -ERR_TRUST_INVALID);
	trust_chain_release(&chain);
}

/* White space and the order of members mean nothing: the canonical form is signed. */
static void test_written_anew(void **state)
{
	(void)state;
	need_roots();
	for (int version = 1; version <= ROOTS; version++) {
		CLEANUP(json_cleanup) struct json_doc *doc = NULL;
		CLEANUP_STR struct str sorted = STR_INIT, spaced = STR_INIT;
		bool quoted = false;
		assert_int_equal(json_parse(str_bytes(&texts[version]), JSON_LIMITS(ROOT_SIZE_MAX),
					 &doc, &err),
			0);
		assert_int_equal(json_canonical(json_root(doc), &sorted, &err), 0);
		must_follow(str_bytes(&sorted), version);
		for (size_t i = 0; i < sorted.size; i++) {
			char c = sorted.text[i];
			quoted ^= c == '"' && sorted.text[i - 1] != '\\';
			str_append_char(&spaced, c);
			if (!quoted && strchr("{}[]:,", c) != NULL)
				str_append_text(&spaced, " \n\t");
		}
		must_follow(str_bytes(&spaced), version);
	}
}

/* Any octet: refused, or it says the same (white space, a signature that was not needed, a hint).
 */
static void test_any_octet(void **state)
{
	(void)state;
	need_roots();
	for (int version = 1; version <= ROOTS; version++) {
		CLEANUP_STR struct str text = STR_INIT;
		str_append(&text, texts[version].text, texts[version].size);
		for (size_t i = (size_t)version; i < text.size; i += OCTET_STRIDE) {
			char original = text.text[i];
			text.text[i] ^= 1 << (i / OCTET_STRIDE % 7);
			bool same = true;
			if (follows(str_bytes(&text), version, &same) && !same)
				fail_msg("version %d: another octet %zu was accepted", version, i);
			text.text[i] = original;
		}
	}
}

enum { SIGNATURES_MAX = ENVELOPE_SIGNATURES_MAX };

/* The signatures' hexadecimal in the text. */
static size_t find_signatures(const struct str *text, size_t at[static SIGNATURES_MAX])
{
	size_t found = 0;

	for (const char *p = str_text(text); (p = strstr(p, "\"sig\"")) != NULL;) {
		p = strchr(p + 5, '"') + 1;
		at[found++] = (size_t)(p - text->text);
	}
	return found;
}

/* No signature: its digits become white space outside of the string. */
static void blank(struct str *text, size_t at)
{
	char *end = strchr(text->text + at, '"');

	memset(text->text + at, ' ', (size_t)(end - text->text) - at + 1);
	text->text[at] = '"';
}

/* Only as many signatures as are needed: none of them may then lack or be damaged. */
static void test_each_needed_signature(void **state)
{
	(void)state;
	need_roots();
	for (int version = 1; version <= ROOTS; version++) {
		CLEANUP_STR struct str text = STR_INIT, without = STR_INIT;
		size_t at[SIGNATURES_MAX], needed = 0;
		bool same;
		str_append(&text, texts[version].text, texts[version].size);
		size_t given = find_signatures(&text, at);
		for (size_t i = 0; i < given; i++) {
			str_truncate(&without, 0);
			str_append(&without, text.text, text.size);
			blank(&without, at[i]);
			if (follows(str_bytes(&without), version, &same))
				memcpy(text.text, without.text, text.size);
			else
				at[needed++] = at[i];
		}
		must_follow(str_bytes(&text), version);
		assert_true(needed >= trust_root_role(roots[version], "root")->threshold);
		for (size_t i = 0; i < needed; i++) {
			size_t size = strcspn(text.text + at[i], "\"");
			for (size_t j = i % 2; j < size; j += SIGNATURE_STRIDE) {
				char *digit = &text.text[at[i] + j], original = *digit;
				*digit = original == '0' ? '1' : '0';
				must_not_follow(str_bytes(&text), version, "a damaged signature");
				*digit = original;
			}
			/* Another's signature in its place, under its key id. */
			size_t other = at[(i + 1) % needed];
			size_t other_size = strcspn(text.text + other, "\"");
			if (needed > 1 && other_size == size) {
				str_truncate(&without, 0);
				str_append(&without, text.text, text.size);
				memcpy(without.text + at[i], text.text + other, size);
				must_not_follow(
					str_bytes(&without), version, "one signature twice");
			}
		}
	}
}

/* Signed texts of which a member was changed, by class. */
static void test_changed_members(void **state)
{
	static const struct {
		const char *from, *to;
	} changes[] = {
		{"\"threshold\": 3", "\"threshold\": 1"},
		{"\"threshold\": 3", "\"threshold\": 0"},
		{"\"threshold\": 3", "\"threshold\": 6"},
		{"\"threshold\": 3", "\"threshold\": -3"},
		{"\"expires\": \"20", "\"expires\": \"21"},
		{"\"consistent_snapshot\": true", "\"consistent_snapshot\": false"},
		{"\"_type\": \"root\"", "\"_type\": \"targets\""},
		{"\"spec_version\": \"1", "\"spec_version\": \"2"},
		{"\"keyids\": [", "\"keyids\": [\"x\", "},
		{"\"roles\": {", "\"roles\": {\"more\": {\"keyids\": [], \"threshold\": 1}, "},
		{"\"keys\": {", "\"keys\": {\"x\": {}, "},
		{"\"version\": ", "\"version\": 1"},
	};

	(void)state;
	need_roots();
	for (int version = 1; version <= ROOTS; version++) {
		CLEANUP(json_cleanup) struct json_doc *doc = NULL;
		CLEANUP_STR struct str plain = STR_INIT;
		size_t made = 0;
		/* As "name": value, whatever white space the original has. */
		assert_int_equal(json_parse(str_bytes(&texts[version]), JSON_LIMITS(ROOT_SIZE_MAX),
					 &doc, &err),
			0);
		CLEANUP_STR struct str sorted = STR_INIT;
		assert_int_equal(json_canonical(json_root(doc), &sorted, &err), 0);
		for (size_t i = 0; i < sorted.size; i++) {
			str_append_char(&plain, sorted.text[i]);
			if (sorted.text[i] == ':' && sorted.text[i - 1] == '"')
				str_append_char(&plain, ' ');
		}
		must_follow(str_bytes(&plain), version);
		for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
			const char *place = strstr(str_text(&plain), changes[i].from);
			CLEANUP_STR struct str changed = STR_INIT;
			if (place == NULL)
				continue;
			str_append(&changed, plain.text, (size_t)(place - plain.text));
			str_append_text(&changed, changes[i].to);
			str_append_text(&changed, place + strlen(changes[i].from));
			must_not_follow(str_bytes(&changed), version, changes[i].to);
			made++;
		}
		assert_true(made >= 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_chain_in_any_order),
		cmocka_unit_test(test_hole),
		cmocka_unit_test(test_keeper_fails),
		cmocka_unit_test(test_order_of_versions),
		cmocka_unit_test(test_under_another_version),
		cmocka_unit_test(test_written_anew),
		cmocka_unit_test(test_any_octet),
		cmocka_unit_test(test_each_needed_signature),
		cmocka_unit_test(test_changed_members),
	};

	return cmocka_run_group_tests(tests, load, unload);
}
