/*
 * event: the closed table of what can happen (events.def).
 */
#ifndef OFFKIT_ENGINE_EVENT_H
#define OFFKIT_ENGINE_EVENT_H

#include <stdbool.h>

enum event {
#define EVENT(identifier, name, journaled) EVENT_##identifier,
#include "engine/events.def"
#undef EVENT
	EVENT_COUNT
};

const char *event_name(enum event event);
bool event_journaled(enum event event);
enum event event_by_name(const char *name); /* EVENT_COUNT: there is none of that name */

#endif
