#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
	const char *name;
	int exit_code;
	const char *sentence;
	const char *next;
} table[ERR_COUNT] = {
	[ERR_NONE] = {"NONE", 0, "done", ""},
#define ERR(name, exit_code, sentence, next) [ERR_##name] = {#name, exit_code, sentence, next},
#include "base/errors.def"
#undef ERR
};

/* A message that did not fit may end inside a UTF-8 sequence: drop the incomplete character. */
static void cut_at_character(char *text, size_t size)
{
	size_t end = strnlen(text, size - 1);

	text[end] = '\0';
	size_t start = end;
	while (start > 0 && end - start < 4 && ((unsigned char)text[start - 1] & 0xC0) == 0x80)
		start--;
	if (start == 0 || (unsigned char)text[start - 1] < 0xC0)
		return;
	unsigned char lead = (unsigned char)text[start - 1];
	size_t wanted = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
	if (end - (start - 1) < wanted)
		text[start - 1] = '\0';
}

int err_set(struct err *err, enum err_code code, const char *format, ...)
{
	va_list args;

	err->code = code;
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof err->message, format, args);
	va_end(args);
	cut_at_character(err->message, sizeof err->message);
	return -(int)code;
}

int err_set_errno(struct err *err, enum err_code code, int errnum, const char *format, ...)
{
	va_list args;

	err->code = code;
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof err->message, format, args);
	va_end(args);
	size_t used = strlen(err->message);
	(void)snprintf(err->message + used, sizeof err->message - used, ": %s", strerror(errnum));
	cut_at_character(err->message, sizeof err->message);
	return -(int)code;
}

int err_context(struct err *err, const char *format, ...)
{
	char inner[ERR_MESSAGE_MAX];
	va_list args;

	memcpy(inner, err->message, sizeof inner);
	va_start(args, format);
	(void)vsnprintf(err->message, sizeof err->message, format, args);
	va_end(args);
	size_t used = strlen(err->message);
	(void)snprintf(err->message + used, sizeof err->message - used, ": %s", inner);
	cut_at_character(err->message, sizeof err->message);
	return -(int)err->code;
}

int err_recode(struct err *err, enum err_code code)
{
	err->code = code;
	return -(int)code;
}

int err_no_memory(struct err *err)
{
	return err_set(err, ERR_NO_MEMORY, "out of memory");
}

int err_exit_code(enum err_code code)
{
	return table[code].exit_code;
}

const char *err_name(enum err_code code)
{
	return table[code].name;
}

const char *err_sentence(enum err_code code)
{
	return table[code].sentence;
}

const char *err_next(enum err_code code)
{
	return table[code].next;
}

enum err_code err_by_name(const char *name)
{
	for (size_t i = 1; i < ERR_COUNT; i++)
		if (strcmp(table[i].name, name) == 0)
			return (enum err_code)i;
	return ERR_NONE;
}
