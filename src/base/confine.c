#include "base/confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

/* The same numbers everywhere, and younger than the headers of old distributions. */
enum {
	CALL_CLOSE_RANGE = 436,
	CALL_LANDLOCK_CREATE_RULESET = 444,
	CALL_LANDLOCK_RESTRICT_SELF = 446,
	LANDLOCK_VERSION_FLAG = 1,
};

/* struct landlock_ruleset_attr as of ABI 6; the kernel takes beginnings of it. */
struct ruleset {
	uint64_t files, net, scoped;
};

/* What each ABI of Landlock can take away. */
static const struct {
	int abi;
	struct ruleset rights;
} landlock_rights[] = {
	{1, {0x1FFF, 0, 0}}, /* run, write, read, list, remove, make */
	{2, {0x2000, 0, 0}}, /* link or rename across folders */
	{3, {0x4000, 0, 0}}, /* truncate */
	{4, {0, 0x3, 0}},    /* bind, connect */
	{5, {0x8000, 0, 0}}, /* ioctl of devices */
	{6, {0, 0, 0x3}},    /* abstract sockets, signals */
};

static int landlock_abi(void)
{
	long abi = syscall(CALL_LANDLOCK_CREATE_RULESET, NULL, 0, LANDLOCK_VERSION_FLAG);

	return abi > 0 ? (int)abi : 0;
}

/* The kernel looks for the filter only after it has found the mode: EFAULT is a yes. */
static bool has_seccomp(void)
{
	return prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NULL, 0, 0) != 0 && errno == EFAULT;
}

static int failed(struct err *err, const char *what)
{
	return err_set_errno(
		err, errno == ENOMEM ? ERR_NO_MEMORY : ERR_INTERNAL, errno, "%s", what);
}

static void close_span(unsigned first, unsigned last)
{
	struct rlimit limit;

	if (first > last || syscall(CALL_CLOSE_RANGE, first, last, 0) == 0)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur > 1 << 20)
		limit.rlim_cur = 1 << 20;
	for (unsigned fd = first; fd <= last && fd < limit.rlim_cur; fd++)
		(void)close((int)fd);
}

void confine_descriptors(const int *keep, size_t keep_count)
{
	unsigned first = 0;

	for (;;) {
		unsigned next = UINT32_MAX;
		for (size_t i = 0; i < keep_count; i++)
			if (keep[i] >= 0 && (unsigned)keep[i] >= first && (unsigned)keep[i] < next)
				next = (unsigned)keep[i];
		if (next == UINT32_MAX)
			break;
		if (next > first)
			close_span(first, next - 1);
		first = next + 1;
	}
	close_span(first, UINT32_MAX - 1);
}

size_t confine_mapped(void)
{
	char text[32] = "";
	unsigned long pages = 0;
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	ssize_t got = read(fd, text, sizeof text - 1);
	(void)close(fd);
	for (ssize_t i = 0; i < got && text[i] >= '0' && text[i] <= '9'; i++)
		pages = pages * 10 + (unsigned long)(text[i] - '0');
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Never more than there was: that would be refused. */
static bool limit(int resource, rlim_t most)
{
	struct rlimit now;

	if (getrlimit(resource, &now) == 0 && now.rlim_max < most)
		most = now.rlim_max;
	return setrlimit(resource, &(struct rlimit){most, most}) == 0;
}

int confine_limits(size_t memory, struct err *err)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return failed(err, "no new privileges");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
		(!CONFINE_SANITIZER && memory != CONFINE_NO_BOUND && !limit(RLIMIT_AS, memory)) ||
		!limit(RLIMIT_NOFILE, 0) || !limit(RLIMIT_FSIZE, 0) || !limit(RLIMIT_NPROC, 0) ||
		!limit(RLIMIT_CORE, 0))
		return failed(err, "limits of a process");
	if (syscall(SYS_capset, &header, none) != 0)
		return failed(err, "giving up capabilities");
	return 0;
}

/* Of the rights over files: all but to run, read and list. */
static const uint64_t reading = 0x1 | 0x4 | 0x8;

/* Takes all rights but these away. */
static int restrict_paths(uint64_t but, struct err *err)
{
	struct ruleset all = {0};
	int abi = landlock_abi();
	size_t size = abi >= 6 ? sizeof all : abi >= 4 ? 2 * sizeof all.files : sizeof all.files;

	if (abi == 0)
		return 0;
	for (size_t i = 0; i < sizeof landlock_rights / sizeof landlock_rights[0]; i++) {
		if (landlock_rights[i].abi > abi)
			continue;
		all.files |= landlock_rights[i].rights.files;
		all.net |= landlock_rights[i].rights.net;
		all.scoped |= landlock_rights[i].rights.scoped;
	}
	all.files &= ~but;
	int ruleset = (int)syscall(CALL_LANDLOCK_CREATE_RULESET, &all, size, 0);
	if (ruleset < 0)
		return failed(err, "Landlock");
	long rc = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (rc == 0)
		rc = syscall(CALL_LANDLOCK_RESTRICT_SELF, ruleset, 0);
	if (rc != 0)
		(void)failed(err, "Landlock");
	(void)close(ruleset);
	return rc == 0 ? 0 : -(int)err->code;
}

