#!/usr/bin/env python3
"""backfill_pymongo: the derivation of migration 21-102, as one would write it in Python.

	backfill_pymongo.py URI DATABASE RUN

The peer of the bench: one process, batches of 500 source documents, the documents that are there
read and compared before the missing ones are inserted in one ordered bulk a collection. Its
documents are those of offkit, octet by octet, which the bench compares.
"""

import hashlib
import itertools
import sys

from bson.objectid import ObjectId
from pymongo import InsertOne, MongoClient
from pymongo.write_concern import WriteConcern

BATCH = 500
MISSING = object()
POLICY = "lnm linkset policy 1: sorted unions; confidence 1, or 0.5 when observations differ"


def sha256(text):
    return hashlib.sha256(text.encode()).hexdigest()


def object_id(text):
    return ObjectId(sha256(text)[:24])


def get(value, *names):
    for name in names:
        if not isinstance(value, dict):
            return MISSING
        value = value.get(name, MISSING)
    return value


def some(value, other):
    return other if value is MISSING or value is None else value


def fields(pairs):
    return {name: value for name, value in pairs if value is not MISSING}


def collect(array, *names):
    """What a path gives that goes through an array."""
    found = (get(item, *names) for item in some(array, []))
    return [value for value in found if value is not MISSING]


def flat(arrays):
    return [item for array in arrays for item in some(array, [])]


RANKS = {type(None): 2, int: 3, float: 3, str: 4, dict: 5, list: 6, ObjectId: 8, bool: 9}


def order(value):
    """A key that sorts as BSON does."""
    rank = RANKS[type(value)]
    if rank == 5:
        return (rank, [(order(v)[0], k, order(v)) for k, v in value.items()])
    if rank == 6:
        return (rank, [order(v) for v in value])
    return (rank, 0 if value is None else value.encode() if rank == 4 else value)


def union(values):
    """Distinct values in ascending order."""
    try:
        return sorted(set(values))
    except TypeError:
        values = sorted(values, key=order)
        return [v for i, v in enumerate(values) if i == 0 or v != values[i - 1]]


def severity(metric):
    score = some(get(metric, "baseScore"), MISSING)
    return fields(
        (
            ("system", "CVSS_V" + metric["version"][:1]),
            ("score", score if score is MISSING else float(score)),
            ("vector", get(metric, "vectorString")),
        )
    )


def osv(raw, doc, names):
    affected = some(get(raw, "affected"), [])
    severities = some(get(raw, "severity"), []) + flat(collect(affected, "severity"))
    return {
        "title": get(raw, "summary"),
        "summary": get(raw, "details"),
        "affected": [
            fields(
                (
                    ("purl", some(get(a, "package", "purl"), "")),
                    ("package", get(a, "package", "name")),
                    ("ecosystem", get(a, "package", "ecosystem")),
                    ("versions", some(get(a, "versions"), [])),
                    ("ranges", some(get(a, "ranges"), [])),
                )
            )
            for a in affected
        ],
        "severities": [
            fields((("system", get(s, "type")), ("vector", get(s, "score")))) for s in severities
        ],
        "references": union(collect(get(raw, "references"), "url")),
        "aliases": union(names + some(get(raw, "aliases"), [])),
        "related": some(get(raw, "related"), []),
        "scopes": MISSING,
    }


def nvd(raw, doc, names):
    cve = some(get(raw, "cve"), raw)
    english = [d for d in cve["descriptions"] if d.get("lang") == "en"]
    nodes = flat(collect(get(cve, "configurations"), "nodes"))
    matches = [m for m in flat(collect(nodes, "cpeMatch")) if m.get("vulnerable")]
    cpes = union(collect(matches, "criteria"))
    bounds = (
        "criteria",
        "versionStartIncluding",
        "versionStartExcluding",
        "versionEndIncluding",
        "versionEndExcluding",
    )
    ranges = []
    if matches:
        ranges = [{"type": "CPE", "events": [fields((b, get(m, b)) for b in bounds) for m in matches]}]
    linked = some(get(doc, "linkset", "purls"), [])
    purls = [""] if not linked and cpes else union(linked)
    metrics = get(cve, "metrics")
    kinds = ("cvssMetricV40", "cvssMetricV31", "cvssMetricV30", "cvssMetricV2")
    return {
        "title": get(cve, "cisaVulnerabilityName"),
        "summary": english[0].get("value", MISSING) if english else MISSING,
        "affected": [{"purl": p, "versions": [], "ranges": ranges, "cpes": cpes} for p in purls],
        "severities": [severity(m) for k in kinds for m in collect(get(metrics, k), "cvssData")],
        "references": union(collect(get(cve, "references"), "url")),
        "aliases": names,
        "related": [],
        "scopes": MISSING,
    }


