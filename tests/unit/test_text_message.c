/* The faces' texts: every language says what the English text says, of the same things. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "text/message.h"
#include "text/text.h"

static const char *const LOCALES[] = {"de_DE.UTF-8"};

/* The next conversion of a format: "%.*s", "%lld"; "%%" is none. */
static struct bytes next_conversion(const char **format)
{
	static const char LENGTHS[] = "hlLqjzt";
	const char *p = *format;

	while ((p = strchr(p, '%')) != NULL && p[1] == '%')
		p += 2;
	if (p == NULL) {
		*format = "";
		return bytes_make("", 0);
	}
	const char *end = p + 1 + strspn(p + 1, "-+ #0123456789.*");
	end += strspn(end, LENGTHS);
	end += *end != '\0';
	*format = end;
	return bytes_make(p, (size_t)(end - p));
}

/* Widths of the fields are a language's own; what they are filled with is not. */
static struct bytes kind_of(struct bytes conversion)
{
	size_t flags =
		strspn((const char *)conversion.data + (conversion.size > 0), "-+ #0123456789.");

	if (conversion.size == 0)
		return conversion;
	return bytes_make(conversion.data + 1 + flags, conversion.size - 1 - flags);
}

static bool converts_the_same(const char *a, const char *b)
{
	struct bytes one, other;

	do {
		one = kind_of(next_conversion(&a));
		other = kind_of(next_conversion(&b));
		if (!bytes_equal(one, other))
			return false;
	} while (one.size > 0 || other.size > 0);
	return true;
}

static void conversions_are_compared(void **state)
{
	(void)state;
	assert_true(converts_the_same("a %s of %d", "%s: %d"));
	assert_true(converts_the_same("100 %%, %-10s", "%s 100 %%"));
	assert_true(converts_the_same("none", "keine"));
	assert_false(converts_the_same("a %s of %d", "%d von %s"));
	assert_false(converts_the_same("a %s", "ein"));
	assert_false(converts_the_same("a", "ein %s"));
	assert_false(converts_the_same("%d", "%lld"));
	assert_false(converts_the_same("%.*s", "%s"));
}

static void every_language_converts_the_same(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof LOCALES / sizeof LOCALES[0]; i++) {
		const struct language *language = language_by_locale(LOCALES[i], true);
		assert_non_null(language);
		for (int which = 0; which < MESSAGE_COUNT; which++) {
			const char *english = message_text(NULL, (enum message)which);
			const char *text = message_text(language, (enum message)which);
			if (!converts_the_same(english, text))
				fail_msg("%s: \"%s\" does not fill in what \"%s\" does",
					language_name(language), text, english);
		}
	}
}

static void every_text_fits(void **state)
{
	const struct language *const languages[] = {NULL, language_by_locale(LOCALES[0], true)};

	(void)state;
	for (size_t i = 0; i < sizeof languages / sizeof languages[0]; i++)
		for (int which = 0; which < MESSAGE_COUNT; which++) {
			int room = message_columns((enum message)which);
			const char *text = message_text(languages[i], (enum message)which);
			if (room > 0 && (int)text_width(text) > room)
				fail_msg("%s: \"%s\" is wider than %d columns",
					language_name(languages[i]), text, room);
		}
}

/* What another language leaves out is said in English; the one that is here leaves nothing out. */
static void german_is_whole(void **state)
{
	static const struct {
		enum message which;
		const char *text;
	} SAME[] = {
#define SAME_IN_GERMAN(name) {MSG_##name, MESSAGE_ENGLISH_MSG_##name}
		SAME_IN_GERMAN(KIT),
		SAME_IN_GERMAN(PLAN),
		SAME_IN_GERMAN(CONFLICT_IN),
		SAME_IN_GERMAN(MANIFEST),
		SAME_IN_GERMAN(PLAN_ROW),
		SAME_IN_GERMAN(SBOM),
		SAME_IN_GERMAN(SBOMS),
		SAME_IN_GERMAN(IMAGE),
		SAME_IN_GERMAN(IMAGES),
	};
	const struct language *german = language_by_locale("de", true);
	size_t same = 0;

	(void)state;
	for (size_t i = 0; i < sizeof SAME / sizeof SAME[0]; i++)
		assert_string_equal(message_text(german, SAME[i].which), SAME[i].text);
	for (int which = 1; which < MESSAGE_OWN_COUNT; which++)
		if (strcmp(message_text(NULL, (enum message)which),
			    message_text(german, (enum message)which)) == 0)
			same++;
	assert_int_equal(same, sizeof SAME / sizeof SAME[0]);
}

