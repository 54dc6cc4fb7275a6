#include "cli/show_lease.h"

#include <string.h>

#include "base/cleanup.h"
#include "cli/show_run.h"
#include "text/text.h"

enum { PATIENCE = 2000 }; /* ms */

/* ---- asking */

static void found_straggler(void *argument, const char *run, const struct mark *mark, int64_t count)
{
	struct database_view *view = argument;

	if (view->straggler_count < STRAGGLERS_MAX)
		view->stragglers[view->straggler_count++] =
			(struct straggler){run, mark->collection, mark->path, count};
}

/* Whether a resume would be refused. A journal that cannot be read is told of its own. */
static int judge(
	struct face *face, const struct site *site, struct database_view *view, struct err *err)
{
	CLEANUP_FD int state_dirfd = -1;
	struct err judgement;
	int rc = face_open_state(face, &state_dirfd, err);

	if (rc < 0)
		return rc;
	rc = ledger_judge_here(state_dirfd, site->state_dir, &view->ledger, &judgement);
	if (rc != -ERR_STATE_BEHIND)
		return 0;
	view->behind = arena_string(&face->arena, judgement.message);
	return view->behind == NULL ? err_no_memory(err) : 0;
}

static int ask(
	struct face *face, const struct site *site, struct database_view *view, struct err *err)
{
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	CLEANUP_STR struct str doc = STR_INIT;

	mongo_library_begin();
	int rc = mongo_connect_within(site->uri, site->database, PATIENCE, &mongo, err);
	if (rc == 0)
		rc = lease_look(mongo, &doc, err);
	view->leased = rc == 0 && doc.size > 0;
	if (rc == 0 && view->leased)
		rc = lease_holder_read(str_bytes(&doc), &face->arena, &view->holder, err);
	if (rc == 0)
		rc = ledger_read(str_bytes(&doc), &face->arena, &view->ledger, err);
	if (rc == 0)
		rc = ledger_stragglers(&view->ledger, mongo, found_straggler, view, err);
	if (rc == 0 && ledger_is_open(&view->ledger))
		rc = judge(face, site, view, err);
	return rc;
}

void database_view_find(struct face *face, struct database_view *view)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	struct site site;
	struct err err;

	*view = (struct database_view){0};
	/* Without a site file, status is about the state folder alone. */
	if (site_load(face->options.site, face->options.state_dir, &face->arena, &site, &err) < 0)
		return;
	view->named = true;
	int rc = face_load_root(face, -1, &root, &err);
	if (rc == 0)
		rc = face_check_root(&site, root, &err);
	if (rc == 0)
		rc = ask(face, &site, view, &err);
	if (rc < 0)
		view->unknown = arena_string(&face->arena, err.message);
	if (rc < 0 && view->unknown == NULL)
		view->unknown = "out of memory";
}

/* ---- showing */

enum lease_standing { LEASE_IS_UNKNOWN, LEASE_IS_FREE, LEASE_IS_HELD, LEASE_IS_EXPIRED };

static const struct {
	const char *name; /* in JSON */
	enum message said;
} STANDINGS[] = {
	[LEASE_IS_UNKNOWN] = {"unknown", MSG_STATUS_NOT_KNOWN},
	[LEASE_IS_FREE] = {"free", MSG_LEASE_FREE},
	[LEASE_IS_HELD] = {"held", MSG_LEASE_HELD},
	[LEASE_IS_EXPIRED] = {"expired", MSG_LEASE_EXPIRED},
};

static enum lease_standing standing_of(const struct database_view *view)
{
	if (view->unknown != NULL)
		return LEASE_IS_UNKNOWN;
	if (!view->leased || view->holder.token == 0 || view->holder.expires == 0)
		return LEASE_IS_FREE;
	return lease_is_held(&view->holder) ? LEASE_IS_HELD : LEASE_IS_EXPIRED;
}

static void begin_row(struct face *face, enum message label)
{
	message_append_label(&face->result, face->language, label, SHOW_RUN_LABEL);
}

static void append_straggler(struct face *face, const struct straggler *straggler)
{
	CLEANUP_STR struct str run = STR_INIT, path = STR_INIT;
	char count[TEXT_COUNT_SIZE];

	text_escape(&run, bytes_of_string(straggler->run), 64);
	text_escape(&path, bytes_of_string(straggler->path), 120);
	(void)text_count(straggler->count, count);
	if (straggler->count == 1)
		message_append(&face->result, face->language, MSG_STATUS_ONE_STRAGGLER, count,
			str_text(&run), str_text(&path));
	else
		message_append(&face->result, face->language, MSG_STATUS_STRAGGLERS, count,
			str_text(&run), str_text(&path));
	str_append_char(&face->result, '\n');
}

