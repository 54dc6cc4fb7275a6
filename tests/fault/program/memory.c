/* Allocations, and the clock of the day. */
#include <errno.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

#include "tests/fault/program/plant.h"

void *__real_malloc(size_t size);
void *__wrap_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *pointer, size_t size);
void *__wrap_realloc(void *pointer, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
char *__real_strdup(const char *text);
char *__wrap_strdup(const char *text);
char *__real_strndup(const char *text, size_t size);
char *__wrap_strndup(const char *text, size_t size);
int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __real_gettimeofday(struct timeval *time, void *zone);
int __wrap_gettimeofday(struct timeval *time, void *zone);
time_t __real_time(time_t *time);
time_t __wrap_time(time_t *time);

static bool is_refused(void)
{
	if (!plant_watches(CALL_MEMORY))
		return false;
	plant_trace(CALL_MEMORY, "", 0);
	if (plant_meet(CALL_MEMORY, "").action != ACTION_FAIL)
		return false;
	errno = ENOMEM;
	return true;
}

void *__wrap_malloc(size_t size)
{
	return is_refused() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	return is_refused() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *pointer, size_t size)
{
	return is_refused() ? NULL : __real_realloc(pointer, size);
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
	return is_refused() ? NULL : __real_aligned_alloc(alignment, size);
}

char *__wrap_strdup(const char *text)
{
	return is_refused() ? NULL : __real_strdup(text);
}

char *__wrap_strndup(const char *text, size_t size)
{
	return is_refused() ? NULL : __real_strndup(text, size);
}

static long long offset(void)
{
	if (plant_watches(CALL_CLOCK)) {
		(void)plant_meet(CALL_CLOCK, "");
		plant_trace(CALL_CLOCK, "", 0);
	}
	return plant_clock_offset();
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	int result = __real_clock_gettime(clock, time);

	if (clock == CLOCK_REALTIME && result == 0)
		time->tv_sec += (time_t)offset();
	return result;
}

int __wrap_gettimeofday(struct timeval *time, void *zone)
{
	int result = __real_gettimeofday(time, zone);

	if (result == 0)
		time->tv_sec += (time_t)offset();
	return result;
}

time_t __wrap_time(time_t *time)
{
	time_t now = __real_time(NULL) + (time_t)plant_clock_offset();

	if (time != NULL)
		*time = now;
	return now;
}
