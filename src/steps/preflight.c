#include "steps/preflight.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "steps/hook.h"
#include "text/text.h"

enum {
	CLOCK_WARNING = 5000, /* ms between the server's clock and ours */
	CLOCK_FAILURE = 300000,
};

/* Room for the journal, the reports and what else a run writes beside the backup. */
#define SPACE_MARGIN (UINT64_C(64) * 1024 * 1024)

int preflight_tell(struct preflight *preflight, const char *name, enum check_outcome outcome,
	struct err *err, const char *format, ...)
{
	const struct step_host *host = preflight->context->host;
	char text[512];
	va_list arguments;

	va_start(arguments, format);
	(void)vsnprintf(text, sizeof text, format, arguments);
	va_end(arguments);
	if (outcome == CHECK_FAILED) {
		preflight->failures++;
		str_append_format(&preflight->failed, "%s%s: %s",
			preflight->failed.size > 0 ? "; " : "", name, text);
	}
	return host->check(host->self, name, outcome, text, err);
}

int bson_from_text(const struct str *json, struct str *out, struct err *err)
{
	CLEANUP(json_cleanup) struct json_doc *doc = NULL;
	int rc = str_check(json, err);

	if (rc == 0)
		rc = json_parse(str_bytes(json), JSON_LIMITS(MIGRATION_SIZE_MAX), &doc, err);
	return rc < 0 ? rc : doc_from_json(json_root(doc), out, err);
}

/* ---- the server */

/* "7.0.14" against "5.0": number by number, and what is not written counts as anything. */
static int compare_versions(const char *version, const char *bound)
{
	while (*bound != '\0') {
		char *end;
		long is = strtol(version, &end, 10);
		version = *end == '.' ? end + 1 : end;
		long wanted = strtol(bound, &end, 10);
		bound = *end == '.' ? end + 1 : *end == '\0' ? end : end + strlen(end);
		if (is != wanted)
			return is < wanted ? -1 : 1;
	}
	return 0;
}

static const char *topology_text(const struct mongo_server *server, char *room, size_t size)
{
	switch (server->topology) {
	case TOPOLOGY_STANDALONE:
		return "standalone";
	case TOPOLOGY_SHARDED:
		return "sharded cluster";
	case TOPOLOGY_REPLICA_SET:
		(void)snprintf(room, size, "replica set %s", server->set_name);
		return room;
	}
	return "";
}

static int check_server(struct preflight *preflight, struct err *err)
{
	const struct manifest *manifest = trusted_kit_manifest(preflight->context->kit);
	const struct mongo_server *server = &preflight->server;
	const char *min = manifest->requires_mongodb_min, *max = manifest->requires_mongodb_max;
	char room[160];
	const char *topology = topology_text(server, room, sizeof room);

	if (min != NULL && compare_versions(server->version, min) < 0)
		return preflight_tell(preflight, "server", CHECK_FAILED, err,
			"the server is MongoDB %s, and the kit needs %s or newer", server->version,
			min);
	if (max != NULL && compare_versions(server->version, max) > 0)
		return preflight_tell(preflight, "server", CHECK_FAILED, err,
			"the server is MongoDB %s, and the kit is made for %s and older",
			server->version, max);
	return preflight_tell(
		preflight, "server", CHECK_PASSED, err, "server %s, %s", server->version, topology);
}

static int check_clock(struct preflight *preflight, struct err *err)
{
	int64_t difference = preflight->server.clock_difference;
	int64_t distance = difference < 0 ? -difference : difference;
	const char *side = difference < 0 ? "behind" : "ahead of";
	char duration[TEXT_DURATION_SIZE];

	if (distance > CLOCK_FAILURE)
		return preflight_tell(preflight, "clock", CHECK_FAILED, err,
			"the server's clock is %s %s this machine's",
			text_duration(distance, duration), side);
	if (distance > CLOCK_WARNING)
		return preflight_tell(preflight, "clock", CHECK_WARNING, err,
			"the server's clock is %s %s this machine's",
			text_duration(distance, duration), side);
	return preflight_tell(preflight, "clock", CHECK_PASSED, err,
		"the clocks of server and host agree within %s",
		text_duration(distance < 100 ? 100 : distance, duration));
}

static int check_balancer(struct preflight *preflight, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	CLEANUP_STR struct str reply = STR_INIT;
	struct mongo_refusal refusal = {0};
	struct doc_writer writer;

	if (preflight->server.topology != TOPOLOGY_SHARDED)
		return preflight_tell(preflight, "balancer", CHECK_SKIPPED, err,
			"balancer: skipped, this is not a sharded cluster");
	doc_write_begin(&writer, &command);
	doc_write_int32(&writer, "balancerStatus", 1);
	doc_write_end(&writer);
	int rc = mongo_admin_command(
		preflight->context->mongo, str_bytes(&command), &reply, &refusal, err);
	if (rc < 0 && refusal.code == 0)
		return rc;
	const char *mode = rc < 0 ? NULL : doc_get_string(str_bytes(&reply), "mode");
	if (mode == NULL)
		return preflight_tell(preflight, "balancer", CHECK_SKIPPED, err,
			"balancer: skipped, the server does not say (%s)", refusal.name);
	return preflight_tell(preflight, "balancer",
		strcmp(mode, "off") == 0 ? CHECK_PASSED : CHECK_WARNING, err, "balancer: %s", mode);
}

