/*
 * Balance: how the documents of each sharded collection are spread ($shardedDataDistribution), and
 * what the balancer says of it (balancerCollectionStatus).
 *
 * The imbalance is the difference between the fullest and the emptiest shard, in per cent of the
 * collection; what the balancer itself leaves alone (three of its ranges) is none. Over the site's
 * limit it is a warning as long as the balancer is on, which may need hours to even out what was
 * sharded just now, and a failure when it is off.
 */
#include "steps/validate.h"

#include <inttypes.h>

#include "base/cleanup.h"
#include "steps/preflight.h"
#include "text/text.h"

#define BALANCER_SLACK (INT64_C(3) * 128 * 1024 * 1024)

struct spread {
	int64_t total, most, least; /* octets */
	size_t shards;
};

static const char distribution[] =
	"[{\"$shardedDataDistribution\":{}},{\"$match\":{\"ns\":{\"$gte\":\"%s.\",\"$lt\":\"%s/"
	"\"}}},{\"$sort\":{\"ns\":1}}]";

/* A command on admin from its text; *ret_refused: the server does not know it, or not from us. */
static int ask(struct mongo *mongo, const struct str *text, struct str *reply, bool *ret_refused,
	struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT;
	struct mongo_refusal refusal = {0};
	int rc = bson_from_text(text, &command, err);

	if (rc == 0)
		rc = mongo_admin_command(mongo, str_bytes(&command), reply, &refusal, err);
	*ret_refused = rc < 0 && refusal.code != 0 && err->code == ERR_MIGRATION;
	return *ret_refused ? 0 : rc;
}

static struct doc_iter list_of(struct bytes reply, const char *path)
{
	struct value list = doc_get_path(reply, path);

	return doc_iter_begin(list.type == VALUE_ARRAY ? list.bytes : bytes_make(NULL, 0));
}

static int count_shards(struct mongo *mongo, size_t *ret_count, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	bool refused = false;

	*ret_count = 0;
	str_append_text(&command, "{\"listShards\":1}");
	int rc = ask(mongo, &command, &reply, &refused, err);
	if (rc < 0 || refused)
		return rc;
	struct value shards = doc_get(str_bytes(&reply), "shards");
	*ret_count = shards.type == VALUE_ARRAY ? doc_count(shards.bytes) : 0;
	return 0;
}

static struct spread measure(struct bytes collection, size_t shard_count)
{
	struct doc_iter iter = list_of(collection, "shards");
	struct spread spread = {.least = INT64_MAX};
	struct value shard;
	const char *name;

	while (doc_iter_next(&iter, &name, &shard)) {
		int64_t octets = 0;
		if (shard.type != VALUE_DOCUMENT ||
			!doc_get_integer(shard.bytes, "ownedSizeBytes", &octets) || octets < 0)
			continue;
		spread.shards++;
		spread.total += octets;
		spread.most = octets > spread.most ? octets : spread.most;
		spread.least = octets < spread.least ? octets : spread.least;
	}
	/* A shard that has nothing need not be told of. */
	if (spread.shards < shard_count || spread.least == INT64_MAX)
		spread.least = 0;
	return spread;
}

static void say_shares(struct bytes collection, const struct spread *spread, struct str *out)
{
	struct doc_iter iter = list_of(collection, "shards");
	struct value shard;
	const char *name;

	while (doc_iter_next(&iter, &name, &shard)) {
		char octets_text[TEXT_SIZE_SIZE];
		int64_t octets = 0;
		if (shard.type != VALUE_DOCUMENT ||
			!doc_get_integer(shard.bytes, "ownedSizeBytes", &octets) || octets < 0)
			continue;
		struct value id = doc_get(shard.bytes, "shardName");
		str_append_text(out, ", ");
		value_to_text(&id, out);
		str_append_format(out, " %lld %% (%s)",
			spread->total > 0 ? (long long)(octets * 100.0 / (double)spread->total)
					  : 0LL,
			text_size((uint64_t)octets, octets_text));
	}
}

/* Whether the balancer has nothing to do for it, true also where it does not say. */
static int ask_balancer(
	struct mongo *mongo, const char *ns, bool *ret_compliant, struct str *why, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct json_writer writer;
	bool refused = false;

	json_write_begin(&writer, &command);
	json_write_object(&writer);
	json_member_string(&writer, "balancerCollectionStatus", ns);
	json_write_end(&writer);
	int rc = ask(mongo, &command, &reply, &refused, err);
	*ret_compliant = rc < 0 || refused || doc_get_bool(str_bytes(&reply), "balancerCompliant");
	if (rc == 0 && !*ret_compliant) {
		struct value violation = doc_get(str_bytes(&reply), "firstComplianceViolation");
		if (violation.type == VALUE_STRING)
			value_to_text(&violation, why);
	}
	return rc;
}

