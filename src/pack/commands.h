/*
 * commands: one file a command; its row stands in main.c.
 */
#ifndef OFFKIT_PACK_COMMANDS_H
#define OFFKIT_PACK_COMMANDS_H

#include "text/options.h"

extern const struct command command_attach;
extern const struct command command_attest;
extern const struct command command_build;
extern const struct command command_check;
extern const struct command command_image;
extern const struct command command_keygen;
extern const struct command command_prepare;
extern const struct command command_provenance;
extern const struct command command_publish;
extern const struct command command_receipt_verify;
extern const struct command command_root_init;
extern const struct command command_root_rotate;
extern const struct command command_root_sign;
extern const struct command command_root_status;
extern const struct command command_sbom;
extern const struct command command_sign;
extern const struct command command_slice;
extern const struct command command_statement;
extern const struct command command_verify;

#endif
