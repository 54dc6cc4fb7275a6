/*
 * commands: one file a command; its row stands in main.c.
 */
#ifndef OFFKIT_CLI_COMMANDS_H
#define OFFKIT_CLI_COMMANDS_H

#include "text/options.h"

extern const struct command command_attach;
extern const struct command command_backup;
extern const struct command command_inspect;
extern const struct command command_log;
extern const struct command command_monitor;
extern const struct command command_rehearse;
extern const struct command command_report;
extern const struct command command_status;
extern const struct command command_install;
extern const struct command command_object_verify;
extern const struct command command_plan;
extern const struct command command_restore;
extern const struct command command_resume;
extern const struct command command_rollback;
extern const struct command command_site_check;
extern const struct command command_site_init;
extern const struct command command_support_bundle;
extern const struct command command_trust_reset_time;
extern const struct command command_trust_show;
extern const struct command command_trust_update;
extern const struct command command_verify;

#endif
