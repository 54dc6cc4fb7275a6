/*
 * offkit site init: asks what a site file needs, says why it asks, and writes it with comments
 * (members whose name begins with "_", as offkit-site(5) has them). Overwrites nothing.
 */
#include <errno.h>
#include <fcntl.h>
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

enum { TRIES = 10, PATH_SIZE_MAX = 1024 };

static const struct option no_options[] = {OPTION_END};

enum member {
	NAME,
	ENVIRONMENT,
	STAGING_KEY,
	DATABASE,
	URI_FILE,
	URI,
	STATE_DIR,
	BACKUP_DIR,
	OBJECT_STORE,
	S3_ENDPOINT,
	S3_CA,
	S3_REGION,
	S3_BUCKET,
	S3_PREFIX,
	S3_STYLE,
	S3_CREDENTIALS,
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
	return answer[0] == '/' && strlen(answer) <= PATH_SIZE_MAX ? NULL : "an absolute path";
}

static const char *need_path_or_none(const char *answer)
{
	return *answer == '\0' ? NULL : need_path(answer);
}

static const char *need_style(const char *answer)
{
	return strcmp(answer, "path") == 0 || strcmp(answer, "virtual") == 0 ? NULL
									     : "path or virtual";
}

static const char *need_store(const char *answer)
{
	return *answer == '\0' || *answer == '/' || strcmp(answer, "s3") == 0
		       ? NULL
		       : "an absolute path, or s3";
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
	[STAGING_KEY] = {"stagingKey",
		"File with the public key of staging, its site-key.pub; none: there is none", "",
		"Production asks for staging's receipt of the same kit, which this key has signed.",
		need_path_or_none},
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
		SITE_DEFAULT_STATE_DIR,
		"What was done is kept here; a run that was interrupted goes on from it.",
		need_path},
	[BACKUP_DIR] = {"backupDir", "Folder for backups; none: in the folder before", "",
		"It needs room for the whole database; best on a disk of its own.",
		need_path_or_none},
	[OBJECT_STORE] = {"objectStore",
		"Folder of the object store; s3: a bucket; none: in the folder of journals", "",
		"Where a migration of the kind object-store copies payloads from GridFS.",
		need_store},
	[S3_ENDPOINT] = {"endpoint", "Server of the bucket", "",
		"https://HOST[:PORT] of a server that speaks Amazon S3's API. With http whoever is "
		"on the way reads the payloads.",
		need_text},
	[S3_CA] = {"ca", "File with the authorities of its certificate, in PEM", "",
		"There are no others: those of this machine are not asked.", need_path},
	[S3_REGION] = {"region", "Region", "us-east-1", "As the server has it; many take any name.",
		need_text},
	[S3_BUCKET] = {"bucket", "Bucket", "", "It has to be there: nothing here makes one.",
		need_text},
	[S3_PREFIX] = {"prefix", "What stands before each key; none: nothing", "",
		"Such as vault-3/objects. What else is in the bucket is neither read nor changed.",
		NULL},
	[S3_STYLE] = {"style", "Style of its addresses: path or virtual", "path",
		"path is HOST/BUCKET, virtual is BUCKET.HOST.", need_style},
	[S3_CREDENTIALS] = {"credentials",
		"File with its keys, mode 0600; none: they are in the environment", "",
		"The keys themselves stand neither here nor on a screen. The file has the lines "
		"aws_access_key_id = KEY and aws_secret_access_key = KEY; without one "
		"AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are taken.",
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

/* ---- which are asked, and for what by default */

static bool is_bucket(const struct str *answers)
{
	return strcmp(str_text(&answers[OBJECT_STORE]), "s3") == 0;
}

static bool is_needed(enum member member, const struct str *answers)
{
	if (member == STAGING_KEY)
		return strcmp(str_text(&answers[ENVIRONMENT]), "production") == 0;
	if (member == URI)
		return answers[URI_FILE].size == 0;
	if (member == S3_CA)
		return strncmp(str_text(&answers[S3_ENDPOINT]), "https://", 8) == 0;
	if (member >= S3_ENDPOINT && member <= S3_CREDENTIALS)
		return is_bucket(answers);
	return member != UNFREEZE || answers[FREEZE].size > 0;
}

/* Defaults for scripts: this machine's name, and what stands in the brackets. */
static const char *fallback_of(enum member member, const struct utsname *machine)
{
	return member == NAME ? machine->nodename : QUESTIONS[member].fallback;
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

static void page_object_store(struct page *page, const struct str *answers)
{
	if (!is_bucket(answers)) {
		page_member(page, OBJECT_STORE, answers);
		return;
	}
	page_string(page, "_objectStore", QUESTIONS[OBJECT_STORE].why);
	page_open(page, QUESTIONS[OBJECT_STORE].member);
	page_string(page, "kind", "s3");
	for (enum member member = S3_ENDPOINT; member <= S3_CREDENTIALS; member++)
		if (is_needed(member, answers))
			page_member(page, member, answers);
	page_close(page);
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
	if (is_needed(STAGING_KEY, answers))
		page_member(page, STAGING_KEY, answers);
	page_open(page, "database");
	page_member(page, DATABASE, answers);
	page_member(page, answers[URI_FILE].size > 0 ? URI_FILE : URI, answers);
	page_close(page);
	page_member(page, STATE_DIR, answers);
	page_member(page, BACKUP_DIR, answers);
	page_object_store(page, answers);
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

/* ---- asking */

/*
 * Whether a site file may have this answer, by the reader of site files itself: what was not asked
 * yet is something good, and the files that are named need not be there yet.
 */
static int try_answer(
	struct face *face, enum member member, const struct str *answers, struct err *err)
{
	static const struct {
		enum member member;
		const char *text;
	} STAND_INS[] = {{NAME, "a"}, {ENVIRONMENT, "demo"}, {DATABASE, "a"}, {URI, "mongodb://a/"},
		{S3_ENDPOINT, "http://a"}, {S3_BUCKET, "aaa"}};
	struct str tried[MEMBERS] = {0};
	struct page page = {.text = STR_INIT};

	for (enum member i = 0; i <= member; i++)
		str_append(&tried[i], str_text(&answers[i]), answers[i].size);
	str_truncate(&tried[URI_FILE], 0);
	for (size_t i = 0; i < sizeof STAND_INS / sizeof STAND_INS[0]; i++)
		if (tried[STAND_INS[i].member].size == 0)
			str_append_text(&tried[STAND_INS[i].member], STAND_INS[i].text);
	int rc = write_page(&page, tried, &face->arena, err);
	if (rc == 0)
		rc = site_check_text(str_bytes(&page.text), &face->arena, err);
	str_release(&page.text);
	for (enum member i = 0; i < MEMBERS; i++)
		str_release(&tried[i]);
	return rc;
}

static int ask_one(struct face *face, enum member member, const char *fallback, struct str *answers,
	struct err *err)
{
	struct str *answer = &answers[member];
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
		if (wrong == NULL && !utf8_valid(str_bytes(answer)))
			wrong = "it is not UTF-8";
		if (wrong == NULL && try_answer(face, member, answers, err) < 0) {
			if (err->code == ERR_NO_MEMORY)
				return -err->code;
			wrong = err->message;
		}
		if (wrong == NULL)
			return 0;
		face_note(face, "  %s", wrong);
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
		else if (ask_one(face, member, fallback, answers, err) < 0)
			return -err->code;
		if (str_check(&answers[member], err) < 0)
			return -err->code;
	}
	return 0;
}

/* ---- the file */

static int write_site(
	struct face *face, const char *path, const struct str *answers, struct err *err)
{
	struct page page = {.text = STR_INIT};
	int rc = write_page(&page, answers, &face->arena, err);

	if (rc == 0)
		rc = place_new_file(path, str_bytes(&page.text), 0600, err);
	if (rc < 0 && err->code != ERR_NO_MEMORY && err->code != ERR_USAGE)
		rc = err_recode(err, ERR_NOT_WRITTEN);
	str_release(&page.text);
	return rc;
}

/* Before anything is asked: nobody answers all that in vain. */
static int check_free(const char *path, struct err *err)
{
	CLEANUP_FD int fd = -1;
	CLEANUP_STR struct str name = STR_INIT;
	struct stat status;

	if (lstat(path, &status) == 0)
		return err_set(err, ERR_USAGE, "%s is there already and is left alone", path);
	if (place_open(path, &fd, &name, err) < 0)
		return err->code == ERR_NO_MEMORY ? -(int)err->code
						  : err_recode(err, ERR_NOT_WRITTEN);
	if (faccessat(fd, ".", W_OK | X_OK, AT_EACCESS) != 0)
		return err_set_errno(err, ERR_NOT_WRITTEN, errno, "%s", path);
	return 0;
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