int confine_paths(struct err *err)
{
	return restrict_paths(0, err);
}

int confine_to_reading(struct err *err)
{
	return restrict_paths(reading, err);
}

/* ---- the closed list of system calls */

/* Reading, writing and waiting on what is open; memory; the end. */
static const unsigned allowed[] = {
	SYS_read,
	SYS_write,
	SYS_pread64,
	SYS_readv,
	SYS_writev,
	SYS_lseek,
	SYS_sendto,
	SYS_recvfrom,
	SYS_futex,
	SYS_brk,
	SYS_munmap,
	SYS_mremap,
	SYS_madvise,
	SYS_clock_gettime,
	SYS_rt_sigreturn,
	SYS_restart_syscall,
	SYS_exit,
	SYS_exit_group,
};

/* What a sanitizer's runtime needs to work and to complain. */
static const unsigned allowed_to_sanitizers[] = {
	SYS_getpid,
	SYS_gettid,
	SYS_sched_yield,
	SYS_sigaltstack,
	SYS_rt_sigaction,
	SYS_rt_sigprocmask,
};

/* Mapping is allowed, but never code. */
static const unsigned allowed_without_code[] = {SYS_mmap, SYS_mprotect};

#if defined(__x86_64__)
enum { ARCHITECTURE_BITS = 1 };
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

enum {
	FILTER_MAX = 8 + 2 * (sizeof allowed + sizeof allowed_to_sanitizers) / sizeof(unsigned) +
		     5 * sizeof allowed_without_code / sizeof(unsigned),
};

struct filter {
	struct sock_filter ops[FILTER_MAX];
	unsigned short count;
};

static void add(struct filter *filter, struct sock_filter op)
{
	filter->ops[filter->count++] = op;
}

static void load(struct filter *filter, size_t offset)
{
	add(filter, (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offset));
}

static void answer(struct filter *filter, uint32_t action)
{
	add(filter, (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, action));
}

static void allow(struct filter *filter, const unsigned *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		add(filter,
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 1));
		answer(filter, SECCOMP_RET_ALLOW);
	}
}

/* The protection is the third argument of both; its low half comes first on these machines. */
static void allow_without_code(struct filter *filter, const unsigned *calls, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		add(filter,
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, calls[i], 0, 4));
		load(filter, offsetof(struct seccomp_data, args[2]));
		add(filter,
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, PROT_EXEC, 0, 1));
		answer(filter, SECCOMP_RET_KILL_PROCESS);
		answer(filter, SECCOMP_RET_ALLOW);
	}
}

#define COUNT(array) (sizeof(array) / sizeof(array)[0])

/*
 * x32's calls have another bit in their number and so stand on no list. A kernel too old for
 * KILL_PROCESS reads it as KILL, which for a process of one thread is the same.
 */
static void build(struct filter *filter, uint32_t architecture)
{
	load(filter, offsetof(struct seccomp_data, arch));
	add(filter, (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, architecture, 1, 0));
	answer(filter, SECCOMP_RET_KILL_PROCESS);
	load(filter, offsetof(struct seccomp_data, nr));
	allow(filter, allowed, COUNT(allowed));
	if (CONFINE_SANITIZER)
		allow(filter, allowed_to_sanitizers, COUNT(allowed_to_sanitizers));
	allow_without_code(filter, allowed_without_code, COUNT(allowed_without_code));
	answer(filter, SECCOMP_RET_KILL_PROCESS);
}

#ifdef ARCHITECTURE
int confine_calls(struct err *err)
{
	struct filter filter = {.count = 0};
	struct sock_fprog program = {.filter = filter.ops};

	if (!has_seccomp())
		return 0;
	build(&filter, ARCHITECTURE);
	program.len = filter.count;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
		prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
		return failed(err, "seccomp");
	return 0;
}
#else
int confine_calls(struct err *err)
{
	(void)err;
	return 0;
}
#endif

void confine_rights(struct confine_rights *ret_rights)
{
#ifdef ARCHITECTURE
	ret_rights->seccomp = has_seccomp();
#else
	ret_rights->seccomp = false;
#endif
	ret_rights->landlock = landlock_abi();
}
