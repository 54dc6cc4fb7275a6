/*
 * A server that is silent: a stopped process, a host that hangs. The network is well, so nothing
 * ends a read that waits for its answer, and some answers (an index) may take hours.
 *
 * So each connection has a thread that looks how long an answer has been waited for. After a while
 * it asks the same server something small over a connection of its own; when that is not answered
 * either, twice in a row, it ends the connections to that server, and what waits fails as lost.
 */
#include "mongo/driver.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/thread.h"

enum { ADDRESS_SIZE = INET6_ADDRSTRLEN + 10, SERVERS_MAX = 16, ROUNDS = 2 };

struct watch {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool ending;	       /* behind the lock */
	_Atomic int64_t asked; /* boottime of what waits for its answer; 0: nothing does */
	char *uri;
	int32_t bound; /* ms that a server has to answer the small question */
};

/* ---- who is spoken with */

/* "127.0.0.1:27017", "[::1]:27017"; false if it is no connection over TCP. */
static bool peer_of(int fd, char address[static ADDRESS_SIZE], int *ret_port)
{
	union {
		struct sockaddr any;
		struct sockaddr_in four;
		struct sockaddr_in6 six;
	} peer;
	socklen_t size = sizeof peer;
	char text[INET6_ADDRSTRLEN];
	const void *number;

	if (getpeername(fd, &peer.any, &size) != 0)
		return false;
	if (peer.any.sa_family == AF_INET) {
		number = &peer.four.sin_addr;
		*ret_port = ntohs(peer.four.sin_port);
	} else if (peer.any.sa_family == AF_INET6) {
		number = &peer.six.sin6_addr;
		*ret_port = ntohs(peer.six.sin6_port);
	} else {
		return false;
	}
	if (inet_ntop(peer.any.sa_family, number, text, sizeof text) == NULL)
		return false;
	(void)snprintf(address, ADDRESS_SIZE, peer.any.sa_family == AF_INET ? "%s:%d" : "[%s]:%d",
		text, *ret_port);
	return true;
}

/* The URI's servers, by their ports; an srv name's are not known here. */
static bool is_servers_port(const mongoc_uri_t *uri, int port)
{
	const mongoc_host_list_t *host = mongoc_uri_get_hosts(uri);

	if (mongoc_uri_get_srv_hostname(uri) != NULL || host == NULL)
		return true;
	for (; host != NULL; host = host->next)
		if (host->port == port)
			return true;
	return false;
}

struct servers {
	char addresses[SERVERS_MAX][ADDRESS_SIZE];
	size_t count;
};

/* Calls visit with each connection of this process to one of the URI's servers. */
static void each_connection(const mongoc_uri_t *uri,
	void (*visit)(int fd, const char *address, void *argument), void *argument)
{
	CLEANUP_DIR DIR *folder = opendir("/proc/self/fd");
	char address[ADDRESS_SIZE];
	struct dirent *entry;
	int port = 0;

	while (folder != NULL && (entry = readdir(folder)) != NULL) {
		int fd = atoi(entry->d_name);
		if (entry->d_name[0] != '.' && peer_of(fd, address, &port) &&
			is_servers_port(uri, port))
			visit(fd, address, argument);
	}
}

static void note_server(int fd, const char *address, void *argument)
{
	struct servers *servers = argument;

	(void)fd;
	for (size_t i = 0; i < servers->count; i++)
		if (strcmp(servers->addresses[i], address) == 0)
			return;
	if (servers->count < SERVERS_MAX)
		memcpy(servers->addresses[servers->count++], address, ADDRESS_SIZE);
}

static void end_connection(int fd, const char *address, void *argument)
{
	if (strcmp(address, argument) == 0)
		(void)shutdown(fd, SHUT_RDWR);
}

/* ---- the small question */

/* Says nothing secret, so that it need not know who answers: the address may be in no certificate.
 */
static mongoc_uri_t *question_uri(const mongoc_uri_t *uri, const char *address, int32_t bound)
{
	static const char *const files[] = {
		MONGOC_URI_TLSCERTIFICATEKEYFILE, MONGOC_URI_TLSCERTIFICATEKEYFILEPASSWORD};
	static const char *const bounds[] = {MONGOC_URI_SERVERSELECTIONTIMEOUTMS,
		MONGOC_URI_CONNECTTIMEOUTMS, MONGOC_URI_SOCKETTIMEOUTMS};
	char text[ADDRESS_SIZE + 16];

	(void)snprintf(text, sizeof text, "mongodb://%s/", address);
	mongoc_uri_t *question = mongoc_uri_new_with_error(text, NULL);
	if (question == NULL)
		return NULL;
	(void)mongoc_uri_set_option_as_bool(question, MONGOC_URI_DIRECTCONNECTION, true);
	for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++)
		(void)mongoc_uri_set_option_as_int32(question, bounds[i], bound);
	if (!mongoc_uri_get_tls(uri))
		return question;
	(void)mongoc_uri_set_option_as_bool(question, MONGOC_URI_TLS, true);
	(void)mongoc_uri_set_option_as_bool(question, MONGOC_URI_TLSINSECURE, true);
	for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
		const char *value = mongoc_uri_get_option_as_utf8(uri, files[i], NULL);
		if (value != NULL)
			(void)mongoc_uri_set_option_as_utf8(question, files[i], value);
	}
	return question;
}

