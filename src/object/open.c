#include "object/open.h"

#include "object/folder.h"
#include "object/s3.h"

static int open_s3(const struct site *site, struct object_store **ret_store, struct err *err)
{
	const struct s3_limits limits = S3_LIMITS;

	return object_s3_open(&site->s3, &limits, ret_store, err);
}

int object_store_open(const struct site *site, struct object_store **ret_store, struct err *err)
{
	return site->s3.endpoint != NULL ? open_s3(site, ret_store, err)
					 : object_folder_open(site->object_store, ret_store, err);
}

int object_store_open_there(
	const struct site *site, struct object_store **ret_store, struct err *err)
{
	return site->s3.endpoint != NULL
		       ? open_s3(site, ret_store, err)
		       : object_folder_open_there(site->object_store, ret_store, err);
}

int object_store_describe(const struct site *site, struct str *out, struct err *err)
{
	const struct site_s3 *s3 = &site->s3;

	if (s3->endpoint == NULL)
		str_append_text(out, site->object_store);
	else
		str_append_format(out, "%s/%s/%s", s3->endpoint, s3->bucket, s3->prefix);
	return str_check(out, err);
}
