/* What the feeds would have sent: content.raw in OSV, NVD JSON 2.0 and CSAF 2.0 form. */
#ifndef OFFKIT_TESTS_SAMPLE_RAW_H
#define OFFKIT_TESTS_SAMPLE_RAW_H

#include "base/clock.h"
#include "mongo/value.h"
#include "sample_random.h"

enum sample_form { FORM_OSV, FORM_NVD, FORM_CSAF };

/* One advisory as its source knows it; a revision changes what it says, not what it is about. */
struct advisory {
	enum sample_form form;
	char id[48];
	char cve[24];
	const char *package;
	int revision;	     /* from 1 */
	int64_t modified;    /* ms */
	unsigned large;	     /* octets of text to add; 0: none */
	bool bare;	     /* without its optional fields */
	bool empty_affected; /* affects nothing that it names */
	uint64_t seed;	     /* what the revisions have in common */
};

static inline void write_time(struct doc_writer *w, const char *name, int64_t time)
{
	char text[RFC3339_SIZE];

	time_format(time, text);
	doc_write_string(w, name, text);
}

static inline void write_text(struct doc_writer *w, const char *name, struct random *random,
	unsigned words, unsigned octets, int revision)
{
	CLEANUP_STR struct str text = STR_INIT;

	random_sentence(random, words, &text);
	while (text.size < octets) {
		str_append_char(&text, ' ');
		random_sentence(random, 40, &text);
	}
	str_append_format(&text, " (revision %d)", revision);
	doc_write_string(w, name, str_text(&text));
}

static inline void write_url(struct doc_writer *w, const char *name, struct random *random)
{
	char url[96];

	(void)snprintf(
		url, sizeof url, "https://advisories.example/%08x", (unsigned)random_next(random));
	doc_write_string(w, name, url);
}

/* ---- OSV */

static inline void osv_event(struct doc_writer *w, const char *kind, const char *version)
{
	doc_write_document(w, NULL);
	doc_write_string(w, kind, version);
	doc_write_end(w);
}

static inline void osv_affected(struct doc_writer *w, struct random *random,
	const struct advisory *advisory, unsigned number)
{
	char text[96];

	doc_write_document(w, NULL);
	doc_write_document(w, "package");
	(void)snprintf(text, sizeof text, "%s%.0u", advisory->package, number);
	doc_write_string(w, "name", text);
	doc_write_string(w, "ecosystem", number % 2 == 0 ? "npm" : "PyPI");
	(void)snprintf(text, sizeof text, "pkg:%s/%s%.0u", number % 2 == 0 ? "npm" : "pypi",
		advisory->package, number);
	if (!random_one_in(random, 9))
		doc_write_string(w, "purl", text);
	doc_write_end(w);
	doc_write_array(w, "ranges");
	doc_write_document(w, NULL);
	doc_write_string(w, "type", random_one_in(random, 4) ? "GIT" : "SEMVER");
	doc_write_array(w, "events");
	osv_event(w, "introduced", "0");
	unsigned major = 1 + random_below(random, 4), minor = random_below(random, 20);
	(void)snprintf(text, sizeof text, "%u.%u.%d", major, minor, advisory->revision);
	osv_event(w, "fixed", text);
	doc_write_end(w);
	doc_write_end(w);
	doc_write_end(w);
	if (random_one_in(random, 2)) {
		doc_write_array(w, "versions");
		for (unsigned i = 0, count = random_below(random, 6); i < count; i++) {
			(void)snprintf(text, sizeof text, "0.%u", i);
			doc_write_string(w, NULL, text);
		}
		doc_write_end(w);
	}
	doc_write_end(w);
}

static inline void write_osv(
	struct doc_writer *w, struct random *random, const struct advisory *advisory)
{
	unsigned affected = advisory->empty_affected ? 0 : 1 + random_below(random, 3);

