#include "cli/prompt.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "text/text.h"

/* Octet by octet: what follows the line may be another's answer. */
static int read_line(struct str *line, struct err *err)
{
	for (;;) {
		char c;
		ssize_t got = read(STDIN_FILENO, &c, 1);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_UNREADABLE, errno, "the answer");
		if (got == 0 && line->size == 0)
			return err_set(err, ERR_CANCELLED, "no answer");
		if (got == 0 || c == '\n')
			return str_check(line, err);
		if (line->size < PROMPT_ANSWER_MAX && c != '\r')
			str_append_char(line, c);
	}
}

int prompt_line(struct face *face, const char *question, const char *fallback,
	struct str *ret_answer, struct err *err)
{
	CLEANUP_STR struct str line = STR_INIT;

	(void)face;
	(void)fputs(question, stderr);
	if (*fallback != '\0') {
		CLEANUP_STR struct str shown = STR_INIT;
		text_escape(&shown, bytes_of_string(fallback), 0);
		(void)fprintf(stderr, " [%s]", str_text(&shown));
	}
	(void)fputs(": ", stderr);
	(void)fflush(stderr);
	int rc = read_line(&line, err);
	if (rc < 0)
		return rc;
	if (strlen(str_text(&line)) != line.size)
		return err_set(err, ERR_USAGE, "the answer has an octet 0");
	size_t begin = strspn(str_text(&line), " \t"), end = line.size;
	while (end > begin && strchr(" \t", line.text[end - 1]) != NULL)
		end--;
	str_truncate(ret_answer, 0);
	if (end > begin)
		str_append(ret_answer, line.text + begin, end - begin);
	else
		str_append_text(ret_answer, fallback);
	return str_check(ret_answer, err);
}

int prompt_yes(struct face *face, const char *question, bool *ret_yes, struct err *err)
{
	CLEANUP_STR struct str answer = STR_INIT;
	const char *yes = face_text(face, MSG_KEY_YES);
	int rc = prompt_line(face, question, face_text(face, MSG_KEY_NO), &answer, err);

	if (rc < 0)
		return rc;
	const char *given = str_text(&answer);
	*ret_yes = strcasecmp(given, "y") == 0 || strcasecmp(given, "yes") == 0 ||
		   strcasecmp(given, yes) == 0 ||
		   (answer.size == 1 && strncasecmp(given, yes, 1) == 0);
	return 0;
}
