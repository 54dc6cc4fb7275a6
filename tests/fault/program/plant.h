/*
 * plant: faults planted into the whole program, $OUT/fault/offkit.
 *
 * That program is offkit, its objects untouched; the linker sends its calls, and those of its
 * libraries, through the wrappers of this folder (--wrap). Two variables of the environment, which
 * nothing else knows, say what the wrappers do:
 *
 *	OFFKIT_FAULT="KIND[@PART] N[+] ACTION[;...]"
 *	OFFKIT_FAULT_TRACE=FILE
 *	OFFKIT_FAULT_KINDS=KIND,KIND...
 *
 * The Nth call of a kind, counted over all processes and threads, meets its action; with a + every
 * later one too. PART, if given, must stand in the object of the call: the path of a file, or what
 * is sent ("update advisory_observations"). Kinds are the names in plant.c. An action is
 *
 *	EIO, ENOSPC, ...  the call fails with that, and does nothing
 *	short             a write takes half of what it was given
 *	zero              a receive says that the peer closed; so do all later ones of that socket
 *	lose              a sync fails with EIO, and what was not yet synced is gone from the file
 *	kill              SIGKILL before the call
 *	kill-after        SIGKILL after it
 *	kill-answered     SIGKILL when what was sent has been answered
 *	power             as kill, and of the files what was not synced is gone; so power-after,
 *	                  power-answered
 *	torn              half of a write, then SIGKILL
 *	jump:SECONDS      from here on the clock of the day is that much ahead
 *
 * A trace has a line a call of those kinds (all but memory, clock, read and receive by default):
 * "THREAD KIND OBJECT RESULT", and "THREAD struck RULE" for each fault that came. A sent command
 *stands there before it is sent, all else after it was done.
 */
#ifndef OFFKIT_TESTS_FAULT_PROGRAM_PLANT_H
#define OFFKIT_TESTS_FAULT_PROGRAM_PLANT_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum call {
	CALL_WRITE,
	CALL_SYNC,
	CALL_RENAME,
	CALL_OPEN, /* for writing */
	CALL_LOOK, /* for reading */
	CALL_READ,
	CALL_TRUNCATE,
	CALL_MKDIR,
	CALL_UNLINK,
	CALL_MODE,
	CALL_CLOSE,
	CALL_LOCK,
	CALL_FORK,
	CALL_THREAD,
	CALL_MEMORY,
	CALL_CONNECT,
	CALL_SEND,
	CALL_RECEIVE,
	CALL_CLOCK,
	CALL_COUNT,
};

enum action {
	ACTION_NONE,
	ACTION_FAIL,
	ACTION_SHORT,
	ACTION_ZERO,
	ACTION_LOSE,
	ACTION_TORN,
	ACTION_KILL_AFTER,
	ACTION_KILL_ANSWERED,
};

struct fault {
	enum action action;
	int errnum; /* of ACTION_FAIL */
	bool power;
};

enum { OBJECT_MAX = 512 };

/* Whether a call of this kind is of interest: else its object need not be found out. */
bool plant_watches(enum call call);
/* In a process whose system calls are a closed list. */
bool plant_is_confined(void);
/* Counts the call; does not return when it has to die before it. */
struct fault plant_meet(enum call call, const char *object);
void plant_trace(enum call call, const char *object, long result);
/* SIGKILL; with power, what is not synced goes first. */
void __attribute__((noreturn)) plant_kill(bool power);
/* Kills after the call, if that is its fault. */
void plant_after(struct fault fault);
long long plant_clock_offset(void); /* seconds */

/* The path of a descriptor, "" if it has none. */
void object_of_descriptor(int fd, char object[static OBJECT_MAX]);
void object_of_name(int dirfd, const char *name, char object[static OBJECT_MAX]);

/* What of which file is on the disk, for power and lose. */
void disk_written(int fd, const char *path); /* before the write */
void disk_synced(int fd);
void disk_lose(int fd);
void disk_power_cut(void);

#endif
