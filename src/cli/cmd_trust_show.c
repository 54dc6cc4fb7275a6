/* offkit trust show: the trust root in force, and fingerprints to compare by another way. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/version.h"
#include "cli/commands.h"
#include "cli/face.h"
#include "text/text.h"

static const char *const roles[] = {"root", "targets", NULL};

/* The program that runs, whatever stands at its path by now. */
static int program_digest(struct sha256 *ret_digest, struct err *err)
{
	CLEANUP_FD int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	uint8_t room[64 * 1024];
	ssize_t got = 0;

	int rc = sha256_stream_new(&stream, err);
	while (rc == 0 && fd >= 0 && (got = read(fd, room, sizeof room)) > 0)
		rc = sha256_stream_update(stream, bytes_make(room, (size_t)got), err);
	if (rc == 0 && (fd < 0 || got < 0))
		return err_set_errno(err, ERR_UNREADABLE, errno, "the running program");
	return rc < 0 ? rc : sha256_stream_finish(stream, ret_digest, err);
}

static void write_role(struct json_writer *writer, const struct trust_role *role)
{
	char hex[SHA256_HEX_SIZE];

	json_write_object(writer);
	json_member_string(writer, "name", role->name);
	json_member_integer(writer, "threshold", role->threshold);
	json_member_array(writer, "keys");
	for (size_t i = 0; i < role->key_count; i++) {
		const struct trust_key *key = role->keys[i];
		json_write_object(writer);
		json_member_string(writer, "name", key->name);
		json_member_string(writer, "keyid", key->id);
		json_member_string(writer, "scheme", key_scheme_name(key->scheme));
		sha256_to_hex(public_key_fingerprint(key->key), hex);
		json_member_string(writer, "fingerprint", hex);
		json_write_end(writer);
	}
	json_write_end(writer);
	json_write_end(writer);
}

static void show_json(
	struct face *face, const struct trust_root *root, const struct sha256 *program)
{
	struct json_writer writer;
	char hex[SHA256_HEX_SIZE];

	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_object(&writer, "trustRoot");
	json_member_integer(&writer, "version", trust_root_version(root));
	json_member_time(&writer, "expires", trust_root_expires(root));
	sha256_to_hex(trust_root_digest(root), hex);
	json_member_string(&writer, "digest", hex);
	json_member_bool(&writer, "demo", trust_root_is_demo(root));
	json_member_array(&writer, "roles");
	for (size_t i = 0; roles[i] != NULL; i++)
		write_role(&writer, trust_root_role(root, roles[i]));
	json_write_end(&writer);
	json_write_end(&writer);
	json_member_object(&writer, "program");
	json_member_string(&writer, "version", version_text());
	sha256_to_hex(program, hex);
	json_member_string(&writer, "digest", hex);
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

/* Four groups of eight a line, so that two people can compare it by telephone. */
static void append_fingerprint(struct str *out, const struct sha256 *digest, const char *indent)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(digest, hex);
	for (size_t i = 0; i < 8; i++)
		str_append_format(out, "%s%.8s%s", i % 4 == 0 ? indent : " ", hex + i * 8,
			i % 4 == 3 ? "\n" : "");
}

static void append_role(struct str *out, const struct trust_role *role)
{
	str_append_format(out, "\nRole %s: %u of %zu keys must sign\n", role->name, role->threshold,
		role->key_count);
	for (size_t i = 0; i < role->key_count; i++) {
		const struct trust_key *key = role->keys[i];
		str_append_text(out, "  ");
		text_escape(out, bytes_of_string(key->name), 60);
		str_append_format(out, " (%s)\n", public_key_description(key->key));
		append_fingerprint(out, public_key_fingerprint(key->key), "    ");
	}
}

static void show_text(
	struct face *face, const struct trust_root *root, const struct sha256 *program)
{
	struct str *out = &face->result;
	char expires[RFC3339_SIZE];

	time_format(trust_root_expires(root), expires);
	str_append_format(out, "Trust root, version %lld, expires %s\n",
		(long long)trust_root_version(root), expires);
	append_fingerprint(out, trust_root_digest(root), "  ");
	if (trust_root_is_demo(root))
		str_append_format(out, "%s %s\n", face_sign(face, SIGN_WARN), face_demo_root);
	for (size_t i = 0; roles[i] != NULL; i++)
		append_role(out, trust_root_role(root, roles[i]));
	str_append_format(out, "\nThis program, offkit %s\n", version_text());
	append_fingerprint(out, program, "  ");
	str_append_text(out, "\nCompare both with what the vendor says by another way than the "
			     "medium that brought them.\n");
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP_FD int state = -1;
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	struct sha256 program;

	(void)values;
	(void)operand_count;
	(void)operands;
	int rc = face_open_state(face, &state, err);
	if (rc == 0)
		rc = face_load_root(face, state, &root, err);
	if (rc == 0)
		rc = program_digest(&program, err);
	if (rc < 0)
		return rc;
	if (face->json)
		show_json(face, root, &program);
	else
		show_text(face, root, &program);
	return 0;
}

const struct command command_trust_show = {
	.name = "trust show",
	.synopsis = "",
	.summary = "the trust root in force, and this program's fingerprint",
	.run = run,
};
