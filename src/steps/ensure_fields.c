/* Two definitions of an index or a validator, field by field. */
#include <string.h>

#include "base/cleanup.h"
#include "steps/ensure.h"
#include "text/text.h"

/* ---- sentences */

enum { TOLD_MAX = 4 }; /* differences that are told; the others are counted */

struct differences {
	struct str *text;
	size_t count;
};

static void append_value(struct str *text, const struct value *value)
{
	if (value->type == VALUE_MISSING) {
		str_append_text(text, "not set");
		return;
	}
	if (value->type == VALUE_ARRAY) {
		str_append_format(text, "an array of %zu", doc_count(value->bytes));
		return;
	}
	if (value->type == VALUE_STRING)
		str_append_char(text, '"');
	value_to_text(value, text);
	if (value->type == VALUE_STRING)
		str_append_char(text, '"');
}

static bool begin(struct differences *differences, const char *name)
{
	struct str *text = differences->text;

	if (++differences->count > TOLD_MAX)
		return false;
	if (differences->count > 1)
		str_append_text(text, "; ");
	text_escape(text, bytes_of_string(name), 120);
	return true;
}

static void tell(struct differences *differences, const char *name, const struct value *here,
	const struct value *wanted)
{
	if (!begin(differences, name))
		return;
	str_append_text(differences->text, " is ");
	append_value(differences->text, here);
	str_append_text(differences->text, " here, ");
	append_value(differences->text, wanted);
	str_append_text(differences->text, " wanted");
}

static void end(struct differences *differences)
{
	if (differences->count > TOLD_MAX)
		str_append_format(
			differences->text, "; and %zu more", differences->count - TOLD_MAX);
}

/* ---- values */

/* Documents whose members may stand in any order: queries, weights, collations. */
static void compare_values(struct differences *differences, const char *path,
	const struct value *here, const struct value *wanted);

static void compare_documents(
	struct differences *differences, const char *path, struct bytes here, struct bytes wanted)
{
	struct doc_iter iter = doc_iter_begin(wanted);
	struct value value, other;
	const char *name;

	while (doc_iter_next(&iter, &name, &value)) {
		CLEANUP_STR struct str member = STR_INIT;
		str_append_format(&member, "%s.%s", path, name);
		other = doc_get(here, name);
		compare_values(differences, str_text(&member), &other, &value);
	}
	iter = doc_iter_begin(here);
	while (doc_iter_next(&iter, &name, &value)) {
		CLEANUP_STR struct str member = STR_INIT;
		other = doc_get(wanted, name);
		str_append_format(&member, "%s.%s", path, name);
		if (other.type == VALUE_MISSING)
			tell(differences, str_text(&member), &value, &other);
	}
}

static void compare_arrays(
	struct differences *differences, const char *path, struct bytes here, struct bytes wanted)
{
	struct doc_iter here_iter = doc_iter_begin(here), wanted_iter = doc_iter_begin(wanted);
	struct value a, b;
	const char *a_name, *b_name;
	size_t i = 0;

	for (; doc_iter_next(&here_iter, &a_name, &a) && doc_iter_next(&wanted_iter, &b_name, &b);
		i++) {
		CLEANUP_STR struct str element = STR_INIT;
		str_append_format(&element, "%s[%zu]", path, i);
		compare_values(differences, str_text(&element), &a, &b);
	}
}

static void compare_values(struct differences *differences, const char *path,
	const struct value *here, const struct value *wanted)
{
	if (here->type == VALUE_DOCUMENT && wanted->type == VALUE_DOCUMENT)
		compare_documents(differences, path, here->bytes, wanted->bytes);
	else if (here->type == VALUE_ARRAY && wanted->type == VALUE_ARRAY &&
		 doc_count(here->bytes) == doc_count(wanted->bytes))
		compare_arrays(differences, path, here->bytes, wanted->bytes);
	else if (!value_like(here, wanted))
		tell(differences, path, here, wanted);
}

bool ensure_same_keys(struct bytes a, struct bytes b)
{
	const struct value x = {.type = VALUE_DOCUMENT, .bytes = a};
	const struct value y = {.type = VALUE_DOCUMENT, .bytes = b};

	return value_like(&x, &y);
}

/* ---- collations: the server fills in what was not said */

static bool is_default(const struct value *value)
{
	static const char *const words[] = {"off", "non-ignorable", "punct"};

	if (value->type == VALUE_BOOL)
		return !value->boolean;
	if (value_is_number(value)) {
		const struct value strength = {.type = VALUE_INT32, .int32 = 3};
		return value_like(value, &strength);
	}
	for (size_t i = 0; i < sizeof words / sizeof(*words); i++)
		if (value->type == VALUE_STRING &&
			bytes_equal(value->bytes, bytes_of_string(words[i])))
			return true;
	return value->type == VALUE_MISSING;
}

