/*
 * inherited: descriptors that whoever started the program left open, a pipe of a script's or a file
 * on the medium. The command keeps them (--site /dev/fd/5); an engine that outlives it must not: a
 * reader would wait for ever, a medium could not be taken out.
 */
#ifndef OFFKIT_CLI_INHERITED_H
#define OFFKIT_CLI_INHERITED_H

/* First of all: notes which are open. */
void inherited_note(void);

/* Closes them, but for the standard streams. */
void inherited_close(void);

#endif
