# objects.sh: sourced by run: the group "objects". A site whose kit is in place has its payloads moved to
# the object store and back again, over and over, each time with a fault. After each fault no pointer may
# lead to nothing; gone on with, the end is that of an undisturbed move, and of an undisturbed undo.
# shellcheck shell=bash

pointers=advisory_payload_pointers
moved=(--without "$pointers:runId")

# Twelve files in GridFS, of which two have the same octets.
with_payloads() {
	local n files='' chunks='' octets
	for n in {1..12}; do
		octets=$(printf 'payload of advisory %02d' $((n == 12 ? 11 : n)) | base64)
		files+=",{\"_id\":$n,\"length\":22,\"chunkSize\":1000}"
		chunks+=",{\"_id\":$n,\"files_id\":$n,\"n\":0,\"data\":{\"\$binary\":{\"base64\":\"$octets\",\"subType\":\"00\"}}}"
	done
	fresh_site && "$tools/db_command" "$uri" "$database" "{\"insert\":\"documents.files\",\"documents\":[${files:1}]}" >/dev/null &&
		"$tools/db_command" "$uri" "$database" "{\"insert\":\"documents.chunks\",\"documents\":[${chunks:1}]}" >/dev/null && do_install
}

picture_of_objects() {
	"$tools/site_digest" "${volatile[@]}" "${moved[@]}" "$uri" "$database" &&
		{ [ ! -d "$state/objects" ] || (cd "$state/objects" && find . -type f | LC_ALL=C sort); }
}
# Only a pointer that leads to nothing, or to other octets, makes it 2.
no_pointer_is_lost() {
	"$offkit" object verify --pointers "$pointers" --site "$site" >"$place/verified" 2>&1 || [ $? != 2 ] || { cat "$place/verified"; return 1; }
}
# Killed when it had ended, while it wrote its report or its receipt: whoever has the lock next does.
nothing_is_left() {
	[ -z "$(find "$state" -name '.offkit-*.tmp')" ] || run_offkit resume
	! find "$state" -name 'object.*' -o -name '.new-*' -o -name '.offkit-*.tmp' | grep .
}
runs_begun() { journal | grep -c '"event":"run.begin"'; }
# A run is told from the one before by the second in which it begins.
next_second() { local now=$EPOCHSECONDS; while [ "$EPOCHSECONDS" = "$now" ]; do sleep 0.05; done; }

move() { do_install --with 21-103; }
move_back() { run_offkit rollback --remove-objects; }

# break_off RULE: the move is cut off, and stays so.
break_off() {
	: >"$place/said"
	with_fault "$1" move
	struck && no_pointer_is_lost || { echo "move, $1: the fault did not come, or a pointer leads to nothing"; return 1; }
}

# half WHAT RULE PICTURE OUTCOME COMMAND…: the command with the fault, and what it has to come to.
half() {
	local what=$1 rule=$2 picture=$3 outcome=$4 status=0 runs
	runs=$(runs_begun)
	shift 4
	: >"$place/said"
	with_fault "$rule" "$@" || status=$?
	# Not every walk makes the same number of calls.
	struck || [ "$status" = 0 ] || { echo "$what, $rule: the fault did not come (exit $status)"; return 1; }
	struck || echo missed
	[[ " 0 10 13 14 75 137 " == *" $status "* ]] || { echo "$what, $rule: exit $status"; return 1; }
	no_pointer_is_lost || { echo "$what, $rule: a pointer leads to nothing"; return 1; }
	# It came to nothing, or not even to its first line: it is to be started again.
	[ "$status" != 10 ] && { [ "$outcome" != 'done' ] || [ "$(runs_begun)" != "$runs" ]; } || "$@"
	come_to "$outcome" "$@" && same "$what, $rule" "$picture" picture_of_objects && nothing_is_left
}

# Pairs: what meets the move, and what meets the undo, which comes "at once" if it is said.
pairs() {
	local n
	if [ -z "$all" ]; then
		cat <<-PAIRS
		send@insert 3 power|send@delete 1 power
		rename@/objects 3 power|send@delete 2 power-answered
		write@object.putting 1 torn|unlink@/objects 4 kill
		send@collMod 2 power-answered|rename@object.removing 1 power
		sync@/objects 5 lose|unlink@object.removing 1 kill
		send@insert 3 power-answered|send@delete 2 ECONNRESET
		rename@/objects 4 power-after|unlink@/objects 2 power-after|at once
		PAIRS
		return
	fi
	paste -d '|' <(faults_of move) <(faults_of back) | sed 's/^|/rename@\/objects 3 power|/; s/|$/|unlink@\/objects 4 kill/'
}
faults_of() { # move or back: a fault at each call, of every kind that it makes
	local kind n
	for kind in write sync rename open truncate mkdir unlink; do
		for n in $(every "$(grep -c " $kind [^ ]*/state" "$tmp/trace-$1")" 1 1); do
			echo "$kind@/state $n $([ $((n % 3)) = 0 ] && echo EIO || { [ $((n % 3)) = 1 ] && echo power || echo kill-after; })"
		done
	done
	for n in $(every "$(grep -c ' send ' "$tmp/trace-$1")" 1 1); do
		echo "send $n $([ $((n % 2)) = 0 ] && echo power || echo kill-answered)"
	done
}

both() { # MOVE BACK [HOW]
	next_second
	if [ "$3" = 'at once' ]; then break_off "$1"; else half move "$1" "$tmp/objects-after" 'done' move; fi && half back "$2" "$tmp/objects-before" undone move_back
}
work_on_objects() { # WORKER
	local number=0 there back how why again
	use_site "mover$1"
	while IFS='|' read -r there back how; do
		[ $((number++ % workers)) -eq "$1" ] || continue
		again=0
		until why=$(both "$there" "$back" "$how" 2>&1); do
			was_hiccup && [ $((again += 1)) -le 2 ] && with_payloads || { again=-1; break; }
		done
		if [ "$again" != -1 ]; then
			echo "${why:-fine}" | tail -n 1
		else
			echo "FAIL sweep: objects: $(head -n 1 <<<"$why")"
			{ tail -n +2 <<<"$why"; tail -n 15 "$place/said"; } | sed 's/^/  /'
			rm -rf "$tmp/kept-objects-$number" && cp -r "$place" "$tmp/kept-objects-$number"
			with_payloads
		fi
	done <"$tmp/cases-objects"
}
undisturbed_objects() {
	use_site mover0
	with_payloads && picture_of_objects >"$tmp/objects-before" && next_second || return 1
	watched move move && picture_of_objects >"$tmp/objects-after" || return 1
	watched back move_back && same "undone" "$tmp/objects-before" picture_of_objects && nothing_is_left
}
sweep_objects() {
	local i pids=() begun=$SECONDS
	for ((i = 1; i < workers; i++)); do
		(use_site "mover$i" && with_payloads) &
		pids+=($!)
	done
	undisturbed_objects || { echo "FAIL sweep: objects: an undisturbed move and undo"; cat "$place/said"; failed=1; }
	[ "${#pids[@]}" = 0 ] || wait "${pids[@]}"
	pairs >"$tmp/cases-objects"
	pids=()
	for ((i = 0; i < workers; i++)); do
		work_on_objects "$i" >"$tmp/done-objects-$i" &
		pids+=($!)
	done
	wait "${pids[@]}"
	verdict objects $((SECONDS - begun))
}
