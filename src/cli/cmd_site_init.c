/*
 * offkit site init: asks what a site file needs, says why it asks, and writes it with comments
 * (members whose name begins with "_", as offkit-site(5) has them). Overwrites nothing.
 */
#include <string.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/place.h"
#include "cli/commands.h"
#include "cli/prompt.h"
#include "cli/session.h"
#include "text/redact.h"
#include "text/text.h"
#include "text/words.h"

enum { TRIES = 3 };

static const struct option no_options[] = {OPTION_END};

enum member {
	NAME,
	ENVIRONMENT,
	DATABASE,
	URI_FILE,
	URI,
	STATE_DIR,
	BACKUP_DIR,
	OBJECT_STORE,
	COLLECTIONS,
	FREEZE,
	UNFREEZE,
	MEMBERS
};

/* ---- what an answer must be; NULL: it is good */

static const char *need_text(const char *answer)
{
	return *answer == '\0' ? "something has to stand here" : NULL;
}

static const char *need_environment(const char *answer)
{
	return strcmp(answer, "demo") == 0 || strcmp(answer, "staging") == 0 ||
			       strcmp(answer, "production") == 0
		       ? NULL
		       : "demo, staging or production";
}

static const char *need_database(const char *answer)
{
	return site_is_database_name(answer) ? NULL : "that is no name of a database";
}

static const char *need_path(const char *answer)
{
	return answer[0] == '/' ? NULL : "an absolute path";
}

static const char *need_path_or_none(const char *answer)
{
	return *answer == '\0' ? NULL : need_path(answer);
}

static const char *need_uri(const char *answer)
{
	struct bytes user, hosts;

	if (strncmp(answer, "mongodb://", 10) != 0 && strncmp(answer, "mongodb+srv://", 14) != 0)
		return "it begins with mongodb:// or mongodb+srv://";
	if (redact_uri_parts(bytes_of_string(answer), &user, &hosts) && user.size > 0 &&
		memchr(user.data, ':', user.size) != NULL)
		return "a URI with a password belongs in a file of its own: answer the question "
		       "before with its path";
	return NULL;
}

static const char *need_command(const char *answer)
{
	return *answer == '\0' || *answer == '/' ? NULL
						 : "it begins with the absolute path of a command";
}

/* Asked in this order. why stands before the question and, as a comment, in the file. */
static const struct question {
	const char *member, *question, *fallback, *why;
	const char *(*wrong)(const char *answer);
} QUESTIONS[MEMBERS] = {
	[NAME] = {"name", "Name of this site", "",
		"Shown in every header and report, so that nobody mistakes one site for another.",
		need_text},
	[ENVIRONMENT] = {"environment", "Environment: demo, staging or production", "staging",
		"Production asks for more before it begins.", need_environment},
	[DATABASE] = {"name", "Name of the database", "concelier",
		"The database that migrations change, and backups have.", need_database},
	[URI_FILE] = {"uriFile",
		"File with the database's URI, one line, mode 0600; none: ask for the URI", "",
		"A password stays out of this file, out of command lines and out of logs. TLS is "
		"set in the URI: ?tls=true&tlsCAFile=/path/of/ca.pem",
		need_path_or_none},
	[URI] = {"uri", "URI of the database, without a password", "mongodb://localhost:27017/",
		"The server or servers. OFFKIT_MONGODB_URI in the environment goes before it. TLS "
		"is "
		"set here: ?tls=true&tlsCAFile=/path/of/ca.pem",
		need_uri},
	[STATE_DIR] = {"stateDir", "Folder for journals, evidence and installed kits",
		"/var/lib/offkit",
		"What was done is kept here; a run that was interrupted goes on from it.",
		need_path},
	[BACKUP_DIR] = {"backupDir", "Folder for backups; none: in the folder before", "",
		"It needs room for the whole database; best on a disk of its own.",
		need_path_or_none},
	[OBJECT_STORE] = {"objectStore", "Folder of the object store; none: in the folder before",
		"", "Where a migration of the kind object-store copies payloads from GridFS.",
		need_path_or_none},
	[COLLECTIONS] = {"collections", "Collections that ingest writes, separated by blanks", "",
		"While ingest is frozen nothing may write into them: silence is looked for there.",
		NULL},
	[FREEZE] = {"freeze", "Command that stops ingest; none: it is stopped by hand", "",
		"Run before the backup. It belongs to root, is writable by nobody else, and is "
		"safe to "
		"run twice.",
		need_command},
	[UNFREEZE] = {"unfreeze", "Command that starts ingest again", "",
		"Run after validation, when you have said so.", need_command},
};

