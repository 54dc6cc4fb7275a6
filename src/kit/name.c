#include "kit/name.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/cleanup.h"
#include "text/text.h"

enum { SHOWN_MAX = 120 };

static int refuse(struct bytes name, const char *rule, struct err *err)
{
	CLEANUP_STR struct str shown = STR_INIT;

	text_escape(&shown, name, SHOWN_MAX);
	return err_set(err, ERR_UNSAFE_ARCHIVE, "the name \"%s\" %s", str_text(&shown), rule);
}

/* The rule that a component breaks, NULL if none. */
static const char *component_rule(const uint8_t *component, size_t size)
{
	if (size == 0)
		return "has an empty component";
	if (size > NAME_COMPONENT_MAX)
		return "has a component of more than 255 octets";
	if ((size == 1 && component[0] == '.') ||
		(size == 2 && component[0] == '.' && component[1] == '.'))
		return "has a component \".\" or \"..\"";
	if (component[size - 1] == '.' || component[size - 1] == ' ')
		return "has a component that ends with a dot or a space";
	return NULL;
}

static const char *character_rule(struct bytes name)
{
	uint32_t character;

	for (size_t i = 0, size; (size = utf8_next(name, i, &character)) > 0; i += size) {
		if (character < 0x20 || (character >= 0x7F && character < 0xA0))
			return "has a control character";
		if (character == 0x2028 || character == 0x2029)
			return "has a line separator";
		if (character == '\\')
			return "has a backslash";
	}
	return NULL;
}

/* The rule of encoding and characters that a name breaks; memory may run out over it. */
static int text_rule(struct bytes untrusted_name, const char **ret_rule, struct err *err)
{
	struct err form;

	if (!utf8_valid(untrusted_name))
		*ret_rule = "is not UTF-8";
	else if (text_check_nfc(untrusted_name, &form) == 0)
		*ret_rule = character_rule(untrusted_name);
	else if (form.code == ERR_SYNTAX)
		*ret_rule = "is not in normal form C";
	else
		return err_no_memory(err);
	return 0;
}

int name_check(struct bytes untrusted_name, struct err *err)
{
	const char *rule = NULL;
	int status = 0;

	if (untrusted_name.size == 0)
		rule = "is empty";
	else if (untrusted_name.size > NAME_SIZE_MAX)
		rule = "is longer than 1,024 octets";
	else
		status = text_rule(untrusted_name, &rule, err);
	if (status < 0)
		return status;
	for (size_t start = 0; rule == NULL && start <= untrusted_name.size;) {
		const uint8_t *component = untrusted_name.data + start;
		size_t left = untrusted_name.size - start;
		const uint8_t *slash = left > 0 ? memchr(component, '/', left) : NULL;
		size_t size = slash != NULL ? (size_t)(slash - component) : left;
		rule = component_rule(component, size);
		start += size + 1;
	}
	return rule == NULL ? 0 : refuse(untrusted_name, rule, err);
}

/*
 * The set is a tree of libc's (tsearch): balanced, so that no choice of names makes it slow, which
 * a hash without a secret could not promise.
 */
struct name_entry {
	const char *folded; /* the key */
	const char *name;
};

struct name_set {
	struct arena arena;
	void *trees[2];		 /* of files, of folders */
	const char *last_folder; /* of the name added last: its parents are known */
	struct str scratch;
};

static int compare_entries(const void *a, const void *b)
{
	const struct name_entry *left = a, *right = b;

	return strcmp(left->folded, right->folded);
}

static void keep_entry(void *entry)
{
	(void)entry; /* it is the arena's */
}

int name_set_new(struct name_set **ret_set, struct err *err)
{
	struct name_set *set = calloc(1, sizeof *set);

	if (set == NULL)
		return err_no_memory(err);
	*ret_set = set;
	return 0;
}

void name_set_free(struct name_set *set)
{
	if (set == NULL)
		return;
	tdestroy(set->trees[false], keep_entry);
	tdestroy(set->trees[true], keep_entry);
	arena_release(&set->arena);
	str_release(&set->scratch);
	free(set);
}

void name_set_cleanup(struct name_set **set)
{
	name_set_free(*set);
}

static int clash(const struct name_entry *entry, const char *name, struct err *err)
{
	if (strcmp(entry->name, name) == 0)
		return refuse(bytes_of_string(name), "stands there twice", err);
	return refuse(bytes_of_string(name), "differs from another only in case or form", err);
}

static const struct name_entry *find(struct name_set *set, const char *folded, bool is_folder)
{
	const struct name_entry key = {.folded = folded};
	struct name_entry *const *found = tfind(&key, &set->trees[is_folder], compare_entries);

	return found != NULL ? *found : NULL;
}

static int insert(struct name_set *set, const char *name, bool is_folder, struct err *err)
{
	const char *folded = str_text(&set->scratch);
	struct name_entry *entry = arena_alloc(&set->arena, sizeof *entry);

	if (entry == NULL)
		return err_no_memory(err);
	entry->name = is_folder ? arena_string(&set->arena, name) : name;
	if (entry->name == NULL)
		return err_no_memory(err);
	/* Most names are their own folded form: keep them once. */
	entry->folded = strcmp(name, folded) == 0 ? entry->name : arena_string(&set->arena, folded);
	if (entry->folded == NULL ||
		tsearch(entry, &set->trees[is_folder], compare_entries) == NULL)
		return err_no_memory(err);
	return 0;
}

/* Adds name if no other has its folded form; a folder may come again in the same spelling. */
static int add_entry(struct name_set *set, const char *name, bool is_folder, struct err *err)
{
	str_truncate(&set->scratch, 0);
	int status = text_fold(bytes_of_string(name), &set->scratch, err);
	if (status != 0)
		return status;
	if (find(set, str_text(&set->scratch), !is_folder) != NULL)
		return refuse(bytes_of_string(name), "is a file and a folder", err);
	const struct name_entry *same = find(set, str_text(&set->scratch), is_folder);
	if (same == NULL)
		return insert(set, name, is_folder, err);
	return is_folder && strcmp(same->name, name) == 0 ? 0 : clash(same, name, err);
}

/* The octets of both up to the end of the last component that they have in common. */
static size_t shared_folders(const char *before, const char *folder)
{
	size_t same = 0, shared = 0;

	if (before == NULL)
		return 0;
	for (; folder[same] != '\0' && before[same] == folder[same]; same++)
		if (folder[same] == '/')
			shared = same + 1;
	return folder[same] == '/' && before[same] == '\0' ? same + 1 : shared;
}

static int add_folders(struct name_set *set, const char *name, struct err *err)
{
	const char *end = strrchr(name, '/');
	size_t size = end == NULL ? 0 : (size_t)(end - name);

	if (size == 0)
		return 0;
	if (set->last_folder != NULL && strncmp(set->last_folder, name, size) == 0 &&
		set->last_folder[size] == '\0')
		return 0;
	char *folder = arena_string_n(&set->arena, name, size);
	if (folder == NULL)
		return err_no_memory(err);
	/* What it shares with the folder before is there: long paths would cost their square. */
	size_t known = shared_folders(set->last_folder, folder);
	for (char *slash = strchr(folder + known, '/'); slash != NULL;
		slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		int status = add_entry(set, folder, true, err);
		*slash = '/';
		if (status != 0)
			return status;
	}
	int status = add_entry(set, folder, true, err);
	if (status == 0)
		set->last_folder = folder;
	return status;
}

int name_set_add(struct name_set *set, const char *name, struct err *err)
{
	int status = add_folders(set, name, err);

	return status != 0 ? status : add_entry(set, name, false, err);
}
