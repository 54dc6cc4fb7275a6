/* One client: what it asks is forwarded, answered or spoiled. */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "tests/topology/proxy/proxy.h"

enum { FLAG_EXHAUST = 1 << 16, POLL_MS = 20, AWAIT_MAX_MS = 300 * 1000, TEXT_MAX = 4096 };

/* ---- the real server */

int connect_server(struct client *client)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *list = NULL;

	if (getaddrinfo(client->proxy->server_host, client->proxy->server_port, &hints, &list) != 0)
		return -1;
	client->server = socket(list->ai_family, list->ai_socktype | SOCK_CLOEXEC, 0);
	if (client->server >= 0 && connect(client->server, list->ai_addr, list->ai_addrlen) != 0) {
		(void)close(client->server);
		client->server = -1;
	}
	freeaddrinfo(list);
	return client->server < 0 ? -1 : 0;
}

static int exchange(struct client *client, struct bytes octets, struct message *ret_reply)
{
	if (send_octets(client->server, octets) != 0 ||
		message_read(client->server, ret_reply) != 1)
		return -1;
	return 0;
}

int ask_server(struct client *client, struct bytes command, struct str *reply)
{
	CLEANUP_STR struct str octets = STR_INIT;
	CLEANUP(message_release) struct message message = {.octets = STR_INIT};

	message_write(&octets, ++client->next_id, 0, 0, command, NULL);
	if (exchange(client, str_bytes(&octets), &message) != 0)
		return -1;
	str_append(reply, message.body.data, message.body.size);
	return 0;
}

int ask_server_text(struct client *client, struct str *reply, const char *format, ...)
{
	CLEANUP_STR struct str command = STR_INIT;
	char text[TEXT_MAX];
	struct err err;
	va_list list;

	va_start(list, format);
	int size = vsnprintf(text, sizeof text, format, list);
	va_end(list);
	if (size < 0 || size >= TEXT_MAX ||
		doc_from_json_text(bytes_of_string(text), &command, &err) != 0)
		return -1;
	return ask_server(client, str_bytes(&command), reply);
}

/* ---- rules */

static bool is_hello(const char *command)
{
	return strcmp(command, "hello") == 0 || strcmp(command, "isMaster") == 0 ||
	       strcmp(command, "ismaster") == 0;
}

static bool names_command(const struct rule *rule, const char *command)
{
	if (rule->command_count == 0)
		return !is_hello(command);
	for (size_t i = 0; i < rule->command_count; i++)
		if (strcmp(rule->commands[i], command) == 0)
			return true;
	return false;
}

static bool rule_matches(const struct rule *rule, const struct message *request)
{
	if (!names_command(rule, request->command))
		return false;
	if (rule->database != NULL && strcmp(rule->database, request->database) != 0)
		return false;
	if (rule->collection != NULL && strcmp(rule->collection, request->collection) != 0)
		return false;
	return rule->contains == NULL ||
	       doc_get_path(request->body, rule->contains).type != VALUE_MISSING;
}

/* Every rule counts what it matches; the first that acts is the one. */
static struct rule *rule_for(struct proxy *proxy, const struct message *request, size_t *ret_number)
{
	struct rule *found = NULL;

	(void)pthread_mutex_lock(&proxy->lock);
	for (size_t i = 0; i < proxy->scenario.rule_count; i++) {
		struct rule *rule = &proxy->scenario.rules[i];
		if (!rule_matches(rule, request))
			continue;
		rule->seen++;
		bool acts = rule->seen >= rule->nth &&
			    (rule->times == 0 || rule->seen < rule->nth + rule->times);
		if (acts && found == NULL) {
			found = rule;
			*ret_number = i + 1;
		}
	}
	(void)pthread_mutex_unlock(&proxy->lock);
	return found;
}

