/*
 * hex: octets as hexadecimal digits, two each, in lower case: as digests, key ids and the
 * signatures of TUF metadata are written. Strict in reading: no upper case, no space, no prefix, no
 * odd digit.
 *
 * What another language spells its own way is read where that is known: JSON's escapes, MongoDB's
 * $toObjectId, the file names of mongodump.
 */
#ifndef OFFKIT_BASE_HEX_H
#define OFFKIT_BASE_HEX_H

#include "base/bytes.h"

/* Into out, which holds half as many octets as text has digits; false, and out undefined. */
bool hex_decode(struct bytes text, uint8_t *out);

/* Appends; false, and nothing appended, if text is not hexadecimal. Of no digits it is no octets.
 */
bool hex_append_decoded(struct bytes text, struct str *out);

/* Into text, which holds two digits for each octet and the terminator. */
void hex_encode(struct bytes octets, char *text);

#endif
