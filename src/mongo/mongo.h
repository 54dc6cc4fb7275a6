/*
 * mongo: sessions with the site's database server.
 *
 * One struct mongo is one connection for one thread. Commands and documents are BSON octets
 * (value.h); what a cursor shows is valid until its next step. Writes ask for w: majority, j: true
 * where there are replicas and w: 1, j: true where there are none.
 *
 * Codes: ERR_DATABASE_LOST when the server is gone or did not answer (the outcome of a write is
 * then unknown), ERR_LOGIN, ERR_MIGRATION for a command that was refused; callers recode.
 */
#ifndef OFFKIT_MONGO_MONGO_H
#define OFFKIT_MONGO_MONGO_H

#include "mongo/value.h"

struct mongo;

/*
 * What the server said when it refused, for callers that answer to certain codes. Zeroed when
 * nothing was refused.
 */
struct mongo_refusal {
	int code; /* the server's; 0: none (network, our own) */
	char name[64];
};

void mongo_library_begin(void); /* once, by main, before the first thread; and at its end */
void mongo_library_end(void);

/*
 * Connects and asks hello. database: the site's. ERR_DATABASE if the server cannot be reached
 * (within the URI's serverSelectionTimeoutMS, 10 s by default), ERR_LOGIN, ERR_SITE for a URI that
 * is none.
 */
MUST_CHECK int mongo_connect(
	const char *uri, const char *database, struct mongo **ret_mongo, struct err *err);
/* The same, and no answer of the server is waited for longer than timeout (ms, more than 0). */
MUST_CHECK int mongo_connect_within(const char *uri, const char *database, int64_t timeout,
	struct mongo **ret_mongo, struct err *err);
void mongo_close(struct mongo *mongo);
void mongo_cleanup(struct mongo **mongo);
const char *mongo_database(const struct mongo *mongo);
const char *mongo_address(const struct mongo *mongo); /* the redacted URI, for messages */

/* Another connection to the same server, for another thread, or for another database on it. */
MUST_CHECK int mongo_connect_again(const struct mongo *mongo, const char *database /* NULL: same */,
	struct mongo **ret_mongo, struct err *err);

/*
 * 0 if a server that can be written to answers within about so many ms (a set has a primary); for
 * those who wait for it. Codes as mongo_connect.
 */
MUST_CHECK int mongo_answers(
	const char *uri, const char *database, int64_t milliseconds, struct err *err);

/*
 * Asked before everything that may change something is sent, on this connection and on each that is
 * made from it: every command that is not known to read only, an aggregation that writes, and every
 * bulk. 0 sends it; else the call fails with what the guard says, and nothing was sent. It is asked
 * from any thread and lives longer than the connections. NULL: nobody is asked.
 */
struct mongo_guard {
	void *self;
	int64_t write_time; /* ms: the maxTimeMS of writes where the server takes one; 0: none */
	int (*may_write)(void *self, struct err *err);
};
void mongo_set_guard(struct mongo *mongo, const struct mongo_guard *guard);

/*
 * What offkit itself keeps in a site's database (engine/lease.h). It is no part of the site's data:
 * mongo_collections leaves it out, so that backups, proofs, silence and restores do.
 */
#define MONGO_OWN_COLLECTION "offkit_state"

/* The URI without password, for people. Appends "(not a MongoDB URI)" if it is none. */
void mongo_uri_redact(const char *uri, struct str *out);
/* True only if every host in it is 127.0.0.0/8, ::1, localhost or a Unix socket. */
bool mongo_uri_is_loopback(const char *uri);

enum mongo_topology { TOPOLOGY_STANDALONE, TOPOLOGY_REPLICA_SET, TOPOLOGY_SHARDED };

struct mongo_server {
	char version[32];
	enum mongo_topology topology;
	char set_name[128];	  /* "" unless a replica set */
	int64_t clock_difference; /* server minus ours, ms, within half the round trip */
	int64_t max_document;	  /* octets */
};

MUST_CHECK int mongo_server(struct mongo *mongo, struct mongo_server *ret_server, struct err *err);

/*
 * A command on the site's database (or admin); the whole reply, appended to reply. Commands that
 * write get the write concern unless they name one.
 */
MUST_CHECK int mongo_command(struct mongo *mongo, struct bytes command, struct str *reply,
	struct mongo_refusal *refusal /* may be NULL */, struct err *err);
MUST_CHECK int mongo_admin_command(struct mongo *mongo, struct bytes command, struct str *reply,
	struct mongo_refusal *refusal, struct err *err);

/* ---- reading */

struct mongo_cursor;

