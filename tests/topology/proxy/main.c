/*
 * topology_proxy --server URI --scenario FILE [--uri FILE] [--log FILE] [--while PID] [--port N]
 *
 * A fake of a topology in front of a real server: see README.md. Listens on 127.0.0.1, prints its
 * URI (and writes it to --uri FILE) when it answers, and ends at SIGTERM or when PID is gone.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "tests/topology/proxy/proxy.h"

enum { TICK_MS = 20, BACKLOG = 64, STACK = 512 * 1024 };

static volatile sig_atomic_t asked_to_end;

static void on_signal(int number)
{
	(void)number;
	asked_to_end = 1;
}

/* ---- clients */

static bool keep_client(struct proxy *proxy, int fd, size_t *ret_slot)
{
	bool kept = false;

	(void)pthread_mutex_lock(&proxy->lock);
	for (size_t i = 0; i < CLIENTS_MAX && !kept; i++)
		if (proxy->clients[i] < 0) {
			proxy->clients[i] = fd;
			*ret_slot = i;
			kept = true;
		}
	(void)pthread_mutex_unlock(&proxy->lock);
	return kept;
}

struct job {
	struct client client;
	size_t slot;
};

static void *run_client(void *argument)
{
	struct job *job = argument;
	struct proxy *proxy = job->client.proxy;

	client_serve(&job->client);
	(void)pthread_mutex_lock(&proxy->lock);
	proxy->clients[job->slot] = -1;
	(void)pthread_mutex_unlock(&proxy->lock);
	(void)close(job->client.fd);
	free(job);
	return NULL;
}

static void begin_client(struct proxy *proxy, size_t member, int fd)
{
	struct job *job = calloc(1, sizeof *job);
	pthread_attr_t attributes;
	pthread_t thread;
	size_t slot = 0;

	if (job == NULL || !keep_client(proxy, fd, &slot)) {
		free(job);
		(void)close(fd);
		return;
	}
	*job = (struct job){{.proxy = proxy, .member = member, .fd = fd, .server = -1}, slot};
	(void)pthread_attr_init(&attributes);
	(void)pthread_attr_setstacksize(&attributes, STACK);
	(void)pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attributes, run_client, job) != 0) {
		(void)pthread_mutex_lock(&proxy->lock);
		proxy->clients[slot] = -1;
		(void)pthread_mutex_unlock(&proxy->lock);
		(void)close(fd);
		free(job);
	}
	(void)pthread_attr_destroy(&attributes);
}

static void drop_clients(struct proxy *proxy)
{
	(void)pthread_mutex_lock(&proxy->lock);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (proxy->clients[i] >= 0)
			(void)shutdown(proxy->clients[i], SHUT_RDWR);
	(void)pthread_mutex_unlock(&proxy->lock);
}

/* ---- listening */

static int listen_on(int port, int *ret_port)
{
	struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof address;
	int yes = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) != 0 ||
		bind(fd, (struct sockaddr *)&address, sizeof address) != 0 ||
		listen(fd, BACKLOG) != 0 ||
		getsockname(fd, (struct sockaddr *)&address, &size) != 0)
		return -1;
	*ret_port = ntohs(address.sin_port);
	return fd;
}

static void serve_all(struct proxy *proxy, struct pollfd *listeners, pid_t parent)
{
	const char *down = proxy->scenario.down_file;

	while (!asked_to_end && (parent == 0 || kill(parent, 0) == 0)) {
		bool is_down = down != NULL && access(down, F_OK) == 0;
		if (is_down)
			drop_clients(proxy);
		if (poll(listeners, proxy->scenario.members, TICK_MS) <= 0)
			continue;
		for (size_t i = 0; i < proxy->scenario.members; i++) {
			if ((listeners[i].revents & POLLIN) == 0)
				continue;
			int fd = accept4(listeners[i].fd, NULL, NULL, SOCK_CLOEXEC);
			if (fd >= 0 && is_down)
				(void)close(fd);
			else if (fd >= 0)
				begin_client(proxy, i, fd);
		}
	}
}

/* ---- starting */

/* "mongodb://user:pass@host:port/?options" or "host:port" */
static void split_server(struct proxy *proxy, char *uri)
{
	char *host = strstr(uri, "://") != NULL ? strstr(uri, "://") + 3 : uri;

	host[strcspn(host, "/,")] = '\0';
	if (strrchr(host, '@') != NULL)
		host = strrchr(host, '@') + 1;
	char *colon = strrchr(host, ':');
	proxy->server_host = host;
	proxy->server_port = "27017";
	if (colon != NULL) {
		*colon = '\0';
		proxy->server_port = colon + 1;
	}
}

