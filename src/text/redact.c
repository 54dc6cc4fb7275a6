#include "text/redact.h"

#include <string.h>
#include <strings.h>

enum { NAME_MAX_SIZE = 64, IPV4_PARTS = 4 };

struct work {
	struct str *out;
	struct bytes text;
	size_t at;
	const struct redaction *redaction;
	size_t count;
	size_t userless_to; /* a URI was followed to here and has no user: looked at once */
};

/* Parts of names whose value is a secret, compared without case, "_" and "-". */
static const char *const SECRET_PARTS[] = {"password", "passwd", "passphrase", "pwd", "secret",
	"credential", "apikey", "accesskey", "privatekey", "sessiontoken", "authtoken",
	"accesstoken", "refreshtoken", "bearertoken", "authorization", "cookie", NULL};
/* Whole names. */
static const char *const SECRET_NAMES[] = {
	"pass", "token", "auth", "xauthtoken", "id", "firstid", "lastid", NULL};
static const char *const HOST_NAMES[] = {"host", "hostname", "nodename", "me", "primary", NULL};
static const char KEY_ID_BEGINS[][5] = {"AKIA", "ASIA"};

bool redact_know(struct redaction *redaction, const char *text, const char *instead)
{
	struct redact_known *known = &redaction->known;

	if (text == NULL || strlen(text) < REDACT_KNOWN_SIZE_MIN ||
		known->count == REDACT_KNOWN_MAX)
		return false;
	for (size_t i = 0; i < known->count; i++)
		if (strcmp(known->texts[i], text) == 0)
			return false;
	known->texts[known->count] = text;
	known->instead[known->count++] = instead;
	return true;
}

/* ---- octets */

static int octet(const struct work *work, size_t at)
{
	return at < work->text.size ? work->text.data[at] : -1;
}

