/*
 * resign: the documents that come first in a kit, read, and changed in their place: the files
 * behind them are copied as they are.
 */
#ifndef OFFKIT_PACK_RESIGN_H
#define OFFKIT_PACK_RESIGN_H

#include "pack/documents.h"

/* What to make of the documents; nothing is written if it fails. */
typedef int documents_change(void *argument, struct signed_documents *documents,
	struct signed_summary *ret_summary, struct err *err);

/* Of an archive or a folder. ERR_NOT_A_KIT and what reading meets. */
MUST_CHECK int resign_read(const char *path, struct signed_documents *documents, struct err *err);
MUST_CHECK int resign_kit(const char *path, documents_change *change, void *argument,
	struct signed_summary *ret_summary, struct err *err);

MUST_CHECK int resign_archive_read(
	const char *path, struct signed_documents *documents, struct err *err);
MUST_CHECK int resign_archive(const char *path, documents_change *change, void *argument,
	struct signed_summary *ret_summary, struct err *err);

#endif
