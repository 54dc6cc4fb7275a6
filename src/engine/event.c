#include "engine/event.h"

#include <stddef.h>
#include <string.h>

static const struct {
	const char *name;
	bool journaled;
} EVENTS[EVENT_COUNT] = {
#define EVENT(identifier, name, journaled) [EVENT_##identifier] = {name, journaled},
#include "engine/events.def"
#undef EVENT
};

const char *event_name(enum event event)
{
	return EVENTS[event].name;
}

bool event_journaled(enum event event)
{
	return EVENTS[event].journaled;
}

enum event event_by_name(const char *name)
{
	for (size_t i = 0; i < EVENT_COUNT; i++)
		if (strcmp(EVENTS[i].name, name) == 0)
			return (enum event)i;
	return EVENT_COUNT;
}
