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

/* ---- what an answer must be; MSG_NONE: it is good */

static enum message need_text(const char *answer)
{
	return *answer == '\0' ? MSG_NEED_TEXT : MSG_NONE;
}

static enum message need_environment(const char *answer)
{
	return strcmp(answer, "demo") == 0 || strcmp(answer, "staging") == 0 ||
			       strcmp(answer, "production") == 0
		       ? MSG_NONE
		       : MSG_NEED_ENVIRONMENT;
}

static enum message need_database(const char *answer)
{
	return site_is_database_name(answer) ? MSG_NONE : MSG_NEED_DATABASE;
}

static enum message need_path(const char *answer)
{
	return answer[0] == '/' && strlen(answer) <= PATH_SIZE_MAX ? MSG_NONE : MSG_NEED_PATH;
}

static enum message need_path_or_none(const char *answer)
{
	return *answer == '\0' ? MSG_NONE : need_path(answer);
}

static enum message need_style(const char *answer)
{
	return strcmp(answer, "path") == 0 || strcmp(answer, "virtual") == 0 ? MSG_NONE
									     : MSG_NEED_STYLE;
}

static enum message need_store(const char *answer)
{
	return *answer == '\0' || *answer == '/' || strcmp(answer, "s3") == 0 ? MSG_NONE
									      : MSG_NEED_STORE;
}

static enum message need_uri(const char *answer)
{
	struct bytes user, hosts;

	if (strncmp(answer, "mongodb://", 10) != 0 && strncmp(answer, "mongodb+srv://", 14) != 0)
		return MSG_NEED_URI;
	if (redact_uri_parts(bytes_of_string(answer), &user, &hosts) && user.size > 0 &&
		memchr(user.data, ':', user.size) != NULL)
		return MSG_NEED_URI_FILE;
	return MSG_NONE;
}

static enum message need_command(const char *answer)
{
	return *answer == '\0' || *answer == '/' ? MSG_NONE : MSG_NEED_COMMAND;
}

/*
 * Asked in this order. why stands before the question and, as a comment, in the file: there in
 * English, as everything that is kept.
 */
static const struct question {
	const char *member;
	enum message question, why;
	const char *fallback;
	enum message (*wrong)(const char *answer);
} QUESTIONS[MEMBERS] = {
	[NAME] = {"name", MSG_ASK_SITE_NAME, MSG_WHY_SITE_NAME, "", need_text},
	[ENVIRONMENT] = {"environment", MSG_ASK_SITE_ENVIRONMENT, MSG_WHY_SITE_ENVIRONMENT,
		"staging", need_environment},
	[STAGING_KEY] = {"stagingKey", MSG_ASK_SITE_STAGING_KEY, MSG_WHY_SITE_STAGING_KEY, "",
		need_path_or_none},
	[DATABASE] = {"name", MSG_ASK_SITE_DATABASE, MSG_WHY_SITE_DATABASE, "concelier",
		need_database},
	[URI_FILE] = {"uriFile", MSG_ASK_SITE_URI_FILE, MSG_WHY_SITE_URI_FILE, "",
		need_path_or_none},
	[URI] = {"uri", MSG_ASK_SITE_URI, MSG_WHY_SITE_URI, "mongodb://localhost:27017/", need_uri},
	[STATE_DIR] = {"stateDir", MSG_ASK_SITE_STATE_DIR, MSG_WHY_SITE_STATE_DIR,
		SITE_DEFAULT_STATE_DIR, need_path},
	[BACKUP_DIR] = {"backupDir", MSG_ASK_SITE_BACKUP_DIR, MSG_WHY_SITE_BACKUP_DIR, "",
		need_path_or_none},
	[OBJECT_STORE] = {"objectStore", MSG_ASK_SITE_OBJECT_STORE, MSG_WHY_SITE_OBJECT_STORE, "",
		need_store},
	[S3_ENDPOINT] = {"endpoint", MSG_ASK_SITE_S3_ENDPOINT, MSG_WHY_SITE_S3_ENDPOINT, "",
		need_text},
	[S3_CA] = {"ca", MSG_ASK_SITE_S3_CA, MSG_WHY_SITE_S3_CA, "", need_path},
	[S3_REGION] = {"region", MSG_ASK_SITE_S3_REGION, MSG_WHY_SITE_S3_REGION, "us-east-1",
		need_text},
	[S3_BUCKET] = {"bucket", MSG_ASK_SITE_S3_BUCKET, MSG_WHY_SITE_S3_BUCKET, "", need_text},
	[S3_PREFIX] = {"prefix", MSG_ASK_SITE_S3_PREFIX, MSG_WHY_SITE_S3_PREFIX, "", NULL},
	[S3_STYLE] = {"style", MSG_ASK_SITE_S3_STYLE, MSG_WHY_SITE_S3_STYLE, "path", need_style},
	[S3_CREDENTIALS] = {"credentials", MSG_ASK_SITE_S3_CREDENTIALS, MSG_WHY_SITE_S3_CREDENTIALS,
		"", need_path_or_none},
	[COLLECTIONS] = {"collections", MSG_ASK_SITE_COLLECTIONS, MSG_WHY_SITE_COLLECTIONS, "",
		NULL},
	[FREEZE] = {"freeze", MSG_ASK_SITE_FREEZE, MSG_WHY_SITE_FREEZE, "", need_command},
	[UNFREEZE] = {"unfreeze", MSG_ASK_SITE_UNFREEZE, MSG_WHY_SITE_UNFREEZE, "", need_command},
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

static const char *comment_of(enum member member)
{
	return message_text(NULL, QUESTIONS[member].why);
}

/* The comment and, unless nothing was answered, the member; without one the comment says so. */
static void page_member(struct page *page, enum member member, const struct str *answers)
{
	const struct question *question = &QUESTIONS[member];
	char comment[64];

	(void)snprintf(comment, sizeof comment, "_%s", question->member);
	page_string(page, comment, comment_of(member));
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
	page_string(page, "_argv", comment_of(member));
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
	page_string(page, "_objectStore", comment_of(OBJECT_STORE));
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
	page_string(page, "_collections", comment_of(COLLECTIONS));
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

	text_wrap(&why, face_text(face, question->why), 0);
	(void)fprintf(stderr, "\n%s", str_text(&why));
	for (int i = 0; i < TRIES; i++) {
		int rc = prompt_line(
			face, face_text(face, question->question), fallback, answer, err);
		if (rc < 0)
			return rc;
		enum message need =
			question->wrong != NULL ? question->wrong(str_text(answer)) : MSG_NONE;
		if (need == MSG_NONE && !utf8_valid(str_bytes(answer)))
			need = MSG_NEED_UTF8;
		if (need == MSG_NONE && try_answer(face, member, answers, err) == 0)
			return 0;
		if (need == MSG_NONE && err->code == ERR_NO_MEMORY)
			return -err->code;
		face_note(face, "  %s", need != MSG_NONE ? face_text(face, need) : err->message);
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
	CLEANUP_STR struct str shown = STR_INIT;
	struct json_writer writer;

	if (face->json) {
		json_write_begin(&writer, &face->result);
		json_write_object(&writer);
		json_member_string(&writer, "site", path);
		json_write_end(&writer);
		str_append_char(&face->result, '\n');
		return;
	}
	text_escape(&shown, bytes_of_string(path), 0);
	message_append(&face->result, face->language, MSG_SITE_WRITTEN, str_text(&shown),
		str_text(&shown));
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