static void log_request(struct client *client, const struct message *request, size_t rule)
{
	struct proxy *proxy = client->proxy;

	(void)pthread_mutex_lock(&proxy->lock);
	proxy->commands++;
	if (proxy->log != NULL) {
		(void)fprintf(proxy->log,
			"{\"n\":%lld,\"member\":%zu,\"command\":\"%s\",\"ns\":\"%s.%s\","
			"\"operations\":%zu,\"octets\":%zu,\"retryable\":%s,\"rule\":%zu}\n",
			(long long)proxy->commands, client->member, request->command,
			request->database, request->collection, operation_count(request),
			request->octets.size,
			doc_get(request->body, "txnNumber").type == VALUE_MISSING ? "false"
										  : "true",
			rule);
		(void)fflush(proxy->log);
	}
	(void)pthread_mutex_unlock(&proxy->lock);
}

/* ---- waiting */

static bool client_is_gone(const struct client *client)
{
	struct pollfd fd = {.fd = client->fd, .events = POLLRDHUP};

	return poll(&fd, 1, POLL_MS) > 0 && (fd.revents & (POLLRDHUP | POLLHUP | POLLERR)) != 0;
}

static bool exists(const char *path)
{
	return path != NULL && access(path, F_OK) == 0;
}

static void wait_for(int64_t milliseconds)
{
	int64_t until = clock_boottime() + milliseconds;

	for (int64_t left = milliseconds; left > 0; left = until - clock_boottime())
		(void)poll(NULL, 0, (int)left);
}