	doc_write_string(w, "schema_version", "1.6.0");
	doc_write_string(w, "id", advisory->id);
	write_time(w, "modified", advisory->modified);
	doc_write_array(w, "aliases");
	doc_write_string(w, NULL, advisory->cve);
	doc_write_end(w);
	if (!advisory->bare)
		write_text(w, "summary", random, 6, 0, advisory->revision);
	write_text(w, "details", random, 30, advisory->large, advisory->revision);
	doc_write_array(w, "affected");
	for (unsigned i = 0; i < affected; i++)
		osv_affected(w, random, advisory, i);
	doc_write_end(w);
	if (advisory->bare)
		return;
	doc_write_array(w, "severity");
	doc_write_document(w, NULL);
	doc_write_string(w, "type", "CVSS_V3");
	doc_write_string(w, "score", "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H");
	doc_write_end(w);
	doc_write_end(w);
	doc_write_array(w, "references");
	for (unsigned i = 0, count = 1 + random_below(random, 4); i < count; i++) {
		doc_write_document(w, NULL);
		doc_write_string(w, "type", "WEB");
		write_url(w, "url", random);
		doc_write_end(w);
	}
	doc_write_end(w);
}

/* ---- NVD */

static inline void nvd_metric(
	struct doc_writer *w, const char *name, const char *version, double score)
{
	char vector[96];

	doc_write_array(w, name);
	doc_write_document(w, NULL);
	doc_write_string(w, "source", "nvd@nist.example");
	doc_write_string(w, "type", "Primary");
	doc_write_document(w, "cvssData");
	doc_write_string(w, "version", version);
	(void)snprintf(
		vector, sizeof vector, "CVSS:%s/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:N/A:N", version);
	doc_write_string(w, "vectorString", vector);
	doc_write_double(w, "baseScore", score);
	doc_write_end(w);
	doc_write_end(w);
	doc_write_end(w);
}

static inline void nvd_configurations(
	struct doc_writer *w, struct random *random, const struct advisory *advisory)
{
	char text[160];

	doc_write_array(w, "configurations");
	doc_write_document(w, NULL);
	doc_write_array(w, "nodes");
	doc_write_document(w, NULL);
	doc_write_string(w, "operator", "OR");
	doc_write_bool(w, "negate", false);
	doc_write_array(w, "cpeMatch");
	for (unsigned i = 0, count = 1 + random_below(random, 5); i < count; i++) {
		doc_write_document(w, NULL);
		doc_write_bool(w, "vulnerable", !random_one_in(random, 5));
		(void)snprintf(text, sizeof text, "cpe:2.3:a:example:%s:*:*:*:*:*:*:*:%u",
			advisory->package, i);
		doc_write_string(w, "criteria", text);
		(void)snprintf(text, sizeof text, "%u.%d", 1 + random_below(random, 9),
			advisory->revision);
		doc_write_string(w, "versionEndExcluding", text);
		doc_write_end(w);
	}
	doc_write_end(w);
	doc_write_end(w);
	doc_write_end(w);
	doc_write_end(w);
	doc_write_end(w);
}

static inline void write_nvd(
	struct doc_writer *w, struct random *random, const struct advisory *advisory)
{
	doc_write_document(w, "cve");
	doc_write_string(w, "id", advisory->id);
	doc_write_string(w, "sourceIdentifier", "cna@vendor.example");
	write_time(w, "lastModified", advisory->modified);
	doc_write_string(w, "vulnStatus", "Analyzed");
	doc_write_array(w, "descriptions");
	doc_write_document(w, NULL);
	doc_write_string(w, "lang", "es");
	write_text(w, "value", random, 10, 0, advisory->revision);
	doc_write_end(w);
	doc_write_document(w, NULL);
	doc_write_string(w, "lang", "en");
	write_text(w, "value", random, 25, advisory->large, advisory->revision);
	doc_write_end(w);
	doc_write_end(w);
	if (!advisory->bare) {
		doc_write_document(w, "metrics");
		nvd_metric(w, "cvssMetricV31", "3.1", (double)(10 + random_below(random, 90)) / 10);
		if (random_one_in(random, 3))
			nvd_metric(w, "cvssMetricV2", "2.0", 5);
		doc_write_end(w);
	}
	if (!advisory->empty_affected)
		nvd_configurations(w, random, advisory);
	doc_write_array(w, "references");
	for (unsigned i = 0, count = random_below(random, 4); i < count; i++) {
		doc_write_document(w, NULL);
		write_url(w, "url", random);
		doc_write_string(w, "source", "cna@vendor.example");
		doc_write_end(w);
	}
	doc_write_end(w);
	doc_write_end(w);
}

/* ---- CSAF */

