#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "object/s3_client.h"
#include "object/xml.h"

enum { PAGE_MAX = 1000, EMPTY_PAGES_MAX = 100, NUMBER_SIZE = 12 };

/* One page of a list under way. */
struct page {
	const struct s3 *s3;
	int (*visit)(void *self, const struct object_entry *entry, struct err *err);
	void *self;
	struct str key, size, next;
	size_t count;	 /* of its keys */
	bool is_encoded; /* the keys, as was asked; some servers do not */
	bool is_more;
};

static void page_release(struct page *page)
{
	str_release(&page->key);
	str_release(&page->size);
	str_release(&page->next);
}

static int malformed(struct err *err)
{
	return err_set(err, ERR_STORE, "the server's list of the bucket is none");
}

static int digit_of(char c)
{
	static const char digits[] = "0123456789abcdef0123456789ABCDEF";
	const char *at = c == '\0' ? NULL : strchr(digits, c);

	return at == NULL ? -1 : (int)((at - digits) % 16);
}

/* encoding-type=url: as in a form, in place. */
static bool decode(struct str *key)
{
	size_t to = 0;

	for (size_t i = 0; i < key->size; i++) {
		char c = key->text[i] == '+' ? ' ' : key->text[i];
		if (c == '%') {
			const int high = i + 1 < key->size ? digit_of(key->text[i + 1]) : -1;
			const int low = i + 2 < key->size ? digit_of(key->text[i + 2]) : -1;
			if (high < 0 || low < 0 || high + low == 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		key->text[to++] = c;
	}
	str_truncate(key, to);
	return true;
}

static int tell(struct page *page, struct err *err)
{
	const char *prefix = page->s3->prefix;
	const size_t skip = strlen(prefix);
	char *end = NULL;

	if (page->key.size == 0 || page->size.size == 0 ||
		(page->is_encoded && !decode(&page->key)) ||
		strncmp(str_text(&page->key), prefix, skip) != 0)
		return malformed(err);
	const long long size = strtoll(page->size.text, &end, 10);
	if (*end != '\0' || size < 0)
		return malformed(err);
	const struct object_entry entry = {
		.key = str_text(&page->key) + skip,
		.is_octets = true,
		.size = size,
	};
	page->count++;
	return page->visit == NULL ? 0 : page->visit(page->self, &entry, err);
}

static void keep(struct str *out, const struct str *content)
{
	str_truncate(out, 0);
	str_append(out, content->text, content->size);
}

/* The element that has just been closed, by its path. */
static int take(struct page *page, struct xml *xml, const struct str *content, struct err *err)
{
	const char *name = xml->names[xml->depth];

	if (xml_is_at(xml, "ListBucketResult/Contents")) {
		if (strcmp(name, "Key") == 0)
			keep(&page->key, content);
		else if (strcmp(name, "Size") == 0)
			keep(&page->size, content);
	} else if (xml_is_at(xml, "ListBucketResult")) {
		if (strcmp(name, "IsTruncated") == 0)
			page->is_more = strcmp(str_text(content), "true") == 0;
		else if (strcmp(name, "NextContinuationToken") == 0)
			keep(&page->next, content);
		else if (strcmp(name, "Contents") == 0)
			return tell(page, err);
	}
	return 0;
}

static int read_page(struct page *page, struct bytes untrusted_text, struct err *err)
{
	CLEANUP_STR struct str content = STR_INIT, encoding = STR_INIT;
	struct xml xml = xml_begin(untrusted_text);
	enum xml_event event = XML_OPEN;
	struct err why;

	/* It may stand behind the keys. */
	if (xml_find(untrusted_text, "ListBucketResult/EncodingType", &encoding, &why) < 0)
		return err_set(err, ERR_STORE, "the server's list of the bucket: %s", why.message);
	page->is_encoded = strcmp(str_text(&encoding), "url") == 0;
	while (event != XML_END) {
		if (xml_next(&xml, &event, &content, &why) < 0)
			return err_set(
				err, ERR_STORE, "the server's list of the bucket: %s", why.message);
		if (event == XML_OPEN && xml.depth == 1 &&
			strcmp(xml.names[0], "ListBucketResult") != 0)
			return malformed(err);
		if (event == XML_OPEN && xml_is_at(&xml, "ListBucketResult/Contents")) {
			str_truncate(&page->key, 0);
			str_truncate(&page->size, 0);
		}
		int rc = event == XML_CLOSE ? take(page, &xml, &content, err) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int get_page(
	struct s3 *s3, size_t page_max, const char *token, struct page *page, struct err *err)
{
	CLEANUP(s3_answer_release) struct s3_answer answer = S3_ANSWER_INIT;
	struct sigv4_query query[5];
	char max[NUMBER_SIZE];
	size_t count = 0;

	(void)snprintf(max, sizeof max, "%zu", page_max == 0 ? PAGE_MAX : page_max);
	if (*token != '\0')
		query[count++] = (struct sigv4_query){"continuation-token", token};
	query[count++] = (struct sigv4_query){"encoding-type", "url"};
	query[count++] = (struct sigv4_query){"list-type", "2"};
	query[count++] = (struct sigv4_query){"max-keys", max};
	query[count++] = (struct sigv4_query){"prefix", s3->prefix};
	const struct s3_call call = {.method = "GET", .query = query, .query_count = count};
	int rc = s3_call(s3, &call, &answer, err);
	if (rc < 0)
		return rc;
	if (answer.http.status != 200)
		return s3_refused(s3, &call, &answer, err);
	return read_page(page, str_bytes(&answer.http.text), err);
}

/*
 * Where a list has come to. A server that goes in a circle would be followed for ever: a token is
 * compared with one from before, which is replaced ever more rarely (Brent's cycle detection), so
 * that any circle is seen after at most three rounds of it. And without an end, if no page has
 * keys.
 */
struct course {
	struct str token, before;
	size_t pages, next_mark; /* pages since `before`; at so many it is replaced */
	size_t empty;		 /* pages, one after the other */
};

static void course_release(struct course *course)
{
	str_release(&course->token);
	str_release(&course->before);
}

static int take_token(struct course *course, const struct page *page, struct err *err)
{
	course->empty = page->count > 0 ? 0 : course->empty + 1;
	if (page->next.size == 0)
		return malformed(err);
	if (course->empty > EMPTY_PAGES_MAX ||
		strcmp(str_text(&page->next), str_text(&course->token)) == 0 ||
		strcmp(str_text(&page->next), str_text(&course->before)) == 0)
		return err_set(err, ERR_STORE, "the server's list of the bucket goes in a circle");
	keep(&course->token, &page->next);
	if (++course->pages >= course->next_mark) {
		keep(&course->before, &course->token);
		course->next_mark = 2 * course->next_mark + 1;
		course->pages = 0;
	}
	int rc = str_check(&course->before, err);
	return rc < 0 ? rc : str_check(&course->token, err);
}

int s3_list(struct s3 *s3, size_t page_max,
	int (*visit)(void *self, const struct object_entry *entry, struct err *err), void *self,
	struct err *err)
{
	CLEANUP(course_release) struct course course = {.next_mark = 1};
	int rc = 0;

	for (bool is_more = true; is_more && rc == 0;) {
		CLEANUP(page_release) struct page page = {.s3 = s3, .visit = visit, .self = self};
		rc = get_page(s3, page_max, str_text(&course.token), &page, err);
		is_more = page.is_more && visit != NULL;
		if (rc == 0 && is_more)
			rc = take_token(&course, &page, err);
	}
	return rc;
}