static bool server_answers(const mongoc_uri_t *uri, const char *address, int32_t bound)
{
	bson_t hello = BSON_INITIALIZER, reply;
	mongoc_uri_t *question = question_uri(uri, address, bound);
	mongoc_client_t *client = question == NULL ? NULL : mongoc_client_new_from_uri(question);
	bool answered = false;

	if (client != NULL) {
		(void)BSON_APPEND_INT32(&hello, "hello", 1);
		answered =
			mongoc_client_command_simple(client, "admin", &hello, NULL, &reply, NULL);
		bson_destroy(&reply);
		mongoc_client_destroy(client);
	}
	bson_destroy(&hello);
	mongoc_uri_destroy(question);
	return answered;
}

/* ---- the thread */

/* True until the connection ends; false at once then. */
static bool pause_for(struct watch *watch, int64_t milliseconds)
{
	const struct timespec until = clock_deadline(milliseconds);

	(void)pthread_mutex_lock(&watch->lock);
	while (!watch->ending && pthread_cond_timedwait(&watch->ended, &watch->lock, &until) == 0)
		;
	bool goes_on = !watch->ending;
	(void)pthread_mutex_unlock(&watch->lock);
	return goes_on;
}

/* Ends what is connected with servers that do not answer. */
static void look(struct watch *watch, int64_t asked)
{
	mongoc_uri_t *uri = mongoc_uri_new_with_error(watch->uri, NULL);
	struct servers servers = {.count = 0};

	if (uri == NULL)
		return;
	each_connection(uri, note_server, &servers);
	for (size_t i = 0; i < servers.count && atomic_load(&watch->asked) == asked; i++) {
		bool answers = false;
		for (int round = 0; round < ROUNDS && !answers; round++)
			answers = server_answers(uri, servers.addresses[i], watch->bound) ||
				  !pause_for(watch, watch->bound / 4);
		if (!answers && atomic_load(&watch->asked) == asked)
			each_connection(uri, end_connection, servers.addresses[i]);
	}
	mongoc_uri_destroy(uri);
}

static void *watch_on(void *argument)
{
	struct watch *watch = argument;

	while (pause_for(watch, watch->bound)) {
		int64_t asked = atomic_load(&watch->asked);
		if (asked != 0 && clock_boottime() - asked >= 2 * (int64_t)watch->bound)
			look(watch, asked);
	}
	return NULL;
}

int driver_watch(const char *uri, int32_t bound, struct watch **ret_watch, struct err *err)
{
	struct watch *watch = calloc(1, sizeof *watch);

	if (watch == NULL)
		return err_no_memory(err);
	watch->bound = bound;
	watch->uri = strdup(uri);
	int result = watch->uri == NULL ? err_no_memory(err) : thread_condition(&watch->ended, err);
	if (result == 0) {
		(void)pthread_mutex_init(&watch->lock, NULL);
		result = thread_start(&watch->thread, watch_on, watch, err);
		if (result != 0) {
			(void)pthread_cond_destroy(&watch->ended);
			(void)pthread_mutex_destroy(&watch->lock);
		}
	}
	if (result != 0) {
		free(watch->uri);
		free(watch);
		return result;
	}
	*ret_watch = watch;
	return 0;
}

void driver_watch_end(struct watch *watch)
{
	if (watch == NULL)
		return;
	(void)pthread_mutex_lock(&watch->lock);
	watch->ending = true;
	(void)pthread_cond_signal(&watch->ended);
	(void)pthread_mutex_unlock(&watch->lock);
	(void)pthread_join(watch->thread, NULL);
	(void)pthread_cond_destroy(&watch->ended);
	(void)pthread_mutex_destroy(&watch->lock);
	free(watch->uri);
	free(watch);
}

void driver_asks(const struct mongo *mongo)
{
	if (mongo->watch != NULL)
		atomic_store_explicit(&mongo->watch->asked, clock_boottime(), memory_order_relaxed);
}

void driver_answered(const struct mongo *mongo)
{
	if (mongo->watch != NULL)
		atomic_store_explicit(&mongo->watch->asked, 0, memory_order_relaxed);
}
