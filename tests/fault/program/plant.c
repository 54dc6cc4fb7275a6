#include "tests/fault/program/plant.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/err.h"

enum { RULES_MAX = 8, PART_MAX = 128 };

static const char *const NAMES[CALL_COUNT] = {
	[CALL_WRITE] = "write",
	[CALL_SYNC] = "sync",
	[CALL_RENAME] = "rename",
	[CALL_OPEN] = "open",
	[CALL_LOOK] = "look",
	[CALL_READ] = "read",
	[CALL_TRUNCATE] = "truncate",
	[CALL_MKDIR] = "mkdir",
	[CALL_UNLINK] = "unlink",
	[CALL_MODE] = "mode",
	[CALL_CLOSE] = "close",
	[CALL_LOCK] = "lock",
	[CALL_FORK] = "fork",
	[CALL_THREAD] = "thread",
	[CALL_MEMORY] = "memory",
	[CALL_CONNECT] = "connect",
	[CALL_SEND] = "send",
	[CALL_RECEIVE] = "receive",
	[CALL_CLOCK] = "clock",
};

static const struct {
	const char *name;
	int errnum;
} ERRNOS[] = {
	{"EIO", EIO},
	{"ENOSPC", ENOSPC},
	{"EDQUOT", EDQUOT},
	{"EROFS", EROFS},
	{"EACCES", EACCES},
	{"EMFILE", EMFILE},
	{"ENOMEM", ENOMEM},
	{"EAGAIN", EAGAIN},
	{"EINTR", EINTR},
	{"ENOLCK", ENOLCK},
	{"ECONNRESET", ECONNRESET},
	{"ECONNREFUSED", ECONNREFUSED},
	{"EPIPE", EPIPE},
	{"ETIMEDOUT", ETIMEDOUT},
};

static const struct {
	const char *name;
	enum action action; /* ACTION_NONE: SIGKILL before the call */
	bool power;
} ACTIONS[] = {
	{"short", ACTION_SHORT, false},
	{"zero", ACTION_ZERO, false},
	{"lose", ACTION_LOSE, false},
	{"torn", ACTION_TORN, false},
	{"kill", ACTION_NONE, false},
	{"kill-after", ACTION_KILL_AFTER, false},
	{"kill-answered", ACTION_KILL_ANSWERED, false},
	{"power", ACTION_NONE, true},
	{"power-after", ACTION_KILL_AFTER, true},
	{"power-answered", ACTION_KILL_ANSWERED, true},
};

struct rule {
	enum call call;
	char part[PART_MAX];
	unsigned long nth;
	bool on; /* and every later one */
	bool kills, jumps;
	long long jump;
	struct fault fault;
	char text[PART_MAX];
};

/* Shared with every process that the program starts. */
struct counters {
	atomic_ulong calls[RULES_MAX];
	atomic_llong offset;
};

static struct rule rules[RULES_MAX];
static size_t rule_count;
static struct counters *counters;
static bool watched[CALL_COUNT], traced[CALL_COUNT];
static const char *trace_path; /* NULL: nothing is traced */
/* A process whose system calls are a closed list: nothing but the count is done there. */
static bool is_confined;

static void __attribute__((noreturn)) give_up(const char *what, const char *text)
{
	(void)dprintf(STDERR_FILENO, "fault: %s: %s\n", what, text);
	_exit(99);
}

/* ---- what the environment says */

static enum call call_by_name(const char *name)
{
	for (int i = 0; i < CALL_COUNT; i++)
		if (strcmp(NAMES[i], name) == 0)
			return (enum call)i;
	give_up("no such kind", name);
}

static void read_action(struct rule *rule, const char *name)
{
	if (sscanf(name, "jump:%lld", &rule->jump) == 1) {
		rule->jumps = true;
		return;
	}
	for (size_t i = 0; i < sizeof ERRNOS / sizeof *ERRNOS; i++)
		if (strcmp(ERRNOS[i].name, name) == 0) {
			rule->fault = (struct fault){ACTION_FAIL, ERRNOS[i].errnum, false};
			return;
		}
	for (size_t i = 0; i < sizeof ACTIONS / sizeof *ACTIONS; i++)
		if (strcmp(ACTIONS[i].name, name) == 0) {
			rule->kills = ACTIONS[i].action == ACTION_NONE;
			rule->fault = (struct fault){ACTIONS[i].action, 0, ACTIONS[i].power};
			return;
		}
	give_up("no such action", name);
}

static void read_rule(const char *text)
{
	struct rule *rule = &rules[rule_count];
	char kind[PART_MAX] = "", nth[32] = "", action[32] = "";

	if (rule_count == RULES_MAX || strlen(text) >= PART_MAX)
		give_up("too much", text);
	if (sscanf(text, "%127s %31s %31s", kind, nth, action) != 3)
		give_up("not KIND N ACTION", text);
	(void)snprintf(rule->text, sizeof rule->text, "%s", text);
	char *part = strchr(kind, '@');
	if (part != NULL) {
		*part++ = '\0';
		(void)snprintf(rule->part, sizeof rule->part, "%s", part);
		/* A blank cannot be written into a rule. */
		for (char *c = rule->part; *c != '\0'; c++)
			if (*c == '%')
				*c = ' ';
	}
	rule->call = call_by_name(kind);
	rule->nth = strtoul(nth, NULL, 10);
	rule->on = strchr(nth, '+') != NULL;
	read_action(rule, action);
	watched[rule->call] = true;
	/* What is on the disk has to be followed from the beginning. */
	if (rule->fault.power || rule->fault.action == ACTION_LOSE)
		watched[CALL_WRITE] = watched[CALL_SYNC] = true;
	rule_count++;
}

