/* offkit-pack keygen --scheme S -o NAME: a new key pair. */
#include <string.h>

#include "base/cleanup.h"
#include "base/place.h"
#include "json/json_write.h"
#include "pack/commands.h"
#include "pack/face.h"
#include "crypto/key.h"

struct keygen_values {
	const char *scheme, *out;
};

static const struct option options[] = {
	OPTION_ROW_CHOICE("scheme", 0, key_scheme_names, struct keygen_values, scheme,
		"what the key signs by; else ecdsa-sha2-nistp256"),
	OPTION_ROW_TEXT("out", 'o', "NAME", struct keygen_values, out,
		"NAME.key gets the private key, NAME.pub the public one"),
	OPTION_END,
};

static int write_keys(const char *name, const struct private_key *key, struct err *err)
{
	CLEANUP_STR struct str pem = STR_INIT, pub_pem = STR_INIT, path = STR_INIT,
			       pub_path = STR_INIT;
	int rc;

	str_append_format(&path, "%s.key", name);
	str_append_format(&pub_path, "%s.pub", name);
	if ((rc = str_check(&path, err)) < 0 || (rc = str_check(&pub_path, err)) < 0 ||
		(rc = private_key_to_pem(key, &pem, err)) < 0 ||
		(rc = public_key_to_pem(private_key_public(key), &pub_pem, err)) < 0)
		return rc;
	/* The public one first: a name that is taken is found before a secret is written. */
	rc = place_new_file(str_text(&pub_path), str_bytes(&pub_pem), 0644, err);
	if (rc == 0)
		rc = place_new_file(str_text(&path), str_bytes(&pem), 0600, err);
	explicit_bzero(pem.text, pem.size);
	return rc;
}

static void write_result(
	struct face *face, const char *name, const char *scheme, const struct public_key *key)
{
	struct json_writer writer;
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(public_key_fingerprint(key), hex);
	if (!face->json) {
		str_append_format(&face->result, "%s.key and %s.pub: %s, fingerprint %s\n", name,
			name, public_key_description(key), hex);
		return;
	}
	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "name", name);
	json_member_string(&writer, "scheme", scheme);
	json_member_string(&writer, "fingerprint", hex);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP(private_key_cleanup) struct private_key *key = NULL;
	const struct keygen_values *given = values;
	const char *scheme = given->scheme != NULL ? given->scheme : key_scheme_names[0];

	(void)operand_count;
	(void)operands;
	if (given->out == NULL)
		return err_set(err, ERR_USAGE, "-o says where the keys go");
	int rc = private_key_generate(key_scheme_by_name(scheme), &key, err);
	if (rc == 0)
		rc = write_keys(given->out, key, err);
	if (rc == 0)
		write_result(face, given->out, scheme, private_key_public(key));
	return rc;
}

const struct command command_keygen = {
	.name = "keygen",
	.synopsis = "",
	.summary = "make a key pair; files that are there are left alone",
	.options = options,
	.values_size = sizeof(struct keygen_values),
	.run = run,
};