def csaf_products(tree):
    level, products = some(get(tree, "branches"), []), []
    for _ in range(6):
        products += collect(level, "product")
        level = flat(collect(level, "branches"))
    if level:
        raise ValueError("a product tree of more than six levels")
    products += some(get(tree, "full_product_names"), [])
    return products + collect(get(tree, "relationships"), "full_product_name")


def csaf(raw, doc, names):
    document, tree = raw["document"], get(raw, "product_tree")
    vulnerabilities = some(get(raw, "vulnerabilities"), [])
    notes = some(get(document, "notes"), [])
    texts = [n for c in ("summary", "description") for n in notes if n.get("category") == c]
    status = collect(vulnerabilities, "product_status")
    kinds = ("known_affected", "first_affected", "last_affected")
    affected = set(flat(a for k in kinds for a in collect(status, k)))
    composed = [
        r
        for r in some(get(tree, "relationships"), [])
        if get(r, "full_product_name", "product_id") in affected
    ]
    ids = affected | set(collect(composed, "product_reference"))
    identified = [
        p
        for p in csaf_products(tree)
        if p.get("product_id") in ids and p.get("product_identification_helper") is not None
    ]
    scores = flat(collect(vulnerabilities, "scores"))
    label = get(document, "distribution", "tlp", "label")
    cves = collect(vulnerabilities, "cve")
    urls = collect(get(document, "references"), "url")
    return {
        "title": get(document, "title"),
        "summary": texts[0].get("text", MISSING) if texts else MISSING,
        "affected": [
            fields(
                (
                    ("purl", some(get(p, "product_identification_helper", "purl"), "")),
                    ("package", get(p, "name")),
                    ("versions", []),
                    ("ranges", []),
                    ("cpes", [c for c in [p["product_identification_helper"].get("cpe")] if c]),
                )
            )
            for p in identified
        ],
        "severities": union(
            [severity(m) for k in ("cvss_v4", "cvss_v3", "cvss_v2") for m in collect(scores, k)]
        ),
        "references": union(
            urls + flat(collect(v.get("references"), "url") for v in vulnerabilities)
        ),
        "aliases": union(names + cves),
        "related": [],
        "scopes": MISSING if label in (MISSING, None) else ["tlp:" + label.lower()],
    }


FORMS = {"OSV": osv, "NVD": nvd, "CSAF": csaf}


def identity(doc):
    """The text whose hash an observation's _id is made of."""
    return "|".join(
        (
            doc["tenant"],
            doc["source"]["vendor"].lower(),
            doc["upstream"]["upstream_id"],
            doc["upstream"]["content_hash"].replace("sha256:", "", 1),
        )
    )


def observe(doc, previous, run):
    """The observation, its tombstone and its event."""
    text, upstream = identity(doc), doc["upstream"]
    digest = sha256(text)
    own, tenant = ObjectId(digest[:24]), doc["tenant"]
    source, advisory = doc["source"]["vendor"].lower(), upstream["upstream_id"]
    times = (get(upstream, "fetched_at"), get(upstream, "received_at"), get(doc, "created_at"))
    fetched = next(t for t in times if t not in (MISSING, None))
    ingested = next(t for t in (times[2], times[1], times[0]) if t not in (MISSING, None))
    lists = [("identifiers", "cve"), ("identifiers", "ghsa"), ("identifiers", "aliases"), ("linkset", "aliases")]
    names = union([n for path in lists for n in some(get(doc, *path), [])])
    form = FORMS[doc["content"]["format"].upper()](doc["content"]["raw"], doc, names)
    superseded = MISSING if previous is None else object_id(identity(previous))
    relationships = [
        {"type": "alias", "source": advisory, "target": n} for n in form["aliases"] if n != advisory
    ] + [{"type": "related", "source": advisory, "target": n} for n in union(form["related"])]
    observation = fields(
        (
            ("_id", own),
            ("tenantId", tenant),
            ("source", source),
            ("advisoryId", advisory),
            ("title", form["title"]),
            ("summary", form["summary"]),
            ("affected", form["affected"]),
            ("severities", form["severities"]),
            ("references", form["references"]),
            ("scopes", form["scopes"]),
            ("relationships", relationships),
            ("supersedesId", superseded),
            (
                "provenance",
                fields(
                    (
                        ("sourceArtifactSha", upstream["content_hash"].replace("sha256:", "", 1)),
                        ("fetchedAt", fetched),
                        ("ingestJobId", run),
                        ("signature", get(upstream, "signature")),
                    )
                ),
            ),
            ("ingestedAt", ingested),
        )
    )
    event = fields(
        (
            ("_id", object_id("event|" + digest)),
            ("type", "advisory.observation.updated@1"),
            ("tenantId", "urn:tenant:" + tenant),
            ("observationId", own),
            ("source", source),
            ("advisoryId", advisory),
            ("observationHash", digest),
            ("supersedesId", superseded),
            ("createdAt", ingested),
            ("publishedAt", None),
            ("jobId", run),
        )
    )
    if superseded is MISSING:
        return observation, None, event
    tombstone = {
        "_id": object_id(f"tombstone|{superseded}|{own}"),
        "tenantId": tenant,
        "observationId": superseded,
        "supersededBy": own,
        "reason": "superseded",
        "createdAt": ingested,
        "jobId": run,
    }
    return observation, tombstone, event


