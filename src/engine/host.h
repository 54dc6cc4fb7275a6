/*
 * host: what a step can call, carried out by the run.
 */
#ifndef OFFKIT_ENGINE_HOST_H
#define OFFKIT_ENGINE_HOST_H

#include "steps/step.h"

struct run;

void host_init(struct step_host *host, struct run *run);
const struct json *host_checkpoint_of(void *self, const char *step_name);

#endif
