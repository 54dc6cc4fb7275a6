/*
 * sample: loads advisories into advisory_raw of a database, for the demo and the tests.
 *
 *	sample load [--drop] [--seed N] [--count N] [--no-large] URI DATABASE
 *	sample load-osv [--drop] [--tenant NAME] FILE.jsonl URI DATABASE
 *
 * The same seed and count give the same documents, ids and times too. Besides, load plants what a
 * migration must leave alone: other collections, and observations of a service that runs already.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/file.h"
#include "crypto/digest.h"
#include "mongo/mongo.h"
#include "sample_raw.h"

enum {
	BATCH_OCTETS = 8 * 1024 * 1024,
	REVISIONS_MAX = 4,
	LARGE_ONE_IN = 400,
	FILE_MAX = 512 * 1024 * 1024,
};

/* 2024-01-01T00:00:00Z: the first document's time; each later one is a minute younger. */
static const int64_t first_time = INT64_C(1704067200000);

struct loader {
	struct mongo *mongo;
	struct mongo_bulk *bulk;
	size_t octets;
	int64_t loaded;
	bool no_large; /* none of the documents of some MiB */
	uint32_t next; /* number of the next document: part of its id, and its time */
};

struct feed {
	const char *vendor, *stream, *api, *format, *spec, *prefix;
	enum sample_form form;
	unsigned share; /* of 100 */
};

static const struct feed feeds[] = {
	{"ghsa", "github", "https://api.github.example", "OSV", "1.6.0", "GHSA", FORM_OSV, 40},
	{"nvd", "cve", "https://nvd.example/rest/json/cves/2.0", "NVD", "2.0", "CVE", FORM_NVD, 35},
	{"cert-bund", "wid", "https://cert.example/csaf", "CSAF", "2.0", "WID-SEC-W", FORM_CSAF,
		15},
	{"redhat", "csaf", "https://security.example/csaf", "CSAF", "2.0", "RHSA", FORM_CSAF, 10},
};

static const char *const tenants[] = {"acme", "acme", "acme", "globex", "initech"};

/* ---- sending */

static int flush(struct loader *loader, struct err *err)
{
	struct mongo_bulk_result done;

	if (loader->bulk == NULL)
		return 0;
	int result = mongo_bulk_run(loader->bulk, &done, err);
	if (result == 0 && done.error_count > 0)
		result = err_set(err, ERR_MIGRATION, "%s", done.errors[0].message);
	mongo_bulk_free(loader->bulk);
	loader->bulk = NULL;
	loader->octets = 0;
	return result;
}

static int send(struct loader *loader, struct bytes doc, struct err *err)
{
	int result = 0;

	if (loader->bulk == NULL)
		result = mongo_bulk_begin(loader->mongo, "advisory_raw", &loader->bulk, err);
	if (result == 0)
		result = mongo_bulk_insert(loader->bulk, doc, err);
	if (result != 0)
		return result;
	loader->octets += doc.size;
	loader->loaded++;
	return loader->octets >= BATCH_OCTETS ? flush(loader, err) : 0;
}

static void number_id(uint32_t number, uint8_t id[static OBJECT_ID_SIZE])
{
	static const uint8_t begin[OBJECT_ID_SIZE - 4] = {
		0x65, 0x92, 0x00, 0x80, 0x0F, 0xF1, 0x1C, 0xE0};

	memcpy(id, begin, sizeof begin);
	for (int i = 0; i < 4; i++)
		id[8 + i] = (uint8_t)(number >> (24 - 8 * i));
}

/* ---- the document around the raw content */

struct envelope {
	const char *tenant, *vendor, *stream, *api, *format, *spec, *id, *cve, *purl;
	int revision;
	int64_t fetched;
	bool bare;
	const uint8_t *supersedes; /* NULL: nothing */
};

static void write_list(struct doc_writer *w, const char *name, const char *only)
{
	doc_write_array(w, name);
	if (only != NULL && only[0] != '\0')
		doc_write_string(w, NULL, only);
	doc_write_end(w);
}

static void write_upstream(struct doc_writer *w, const struct envelope *envelope, const char *hash)
{
	char version[16];

	doc_write_document(w, "upstream");
	doc_write_string(w, "upstream_id", envelope->id);
	(void)snprintf(version, sizeof version, "%d", envelope->revision);
	doc_write_string(w, "document_version", version);
	doc_write_date(w, "fetched_at", envelope->fetched);
	doc_write_date(w, "received_at", envelope->fetched + 500);
	doc_write_string(w, "content_hash", hash);
	if (!envelope->bare) {
		doc_write_document(w, "signature");
		doc_write_bool(w, "present", false);
		doc_write_end(w);
	}
	doc_write_end(w);
}

