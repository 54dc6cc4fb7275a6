#include "crypto/pem.h"

#include <string.h>

#include "base/cleanup.h"
#include "crypto/base64.h"

enum { LINE = 64, LABEL_MAX = 64 };

/* Takes a line off rest, without its end (LF or CRLF). */
static bool take_line(struct bytes *rest, struct bytes *ret_line)
{
	if (rest->size == 0)
		return false;
	const uint8_t *feed = memchr(rest->data, '\n', rest->size);
	size_t size = feed != NULL ? (size_t)(feed - rest->data) : rest->size;
	size_t taken = feed != NULL ? size + 1 : size;

	*ret_line = bytes_make(rest->data, size);
	if (feed != NULL && size > 0 && rest->data[size - 1] == '\r')
		ret_line->size--;
	*rest = bytes_make(rest->data + taken, rest->size - taken);
	return true;
}

static bool line_is(struct bytes line, const char *before, const char *label)
{
	char wanted[LABEL_MAX];

	if (strlen(before) + strlen(label) + sizeof "-----" > sizeof wanted)
		return false;
	(void)strcat(strcat(strcpy(wanted, before), label), "-----");
	return bytes_equal(line, bytes_of_string(wanted));
}

int pem_decode(struct bytes untrusted_text, const char *label, struct str *out, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct bytes rest = untrusted_text, line;

	if (!take_line(&rest, &line) || !line_is(line, "-----BEGIN ", label))
		return err_set(err, ERR_SYNTAX, "there is no PEM block \"%s\"", label);
	for (;;) {
		if (!take_line(&rest, &line))
			return err_set(err, ERR_SYNTAX, "the PEM block has no end");
		if (line_is(line, "-----END ", label))
			break;
		str_append(&text, line.data, line.size);
	}
	while (take_line(&rest, &line))
		if (line.size != 0)
			return err_set(err, ERR_SYNTAX, "something follows the PEM block");
	int status = str_check(&text, err);
	return status < 0 ? status : base64_decode(str_bytes(&text), out, err);
}

void pem_encode(const char *label, struct bytes der, struct str *out)
{
	CLEANUP_STR struct str text = STR_INIT;

	base64_encode(der, &text);
	str_append_format(out, "-----BEGIN %s-----\n", label);
	for (size_t i = 0; i < text.size; i += LINE) {
		str_append(out, str_text(&text) + i, text.size - i < LINE ? text.size - i : LINE);
		str_append_char(out, '\n');
	}
	str_append_format(out, "-----END %s-----\n", label);
	if (text.failed)
		out->failed = true;
	if (text.text != NULL)
		explicit_bzero(text.text, text.size); /* it may be a private key */
}
