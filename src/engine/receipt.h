/*
 * receipt: the signed receipt of a run that has ended (kit/receipt.h): receipt.dsse beside its
 * report, and the public half of the site's key beside both, to be carried away together.
 */
#ifndef OFFKIT_ENGINE_RECEIPT_H
#define OFFKIT_ENGINE_RECEIPT_H

#include "crypto/key.h"
#include "engine/history.h"
#include "kit/receipt.h"

/* The last step that validated, in a receipt's words. */
const char *receipt_validation(const struct history *history);

/* Member "receipt" of an open object: where it will be, and by which key it is signed. */
void receipt_announce(struct json_writer *writer, const char *state_dir, const char *run_id,
	const struct public_key *key);

/*
 * The run's report is written already: the receipt is about its files. history has the run's end.
 */
MUST_CHECK int receipt_make(const struct history *history, const struct journal_head *head,
	const struct private_key *key, int run_dirfd, struct err *err);

/*
 * Writes the report and the receipt of a run whose end is in its journal, and whose process was
 * killed before they were written. The caller has the lock on the state folder. *ret_mended: they
 * were not there, or of an earlier end.
 */
MUST_CHECK int receipt_mend(int state_dirfd, const char *run_id, const struct history *history,
	bool *ret_mended, struct err *err);

#endif