static int write_envelope(struct loader *loader, const struct envelope *envelope, struct bytes raw,
	struct str *out, struct err *err)
{
	char hash[7 + SHA256_HEX_SIZE] = "sha256:";
	uint8_t id[OBJECT_ID_SIZE];
	struct sha256 digest;
	struct doc_writer w;

	int result = sha256_of(raw, &digest, err);
	if (result != 0)
		return result;
	sha256_to_hex(&digest, hash + 7);
	number_id(loader->next, id);
	doc_write_begin(&w, out);
	doc_write_object_id(&w, "_id", id);
	doc_write_string(&w, "tenant", envelope->tenant);
	doc_write_document(&w, "source");
	doc_write_string(&w, "vendor", envelope->vendor);
	doc_write_string(&w, "stream", envelope->stream);
	doc_write_string(&w, "api", envelope->api);
	doc_write_string(&w, "collectorVersion", "1.4.2");
	doc_write_end(&w);
	write_upstream(&w, envelope, hash);
	doc_write_document(&w, "content");
	doc_write_string(&w, "format", envelope->format);
	doc_write_string(&w, "spec_version", envelope->spec);
	doc_write_raw(&w, "raw", raw);
	doc_write_end(&w);
	doc_write_document(&w, "identifiers");
	write_list(&w, "cve", envelope->cve);
	write_list(&w, "ghsa", strncmp(envelope->id, "GHSA", 4) == 0 ? envelope->id : NULL);
	write_list(&w, "aliases", NULL);
	doc_write_end(&w);
	doc_write_document(&w, "linkset");
	write_list(&w, "purls", envelope->purl);
	write_list(&w, "cpes", NULL);
	write_list(&w, "aliases", NULL);
	write_list(&w, "references", NULL);
	doc_write_end(&w);
	if (envelope->supersedes != NULL)
		doc_write_object_id(&w, "supersedes", envelope->supersedes);
	else if (!envelope->bare)
		doc_write_null(&w, "supersedes");
	doc_write_date(&w, "created_at", envelope->fetched + 1000);
	doc_write_end(&w);
	loader->next++;
	return str_check(out, err);
}

/* ---- the generator */

static const struct feed *choose_feed(struct random *random)
{
	unsigned at = random_below(random, 100);
	const struct feed *feed = feeds;

	while (at >= feed->share)
		at -= feed++->share;
	return feed;
}

static void begin_advisory(struct random *random, const struct feed *feed, uint32_t number,
	struct advisory *ret_advisory)
{
	struct advisory advisory = {
		.form = feed->form, .package = PICK(random, sample_packages), .revision = 1};

	(void)snprintf(advisory.cve, sizeof advisory.cve, "CVE-2024-%05u", number);
	if (feed->form == FORM_NVD)
		(void)snprintf(advisory.id, sizeof advisory.id, "%s", advisory.cve);
	else if (feed->form == FORM_OSV)
		(void)snprintf(advisory.id, sizeof advisory.id, "GHSA-%04x-%04x-%04x", number >> 16,
			number & 0xFFFF, random_below(random, 0x10000));
	else
		(void)snprintf(
			advisory.id, sizeof advisory.id, "%s-2024:%05u", feed->prefix, number);
	advisory.bare = random_one_in(random, 12);
	advisory.empty_affected = random_one_in(random, 25);
	if (random_one_in(random, LARGE_ONE_IN))
		advisory.large = (1 + random_below(random, 3)) * 1024 * 1024;
	advisory.seed = random_next(random);
	*ret_advisory = advisory;
}

static int load_one(struct loader *loader, const struct feed *feed, const struct advisory *advisory,
	const char *tenant, const uint8_t *supersedes, struct err *err)
{
	/* Large ones are built once a document: the same advisory, the same text. */
	struct random random = {advisory->seed + (uint64_t)advisory->revision / 3};
	CLEANUP_STR struct str raw = STR_INIT, doc = STR_INIT;
	struct doc_writer w;
	char purl[64];

	doc_write_begin(&w, &raw);
	if (advisory->form == FORM_OSV)
		write_osv(&w, &random, advisory);
	else if (advisory->form == FORM_NVD)
		write_nvd(&w, &random, advisory);
	else
		write_csaf(&w, &random, advisory);
	doc_write_end(&w);
	int result = str_check(&raw, err);
	if (result != 0)
		return result;
	(void)snprintf(purl, sizeof purl, "pkg:generic/%s", advisory->package);
	const struct envelope envelope = {
		.tenant = tenant,
		.vendor = feed->vendor,
		.stream = feed->stream,
		.api = feed->api,
		.format = feed->format,
		.spec = feed->spec,
		.id = advisory->id,
		.cve = advisory->cve,
		.purl = advisory->form == FORM_NVD && !advisory->empty_affected &&
					random_below(&random, 3) > 0
				? purl
				: NULL,
		.revision = advisory->revision,
		.fetched = first_time + (int64_t)loader->next * 60000,
		.bare = advisory->bare,
		.supersedes = supersedes,
	};
	result = write_envelope(loader, &envelope, str_bytes(&raw), &doc, err);
	if (result == 0)
		result = send(loader, str_bytes(&doc), err);
	return result;
}

