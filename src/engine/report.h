/*
 * report: what a run did, from its journal: canonical JSON (kit-layout/report.schema.json), text,
 * and one page of HTML that needs nothing else and can be printed.
 */
#ifndef OFFKIT_ENGINE_REPORT_H
#define OFFKIT_ENGINE_REPORT_H

#include "engine/history.h"
#include "steps/step.h"

#define REPORT_NAME "report.json"
enum { REPORT_SIZE_MAX = 64 * 1024 * 1024 };

/* The walk's last step: writes report.json, report.txt and report.html into the run's folder. */
extern const struct step_kind step_report;

/* The report of a run as canonical JSON. head: the chain's as it was read. */
MUST_CHECK int report_json(const struct history *history, const struct journal_head *head,
	struct str *out, struct err *err);

/* The same for a person, from that JSON. */
MUST_CHECK int report_text(const struct json *report, struct str *out, struct err *err);
MUST_CHECK int report_html(const struct json *report, struct str *out, struct err *err);

/* Writes the three files into the run's folder. */
MUST_CHECK int report_write(const struct history *history, const struct journal_head *head,
	int run_dirfd, struct err *err);

/* The checks of a step of the report, if it is one that has some (validate); NULL: none. */
const struct json *report_checks(const struct json *step);

#endif
