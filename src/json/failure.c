#include "json/failure.h"

#include "json/json_write.h"
#include "text/text.h"

/*
 * Most of what comes from outside was escaped where it entered the message, but not all: a name
 * that a kit may have can still turn the line around (U+202E).
 */
static void append_line(struct str *out, const char *label, const char *text)
{
	str_append_text(out, label);
	text_guard(out, bytes_of_string(text));
	str_append_char(out, '\n');
}

void failure_text(const char *program, const char *object, const struct err *err, struct str *out)
{
	str_append_format(out, "%s: %s (code %d)\n", program, err_sentence(err->code),
		err_exit_code(err->code));
	if (object != NULL) {
		str_append_text(out, "  on    ");
		text_escape(out, bytes_of_string(object), 0);
		str_append_char(out, '\n');
	}
	append_line(out, "  why   ", err->message);
	append_line(out, "  next  ", err_next(err->code));
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