/* ---- this machine */

/* The folder, or the nearest one above it that is there. */
static int nearest_folder(const char *path, int *ret_fd, struct err *err)
{
	CLEANUP_FREE char *parent = strdup(path);
	struct err ignored;

	if (parent == NULL)
		return err_no_memory(err);
	for (;;) {
		if (folder_open(parent, ret_fd, &ignored) == 0)
			return 0;
		char *slash = strrchr(parent, '/');
		if (slash == NULL || slash == parent)
			return folder_open("/", ret_fd, err);
		*slash = '\0';
	}
}

static int database_octets(struct preflight *preflight, uint64_t *ret_octets, struct err *err)
{
	struct mongo *mongo = preflight->context->mongo;
	struct mongo_collection *collections = NULL;
	size_t count = 0;
	uint64_t octets = 0;
	int rc = mongo_collections(mongo, preflight->context->arena, &collections, &count, err);

	for (size_t i = 0; rc == 0 && i < count; i++) {
		struct mongo_stats stats = {0};
		if (strcmp(collections[i].type, "collection") != 0)
			continue;
		rc = mongo_collection_stats(mongo, collections[i].name, &stats, err);
		octets += stats.octets > 0 ? (uint64_t)stats.octets : 0;
	}
	if (rc == 0)
		*ret_octets = octets;
	return rc;
}

static int check_disk(struct preflight *preflight, struct err *err)
{
	CLEANUP_FD int fd = -1;
	char free_text[TEXT_SIZE_SIZE], need_text[TEXT_SIZE_SIZE], margin_text[TEXT_SIZE_SIZE];
	const char *path = preflight->context->site->backup_dir;
	uint64_t need = 0, room = 0;
	int rc = database_octets(preflight, &need, err);

	if (rc == 0)
		rc = nearest_folder(path, &fd, err);
	if (rc == 0)
		rc = free_space(fd, &room, err);
	if (rc < 0)
		return rc;
	bool enough = need <= room && room - need >= SPACE_MARGIN;
	(void)text_size(room, free_text);
	(void)text_size(need, need_text);
	if (enough)
		return preflight_tell(preflight, "disk", CHECK_PASSED, err,
			"%s free; the backup needs up to %s", free_text, need_text);
	return preflight_tell(preflight, "disk", CHECK_FAILED, err,
		"%s free in %s; the backup needs up to %s, and %s are kept free", free_text, path,
		need_text, text_size(SPACE_MARGIN, margin_text));
}

static int check_hook(struct preflight *preflight, const char *name, const struct site_hook *hook,
	struct err *err)
{
	struct err wrong;

	if (hook->argv == NULL)
		return preflight_tell(preflight, name, CHECK_SKIPPED, err,
			"%s hook: skipped, the site names none", name);
	if (hook_check(hook, &wrong) < 0)
		return preflight_tell(preflight, name, CHECK_FAILED, err, "%s", wrong.message);
	const char *program = strrchr(hook->argv[0], '/');
	return preflight_tell(preflight, name, CHECK_PASSED, err, "%s hook can be run: %s", name,
		program != NULL ? program + 1 : hook->argv[0]);
}

static int check_hooks(struct preflight *preflight, struct err *err)
{
	const struct site *site = preflight->context->site;
	int rc = check_hook(preflight, "freeze", &site->freeze, err);

	return rc < 0 ? rc : check_hook(preflight, "unfreeze", &site->unfreeze, err);
}

/* ---- the step */

static preflight_check *const CHECKS[] = {
	check_server,
	preflight_leftovers,
	preflight_privileges,
	check_disk,
	check_clock,
	preflight_oplog,
	check_balancer,
	check_hooks,
	preflight_records,
	preflight_look,
	preflight_indexes,
	preflight_duplicates,
	preflight_expiry,
};

static int run_checks(struct preflight *preflight, struct err *err)
{
	for (size_t i = 0; i < sizeof CHECKS / sizeof(*CHECKS); i++) {
		int rc = CHECKS[i](preflight, err);
		if (rc < 0)
			return rc;
	}
	if (preflight->failures > 0)
		return err_set(err, ERR_PREFLIGHT, "%s", str_text(&preflight->failed));
	return 0;
}

static int preflight_apply(const struct step_context *context, struct err *err)
{
	struct preflight preflight = {.context = context};
	int rc = mongo_server(context->mongo, &preflight.server, err);

	if (rc == 0)
		rc = run_checks(&preflight, err);
	str_release(&preflight.failed);
	return rc;
}

const struct step_kind step_preflight = {
	.name = "preflight",
	.label = "Preflight",
	.weight = 1,
	.failure = ERR_PREFLIGHT,
	.apply = preflight_apply,
};