static inline void csaf_tree(struct doc_writer *w, struct random *random,
	const struct advisory *advisory, unsigned count)
{
	char text[128];

	(void)random;
	doc_write_document(w, "product_tree");
	doc_write_array(w, "branches");
	doc_write_document(w, NULL);
	doc_write_string(w, "category", "vendor");
	doc_write_string(w, "name", "Example GmbH");
	doc_write_array(w, "branches");
	doc_write_document(w, NULL);
	doc_write_string(w, "category", "product_name");
	doc_write_string(w, "name", advisory->package);
	doc_write_array(w, "branches");
	for (unsigned i = 0; i < count; i++) {
		doc_write_document(w, NULL);
		doc_write_string(w, "category", "product_version");
		(void)snprintf(text, sizeof text, "1.%u", i);
		doc_write_string(w, "name", text);
		doc_write_document(w, "product");
		(void)snprintf(text, sizeof text, "%s 1.%u", advisory->package, i);
		doc_write_string(w, "name", text);
		(void)snprintf(text, sizeof text, "P-%u", i);
		doc_write_string(w, "product_id", text);
		doc_write_document(w, "product_identification_helper");
		(void)snprintf(text, sizeof text, "pkg:rpm/example/%s@1.%u", advisory->package, i);
		doc_write_string(w, "purl", text);
		(void)snprintf(text, sizeof text, "cpe:/a:example:%s:1.%u", advisory->package, i);
		doc_write_string(w, "cpe", text);
		doc_write_end(w);
		doc_write_end(w);
		doc_write_end(w);
	}
	doc_write_end(w);
	doc_write_end(w);
	doc_write_end(w);
	doc_write_end(w);
	doc_write_end(w);
	doc_write_end(w);
}

static inline void csaf_vulnerability(struct doc_writer *w, struct random *random,
	const struct advisory *advisory, unsigned count)
{
	char text[32];

	doc_write_document(w, NULL);
	doc_write_string(w, "cve", advisory->cve);
	doc_write_document(w, "product_status");
	doc_write_array(w, "known_affected");
	for (unsigned i = 0; i < count; i++) {
		(void)snprintf(text, sizeof text, "P-%u", i);
		if (!random_one_in(random, 4))
			doc_write_string(w, NULL, text);
	}
	doc_write_end(w);
	doc_write_end(w);
	if (!advisory->bare) {
		doc_write_array(w, "scores");
		doc_write_document(w, NULL);
		doc_write_document(w, "cvss_v3");
		doc_write_string(w, "version", "3.1");
		doc_write_string(w, "vectorString", "CVSS:3.1/AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H");
		doc_write_double(w, "baseScore", 7.8);
		doc_write_end(w);
		doc_write_array(w, "products");
		doc_write_string(w, NULL, "P-0");
		doc_write_end(w);
		doc_write_end(w);
		doc_write_end(w);
	}
	doc_write_end(w);
}

static inline void write_csaf(
	struct doc_writer *w, struct random *random, const struct advisory *advisory)
{
	unsigned products = advisory->empty_affected ? 0 : 1 + random_below(random, 6);

	doc_write_document(w, "document");
	doc_write_string(w, "category", "csaf_security_advisory");
	doc_write_string(w, "csaf_version", "2.0");
	write_text(w, "title", random, 5, 0, advisory->revision);
	doc_write_document(w, "tracking");
	doc_write_string(w, "id", advisory->id);
	write_time(w, "current_release_date", advisory->modified);
	doc_write_end(w);
	if (!advisory->bare) {
		doc_write_array(w, "notes");
		doc_write_document(w, NULL);
		doc_write_string(w, "category", "description");
		write_text(w, "text", random, 20, advisory->large, advisory->revision);
		doc_write_end(w);
		doc_write_end(w);
		doc_write_document(w, "distribution");
		doc_write_document(w, "tlp");
		doc_write_string(w, "label", "WHITE");
		doc_write_end(w);
		doc_write_end(w);
	}
	doc_write_array(w, "references");
	doc_write_document(w, NULL);
	doc_write_string(w, "category", "self");
	write_url(w, "url", random);
	doc_write_end(w);
	doc_write_end(w);
	doc_write_end(w);
	if (products > 0)
		csaf_tree(w, random, advisory, products);
	doc_write_array(w, "vulnerabilities");
	csaf_vulnerability(w, random, advisory, products);
	doc_write_end(w);
}

#endif
