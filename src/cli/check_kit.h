/*
 * check_kit: verifies a kit for commands that write nothing: verify, inspect, plan.
 */
#ifndef OFFKIT_CLI_CHECK_KIT_H
#define OFFKIT_CLI_CHECK_KIT_H

#include "cli/face.h"
#include "verify/verify.h"

struct checked_kit {
	int state_dirfd; /* -1: there is none yet */
	struct trust_root *root;
	struct trusted_kit *kit;
	int64_t installed_sequence; /* 0: no kit of this name is installed here */
	const char *installed_version;
};

/* force_reason NULL: code 8 refuses. Release it also after a failure. */
MUST_CHECK int check_kit(struct face *face, const char *path, const char *force_reason,
	struct checked_kit *checked, struct err *err);
void checked_kit_release(struct checked_kit *checked);

#define CHECKED_KIT_INIT ((struct checked_kit){.state_dirfd = -1})

/* "sequenceChecked", and "installed" if a kit of this name is: members of the open object. */
void write_installed(struct json_writer *writer, const struct checked_kit *checked);

/* "Kit", "Made", "Installed": the lines that verify and inspect begin with. */
void describe_kit(struct face *face, const struct checked_kit *checked);
/* "✓ Manifest", ... */
void describe_checks(struct face *face, const struct checked_kit *checked);

#endif
