#include "verify/verify.h"

#include <stdlib.h>
#include <string.h>

#include "archive/members.h"
#include "base/cleanup.h"
#include "base/file.h"
#include "verify/heads_read.h"
#include "verify/kit_delta.h"
#include "verify/kit_images.h"
#include "verify/kit_source.h"
#include "verify/pipeline.h"
#include "verify/roots.h"
#include "verify/staging.h"

enum { FOLDER_DEPTH_MAX = 64 /* of members that are folders; files may stand deeper */ };

struct verification {
	const char *path;
	const struct verify_options *options;
	struct kit_source source, base;
	bool in_base;	     /* members are read from there by now */
	int64_t scanned_max; /* octets that are passed over before the signatures */
	struct members *members;
	struct heads_reader heads;
	struct trusted_kit *kit;
	bool *seen;		 /* of each file of the manifest */
	uint64_t *seen_folders;	 /* of the first file in it: a bit for each depth */
	struct staging *staging; /* NULL: nothing is written */
	struct pipeline *pipeline;
	struct kit_images *images;
	struct kit_delta delta;
	struct verify_progress progress;
};

static int open_kit(struct verification *v, struct err *err)
{
	struct verify_options of_base = *v->options;
	int rc = kit_source_open(&v->source, v->path, v->options, err);

	of_base.part_folder_count = 0;
	if (rc == 0 && v->options->base != NULL) {
		rc = kit_source_open(&v->base, v->options->base, &of_base, err);
		if (rc < 0)
			(void)err_context(err, "the base");
	}
	v->scanned_max = heads_scanned_max(v->source.size);
	return rc;
}

static int open_members(struct verification *v, struct err *err)
{
	members_free(STEAL(v->members));
	return kit_source_members(&v->source, &v->members, err);
}

static void report(struct verification *v)
{
	if (v->options->progress != NULL)
		v->options->progress(v->options->argument, &v->progress);
}

/* delta: it is put together; else it is the member that members are at. */
static int read_some(struct verification *v, bool delta, uint8_t *into, size_t room, size_t *got,
	struct err *err)
{
	return delta ? kit_delta_read(&v->delta, into, room, got, err)
		     : members_read_into(v->members, into, room, got, err);
}

/* All that is kept of a file in memory is copied from where it is hashed, too. */
static int read_content(
	struct verification *v, const struct manifest_file *file, bool delta, struct err *err)
{
	uint8_t *kept = v->kit->kept[file - v->kit->manifest.files];
	int64_t done = 0;
	int rc = pipeline_begin_file(v->pipeline, file, err);

	if (rc == 0)
		rc = kit_images_begin(v->images, file, err);
	while (rc == 0 && done < file->size) {
		uint8_t *into;
		size_t room;
		size_t got;
		rc = pipeline_room(v->pipeline, &into, &room, err);
		if (rc == 0 && (int64_t)room > file->size - done)
			room = (size_t)(file->size - done);
		if (rc == 0)
			rc = read_some(v, delta, into, room, &got, err);
		if (rc < 0)
			break;
		if (got == 0)
			return err_set(err, ERR_CHECKSUM, "%s is shorter than signed", file->name);
		if (kept != NULL)
			memcpy(kept + done, into, got);
		pipeline_filled(v->pipeline, got);
		done += (int64_t)got;
		rc = kit_images_data(v->images, bytes_make(into, got), err);
		v->progress.octets_done += got;
		report(v);
	}
	if (rc == 0)
		rc = pipeline_end_file(v->pipeline, err);
	if (rc == 0)
		rc = kit_images_end(v->images, err);
	v->progress.files_done++;
	return rc;
}

static int check_file(struct verification *v, const struct member *member, struct err *err)
{
	const struct manifest *manifest = &v->kit->manifest;
	const struct manifest_file *file = manifest_find(manifest, member->untrusted_name);

	if (file == NULL)
		return err_set(err, ERR_UNLISTED_FILE, "%s is in the kit, but nothing lists it",
			member->untrusted_name);
	if (v->seen[file - manifest->files])
		return err_set(
			err, ERR_UNSAFE_ARCHIVE, "%s is in the kit twice", member->untrusted_name);
	if (member->size != file->size)
		return err_set(err, ERR_CHECKSUM, "%s has %lld octets, signed are %lld", file->name,
			(long long)member->size, (long long)file->size);
	v->seen[file - manifest->files] = true;
	return read_content(v, file, false, err);
}

/* Of a file that is put together from what changed and from the base. */
static int check_delta(struct verification *v, const struct member *member, struct err *err)
{
	const struct manifest_file *file = NULL;
	int rc = kit_delta_take(&v->delta, v->members, member, v->kit, &file, err);

	if (rc < 0 || file == NULL)
		return rc;
	bool *seen = &v->seen[file - v->kit->manifest.files];
	if (*seen)
		return err_set(err, ERR_UNSAFE_ARCHIVE, "%s is in the kit twice", file->name);
	*seen = true;
	return read_content(v, file, true, err);
}