/* ---- asking */

static bool is_needed(enum member member, const struct str *answers)
{
	if (member == URI)
		return answers[URI_FILE].size == 0;
	return member != UNFREEZE || answers[FREEZE].size > 0;
}

/* Defaults for scripts: this machine's name, and what stands in the brackets. */
static const char *fallback_of(enum member member, const struct utsname *machine)
{
	return member == NAME ? machine->nodename : QUESTIONS[member].fallback;
}

static int ask_one(struct face *face, enum member member, const char *fallback, struct str *answer,
	struct err *err)
{
	const struct question *question = &QUESTIONS[member];

	CLEANUP_STR struct str why = STR_INIT;

	text_wrap(&why, question->why, 0);
	(void)fprintf(stderr, "\n%s", str_text(&why));
	for (int i = 0; i < TRIES; i++) {
		int rc = prompt_line(face, question->question, fallback, answer, err);
		if (rc < 0)
			return rc;
		const char *wrong =
			question->wrong != NULL ? question->wrong(str_text(answer)) : NULL;
		if (wrong == NULL && utf8_valid(str_bytes(answer)))
			return 0;
		face_note(face, "  %s", wrong != NULL ? wrong : "it is not UTF-8");
	}
	return err_set(err, ERR_USAGE, "%s: no answer that can be used", question->member);
}

static int ask(struct face *face, struct str *answers, struct err *err)
{
	struct utsname machine = {.nodename = ""};

	(void)uname(&machine);
	for (enum member member = 0; member < MEMBERS; member++) {
		const char *fallback = fallback_of(member, &machine);
		if (!is_needed(member, answers))
			continue;
		if (face->options.yes)
			str_append_text(&answers[member], fallback);
		else if (ask_one(face, member, fallback, &answers[member], err) < 0)
			return -err->code;
		if (str_check(&answers[member], err) < 0)
			return -err->code;
	}
	return 0;
}

/* ---- writing: a member a line, so that it can be read and changed by hand */

struct page {
	struct str text;
	unsigned depth;
	bool begun; /* something stands in the innermost object */
};

static void page_line(struct page *page, const char *name)
{
	struct json_writer writer;

	str_append_text(&page->text, page->begun ? ",\n" : "\n");
	page->begun = true;
	for (unsigned i = 0; i < page->depth; i++)
		str_append_text(&page->text, "  ");
	json_write_begin(&writer, &page->text);
	json_write_string(&writer, name);
	str_append_text(&page->text, ": ");
}

static void page_string(struct page *page, const char *name, const char *text)
{
	struct json_writer writer;

	page_line(page, name);
	json_write_begin(&writer, &page->text);
	json_write_string(&writer, text);
}

static void page_open(struct page *page, const char *name)
{
	if (name != NULL)
		page_line(page, name);
	str_append_char(&page->text, '{');
	page->depth++;
	page->begun = false;
}

static void page_close(struct page *page)
{
	page->depth--;
	str_append_char(&page->text, '\n');
	for (unsigned i = 0; i < page->depth; i++)
		str_append_text(&page->text, "  ");
	str_append_char(&page->text, '}');
	page->begun = true;
}

/* The comment and, unless nothing was answered, the member; without one the comment says so. */
static void page_member(struct page *page, enum member member, const struct str *answers)
{
	const struct question *question = &QUESTIONS[member];
	char comment[64];

	(void)snprintf(comment, sizeof comment, "_%s", question->member);
	page_string(page, comment, question->why);
	if (answers[member].size > 0)
		page_string(page, question->member, str_text(&answers[member]));
}

static int page_words(
	struct page *page, const char *name, const char *text, struct arena *arena, struct err *err)
{
	const char *const *words;
	struct json_writer writer;

