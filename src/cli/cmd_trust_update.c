/* offkit trust update FILE...: newer trust roots, from root files and from kits. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/face.h"
#include "text/text.h"
#include "trust/store.h"
#include "verify/root_pile.h"
#include "verify/verify.h"

struct values {
	struct option_list parts;
};

static const struct option update_options[] = {
	OPTION_ROW_LIST("parts", 0, "DIR", struct values, parts, "where else parts of a kit are"),
	OPTION_END,
};

struct step {
	int64_t version;
	struct sha256 digest;
	const char *source;
};

struct update {
	struct face *face;
	int state_dirfd;
	struct trust_root *root; /* in force before */
	struct root_pile pile;
	struct trust_chain chain;
	size_t step_count;
	struct step *steps; /* as many as the pile has offers */
};

static const char *source_of(const struct update *update, struct bytes text)
{
	for (size_t i = 0; i < update->pile.count; i++)
		if (update->pile.offers[i].untrusted_text.data == text.data)
			return update->pile.offers[i].name;
	return "";
}

static int keep(void *self, const struct trust_root *root, struct bytes text, struct err *err)
{
	struct update *update = self;
	const char *source = source_of(update, text);
	int rc = trust_store_keep(update->state_dirfd, root, text, source, err);

	if (rc == 0)
		update->steps[update->step_count++] =
			(struct step){trust_root_version(root), *trust_root_digest(root), source};
	return rc;
}

static int follow(struct update *update, struct err *err)
{
	const struct root_offer *offers = update->pile.offers;
	const struct root_keeper keeper = {update, keep};
	size_t count = update->pile.count;
	int rc = trust_chain_check_known(&update->chain, offers, count, err);

	if (rc == 0)
		rc = trust_chain_follow(&update->chain, offers, count, &keeper, err);
	if (rc == 0 && update->chain.missing > 0)
		rc = err_set(err, ERR_TRUST_GAP,
			"version %lld of the trust root is not among what was given",
			(long long)update->chain.missing);
	return rc;
}

/* Whatever happened: which root is in force is read again from what is kept. */
static int say_in_force(struct update *update, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	struct err ignored;

	if (trust_store_load(update->state_dirfd, &root, &ignored) < 0)
		return -(int)err->code;
	return err_context(err, "version %lld of the trust root is in force%s",
		(long long)trust_root_version(root), update->step_count > 0 ? " now" : " still");
}

/* TUF 5.3.10: the steps were made, and nothing may be trusted by a root that has expired. */
static int check_expiry(struct update *update, struct err *err)
{
	const struct verify_options options = {
		.state_dirfd = update->state_dirfd, .now = clock_now()};

	return rules_check_root(update->chain.in_force, &options, err);
}

static void show_text(const struct update *update)
{
	const struct trust_root *root = update->chain.in_force;
	struct face *face = update->face;
	struct str *out = &face->result;
	char expires[RFC3339_SIZE];

	time_format(trust_root_expires(root), expires);
	if (update->step_count == 0) {
		str_append_format(out, "%s ", face_text(face, MSG_NOTHING_NEWER_GIVEN));
		message_append(out, face->language, MSG_TRUST_ROOT_IN_FORCE,
			(long long)trust_root_version(root), expires);
	} else {
		message_append(out, face->language, MSG_TRUST_ROOT_UPDATED,
			(long long)trust_root_version(update->root),
			(long long)trust_root_version(root), expires);
	}
	str_append_char(out, '\n');
	face_append_fingerprint(out, trust_root_digest(root), "  ");
	for (size_t i = 0; i < update->step_count; i++) {
		CLEANUP_STR struct str source = STR_INIT;
		text_escape(&source, bytes_of_string(update->steps[i].source), 200);
		str_append_format(out, "%s ", face_sign(face, SIGN_GOOD));
		message_append(out, face->language, MSG_ROOT_FROM,
			(long long)update->steps[i].version, str_text(&source));
		str_append_char(out, '\n');
	}
	if (trust_root_is_demo(root))
		str_append_format(out, "%s %s\n", face_sign(face, SIGN_WARN),
			face_text(face, MSG_DEMO_ROOT_PROGRAM));
}

static void show_json(const struct update *update)
{
	const struct trust_root *root = update->chain.in_force;
	struct json_writer writer;
	char hex[SHA256_HEX_SIZE];

	json_write_begin(&writer, &update->face->result);
	json_write_object(&writer);
	json_member_integer(&writer, "from", trust_root_version(update->root));
	json_member_object(&writer, "trustRoot");
	json_member_integer(&writer, "version", trust_root_version(root));
	json_member_time(&writer, "expires", trust_root_expires(root));
	sha256_to_hex(trust_root_digest(root), hex);
	json_member_string(&writer, "digest", hex);
	json_member_bool(&writer, "demo", trust_root_is_demo(root));
	json_write_end(&writer);
	json_member_array(&writer, "steps");
	for (size_t i = 0; i < update->step_count; i++) {
		json_write_object(&writer);
		json_member_integer(&writer, "version", update->steps[i].version);
		sha256_to_hex(&update->steps[i].digest, hex);
		json_member_string(&writer, "digest", hex);
		json_member_string(&writer, "source", update->steps[i].source);
		json_write_end(&writer);
	}
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(&update->face->result, '\n');
}

static int collect(
	struct update *update, size_t operand_count, const char *const *operands, struct err *err)
{
	const struct verify_options how = {.state_dirfd = -1,
		.part_folder_count = update->face->parts.count,
		.part_folders = update->face->parts.items};
	int64_t version = trust_root_version(update->root);

	for (size_t i = 0; i < operand_count; i++) {
		update->face->object = operands[i];
		int rc = root_pile_add(&update->pile, operands[i], version, &how, err);
		if (rc < 0)
			return rc;
	}
	update->face->object = operand_count == 1 ? operands[0] : "the trust root";
	update->steps =
		arena_array(&update->face->arena, update->pile.count + 1, sizeof *update->steps);
	return update->steps == NULL ? err_no_memory(err) : 0;
}

static int run_update(
	struct update *update, size_t operand_count, const char *const *operands, struct err *err)
{
	int rc = collect(update, operand_count, operands, err);

	update->chain = trust_chain_begin(update->root);
	if (rc == 0)
		rc = follow(update, err);
	if (rc == 0)
		rc = check_expiry(update, err);
	if (rc < 0)
		return say_in_force(update, err);
	if (update->face->json)
		show_json(update);
	else
		show_text(update);
	return 0;
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	CLEANUP_FD int state_dirfd = -1;
	CLEANUP_FD int lock_fd = -1;
	struct update update = {.face = face, .pile = {.arena = ARENA_INIT}};

	face->parts = ((const struct values *)values)->parts;
	int rc = face_lock_state(face, "trust update", &state_dirfd, &lock_fd, err);
	update.state_dirfd = state_dirfd;
	if (rc == 0)
		rc = face_load_root(face, state_dirfd, &update.root, err);
	if (rc == 0)
		rc = run_update(&update, operand_count, operands, err);
	trust_chain_release(&update.chain);
	trust_root_free(update.root);
	root_pile_release(&update.pile);
	return rc;
}

const struct command command_trust_update = {
	.name = "trust update",
	.synopsis = "FILE...",
	.summary = "newer trust roots, from root files and from kits",
	.options = update_options,
	.values_size = sizeof(struct values),
	.operands_min = 1,
	.operands_max = SIZE_MAX,
	.run = run,
};