/* The first file whose name begins with folder and "/", NULL if there is none. */
static const struct manifest_file *first_within(const struct manifest *manifest, const char *folder)
{
	size_t size = strlen(folder);
	size_t low = 0;
	size_t high = manifest->file_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const char *name = manifest->files[middle].name;
		int order = strncmp(name, folder, size);
		if (order == 0)
			order = (unsigned char)name[size] < '/' ? -1 : 0;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == manifest->file_count)
		return NULL;
	const char *name = manifest->files[low].name;
	return strncmp(name, folder, size) == 0 && name[size] == '/' ? &manifest->files[low] : NULL;
}

/* A folder is allowed once, if a listed file stands in it; it is made with its first file. */
static int check_folder(struct verification *v, const struct member *member, struct err *err)
{
	const struct manifest_file *file = first_within(&v->kit->manifest, member->untrusted_name);
	unsigned depth = 0;

	if (file == NULL)
		return err_set(err, ERR_UNLISTED_FILE,
			"the folder %s is in the kit, but nothing lists a file in it",
			member->untrusted_name);
	for (const char *at = member->untrusted_name; *at != '\0'; at++)
		depth += *at == '/';
	if (depth >= FOLDER_DEPTH_MAX)
		return err_set(err, ERR_LIMIT, "%s is more than %d folders deep",
			member->untrusted_name, FOLDER_DEPTH_MAX);
	uint64_t *seen = &v->seen_folders[file - v->kit->manifest.files];
	if ((*seen >> depth & 1) != 0)
		return err_set(
			err, ERR_UNSAFE_ARCHIVE, "%s is in the kit twice", member->untrusted_name);
	*seen |= (uint64_t)1 << depth;
	return 0;
}

static int check_member(struct verification *v, const struct member *member, struct err *err)
{
	bool taken;
	int rc = heads_again(&v->heads, v->members, member, &taken, err);

	if (rc < 0 || taken)
		return rc;
	if (kit_delta_has(member))
		return check_delta(v, member, err);
	return member->type == MEMBER_FOLDER ? check_folder(v, member, err)
					     : check_file(v, member, err);
}

static int check_members(struct verification *v, struct err *err)
{
	struct member member;
	bool end = false;

	for (;;) {
		int rc = members_next(v->members, &member, &end, err);
		if (rc < 0 || end)
			return rc;
		rc = check_member(v, &member, err);
		if (rc < 0)
			return rc;
	}
}

/* A member of the base that the kit lists and has not: it must be what is signed, like any other.
 */
static int take_from_base(struct verification *v, const struct member *member, struct err *err)
{
	const struct manifest *manifest = &v->kit->manifest;
	const struct manifest_file *file = manifest_find(manifest, member->untrusted_name);

	if (file == NULL || member->type != MEMBER_FILE || v->seen[file - manifest->files] ||
		member->size != file->size)
		return 1;
	v->seen[file - manifest->files] = true;
	return read_content(v, file, false, err);
}

/* Nothing of the base is believed; what is passed over of it is bounded. */
static int read_base(struct verification *v, struct err *err)
{
	int64_t left = heads_scanned_max(v->base.size);
	struct member member;
	bool end = false;

	members_free(STEAL(v->members));
	v->in_base = true;
	int rc = kit_source_members(&v->base, &v->members, err);
	for (size_t count = 0; rc >= 0; count++) {
		rc = members_next(v->members, &member, &end, err);
		if (rc < 0 || end)
			break;
		rc = take_from_base(v, &member, err);
		if (rc == 1 && (member.size > left || count > SCANNED_MEMBERS_MAX))
			rc = err_set(err, ERR_LIMIT, "too much in it is none of the kit's");
		left -= rc == 1 ? member.size : 0;
	}
	return rc;
}

static int fill_from_base(struct verification *v, struct err *err)
{
	const struct manifest *manifest = &v->kit->manifest;
	size_t seen = 0;

	while (seen < manifest->file_count && v->seen[seen])
		seen++;
	if (v->options->base == NULL || seen == manifest->file_count)
		return 0;
	int rc = read_base(v, err);
	return rc < 0 ? err_context(err, "the base %s", v->options->base) : 0;
}

static int check_missing(const struct verification *v, struct err *err)
{
	const struct manifest *manifest = &v->kit->manifest;

	for (size_t i = 0; i < manifest->file_count; i++)
		if (!v->seen[i])
			return err_set(err, ERR_MISSING_FILE, "%s is missing from the kit%s",
				manifest->files[i].name,
				v->options->base != NULL ? " and from its base" : "");
	return 0;
}