static int balancer_is_off(struct mongo *mongo, bool *ret_off, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	bool refused = false;

	str_append_text(&command, "{\"balancerStatus\":1}");
	int rc = ask(mongo, &command, &reply, &refused, err);
	const char *mode = rc < 0 ? NULL : doc_get_string(str_bytes(&reply), "mode");
	*ret_off = mode != NULL && mode[0] == 'o' && mode[1] == 'f';
	return rc;
}

static int judge(struct validation *validation, struct bytes collection, size_t shard_count,
	bool off, const char *how, struct err *err)
{
	CLEANUP(finding_release) struct finding finding = FINDING_INIT("balance");
	CLEANUP_STR struct str why = STR_INIT;
	const struct spread spread = measure(collection, shard_count);
	const char *ns = doc_get_string(collection, "ns");
	bool compliant = true;
	int rc = ns == NULL ? 0
			    : ask_balancer(validation->context->mongo, ns, &compliant, &why, err);

	if (rc < 0 || ns == NULL)
		return rc;
	finding.how = how;
	finding.expected = validation->context->site->max_imbalance;
	if (spread.total > 0 && spread.most - spread.least > BALANCER_SLACK)
		finding.found = (int64_t)((double)(spread.most - spread.least) * 100.0 /
					  (double)spread.total);
	bool uneven = finding.found > finding.expected || !compliant;
	finding.outcome = !uneven ? CHECK_PASSED : off ? CHECK_FAILED : CHECK_WARNING;
	str_append_format(&finding.text, "shard balance of %s", ns);
	say_shares(collection, &spread, &finding.text);
	if (finding.found > finding.expected)
		str_append_format(&finding.text, ": %lld %% apart, and %lld are allowed",
			(long long)finding.found, (long long)finding.expected);
	if (!compliant)
		str_append_format(&finding.text, "; the balancer has work to do%s%s",
			why.size > 0 ? ": " : "", str_text(&why));
	if (uneven)
		str_append_text(&finding.text, off ? "; it is off" : "; it is on");
	return finding_tell(validation, &finding, err);
}

static int skip(struct validation *validation, const char *why, struct err *err)
{
	CLEANUP(finding_release) struct finding finding = FINDING_INIT("balance");

	finding.outcome = CHECK_SKIPPED;
	str_append_format(&finding.text, "shard balance: skipped, %s", why);
	return finding_tell(validation, &finding, err);
}

static int judge_all(
	struct validation *validation, struct bytes reply, const char *how, struct err *err)
{
	struct doc_iter iter = list_of(reply, "cursor.firstBatch");
	struct value collection;
	size_t shard_count = 0, count = 0;
	const char *name;
	bool off = false;
	int rc = count_shards(validation->context->mongo, &shard_count, err);

	if (rc == 0)
		rc = balancer_is_off(validation->context->mongo, &off, err);
	while (rc == 0 && doc_iter_next(&iter, &name, &collection)) {
		if (collection.type != VALUE_DOCUMENT)
			continue;
		count++;
		rc = judge(validation, collection.bytes, shard_count, off, how, err);
	}
	if (rc == 0 && count == 0)
		rc = skip(validation, "no collection of the database is sharded", err);
	return rc;
}

int validate_balance(struct validation *validation, struct err *err)
{
	CLEANUP_STR struct str pipeline = STR_INIT, command = STR_INIT, how = STR_INIT,
			       reply = STR_INIT;
	const char *database = mongo_database(validation->context->mongo);
	struct mongo_server server;
	bool refused = false;
	int rc = mongo_server(validation->context->mongo, &server, err);

	if (rc < 0)
		return rc;
	if (server.topology != TOPOLOGY_SHARDED)
		return skip(validation, "this is not a sharded cluster", err);
	str_append_format(&pipeline, distribution, database, database);
	str_append_format(&command,
		"{\"aggregate\":1,\"pipeline\":%s,\"cursor\":{\"batchSize\":10000}}",
		str_text(&pipeline));
	str_append_format(&how, "db.getSiblingDB(\"admin\").aggregate(%s)", str_text(&pipeline));
	rc = str_check(&how, err);
	if (rc == 0)
		rc = ask(validation->context->mongo, &command, &reply, &refused, err);
	if (rc == 0 && refused)
		return skip(validation, "the server does not tell $shardedDataDistribution", err);
	return rc < 0 ? rc : judge_all(validation, str_bytes(&reply), str_text(&how), err);
}