	if (*text == '\0')
		return 0;
	int rc = words_split(text, arena, &words, err);
	if (rc < 0)
		return rc;
	page_line(page, name);
	json_write_begin(&writer, &page->text);
	json_write_array(&writer);
	for (; *words != NULL; words++)
		json_write_string(&writer, *words);
	json_write_end(&writer);
	return 0;
}

static int page_hook(struct page *page, enum member member, const struct str *answers,
	struct arena *arena, struct err *err)
{
	if (answers[member].size == 0)
		return 0;
	page_open(page, QUESTIONS[member].member);
	page_string(page, "_argv", QUESTIONS[member].why);
	int rc = page_words(page, "argv", str_text(&answers[member]), arena, err);
	page_close(page);
	return rc;
}

static int write_page(
	struct page *page, const struct str *answers, struct arena *arena, struct err *err)
{
	page_open(page, NULL);
	page_string(page, "_about",
		"The site file of offkit: see offkit-site(5). A member whose name begins with _ is "
		"a "
		"comment. offkit site check looks it over.");
	page_member(page, NAME, answers);
	page_member(page, ENVIRONMENT, answers);
	page_open(page, "database");
	page_member(page, DATABASE, answers);
	page_member(page, answers[URI_FILE].size > 0 ? URI_FILE : URI, answers);
	page_close(page);
	page_member(page, STATE_DIR, answers);
	page_member(page, BACKUP_DIR, answers);
	page_member(page, OBJECT_STORE, answers);
	page_open(page, "ingest");
	page_string(page, "_collections", QUESTIONS[COLLECTIONS].why);
	int rc = page_words(page, "collections", str_text(&answers[COLLECTIONS]), arena, err);
	if (rc == 0)
		rc = page_hook(page, FREEZE, answers, arena, err);
	if (rc == 0)
		rc = page_hook(page, UNFREEZE, answers, arena, err);
	page_close(page);
	page_close(page);
	str_append_char(&page->text, '\n');
	return rc < 0 ? rc : str_check(&page->text, err);
}

static int write_site(
	struct face *face, const char *path, const struct str *answers, struct err *err)
{
	struct page page = {.text = STR_INIT};
	int rc = write_page(&page, answers, &face->arena, err);

	if (rc == 0)
		rc = place_new_file(path, str_bytes(&page.text), 0600, err);
	str_release(&page.text);
	return rc;
}

/* Before anything is asked, too. */
static int check_free(const char *path, struct err *err)
{
	struct stat status;

	return lstat(path, &status) != 0
		       ? 0
		       : err_set(err, ERR_USAGE, "%s is there already and is left alone", path);
}

static void show_result(struct face *face, const char *path)
{
	struct json_writer writer;

	if (face->json) {
		json_write_begin(&writer, &face->result);
		json_write_object(&writer);
		json_member_string(&writer, "site", path);
		json_write_end(&writer);
		str_append_char(&face->result, '\n');
		return;
	}
	text_escape(&face->result, bytes_of_string(path), 0);
	str_append_text(&face->result, " is written. Next: offkit site check --connect --site ");
	text_escape(&face->result, bytes_of_string(path), 0);
	str_append_char(&face->result, '\n');
}

static int run(struct face *face, const void *values, size_t operand_count,
	const char *const *operands, struct err *err)
{
	const char *path = operand_count > 0		? operands[0]
			   : face->options.site != NULL ? face->options.site
							: SITE_DEFAULT_PATH;
	struct str answers[MEMBERS] = {0};

	(void)values;
	int rc = session_need_consent(face, err);
	if (rc == 0)
		rc = check_free(path, err);
	if (rc == 0)
		rc = ask(face, answers, err);
	if (rc == 0)
		rc = write_site(face, path, answers, err);
	if (rc == 0)
		show_result(face, path);
	for (enum member member = 0; member < MEMBERS; member++)
		str_release(&answers[member]);
	return rc;
}

const struct command command_site_init = {
	.name = "site init",
	.synopsis = "[FILE]",
	.summary = "ask what a site file needs, and write it with comments",
	.options = no_options,
	.operands_max = 1,
	.run = run,
};
