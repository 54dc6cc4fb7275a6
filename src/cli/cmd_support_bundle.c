/*
 * offkit support-bundle: what a vendor needs to help, redacted, listed before it is written, in one
 * archive. The same state makes the same octets: members have no times and no owners.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/writer.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "base/place.h"
#include "cli/bundle.h"
#include "cli/commands.h"
#include "cli/prompt.h"
#include "cli/session.h"
#include "crypto/digest.h"
#include "text/text.h"

struct support_values {
	const char *run, *out;
	bool list, redact_hosts;
};

static const struct option options[] = {
	OPTION_ROW_TEXT("run", 0, "RUN", struct support_values, run, "a run, not the newest"),
	OPTION_ROW_TEXT("out", 'o', "FILE", struct support_values, out,
		"where it goes: .tar.gz or .tar.zst (offkit-support-RUN.tar.gz)"),
	OPTION_ROW_FLAG("list", 0, struct support_values, list, "list it, and write nothing"),
	OPTION_ROW_FLAG("redact-hosts", 0, struct support_values, redact_hosts,
		"take out hosts and addresses too"),
	OPTION_END,
};

static const char contents_name[] = "contents.json";

struct result {
	const char *path; /* NULL: only listed */
	struct sha256 digest;
	int64_t size;
};

/* ---- the list */

static void write_entries(
	struct json_writer *writer, const struct bundle_entry *entries, size_t count, bool left_out)
{
	json_member_array(writer, left_out ? "leftOut" : "entries");
	for (size_t i = 0; i < count; i++) {
		json_write_object(writer);
		json_member_string(writer, "path", entries[i].path);
		json_member_integer(writer, "octets", entries[i].size);
		if (!left_out)
			json_member_integer(writer, "redacted", (int64_t)entries[i].redacted);
		if (entries[i].why != NULL)
			json_member_string(writer, left_out ? "why" : "note", entries[i].why);
		json_write_end(writer);
	}
	json_write_end(writer);
}

static void write_contents(
	struct json_writer *writer, const struct bundle *bundle, const struct result *result)
{
	char hex[SHA256_HEX_SIZE];

	json_write_object(writer);
	json_member_integer(writer, "format", 1);
	if (bundle->run[0] != '\0')
		json_member_string(writer, "run", bundle->run);
	json_member_bool(writer, "hostsRedacted", bundle->redaction.hosts);
	write_entries(writer, bundle->entries, bundle->count, false);
	write_entries(writer, bundle->left_out, bundle->left_out_count, true);
	if (result != NULL && result->path != NULL) {
		json_member_string(writer, "file", result->path);
		json_member_integer(writer, "octets", result->size);
		sha256_to_hex(&result->digest, hex);
		json_member_string(writer, "sha256", hex);
	}
	json_write_end(writer);
}

static void show_entry(struct str *out, const struct bundle_entry *entry, bool left_out)
{
	char size[TEXT_SIZE_SIZE];

	str_append_format(out, "  %11s  ", text_size((uint64_t)entry->size, size));
	text_escape(out, bytes_of_string(entry->path), 0);
	if (!left_out && entry->redacted > 0) {
		str_append_text(out, "  (");
		text_plural(out, (int64_t)entry->redacted, "place", NULL);
		str_append_text(out, " redacted)");
	}
	if (entry->why != NULL) {
		str_append_text(out, ": ");
		text_escape(out, bytes_of_string(entry->why), 0);
	}
	str_append_char(out, '\n');
}

static void show_list(struct str *out, const struct bundle *bundle)
{
	str_append_text(out, "What the support bundle has\n");
	for (size_t i = 0; i < bundle->count; i++)
		show_entry(out, &bundle->entries[i], false);
	if (bundle->left_out_count > 0)
		str_append_text(out, "What stays here\n");
	for (size_t i = 0; i < bundle->left_out_count; i++)
		show_entry(out, &bundle->left_out[i], true);
	str_append_format(out,
		"Passwords, keys and ids of documents are taken out%s.\n"
		"A secret that looks like none, in what a hook printed for example, is not seen:\n"
		"look before it leaves.\n",
		bundle->redaction.hosts ? ", hosts and addresses too" : "; hosts are not");
}

/* ---- the archive */

static int write_member(struct archive_writer *writer, const char *folder, const char *path,
	struct bytes content, struct err *err)
{
	CLEANUP_STR struct str name = STR_INIT;

	str_append_format(&name, "%s/%s", folder, path);
	int rc = str_check(&name, err);
	if (rc == 0)
		rc = archive_writer_file(writer, str_text(&name), (int64_t)content.size, err);
	if (rc == 0 && content.size > 0)
		rc = archive_writer_data(writer, content, err);
	return rc;
}

static int write_archive(const struct bundle *bundle, int fd, enum archive_form form,
	const char *folder, struct err *err)
{
	CLEANUP(archive_writer_cleanup) struct archive_writer *writer = NULL;
	CLEANUP_STR struct str contents = STR_INIT;
	struct json_writer json;
	int rc = archive_writer_new(fd, form, 0, &writer, err);

	json_write_begin(&json, &contents);
	write_contents(&json, bundle, NULL);
	str_append_char(&contents, '\n');
	if (rc == 0)
		rc = str_check(&contents, err);
	if (rc == 0)
		rc = write_member(writer, folder, contents_name, str_bytes(&contents), err);
	for (size_t i = 0; rc == 0 && i < bundle->count; i++)
		rc = write_member(
			writer, folder, bundle->entries[i].path, bundle->entries[i].content, err);
	return rc == 0 ? archive_writer_finish(writer, err) : rc;
}

