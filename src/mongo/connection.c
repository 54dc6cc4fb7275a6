#include "mongo/driver.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "text/text.h"

enum {
	SELECTION_TIMEOUT = 10 * 1000,
	CONNECT_TIMEOUT = 10 * 1000,
	/* An index build answers when it is done; a dead or silent server is found by watch.c. */
	SOCKET_TIMEOUT = 6 * 60 * 60 * 1000,
};

static void say_nothing(mongoc_log_level_t level, const char *domain, const char *text, void *data)
{
	(void)level;
	(void)domain;
	(void)text;
	(void)data;
}

void mongo_library_begin(void)
{
	mongoc_init();
	mongoc_log_set_handler(say_nothing, NULL);
}

void mongo_library_end(void)
{
	mongoc_cleanup();
}

/* ---- URIs */

static const mongoc_host_list_t *first_host(const mongoc_uri_t *uri)
{
	return mongoc_uri_get_srv_hostname(uri) != NULL ? NULL : mongoc_uri_get_hosts(uri);
}

void mongo_uri_redact(const char *text, struct str *out)
{
	mongoc_uri_t *uri = mongoc_uri_new_with_error(text, NULL);

	if (uri == NULL) {
		str_append_text(out, "(not a MongoDB URI)");
		return;
	}
	const char *srv = mongoc_uri_get_srv_hostname(uri);
	const char *user = mongoc_uri_get_username(uri);
	str_append_text(out, srv != NULL ? "mongodb+srv://" : "mongodb://");
	if (user != NULL) {
		text_escape(out, bytes_of_string(user), 0);
		str_append_text(out, mongoc_uri_get_password(uri) != NULL ? ":***@" : "@");
	}
	if (srv != NULL)
		text_escape(out, bytes_of_string(srv), 0);
	for (const mongoc_host_list_t *host = first_host(uri); host != NULL; host = host->next) {
		text_escape(out, bytes_of_string(host->host_and_port), 0);
		if (host->next != NULL)
			str_append_char(out, ',');
	}
	const char *set = mongoc_uri_get_replica_set(uri);
	if (set != NULL) {
		str_append_text(out, "/?replicaSet=");
		text_escape(out, bytes_of_string(set), 0);
	}
	mongoc_uri_destroy(uri);
}

static bool host_is_loopback(const mongoc_host_list_t *host)
{
	struct in_addr address;

	if (host->family == AF_UNIX || strcasecmp(host->host, "localhost") == 0 ||
		strcmp(host->host, "::1") == 0)
		return true;
	return inet_pton(AF_INET, host->host, &address) == 1 && ntohl(address.s_addr) >> 24 == 127;
}

bool mongo_uri_is_loopback(const char *text)
{
	mongoc_uri_t *uri = mongoc_uri_new_with_error(text, NULL);

	if (uri == NULL)
		return false;
	const mongoc_host_list_t *host = first_host(uri);
	bool loopback = host != NULL;
	for (; loopback && host != NULL; host = host->next)
		loopback = host_is_loopback(host);
	mongoc_uri_destroy(uri);
	return loopback;
}

static void set_unless_given(mongoc_uri_t *uri, const char *option, int32_t milliseconds)
{
	if (!mongoc_uri_has_option(uri, option))
		(void)mongoc_uri_set_option_as_int32(uri, option, milliseconds);
}

static mongoc_uri_t *parse_uri(const char *text, int32_t timeout)
{
	static const char *const timeouts[] = {MONGOC_URI_SERVERSELECTIONTIMEOUTMS,
		MONGOC_URI_CONNECTTIMEOUTMS, MONGOC_URI_SOCKETTIMEOUTMS};
	mongoc_uri_t *uri = mongoc_uri_new_with_error(text, NULL);

	if (uri == NULL)
		return NULL;
	for (size_t i = 0; timeout > 0 && i < sizeof timeouts / sizeof *timeouts; i++)
		(void)mongoc_uri_set_option_as_int32(uri, timeouts[i], timeout);
	set_unless_given(uri, MONGOC_URI_SERVERSELECTIONTIMEOUTMS, SELECTION_TIMEOUT);
	set_unless_given(uri, MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_TIMEOUT);
	set_unless_given(uri, MONGOC_URI_SOCKETTIMEOUTMS, SOCKET_TIMEOUT);
	/* A set may be electing a primary: wait for it. A single server that is not there is not
	 * waited for. */
	const mongoc_host_list_t *host = first_host(uri);
	if (host == NULL || host->next != NULL || mongoc_uri_get_replica_set(uri) != NULL)
		(void)mongoc_uri_set_option_as_bool(uri, MONGOC_URI_SERVERSELECTIONTRYONCE, false);
	/* The guard is asked before a write is sent: one that the driver would send again by
	 * itself, when the first has been lost for a minute, is not asked for. */
	(void)mongoc_uri_set_option_as_bool(uri, MONGOC_URI_RETRYWRITES, false);
	(void)mongoc_uri_set_appname(uri, "offkit");
	return uri;
}