/* An advisory with its revisions; some are told by another tenant too, some twice in other words.
 */
static int load_advisory(struct loader *loader, struct random *random, uint32_t number,
	int64_t count, struct err *err)
{
	const struct feed *feed = choose_feed(random);
	const char *tenant = PICK(random, tenants);
	unsigned revisions = random_one_in(random, 5) ? 1 + random_below(random, REVISIONS_MAX) : 1;
	bool twice = random_one_in(random, 30), elsewhere = random_one_in(random, 15);
	uint8_t previous[OBJECT_ID_SIZE];
	struct advisory advisory;
	int result = 0;

	begin_advisory(random, feed, number, &advisory);
	if (loader->no_large)
		advisory.large = 0;
	for (unsigned i = 0; result == 0 && i < revisions && loader->loaded < count; i++) {
		uint8_t id[OBJECT_ID_SIZE];
		advisory.revision = (int)i + 1;
		advisory.modified = first_time + (int64_t)loader->next * 60000 - 3600000;
		number_id(loader->next, id);
		result = load_one(loader, feed, &advisory, tenant, i == 0 ? NULL : previous, err);
		memcpy(previous, id, sizeof previous);
	}
	if (result == 0 && elsewhere && loader->loaded < count)
		result = load_one(loader, feed, &advisory, "umbrella", NULL, err);
	if (result == 0 && twice && loader->loaded < count) {
		advisory.revision = 9;
		result = load_one(loader, feed, &advisory, tenant, NULL, err);
	}
	return result;
}

/* ---- what must be left alone */

static int insert_text(struct mongo *mongo, const char *collection, const char *const *texts,
	size_t count, struct err *err)
{
	struct mongo_bulk *bulk CLEANUP(mongo_bulk_cleanup) = NULL;
	struct mongo_bulk_result done;
	int result = mongo_bulk_begin(mongo, collection, &bulk, err);

	for (size_t i = 0; result == 0 && i < count; i++) {
		struct json_doc *json CLEANUP(json_cleanup) = NULL;
		CLEANUP_STR struct str doc = STR_INIT;
		result = json_parse(bytes_of_string(texts[i]), JSON_LIMITS(65536), &json, err);
		if (result == 0)
			result = doc_from_json(json_root(json), &doc, err);
		if (result == 0)
			result = mongo_bulk_insert(bulk, str_bytes(&doc), err);
	}
	if (result == 0)
		result = mongo_bulk_run(bulk, &done, err);
	if (result == 0 && done.error_count > 0)
		result = err_set(err, ERR_MIGRATION, "%s", done.errors[0].message);
	return result;
}

static int plant(struct mongo *mongo, struct err *err)
{
	static const char *const sources[] = {
		"{\"_id\": \"ghsa\", \"enabled\": true, \"cursor\": {\"$date\": "
		"\"2024-06-01T00:00:00Z\"}}",
		"{\"_id\": \"nvd\", \"enabled\": true, \"note\": \"größer als früher\"}",
	};
	static const char *const jobs[] = {
		"{\"_id\": {\"$oid\": \"6592008000000000000000aa\"}, \"kind\": \"export\", "
		"\"state\": "
		"\"done\"}",
		"{\"_id\": {\"$oid\": \"6592008000000000000000ab\"}, \"kind\": \"export\", "
		"\"state\": "
		"\"waiting\", \"tries\": {\"$numberLong\": \"3\"}}",
	};
	static const char *const observations[] = {
		"{\"_id\": {\"$oid\": \"6592008000000000000000ba\"}, \"tenantId\": \"pilot\", "
		"\"source\": "
		"\"jvn\", \"advisoryId\": \"JVN-2024-0001\", \"title\": \"脆弱性\", \"affected\": "
		"[{\"purl\": \"pkg:generic/pilot\", \"versions\": [\"1.0\"], \"ranges\": []}], "
		"\"provenance\": {\"sourceArtifactSha\": \"00ff\", \"fetchedAt\": {\"$date\": "
		"\"2024-05-01T00:00:00Z\"}, \"ingestJobId\": \"live-17\"}, \"ingestedAt\": "
		"{\"$date\": "
		"\"2024-05-01T00:00:01Z\"}}",
	};
	int result = insert_text(mongo, "source_state", sources, 2, err);

	if (result == 0)
		result = insert_text(mongo, "jobs", jobs, 2, err);
	if (result == 0)
		result = insert_text(mongo, "advisory_observations", observations, 1, err);
	return result;
}

