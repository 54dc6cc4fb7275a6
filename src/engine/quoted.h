/*
 * quoted: what events quote for a reader's eyes, bounded: the kit's files, components and evidence,
 * and the newest conflicts of a backfill.
 */
#ifndef OFFKIT_ENGINE_QUOTED_H
#define OFFKIT_ENGINE_QUOTED_H

#include "json/json_write.h"
#include "kit/manifest.h"

enum {
	QUOTED_FILES_MAX = 1000, /* and as many of each other list; offkit inspect has all */
	QUOTED_CONFLICTS_MAX = 10,
	QUOTED_TAIL_MAX = 256 * 1024, /* octets of conflicts.ndjson that are looked at */
};

/* Members fileList and componentList of an open object: arrays of {name, text}. */
void quote_manifest(const struct manifest *manifest, struct json_writer *writer);

/*
 * Members evidence (a line for each kind) and evidenceList (each by itself) of an open object:
 * arrays of {name, text}.
 */
struct kit_evidence;
void quote_evidence(const struct kit_evidence *evidence, struct json_writer *writer);

/*
 * Member conflicts of an open object: the last lines of run_dirfd's conflicts.ndjson, oldest
 * first. Nothing is written if there are none; a line that cannot be read is left out.
 */
void quote_conflicts(int run_dirfd, struct json_writer *writer);

#endif
