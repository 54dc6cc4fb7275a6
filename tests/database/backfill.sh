# backfill.sh: sourced by the tests that carry out the backfill by itself: databases, steps and what
# a test asks of them. The script sets `suite`, its name in the output.
# shellcheck shell=bash
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1
out=${OUT:-build/release}
uri=${OFFKIT_TEST_URI:?}
work=$(mktemp -d)
databases=()
failed=0
ensure=kit-layout/lnm/migrations/21-101/migration.json
backfill=kit-layout/lnm/migrations/21-102/migration.json
observations=advisory_observations

leave() {
	local one
	rm -rf "$work"
	for one in "${databases[@]}"; do drop "$one"; done
}
trap leave EXIT

ok() { echo "ok $suite: $1"; }
fail() {
	echo "FAIL $suite: $1"
	failed=1
}
is() { if [ "$2" = "$3" ]; then ok "$1"; else fail "$1: '$2', not '$3'"; fi; }
command() { "$out/tools/db_command" "$uri" "$1" "$2"; } # DATABASE COMMAND
drop() { command "$1" '{"dropDatabase": 1}' >/dev/null 2>&1; }
step() { # VERB MIGRATION DATABASE [OPTION…]; its progress depends on the time, and is left out
	local verb=$1 migration=$2 database=$3 status=0
	shift 3
	"$out/tools/try_step" "$@" "$verb" "$migration" "$uri" "$database" "$work/$database" 2>"$work/stderr" || status=$?
	grep -v '^progress ' "$work/stderr" >&2
	return $status
}
hash_of() { sha256sum <"$work/$1/backfill-21-102.json" | cut -d' ' -f1; }
forget() { rm -rf "$work/$1"/*21-102* "$work/$1"/*.ndjson; } # DATABASE: the run's folder
fresh() { # DATABASE [COUNT]: the sample's advisories
	databases+=("$1")
	"$out/tools/sample" load --drop --seed 7 --count "${2:-1200}" "$uri" "$1" >/dev/null &&
		step apply "$ensure" "$1" >/dev/null
	forget "$1"
}
# Every document of a collection, without the run's id, in one digest.
content() { # DATABASE COLLECTION
	command "$1" "{\"aggregate\": \"$2\", \"cursor\": {\"batchSize\": 100000}, \"pipeline\": [
		{\"\$sort\": {\"_id\": 1}}, {\"\$project\": {\"jobId\": 0, \"builtByJobId\": 0, \"provenance.ingestJobId\": 0}}]}" |
		sed 's/.*firstBatch//' | sha256sum | cut -d' ' -f1
}
contents() {
	local one
	for one in $observations advisory_observation_tombstones advisory_observation_events advisory_linksets; do
		content "$1" "$one"
	done
}
# Counted by aggregation: the count command may lag behind.
count() { # DATABASE COLLECTION
	command "$1" "{\"aggregate\": \"$2\", \"cursor\": {}, \"pipeline\": [{\"\$count\": \"n\"}]}" |
		grep -o '"n" *: *[0-9]*' | grep -o '[0-9]*$' || echo 0
}