def link(key, observations, gone, run):
    current = [o for o in observations if o["_id"] not in gone]
    if not current:
        return None
    tenant, source, advisory = key
    ids = [str(o["_id"]) for o in current]
    conflicts = [
        {"field": field, "reason": "observations differ", "sourceIds": ids}
        for field in ("affected", "severities", "summary", "title")
        if any(o.get(field) != current[0].get(field) for o in current)
    ]
    affected = flat(o.get("affected") for o in current)
    hashes = [
        sha256("|".join((o["tenantId"], o["source"], o["advisoryId"], o["provenance"]["sourceArtifactSha"])))
        for o in current
    ]
    return {
        "_id": object_id(f"linkset|{tenant}|{source}|{advisory}"),
        "tenantId": tenant,
        "source": source,
        "advisoryId": advisory,
        "observations": [o["_id"] for o in current],
        "normalized": {
            "purls": [p for p in union([a["purl"] for a in affected]) if p != ""],
            "versions": union(flat(a.get("versions") for a in affected)),
            "ranges": union(flat(a.get("ranges") for a in affected)),
            "severities": union(flat(o.get("severities") for o in current)),
        },
        "confidence": 0.5 if conflicts else 1.0,
        "conflicts": conflicts,
        "provenance": {
            "observationHashes": union(hashes),
            "toolVersion": "lnm-21-102",
            "policyHash": sha256(POLICY),
        },
        "createdAt": max(o["ingestedAt"] for o in current),
        "builtByJobId": run,
    }


def write(collection, documents):
    """What is missing is inserted; what is there has to be the same but for the run's id."""
    documents = [d for d in documents if d is not None]
    ids = [d["_id"] for d in documents]
    there = {d["_id"]: d for d in collection.find({"_id": {"$in": ids}})} if ids else {}
    for document in documents:
        other = there.get(document["_id"])
        if other is not None and stable(other) != stable(document):
            raise ValueError(f"{collection.name} {document['_id']} exists with other content")
    missing = [InsertOne(d) for d in documents if d["_id"] not in there]
    if missing:
        collection.bulk_write(missing, ordered=True)


def stable(document):
    document = {k: v for k, v in document.items() if k not in ("jobId", "builtByJobId", "publishedAt")}
    if "provenance" in document:
        document["provenance"] = {
            k: v for k, v in document["provenance"].items() if k != "ingestJobId"
        }
    return document


def batches(items, size):
    iterator = iter(items)
    while batch := list(itertools.islice(iterator, size)):
        yield batch


def observe_all(database, run):
    raw = database.advisory_raw
    wanted = {"tenant": 1, "source.vendor": 1, "upstream.upstream_id": 1, "upstream.content_hash": 1}
    for batch in batches(raw.find(sort=[("_id", 1)], batch_size=BATCH), BATCH):
        ids = [d["supersedes"] for d in batch if d.get("supersedes") is not None]
        previous = {d["_id"]: d for d in raw.find({"_id": {"$in": ids}}, wanted)} if ids else {}
        derived = [observe(d, previous.get(d.get("supersedes")), run) for d in batch]
        write(database.advisory_observations, [d[0] for d in derived])
        write(database.advisory_observation_tombstones, [d[1] for d in derived])
        write(database.advisory_observation_events, [d[2] for d in derived])


def link_all(database, run):
    def key(o):
        return o["tenantId"], o["source"], o["advisoryId"]

    cursor = database.advisory_observations.find(
        sort=[("tenantId", 1), ("source", 1), ("advisoryId", 1), ("_id", 1)], batch_size=BATCH
    )
    groups = ((k, list(g)) for k, g in itertools.groupby(cursor, key))
    for batch in batches(groups, BATCH):
        ids = [o["_id"] for _, group in batch for o in group]
        tombstones = database.advisory_observation_tombstones.find(
            {"observationId": {"$in": ids}}, {"observationId": 1}
        )
        gone = {t["observationId"] for t in tombstones}
        write(database.advisory_linksets, [link(k, group, gone, run) for k, group in batch])


def main(uri, name, run):
    client = MongoClient(uri)
    database = client.get_database(name, write_concern=WriteConcern(w=1, j=True))
    observe_all(database, run)
    link_all(database, run)


main(*sys.argv[1:])
