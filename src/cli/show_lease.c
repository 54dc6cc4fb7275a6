#include "cli/show_lease.h"

#include <string.h>

#include "base/cleanup.h"
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

static const char *state_of(const struct database_view *view)
{
	if (view->unknown != NULL)
		return "unknown";
	if (!view->leased || view->holder.token == 0 || view->holder.expires == 0)
		return "free";
	return lease_is_held(&view->holder) ? "held" : "expired";
}

static void show_stragglers(struct face *face, const struct database_view *view)
{
	struct str *out = &face->result;

	for (size_t i = 0; i < view->straggler_count; i++) {
		const struct straggler *straggler = &view->stragglers[i];
		str_append_format(out, "Left   %s ", face_sign(face, SIGN_WARN));
		text_escape(out, bytes_of_string(straggler->collection), 120);
		str_append_text(out, ": ");
		text_plural(out, straggler->count, "document", NULL);
		str_append_text(out, " of run ");
		text_escape(out, bytes_of_string(straggler->run), 64);
		str_append_text(out, ", which is undone (where ");
		text_escape(out, bytes_of_string(straggler->path), 120);
		str_append_text(out, " is its id): a batch that came late; delete them\n");
	}
}

static void show_known_run(
	struct face *face, const struct database_view *view, const char *newest_id)
{
	const struct ledger *ledger = &view->ledger;
	struct str *out = &face->result;

	if (view->behind != NULL) {
		str_append_format(out, "There  %s ", face_sign(face, SIGN_WARN));
		text_escape(out, bytes_of_string(view->behind), 0);
		str_append_format(out, "\n       %s\n", err_next(ERR_STATE_BEHIND));
		return;
	}
	if (!ledger->known || strcmp(ledger->run, newest_id) == 0)
		return;
	str_append_text(out, "There  run ");
	text_escape(out, bytes_of_string(ledger->run), 64);
	str_append_text(out, ", ");
	text_escape(out, bytes_of_string(ledger->state), 32);
	str_append_text(out, ", of host ");
	text_escape(out, bytes_of_string(ledger->host), 128);
	str_append_text(out, ", state folder ");
	text_escape(out, bytes_of_string(ledger->state_dir), 200);
	str_append_char(out, '\n');
}

void database_view_show(struct face *face, const struct database_view *view, const char *newest_id)
{
	struct str *out = &face->result;
	const char *state = state_of(view);

	if (!view->named || (view->unknown == NULL && !view->leased))
		return;
	str_append_text(out, "Lease  ");
	if (view->unknown != NULL) {
		str_append_text(out, "not known: ");
		text_escape(out, bytes_of_string(view->unknown), 300);
	} else if (strcmp(state, "free") == 0) {
		str_append_text(out, "free");
	} else {
		str_append_format(out, "%s: ", state);
		lease_describe(&view->holder, out);
	}
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
	json_member_string(writer, "state", state_of(view));
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
