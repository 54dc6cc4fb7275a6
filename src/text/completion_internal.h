/* completion_internal: what the scripts of several shells are made with. */
#ifndef OFFKIT_TEXT_COMPLETION_INTERNAL_H
#define OFFKIT_TEXT_COMPLETION_INTERNAL_H

#include "text/options.h"

/* The script of one shell. */
typedef void completion_function(const struct program *program, struct str *out);

completion_function completion_zsh;
completion_function completion_fish;

bool option_takes_value(const struct option *option);

/* The first word of a command's name, which ends at the size returned. */
size_t command_first_word(const struct command *command);

/* Whether a command before this one in the table has the same first word. */
bool command_first_word_is_known(const struct program *program, size_t index);

#endif
