/* The XML that a server answers with, and what is refused of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "object/xml.h"

static struct err err;

static int find(const char *text, const char *path, struct str *out)
{
	str_truncate(out, 0);
	return xml_find(bytes_of_string(text), path, out, &err);
}

static void test_found(void **state)
{
	static const char text[] =
		"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<e:Error xmlns:e='x>y'>"
		"<Code>A&lt;B</Code><Code>2</Code>\n<In><Code>3</Code></In>"
		"<Empty/><Message> a&#x20AC;&#65;&amp;&apos; </Message></e:Error>\n";
	static const char *const cases[][2] = {
		{"Error/Code", "A<B"},
		{"Error/In/Code", "3"},
		{"Error/Message", " a\xe2\x82\xac"
				  "A&' "},
		{"Error/Empty", ""},
		{"Error/None", ""},
		{"Code", ""},
		{"Error/Cod", ""},
		{"Error/Code/", ""},
	};
	CLEANUP_STR struct str out = STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		assert_int_equal(find(text, cases[i][0], &out), 0);
		assert_string_equal(str_text(&out), cases[i][1]);
	}
}

static void test_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"text",
		"<a>",
		"<a></b>",
		"<a><b></a></b>",
		"</a>",
		"<a/><b/>",
		"<a/>text",
		"text<a/>",
		"<a",
		"<a b>",
		"<a b=c/>",
		"<a b=\"c/>",
		"<>",
		"< a/>",
		"<a>&none;</a>",
		"<a>&amp</a>",
		"<a>&#0;</a>",
		"<a>&#xD800;</a>",
		"<a>&#x110000;</a>",
		"<a>&#;</a>",
		"<a>&#x;</a>",
		"<a>&#-1;</a>",
		"<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>",
		"<a><!-- c --></a>",
		"<a><![CDATA[c]]></a>",
		"<a><?c d?></a>",
		"<?xml version=\"1.0\">",
		"<a/><?xml version=\"1.0\"?>",
	};
	CLEANUP_STR struct str out = STR_INIT;

	(void)state;
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		if (find(cases[i], "a", &out) != -ERR_SYNTAX)
			fail_msg("taken: %s", cases[i]);
	assert_int_equal(xml_find(bytes_make("<a>\0</a>", 8), "a", &out, &err), -ERR_SYNTAX);
}

/* depth elements in each other, each with a name of so many octets. */
static int nested(size_t depth, size_t size)
{
	CLEANUP_STR struct str text = STR_INIT, out = STR_INIT;
	char name[XML_NAME_MAX + 2];

	memset(name, 'n', size);
	name[size] = '\0';
	for (size_t i = 0; i < depth; i++)
		str_append_format(&text, "<%s>", name);
	for (size_t i = 0; i < depth; i++)
		str_append_format(&text, "</%s>", name);
	return find(str_text(&text), "a", &out);
}

static void test_limits(void **state)
{
	(void)state;
	assert_int_equal(nested(XML_DEPTH_MAX, 1), 0);
	assert_int_equal(nested(XML_DEPTH_MAX + 1, 1), -ERR_LIMIT);
	assert_int_equal(nested(1, XML_NAME_MAX), 0);
	assert_int_equal(nested(1, XML_NAME_MAX + 1), -ERR_LIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_found),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