static int hash_file(int fd, struct result *result, struct err *err)
{
	CLEANUP(sha256_stream_cleanup) struct sha256_stream *stream = NULL;
	int rc = sha256_stream_new(&stream, err);

	if (rc == 0 && lseek(fd, 0, SEEK_SET) != 0)
		rc = err_set(err, ERR_DISK, "cannot be read again");
	return rc == 0 ? sha256_of_file(stream, fd, &result->digest, &result->size, err) : rc;
}

static int check_free(int place, const char *name, const char *path, struct err *err)
{
	struct stat status;

	return fstatat(place, name, &status, AT_SYMLINK_NOFOLLOW) != 0
		       ? 0
		       : err_set(err, ERR_USAGE, "%s is there already and is left alone", path);
}

static int write_file(const struct bundle *bundle, const char *path, enum archive_form form,
	const char *folder, struct result *result, struct err *err)
{
	CLEANUP_FD int place = -1, fd = -1;
	CLEANUP_STR struct str name = STR_INIT;
	char temporary[PLACE_TEMPORARY_SIZE] = "";
	int rc = place_open(path, &place, &name, err);

	if (rc == 0)
		rc = check_free(place, str_text(&name), path, err);
	if (rc == 0)
		rc = place_temporary(place, false, temporary, &fd, err);
	if (rc == 0 && fchmod(fd, 0600) != 0)
		rc = err_set(err, ERR_DISK, "%s: its permissions cannot be set", path);
	if (rc == 0)
		rc = write_archive(bundle, fd, form, folder, err);
	if (rc == 0)
		rc = hash_file(fd, result, err);
	if (rc == 0)
		rc = place_rename(place, temporary, str_text(&name), err);
	if (rc < 0 && temporary[0] != '\0')
		(void)unlinkat(place, temporary, 0);
	if (rc == 0)
		result->path = path;
	return rc;
}

/* ---- the command */

static int consent(struct face *face, const struct bundle *bundle, const char *path, bool *ret_yes,
	struct err *err)
{
	CLEANUP_STR struct str list = STR_INIT;

	*ret_yes = true;
	show_list(&list, bundle);
	if (!face->json)
		face_say(face, &list);
	if (face->options.yes)
		return 0;
	CLEANUP_STR struct str question = STR_INIT, shown = STR_INIT;
	text_escape(&shown, bytes_of_string(path), 0);
	message_append(&question, face->language, MSG_WRITE_IT_TO, str_text(&shown));
	int rc = str_check(&question, err);
	return rc < 0 ? rc : prompt_yes(face, str_text(&question), ret_yes, err);
}

static void show_result(struct face *face, const struct bundle *bundle, const struct result *result)
{
	struct json_writer writer;
	char size[TEXT_SIZE_SIZE], hex[SHA256_HEX_SIZE];

	if (face->json) {
		json_write_begin(&writer, &face->result);
		write_contents(&writer, bundle, result);
		str_append_char(&face->result, '\n');
	} else if (result->path == NULL) {
		show_list(&face->result, bundle);
	} else {
		sha256_to_hex(&result->digest, hex);
		text_escape(&face->result, bytes_of_string(result->path), 0);
		str_append_format(&face->result, "\n%s, sha256 %s\n",
			text_size((uint64_t)result->size, size), hex);
	}
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const struct support_values *given = values;
	enum archive_form form = ARCHIVE_FORM_GZIP;
	struct result result = {.path = NULL};
	bool yes = true;

	(void)operand_count;
	(void)operands;
	if (given->run != NULL && !history_is_run_id(given->run))
		return err_set(err, ERR_USAGE, "%s is no run's name", given->run);
	if (given->out != NULL && !archive_form_by_ending(given->out, &form))
		return err_set(err, ERR_USAGE, "%s: a bundle's name ends in .tar.gz or .tar.zst",
			given->out);
	int rc = given->list ? 0 : session_need_consent(face, err);
	if (rc < 0)
		return rc;
	struct bundle *bundle = arena_alloc(&face->arena, sizeof *bundle);
	if (bundle == NULL)
		return err_no_memory(err);
	rc = bundle_gather(bundle, face, given->run, given->redact_hosts, err);
	if (rc < 0)
		return rc;
	const char *folder = arena_format(
		&face->arena, "offkit-support%s%s", bundle->run[0] != '\0' ? "-" : "", bundle->run);
	const char *path = given->out != NULL ? given->out
					      : arena_format(&face->arena, "%s.tar.gz",
							folder != NULL ? folder : "");
	if (folder == NULL || path == NULL)
		return err_no_memory(err);
	if (!given->list)
		rc = consent(face, bundle, path, &yes, err);
	if (rc == 0 && !yes)
		rc = err_set(err, ERR_CANCELLED, "not written");
	if (rc == 0 && !given->list)
		rc = write_file(bundle, path, form, folder, &result, err);
	if (rc == 0)
		show_result(face, bundle, &result);
	return rc;
}

const struct command command_support_bundle = {
	.name = "support-bundle",
	.synopsis = "",
	.summary = "what a vendor needs to help, redacted, in one archive",
	.options = options,
	.values_size = sizeof(struct support_values),
	.run = run,
};