struct mongo_find {
	const char *collection;
	struct bytes filter;	 /* size 0: all */
	struct bytes sort;	 /* size 0: none */
	struct bytes projection; /* size 0: whole documents */
	struct bytes hint;	 /* size 0: the server's choice */
	uint32_t batch_size;	 /* 0: the server's */
	int64_t limit;		 /* 0: none */
	bool no_timeout;
	bool unchecked; /* doc_check is left out: for those who copy documents and do not read them
			 */
};

MUST_CHECK int mongo_find(struct mongo *mongo, const struct mongo_find *find,
	struct mongo_cursor **ret_cursor, struct err *err);
MUST_CHECK int mongo_aggregate(struct mongo *mongo, const char *collection,
	struct bytes pipeline /* a BSON array */, struct mongo_cursor **ret_cursor,
	struct err *err);
/* 1: *ret_doc is the next document, a view until the next call; 0: the end; negative: err. */
MUST_CHECK int mongo_cursor_next(
	struct mongo_cursor *cursor, struct bytes *ret_doc, struct err *err);
/* How many documents the replies after this one have; for one whose documents are of many sizes. */
void mongo_cursor_batch_size(struct mongo_cursor *cursor, uint32_t documents);
void mongo_cursor_close(struct mongo_cursor *cursor);
void mongo_cursor_cleanup(struct mongo_cursor **cursor);

/* The first document that matches, appended to out; size 0 in ret if none. */
MUST_CHECK int mongo_find_one(struct mongo *mongo, const struct mongo_find *find, struct str *out,
	bool *ret_found, struct err *err);

/* The same, of the document with that string as its _id. */
MUST_CHECK int mongo_find_by_id(struct mongo *mongo, const char *collection, const char *id,
	struct str *out, bool *ret_found, struct err *err);

/* By aggregation, so exact. */
MUST_CHECK int mongo_count(struct mongo *mongo, const char *collection, struct bytes filter,
	int64_t *ret_count, struct err *err);

struct mongo_collection {
	const char *name;
	const char *type;     /* "collection", "view", "timeseries" */
	struct bytes options; /* as listCollections gives, a document */
	struct bytes info;    /* its "info" (uuid) */
};

/* Sorted by name, without system.* and MONGO_OWN_COLLECTION, but with views; lives in arena. */
MUST_CHECK int mongo_collections(struct mongo *mongo, struct arena *arena,
	struct mongo_collection **ret_collections, size_t *ret_count, struct err *err);

/* The index specifications as listIndexes gives; none if there is no such collection. */
MUST_CHECK int mongo_indexes(struct mongo *mongo, const char *collection, struct arena *arena,
	struct bytes **ret_indexes, size_t *ret_count, struct err *err);

struct mongo_stats {
	int64_t count;	/* documents, may lag */
	int64_t octets; /* of BSON, may lag */
};
MUST_CHECK int mongo_collection_stats(struct mongo *mongo, const char *collection,
	struct mongo_stats *ret_stats, struct err *err);

/* ---- writing */

struct mongo_bulk;

struct mongo_write_error {
	uint32_t index; /* of the operation */
	int code;	/* 11000: duplicate key */
	const char *message;
};

struct mongo_bulk_result {
	int64_t inserted, matched, modified, upserted, deleted;
	size_t error_count;		  /* in an ordered bulk at most 1 */
	struct mongo_write_error *errors; /* live as long as the bulk */
};

/* Ordered operations on one collection, sent in messages as large as the server takes. */
MUST_CHECK int mongo_bulk_begin(
	struct mongo *mongo, const char *collection, struct mongo_bulk **ret_bulk, struct err *err);
MUST_CHECK int mongo_bulk_insert(struct mongo_bulk *bulk, struct bytes doc, struct err *err);
MUST_CHECK int mongo_bulk_replace(struct mongo_bulk *bulk, struct bytes filter, struct bytes doc,
	bool upsert, struct err *err);
MUST_CHECK int mongo_bulk_update(struct mongo_bulk *bulk, struct bytes filter,
	struct bytes update /* document or pipeline */, bool many, bool upsert, struct err *err);
MUST_CHECK int mongo_bulk_delete(
	struct mongo_bulk *bulk, struct bytes filter, bool many, struct err *err);
/* 0 also when there are write errors (look at the result): negative is network or refusal. */
MUST_CHECK int mongo_bulk_run(
	struct mongo_bulk *bulk, struct mongo_bulk_result *ret_result, struct err *err);
void mongo_bulk_free(struct mongo_bulk *bulk);
void mongo_bulk_cleanup(struct mongo_bulk **bulk);

#endif