/* Of several failures the one counts that stands first in the stream: a thread's, then ours. */
static int check_files(struct verification *v, struct err *err)
{
	struct pipeline_sink sink;
	struct err earlier;

	if (v->staging != NULL)
		sink = staging_sink(v->staging);
	int rc = kit_images_start(v->kit, &v->images, err);
	if (rc == 0)
		rc = pipeline_start(v->staging != NULL ? &sink : NULL, &v->pipeline, err);
	if (rc < 0)
		return rc;
	rc = check_members(v, err);
	if (rc == 0)
		rc = kit_delta_check_all(&v->delta, err);
	if (rc == 0)
		rc = fill_from_base(v, err);
	int thread_rc = pipeline_finish(STEAL(v->pipeline), &earlier);
	if (thread_rc < 0) {
		*err = earlier;
		return v->in_base ? err_context(err, "with the base %s", v->options->base)
				  : thread_rc;
	}
	return rc < 0 ? rc : check_missing(v, err);
}

static int begin_files(struct verification *v, struct err *err)
{
	const struct manifest *manifest = &v->kit->manifest;
	int rc = kept_files_begin(v->kit, err);

	if (rc < 0)
		return rc;
	v->seen = calloc(manifest->file_count, sizeof *v->seen);
	v->seen_folders = calloc(manifest->file_count, sizeof *v->seen_folders);
	if (v->seen == NULL || v->seen_folders == NULL)
		return err_no_memory(err);
	v->progress.files_total = manifest->file_count;
	for (size_t i = 0; i < manifest->file_count; i++)
		v->progress.octets_total += (uint64_t)manifest->files[i].size;
	report(v);
	if (v->staging == NULL)
		return 0;
	rc = staging_begin(v->staging, err);
	return rc < 0 ? rc : heads_put(&v->heads, v->staging, err);
}

/* The roots first, because they say whose signatures count. */
static int check_heads(struct verification *v, struct err *err)
{
	struct trusted_kit *kit = v->kit;
	int keep = v->staging != NULL ? v->options->state_dirfd : -1;
	int rc = roots_follow(&kit->chain, &v->heads, keep, v->path, err);

	if (rc < 0)
		return rc;
	kit->root = kit->chain.in_force;
	rc = rules_check_root(kit->root, v->options, err);
	if (rc == 0)
		rc = kit_verify_heads(kit, &v->heads.documents, err);
	return rc < 0 ? roots_explain(&kit->chain, err) : 0;
}

static int run(struct verification *v, struct err *err)
{
	v->heads.root_in_force = trust_root_version(v->kit->root);
	int rc = open_members(v, err);

	if (rc == 0)
		rc = heads_read(&v->heads, v->members, v->scanned_max, err);
	if (rc < 0)
		return rc;
	v->kit->form = members_form(v->members);
	rc = check_heads(v, err);
	if (rc == 0)
		rc = kit_source_check_list(&v->source, v->kit->role, err);
	if (rc == 0)
		rc = rules_check_kit(&v->kit->manifest, v->options, err);
	if (rc == 0 && heads_need_second_pass(&v->heads))
		rc = open_members(v, err);
	if (rc == 0)
		rc = begin_files(v, err);
	if (rc == 0)
		rc = check_files(v, err);
	if (rc == 0)
		rc = kept_files_check(v->kit, err);
	if (rc == 0 && v->staging != NULL)
		rc = staging_commit(v->staging, v->kit->id, err);
	return rc;
}

static int kit_new(const struct trust_root *root, struct trusted_kit **ret_kit, struct err *err)
{
	struct trusted_kit *kit = calloc(1, sizeof *kit);

	if (kit == NULL)
		return err_no_memory(err);
	kit->root = root;
	kit->chain = trust_chain_begin(root);
	*ret_kit = kit;
	return 0;
}

static void release(struct verification *v)
{
	members_free(STEAL(v->members));
	kit_images_free(STEAL(v->images));
	heads_release(&v->heads);
	kit_delta_release(&v->delta);
	free(STEAL(v->seen));
	free(STEAL(v->seen_folders));
	trusted_kit_free(STEAL(v->kit));
}

/* Whether roots may stand where they were not looked for, and could change what err says. */
static bool may_have_late_roots(const struct verification *v, const struct err *err)
{
	if (v->heads.late_root)
		return true;
	if (v->source.is_folder || !heads_all_found(&v->heads))
		return false;
	return err->code == ERR_MANIFEST_SIGNATURE || err->code == ERR_THRESHOLD ||
	       err->code == ERR_SUMS_SIGNATURE || err->code == ERR_TRUST_EXPIRED ||
	       err->code == ERR_TRUST_GAP;
}