static void hook(const char *touch, const char *await, int64_t delay)
{
	if (touch != NULL) {
		int fd = open(touch, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
		if (fd >= 0)
			(void)close(fd);
	}
	for (int64_t until = clock_boottime() + AWAIT_MAX_MS;
		await != NULL && !exists(await) && clock_boottime() < until;)
		(void)poll(NULL, 0, POLL_MS);
	wait_for(delay);
}

/* ---- retryable writes */

static bool transaction_of(const struct message *request, const uint8_t **ret_session, int64_t *ret)
{
	struct value id = doc_get_path(request->body, "lsid.id");

	/* length, subtype 4, 16 octets */
	if (id.type != VALUE_BINARY || id.bytes.size < 21 ||
		!doc_get_integer(request->body, "txnNumber", ret))
		return false;
	*ret_session = id.bytes.data + id.bytes.size - 16;
	return true;
}

static bool find_done(struct proxy *proxy, const struct message *request, struct str *out)
{
	const uint8_t *session;
	int64_t transaction;
	bool found = false;

	if (!transaction_of(request, &session, &transaction))
		return false;
	(void)pthread_mutex_lock(&proxy->lock);
	for (size_t i = 0; i < DONE_MAX && !found; i++) {
		const struct done *done = &proxy->done[i];
		found = done->answer.size > 0 && done->transaction == transaction &&
			memcmp(done->session, session, sizeof done->session) == 0;
		if (found)
			str_append(out, done->answer.text, done->answer.size);
	}
	(void)pthread_mutex_unlock(&proxy->lock);
	return found;
}

static void note_done(struct proxy *proxy, const struct message *request, struct bytes answer)
{
	const uint8_t *session;
	int64_t transaction, ok = 0;

	if (!transaction_of(request, &session, &transaction) ||
		!doc_get_integer(answer, "ok", &ok) || ok != 1)
		return;
	(void)pthread_mutex_lock(&proxy->lock);
	struct done *done = &proxy->done[proxy->done_next++ % DONE_MAX];
	memcpy(done->session, session, sizeof done->session);
	done->transaction = transaction;
	str_truncate(&done->answer, 0);
	str_append(&done->answer, answer.data, answer.size);
	(void)pthread_mutex_unlock(&proxy->lock);
}

/* ---- forwarding */

/* What the real server, which is alone, does not take. */
static void write_request(struct client *client, const struct message *request, struct str *out)
{
	static const char *const of_replicas[] = {"lsid", "txnNumber", "$clusterTime", "autocommit",
		"startTransaction", "$readPreference"};
	const struct scenario *scenario = &client->proxy->scenario;
	bool alone = scenario->topology == PLAYS_STANDALONE;
	bool config =
		scenario->topology == PLAYS_SHARDED && strcmp(request->database, "config") == 0;
	struct doc_iter iter = doc_iter_begin(request->body);
	struct doc_writer writer;
	struct value value;
	const char *name;

	doc_write_begin(&writer, out);
	while (doc_iter_next(&iter, &name, &value)) {
		/* A compressed message could not be looked into. */
		bool keep = strcmp(name, "compression") != 0 && strcmp(name, "$db") != 0;
		for (size_t i = 0; i < sizeof of_replicas / sizeof *of_replicas && !alone; i++)
			keep = keep && strcmp(name, of_replicas[i]) != 0;
		if (keep)
			doc_write_value(&writer, name, &value);
	}
	doc_write_string(&writer, "$db",
		config			     ? client->proxy->state
		: *request->database != '\0' ? request->database
					     : "admin");
	doc_write_end(&writer);
}

/* The first count operations alone. */
static void keep_operations(
	struct bytes body, const struct message *request, int64_t count, struct str *out)
{
	static const char *const lists[] = {"documents", "updates", "deletes"};
	static const char *const names[] = {"insert", "update", "delete"};
	struct doc_iter iter = doc_iter_begin(body);
	struct doc_writer writer;
	struct bytes operation;
	struct value value;
	const char *name;
	size_t which = 0;

	while (which < 2 && strcmp(request->command, names[which]) != 0)
		which++;
	doc_write_begin(&writer, out);
	while (doc_iter_next(&iter, &name, &value))
		if (strcmp(name, lists[which]) != 0)
			doc_write_value(&writer, name, &value);
	doc_write_array(&writer, lists[which]);
	for (size_t i = 0; (int64_t)i < count && operation_at(request, i, &operation); i++)
		doc_write_raw(&writer, NULL, operation);
	doc_write_end(&writer);
	doc_write_end(&writer);
}

/* Sends body (and request's sequences, if whole) and takes the answer. -1: the server is gone. */
static int forward_body(struct client *client, const struct message *request, struct bytes body,
	bool whole, struct str *answer)
{
	CLEANUP_STR struct str octets = STR_INIT;
	CLEANUP(message_release) struct message reply = {.octets = STR_INIT};
	uint32_t flags = request->flags & ~(uint32_t)FLAG_EXHAUST;

	message_write(&octets, request->id, 0, flags, body, whole ? request : NULL);
	if (flags & FLAG_MORE_TO_COME)
		return send_octets(client->server, str_bytes(&octets));
	if (exchange(client, str_bytes(&octets), &reply) != 0)
		return -1;
	str_append(answer, reply.body.data, reply.body.size);
	return 0;
}

static int forward(struct client *client, const struct message *request, struct str *answer)
{
	CLEANUP_STR struct str body = STR_INIT, real = STR_INIT;
	const struct scenario *scenario = &client->proxy->scenario;

	if (scenario->topology == PLAYS_REPLICA_SET && answer_replica_set(client, request, answer))
		return 0;
	if (scenario->topology == PLAYS_SHARDED && answer_sharded(client, request, answer))
		return 0;
	if (find_done(client->proxy, request, answer))
		return 0;
	if (reads_oplog(client, request))
		write_oplog_query(client, request, &body);
	else if (scenario->topology == PLAYS_SHARDED && wants_distribution(request))
		write_distribution_query(client, request, &body);
	else
		write_request(client, request, &body);
	if (scenario->topology != PLAYS_STANDALONE && is_hello(request->command)) {
		if (forward_body(client, request, str_bytes(&body), true, &real) != 0)
			return -1;
		write_hello(client, str_bytes(&real), answer);
		return 0;
	}
	if (forward_body(client, request, str_bytes(&body), true, answer) != 0)
		return -1;
	if (answer->size > 0) {
		note_done(client->proxy, request, str_bytes(answer));
		oplog_note(client, request, str_bytes(answer));
		shards_note(client, request, str_bytes(answer));
	}
	return 0;
}

/* The operations before the refused one are done. */
static int refuse_operation(struct client *client, const struct message *request,
	const struct rule *rule, struct str *answer)
{
	CLEANUP_STR struct str body = STR_INIT, part = STR_INIT, ignored = STR_INIT;

	if (rule->index > 0) {
		write_request(client, request, &body);
		keep_operations(str_bytes(&body), request, rule->index, &part);
		if (forward_body(client, request, str_bytes(&part), false, &ignored) != 0)
			return -1;
	}
	write_write_error(
		answer, rule->index, rule->index, rule->refusal.code, rule->refusal.message);
	return 0;
}

static void step_down(struct proxy *proxy, const struct rule *rule)
{
	(void)pthread_mutex_lock(&proxy->lock);
	proxy->primary = (proxy->primary + 1) % proxy->scenario.members;
	proxy->term++;
	proxy->no_primary_until = clock_boottime() + rule->election;
	(void)pthread_mutex_unlock(&proxy->lock);
}

/* ---- one request */

/* A server that refuses a login says what was not allowed. */
static void refuse_command(const struct message *request, const struct refusal *refusal,
	bool retryable, struct str *answer)
{
	CLEANUP_STR struct str text = STR_INIT;
	struct refusal said = *refusal;

	str_append_format(&text, "not authorized on %s to execute command { %s: \"%s\" }",
		request->database, request->command, request->collection);
	if (refusal->code == 13 && refusal->message == NULL)
		said.message = str_text(&text);
	write_refusal(answer, &said, retryable);
}

/* The answer's document; false: the connection ends. */
static bool make_answer(struct client *client, const struct message *request,
	const struct rule *rule, struct str *answer)
{
	bool retryable = doc_get(request->body, "txnNumber").type != VALUE_MISSING;
	CLEANUP_STR struct str real = STR_INIT;

	switch (rule->act) {
	case ACT_CLOSE_BEFORE:
		return false;
	case ACT_SILENT:
		while (!client_is_gone(client))
			;
		return false;
	case ACT_ERROR:
		refuse_command(request, &rule->refusal, retryable, answer);
		return true;
	case ACT_ANSWER:
		str_append(answer, rule->answer.text, rule->answer.size);
		return true;
	case ACT_WRITE_ERROR:
		return refuse_operation(client, request, rule, answer) == 0;
	default:
		break;
	}
	if (forward(client, request, &real) != 0)
		return false;
	if (rule->act == ACT_ERROR_AFTER)
		write_refusal(answer, &rule->refusal, retryable);
	else if (rule->merge.size > 0 || rule->concern.code != 0)
		write_answer_with(answer, str_bytes(&real), rule);
	else
		str_append(answer, real.text, real.size);
	return true;
}

static bool send_answer(struct client *client, const struct message *request,
	const struct rule *rule, struct bytes answer)
{
	CLEANUP_STR struct str octets = STR_INIT;

	if (answer.size == 0 || rule->act == ACT_CLOSE_AFTER)
		return answer.size == 0;
	if (rule->act == ACT_SILENT_AFTER) {
		while (!client_is_gone(client))
			;
		return false;
	}
	answer_write(&octets, request, answer);
	bool within = rule->act == ACT_CLOSE_WITHIN;
	struct bytes sent = bytes_make(octets.text, within ? octets.size / 2 : octets.size);
	return send_octets(client->fd, sent) == 0 && !within;
}

static bool serve(struct client *client, const struct message *request)
{
	static const struct rule nothing = {.act = ACT_FORWARD};
	struct proxy *proxy = client->proxy;
	CLEANUP_STR struct str answer = STR_INIT;
	size_t number = 0;

	/* Who accepts may not have seen yet that the server went away. */
	if (exists(proxy->scenario.down_file))
		return false;
	while (exists(proxy->scenario.silent_file))
		if (client_is_gone(client))
			return false;
	const struct rule *rule = rule_for(proxy, request, &number);
	log_request(client, request, number);
	if (rule == NULL)
		rule = &nothing;
	hook(rule->touch, rule->await, rule->delay);
	if (rule->steps_down)
		step_down(proxy, rule);
	if (!make_answer(client, request, rule, &answer))
		return false;
	hook(rule->touch_after, rule->await_after, rule->delay_after);
	return send_answer(client, request, rule, str_bytes(&answer));
}

void client_serve(struct client *client)
{
	bool open = connect_server(client) == 0;

	while (open) {
		CLEANUP(message_release) struct message request = {.octets = STR_INIT};
		open = message_read(client->fd, &request) == 1 && serve(client, &request);
	}
	if (client->server >= 0)
		(void)close(client->server);
}
