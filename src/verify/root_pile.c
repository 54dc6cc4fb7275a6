#include "verify/root_pile.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "verify/heads_read.h"
#include "verify/kit_parts.h"
#include "verify/kit_source.h"

void root_pile_release(struct root_pile *pile)
{
	arena_release(&pile->arena);
	*pile = (struct root_pile){.arena = ARENA_INIT};
}

static const struct root_offer *find(const struct root_pile *pile, int64_t version)
{
	for (size_t i = 0; i < pile->count; i++)
		if (pile->offers[i].untrusted_version == version)
			return &pile->offers[i];
	return NULL;
}

/* Two sources may have the same root; two that differ under one version are not chosen between. */
static int check_same(
	const struct root_offer *there, struct bytes text, const char *name, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *one = NULL, *other = NULL;
	int rc;

	if (bytes_equal(there->untrusted_text, text))
		return 0;
	if ((rc = trust_root_parse(there->untrusted_text, &one, err)) < 0)
		return err_context(err, "%s", there->name);
	if ((rc = trust_root_parse(text, &other, err)) < 0)
		return err_context(err, "%s", name);
	if (trust_root_equal(one, other))
		return 0;
	return err_set(err, ERR_TRUST_INVALID, "%s and %s are two different roots of version %lld",
		there->name, name, (long long)there->untrusted_version);
}

static int make_room(struct root_pile *pile, struct err *err)
{
	if (pile->count < pile->room)
		return 0;
	size_t room = pile->room * 2 + 16;
	struct root_offer *offers = arena_array(&pile->arena, room, sizeof *offers);
	if (offers == NULL)
		return err_no_memory(err);
	if (pile->count > 0)
		memcpy(offers, pile->offers, pile->count * sizeof *offers);
	pile->offers = offers;
	pile->room = room;
	return 0;
}

static int add(struct root_pile *pile, int64_t version, struct bytes text, const char *name,
	struct err *err)
{
	const struct root_offer *there = find(pile, version);
	int rc = there != NULL ? check_same(there, text, name, err) : make_room(pile, err);

	if (rc < 0 || there != NULL)
		return rc;
	const struct root_offer offer = {
		version, arena_bytes(&pile->arena, text), arena_string(&pile->arena, name)};
	if (offer.untrusted_text.data == NULL || offer.name == NULL)
		return err_no_memory(err);
	pile->offers[pile->count++] = offer;
	return 0;
}

static int add_file(struct root_pile *pile, const char *path, struct err *err)
{
	CLEANUP(trust_root_cleanup) struct trust_root *root = NULL;
	CLEANUP_STR struct str text = STR_INIT;
	int rc = file_read_path(path, ROOT_SIZE_MAX, &text, err);

	if (rc == -ERR_LIMIT)
		return err_recode(err, ERR_TRUST_INVALID);
	if (rc < 0)
		return rc;
	if ((rc = trust_root_parse(str_bytes(&text), &root, err)) < 0)
		return err_context(err, "%s", path);
	return add(pile, trust_root_version(root), str_bytes(&text), path, err);
}

/* ---- a kit's */

static int read_heads(const struct kit_source *source, struct heads_reader *heads, struct err *err)
{
	CLEANUP(members_cleanup) struct members *members = NULL;
	int rc = kit_source_members(source, &members, err);

	return rc < 0 ? rc : heads_read(heads, members, heads_scanned_max(source->size), err);
}

static bool leads_on(const struct heads_reader *heads)
{
	for (size_t i = 0; i < heads->newer_count; i++)
		if (heads->newer[i].version == heads->root_in_force + 1)
			return true;
	return false;
}

static int add_all(struct root_pile *pile, const struct kit_source *source,
	const struct heads_reader *heads, struct err *err)
{
	for (size_t i = 0; i < heads->newer_count; i++) {
		const struct kit_root *root = &heads->newer[i];
		CLEANUP_STR struct str name = STR_INIT;
		str_append_format(
			&name, "%s: trust/%lld.root.json", source->path, (long long)root->version);
		int rc = str_check(&name, err);
		if (rc == 0)
			rc = add(pile, root->version, str_bytes(&root->untrusted_text),
				str_text(&name), err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* In the order of the format the roots come first; only if they do not is the whole kit walked. */
static int walk_kit(
	struct root_pile *pile, const struct kit_source *source, int64_t version, struct err *err)
{
	CLEANUP(heads_release) struct heads_reader heads = {.root_in_force = version};
	CLEANUP(heads_release)
	struct heads_reader whole = {.root_in_force = version, .whole = true};
	int rc = read_heads(source, &heads, err);

	if (rc < 0)
		return rc;
	if (source->is_folder || leads_on(&heads))
		return add_all(pile, source, &heads, err);
	rc = read_heads(source, &whole, err);
	return rc < 0 ? rc : add_all(pile, source, &whole, err);
}

static int add_kit(struct root_pile *pile, const char *path, int64_t version,
	const struct verify_options *options, struct err *err)
{
	CLEANUP(kit_source_release) struct kit_source source = KIT_SOURCE_INIT;
	int rc = kit_source_open(&source, path, options, err);

	if (rc == 0 && walk_kit(pile, &source, version, err) < 0)
		rc = kit_source_explain(&source, err);
	if (rc == 0)
		return 0;
	if (err->code == ERR_NOT_A_KIT) {
		(void)err_recode(err, ERR_TRUST_INVALID);
		return err_context(err, "%s is neither a root nor a kit", path);
	}
	return err_context(err, "%s", path);
}

/* A root is JSON and begins with a brace; no archive does, and a list of parts has its ending. */
static int looks_like_root(const char *path, bool *ret_root, struct err *err)
{
	CLEANUP_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	char first[64];

	if (fd < 0 || fstat(fd, &st) != 0)
		return err_set_errno(
			err, errno == ENOENT ? ERR_NOT_FOUND : ERR_UNREADABLE, errno, "%s", path);
	if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
		return err_set(err, ERR_UNREADABLE, "%s is neither a file nor a folder", path);
	*ret_root = false;
	if (S_ISDIR(st.st_mode) || kit_parts_is_list(path))
		return 0;
	ssize_t got = pread(fd, first, sizeof first, 0);
	if (got < 0)
		return err_set_errno(err, ERR_UNREADABLE, errno, "%s", path);
	ssize_t i = 0;
	while (i < got && memchr(" \t\r\n", first[i], 4) != NULL)
		i++;
	*ret_root = i < got && first[i] == '{';
	return 0;
}

int root_pile_add(struct root_pile *pile, const char *path, int64_t version,
	const struct verify_options *options, struct err *err)
{
	bool is_root = false;
	int rc = looks_like_root(path, &is_root, err);

	if (rc < 0)
		return rc;
	return is_root ? add_file(pile, path, err) : add_kit(pile, path, version, options, err);
}
