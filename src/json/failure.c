#include "json/failure.h"

#include "json/json_write.h"
#include "text/message.h"
#include "text/text.h"

enum { LABEL_COLUMNS = 6 };

/*
 * Most of what comes from outside was escaped where it entered the message, but not all: a name
 * that a kit may have can still turn the line around (U+202E).
 */
static void append_line(
	struct str *out, const struct language *language, enum message label, const char *text)
{
	str_append_text(out, "  ");
	message_append_label(out, language, label, LABEL_COLUMNS);
	text_guard(out, bytes_of_string(text));
	str_append_char(out, '\n');
}

void failure_text(const struct language *language, const char *program, const char *object,
	const struct err *err, struct str *out)
{
	message_append(out, language, MSG_FAILURE_HEAD, program,
		message_of_record(language, err_sentence(err->code)), err_exit_code(err->code));
	str_append_char(out, '\n');
	if (object != NULL) {
		str_append_text(out, "  ");
		message_append_label(out, language, MSG_FAILURE_ON, LABEL_COLUMNS);
		text_escape(out, bytes_of_string(object), 0);
		str_append_char(out, '\n');
	}
	append_line(out, language, MSG_FAILURE_WHY, err->message);
	append_line(
		out, language, MSG_FAILURE_NEXT, message_of_record(language, err_next(err->code)));
}

void failure_json(const char *object, const struct err *err, struct str *out)
{
	struct json_writer writer;

	json_write_begin(&writer, out);
	json_write_object(&writer);
	json_member_object(&writer, "error");
	json_member_string(&writer, "code", err_name(err->code));
	json_member_integer(&writer, "exit", err_exit_code(err->code));
	json_member_string(&writer, "what", err_sentence(err->code));
	if (object != NULL)
		json_member_string(&writer, "object", object);
	json_member_string(&writer, "message", err->message);
	json_member_string(&writer, "next", err_next(err->code));
	json_write_end(&writer);
	json_write_end(&writer);
	str_append_char(out, '\n');
}
