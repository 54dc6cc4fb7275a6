#include <string.h>

#include "mongo/mongo.h"
#include "steps/object_store.h"
#include "steps/record.h"

/* A part of a collection's name; not empty. */
static bool is_name(const char *name)
{
	static const char *const own[] = {MONGO_OWN_COLLECTION, RECORD_COLLECTION};

	for (size_t i = 0; i < sizeof own / sizeof *own; i++)
		if (strcmp(name, own[i]) == 0)
			return false;
	return strchr(name, '$') == NULL && strncmp(name, "system.", 7) != 0 && *name != '.' &&
	       name[strlen(name) - 1] != '.';
}

static int check_path(const char *name, const char *path, struct err *err)
{
	if (path == NULL)
		return 0;
	if (*path == '\0' || *path == '.' || *path == '$' || strstr(path, "..") != NULL ||
		strstr(path, ".$") != NULL || path[strlen(path) - 1] == '.')
		return err_set(err, ERR_SYNTAX, "\"%s\": \"%s\" is no path of a field", name, path);
	return 0;
}

static bool overlaps(const struct object_migration *migration)
{
	size_t size = strlen(migration->bucket);

	return strncmp(migration->pointers, migration->bucket, size) == 0 &&
	       (strcmp(migration->pointers + size, ".files") == 0 ||
		       strcmp(migration->pointers + size, ".chunks") == 0);
}

int object_migration_load(
	const struct json *body, struct object_migration *ret_migration, struct err *err)
{
	static const char *const known[] = {"id", "kind", "title", "what", "bucket", "pointers",
		"storeBucket", "tenant", "tenantPath", "formatPath", NULL};
	struct object_migration migration = {0};
	int rc = json_closed(body, known, err);
	const struct {
		const char *name;
		const char **ret;
	} names[] = {
		{"bucket", &migration.bucket},
		{"pointers", &migration.pointers},
		{"storeBucket", &migration.store_bucket},
		{"tenant", &migration.tenant},
	};

	for (size_t i = 0; rc == 0 && i < sizeof names / sizeof *names; i++) {
		rc = json_need_string(
			body, names[i].name, OBJECT_BUCKET_NAME_MAX, names[i].ret, err);
		if (rc == 0 && !is_name(*names[i].ret))
			rc = err_set(err, ERR_SYNTAX, "\"%s\": \"%s\" is no name for it",
				names[i].name, *names[i].ret);
	}
	if (rc == 0)
		rc = json_optional_string(body, "tenantPath", 255, &migration.tenant_path, err);
	if (rc == 0)
		rc = json_optional_string(body, "formatPath", 255, &migration.format_path, err);
	if (rc == 0)
		rc = check_path("tenantPath", migration.tenant_path, err);
	if (rc == 0)
		rc = check_path("formatPath", migration.format_path, err);
	if (rc == 0 && overlaps(&migration))
		rc = err_set(err, ERR_SYNTAX, "\"pointers\" is a collection of the bucket itself");
	if (rc == 0)
		*ret_migration = migration;
	return rc;
}