static bool is_letter(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool is_name(int c)
{
	return is_letter(c) || is_digit(c) || c == '_' || c == '-';
}

static bool is_blank(int c)
{
	return c == ' ' || c == '\t';
}

static bool begins(const struct work *work, size_t at, const char *text)
{
	size_t size = strlen(text);

	return at <= work->text.size && size <= work->text.size - at &&
	       memcmp(work->text.data + at, text, size) == 0;
}

static size_t find(const struct work *work, size_t at, const char *text)
{
	while (at < work->text.size && !begins(work, at, text))
		at++;
	return at;
}

static bool is_number(const struct work *work, size_t begin, size_t end)
{
	for (size_t at = begin; at < end; at++)
		if (!is_digit(octet(work, at)))
			return false;
	return end > begin;
}

/* Something else stands for what is between work->at and end. */
static void replace(struct work *work, size_t end, const char *instead)
{
	str_append_text(work->out, instead);
	work->at = end;
	work->count++;
}

static void copy_to(struct work *work, size_t end)
{
	str_append(work->out, work->text.data + work->at, end - work->at);
	work->at = end;
}

/* ---- what is known */

static bool take_known(struct work *work)
{
	const struct redact_known *known = &work->redaction->known;
	size_t best = REDACT_KNOWN_MAX;

	for (size_t i = 0; i < known->count; i++)
		if (begins(work, work->at, known->texts[i]) &&
			(best == REDACT_KNOWN_MAX ||
				strlen(known->texts[i]) > strlen(known->texts[best])))
			best = i;
	if (best == REDACT_KNOWN_MAX)
		return false;
	replace(work, work->at + strlen(known->texts[best]), known->instead[best]);
	return true;
}

/* What a rule leaves in front of what it takes may have something known in it, too. */
static void pass_to(struct work *work, size_t end)
{
	while (work->at < end)
		if (!take_known(work))
			copy_to(work, work->at + 1);
}

/* ---- private keys */

static bool take_pem(struct work *work)
{
	if (!begins(work, work->at, "-----BEGIN "))
		return false;
	size_t label_end = find(work, work->at + strlen("-----BEGIN "), "-----");
	struct work label = {.text = bytes_make(work->text.data, label_end)};
	if (find(&label, work->at, "PRIVATE") == label_end)
		return false;
	size_t end = find(work, label_end, "-----END ");
	if (end < work->text.size)
		end = find(work, end + strlen("-----END "), "-----");
	end = end < work->text.size ? end + strlen("-----") : end;
	replace(work, end, "(a private key: " REDACTED ")");
	return true;
}

/* AKIAIOSFODNN7EXAMPLE */
static bool take_key_id(struct work *work)
{
	enum { REST = 16 };
	size_t at = work->at, rest = 0;

	if (at > 0 && is_name(octet(work, at - 1)))
		return false;
	for (size_t i = 0; i < sizeof KEY_ID_BEGINS / sizeof *KEY_ID_BEGINS; i++)
		if (begins(work, at, KEY_ID_BEGINS[i]))
			at += strlen(KEY_ID_BEGINS[i]);
	if (at == work->at)
		return false;
	while (is_digit(octet(work, at + rest)) ||
		(octet(work, at + rest) >= 'A' && octet(work, at + rest) <= 'Z'))
		rest++;
	if (rest != REST)
		return false;
	replace(work, at + rest, REDACTED);
	return true;
}

/* "Bearer abc", "Basic abc=" */
static bool take_bearer(struct work *work)
{
	static const char *const schemes[] = {"bearer", "basic", NULL};
	size_t size = 0;

	if (work->at > 0 && is_name(octet(work, work->at - 1)))
		return false;
	for (size_t i = 0; schemes[i] != NULL && size == 0; i++)
		if (work->text.size - work->at > strlen(schemes[i]) &&
			strncasecmp((const char *)work->text.data + work->at, schemes[i],
				strlen(schemes[i])) == 0)
			size = strlen(schemes[i]);
	size_t begin = work->at + size;
	if (size == 0 || !is_blank(octet(work, begin)))
		return false;
	while (is_blank(octet(work, begin)))
		begin++;
	size_t end = begin;
	while (is_name(octet(work, end)) ||
		(octet(work, end) > 0 && strchr(".~+/=", octet(work, end)) != NULL))
		end++;
	if (end - begin < 8)
		return false;
	pass_to(work, begin);
	if (work->at < end)
		replace(work, end, REDACTED);
	return true;
}

/* ---- URIs */

/* "://" and what JSON may make of it, ":\/\/"; its octets, 0 if it is none. */
static size_t scheme_end(const struct work *work, size_t at)
{
	size_t end = at;

	if (octet(work, end) != ':')
		return 0;
	end++;
	for (int i = 0; i < 2; i++) {
		if (octet(work, end) == '\\')
			end++;
		if (octet(work, end) != '/')
			return 0;
		end++;
	}
	return end - at;
}

/* A URI ends with a blank, a quote or a bracket; what a backslash escapes belongs to it. */
static size_t uri_end(const struct work *work, size_t at)
{
	while (at < work->text.size) {
		int c = octet(work, at);
		if (c == '\\' && at + 1 < work->text.size)
			at++;
		else if (c <= ' ' || c == '"' || c == '<' || c == '>' || c == '`')
			break;
		at++;
	}
	return at < work->text.size ? at : work->text.size;
}

static size_t authority_end(const struct work *work, size_t hosts, size_t end)
{
	while (hosts < end && strchr("/?#\\'", octet(work, hosts)) == NULL)
		hosts++;
	return hosts;
}

static void split_authority(
	const struct work *work, size_t begin, size_t end, size_t *ret_hosts, size_t *ret_end)
{
	size_t hosts = begin;

	/* "%40" and JSON's @ are within; the last of them ends the password. */
	for (size_t at = begin; at < end; at++)
		if (octet(work, at) == '@')
			hosts = at + 1;
		else if (begins(work, at, "\\u0040") && at + 6 <= end)
			hosts = at + 6;
	*ret_hosts = hosts;
	*ret_end = authority_end(work, hosts, end);
}

static bool take_uri(struct work *work)
{
	size_t size = scheme_end(work, work->at);
	size_t hosts, hosts_end;

	if (size == 0 || work->at == 0 || !is_name(octet(work, work->at - 1)))
		return false;
	pass_to(work, work->at + size);
	bool looked_at = work->at < work->userless_to;
	size_t end_of_uri = looked_at ? work->userless_to : uri_end(work, work->at);
	if (!looked_at) {
		split_authority(work, work->at, end_of_uri, &hosts, &hosts_end);
	} else {
		hosts = work->at;
		hosts_end = authority_end(work, hosts, end_of_uri);
	}
	if (hosts == work->at)
		work->userless_to = end_of_uri;
	if (hosts > work->at) {
		replace(work, hosts, REDACTED "@");
	}
	while (work->redaction->hosts && work->at < hosts_end) {
		size_t end = work->at;
		while (end < hosts_end && octet(work, end) != ',' && octet(work, end) != ':')
			end++;
		if (end == work->at)
			copy_to(work, end + 1);
		else if (is_number(work, work->at, end))
			copy_to(work, end);
		else if (!take_known(work))
			replace(work, end, "(host)");
	}
	return true;
}

bool redact_uri_parts(struct bytes uri, struct bytes *ret_userinfo, struct bytes *ret_hosts)
{
	const struct work work = {.text = uri};
	size_t begin = find(&work, 0, "://");
	size_t hosts, end;

	if (begin == uri.size)
		return false;
	begin += strlen("://");
	split_authority(&work, begin, uri.size, &hosts, &end);
	*ret_userinfo = bytes_make(uri.data + begin, hosts > begin ? hosts - begin - 1 : 0);
	*ret_hosts = bytes_make(uri.data + hosts, end - hosts);
	return true;
}

/* ---- a name and its value */

/* Without case, "_" and "-". */
static void fold_name(const struct work *work, size_t begin, size_t end, char *folded)
{
	size_t size = 0;

	for (size_t at = begin; at < end && size + 1 < NAME_MAX_SIZE; at++) {
		int c = octet(work, at);
		if (c >= 'A' && c <= 'Z')
			c += 'a' - 'A';
		if (c != '_' && c != '-')
			folded[size++] = (char)c;
	}
	folded[size] = '\0';
}

static bool is_among(const char *name, const char *const *names)
{
	for (size_t i = 0; names[i] != NULL; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static bool is_secret(const struct work *work, size_t begin, size_t end)
{
	char name[NAME_MAX_SIZE];

	if (end - begin >= NAME_MAX_SIZE)
		begin = end - NAME_MAX_SIZE + 1;
	fold_name(work, begin, end, name);
	/* "id" names much that is harmless: of documents it is "_id". */
	if (strcmp(name, "id") == 0)
		return octet(work, begin) == '_';
	if (is_among(name, SECRET_NAMES) || (work->redaction->hosts && is_among(name, HOST_NAMES)))
		return true;
	for (size_t i = 0; SECRET_PARTS[i] != NULL; i++)
		if (strstr(name, SECRET_PARTS[i]) != NULL)
			return true;
	return false;
}

bool redact_is_secret_name(const char *name)
{
	static const struct redaction nothing = {.hosts = false};
	const struct work work = {.text = bytes_of_string(name), .redaction = &nothing};

	return is_secret(&work, 0, work.text.size);
}

/* Behind the quote at `at` to behind the one that closes it; the line's end closes it too. */
static size_t quoted_end(const struct work *work, size_t at)
{
	int quote = octet(work, at++);

	while (at < work->text.size && octet(work, at) != quote && octet(work, at) != '\n')
		at += octet(work, at) == '\\' && at + 1 < work->text.size ? 2 : 1;
	return at < work->text.size ? at + (octet(work, at) == quote) : work->text.size;
}

/* An array or object of JSON, to behind its bracket. */
static size_t nested_end(const struct work *work, size_t at)
{
	size_t depth = 0;

	while (at < work->text.size) {
		int c = octet(work, at);
		if (c == '"') {
			at = quoted_end(work, at);
			continue;
		}
		depth += c == '[' || c == '{';
		depth -= c == ']' || c == '}';
		at++;
		if (depth == 0)
			break;
	}
	return at;
}

static size_t bare_end(const struct work *work, size_t at, bool whole_line)
{
	const char *stops = whole_line ? "\"\r\n" : "\"' \t\r\n,;&}])";

	while (at < work->text.size && octet(work, at) != 0 &&
		strchr(stops, octet(work, at)) == NULL)
		at += octet(work, at) == '\\' && octet(work, at + 1) == '"' ? 2 : 1;
	return at < work->text.size ? at : work->text.size;
}

/* Backslashes before a quote, as in JSON within a string; 0: there is none of either. */
static size_t escapes(const struct work *work, size_t at)
{
	size_t end = at;

	while (octet(work, end) == '\\')
		end++;
	return octet(work, end) == '"' ? end - at : 0;
}

/* Behind the escaped quote to the one that closes it, or to one that ends what it stands in. */
static size_t escaped_end(const struct work *work, size_t at, size_t slashes)
{
	size_t run = 0;

	while (at < work->text.size && octet(work, at) != '\n') {
		if (octet(work, at) == '"' && run <= slashes)
			return at - run;
		run = octet(work, at) == '\\' ? run + 1 : 0;
		at++;
	}
	return at;
}

/* What follows a secret's name: `": "`, `=`, `: `, in an option also a blank. 0: nothing does. */
static size_t value_begin(const struct work *work, size_t at, bool option, bool *ret_json)
{
	size_t slashes = escapes(work, at);

	*ret_json = octet(work, at) == '"';
	at += slashes > 0 ? slashes + 1 : *ret_json || octet(work, at) == '\'' ? 1 : 0;
	size_t blank = at;
	while (is_blank(octet(work, at)))
		at++;
	if (octet(work, at) == ':' || octet(work, at) == '=') {
		at++;
		while (is_blank(octet(work, at)) || (*ret_json && octet(work, at) == '\n'))
			at++;
		return at < work->text.size && octet(work, at) != '\n' ? at : 0;
	}
	/* "--password", "abc" in an argument vector, too */
	if (option && *ret_json && octet(work, at) == ',') {
		at++;
		while (octet(work, at) == ' ' || octet(work, at) == '\n' || octet(work, at) == '\t')
			at++;
		return octet(work, at) == '"' ? at : 0;
	}
	return option && at > blank && at < work->text.size && octet(work, at) != '\n' ? at : 0;
}

static bool take_value(struct work *work)
{
	size_t name = work->at, end = name;
	bool json = false;

	if (!is_name(octet(work, name)) || (name > 0 && is_name(octet(work, name - 1))))
		return false;
	while (is_name(octet(work, end)))
		end++;
	bool option = begins(work, name, "--");
	size_t begin = is_secret(work, name, end) ? value_begin(work, end, option, &json) : 0;
	if (begin == 0)
		return false;
	int c = octet(work, begin);
	bool quoted = c == '"' || c == '\'';
	size_t slashes = escapes(work, begin);
	bool nested = c == '{' || c == '[';
	char folded[NAME_MAX_SIZE];
	fold_name(work, name, end, folded);
	bool whole_line =
		strstr(folded, "authorization") != NULL || strstr(folded, "cookie") != NULL;
	size_t value_end = quoted	 ? quoted_end(work, begin)
			   : nested	 ? nested_end(work, begin)
			   : slashes > 0 ? escaped_end(work, begin + slashes + 1, slashes)
					 : bare_end(work, begin, whole_line && !json);
	/* A fencing token, a count: a number that JSON has without quotes is none. */
	if (json && !quoted && !nested && (is_number(work, begin, value_end) || value_end == begin))
		return false;
	pass_to(work, slashes > 0 ? begin + slashes + 1 : begin);
	if (work->at >= value_end)
		return true;
	replace(work, value_end,
		quoted && c == '\'' ? "'" REDACTED "'"
		: quoted || json    ? "\"" REDACTED "\""
				    : REDACTED);
	return true;
}

/* ---- addresses */

static bool take_address(struct work *work)
{
	size_t at = work->at;
	int parts = 0;

	if (!work->redaction->hosts ||
		(at > 0 && (is_name(octet(work, at - 1)) || octet(work, at - 1) == '.')))
		return false;
	for (; parts < IPV4_PARTS; parts++) {
		size_t digits = 0;
		if (parts > 0 && octet(work, at) != '.')
			return false;
		at += parts > 0;
		while (digits < 4 && is_digit(octet(work, at + digits)))
			digits++;
		if (digits == 0 || digits > 3)
			return false;
		at += digits;
	}
	if (is_name(octet(work, at)))
		return false;
	replace(work, at, "(address)");
	return true;
}

size_t redact(struct str *out, struct bytes text, const struct redaction *redaction)
{
	static bool (*const RULES[])(struct work * work) = {
		take_known, take_pem, take_uri, take_value, take_bearer, take_key_id, take_address};
	struct work work = {.out = out, .text = text, .redaction = redaction};

	while (work.at < text.size) {
		bool taken = false;
		for (size_t i = 0; !taken && i < sizeof RULES / sizeof *RULES; i++)
			taken = RULES[i](&work);
		if (!taken)
			copy_to(&work, work.at + 1);
	}
	return work.count;
}
