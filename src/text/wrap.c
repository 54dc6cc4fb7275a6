#include <string.h>

#include "text/text.h"

void text_wrap(struct str *out, const char *text, int column)
{
	size_t room = (size_t)(TEXT_WRAP_COLUMNS - column);

	for (;;) {
		size_t size = text_cut(text, room);
		if (text[size] == '\0')
			break;
		while (size > 0 && text[size] != ' ')
			size--;
		if (size == 0)
			size = strcspn(text, " ");
		if (text[size] == '\0')
			break;
		str_append(out, text, size);
		str_append_format(out, "\n%*s", column, "");
		text += size + 1;
	}
	str_append_format(out, "%s\n", text);
}
