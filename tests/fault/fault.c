#include "tests/fault/fault.h"

#include <dirent.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Calls until the fault; 0: none is set. Shared with the processes that the work starts. */
static atomic_size_t *left;

bool fault_strikes(void)
{
	size_t now = left != NULL ? atomic_load(left) : 0;

	while (now > 0)
		if (atomic_compare_exchange_weak(left, &now, now - 1))
			return now == 1;
	return false;
}

static size_t open_descriptors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	if (dir == NULL)
		return 0;
	while (readdir(dir) != NULL)
		count++;
	(void)closedir(dir);
	return count;
}

/* NULL or what is wrong with one run. */
static const char *judge(
	const struct fault_case *test, int status, const struct err *err, bool came)
{
	static char wrong[ERR_MESSAGE_MAX + 128];

	if (status > 0)
		return "it returned a positive number";
	if (status < 0 && err->code != (enum err_code) - status)
		return "what it returned is not what it said";
	if (status < 0 && !came) {
		(void)snprintf(wrong, sizeof wrong, "without a fault: %s", err->message);
		return wrong;
	}
	if (status < 0 && !test->may_be(err->code)) {
		(void)snprintf(wrong, sizeof wrong, "%s: %s", err_name(err->code), err->message);
		return wrong;
	}
	return test->check != NULL ? test->check(test->argument, status) : NULL;
}

struct outcome {
	int status;
	bool came;
	struct err err;
};

static struct outcome run(const struct fault_case *test, size_t nth)
{
	struct outcome outcome = {0};

	atomic_store(left, nth);
	outcome.status = test->work(test->argument, &outcome.err);
	outcome.came = atomic_exchange(left, 0) == 0;
	return outcome;
}

static bool run_case(const struct fault_case *test, size_t number)
{
	size_t stride = getenv("FAULT_ALL") != NULL ? 1 : test->stride;
	size_t runs = 0, survived = 0;
	bool came = true;
	struct err err;

	/* Libraries that set themselves up once do so now. */
	const char *wrong = judge(test, test->work(test->argument, &err), &err, false);
	size_t descriptors = open_descriptors();
	for (size_t n = 1; came && wrong == NULL; n += stride) {
		struct outcome outcome = run(test, n);
		came = outcome.came;
		wrong = judge(test, outcome.status, &outcome.err, came);
		if (wrong == NULL && open_descriptors() != descriptors)
			wrong = "a descriptor was left open";
		if (wrong != NULL)
			(void)printf("not ok %zu %s: call %zu: %s\n", number, test->name, n, wrong);
		runs++;
		survived += came && outcome.status == 0;
	}
	if (wrong == NULL)
		(void)printf("ok %zu %s # %zu runs, %zu got over their fault\n", number, test->name,
			runs, survived);
	else if (runs == 0)
		(void)printf("not ok %zu %s: %s\n", number, test->name, wrong);
	(void)fflush(stdout);
	return wrong == NULL;
}

int fault_run(const struct fault_case *cases, size_t count)
{
	bool good = true;

	left = mmap(NULL, sizeof *left, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (left == MAP_FAILED)
		return EXIT_FAILURE;
	(void)printf("1..%zu\n", count);
	for (size_t i = 0; i < count; i++)
		good = run_case(&cases[i], i + 1) && good;
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
