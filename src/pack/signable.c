#include "pack/signable.h"

#include "base/cleanup.h"
#include "base/file.h"
#include "json/json.h"
#include "kit/bundle.h"

/* A kit in an archive does not begin so. */
static bool is_json(const struct str *text)
{
	return text->size > 0 && text->text[0] == '{';
}

int signable_read(const char *path, enum signable *ret_kind, struct str *text, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	CLEANUP_STR struct str content = STR_INIT;
	struct err not_one;

	if (file_read_path(path, BUNDLE_SIZE_MAX, &content, &not_one) < 0 || !is_json(&content)) {
		*ret_kind = SIGNABLE_KIT;
		return 0;
	}
	int rc = json_parse(str_bytes(&content), JSON_LIMITS(BUNDLE_SIZE_MAX), &doc, err);
	if (rc < 0)
		return err_context(err, "%s", path);
	*ret_kind =
		json_member(json_root(doc), "signed") != NULL ? SIGNABLE_ROOT : SIGNABLE_ENVELOPE;
	*text = content;
	content = STR_INIT;
	return 0;
}
