#include "text/message.h"

#include <stdarg.h>
#include <string.h>

#include "base/cleanup.h"
#include "text/text.h"

enum {
	BEFORE_ERRORS = MESSAGE_OWN_COUNT - 1,
#define ERR(name, exit_code, sentence, next) MSG_##name##_IS, MSG_##name##_NEXT,
#include "base/errors.def"
#undef ERR
};

struct language {
	const char *name;
	const char *const *texts; /* NULL in it: not translated */
};

static const struct {
	const char *text;
	int columns;
	bool record;
} english[MESSAGE_COUNT] = {
	[MSG_NONE] = {"", 0, false},
#define MESSAGE(name, columns, text) [MSG_##name] = {text, columns, false},
#define RECORD(name, columns, text)  [MSG_##name] = {text, columns, true},
#include "text/messages.def"
#undef RECORD
#undef MESSAGE
#define ERR(name, exit_code, sentence, next)                                                       \
	[MSG_##name##_IS] = {sentence, 0, true}, [MSG_##name##_NEXT] = {next, 0, true},
#include "base/errors.def"
#undef ERR
};

static const char *const german[MESSAGE_COUNT] = {
#define TRANSLATION(name, text) [MSG_##name] = text,
#include "text/messages_de.def"
#undef TRANSLATION
};

static const struct language languages[] = {
	{"de", german},
};

const struct language *language_by_locale(const char *locale, bool utf8)
{
	size_t size = locale != NULL ? strcspn(locale, "_.@") : 0;

	for (size_t i = 0; utf8 && i < sizeof languages / sizeof languages[0]; i++)
		if (size == strlen(languages[i].name) &&
			memcmp(languages[i].name, locale, size) == 0)
			return &languages[i];
	return NULL;
}

const char *language_name(const struct language *language)
{
	return language != NULL ? language->name : "en";
}

const char *message_text(const struct language *language, enum message which)
{
	if (language != NULL && language->texts[which] != NULL)
		return language->texts[which];
	return english[which].text;
}

void message_append_label(
	struct str *out, const struct language *language, enum message which, size_t columns)
{
	const char *label = message_text(language, which);
	size_t width = text_width(label);

	text_append_column(out, label, width < columns ? columns : width + 1);
}

int message_columns(enum message which)
{
	return english[which].columns;
}

const char *message_of_record(const struct language *language, const char *text)
{
	for (size_t i = 0; language != NULL && i < MESSAGE_COUNT; i++)
		if (english[i].record && strcmp(english[i].text, text) == 0)
			return message_text(language, (enum message)i);
	return text;
}

/* Whether text is what a form with one "%s" makes; *ret_name is what stands for it. */
static bool is_of_form(const char *text, const char *form, struct bytes *ret_name)
{
	const char *place = strstr(form, "%s");
	size_t size = strlen(text);

	if (place == NULL)
		return false;
	size_t before = (size_t)(place - form), behind = strlen(place + 2);
	if (size <= before + behind || memcmp(text, form, before) != 0 ||
		strcmp(text + size - behind, place + 2) != 0)
		return false;
	*ret_name = bytes_make(text + before, size - before - behind);
	return true;
}

/* The formats are the tables', whose conversions a test holds against the English ones. */

void message_append_any(struct str *out, const struct language *language, enum message which, ...)
{
	va_list arguments;

	va_start(arguments, which);
	str_append_arguments(out, message_text(language, which), arguments);
	va_end(arguments);
}

void message_append_counted(struct str *out, const struct language *language, int64_t count,
	enum message one, enum message many)
{
	char number[TEXT_COUNT_SIZE];

	message_append_any(out, language, count == 1 ? one : many, text_count(count, number));
}

void message_format_any(
	char *out, size_t size, const struct language *language, enum message which, ...)
{
	CLEANUP_STR struct str text = STR_INIT;
	va_list arguments;

	va_start(arguments, which);
	str_append_arguments(&text, message_text(language, which), arguments);
	va_end(arguments);
	size_t fits = text.size < size ? text.size : size - 1;
	while (fits > 0 && fits < text.size && ((uint8_t)str_text(&text)[fits] & 0xC0) == 0x80)
		fits--;
	memcpy(out, str_text(&text), fits);
	out[fits] = '\0';
}

/* Said by the first form that it is of; false: of none. */
static bool append_form(struct str *out, const struct language *language, const char *text)
{
	struct bytes name;

	for (size_t i = 0; i < MESSAGE_COUNT; i++) {
		if (!english[i].record || !is_of_form(text, english[i].text, &name))
			continue;
		CLEANUP_STR struct str copy = STR_INIT;
		str_append(&copy, name.data, name.size);
		message_append_any(out, language, (enum message)i,
			message_of_record(language, str_text(&copy)));
		return true;
	}
	return false;
}

void message_append_record(struct str *out, const struct language *language, const char *text)
{
	const char *said = message_of_record(language, text);

	if (language == NULL || said != text || !append_form(out, language, text))
		str_append_text(out, said);
}