static bool is_simple(struct bytes collation)
{
	const char *locale = collation.size == 0 ? "simple" : doc_get_string(collation, "locale");

	return locale != NULL && strcmp(locale, "simple") == 0;
}

/* Whatever a says, b says too, or it is what holds when nothing is said. */
static bool agrees(struct bytes a, struct bytes b)
{
	struct doc_iter iter = doc_iter_begin(a);
	struct value value, other;
	const char *name;

	while (doc_iter_next(&iter, &name, &value)) {
		other = doc_get(b, name);
		if (strcmp(name, "version") != 0 &&
			!(other.type == VALUE_MISSING ? is_default(&value)
						      : value_like(&value, &other)))
			return false;
	}
	return true;
}

bool ensure_same_collation(struct bytes a, struct bytes b)
{
	if (is_simple(a) || is_simple(b))
		return is_simple(a) && is_simple(b);
	return agrees(a, b) && agrees(b, a);
}

static struct bytes document_of(struct bytes doc, const char *name)
{
	struct value value = doc.size == 0 ? (struct value){VALUE_MISSING} : doc_get(doc, name);

	return value.type == VALUE_DOCUMENT ? value.bytes : bytes_make(NULL, 0);
}

static const uint8_t EMPTY[DOC_SIZE_MIN] = {DOC_SIZE_MIN};
#define NOTHING bytes_make(EMPTY, sizeof EMPTY)

/* ---- keys of text indexes: the server keeps their fields as weights */

static bool is_text(const struct value *value)
{
	return value->type == VALUE_STRING && bytes_equal(value->bytes, bytes_of_string("text"));
}

/* keys as the server keeps them; the text fields appended to weights, 1 each unless said. */
static void normalize_keys(
	struct bytes keys, struct bytes said, struct str *out_keys, struct str *out_weights)
{
	struct doc_iter iter = doc_iter_begin(keys.size > 0 ? keys : NOTHING);
	struct doc_writer key_writer, weight_writer;
	struct value value;
	const char *name;
	bool text = false;

	doc_write_begin(&key_writer, out_keys);
	doc_write_begin(&weight_writer, out_weights);
	while (doc_iter_next(&iter, &name, &value)) {
		if (!is_text(&value) || strcmp(name, "_fts") == 0) {
			doc_write_value(&key_writer, name, &value);
			continue;
		}
		if (!text) {
			doc_write_string(&key_writer, "_fts", "text");
			doc_write_int32(&key_writer, "_ftsx", 1);
		}
		text = true;
		if (said.size == 0 || doc_get(said, name).type == VALUE_MISSING)
			doc_write_int32(&weight_writer, name, 1);
	}
	if (said.size > 0) {
		iter = doc_iter_begin(said);
		while (doc_iter_next(&iter, &name, &value))
			doc_write_value(&weight_writer, name, &value);
	}
	doc_write_end(&key_writer);
	doc_write_end(&weight_writer);
}

static void compare_keys(struct differences *differences, struct bytes here, struct bytes wanted)
{
	CLEANUP_STR struct str here_keys = STR_INIT;
	CLEANUP_STR struct str wanted_keys = STR_INIT;
	CLEANUP_STR struct str here_weights = STR_INIT;
	CLEANUP_STR struct str wanted_weights = STR_INIT;
	struct value a = doc_get(here, "key"), b = doc_get(wanted, "key");

	normalize_keys(
		document_of(here, "key"), document_of(here, "weights"), &here_keys, &here_weights);
	normalize_keys(document_of(wanted, "key"), document_of(wanted, "weights"), &wanted_keys,
		&wanted_weights);
	/* Memory that is out makes them equal to nothing. */
	if (here_weights.failed || wanted_weights.failed || here_keys.failed ||
		wanted_keys.failed ||
		!ensure_same_keys(str_bytes(&here_keys), str_bytes(&wanted_keys)))
		tell(differences, "keys", &a, &b);
	else
		compare_documents(differences, "weights", str_bytes(&here_weights),
			str_bytes(&wanted_weights));
}

/* ---- an index */

