#include "pack/created.h"

#include <errno.h>
#include <stdlib.h>

#include "base/clock.h"

int option_time(const char *option, const char *text, int64_t *ret_time, struct err *err)
{
	int rc = time_parse(text, ret_time, err);

	if (rc < 0) {
		(void)err_context(err, "%s", option);
		return err_recode(err, ERR_USAGE);
	}
	return 0;
}

static int source_date_epoch(int64_t *ret_time, bool *ret_is_given, struct err *err)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end;

	*ret_is_given = false;
	if (text == NULL || *text == '\0')
		return 0;
	errno = 0;
	long long seconds = strtoll(text, &end, 10);
	if (errno != 0 || *end != '\0' || seconds < 0 || seconds > 253402300799)
		return err_set(err, ERR_USAGE, "SOURCE_DATE_EPOCH is not a time in seconds");
	*ret_time = (int64_t)seconds * 1000;
	*ret_is_given = true;
	return 0;
}

int created_given(const char *option, int64_t *ret_time, bool *ret_is_given, struct err *err)
{
	if (option == NULL)
		return source_date_epoch(ret_time, ret_is_given, err);
	*ret_is_given = true;
	return option_time("--created", option, ret_time, err);
}
