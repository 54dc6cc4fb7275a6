# site.sh: sourced by run: one site of a worker, what is done to it in a case, and how it is judged.
# shellcheck shell=bash

# Paths that differ between two runs by their nature: run ids, and times of the records.
volatile=(--without offkit_state --without advisory_observations:provenance.ingestJobId --without advisory_linksets:builtByJobId
	--without advisory_observation_events:jobId --without advisory_observation_tombstones:jobId
	--without schema_migrations:runId --without schema_migrations:startedAt
	--without schema_migrations:finishedAt --without schema_migrations:durationMs)

# use_site NAME: a database, a state folder and a site file of its own. Its state folder's path is as
# long as every other's.
use_site() {
	database=sweep_$1
	place=$tmp/$1
	state=$place/state
	site=$place/site.json
	mkdir -p "$place"
	printf '#!/bin/sh\nexit 0\n' >"$place/freeze" && chmod 700 "$place/freeze"
	(umask 077; cat >"$site" <<-SITE
	{"name": "test", "environment": "demo", "database": {"uri": "$uri", "name": "$database"},
	 "stateDir": "$state", "backup": {"workers": 2},
	 "ingest": {"collections": ["advisory_raw", "source_state"], "freeze": {"argv": ["$place/freeze"]},
	            "silenceSeconds": 0, "watchSeconds": 0}}
	SITE
	)
}

# The site as it was before anything was done: documents, and a TTL that the freeze disarms.
fresh_site() {
	local try
	rm -rf "$state"
	# A command of a killed process may still be at work, and makes what is being dropped; and see server_hiccup.
	for try in 1 2 3; do
		"$tools/sample" load --drop --seed 7 --count "$documents" "$uri" "$database" >"$place/fresh" 2>&1 &&
			"$tools/db_command" "$uri" "$database" '{"createIndexes":"source_state","indexes":[{"name":"t","key":{"t":1},"expireAfterSeconds":7200}]}' >>"$place/fresh" 2>&1 &&
			return 0
	done
	cat "$place/fresh" >>"$place/said"
	return 1
}

run_offkit() { "$offkit" "$@" --yes --site "$site" </dev/null >>"$place/said" 2>&1; }
do_install() { run_offkit install --batch-size "$batch" "$@" "$kit"; }

# with_fault RULE COMMAND…: the same by the program with faults; waits until nobody is at work.
with_fault() {
	local rule=$1 status=0
	shift
	rm -f "$place/trace"
	(
		export OFFKIT_FAULT=$rule OFFKIT_FAULT_TRACE=$place/trace OFFKIT_FAULT_KINDS=${trace_kinds:-mkdir}
		offkit=$faulty "$@"
	) 2>>"$place/said" || status=$? # the shell says there that a child was killed
	[ ! -e "$state/lock" ] || flock -x "$state/lock" true
	return "$status"
}
struck() { grep -q ' struck ' "$place/trace" 2>/dev/null; }

