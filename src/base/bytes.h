/*
 * bytes: a view of octets that somebody else owns, and the growable string that we own.
 */
#ifndef OFFKIT_BASE_BYTES_H
#define OFFKIT_BASE_BYTES_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct bytes {
	const uint8_t *data; /* may be NULL when size is 0 */
	size_t size;
};

static inline struct bytes bytes_make(const void *data, size_t size)
{
	return (struct bytes){(const uint8_t *)data, size};
}

struct bytes bytes_of_string(const char *text); /* without the terminator */
bool bytes_equal(struct bytes a, struct bytes b);
/*
 * memcpy, for what is mostly small: the C library's has one instruction for all sizes, which takes
 * longer to begin than a few moves to end. The two do not overlap; size may be 0.
 */
void bytes_copy(void *ret_octets, const void *octets, size_t size);

/*
 * A growable string: always terminated, so that text can be read as C string at any time. Appending
 * never reports; the first failure to allocate sticks, later calls do nothing, and str_check tells.
 * Zero-initialise it; release it.
 */
struct str {
	char *text; /* NULL before the first append */
	size_t size;
	size_t room;
	bool failed;
	bool borrowed; /* text is the caller's until it has to grow */
};

#define STR_INIT ((struct str){NULL, 0, 0, false, false})
/* Begins in memory of the caller's, at least one octet, that outlives it: for what is mostly small.
 */
#define STR_BORROW(memory, octets) ((struct str){(memory), 0, (octets), false, true})

void str_append(struct str *str, const void *data, size_t size);
void str_append_text(struct str *str, const char *text);
void str_append_char(struct str *str, char c);
void str_append_format(struct str *str, const char *format, ...) PRINTF_LIKE(2, 3);
void str_append_arguments(struct str *str, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
void str_truncate(struct str *str, size_t size); /* keeps the memory */
void str_fit(struct str *str);			 /* gives back memory that is not used */
/* Appends size octets for the caller to fill; NULL if memory is out, which sticks. */
uint8_t *str_extend(struct str *str, size_t size);
MUST_CHECK int str_check(const struct str *str, struct err *err);
const char *str_text(const struct str *str); /* never NULL */
struct bytes str_bytes(const struct str *str);
void str_release(struct str *str);

#endif