/* ---- connecting */

static int ask(struct mongo *mongo, const char *name, struct str *reply, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	struct doc_writer writer;

	doc_write_begin(&writer, &command);
	doc_write_int32(&writer, name, 1);
	doc_write_end(&writer);
	return mongo_admin_command(mongo, str_bytes(&command), reply, NULL, err);
}

static int not_reached(struct err *err)
{
	return err->code == ERR_DATABASE_LOST ? err_recode(err, ERR_DATABASE) : -(int)err->code;
}

static int begin_client(struct mongo *mongo, int32_t timeout, int32_t *ret_bound, struct err *err)
{
	mongoc_uri_t *uri = parse_uri(mongo->uri, timeout);

	if (uri == NULL)
		return err_set(err, ERR_SITE,
			"the database URI is not valid (reserved characters in user and password "
			"must be percent-encoded)");
	mongo->client = mongoc_client_new_from_uri(uri);
	*ret_bound =
		mongoc_uri_get_option_as_int32(uri, MONGOC_URI_CONNECTTIMEOUTMS, CONNECT_TIMEOUT);
	mongoc_uri_destroy(uri);
	if (mongo->client == NULL)
		return err_set(err, ERR_SITE,
			"%s: the database URI asks for something that this program cannot do",
			str_text(&mongo->address));
	(void)mongoc_client_set_error_api(mongo->client, MONGOC_ERROR_API_VERSION_2);
	return 0;
}

static int begin_write_concern(struct mongo *mongo, struct err *err)
{
	mongo->write_concern = mongoc_write_concern_new();
	if (mongo->write_concern == NULL)
		return err_no_memory(err);
	if (mongo->topology == TOPOLOGY_STANDALONE)
		mongoc_write_concern_set_w(mongo->write_concern, 1);
	else
		mongoc_write_concern_set_wmajority(mongo->write_concern, 0);
	mongoc_write_concern_set_journal(mongo->write_concern, true);
	return 0;
}

static int connect_to(const char *uri, const char *database, int32_t timeout,
	struct mongo **ret_mongo, struct err *err)
{
	struct mongo *mongo = calloc(1, sizeof *mongo);
	struct mongo_server server;
	int32_t bound = 0;
	int result;

	if (mongo == NULL)
		return err_no_memory(err);
	mongo->uri = strdup(uri);
	mongo->database = strdup(database);
	mongo_uri_redact(uri, &mongo->address);
	if (mongo->uri == NULL || mongo->database == NULL || mongo->address.failed)
		result = err_no_memory(err);
	else
		result = driver_check_tls_files(mongo, err);
	if (result == 0)
		result = begin_client(mongo, timeout, &bound, err);
	if (result == 0 && timeout == 0)
		result = driver_watch(mongo->uri, bound, &mongo->watch, err);
	if (result == 0 && (result = mongo_server(mongo, &server, err)) != 0)
		result = not_reached(err);
	if (result == 0) {
		mongo->topology = server.topology;
		result = begin_write_concern(mongo, err);
	}
	if (result != 0) {
		mongo_close(mongo);
		return result;
	}
	*ret_mongo = mongo;
	return 0;
}

int mongo_connect(const char *uri, const char *database, struct mongo **ret_mongo, struct err *err)
{
	return connect_to(uri, database, 0, ret_mongo, err);
}

int mongo_connect_within(const char *uri, const char *database, int64_t timeout,
	struct mongo **ret_mongo, struct err *err)
{
	return connect_to(uri, database, (int32_t)timeout, ret_mongo, err);
}

