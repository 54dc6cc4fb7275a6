/*
 * Interoperation with the openssl command, which is another program with another reader of every
 * form: what it signs we verify, what we sign it verifies. Skipped where there is no openssl.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "crypto/key.h"

static struct err err;

static const struct interop {
	enum key_scheme scheme;
	const char *key;
	const char *arguments[8]; /* of pkeyutl, beyond the usual */
} cases[] = {
	{KEY_ECDSA_P256_SHA256, "release-eu", {"-rawin", "-digest", "sha256"}},
	{KEY_ECDSA_P384_SHA384, "p384", {"-rawin", "-digest", "sha384"}},
	{KEY_ECDSA_P521_SHA512, "p521", {"-rawin", "-digest", "sha512"}},
	{KEY_ECDSA_P384_SHA256, "p384", {"-rawin", "-digest", "sha256"}},
	{KEY_ECDSA_P521_SHA256, "p521", {"-rawin", "-digest", "sha256"}},
	{KEY_ED25519, "ed25519", {"-rawin"}},
	{KEY_RSA_PSS_SHA256, "rsa",
		{"-rawin", "-digest", "sha256", "-pkeyopt", "rsa_padding_mode:pss", "-pkeyopt",
			"rsa_pss_saltlen:32"}},
	{KEY_RSA_PKCS1_SHA256, "rsa", {"-rawin", "-digest", "sha256"}},
};

struct folder {
	char path[32];
	char key[64], message[64], signature[64];
};

/* Runs openssl without a shell; returns its exit code, 127 if there is none. */
static int run_openssl(const char *const *arguments)
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (freopen("/dev/null", "w", stdout) == NULL ||
			freopen("/dev/null", "w", stderr) == NULL)
			_exit(126);
		(void)execvp("openssl", (char *const *)(uintptr_t)arguments);
		_exit(127);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

static int pkeyutl(const struct interop *interop, const struct folder *folder, bool signing)
{
	const char *arguments[20] = {"openssl", "pkeyutl", signing ? "-sign" : "-verify", "-inkey",
		folder->key, "-in", folder->message, signing ? "-out" : "-sigfile",
		folder->signature};
	size_t count = 9;

	for (size_t i = 0; i < 8 && interop->arguments[i] != NULL; i++)
		arguments[count++] = interop->arguments[i];
	arguments[count] = NULL;
	return run_openssl(arguments);
}

static void write_file(const char *path, struct bytes content)
{
	FILE *file = fopen(path, "wb");

	assert_non_null(file);
	assert_int_equal(fwrite(content.data, 1, content.size, file), content.size);
	assert_int_equal(fclose(file), 0);
}

static void make_folder(const struct interop *interop, struct bytes message, struct folder *folder)
{
	(void)strcpy(folder->path, "/tmp/offkit-ssl-XXXXXX");
	assert_non_null(mkdtemp(folder->path));
	(void)snprintf(folder->key, sizeof folder->key, "fixtures/keys/%s.key", interop->key);
	(void)snprintf(folder->message, sizeof folder->message, "%s/message", folder->path);
	(void)snprintf(folder->signature, sizeof folder->signature, "%s/signature", folder->path);
	write_file(folder->message, message);
}

static void remove_folder(const struct folder *folder)
{
	(void)unlink(folder->message);
	(void)unlink(folder->signature);
	assert_int_equal(rmdir(folder->path), 0);
}

static void test_both_ways(void **state)
{
	const struct interop *interop = *state;
	CLEANUP(private_key_cleanup) struct private_key *key = NULL;
	CLEANUP_STR struct str pem = STR_INIT, theirs = STR_INIT, ours = STR_INIT;
	struct bytes octets = bytes_of_string("what both sign");
	struct signed_message message = signed_message_make(KEY_USE_BLOB, octets);
	struct folder folder;

	if (run_openssl((const char *const[]){"openssl", "version", NULL}) == 127) {
		print_message("skipped: there is no openssl command\n");
		skip();
	}
	make_folder(interop, octets, &folder);
	assert_int_equal(file_read_path(folder.key, KEY_PEM_MAX, &pem, &err), 0);
	assert_int_equal(private_key_from_pem(str_bytes(&pem), &key, &err), 0);
	const struct public_key *pub = private_key_public(key);

	assert_int_equal(pkeyutl(interop, &folder, true), 0);
	assert_int_equal(file_read_path(folder.signature, KEY_SIGNATURE_MAX, &theirs, &err), 0);
	assert_int_equal(
		public_key_verify(pub, interop->scheme, &message, str_bytes(&theirs), &err), 0);

	assert_int_equal(private_key_sign(key, interop->scheme, &message, &ours, &err), 0);
	write_file(folder.signature, str_bytes(&ours));
	assert_int_equal(pkeyutl(interop, &folder, false), 0);
	ours.text[ours.size - 1] ^= 1;
	write_file(folder.signature, str_bytes(&ours));
	assert_int_not_equal(pkeyutl(interop, &folder, false), 0);
	remove_folder(&folder);
}

int main(void)
{
	struct interop states[8];
	memcpy(states, cases, sizeof states);
	const struct CMUnitTest tests[] = {
		{"ecdsa_p256", test_both_ways, NULL, NULL, &states[0]},
		{"ecdsa_p384", test_both_ways, NULL, NULL, &states[1]},
		{"ecdsa_p521", test_both_ways, NULL, NULL, &states[2]},
		{"ecdsa_p384_sha256", test_both_ways, NULL, NULL, &states[3]},
		{"ecdsa_p521_sha256", test_both_ways, NULL, NULL, &states[4]},
		{"ed25519", test_both_ways, NULL, NULL, &states[5]},
		{"rsa_pss", test_both_ways, NULL, NULL, &states[6]},
		{"rsa_pkcs1", test_both_ways, NULL, NULL, &states[7]},
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
