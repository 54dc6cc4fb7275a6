/*
 * proxy: stands in front of a real server and plays a topology that it is not (TEST-SERVERS.md).
 *
 * A client's message is read whole, looked at, and forwarded to the real server, answered here, or
 * spoiled, as the scenario says; README.md describes the scenario. One thread a client, with a
 * connection of its own to the server; what they share is in struct proxy, behind its lock.
 */
#ifndef TESTS_TOPOLOGY_PROXY_H
#define TESTS_TOPOLOGY_PROXY_H

#include <pthread.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "json/json.h"
#include "mongo/value.h"

enum { MEMBERS_MAX = 3, SHARDS_MAX = 8, RULES_MAX = 64, NAMES_MAX = 24, LIST_MAX = 256 };
enum { SEQUENCES_MAX = 4, CLIENTS_MAX = 200, NS_MAX = 256, DONE_MAX = 64 };

/* ---- scenario.c */

enum topology { PLAYS_STANDALONE, PLAYS_REPLICA_SET, PLAYS_SHARDED };

enum act {
	ACT_FORWARD,	  /* only the hooks, the delays, what is added to the answer */
	ACT_ERROR,	  /* answered with an error; the server sees nothing */
	ACT_ERROR_AFTER,  /* the server does it; the answer is an error */
	ACT_WRITE_ERROR,  /* the operations before it are done, it is refused */
	ACT_ANSWER,	  /* answered with a document of the scenario */
	ACT_CLOSE_BEFORE, /* the connection is closed; the server sees nothing */
	ACT_CLOSE_AFTER,  /* the server does it; closed instead of an answer */
	ACT_CLOSE_WITHIN, /* the server does it; closed in the middle of the answer */
	ACT_SILENT,	  /* never answered, and the connection stays open */
	ACT_SILENT_AFTER, /* the server does it, and nobody is told */
};

struct refusal {
	int code;
	const char *name;
	const char *message;
};

struct rule {
	const char *commands[NAMES_MAX]; /* none: every command but hello */
	size_t command_count;
	const char *database, *collection, *contains;	       /* NULL: any */
	int64_t nth, times;				       /* times 0: for ever */
	const char *touch, *await, *touch_after, *await_after; /* files */
	int64_t delay, delay_after;			       /* ms */
	enum act act;
	struct refusal refusal;
	int64_t index;		/* of the operation with the write error */
	struct str answer;	/* BSON */
	struct str merge;	/* BSON: members of the answer */
	struct refusal concern; /* code 0: none */
	bool steps_down;
	int64_t election; /* ms without a primary */
	int64_t seen;	  /* matching commands until now */
};

struct numbers {
	double at[LIST_MAX]; /* one a call; the last one stays */
	size_t count;
	size_t used;
};

struct scenario {
	enum topology topology;
	const char *set;
	size_t members;
	struct numbers lag; /* s */
	const char *lag_file, *down_file, *silent_file;
	const char *shards[SHARDS_MAX];
	size_t shard_count;
	struct numbers shares, balanced;
	bool has_oplog;
	int64_t oplog_window; /* s */
	bool keeps_state;
	struct rule rules[RULES_MAX];
	size_t rule_count;
};

/* Files that it names are taken relative to its folder. What it holds lives until the end. */
MUST_CHECK int scenario_load(const char *path, struct scenario *ret_scenario, struct err *err);

/* ---- main.c */

/* The answer to a retryable write, for its retry: a server does each transaction number once. */
struct done {
	uint8_t session[16];
	int64_t transaction;
	struct str answer;
};

struct proxy {
	struct scenario scenario;
	const char *server_host, *server_port;
	int ports[MEMBERS_MAX];
	char state[64]; /* the database that keeps what this topology knows: oplog, config */
	FILE *log;
	pthread_mutex_t lock;
	/* Behind the lock. */
	size_t primary;
	int32_t term;
	int64_t no_primary_until; /* boottime */
	int64_t commands;
	uint32_t oplog_second, oplog_counter;
	int clients[CLIENTS_MAX]; /* sockets, -1: free */
	struct done done[DONE_MAX];
	size_t done_next;
};

/* ---- wire.c: messages (OP_MSG, OP_QUERY and its OP_REPLY) */

enum { OP_REPLY = 1, OP_QUERY = 2004, OP_MSG = 2013 };
enum { FLAG_MORE_TO_COME = 2 };

struct sequence {
	const char *name;
	struct bytes docs; /* one after another */
};

struct message {
	struct str octets; /* whole */
	int32_t id, opcode;
	uint32_t flags;
	struct bytes body; /* checked; a view, as are the rest */
	struct sequence sequences[SEQUENCES_MAX];
	size_t sequence_count;
	const char *command, *database, *collection; /* "" if it has none */
};

void message_release(struct message *message);
/* 1: read and understood; 0: the other side has closed, or sent what is no message. */
MUST_CHECK int message_read(int fd, struct message *ret_message);
MUST_CHECK int send_octets(int fd, struct bytes octets); /* 0, or -1 */
/* An OP_MSG of a body and the sequences of from (NULL: none). */
void message_write(struct str *out, int32_t id, int32_t answers, uint32_t flags, struct bytes body,
	const struct message *from);
/* The answer to a request, in the form in which it was asked. */
void answer_write(struct str *out, const struct message *request, struct bytes doc);

/* The operations of an insert, update or delete, wherever they stand. 0 if it is none. */
size_t operation_count(const struct message *message);
/* False after the last one. */
bool operation_at(const struct message *message, size_t index, struct bytes *ret_operation);

/* ---- client.c */

struct client {
	struct proxy *proxy;
	size_t member; /* whose port it is */
	int fd, server;
	int32_t next_id;
};

void client_serve(struct client *client);
/* Our own command to the real server; the reply's document, appended. */
MUST_CHECK int ask_server(struct client *client, struct bytes command, struct str *reply);
/* The same from text with %s and %d, in Extended JSON. */
MUST_CHECK int ask_server_text(struct client *client, struct str *reply, const char *format, ...)
	PRINTF_LIKE(3, 4);
MUST_CHECK int connect_server(struct client *client);

/* ---- answers.c: errors and the documents of a topology */

const char *code_name(int code);
void write_refusal(struct str *out, const struct refusal *refusal, bool retryable);
void write_answer_with(struct str *out, struct bytes reply, const struct rule *rule);
void write_write_error(struct str *out, int64_t done, int64_t index, int code, const char *message);
/* What the real hello said, as this member of this topology says it. */
void write_hello(struct client *client, struct bytes real, struct str *out);
bool member_is_primary(struct client *client);
double number_next(struct proxy *proxy, struct numbers *numbers, double otherwise);
/* 1: answered; 0: not a command of a replica set. */
int answer_replica_set(struct client *client, const struct message *request, struct str *out);

/* ---- shards.c */

void shards_begin(struct client *client);
void shards_note(struct client *client, const struct message *request, struct bytes reply);
/* 1: answered; 0: for the real server. */
int answer_sharded(struct client *client, const struct message *request, struct str *out);
/* The pipeline after $shardedDataDistribution, on a collection that has its documents. */
bool wants_distribution(const struct message *request);
void write_distribution_query(
	struct client *client, const struct message *request, struct str *out);

/* ---- oplog.c */

void oplog_begin(struct client *client);
/* After the server did a write. */
void oplog_note(struct client *client, const struct message *request, struct bytes reply);
bool reads_oplog(const struct client *client, const struct message *request);
void write_oplog_query(struct client *client, const struct message *request, struct str *out);

#endif