# The whole lines: what stands behind the last line feed is torn.
journal() { sed -n '$!p; ${/}$/p}' "$state"/runs/*/events.jsonl 2>/dev/null; }
last_outcome() { journal | tail -n 1 | sed -n 's/.*"event":"run.end","outcome":"\([a-z]*\)".*/\1/p'; }
report_hash() { journal | sed -n 's/.*"reportHash":"\([0-9a-f]*\)".*/\1/p' | tail -n 1; }

# The database, the state folder's names without the run's, and the report's hash.
picture() {
	"$tools/site_digest" "${volatile[@]}" "$uri" "$database" || return 1
}
# A control socket that nobody listens on is taken away by whoever needs the place.
tree() {
	find "$state" ! -type s -printf '%y %P\n' | sed -E "s/[0-9]{8}T[0-9]{6}Z-[0-9a-f]{4}/RUN/g; s/$database/DATABASE/g" | LC_ALL=C sort -u
}

# Goes on as an operator would, with what the program itself offers, until it is done.
come_to() { # OUTCOME COMMAND…
	local outcome=$1 status try
	shift
	for try in 1 2 3; do
		[ "$(last_outcome)" != "$outcome" ] || return 0
		status=0
		run_offkit resume || status=$?
		# 64: no run waits here. The fault came before its first line.
		[ "$status" -ne 64 ] || "$@"
	done
	[ "$(last_outcome)" = "$outcome" ] || { echo "it is not $outcome after $try times"; return 1; }
}
finish_install() { come_to 'done' do_install; }
finish_rollback() { come_to undone run_offkit rollback; }

# same WHAT FILE COMMAND…: what it prints is the file's content.
same() {
	local what=$1 file=$2
	shift 2
	"$@" >"$place/now"
	cmp -s "$file" "$place/now" || {
		echo "$what differs:"
		diff "$file" "$place/now" | cut -c 1-300 | head -n 20
		return 1
	}
}
as_undisturbed() {
	local hash
	# Killed when it had ended, while it wrote its report or its receipt: whoever has the lock next does.
	if [ -n "$(find "$state" -name '.offkit-*.tmp')" ] || ! ls "$state"/runs/*/receipt.dsse >/dev/null 2>&1; then
		run_offkit resume
	fi
	hash=$(report_hash)
	[ "$hash" = "$(cat "$tmp/hash")" ] || { echo "report hash $hash"; return 1; }
	same "the database" "$tmp/after" picture && same "the state folder" "$tmp/tree" tree || return 1
	run_offkit status || { echo "status: exit $?"; return 1; }
}
# Whoever writes lines sends no command that changes something before they are synced. Of a backfill's
# workers some may write a batch while the line of another one is on its way; the lease is kept by a
# thread of its own, and is no effect.
durable_first() { # TRACE
	awk '
		/ write [^ ]*events.jsonl / { open[$1] = 1 }
		/ sync [^ ]*events.jsonl 0$/ { open[$1] = 0; lines++ }
		/ send (insert|update|delete|create|collMod|drop|findAndModify)/ && !/offkit_state/ {
			effects++
			if (open[$1]) { print "before the line is durable: " $0; bad++ }
		}
		END { if (lines < 20 || effects < 5) { print lines + 0 " lines, " effects + 0 " effects"; bad++ } exit bad > 0 }
	' "$1"
}

as_before() { same "the database after the rollback" "$tmp/before" picture; }

# What this database server says now and then when another of its databases makes or drops a
# collection at the same time, whatever the fault is: such a case is begun again, twice at most.
server_hiccup='Unable to create the specified collection \(server.s code 1\)|\$\$NOW operator cannot be used within this specific context'
was_hiccup() { grep -qE "$server_hiccup" "$place/said"; }

# one_case PHASE RULE CODES ROLLBACK: silent when all is well.
one_case() {
	local why again=0
	until why=$(case_once "$@"); do
		was_hiccup && [ $((again += 1)) -le 2 ] || { echo "$why"; return 1; }
	done
	[ -z "$why" ] || echo "$why"
}

case_once() {
	local phase=$1 rule=$2 codes=$3 back=$4 status=0
	: >"$place/said"
	fresh_site || { echo "no fresh site"; return 1; }
	case $phase in
	install) with_fault "$rule" do_install || status=$? ;;
	resume)
		with_fault "$broken_off" do_install
		with_fault "$rule" run_offkit resume || status=$?
		;;
	rollback)
		do_install || { echo "install: exit $?"; return 1; }
		with_fault "$rule" run_offkit rollback || status=$?
		;;
	esac
	# Not every walk makes the same number of calls to the server.
	if ! struck; then
		[ "$status" = 0 ] || { echo "the fault did not come (exit $status)"; return 1; }
		echo missed
		return 0
	fi
	[[ " $codes " == *" $status "* ]] || { echo "exit $status"; return 1; }
	judge "$phase" "$status" || return 1
	[ "$back" = no ] || [ "$phase" = rollback ] || run_offkit rollback || { echo "rolled back afterwards: exit $?"; return 1; }
	[ "$back" = no ] || [ "$phase" = rollback ] || as_before
}

judge() { # PHASE STATUS
	case $1.$2 in
	*.0) ;; # what says that it is done has to be
	rollback.*) finish_rollback || return 1 ;;
	install.10)
		# Nothing was changed, and it is to be started again, which also removes the collection
		# of the preflight that lost its server.
		local scratch
		scratch=$("$tools/db_command" "$uri" "$database" '{"listCollections":1,"nameOnly":true}' | grep -o 'offkit_scratch_[^"]*')
		[ -z "$scratch" ] || "$tools/db_command" "$uri" "$database" "{\"drop\":\"$scratch\"}" >/dev/null
		as_before && exits 64 run_offkit resume || return 1
		do_install || { echo "begun again: exit $?"; return 1; }
		;;
	*) finish_install || return 1 ;;
	esac
	if [ "$1" = rollback ]; then as_before; else as_undisturbed; fi
}
