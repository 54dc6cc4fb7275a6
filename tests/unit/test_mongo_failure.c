/* What an error of the driver is taken for, and what it says to an operator. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "mongo/driver.h"

static struct mongo *server(struct mongo *mongo, char *uri)
{
	*mongo = (struct mongo){.uri = uri};
	str_append_text(&mongo->address, "mongodb://db1");
	return mongo;
}

/* An error of the server, as the driver gives it. */
static enum err_code meaning_of(uint32_t domain, uint32_t code, const char *message,
	const char *label, struct mongo_refusal *refusal)
{
	bson_error_t error = {.domain = domain, .code = code};
	bson_t reply = BSON_INITIALIZER, labels;
	struct mongo mongo;
	struct err err;

	(void)snprintf(error.message, sizeof error.message, "%s", message);
	if (label != NULL) {
		(void)BSON_APPEND_ARRAY_BEGIN(&reply, "errorLabels", &labels);
		(void)BSON_APPEND_UTF8(&labels, "0", label);
		(void)bson_append_array_end(&reply, &labels);
	}
	int result = driver_failed(server(&mongo, NULL), &error, &reply, refusal, &err);
	assert_int_equal(result, -(int)err.code);
	bson_destroy(&reply);
	str_release(&mongo.address);
	return err.code;
}

static void codes_of_a_lost_server(void **state)
{
	/* By the specifications of retryable reads and writes, and of server discovery. */
	static const uint32_t lost[] = {6, 7, 43, 50, 64, 89, 91, 100, 112, 133, 134, 175, 189, 237,
		262, 9001, 10058, 10107, 11600, 11602, 13435, 13436};
	struct mongo_refusal refusal;

	(void)state;
	for (size_t i = 0; i < sizeof lost / sizeof *lost; i++)
		assert_int_equal(meaning_of(MONGOC_ERROR_SERVER, lost[i], "x", NULL, &refusal),
			ERR_DATABASE_LOST);
}

static void codes_of_a_refusal(void **state)
{
	static const uint32_t refused[] = {
		1, 2, 13, 20, 23, 26, 59, 61, 72, 85, 86, 121, 371, 11000, 525074461};
	struct mongo_refusal refusal;

	(void)state;
	for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
		assert_int_equal(meaning_of(MONGOC_ERROR_SERVER, refused[i], "x", NULL, &refusal),
			ERR_MIGRATION);
		assert_int_equal(refusal.code, refused[i]);
	}
}

static void other_signs_of_a_lost_server(void **state)
{
	struct mongo_refusal refusal;

	(void)state;
	/* Written, and not known by how many: whatever the code is. */
	assert_int_equal(
		meaning_of(MONGOC_ERROR_WRITE_CONCERN, 79, "x", NULL, &refusal), ERR_DATABASE_LOST);
	assert_int_equal(
		meaning_of(MONGOC_ERROR_SERVER, 4711, "x", "RetryableWriteError", &refusal),
		ERR_DATABASE_LOST);
	assert_int_equal(meaning_of(MONGOC_ERROR_SERVER, 4711, "x", "NoWritesPerformed", &refusal),
		ERR_MIGRATION);
	assert_int_equal(
		meaning_of(MONGOC_ERROR_STREAM, 4, "closed", NULL, &refusal), ERR_DATABASE_LOST);
	assert_int_equal(refusal.code, 0);
	/* FerretDB, whose PostgreSQL is gone. */
	assert_int_equal(
		meaning_of(MONGOC_ERROR_SERVER, 1,
			"terminating connection due to unexpected postmaster exit", NULL, &refusal),
		ERR_DATABASE_LOST);
}

static void signs_of_a_login(void **state)
{
	struct mongo_refusal refusal;

	(void)state;
	assert_int_equal(
		meaning_of(MONGOC_ERROR_SERVER, 18, "Authentication failed.", NULL, &refusal),
		ERR_LOGIN);
	assert_int_equal(meaning_of(MONGOC_ERROR_CLIENT, MONGOC_ERROR_CLIENT_AUTHENTICATE,
				 "Authentication failed.", NULL, &refusal),
		ERR_LOGIN);
	assert_int_equal(meaning_of(MONGOC_ERROR_SERVER, 13, "Command find requires authentication",
				 NULL, &refusal),
		ERR_LOGIN);
	assert_int_equal(
		meaning_of(MONGOC_ERROR_SERVER, 13,
			"not authorized on x to execute command { find: \"y\" }", NULL, &refusal),
		ERR_MIGRATION);
}

/* What is said of a server that was not reached, and under which code. */
static void reached(const char *uri, bool connected, const char *driver, enum err_code code,
	const char *sentence)
{
	mongoc_write_concern_t *concern = mongoc_write_concern_new();
	char room[256];
	struct mongo mongo;
	struct err err;

	(void)snprintf(room, sizeof room, "%s", uri);
	server(&mongo, room)->write_concern = connected ? concern : NULL;
	assert_int_equal(driver_say_unreachable(&mongo, driver, &err), -(int)code);
	if (strstr(err.message, sentence) == NULL)
		fail_msg("%s: said %s, and not: %s", driver, err.message, sentence);
	str_release(&mongo.address);
	mongoc_write_concern_destroy(concern);
}

#define FRAME(text)                                                                                \
	"No suitable servers found (`serverSelectionTryOnce` set): [" text                         \
	" calling hello on 'db1:27017']"

static void sentences_of_tls(void **state)
{
	static const char plain[] = "mongodb://db1/",
			  roots[] = "mongodb://db1/?tls=true&tlsCAFile=/ca",
			  bare[] = "mongodb://db1/?tls=true",
			  own[] = "mongodb://db1/?tls=true&tlsCertificateKeyFile=/own";

	(void)state;
	reached(roots, false,
		FRAME("TLS handshake failed: certificate verify failed (10): certificate has "
		      "expired"),
		ERR_TLS, "has expired");
	reached(roots, false,
		FRAME("TLS handshake failed: certificate verify failed (62): hostname mismatch"),
		ERR_TLS, "another host name");
	reached(roots, false,
		FRAME("TLS handshake failed: certificate verify failed (20): unable to get local"),
		ERR_TLS, "not of an authority in tlsCAFile");
	reached(bare, false,
		FRAME("TLS handshake failed: certificate verify failed (20): unable to get local"),
		ERR_TLS, "name its file as tlsCAFile");
	reached(roots, false, FRAME("TLS handshake failed: wrong version number"), ERR_TLS,
		"does not speak TLS");
	reached(roots, false, FRAME("connection closed"), ERR_TLS, "may want a certificate");
	reached(own, false, FRAME("connection closed"), ERR_TLS, "may not take the certificate");
	reached(plain, false, FRAME("Server closed connection."), ERR_TLS, "tls=true");
	/* What says nothing of TLS, or comes later, is a server that is not there. */
	reached(roots, false, FRAME("connection refused"), ERR_DATABASE_LOST,
		"db1: connection refused calling hello on 'db1:27017'");
	reached(roots, true, FRAME("connection closed"), ERR_DATABASE_LOST, "connection closed");
	reached(plain, false, "Failed to resolve 'db1'", ERR_DATABASE_LOST, "Failed to resolve");
	reached(plain, false, "No suitable servers found", ERR_DATABASE_LOST,
		"No suitable servers");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(codes_of_a_lost_server),
		cmocka_unit_test(codes_of_a_refusal),
		cmocka_unit_test(other_signs_of_a_lost_server),
		cmocka_unit_test(signs_of_a_login),
		cmocka_unit_test(sentences_of_tls),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
