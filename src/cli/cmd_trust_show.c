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
#include "trust/record.h"
#include "trust/store.h"

/* What was kept here, oldest first. */
struct kept_root {
	const struct trust_root *root;
	struct root_record record; /* nothing is known of the one in the program */
};

struct history {
	size_t root_count, reset_count;
	struct kept_root *roots;
	struct reset_record *resets;
};

static int read_history(int state_dirfd, const struct trust_root *root, struct arena *arena,
	struct history *history, struct err *err)
{
	CLEANUP_FD int trust_dirfd = -1;
	int rc = trust_store_open_folder(state_dirfd, &trust_dirfd, err);

	if (rc < 0)
		return rc;
	for (const struct trust_root *at = root; at != NULL; at = trust_root_previous(at))
		history->root_count++;
	history->roots = arena_array(arena, history->root_count, sizeof *history->roots);
	if (history->roots == NULL)
		return err_no_memory(err);
	for (size_t i = history->root_count; i-- > 0; root = trust_root_previous(root)) {
		struct kept_root *kept = &history->roots[i];
		*kept = (struct kept_root){root, {INT64_MIN, ""}};
		if (i > 0 && rc == 0)
			rc = root_record_read(trust_dirfd, root, arena, &kept->record, err);
	}
	if (rc < 0 || trust_dirfd < 0)
		return rc;
	return reset_records_read(trust_dirfd, arena, &history->resets, &history->reset_count, err);
}

static const char *const roles[] = {"root", "targets", NULL};

/* The program that runs, whatever stands at its path by now. */
static int program_digest(struct sha256 *ret_digest, struct err *err)
{
	CLEANUP_FD int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	int64_t size;

	if (fd < 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "the running program");
	int rc = sha256_stream_new(&stream, err);
	if (rc == 0)
		rc = sha256_of_file(stream, fd, ret_digest, &size, err);
	return rc < 0 ? err_context(err, "the running program") : 0;
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

static void write_chain(struct json_writer *writer, const struct history *history)
{
	char hex[SHA256_HEX_SIZE];

	json_member_array(writer, "chain");
	for (size_t i = 0; i < history->root_count; i++) {
		const struct kept_root *kept = &history->roots[i];
		json_write_object(writer);
		json_member_integer(writer, "version", trust_root_version(kept->root));
		json_member_time(writer, "expires", trust_root_expires(kept->root));
		sha256_to_hex(trust_root_digest(kept->root), hex);
		json_member_string(writer, "digest", hex);
		if (kept->record.kept != INT64_MIN) {
			json_member_time(writer, "kept", kept->record.kept);
			json_member_string(writer, "source", kept->record.source);
		}
		json_write_end(writer);
	}
	json_write_end(writer);
}

static void write_resets(struct json_writer *writer, const struct history *history)
{
	json_member_array(writer, "resets");
	for (size_t i = 0; i < history->reset_count; i++) {
		const struct reset_record *record = &history->resets[i];
		json_write_object(writer);
		json_member_time(writer, "reset", record->reset);
		json_member_string(writer, "reason", record->reason);
		if (record->from != INT64_MIN)
			json_member_time(writer, "from", record->from);
		if (record->to != INT64_MIN)
			json_member_time(writer, "to", record->to);
		json_write_end(writer);
	}
	json_write_end(writer);
}

static void show_json(struct face *face, const struct trust_root *root,
	const struct history *history, const struct sha256 *program)
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
	write_chain(&writer, history);
	write_resets(&writer, history);
	json_member_object(&writer, "program");
	json_member_string(&writer, "version", version_text());
	sha256_to_hex(program, hex);
	json_member_string(&writer, "digest", hex);
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
}

static void append_role(struct face *face, const struct trust_role *role)
{
	struct str *out = &face->result;

	str_append_char(out, '\n');
	message_append(
		out, face->language, MSG_ROLE_KEYS, role->name, role->threshold, role->key_count);
	str_append_char(out, '\n');
	for (size_t i = 0; i < role->key_count; i++) {
		const struct trust_key *key = role->keys[i];
		str_append_text(out, "  ");
		text_escape(out, bytes_of_string(key->name), 60);
		str_append_format(out, " (%s)\n", public_key_description(key->key));
		face_append_fingerprint(out, public_key_fingerprint(key->key), "    ");
	}
}