static int prepare(struct proxy *proxy)
{
	struct client client = {.proxy = proxy, .server = -1};
	CLEANUP_STR struct str reply = STR_INIT;

	if (connect_server(&client) != 0)
		return -1;
	int rc = proxy->scenario.keeps_state
			 ? 0
			 : ask_server_text(&client, &reply, "{\"dropDatabase\":1,\"$db\":\"%s\"}",
				   proxy->state);
	if (rc == 0 && proxy->scenario.topology == PLAYS_SHARDED)
		shards_begin(&client);
	if (rc == 0 && proxy->scenario.has_oplog)
		oplog_begin(&client);
	(void)close(client.server);
	return rc;
}

static void write_uri(const struct proxy *proxy, FILE *file)
{
	(void)fputs("mongodb://", file);
	for (size_t i = 0; i < proxy->scenario.members; i++)
		(void)fprintf(file, "%s127.0.0.1:%d", i > 0 ? "," : "", proxy->ports[i]);
	(void)fputs("/", file);
	if (proxy->scenario.topology == PLAYS_REPLICA_SET)
		(void)fprintf(file, "?replicaSet=%s", proxy->scenario.set);
	(void)fputs("\n", file);
	(void)fflush(file);
}

static int tell_uri(const struct proxy *proxy, const char *path)
{
	CLEANUP_STR struct str temporary = STR_INIT;

	write_uri(proxy, stdout);
	if (path == NULL)
		return 0;
	str_append_format(&temporary, "%s.new", path);
	FILE *file = fopen(str_text(&temporary), "we");
	if (file == NULL)
		return -1;
	write_uri(proxy, file);
	(void)fclose(file);
	return rename(str_text(&temporary), path);
}

struct arguments {
	char *server;
	const char *scenario, *uri, *log;
	pid_t parent;
	int port;
};

static bool read_arguments(char **argv, struct arguments *arguments)
{
	for (char **at = argv + 1; *at != NULL; at += 2) {
		if (at[1] == NULL)
			return false;
		if (strcmp(*at, "--server") == 0)
			arguments->server = at[1];
		else if (strcmp(*at, "--scenario") == 0)
			arguments->scenario = at[1];
		else if (strcmp(*at, "--uri") == 0)
			arguments->uri = at[1];
		else if (strcmp(*at, "--log") == 0)
			arguments->log = at[1];
		else if (strcmp(*at, "--while") == 0)
			arguments->parent = (pid_t)atol(at[1]);
		else if (strcmp(*at, "--port") == 0)
			arguments->port = (int)atol(at[1]);
		else
			return false;
	}
	return arguments->server != NULL && arguments->scenario != NULL;
}

static int begin(struct proxy *proxy, const struct arguments *arguments, struct pollfd *listeners)
{
	struct err err;

	if (scenario_load(arguments->scenario, &proxy->scenario, &err) != 0) {
		(void)fprintf(stderr, "topology_proxy: %s\n", err.message);
		return -1;
	}
	split_server(proxy, arguments->server);
	for (size_t i = 0; i < proxy->scenario.members; i++) {
		int port = arguments->port == 0 ? 0 : arguments->port + (int)i;
		listeners[i] =
			(struct pollfd){.fd = listen_on(port, &proxy->ports[i]), .events = POLLIN};
		if (listeners[i].fd < 0)
			return -1;
	}
	(void)snprintf(proxy->state, sizeof proxy->state, "topology_%d", proxy->ports[0]);
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		proxy->clients[i] = -1;
	if (arguments->log != NULL && (proxy->log = fopen(arguments->log, "we")) == NULL)
		return -1;
	return prepare(proxy);
}

int main(int argc, char **argv)
{
	static struct proxy proxy = {.lock = PTHREAD_MUTEX_INITIALIZER, .term = 1};
	struct pollfd listeners[MEMBERS_MAX];
	struct arguments arguments = {0};
	const struct sigaction action = {.sa_handler = on_signal};

	if (argc < 2 || !read_arguments(argv, &arguments)) {
		(void)fputs("usage: topology_proxy --server URI --scenario FILE [--uri FILE] "
			    "[--log FILE] [--while PID] [--port N]\n",
			stderr);
		return 2;
	}
	(void)sigaction(SIGTERM, &action, NULL);
	(void)sigaction(SIGINT, &action, NULL);
	if (begin(&proxy, &arguments, listeners) != 0 || tell_uri(&proxy, arguments.uri) != 0) {
		(void)fprintf(stderr, "topology_proxy: could not start: %s\n", strerror(errno));
		return 1;
	}
	serve_all(&proxy, listeners, arguments.parent);
	return 0;
}