static void a_locale_names_its_language(void **state)
{
	static const struct {
		const char *locale;
		bool utf8;
		const char *language;
	} CASES[] = {
		{"de", true, "de"},
		{"de_AT.UTF-8", true, "de"},
		{"de.UTF-8", true, "de"},
		{"de@euro", true, "de"},
		{"de_DE", false, "en"}, /* its letters would not be seen */
		{"den", true, "en"},
		{"d", true, "en"},
		{"DE", true, "en"},
		{"en_GB.UTF-8", true, "en"},
		{"fr_FR.UTF-8", true, "en"},
		{"C", true, "en"},
		{"", true, "en"},
		{NULL, true, "en"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++)
		assert_string_equal(
			language_name(language_by_locale(CASES[i].locale, CASES[i].utf8)),
			CASES[i].language);
}

static void the_record_is_said_where_it_is_known(void **state)
{
	static const struct {
		const char *record, *said;
	} CASES[] = {
		{"try again", "noch einmal versuchen"},
		{"Backup", "Sicherung"},
		{"backup", "backup"},
		{"3,000 files", "3,000 files"},
		{"", ""},
		{"nothing to undo; the files stay",
			"nichts rückgängig zu machen; die Dateien bleiben"},
		{"new documents in observations, linksets",
			"neue Dokumente in observations, linksets"},
		{"skipped, the database was not asked",
			"übersprungen, die Datenbank wurde nicht gefragt"},
		{"skipped, for once", "übersprungen, for once"},
		{"Undo Backup?", "Sicherung: rückgängig machen?"},
		{"Begin 21-101 Observations?", "21-101 Observations: beginnen?"},
		{"Begin X? After this, going back is not exact.",
			"X: beginnen? Danach ist der Rückweg nicht mehr genau."},
		{"Begin %s%n?", "%s%n: beginnen?"},
		{"Begin ?", "Begin ?"},
		{"Begin", "Begin"},
	};
	const struct language *german = language_by_locale("de", true);

	(void)state;
	for (size_t i = 0; i < sizeof CASES / sizeof CASES[0]; i++) {
		CLEANUP_STR struct str said = STR_INIT, english = STR_INIT;
		message_append_record(&said, german, CASES[i].record);
		assert_string_equal(str_text(&said), CASES[i].said);
		message_append_record(&english, NULL, CASES[i].record);
		assert_string_equal(str_text(&english), CASES[i].record);
	}
	for (int code = ERR_NONE + 1; code < ERR_COUNT; code++) {
		const char *sentence = err_sentence((enum err_code)code);
		const char *next = err_next((enum err_code)code);
		assert_string_equal(message_of_record(NULL, sentence), sentence);
		if (strcmp(message_of_record(german, sentence), sentence) == 0 ||
			strcmp(message_of_record(german, next), next) == 0)
			fail_msg("%s is not said in German", err_name((enum err_code)code));
	}
}

static void arguments_are_filled_in(void **state)
{
	CLEANUP_STR struct str text = STR_INIT;
	char small[8];

	(void)state;
	message_append(&text, NULL, MSG_SITE_AND_ENVIRONMENT, "ost", "staging");
	assert_string_equal(str_text(&text), "site ost · staging");
	/* "site ost" is eight octets, and the room is for seven and the end */
	message_format(small, sizeof small, NULL, MSG_SITE_AND_ENVIRONMENT, "ost", "staging");
	assert_string_equal(small, "site os");
	/* never half of a character */
	message_format(small, sizeof small, NULL, MSG_SITE_AND_ENVIRONMENT, "aö", "x");
	assert_string_equal(small, "site a");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversions_are_compared),
		cmocka_unit_test(every_language_converts_the_same),
		cmocka_unit_test(every_text_fits),
		cmocka_unit_test(german_is_whole),
		cmocka_unit_test(a_locale_names_its_language),
		cmocka_unit_test(the_record_is_said_where_it_is_known),
		cmocka_unit_test(arguments_are_filled_in),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
