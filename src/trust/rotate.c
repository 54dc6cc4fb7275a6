/* The next version of a root, member by member from the one before it. */
#include <string.h>

#include "base/cleanup.h"
#include "trust/root_internal.h"

struct rotation {
	const struct root_change *change;
	struct arena arena;
	const struct trust_root *old;
	bool removed[ROOT_KEYS_MAX]; /* of old->keys */
	struct key_entry *added;     /* change->added_count */
};

static bool is_called(const struct trust_key *key, const char *name)
{
	char hex[SHA256_HEX_SIZE];

	sha256_to_hex(public_key_fingerprint(key->key), hex);
	return strcmp(key->name, name) == 0 || strcmp(key->id, name) == 0 || strcmp(hex, name) == 0;
}

static int remove_key(struct rotation *rotation, const char *name, struct err *err)
{
	size_t found = 0;

	for (size_t i = 0; i < rotation->old->key_count; i++)
		if (is_called(&rotation->old->keys[i], name)) {
			rotation->removed[i] = true;
			found++;
		}
	if (found == 1)
		return 0;
	return err_set(err, ERR_USAGE,
		found == 0 ? "the root has no key %s"
			   : "the root has several keys %s: take a "
			     "fingerprint",
		name);
}

static int add_key(struct rotation *rotation, size_t index, struct err *err)
{
	const struct root_plan_key *plan = &rotation->change->added[index];
	const struct sha256 *fingerprint = public_key_fingerprint(plan->key);

	for (size_t i = 0; i < rotation->old->key_count; i++) {
		const struct trust_key *key = &rotation->old->keys[i];
		if (!rotation->removed[i] &&
			sha256_equal(public_key_fingerprint(key->key), fingerprint))
			return err_set(err, ERR_USAGE,
				"the root has the key %s already; to change what it does, remove "
				"and add it",
				key->name);
	}
	return trust_entry_make(plan, &rotation->added[index], err);
}

static bool is_removed(const struct rotation *rotation, const char *id)
{
	for (size_t i = 0; i < rotation->old->key_count; i++)
		if (rotation->removed[i] && strcmp(rotation->old->keys[i].id, id) == 0)
			return true;
	return false;
}

static int write_keys(const struct rotation *rotation, struct json_writer *json,
	const struct json *keys, struct err *err)
{
	int status = 0;

	json_member_object(json, "keys");
	for (const struct json *key = json_first(keys); key != NULL; key = json_next(key))
		if (!is_removed(rotation, json_name(key)))
			json_member_value(json, json_name(key), key);
	for (size_t i = 0; i < rotation->change->added_count && status == 0; i++)
		status = trust_entry_write(json, &rotation->added[i], err);
	if (status == 0)
		json_write_end(json);
	return status;
}

static bool has_duty(enum key_duty duty, const char *role)
{
	if (strcmp(role, "root") == 0)
		return duty == DUTY_BOTH || duty == DUTY_ROOT;
	return strcmp(role, "targets") == 0 && (duty == DUTY_BOTH || duty == DUTY_TARGETS);
}

static void write_keyids(const struct rotation *rotation, struct json_writer *json,
	const char *role, const struct json *ids)
{
	json_member_array(json, "keyids");
	for (const struct json *id = json_first(ids); id != NULL; id = json_next(id))
		if (!is_removed(rotation, json_string(id)))
			json_write_string(json, json_string(id));
	for (size_t i = 0; i < rotation->change->added_count; i++)
		if (has_duty(rotation->change->added[i].duty, role))
			json_write_string(json, rotation->added[i].id);
	json_write_end(json);
}

static unsigned new_threshold(const struct root_change *change, const char *role)
{
	return strcmp(role, "root") == 0      ? change->root_threshold
	       : strcmp(role, "targets") == 0 ? change->targets_threshold
					      : 0;
}

/* trust_root_parse has looked at the types. */
static void write_role(
	const struct rotation *rotation, struct json_writer *json, const struct json *role)
{
	const char *name = json_name(role);
	unsigned threshold = new_threshold(rotation->change, name);

	json_member_object(json, name);
	for (const struct json *member = json_first(role); member != NULL;
		member = json_next(member)) {
		if (strcmp(json_name(member), "keyids") == 0)
			write_keyids(rotation, json, name, member);
		else if (threshold > 0 && strcmp(json_name(member), "threshold") == 0)
			json_member_integer(json, "threshold", threshold);
		else
			json_member_value(json, json_name(member), member);
	}
	json_write_end(json);
}

static int write_signed(const struct rotation *rotation, struct json_writer *json,
	const struct json *part, struct err *err)
{
	int status = 0;

	json_member_object(json, "signed");
	for (const struct json *member = json_first(part); member != NULL && status == 0;
		member = json_next(member)) {
		const char *name = json_name(member);
		if (strcmp(name, "version") == 0) {
			json_member_integer(json, name, rotation->old->version + 1);
		} else if (strcmp(name, "expires") == 0) {
			json_member_time(json, name, rotation->change->expires);
		} else if (strcmp(name, "keys") == 0) {
			status = write_keys(rotation, json, member, err);
		} else if (strcmp(name, "roles") == 0) {
			json_member_object(json, name);
			for (const struct json *role = json_first(member); role != NULL;
				role = json_next(role))
				write_role(rotation, json, role);
			json_write_end(json);
		} else {
			json_member_value(json, name, member);
		}
	}
	if (status == 0)
		json_write_end(json);
	return status;
}

static int write_root(const struct rotation *rotation, const struct json *document, struct str *out,
	struct err *err)
{
	struct json_writer json;

	json_write_begin(&json, out);
	json_write_object(&json);
	json_member_array(&json, "signatures");
	json_write_end(&json);
	int status = write_signed(rotation, &json, json_member(document, "signed"), err);
	if (status < 0)
		return status;
	json_write_end(&json);
	str_append_char(out, '\n');
	return str_check(out, err);
}

static int prepare(struct rotation *rotation, struct err *err)
{
	const struct root_change *change = rotation->change;
	int status = 0;

	if (change->added_count > ROOT_KEYS_MAX)
		return err_set(err, ERR_LIMIT, "a root has at most %d keys", ROOT_KEYS_MAX);
	rotation->added =
		arena_array(&rotation->arena, change->added_count + 1, sizeof *rotation->added);
	if (rotation->added == NULL)
		return err_no_memory(err);
	for (size_t i = 0; i < change->removed_count && status == 0; i++)
		status = remove_key(rotation, change->removed[i], err);
	for (size_t i = 0; i < change->added_count && status == 0; i++)
		status = add_key(rotation, i, err);
	return status;
}

static void release(struct rotation *rotation)
{
	for (size_t i = 0; rotation->added != NULL && i < rotation->change->added_count; i++)
		str_release(&rotation->added[i].text);
	arena_release(&rotation->arena);
}

int trust_root_rotate(
	struct bytes old_text, const struct root_change *change, struct str *out, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *old = NULL, *root = NULL;
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	int status;

	if ((status = trust_root_parse(old_text, &old, err)) < 0 ||
		(status = json_parse(old_text, JSON_LIMITS(ROOT_SIZE_MAX), &doc, err)) < 0)
		return status;
	CLEANUP(release)
	struct rotation rotation = {.change = change, .arena = ARENA_INIT, .old = old};
	if ((status = prepare(&rotation, err)) < 0 ||
		(status = write_root(&rotation, json_root(doc), &text, err)) < 0 ||
		(status = trust_root_parse(str_bytes(&text), &root, err)) < 0)
		return status;
	str_append(out, text.text, text.size);
	return str_check(out, err);
}
