#include "base/bytes.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct bytes bytes_of_string(const char *text)
{
	return bytes_make(text, strlen(text));
}

bool bytes_equal(struct bytes a, struct bytes b)
{
	return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static bool grow(struct str *str, size_t more)
{
	if (str->failed)
		return false;
	if (more >= SIZE_MAX / 2 - str->size) {
		str->failed = true;
		return false;
	}
	size_t wanted = str->size + more + 1;
	size_t room = str->room < 64 ? 64 : str->room;
	while (room < wanted)
		room *= room < 4096 ? 4 : 2;
	char *text = realloc(str->borrowed ? NULL : str->text, room);
	if (text == NULL) {
		str->failed = true;
		return false;
	}
	if (str->borrowed)
		bytes_copy(text, str->text, str->size + 1);
	str->borrowed = false;
	str->text = text;
	str->room = room;
	return true;
}

/* Makes room for more octets and the terminator. */
static inline bool reserve(struct str *str, size_t more)
{
	return (more < str->room - str->size && !str->failed) || grow(str, more);
}

/* Octets of moves whose size the compiler knows: the last two may overlap. */
static inline void copy_by_16(char *to, const char *from, size_t size)
{
	for (size_t i = 16; i < size; i += 16)
		memcpy(to + i - 16, from + i - 16, 16);
	memcpy(to + size - 16, from + size - 16, 16);
}

void bytes_copy(void *ret_octets, const void *octets, size_t size)
{
	const char *from = octets;
	char *to = ret_octets;

	if (size > 256) {
		memcpy(to, from, size);
	} else if (size >= 16) {
		copy_by_16(to, from, size);
	} else if (size >= 8) {
		memcpy(to, from, 8);
		memcpy(to + size - 8, from + size - 8, 8);
	} else if (size >= 4) {
		memcpy(to, from, 4);
		memcpy(to + size - 4, from + size - 4, 4);
	} else {
		for (size_t i = 0; i < size; i++)
			to[i] = from[i];
	}
}

void str_append(struct str *str, const void *data, size_t size)
{
	if (!reserve(str, size))
		return;
	bytes_copy(str->text + str->size, data, size);
	str->size += size;
	str->text[str->size] = '\0';
}

void str_append_text(struct str *str, const char *text)
{
	str_append(str, text, strlen(text));
}

void str_append_char(struct str *str, char c)
{
	if (!reserve(str, 1))
		return;
	str->text[str->size++] = c;
	str->text[str->size] = '\0';
}

void str_append_arguments(struct str *str, const char *format, va_list arguments)
{
	va_list again;

	va_copy(again, arguments);
	int size = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (size < 0) {
		str->failed = true;
		return;
	}
	if (!reserve(str, (size_t)size))
		return;
	(void)vsnprintf(str->text + str->size, (size_t)size + 1, format, arguments);
	str->size += (size_t)size;
}

void str_append_format(struct str *str, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	str_append_arguments(str, format, arguments);
	va_end(arguments);
}

void str_truncate(struct str *str, size_t size)
{
	if (size >= str->size)
		return;
	str->size = size;
	str->text[size] = '\0';
}

void str_fit(struct str *str)
{
	char *text = str->text != NULL && !str->borrowed ? realloc(str->text, str->size + 1) : NULL;

	if (text == NULL)
		return;
	str->text = text;
	str->room = str->size + 1;
}

uint8_t *str_extend(struct str *str, size_t size)
{
	if (!reserve(str, size))
		return NULL;
	str->size += size;
	str->text[str->size] = '\0';
	return (uint8_t *)str->text + str->size - size;
}

int str_check(const struct str *str, struct err *err)
{
	return str->failed ? err_no_memory(err) : 0;
}

const char *str_text(const struct str *str)
{
	return str->text != NULL ? str->text : "";
}

struct bytes str_bytes(const struct str *str)
{
	return bytes_make(str->text, str->size);
}

void str_release(struct str *str)
{
	if (!str->borrowed)
		free(str->text);
	*str = STR_INIT;
}
