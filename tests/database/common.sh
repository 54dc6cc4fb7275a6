# common.sh: sourced by test-walk, test-kill and test-lost: a server, a kit, a site, and what a test asks of them.
# shellcheck shell=bash
set -uo pipefail

# At the end of a pipe: grep -q would leave before all is written, and who writes still would fail.
finds() { grep -c "$@" >/dev/null; }

cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit 1

OUT=${OUT:-build/release}
offkit=$PWD/$OUT/offkit
pack=$PWD/$OUT/offkit-pack
tools=$PWD/$OUT/tools
tmp=$(mktemp -d)
chmod 700 "$tmp"
failed=0

# The process that does the work, which has the lock on the state folder.
engine_pid() { sed -n 's/^{"pid":\([0-9]*\),.*/\1/p' "$state/lock"; }

# An engine that waits for an answer waits for ever: none stays behind a test.
end_engines() {
	local lock pid
	for lock in "$tmp"/state-*/lock; do
		[ -e "$lock" ] || continue
		pid=$(sed -n 's/^{"pid":\([0-9]*\),.*/\1/p' "$lock")
		flock -n "$lock" true || kill -9 "$pid" 2>/dev/null
	done
}

finish() {
	end_engines
	[ ! -e "$tmp/server" ] || tests/env/server stop "$tmp/server" >/dev/null 2>&1
	rm -rf "$tmp"
	exit "$failed"
}
trap finish EXIT

# check NAME COMMAND…: the name says which test it is; its output is shown when it fails.
check() {
	local name=$1
	shift
	if "$@" >"$tmp/output" 2>&1; then
		echo "ok $name"
	else
		echo "FAIL $name"
		tail -n 40 "$tmp/output" | sed 's/^/  /'
		failed=1
	fi
}

start_server() { tests/env/server start "$tmp/server" "$@" >"$tmp/uri" && uri=$(cat "$tmp/uri"); }

# The kit of Link-Not-Merge, signed by two of the demo root's keys.
make_kit() {
	"$pack" build kit-layout/lnm -o "$tmp/kit" --key fixtures/keys/release-eu.key \
		--key fixtures/keys/release-us.key >/dev/null 2>&1
	kit=$tmp/kit
}

# sample DATABASE COUNT: the same advisories each time.
sample() { "$tools/sample" load --drop --seed 7 --count "$2" "$uri" "$1" >/dev/null; }

# afresh: the sample database as it was before anything was done.
afresh() {
	command_reply '{"dropDatabase":1}' >/dev/null
	sample "$database" "${sample_size:-1500}"
	new_site "$database"
}

# new_site DATABASE: a state folder and a site file of its own, without hooks.
new_site() {
	state=$tmp/state-$1
	site=$tmp/site-$1.json
	database=$1
	rm -rf "$state"
	(umask 077; cat >"$site" <<-SITE
	{"name": "test", "environment": "demo", "database": {"uri": "$uri", "name": "$1"},
	 "stateDir": "$state",
	 "limits": {"leaseSeconds": ${lease:-60}},
	 "ingest": {"collections": ["advisory_raw"], "silenceSeconds": ${silence:-0}, "watchSeconds": 1}}
	SITE
	)
}

kit_install() { "$offkit" install --yes --site "$site" "$@" "$kit"; }
resume() { "$offkit" resume --yes --site "$site" "$@"; }
rollback() { "$offkit" rollback --yes --site "$site" "$@"; }

# exits CODE COMMAND…
exits() {
	local code=$1 status=0
	shift
	"$@" || status=$?
	[ "$status" -eq "$code" ] || { echo "exit $status, wanted $code: $*"; return 1; }
}

# until_not CODE COMMAND…: again while it ends with that code; gives its own.
until_not() {
	local code=$1 status i
	shift
	for ((i = 0; i < 600; i++)); do
		status=0
		"$@" || status=$?
		[ "$status" -eq "$code" ] || return "$status"
		sleep 0.1
	done
	return "$code"
}

# Runs it, and kills its engine as soon as the journal has that many lines. A run that was faster is
# fine. The command outlives its engine, and says that it has ended.
run_until() { # LINES COMMAND…
	local at=$1 pid
	shift
	"$@" >"$tmp/killed" 2>&1 &
	pid=$!
	while kill -0 "$pid" 2>/dev/null; do
		if [ "$(cat "$state"/runs/*/events.jsonl 2>/dev/null | wc -l)" -ge "$at" ]; then
			kill -9 "$(engine_pid)" 2>/dev/null
			break
		fi
	done
	wait "$pid" 2>/dev/null
	true
}

# at_terminal ANSWERS COMMAND…: types the answers, each a line and when it is asked for, and gives the
# command's exit code.
at_terminal() {
	local answers=$1 asked=0 pid answer status=0 polls
	shift
	rm -f "$tmp/typed" && mkfifo "$tmp/typed"
	: >"$tmp/screen"
	LC_ALL=C.UTF-8 script -qec "exec $(printf '%q ' "$@")" /dev/null <"$tmp/typed" >"$tmp/screen" &
	pid=$!
	exec 8>"$tmp/typed"
	while IFS= read -r answer; do
		asked=$((asked + 1))
		polls=0
		until [ "$(grep -aoE '(choice|Wahl) \[[0-9]+\]: |^> ' "$tmp/screen" | wc -l)" -ge "$asked" ]; do
			kill -0 "$pid" 2>/dev/null || break 2
			polls=$((polls + 1))
			if [ "$polls" -gt 6000 ]; then
				echo "it never asked for answer $asked: $answer"
				kill "$pid"
				break 2
			fi
			sleep 0.02
		done
		printf '%s\n' "$answer" >&8
	done < <(printf "$answers")
	wait "$pid" || status=$?
	exec 8>&-
	tr -d '\r' <"$tmp/screen"
	return "$status"
}

# starts FILE COMMAND…: in the background, as $!; what it says goes to the file. The shell empties it in the
# child, which may come late: whoever looks for words there would find those of the one before.
starts() {
	local file=$1
	shift
	: >"$file"
	"$@" >"$file" 2>&1 &
}

command_reply() { "$tools/db_command" "$uri" "$database" "$1"; }
# By aggregation: the count command of some servers lags behind.
count() {
	command_reply "{\"aggregate\":\"$1\",\"pipeline\":[{\"\$count\":\"n\"}],\"cursor\":{}}" |
		grep -o '"n" : [0-9]*' | grep -o '[0-9]*' || echo 0
}
# Observations that the backfill wrote; the sample has one of its own.
ours() { echo $(($(count advisory_observations) - 1)); }
report_hash() { # of the newest run
	sed -n 's/.*"reportHash":"\([0-9a-f]*\)".*/\1/p' "$state"/runs/*/events.jsonl | tail -n 1
}
events() { cat "$state"/runs/*/events.jsonl; }

# The collections of the site: what offkit keeps for itself is none.
collections() {
	command_reply '{"listCollections":1}' | grep -o '"name" : "[a-z_]*", "type"' | cut -d'"' -f4 |
		grep -vx offkit_state | sort
}

# What the database is, whatever the run that made it is called: collections, options, indexes and
# counts.
shape() {
	local name
	for name in $(collections); do
		echo "$name $(count "$name") $(command_reply "{\"listIndexes\":\"$name\"}" |
			grep -o '"name" : "[^"]*"' | sort | tr '\n' ' ')"
	done
}
