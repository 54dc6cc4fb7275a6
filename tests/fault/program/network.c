/* Calls that reach the database. Sockets of the program with itself are left alone. */
#include <errno.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/fault/program/plant.h"

int __real_connect(int fd, const struct sockaddr *address, socklen_t size);
int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size);
ssize_t __real_send(int fd, const void *data, size_t size, int flags);
ssize_t __wrap_send(int fd, const void *data, size_t size, int flags);
ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags);
ssize_t __real_recv(int fd, void *data, size_t size, int flags);
ssize_t __wrap_recv(int fd, void *data, size_t size, int flags);

static bool is_network(int fd)
{
	int domain = 0, errnum = errno;
	socklen_t size = sizeof domain;

	if (plant_is_confined())
		return false;
	(void)getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size);
	errno = errnum;
	return domain == AF_INET || domain == AF_INET6;
}

int __wrap_connect(int fd, const struct sockaddr *address, socklen_t size)
{
	if (!plant_watches(CALL_CONNECT) || !is_network(fd))
		return __real_connect(fd, address, size);
	struct fault fault = plant_meet(CALL_CONNECT, "");
	int result = -1;
	if (fault.action == ACTION_FAIL)
		errno = fault.errnum;
	else
		result = __real_connect(fd, address, size);
	plant_trace(CALL_CONNECT, "", result);
	plant_after(fault);
	return result;
}

/*
 * The command in the first octets of a message (OP_MSG: a header of 16, flags of 4, a section of
 * kind 0): its name, and its value when that is a string. The rest of a message, and what is
 * encrypted, is "".
 */
static void object_of_message(const uint8_t *data, size_t size, char object[static OBJECT_MAX])
{
	enum { BODY = 21, FIRST = BODY + 4, OP_MSG = 2013, STRING = 2 };
	uint32_t opcode = 0;

	object[0] = '\0';
	if (size < FIRST + 8)
		return;
	memcpy(&opcode, data + 12, sizeof opcode);
	if (opcode != OP_MSG || data[BODY - 1] != 0)
		return;
	const char *name = (const char *)data + FIRST + 1;
	size_t length = strnlen(name, size - FIRST - 1);
	size_t value = FIRST + 1 + length + 1 + 4;
	if (length == 0 || length > 64 || value >= size)
		return;
	const char *text = data[FIRST] == STRING ? (const char *)data + value : "";
	(void)snprintf(object, OBJECT_MAX, "%s%s%.*s", name, *text == '\0' ? "" : " ",
		(int)strnlen(text, size - value), text);
}

static void await_answer(int fd)
{
	struct pollfd ready = {.fd = fd, .events = POLLIN};

	while (poll(&ready, 1, -1) < 0 && errno == EINTR)
		continue;
}

static bool is_shut(struct fault fault, int fd)
{
	if (fault.action != ACTION_FAIL)
		return false;
	/* The connection is gone for both. */
	(void)shutdown(fd, SHUT_RDWR);
	errno = fault.errnum;
	return true;
}

static void sent(struct fault fault, int fd)
{
	if (fault.action == ACTION_KILL_ANSWERED) {
		await_answer(fd);
		plant_kill(fault.power);
	}
	plant_after(fault);
}

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	uint8_t head[512];
	char object[OBJECT_MAX];
	size_t size = 0;

	if (!plant_watches(CALL_SEND) || !is_network(fd))
		return __real_sendmsg(fd, message, flags);
	for (size_t i = 0; i < (size_t)message->msg_iovlen && size < sizeof head; i++) {
		const struct iovec *part = &message->msg_iov[i];
		size_t taken =
			part->iov_len < sizeof head - size ? part->iov_len : sizeof head - size;
		memcpy(head + size, part->iov_base, taken);
		size += taken;
	}
	object_of_message(head, size, object);
	plant_trace(CALL_SEND, object, 0);
	struct fault fault = plant_meet(CALL_SEND, object);
	if (is_shut(fault, fd))
		return -1;
	ssize_t result = __real_sendmsg(fd, message, flags);
	sent(fault, fd);
	return result;
}

ssize_t __wrap_send(int fd, const void *data, size_t size, int flags)
{
	struct iovec part = {(void *)(uintptr_t)data, size};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};

	if (!plant_watches(CALL_SEND) || !is_network(fd))
		return __real_send(fd, data, size, flags);
	return __wrap_sendmsg(fd, &message, flags);
}

ssize_t __wrap_recv(int fd, void *data, size_t size, int flags)
{
	if (!plant_watches(CALL_RECEIVE) || !is_network(fd))
		return __real_recv(fd, data, size, flags);
	struct fault fault = plant_meet(CALL_RECEIVE, "");
	if (fault.action == ACTION_ZERO) {
		(void)shutdown(fd, SHUT_RDWR);
		return 0;
	}
	ssize_t result = is_shut(fault, fd) ? -1 : __real_recv(fd, data, size, flags);
	plant_trace(CALL_RECEIVE, "", (long)result);
	plant_after(fault);
	return result;
}
