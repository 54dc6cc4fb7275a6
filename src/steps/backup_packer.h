/*
 * backup_packer: documents on their way from a cursor to a file, digested and compressed by a
 * thread of its own, so that the next ones are read meanwhile.
 *
 * They travel in pieces of whole documents. A piece's octets in the file, its part of the sum, and
 * the place of the range move together, under the mutex of what is open. What is small enough for
 * one piece needs no thread.
 */
#ifndef OFFKIT_STEPS_BACKUP_PACKER_H
#define OFFKIT_STEPS_BACKUP_PACKER_H

#include "compress/stream.h"
#include "steps/backup_reading.h"

/*
 * A reply of about this many octets is the fastest: larger ones make the server wait for us and us
 * for it. What is compressed by itself, and what an interruption costs, is as large.
 */
enum { BACKUP_PIECE_OCTETS = 1024 * 1024 };

struct backup_packer;

MUST_CHECK int backup_packer_new(enum compression compression, struct backup_range *range,
	struct backup_open *open, struct backup_packer **ret_packer, struct err *err);
/* Copies the document. *ret_piece: how many documents the piece had that it filled; 0: none yet. */
MUST_CHECK int backup_packer_add(
	struct backup_packer *packer, struct bytes doc, size_t *ret_piece, struct err *err);
/* The range is at its end. Returns when everything is in the file, or what failed. */
MUST_CHECK int backup_packer_end(struct backup_packer *packer, struct err *err);
void backup_packer_free(struct backup_packer *packer);
void backup_packer_cleanup(struct backup_packer **packer);

#endif