/* "2025-12-19 14:02 UTC" */
static void append_minute(struct face *face, struct str *out, int64_t time)
{
	char text[RFC3339_SIZE];

	if (time == INT64_MIN) {
		str_append_text(out, face_text(face, MSG_NO_TIME));
		return;
	}
	time_format(time, text);
	str_append_format(out, "%.10s %.5s UTC", text, text + 11);
}

static void append_kept(struct face *face, const struct kept_root *kept)
{
	CLEANUP_STR struct str when = STR_INIT, source = STR_INIT;
	long long version = (long long)trust_root_version(kept->root);

	if (kept->record.kept == INT64_MIN) {
		message_append(&face->result, face->language, MSG_ROOT_KEPT_SOMETIME, version);
		return;
	}
	append_minute(face, &when, kept->record.kept);
	text_escape(&source, bytes_of_string(kept->record.source), 100);
	message_append(&face->result, face->language, MSG_ROOT_KEPT, version, str_text(&when),
		str_text(&source));
}

static void append_history(struct face *face, const struct history *history)
{
	struct str *out = &face->result;

	if (history->root_count > 1)
		str_append_format(out, "\n%s\n", face_text(face, MSG_ROOTS_HISTORY));
	for (size_t i = 0; i < history->root_count && history->root_count > 1; i++) {
		str_append_text(out, "  ");
		if (i == 0)
			message_append(out, face->language, MSG_ROOT_IN_PROGRAM,
				(long long)trust_root_version(history->roots[i].root));
		else
			append_kept(face, &history->roots[i]);
		str_append_char(out, '\n');
	}
	if (history->reset_count > 0)
		str_append_format(out, "\n%s\n", face_text(face, MSG_TIME_RESETS));
	for (size_t i = 0; i < history->reset_count; i++) {
		const struct reset_record *record = &history->resets[i];
		str_append_text(out, "  ");
		append_minute(face, out, record->reset);
		str_append_text(out, ": ");
		append_minute(face, out, record->from);
		str_append_text(out, " -> ");
		append_minute(face, out, record->to);
		str_append_text(out, ": ");
		text_escape(out, bytes_of_string(record->reason), 200);
		str_append_char(out, '\n');
	}
}

static void show_text(struct face *face, const struct trust_root *root,
	const struct history *history, const struct sha256 *program)
{
	struct str *out = &face->result;
	char expires[RFC3339_SIZE];

	time_format(trust_root_expires(root), expires);
	message_append(out, face->language, MSG_TRUST_ROOT_IN_FORCE,
		(long long)trust_root_version(root), expires);
	str_append_char(out, '\n');
	face_append_fingerprint(out, trust_root_digest(root), "  ");
	if (trust_root_is_demo(root))
		str_append_format(out, "%s %s\n", face_sign(face, SIGN_WARN),
			face_text(face, MSG_DEMO_ROOT_PROGRAM));
	for (size_t i = 0; roles[i] != NULL; i++)
		append_role(face, trust_root_role(root, roles[i]));
	append_history(face, history);
	str_append_char(out, '\n');
	message_append(out, face->language, MSG_THIS_PROGRAM, version_text());
	str_append_char(out, '\n');
	face_append_fingerprint(out, program, "  ");
	str_append_format(out, "\n%s\n", face_text(face, MSG_COMPARE_BOTH));
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP_FD int state = -1;
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	struct history history = {0};
	struct sha256 program;

	(void)values;
	(void)operand_count;
	(void)operands;
	int rc = face_open_state(face, &state, err);
	if (rc == 0)
		rc = face_load_root(face, state, &root, err);
	if (rc == 0)
		rc = read_history(state, root, &face->arena, &history, err);
	if (rc == 0)
		rc = program_digest(&program, err);
	if (rc < 0)
		return rc;
	if (face->json)
		show_json(face, root, &history, &program);
	else
		show_text(face, root, &history, &program);
	return 0;
}

const struct command command_trust_show = {
	.name = "trust show",
	.synopsis = "",
	.summary = "the trust root in force, and this program's fingerprint",
	.run = run,
};