static int drop(struct mongo *mongo, struct err *err)
{
	CLEANUP_STR struct str command = STR_INIT, reply = STR_INIT;
	struct doc_writer w;

	doc_write_begin(&w, &command);
	doc_write_int32(&w, "dropDatabase", 1);
	doc_write_end(&w);
	return mongo_command(mongo, str_bytes(&command), &reply, NULL, err);
}

static int load(struct loader *loader, uint64_t seed, int64_t count, struct err *err)
{
	struct random random = {seed};
	uint32_t number = 1;
	int result = plant(loader->mongo, err);

	while (result == 0 && loader->loaded < count)
		result = load_advisory(loader, &random, number++, count, err);
	return result;
}

/* ---- OSV lines */

static int load_line(struct loader *loader, const char *tenant, struct bytes line, struct err *err)
{
	struct json_doc *json CLEANUP(json_cleanup) = NULL;
	CLEANUP_STR struct str raw = STR_INIT, doc = STR_INIT;
	const char *id = NULL, *modified = NULL;
	int64_t time = first_time;

	int result = json_parse(line, JSON_LIMITS(line.size), &json, err);
	if (result == 0)
		result = json_need_string(json_root(json), "id", 200, &id, err);
	if (result == 0)
		result = json_optional_string(json_root(json), "modified", 64, &modified, err);
	if (result == 0 && modified != NULL)
		result = time_parse(modified, &time, err);
	if (result == 0)
		result = doc_from_json(json_root(json), &raw, err);
	if (result != 0)
		return result;
	const struct envelope envelope = {
		.tenant = tenant,
		.vendor = strncmp(id, "PYSEC", 5) == 0 ? "PyPA" : "ghsa",
		.stream = "osv",
		.api = "https://osv.example",
		.format = "OSV",
		.spec = "1.6.0",
		.id = id,
		.revision = 1,
		.fetched = time,
	};
	result = write_envelope(loader, &envelope, str_bytes(&raw), &doc, err);
	if (result == 0)
		result = send(loader, str_bytes(&doc), err);
	return result;
}

static int load_osv(struct loader *loader, const char *tenant, const char *path, struct err *err)
{
	CLEANUP_STR struct str text = STR_INIT;
	int result = file_read_path(path, FILE_MAX, &text, err);
	size_t line = 0;

	for (char *at = text.text; result == 0 && at != NULL && *at != '\0'; line++) {
		size_t size = strcspn(at, "\n");
		if (size > 0)
			result = load_line(loader, tenant, bytes_make(at, size), err);
		if (result != 0)
			return err_context(err, "%s: line %zu", path, line + 1);
		at += size + (at[size] == '\n' ? 1 : 0);
	}
	return result;
}

/* ---- the program */

static int usage(void)
{
	(void)fputs("usage: sample load [--drop] [--seed N] [--count N] [--no-large] URI DATABASE\n"
		    "       sample load-osv [--drop] [--tenant NAME] FILE.jsonl URI DATABASE\n",
		stderr);
	return 64;
}

int main(int argc, char **argv)
{
	struct loader loader = {.next = 1};
	const char *tenant = "acme", *rest[3] = {NULL};
	uint64_t seed = 7;
	int64_t count = 3000;
	bool empty = false;
	size_t given = 0;
	struct err err;

	for (int i = 2; i < argc; i++) {
		bool more = i + 1 < argc;
		if (strcmp(argv[i], "--drop") == 0)
			empty = true;
		else if (strcmp(argv[i], "--no-large") == 0)
			loader.no_large = true;
		else if (strcmp(argv[i], "--seed") == 0 && more)
			seed = strtoull(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--count") == 0 && more)
			count = strtoll(argv[++i], NULL, 10);
		else if (strcmp(argv[i], "--tenant") == 0 && more)
			tenant = argv[++i];
		else if (argv[i][0] != '-' && given < 3)
			rest[given++] = argv[i];
		else
			return usage();
	}
	bool osv = argc > 1 && strcmp(argv[1], "load-osv") == 0;
	if (argc < 2 || (!osv && strcmp(argv[1], "load") != 0) || given != (osv ? 3 : 2))
		return usage();
	mongo_library_begin();
	int result = mongo_connect(rest[given - 2], rest[given - 1], &loader.mongo, &err);
	if (result == 0 && empty)
		result = drop(loader.mongo, &err);
	if (result == 0)
		result = osv ? load_osv(&loader, tenant, rest[0], &err)
			     : load(&loader, seed, count, &err);
	if (result == 0)
		result = flush(&loader, &err);
	mongo_bulk_free(loader.bulk);
	mongo_close(loader.mongo);
	mongo_library_end();
	if (result != 0) {
		(void)fprintf(stderr, "sample: %s\n", err.message);
		return err_exit_code(err.code);
	}
	(void)printf("%lld raw documents loaded\n", (long long)loader.loaded);
	return 0;
}