static void for_each(const char *list, char separator, void (*take)(const char *item))
{
	char item[PART_MAX * 2];

	while (list != NULL && *list != '\0') {
		const char *end = strchr(list, separator);
		size_t size = end == NULL ? strlen(list) : (size_t)(end - list);
		if (size >= sizeof item)
			give_up("too long", list);
		memcpy(item, list, size);
		item[size] = '\0';
		if (size > 0)
			take(item);
		list = end == NULL ? NULL : end + 1;
	}
}

static void trace_kind(const char *name)
{
	traced[call_by_name(name)] = true;
}

static void begin_trace(const char *path)
{
	const char *kinds = getenv("OFFKIT_FAULT_KINDS");

	trace_path = path;
	for_each(kinds != NULL ? kinds
			       : "write,sync,rename,open,look,truncate,mkdir,unlink,mode,lock,fork,"
				 "thread,connect,send",
		',', trace_kind);
	for (int i = 0; i < CALL_COUNT; i++)
		watched[i] = watched[i] || traced[i];
}

static void __attribute__((constructor)) plant(void)
{
	const char *faults = getenv("OFFKIT_FAULT"), *trace = getenv("OFFKIT_FAULT_TRACE");

	counters = mmap(
		NULL, sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (counters == MAP_FAILED)
		give_up("mmap", strerror(errno));
	if (trace != NULL)
		begin_trace(trace);
	for_each(faults, ';', read_rule);
}

int __real_confine_calls(struct err *err);
int __wrap_confine_calls(struct err *err);
int __wrap_confine_calls(struct err *err)
{
	is_confined = true;
	return __real_confine_calls(err);
}

/* ---- what happens */

static void say(const char *text, size_t size)
{
	if (trace_path == NULL || is_confined)
		return;
	/* Opened each time: a process of the program's may close what it was not given. */
	int fd = (int)syscall(
		SYS_openat, AT_FDCWD, trace_path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	(void)syscall(SYS_write, fd, text, size);
	(void)syscall(SYS_close, fd);
}

void plant_trace(enum call call, const char *object, long result)
{
	char line[OBJECT_MAX + 96];

	if (!traced[call] || is_confined)
		return;
	int errnum = errno;
	int size = snprintf(line, sizeof line, "%ld %s %s %ld\n", (long)syscall(SYS_gettid),
		NAMES[call], *object == '\0' ? "-" : object, result);
	say(line, (size_t)size);
	errno = errnum;
}

void plant_kill(bool power)
{
	if (power)
		disk_power_cut();
	(void)syscall(SYS_kill, syscall(SYS_getpid), SIGKILL);
	for (;;)
		(void)syscall(SYS_pause);
}

void plant_after(struct fault fault)
{
	if (fault.action == ACTION_KILL_AFTER)
		plant_kill(fault.power);
}

bool plant_is_confined(void)
{
	return is_confined;
}

bool plant_watches(enum call call)
{
	return watched[call];
}

static struct fault strike(const struct rule *rule)
{
	char line[PART_MAX + 64];

	/* Which process it is cannot be asked where calls are a closed list. */
	int size = snprintf(line, sizeof line, "%ld struck %s\n",
		is_confined ? 0 : (long)syscall(SYS_gettid), rule->text);
	say(line, (size_t)size);
	if (rule->jumps)
		atomic_store(&counters->offset, rule->jump);
	if (rule->kills)
		plant_kill(rule->fault.power);
	return rule->fault;
}

struct fault plant_meet(enum call call, const char *object)
{
	struct fault fault = {ACTION_NONE, 0, false};

	for (size_t i = 0; i < rule_count; i++) {
		const struct rule *rule = &rules[i];
		if (rule->call != call ||
			(*rule->part != '\0' && strstr(object, rule->part) == NULL))
			continue;
		unsigned long now = atomic_fetch_add(&counters->calls[i], 1) + 1;
		if (now == rule->nth || (rule->on && now > rule->nth))
			fault = strike(rule);
	}
	return fault;
}

long long plant_clock_offset(void)
{
	return counters == NULL ? 0 : atomic_load(&counters->offset);
}

void object_of_descriptor(int fd, char object[static OBJECT_MAX])
{
	char link[40];

	object[0] = '\0';
	if (is_confined)
		return;
	int errnum = errno;
	(void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
	ssize_t size = readlink(link, object, OBJECT_MAX - 1);
	object[size < 0 ? 0 : size] = '\0';
	errno = errnum;
}

void object_of_name(int dirfd, const char *name, char object[static OBJECT_MAX])
{
	char folder[OBJECT_MAX] = "";

	if (dirfd >= 0 && *name != '/')
		object_of_descriptor(dirfd, folder);
	(void)snprintf(
		object, OBJECT_MAX, "%.250s%s%.250s", folder, *folder == '\0' ? "" : "/", name);
}
