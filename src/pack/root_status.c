#include "pack/root_status.h"

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "json/json_write.h"
#include "pack/root_changes.h"
#include "text/text.h"

/* Whose signatures a root needs: the keys of the one before it, or its own. */
struct need {
	const struct trust_root *signer; /* NULL: not known */
	const struct trust_role *role;
	bool has_signed[ROOT_KEYS_MAX];
	size_t count;
};

struct status {
	const struct trust_root *root;
	struct need needs[2];
	bool complete;
};

static int look(struct status *status, const struct trust_root *root,
	const struct trust_root *previous, struct err *err)
{
	const struct trust_root *signers[] = {previous, root};

	status->root = root;
	status->complete = true;
	for (size_t i = 0; i < 2; i++) {
		struct need *need = &status->needs[i];
		if (signers[i] == NULL)
			continue;
		need->signer = signers[i];
		need->role = trust_root_role(signers[i], "root");
		int rc = trust_root_count(root, signers[i], need->has_signed, &need->count, err);
		if (rc < 0)
			return rc;
		if (need->count < need->role->threshold)
			status->complete = false;
	}
	return 0;
}

static void append_names(struct str *out, const struct need *need, bool has_signed)
{
	size_t shown = 0;

	for (size_t i = 0; i < need->role->key_count; i++) {
		if (need->has_signed[i] != has_signed)
			continue;
		str_append_text(out, shown++ > 0 ? ", " : "");
		text_escape(out, bytes_of_string(need->role->keys[i]->name), 60);
	}
	if (shown == 0)
		str_append_text(out, "nobody");
}

static void show_need(struct str *out, const struct need *need, const struct trust_root *root)
{
	if (need->signer == root)
		str_append_text(out, "  by its own keys");
	else
		str_append_format(out, "  by the keys of version %lld",
			(long long)trust_root_version(need->signer));
	str_append_format(out, ": %zu of the %u that are needed; signed: ", need->count,
		need->role->threshold);
	append_names(out, need, true);
	if (need->count < need->role->threshold) {
		str_append_text(out, "; still missing: ");
		append_names(out, need, false);
	}
	str_append_char(out, '\n');
}

static void show_text(struct face *face, const char *path, const struct status *status)
{
	struct str *out = &face->result;
	int64_t version = trust_root_version(status->root);
	char expires[RFC3339_SIZE];

	time_format(trust_root_expires(status->root), expires);
	str_append_format(out, "%s: version %lld, expires %s: %s\n", path, (long long)version,
		expires,
		!status->complete ? "not signed by enough yet"
		: version == 1 || status->needs[0].signer != NULL
			? "signed by enough of its keys"
			: "signed by enough of its own keys");
	for (size_t i = 0; i < 2; i++)
		if (status->needs[i].signer != NULL)
			show_need(out, &status->needs[i], status->root);
	if (version > 1 && status->needs[0].signer == NULL)
		str_append_format(out,
			"  by the keys of version %lld: not looked at; --previous names that "
			"root\n",
			(long long)version - 1);
}

static void write_names(
	struct json_writer *writer, const char *name, const struct need *need, bool has_signed)
{
	json_member_array(writer, name);
	for (size_t i = 0; i < need->role->key_count; i++)
		if (need->has_signed[i] == has_signed)
			json_write_string(writer, need->role->keys[i]->name);
	json_write_end(writer);
}

static int show_json(struct face *face, const char *path, const struct status *status,
	const struct trust_root *previous, struct err *err)
{
	struct json_writer writer;

	json_write_begin(&writer, &face->result);
	json_write_object(&writer);
	json_member_string(&writer, "root", path);
	json_member_integer(&writer, "version", trust_root_version(status->root));
	json_member_time(&writer, "expires", trust_root_expires(status->root));
	int rc = root_changes_json(status->root, previous, &writer, err);
	if (rc < 0)
		return rc;
	json_member_bool(&writer, "complete", status->complete);
	json_member_array(&writer, "needs");
	for (size_t i = 0; i < 2; i++) {
		const struct need *need = &status->needs[i];
		if (need->signer == NULL)
			continue;
		json_write_object(&writer);
		json_member_integer(&writer, "version", trust_root_version(need->signer));
		json_member_integer(&writer, "threshold", need->role->threshold);
		write_names(&writer, "signed", need, true);
		write_names(&writer, "missing", need, false);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(&face->result, '\n');
	return 0;
}

static int show(struct face *face, const char *path, struct bytes text,
	const struct trust_root *previous, bool with_changes, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	struct status status = {0};
	int rc = trust_root_parse(text, &root, err);

	if (rc == 0)
		rc = look(&status, root, previous, err);
	if (rc < 0)
		return rc;
	if (face->json)
		return show_json(face, path, &status, previous, err);
	if (with_changes)
		rc = root_changes_text(path, root, previous, &face->result, err);
	if (rc == 0)
		show_text(face, path, &status);
	return rc;
}

int root_status_show(struct face *face, const char *path, struct bytes text,
	const struct trust_root *previous, struct err *err)
{
	return show(face, path, text, previous, true, err);
}

int root_status_show_signed(struct face *face, const char *path, struct bytes text,
	const struct trust_root *previous, struct err *err)
{
	return show(face, path, text, previous, false, err);
}

int root_previous_load(const char *path, struct trust_root **ret_root, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	int rc;

	if (path == NULL) {
		*ret_root = NULL;
		return 0;
	}
	if ((rc = file_read_path(path, ROOT_SIZE_MAX, &text, err)) < 0)
		return rc;
	rc = trust_root_parse(str_bytes(&text), ret_root, err);
	return rc < 0 ? err_context(err, "%s", path) : 0;
}
