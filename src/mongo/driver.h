/*
 * driver: what the files of this folder share of libmongoc. Nobody else includes it.
 */
#ifndef OFFKIT_MONGO_DRIVER_H
#define OFFKIT_MONGO_DRIVER_H

#include <mongoc/mongoc.h>

#include "mongo/mongo.h"

struct mongo {
	mongoc_client_t *client;
	char *uri; /* with its secrets */
	char *database;
	struct str address; /* without them */
	enum mongo_topology topology;
	mongoc_write_concern_t *write_concern;
	const struct mongo_guard *guard; /* not owned; NULL: none */
	struct watch *watch;		 /* NULL: every answer is bounded by the URI's timeouts */
};

/* A view for libbson; false if doc is not whole. */
MUST_CHECK int driver_view(struct bytes doc, bson_t *ret_view, struct err *err);

/* A failure with the server's address and what it or the driver said, escaped. Code 0: none. */
int driver_say(const struct mongo *mongo, enum err_code code, const char *text, int server_code,
	struct err *err);

/*
 * Says what an error of the driver is: the server is gone or changes its role (ERR_DATABASE_LOST),
 * the login (ERR_LOGIN), or it refused (ERR_MIGRATION, with its code in refusal).
 */
int driver_failed(const struct mongo *mongo, const bson_error_t *error,
	const bson_t *reply /* may be NULL */, struct mongo_refusal *refusal /* may be NULL */,
	struct err *err);

/* The server lost its role, its network or its patience: nothing is known of what was asked. */
bool driver_is_lost(int code, const char *message);

/* The files of certificates that the URI names are there and look like it. ERR_TLS. */
MUST_CHECK int driver_check_tls_files(const struct mongo *mongo, struct err *err);

/* A server that was not found, or not spoken with: ERR_TLS where it is that, else
 * ERR_DATABASE_LOST. */
int driver_say_unreachable(const struct mongo *mongo, const char *text, struct err *err);

/*
 * Ends the connection when its server neither answers what was asked, for twice so many ms, nor a
 * small question on another connection for so many (watch.c). Whatever waits for an answer stands
 * between driver_asks and driver_answered.
 */
MUST_CHECK int driver_watch(
	const char *uri, int32_t bound, struct watch **ret_watch, struct err *err);
void driver_watch_end(struct watch *watch); /* NULL is fine */
void driver_asks(const struct mongo *mongo);
void driver_answered(const struct mongo *mongo);

/* A reply that is ok and yet has a writeConcernError: an unknown outcome. */
int driver_check_write_concern(const struct mongo *mongo, const bson_t *reply,
	struct mongo_refusal *refusal, struct err *err);

/* Asks the guard, if there is one: before a bulk; before a command unless it only reads. */
MUST_CHECK int driver_guard(const struct mongo *mongo, struct err *err);
MUST_CHECK int driver_guard_command(
	const struct mongo *mongo, const bson_t *command, struct err *err);
MUST_CHECK int driver_guard_pipeline(
	const struct mongo *mongo, const bson_t *stages, struct err *err);

/* Reads of replicas see only what a majority has. */
void driver_append_read_concern(const struct mongo *mongo, bson_t *opts);

MUST_CHECK int driver_cursor_new(struct mongo *mongo, mongoc_collection_t *owned_collection,
	mongoc_cursor_t *owned_cursor, bool unchecked, struct mongo_cursor **ret_cursor,
	struct err *err);

#endif