/* From the beginning, with all roots of the kit before anything else. */
static int run_whole(struct verification *v, const struct trust_root *root, struct err *err)
{
	size_t newer = v->heads.newer_count;
	struct err whole;

	release(v);
	v->progress = (struct verify_progress){0};
	v->in_base = false;
	v->heads = (struct heads_reader){.whole = true};
	if (v->staging != NULL)
		staging_restart(v->staging);
	int rc = kit_new(root, &v->kit, &whole);
	if (rc == 0)
		rc = run(v, &whole);
	if (rc < 0 && v->heads.newer_count > newer)
		*err = whole;
	return rc < 0 ? -(int)err->code : 0;
}

static int verify(const char *path, struct staging *staging, const struct trust_root *root,
	const struct verify_options *options, struct trusted_kit **ret_kit, struct err *err)
{
	struct verification v = {.path = path,
		.options = options,
		.source = KIT_SOURCE_INIT,
		.base = KIT_SOURCE_INIT,
		.staging = staging};
	int rc = kit_new(root, &v.kit, err);

	v.delta = (struct kit_delta){.base = &v.base, .in_base = &v.in_base};
	if (rc == 0)
		rc = open_kit(&v, err);
	if (rc == 0)
		rc = run(&v, err);
	if (rc < 0 && may_have_late_roots(&v, err))
		rc = run_whole(&v, root, err);
	if (rc == 0)
		*ret_kit = STEAL(v.kit);
	else
		rc = kit_source_explain(v.in_base ? &v.base : &v.source, err);
	release(&v);
	kit_source_release(&v.base);
	kit_source_release(&v.source);
	return rc;
}

int verify_kit(const char *path, const struct trust_root *root,
	const struct verify_options *options, struct trusted_kit **ret_kit, struct err *err)
{
	return verify(path, NULL, root, options, ret_kit, err);
}

int verify_and_unpack(const char *path, const struct trust_root *root,
	const struct verify_options *options, struct trusted_kit **ret_kit, struct str *quarantine,
	struct err *err)
{
	struct staging *staging;
	int rc = staging_new(options->state_dirfd, options->now, &staging, err);

	if (rc < 0)
		return rc;
	rc = verify(path, staging, root, options, ret_kit, err);
	if (rc < 0)
		staging_fail(staging, path, err, quarantine);
	staging_free(staging);
	return rc;
}

/* Whether another root might have said otherwise. */
static bool is_by_root(const struct err *err)
{
	static const enum err_code codes[] = {ERR_MANIFEST_SIGNATURE, ERR_THRESHOLD,
		ERR_SUMS_SIGNATURE, ERR_ATTESTATION, ERR_TRUST_ROTATED};

	for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++)
		if (err->code == codes[i])
			return true;
	return false;
}

/*
 * It was verified when it was installed: a key that was rotated out since, or a threshold that was
 * raised, is no way to lose the way back. What the root in force says of its signatures is the
 * answer if no root of the chain accepts them.
 */
static int verify_by_any(const char *path, const struct trust_root *root,
	struct trusted_kit **ret_kit, struct err *err)
{
	const struct verify_options options = {.state_dirfd = -1, .ignore_time = true};
	struct err earlier = {0};
	int rc = verify(path, NULL, root, &options, ret_kit, err);

	if (rc == 0 || !is_by_root(err))
		return rc;
	for (root = trust_root_previous(root); root != NULL; root = trust_root_previous(root)) {
		int earlier_rc = verify(path, NULL, root, &options, ret_kit, &earlier);
		if (earlier_rc == 0)
			return 0;
		if (!is_by_root(&earlier)) {
			*err = earlier;
			return earlier_rc;
		}
	}
	return rc;
}

int verify_installed(int state_dirfd, const char *id, const struct trust_root *root,
	struct trusted_kit **ret_kit, struct err *err)
{
	CLEANUP_FD int kits = -1;
	CLEANUP_FD int folder = -1;
	CLEANUP(trusted_kit_cleanup) struct trusted_kit *kit = NULL;
	char path[64];

	int rc = folder_open_at(state_dirfd, "kits", &kits, err);
	if (rc == 0)
		rc = folder_open_at(kits, id, &folder, err);
	if (rc < 0)
		return err_context(err, "the installed kit");
	/* The folder that was opened without following a link, whatever stands at its name now. */
	(void)snprintf(path, sizeof path, "/proc/self/fd/%d", folder);
	rc = verify_by_any(path, root, &kit, err);
	if (rc < 0)
		return err_context(err, "the installed kit %s", id);
	if (strcmp(kit->id, id) != 0)
		return err_set(err, ERR_CHECKSUM, "state/kits/%s has another kit: %s", id, kit->id);
	*ret_kit = STEAL(kit);
	return 0;
}