/* A read, which what stands in front of a database cannot answer alone; refused is answered too. */
static int ask_for_data(struct mongo *mongo, struct err *err)
{
	CLEANUP_STR struct str found = STR_INIT;
	const struct mongo_find find = {.collection = MONGO_OWN_COLLECTION};
	bool is_there;
	int result = mongo_find_one(mongo, &find, &found, &is_there, err);

	return result != 0 && err->code == ERR_MIGRATION ? 0 : result;
}

int mongo_answers(const char *uri, const char *database, int64_t milliseconds, struct err *err)
{
	CLEANUP(mongo_cleanup) struct mongo *mongo = NULL;
	CLEANUP_STR struct str hello = STR_INIT;
	int result = connect_to(uri, database, (int32_t)milliseconds, &mongo, err);

	if (result == 0)
		result = ask(mongo, "hello", &hello, err);
	if (result == 0)
		result = ask_for_data(mongo, err);
	if (result != 0)
		return err->code == ERR_DATABASE_LOST ? err_recode(err, ERR_DATABASE) : result;
	struct bytes reply = str_bytes(&hello);
	if (doc_get_bool(reply, "isWritablePrimary") || doc_get_bool(reply, "ismaster"))
		return 0;
	return err_set(err, ERR_DATABASE, "%s: it is no primary now", mongo_address(mongo));
}

int mongo_connect_again(
	const struct mongo *mongo, const char *database, struct mongo **ret_mongo, struct err *err)
{
	int result = mongo_connect(
		mongo->uri, database != NULL ? database : mongo->database, ret_mongo, err);

	if (result == 0)
		(*ret_mongo)->guard = mongo->guard;
	/* There was a connection already: the server is lost, not unreachable. */
	return result != 0 && (err->code == ERR_DATABASE || err->code == ERR_TLS)
		       ? err_recode(err, ERR_DATABASE_LOST)
		       : result;
}

void mongo_close(struct mongo *mongo)
{
	if (mongo == NULL)
		return;
	if (mongo->write_concern != NULL)
		mongoc_write_concern_destroy(mongo->write_concern);
	/* The server is told that its session ends. */
	driver_asks(mongo);
	if (mongo->client != NULL)
		mongoc_client_destroy(mongo->client);
	driver_watch_end(mongo->watch);
	str_release(&mongo->address);
	free(mongo->database);
	free(mongo->uri);
	free(mongo);
}

void mongo_cleanup(struct mongo **mongo)
{
	mongo_close(*mongo);
}

const char *mongo_database(const struct mongo *mongo)
{
	return mongo->database;
}

const char *mongo_address(const struct mongo *mongo)
{
	return str_text(&mongo->address);
}

/* ---- the server */

static void copy_text(char *to, size_t size, const char *text)
{
	size_t length = text == NULL ? 0 : strnlen(text, size - 1);

	memcpy(to, text == NULL ? "" : text, length);
	to[length] = '\0';
}

static void read_hello(struct bytes hello, struct mongo_server *server)
{
	const char *message = doc_get_string(hello, "msg");

	copy_text(server->set_name, sizeof server->set_name, doc_get_string(hello, "setName"));
	if (message != NULL && strcmp(message, "isdbgrid") == 0)
		server->topology = TOPOLOGY_SHARDED;
	else if (server->set_name[0] != '\0')
		server->topology = TOPOLOGY_REPLICA_SET;
	else
		server->topology = TOPOLOGY_STANDALONE;
	if (!doc_get_integer(hello, "maxBsonObjectSize", &server->max_document) ||
		server->max_document <= 0)
		server->max_document = 16 * 1024 * 1024;
}

int mongo_server(struct mongo *mongo, struct mongo_server *ret_server, struct err *err)
{
	CLEANUP_STR struct str hello = STR_INIT, info = STR_INIT;
	struct mongo_server server = {0};

	/* The build first: it opens the connection, so that hello's round trip is a short one. */
	int result = ask(mongo, "buildInfo", &info, err);
	if (result != 0)
		return result;
	int64_t before = clock_now(), started = clock_boottime();
	result = ask(mongo, "hello", &hello, err);
	if (result != 0)
		return result;
	int64_t took = clock_boottime() - started;
	read_hello(str_bytes(&hello), &server);
	copy_text(
		server.version, sizeof server.version, doc_get_string(str_bytes(&info), "version"));
	struct value time = doc_get(str_bytes(&hello), "localTime");
	if (time.type == VALUE_DATE)
		server.clock_difference = time.int64 - (before + took / 2);
	*ret_server = server;
	return 0;
}
