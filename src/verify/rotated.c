#include "verify/rotated.h"

#include "base/arena.h"
#include "base/cleanup.h"
#include "text/text.h"

/* A key is tried once, in however many roots it stands. */
struct tried {
	const struct trust_key *key;
	const struct trust_root *root; /* the newest that names it for kits */
	bool has_signed;
};

struct search {
	const struct trust_root *in_force;
	struct signed_message *message;
	const struct envelope_signature *untrusted_signatures;
	size_t signature_count;
	size_t count;
	struct tried *tried;
};

static size_t count_keys(const struct trust_root *root)
{
	size_t count = 0;

	for (; root != NULL; root = trust_root_previous(root))
		count += trust_root_role(root, "targets")->key_count;
	return count;
}

static struct tried *find(const struct search *search, const struct trust_key *key)
{
	for (size_t i = 0; i < search->count; i++) {
		const struct trust_key *other = search->tried[i].key;
		if (other->scheme == key->scheme && sha256_equal(public_key_fingerprint(other->key),
							    public_key_fingerprint(key->key)))
			return &search->tried[i];
	}
	return NULL;
}

static int try_key(struct search *search, struct tried *tried, struct err *err)
{
	for (size_t i = 0; i < search->signature_count && !tried->has_signed; i++) {
		struct err reason = {0};
		int rc = public_key_verify(tried->key->key, tried->key->scheme, search->message,
			search->untrusted_signatures[i].signature, &reason);
		if (rc < 0 && reason.code != ERR_MANIFEST_SIGNATURE) {
			*err = reason;
			return rc;
		}
		tried->has_signed = rc == 0;
	}
	return 0;
}

/* How many of the root's keys signed, and how many of these are none of the root in force. */
static int count_root(struct search *search, const struct trust_root *root, size_t *ret_signed,
	size_t *ret_rotated, struct err *err)
{
	const struct trust_role *role = trust_root_role(root, "targets");
	size_t has_signed = 0, rotated = 0;

	for (size_t i = 0; i < role->key_count; i++) {
		struct tried *tried = find(search, role->keys[i]);
		if (tried == NULL) {
			tried = &search->tried[search->count++];
			*tried = (struct tried){role->keys[i], root, false};
			int rc = try_key(search, tried, err);
			if (rc < 0)
				return rc;
		}
		has_signed += tried->has_signed;
		rotated += tried->has_signed && tried->root != search->in_force;
	}
	*ret_signed = has_signed;
	*ret_rotated = rotated;
	return 0;
}

static int say(const struct search *search, const struct trust_root *root, const char *object,
	struct err *err)
{
	const struct trust_role *role = trust_root_role(root, "targets");
	CLEANUP_STR struct str text = STR_INIT;

	for (size_t i = 0; i < role->key_count; i++) {
		const struct tried *tried = find(search, role->keys[i]);
		if (!tried->has_signed || tried->root == search->in_force)
			continue;
		str_append_text(&text, text.size > 0 ? ", " : "");
		text_escape(&text, bytes_of_string(tried->key->name), 40);
		str_append_format(&text, " (named for kits until version %lld)",
			(long long)trust_root_version(tried->root));
	}
	int rc = str_check(&text, err);
	if (rc < 0)
		return rc;
	return err_set(err, ERR_TRUST_ROTATED,
		"%s: it is signed with keys that the trust root in force, version %lld, no longer "
		"names: %s",
		object, (long long)trust_root_version(search->in_force), str_text(&text));
}

int rotated_explain(const struct trust_root *root, const char *object,
	struct signed_message *message, const struct envelope_signature *untrusted_signatures,
	size_t signature_count, unsigned threshold, struct err *err)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct search search = {
		.in_force = root,
		.message = message,
		.untrusted_signatures = untrusted_signatures,
		.signature_count = signature_count,
		.tried = arena_array(&arena, count_keys(root), sizeof *search.tried),
	};

	if (search.tried == NULL)
		return err_no_memory(err);
	for (const struct trust_root *at = root; at != NULL; at = trust_root_previous(at)) {
		const struct trust_role *role = trust_root_role(at, "targets");
		size_t has_signed = 0, rotated = 0;
		struct err trouble;
		int rc = count_root(&search, at, &has_signed, &rotated, &trouble);
		/* Too many signatures to look for an explanation: it stays unexplained. */
		if (rc == -ERR_LIMIT)
			break;
		if (rc < 0) {
			*err = trouble;
			return rc;
		}
		if (rotated > 0 && has_signed >= (threshold > 0 ? threshold : role->threshold))
			return say(&search, at, object, err);
	}
	return -(int)err->code;
}
