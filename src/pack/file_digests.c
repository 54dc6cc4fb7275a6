#include "pack/file_digests.h"

#include <stdlib.h>

struct digester {
	struct sha256_stream *sha256;
	struct sha1_stream *sha1;
};

int digester_new(struct digester **ret_digester, struct err *err)
{
	struct digester *digester = calloc(1, sizeof *digester);

	if (digester == NULL)
		return err_no_memory(err);
	int rc = sha256_stream_new(&digester->sha256, err);
	if (rc == 0)
		rc = sha1_stream_new(&digester->sha1, err);
	if (rc < 0)
		digester_free(digester);
	else
		*ret_digester = digester;
	return rc;
}

int digester_update(struct digester *digester, struct bytes data, struct err *err)
{
	int rc = sha256_stream_update(digester->sha256, data, err);

	return rc < 0 ? rc : sha1_stream_update(digester->sha1, data, err);
}

int digester_finish(
	struct digester *digester, const char *name, struct file_digests *ret_file, struct err *err)
{
	struct file_digests file = {.name = name};
	int rc = sha256_stream_finish(digester->sha256, &file.sha256, err);

	if (rc == 0)
		rc = sha1_stream_finish(digester->sha1, file.sha1, err);
	if (rc == 0)
		*ret_file = file;
	return rc;
}

void digester_free(struct digester *digester)
{
	if (digester == NULL)
		return;
	sha256_stream_free(digester->sha256);
	sha1_stream_free(digester->sha1);
	free(digester);
}

void digester_cleanup(struct digester **digester)
{
	digester_free(*digester);
}
