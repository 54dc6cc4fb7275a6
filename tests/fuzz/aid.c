#include "tests/fuzz/aid.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/pem.h"
#include "json/json_write.h"
#include "kit/envelope.h"
#include "trust/compose.h"

struct bytes take_piece(struct bytes *rest)
{
	const size_t end_size = sizeof PIECE_END - 1;
	struct bytes piece = *rest;
	const uint8_t *end =
		rest->size == 0 ? NULL : memmem(rest->data, rest->size, PIECE_END, end_size);

	if (end == NULL) {
		*rest = bytes_make(NULL, 0);
		return piece;
	}
	piece.size = (size_t)(end - rest->data);
	*rest = bytes_make(end + end_size, rest->size - piece.size - end_size);
	return piece;
}

unsigned octet_of(struct bytes text, size_t index)
{
	return index < text.size ? text.data[index] : 0;
}

/* ---- files */

int memory_file(struct bytes content)
{
	struct err err;
	int fd = memfd_create("fuzz", MFD_CLOEXEC);

	HOLDS(fd >= 0 && fchmod(fd, 0600) == 0 && fd_write_all(fd, content, &err) == 0);
	return fd;
}

void memory_path(int fd, char path[static MEMORY_PATH_SIZE])
{
	(void)snprintf(path, MEMORY_PATH_SIZE, "/proc/self/fd/%d", fd);
}

static char folder_path[] = "/dev/shm/offkit-fuzz-XXXXXX";
static int folder_fd = -1;
static pid_t folder_owner;

static void remove_folder(void)
{
	struct err err;

	if (getpid() == folder_owner)
		(void)!tree_remove_at(AT_FDCWD, folder_path, &err);
}