static void compare_flag(
	struct differences *differences, struct bytes here, struct bytes wanted, const char *name)
{
	/* Old servers kept what they were given: 1 as well as true. */
	struct value is = doc_get(here, name);
	int64_t number = 0;
	bool set = is.type == VALUE_BOOL ? is.boolean
					 : doc_get_integer(here, name, &number) && number != 0;
	const struct value a = {.type = VALUE_BOOL, .boolean = set};
	const struct value b = {.type = VALUE_BOOL, .boolean = doc_get_bool(wanted, name)};

	if (a.boolean != b.boolean)
		tell(differences, name, &a, &b);
}

static void compare_document(
	struct differences *differences, struct bytes here, struct bytes wanted, const char *name)
{
	struct value a = doc_get(here, name), b = doc_get(wanted, name);

	if (a.type != VALUE_MISSING || b.type != VALUE_MISSING)
		compare_values(differences, name, &a, &b);
}

/* Of text indexes only; a server may leave out what it takes when nothing is said. */
static void compare_word(struct differences *differences, struct bytes here, struct bytes wanted,
	const char *name, const char *otherwise)
{
	const char *a = doc_get_string(here, name), *b = doc_get_string(wanted, name);
	struct value x = doc_get(here, name), y = doc_get(wanted, name);

	if (strcmp(a == NULL ? otherwise : a, b == NULL ? otherwise : b) != 0)
		tell(differences, name, &x, &y);
}

static void compare_collation(struct differences *differences, struct bytes here,
	struct bytes wanted, struct bytes collections)
{
	struct bytes own = document_of(wanted, "collation");
	struct value a = doc_get(here, "collation"), b = doc_get(wanted, "collation");

	if (ensure_same_collation(document_of(here, "collation"), own.size > 0 ? own : collections))
		return;
	if (own.size == 0 && collections.size > 0)
		b = (struct value){.type = VALUE_DOCUMENT, .bytes = collections};
	tell(differences, "collation", &a, &b);
}

static struct value expiry_value(int64_t seconds)
{
	return seconds < 0 ? (struct value){VALUE_MISSING}
			   : (struct value){.type = VALUE_INT64, .int64 = seconds};
}

bool ensure_index_differences(const struct ensure_index *wanted, struct bytes there,
	struct bytes collation, int64_t seconds, struct str *text)
{
	static const char *const FLAGS[] = {"unique", "sparse", "hidden"};
	static const char *const DOCUMENTS[] = {"partialFilterExpression", "wildcardProjection"};
	struct differences differences = {.text = text};
	struct value a = doc_get(there, "name"), b = doc_get(wanted->spec, "name");

	compare_keys(&differences, there, wanted->spec);
	for (size_t i = 0; i < sizeof FLAGS / sizeof(*FLAGS); i++)
		compare_flag(&differences, there, wanted->spec, FLAGS[i]);
	for (size_t i = 0; i < sizeof DOCUMENTS / sizeof(*DOCUMENTS); i++)
		compare_document(&differences, there, wanted->spec, DOCUMENTS[i]);
	compare_collation(&differences, there, wanted->spec, collation);
	compare_word(&differences, there, wanted->spec, "default_language", "english");
	compare_word(&differences, there, wanted->spec, "language_override", "language");
	if (!value_like(&a, &b))
		tell(&differences, "name", &a, &b);
	bool in_place = differences.count == 0 && seconds >= 0 && wanted->expiry >= 0;
	if (seconds != wanted->expiry) {
		a = expiry_value(seconds);
		b = expiry_value(wanted->expiry);
		tell(&differences, "expireAfterSeconds", &a, &b);
	}
	end(&differences);
	return in_place;
}

/* ---- a validator */

static void compare_setting(struct differences *differences, struct bytes options, const char *name,
	const char *otherwise, const char *wanted)
{
	const char *is = options.size == 0 ? NULL : doc_get_string(options, name);
	const struct value a = {
		.type = VALUE_STRING, .bytes = bytes_of_string(is == NULL ? otherwise : is)};
	const struct value b = {.type = VALUE_STRING, .bytes = bytes_of_string(wanted)};

	if (!bytes_equal(a.bytes, b.bytes))
		tell(differences, name, &a, &b);
}

void ensure_validator_differences(
	const struct ensure_declared *declared, struct bytes options, struct str *text)
{
	struct differences differences = {.text = text};
	struct bytes is = document_of(options, "validator");

	if (is.size == 0 || doc_count(is) == 0) {
		str_append_text(text, "there is no validator");
		return;
	}
	compare_documents(&differences, "validator", is, declared->validator);
	compare_setting(
		&differences, options, "validationLevel", "strict", declared->validation_level);
	compare_setting(
		&differences, options, "validationAction", "error", declared->validation_action);
	end(&differences);
}