static void show_stragglers(struct face *face, const struct database_view *view)
{
	struct str *out = &face->result;

	for (size_t i = 0; i < view->straggler_count; i++) {
		const struct straggler *straggler = &view->stragglers[i];
		begin_row(face, MSG_STATUS_LEFT);
		str_append_format(out, "%s ", face_sign(face, SIGN_WARN));
		text_escape(out, bytes_of_string(straggler->collection), 120);
		str_append_text(out, ": ");
		append_straggler(face, straggler);
	}
}

static void show_known_run(
	struct face *face, const struct database_view *view, const char *newest_id)
{
	CLEANUP_STR struct str run = STR_INIT, state = STR_INIT, host = STR_INIT;
	CLEANUP_STR struct str state_dir = STR_INIT;
	const struct ledger *ledger = &view->ledger;
	struct str *out = &face->result;

	if (view->behind != NULL) {
		begin_row(face, MSG_STATUS_THERE);
		str_append_format(out, "%s ", face_sign(face, SIGN_WARN));
		text_escape(out, bytes_of_string(view->behind), 0);
		str_append_char(out, '\n');
		begin_row(face, MSG_NONE);
		str_append_format(
			out, "%s\n", message_of_record(face->language, err_next(ERR_STATE_BEHIND)));
		return;
	}
	if (!ledger->known || strcmp(ledger->run, newest_id) == 0)
		return;
	text_escape(&run, bytes_of_string(ledger->run), 64);
	text_escape(&state, bytes_of_string(ledger->state), 32);
	text_escape(&host, bytes_of_string(ledger->host), 128);
	text_escape(&state_dir, bytes_of_string(ledger->state_dir), 200);
	begin_row(face, MSG_STATUS_THERE);
	message_append(out, face->language, MSG_STATUS_RUN_THERE, str_text(&run),
		message_of_record(face->language, str_text(&state)), str_text(&host),
		str_text(&state_dir));
	str_append_char(out, '\n');
}

void database_view_show(struct face *face, const struct database_view *view, const char *newest_id)
{
	struct str *out = &face->result;
	enum lease_standing standing = standing_of(view);

	if (!view->named || (view->unknown == NULL && !view->leased))
		return;
	begin_row(face, MSG_STATUS_LEASE);
	str_append_text(out, face_text(face, STANDINGS[standing].said));
	str_append_text(out, standing == LEASE_IS_FREE ? "" : ": ");
	if (standing == LEASE_IS_UNKNOWN)
		text_escape(out, bytes_of_string(view->unknown), 300);
	else if (standing != LEASE_IS_FREE)
		lease_describe(face->language, &view->holder, out);
	str_append_char(out, '\n');
	show_known_run(face, view, newest_id);
	show_stragglers(face, view);
}

static void write_holder(const struct lease_holder *holder, struct json_writer *writer)
{
	json_member_string(writer, "run", holder->owner);
	json_member_string(writer, "host", holder->host);
	json_member_integer(writer, "pid", holder->pid);
	json_member_string(writer, "command", holder->command);
	json_member_integer(writer, "token", holder->token);
	json_member_time(writer, "since", holder->since);
	if (holder->expires != 0)
		json_member_time(writer, "until", holder->expires);
}

static void write_known_run(const struct database_view *view, struct json_writer *writer)
{
	const struct ledger *ledger = &view->ledger;

	json_member_object(writer, "run");
	json_member_string(writer, "id", ledger->run);
	json_member_string(writer, "state", ledger->state);
	json_member_string(writer, "host", ledger->host);
	json_member_string(writer, "stateDir", ledger->state_dir);
	json_member_integer(writer, "events", ledger->head.seq);
	json_member_string(writer, "head", ledger->head.hash);
	if (view->behind != NULL)
		json_member_string(writer, "behind", view->behind);
	json_write_end(writer);
}

void database_view_write(const struct database_view *view, struct json_writer *writer)
{
	if (!view->named)
		return;
	json_member_object(writer, "database");
	json_member_object(writer, "lease");
	json_member_string(writer, "state", STANDINGS[standing_of(view)].name);
	if (view->unknown != NULL)
		json_member_string(writer, "text", view->unknown);
	else if (view->leased && view->holder.token > 0)
		write_holder(&view->holder, writer);
	json_write_end(writer);
	if (view->ledger.known)
		write_known_run(view, writer);
	json_member_array(writer, "stragglers");
	for (size_t i = 0; i < view->straggler_count; i++) {
		json_write_object(writer);
		json_member_string(writer, "run", view->stragglers[i].run);
		json_member_string(writer, "collection", view->stragglers[i].collection);
		json_member_string(writer, "path", view->stragglers[i].path);
		json_member_integer(writer, "documents", view->stragglers[i].count);
		json_write_end(writer);
	}
	json_write_end(writer);
	json_write_end(writer);
}
