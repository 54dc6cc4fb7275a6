#include "base/version.h"

const char *version_text(void)
{
	return OFFKIT_VERSION;
}

int64_t version_commit_time(void)
{
	return (int64_t)OFFKIT_COMMIT_TIME * 1000;
}
