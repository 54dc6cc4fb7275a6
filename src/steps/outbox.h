/*
 * outbox: the collections into which backfills write events that the service publishes: what a
 * migration's phases write with the role "events". An event is published when its publishedAt is
 * not null any more (offkit-migration(5), "Roles").
 */
#ifndef OFFKIT_STEPS_OUTBOX_H
#define OFFKIT_STEPS_OUTBOX_H

#include "steps/step.h"

enum { OUTBOXES_MAX = 32 };

struct outbox {
	const char *collection;
	const char *run_path; /* of the run's id in a document, from rollback.json; NULL: none */
	bool publish;	      /* the backfill's own events are published, not stamped */
};

struct outboxes {
	struct outbox list[OUTBOXES_MAX];
	size_t count;
	struct json_doc *docs[OUTBOXES_MAX];
	size_t doc_count;
};

/* A step that writes derived documents. */
bool is_backfill(const struct step *step);

void outboxes_release(struct outboxes *outboxes);
MUST_CHECK int outboxes_find(const struct trusted_kit *kit, const struct step *steps,
	size_t step_count, struct outboxes *ret_outboxes, struct err *err);

/* How many wait to be published. */
MUST_CHECK int outbox_backlog(
	struct mongo *mongo, const struct outbox *outbox, int64_t *ret_count, struct err *err);

/* Of a run's own events: how many are published or wait; 0 where the run's id is not kept. */
MUST_CHECK int outbox_own(struct mongo *mongo, const struct outbox *outbox, const char *run_id,
	bool published, int64_t *ret_count, struct err *err);

/* One that was published, as text: "65f1c0…9ae2" ("" if there is none). */
MUST_CHECK int outbox_published_example(struct mongo *mongo, const struct outbox *outbox,
	const char *run_id, struct str *ret_id, struct err *err);

#endif