int scratch_folder(void)
{
	if (folder_fd >= 0)
		return folder_fd;
	if (access("/dev/shm", W_OK) != 0)
		(void)memcpy(folder_path, "/var/tmp", sizeof "/var/tmp" - 1);
	HOLDS(mkdtemp(folder_path) != NULL);
	folder_owner = getpid();
	HOLDS(atexit(remove_folder) == 0);
	folder_fd = open(folder_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	HOLDS(folder_fd >= 0);
	return folder_fd;
}

void scratch_put(const char *name, struct bytes content)
{
	CLEANUP_FD int fd = openat(scratch_folder(), name,
		O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	struct err err;

	HOLDS(fd >= 0 && fd_write_all(fd, content, &err) == 0);
}

void scratch_empty(void)
{
	CLEANUP_DIR DIR *dir = fdopendir(openat(scratch_folder(), ".", O_RDONLY | O_DIRECTORY));
	const struct dirent *entry;
	struct err err;

	HOLDS(dir != NULL);
	while ((entry = readdir(dir)) != NULL)
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			HOLDS(tree_remove_at(scratch_folder(), entry->d_name, &err) == 0);
}

static void check_listed(int dirfd, const char *entry, const char *name,
	const struct manifest *manifest, size_t *files)
{
	CLEANUP_STR struct str content = STR_INIT;
	const struct manifest_file *file = manifest_find(manifest, name);
	struct sha256 digest;
	struct err err;

	if (strcmp(name, "manifest.dsse") == 0 || strcmp(name, "SHA256SUMS") == 0 ||
		strcmp(name, "SHA256SUMS.sig") == 0)
		return;
	HOLDS(file != NULL);
	HOLDS(file_read_at(dirfd, entry, SIZE_MAX / 2, &content, &err) == 0);
	HOLDS((int64_t)content.size == file->size);
	HOLDS(sha256_of(str_bytes(&content), &digest, &err) == 0);
	HOLDS(sha256_equal(&digest, &file->digest));
	++*files;
}

static size_t walk(int dirfd, const char *prefix, const struct manifest *manifest)
{
	CLEANUP_DIR DIR *dir = fdopendir(openat(dirfd, ".", O_RDONLY | O_DIRECTORY));
	const struct dirent *entry;
	size_t files = 0;

	HOLDS(dir != NULL);
	while ((entry = readdir(dir)) != NULL) {
		CLEANUP_STR struct str name = STR_INIT;
		struct stat status;
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
			continue;
		str_append_format(&name, "%s%s", prefix, entry->d_name);
		HOLDS(fstatat(dirfd, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) == 0);
		HOLDS(S_ISREG(status.st_mode) || S_ISDIR(status.st_mode));
		if (S_ISDIR(status.st_mode)) {
			CLEANUP_FD int below =
				openat(dirfd, entry->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
			HOLDS(below >= 0 && (status.st_mode & 07777) == 0755);
			str_append_char(&name, '/');
			size_t inside = walk(below, str_text(&name), manifest);
			HOLDS(inside > 0);
			files += inside;
		} else {
			HOLDS((status.st_mode & 07777) == 0644);
			check_listed(dirfd, entry->d_name, str_text(&name), manifest, &files);
		}
	}
	return files;
}

void tree_is_the_manifests(int dirfd, const struct manifest *manifest)
{
	HOLDS(walk(dirfd, "", manifest) == manifest->file_count);
}

/* ---- keys */

const struct private_key *aid_key(unsigned number)
{
	/* PrivateKeyInfo (RFC 8410 section 7) without the 32 octets. */
	static const uint8_t head[] = {
		0x30, 0x2e, 0x02, 0x01, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20};
	static struct private_key *keys[AID_KEYS + 1];
	CLEANUP_STR struct str der = STR_INIT, pem = STR_INIT;
	struct err err;

	HOLDS(number <= AID_STRANGER);
	if (keys[number] != NULL)
		return keys[number];
	str_append(&der, head, sizeof head);
	for (int i = 0; i < 32; i++)
		str_append_char(&der, (char)(number + 1));
	pem_encode("PRIVATE KEY", str_bytes(&der), &pem);
	HOLDS(private_key_from_pem(str_bytes(&pem), &keys[number], &err) == 0);
	return keys[number];
}

static struct str root_text;

struct bytes aid_root_text(void)
{
	struct root_plan_key keys[AID_KEYS];
	struct root_plan plan = {.version = 1,
		.root_threshold = AID_THRESHOLD,
		.targets_threshold = AID_THRESHOLD,
		.key_count = AID_KEYS,
		.keys = keys};
	struct err err;

	if (root_text.size > 0)
		return str_bytes(&root_text);
	for (unsigned i = 0; i < AID_KEYS; i++)
		keys[i] = (struct root_plan_key){
			.key = private_key_public(aid_key(i)), .scheme = KEY_ED25519};
	HOLDS(time_parse("2100-01-01T00:00:00Z", &plan.expires, &err) == 0);
	HOLDS(trust_root_compose(&plan, &root_text, &err) == 0);
	for (unsigned i = 0; i < AID_KEYS; i++) {
		struct str more = STR_INIT;
		HOLDS(trust_root_sign(str_bytes(&root_text), NULL, aid_key(i), &more, &err) == 0);
		str_release(&root_text);
		root_text = more;
	}
	return str_bytes(&root_text);
}

const struct trust_root *aid_root(void)
{
	static struct trust_root *root;
	struct err err;

	if (root == NULL)
		HOLDS(trust_root_parse(aid_root_text(), &root, &err) == 0);
	return root;
}

static void append_hex(struct str *out, struct bytes octets)
{
	for (size_t i = 0; i < octets.size; i++)
		str_append_format(out, "%02x", octets.data[i]);
}

const char *aid_key_id(unsigned number)
{
	const struct trust_role *role = trust_root_role(aid_root(), "root");

	for (size_t i = 0; i < role->key_count; i++)
		if (sha256_equal(public_key_fingerprint(role->keys[i]->key),
			    public_key_fingerprint(private_key_public(aid_key(number)))))
			return role->keys[i]->id;
	__builtin_trap();
}

void aid_sign_root(struct bytes signed_text, unsigned signers, struct str *out)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str canonical = STR_INIT;
	const char *between = "";
	struct err err;

	str_append_text(out, "{\"signatures\":[");
	if (json_parse(signed_text, JSON_LIMITS(ROOT_SIZE_MAX), &doc, &err) < 0 ||
		json_canonical_olpc(json_root(doc), &canonical, &err) < 0)
		signers = 0;
	struct signed_message message = signed_message_make(KEY_USE_ROOT, str_bytes(&canonical));
	for (unsigned i = 0; i < AID_KEYS; i++) {
		CLEANUP_STR struct str signature = STR_INIT;
		if ((signers >> i & 1) == 0)
			continue;
		HOLDS(private_key_sign(aid_key(i), KEY_ED25519, &message, &signature, &err) == 0);
		str_append_format(out, "%s{\"keyid\":\"%s\",\"sig\":\"", between, aid_key_id(i));
		append_hex(out, str_bytes(&signature));
		str_append_text(out, "\"}");
		between = ",";
	}
	str_append_text(out, "],\"signed\":");
	str_append(out, signed_text.data, signed_text.size);
	str_append_char(out, '}');
}

void aid_sign_envelope(
	const char *payload_type, struct bytes payload, unsigned signers, struct str *out)
{
	CLEANUP(arena_release) struct arena arena = ARENA_INIT;
	struct envelope envelope = {.payload_type = payload_type, .untrusted_payload = payload};
	struct err err;

	for (unsigned i = 0; i <= AID_STRANGER; i++)
		if ((signers >> i & 1) != 0)
			HOLDS(envelope_sign(&envelope, aid_key(i), KEY_ED25519, "", &arena, &err) ==
				0);
	HOLDS(envelope_write(&envelope, out, &err) == 0);
}
