/* Keys as TUF metadata have them (TUF 1.0, section 4.2). */
#include <string.h>

#include "base/cleanup.h"
#include "base/hex.h"
#include "json/json_write.h"
#include "trust/root_internal.h"

enum { PART_MAX = 64, SHORT_ID = 8 };

/* What "public" may hold beside PEM. */
enum raw_form { RAW_NONE, RAW_ED25519, RAW_POINT };

/* The closed table of pairs; the first of a scheme is the one that we write. */
static const struct {
	const char *type;
	enum key_scheme scheme;
	enum raw_form raw;
} pairs[] = {
	{"ecdsa", KEY_ECDSA_P256_SHA256, RAW_POINT},
	{"ecdsa", KEY_ECDSA_P384_SHA384, RAW_POINT},
	{"ecdsa", KEY_ECDSA_P521_SHA512, RAW_POINT},
	{"ecdsa", KEY_ECDSA_P384_SHA256, RAW_POINT},
	{"ecdsa", KEY_ECDSA_P521_SHA256, RAW_POINT},
	{"ecdsa-sha2-nistp256", KEY_ECDSA_P256_SHA256, RAW_POINT},
	{"ecdsa-sha2-nistp384", KEY_ECDSA_P384_SHA384, RAW_POINT},
	{"ecdsa-sha2-nistp521", KEY_ECDSA_P521_SHA512, RAW_POINT},
	{"ed25519", KEY_ED25519, RAW_ED25519},
	{"ed25519", KEY_ED25519PH, RAW_ED25519},
	{"ed25519", KEY_ED25519PH_DSSE, RAW_ED25519},
	{"rsa", KEY_RSA_PSS_SHA256, RAW_NONE},
	{"rsa", KEY_RSA_PKCS1_SHA256, RAW_NONE},
};
enum { PAIR_COUNT = sizeof pairs / sizeof pairs[0] };

int trust_key_id(const struct json *object, struct sha256 *ret_id, struct err *err)
{
	CLEANUP_STR struct str canonical = STR_INIT;
	int status = json_canonical_olpc(object, &canonical, err);

	return status < 0 ? status : sha256_of(str_bytes(&canonical), ret_id, err);
}

static int parse_material(const char *text, enum raw_form raw, enum key_scheme scheme,
	struct public_key **ret_key, struct err *err)
{
	CLEANUP_STR struct str octets = STR_INIT;

	if (raw == RAW_NONE || strncmp(text, "-----", 5) == 0)
		return public_key_from_pem(bytes_of_string(text), ret_key, err);
	if (!hex_append_decoded(bytes_of_string(text), &octets))
		return err_set(err, ERR_SYNTAX, "it is neither PEM nor hexadecimal");
	int status = str_check(&octets, err);
	if (status < 0)
		return status;
	return raw == RAW_ED25519 ? public_key_from_ed25519(str_bytes(&octets), ret_key, err)
				  : public_key_from_point(scheme, str_bytes(&octets), ret_key, err);
}

static bool name_is_plain(const char *name)
{
	static const char allowed[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.@";
	size_t size = strlen(name);

	return size > 0 && size <= PART_MAX && strspn(name, allowed) == size;
}

/* The name is for people; one that is not plain text is as good as none. */
static const char *choose_name(const struct json *object, const char *id, struct arena *arena)
{
	const struct json *name = json_member(object, "x-offkit-name");

	if (name != NULL && json_type(name) == JSON_STRING && name_is_plain(json_string(name)))
		return arena_string(arena, json_string(name));
	return arena_string_n(arena, id, SHORT_ID);
}

/* ret_pair is PAIR_COUNT for a type or scheme that we do not know. */
static int parse_pair(
	const struct json *object, size_t *ret_pair, const char **ret_public, struct err *err)
{
	const char *type, *scheme;
	const struct json *value;
	size_t i = 0;
	int status;

	if ((status = json_need_string(object, "keytype", PART_MAX, &type, err)) < 0 ||
		(status = json_need_string(object, "scheme", PART_MAX, &scheme, err)) < 0 ||
		(status = json_need(object, "keyval", JSON_OBJECT, &value, err)) < 0 ||
		(status = json_need_string(value, "public", KEY_PEM_MAX, ret_public, err)) < 0)
		return status;
	while (i < PAIR_COUNT && (strcmp(type, pairs[i].type) != 0 ||
					 strcmp(scheme, key_scheme_name(pairs[i].scheme)) != 0))
		i++;
	*ret_pair = i;
	return 0;
}

static int parse_key(const struct json *object, struct trust_root *root, struct err *err)
{
	struct trust_key *key = &root->keys[root->key_count];
	struct public_key *material = NULL;
	char hex[SHA256_HEX_SIZE];
	const char *text;
	struct sha256 id;
	size_t pair;
	int status;

	if ((status = trust_key_id(object, &id, err)) < 0)
		return status;
	sha256_to_hex(&id, hex);
	if (strcmp(hex, json_name(object)) != 0)
		return 0;
	if ((status = parse_pair(object, &pair, &text, err)) < 0 || pair == PAIR_COUNT)
		return status;
	status = parse_material(text, pairs[pair].raw, pairs[pair].scheme, &material, err);
	if (status < 0)
		return status;
	key->key = material;
	key->scheme = pairs[pair].scheme;
	root->key_count++;
	if (!public_key_supports(material, key->scheme))
		return err_set(err, ERR_SYNTAX, "an %s key cannot have the scheme %s",
			public_key_description(material), key_scheme_name(key->scheme));
	key->id = arena_string(&root->arena, hex);
	key->name = choose_name(object, hex, &root->arena);
	return key->id == NULL || key->name == NULL ? err_no_memory(err) : 0;
}

int trust_keys_parse(const struct json *keys, struct trust_root *root, struct err *err)
{
	size_t count = json_count(keys), i = 0;

	if (count > ROOT_KEYS_MAX)
		return err_set(err, ERR_LIMIT, "the root has more than %d keys", ROOT_KEYS_MAX);
	root->keys = arena_array(&root->arena, count, sizeof *root->keys);
	if (root->keys == NULL)
		return err_no_memory(err);
	for (const struct json *object = json_first(keys); object != NULL;
		object = json_next(object)) {
		i++;
		if (parse_key(object, root, err) < 0)
			return err_context(err, "key %zu", i);
	}
	return 0;
}

void trust_keys_release(struct trust_root *root)
{
	for (size_t i = 0; i < root->key_count; i++)
		public_key_free(root->keys[i].key);
}

int trust_key_write(const struct public_key *key, enum key_scheme scheme, const char *name,
	struct str *out, struct err *err)
{
	CLEANUP_STR struct str pem = STR_INIT;
	struct json_writer json;
	size_t pair = 0;

	if (name != NULL && !name_is_plain(name))
		return err_set(err, ERR_USAGE,
			"a key's name is letters, digits and \"-_.@\", at most %d: \"%s\" is not",
			PART_MAX, name);
	while (pairs[pair].scheme != scheme)
		pair++;
	int status = public_key_to_pem(key, &pem, err);
	if (status < 0)
		return status;
	json_write_begin(&json, out);
	json_write_object(&json);
	json_member_string(&json, "keytype", pairs[pair].type);
	json_member_object(&json, "keyval");
	json_member_string(&json, "public", str_text(&pem));
	json_write_end(&json);
	json_member_string(&json, "scheme", key_scheme_name(scheme));
	if (name != NULL)
		json_member_string(&json, "x-offkit-name", name);
	json_write_end(&json);
	return str_check(out, err);
}
