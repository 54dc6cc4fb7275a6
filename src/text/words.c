#include "text/words.h"

#include <string.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

/* What is in quotes, from after the first to after the last; NULL: there is no last one. */
static const char *take_quoted(const char *text, char quote, char **end)
{
	for (; *text != '\0' && *text != quote; text++) {
		if (quote == '"' && text[0] == '\\' && (text[1] == '"' || text[1] == '\\'))
			text++;
		*(*end)++ = *text;
	}
	return *text == quote ? text + 1 : NULL;
}

/* One word into memory that ends at *end; what is behind it, or NULL: it has no end. */
static const char *take_word(const char *text, char **end)
{
	while (text != NULL && *text != '\0' && !is_blank(*text)) {
		if (*text == '\'' || *text == '"') {
			text = take_quoted(text + 1, *text, end);
			continue;
		}
		if (*text == '\\' && *++text == '\0')
			return NULL;
		*(*end)++ = *text++;
	}
	*(*end)++ = '\0';
	return text;
}

int words_split(
	const char *text, struct arena *arena, const char *const **ret_words, struct err *err)
{
	const char **words = arena_array(arena, WORDS_MAX + 1, sizeof *words);
	/* Each word is at most as long as it is in text, with a terminator for its blank. */
	char *end = arena_alloc(arena, strlen(text) + 2);
	size_t count = 0;

	if (words == NULL || end == NULL)
		return err_no_memory(err);
	for (const char *rest = text; *rest != '\0';) {
		if (is_blank(*rest)) {
			rest++;
			continue;
		}
		if (count == WORDS_MAX)
			return err_set(
				err, ERR_USAGE, "\"%s\" has more than %d words", text, WORDS_MAX);
		words[count++] = end;
		rest = take_word(rest, &end);
		if (rest == NULL)
			return err_set(err, ERR_USAGE, "\"%s\": a quote in it is not closed", text);
	}
	if (count == 0)
		return err_set(err, ERR_USAGE, "the command has no word");
	*ret_words = words;
	return 0;
}
