#include "engine/site_key.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/file.h"

enum { SITE_KEY_SIZE_MAX = 1024 }; /* of PEM; an Ed25519 key has 119 octets */

/* What held the private half: the whole of it, and never on the heap, which nobody wipes. */
struct secret {
	char octets[SITE_KEY_SIZE_MAX + 1];
	size_t size;
};

static void secret_wipe(struct secret *secret)
{
	explicit_bzero(secret, sizeof *secret);
}

static int check_owner(int fd, struct err *err)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		return err_set_errno(err, ERR_STATE_FOLDER, errno, SITE_KEY_NAME);
	if (status.st_uid != 0 && status.st_uid != geteuid())
		return err_set(err, ERR_STATE_FOLDER,
			SITE_KEY_NAME " belongs to another user (uid %u)", (unsigned)status.st_uid);
	if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return err_set(err, ERR_STATE_FOLDER,
			SITE_KEY_NAME " may be read by others: chmod 0600 it, and if they may have "
				      "read it, remove it and tell whoever pinned it");
	return 0;
}

static int read_secret(int fd, struct secret *secret, struct err *err)
{
	while (secret->size < sizeof secret->octets) {
		ssize_t got = read(
			fd, secret->octets + secret->size, sizeof secret->octets - secret->size);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return err_set_errno(err, ERR_STATE_FOLDER, errno, SITE_KEY_NAME);
		if (got == 0)
			return 0;
		secret->size += (size_t)got;
	}
	return err_set(err, ERR_STATE_FOLDER, SITE_KEY_NAME " is too large");
}

static int load(int state_dirfd, struct private_key **ret_key, struct err *err)
{
	CLEANUP(private_key_cleanup) struct private_key *key = NULL;
	CLEANUP(secret_wipe) struct secret secret = {.size = 0};
	CLEANUP_FD int fd = -1;
	int rc = file_open_at(state_dirfd, SITE_KEY_NAME, &fd, err);

	if (rc == -ERR_NOT_FOUND)
		return rc;
	if (rc < 0)
		return err_recode(err, ERR_STATE_FOLDER);
	rc = check_owner(fd, err);
	if (rc == 0)
		rc = read_secret(fd, &secret, err);
	if (rc < 0)
		return rc;
	rc = private_key_from_pem(bytes_make(secret.octets, secret.size), &key, err);
	if (rc == 0 && !public_key_supports(private_key_public(key), KEY_ED25519))
		rc = err_set(err, ERR_SYNTAX, "it is no Ed25519 key");
	if (rc < 0) {
		(void)err_context(err, SITE_KEY_NAME);
		return err->code == ERR_SYNTAX ? err_recode(err, ERR_STATE_FOLDER) : rc;
	}
	*ret_key = STEAL(key);
	return 0;
}

static int make(int state_dirfd, struct private_key **ret_key, struct err *err)
{
	CLEANUP(private_key_cleanup) struct private_key *key = NULL;
	CLEANUP(secret_wipe) struct secret secret = {.size = 0};
	/* In memory of our own, which is wiped; it does not have to grow. */
	CLEANUP_STR struct str pem = STR_BORROW(secret.octets, sizeof secret.octets);
	int rc = private_key_generate(KEY_ED25519, &key, err);

	if (rc == 0)
		rc = private_key_to_pem(key, &pem, err);
	if (rc == 0)
		rc = file_write_durable_at(
			state_dirfd, SITE_KEY_NAME, str_bytes(&pem), S_IRUSR | S_IWUSR, err);
	if (rc == 0)
		*ret_key = STEAL(key);
	return rc;
}

int site_key_take(int state_dirfd, struct private_key **ret_key, struct err *err)
{
	struct err looking;
	int rc = load(state_dirfd, ret_key, &looking);

	if (rc == -ERR_NOT_FOUND)
		return make(state_dirfd, ret_key, err);
	if (rc < 0)
		*err = looking;
	return rc;
}

int site_key_look(int state_dirfd, struct public_key **ret_key, struct err *err)
{
	CLEANUP(private_key_cleanup) struct private_key *key = NULL;
	CLEANUP_STR struct str pem = STR_INIT;
	int rc = load(state_dirfd, &key, err);

	if (rc == 0)
		rc = public_key_to_pem(private_key_public(key), &pem, err);
	return rc < 0 ? rc : public_key_from_pem(str_bytes(&pem), ret_key, err);
}
