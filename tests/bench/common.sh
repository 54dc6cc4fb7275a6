# common.sh: sourced by what measures: rounds of commands, the best of each, and the goals they are held against.
# shellcheck shell=bash
dir=${BENCH_DIR:-$build/bench} rounds=${BENCH_ROUNDS:-3}
tools=$PWD/$out/tools
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
declare -A wall cpu memory

say() { printf 'bench: %s\n' "$*" >&2; }
less() { awk "BEGIN { exit !($1 < $2) }"; }
ratio() { awk "BEGIN { printf \"%.3f\", $1 / $2 }"; }

# one NAME COMMAND…: a round of a command, which begins with an empty folder "out" and no "state".
one() {
	local name=$1 w c m
	shift
	rm -rf "$dir/out" "$dir/state"
	mkdir "$dir/out"
	sync -f "$dir"
	(cd "$dir" && "$tools/measure" "$dir/result" "$@" >/dev/null 2>&1) || { say "FAILED: $name" && exit 1; }
	read -r w c m <"$dir/result"
	if [ -z "${wall[$name]:-}" ] || less "$w" "${wall[$name]}"; then wall[$name]=$w; fi
	if [ -z "${cpu[$name]:-}" ] || less "$c" "${cpu[$name]}"; then cpu[$name]=$c; fi
	if [ -z "${memory[$name]:-}" ] || less "${memory[$name]}" "$m"; then memory[$name]=$m; fi
}

show() { # NAME…
	local name
	printf '  %-44s %9s %9s %9s\n' '' 'wall s' 'cpu s' 'peak MiB'
	for name; do
		printf '  %-44s %9.3f %9.3f %9.1f\n' "$name" "${wall[$name]}" "${cpu[$name]}" "${memory[$name]}"
	done
}

goals=()
# goal TEXT VALUE LIMIT [HOW]: HOW is "most" or "least".
goal() {
	local verdict=held low=$2 high=$3
	[ "${4:-most}" = most ] || { low=$3 high=$2; }
	less "$high" "$low" && verdict=MISSED
	goals+=("$(printf '  %-62s %8s   %s %-8s %s' "$1" "$2" "$([ "${4:-most}" = most ] && echo 'at most ' || echo 'at least')" "$3" "$verdict")")
}

against() { # TEXT NAME PEER LIMIT
	goal "$1: wall" "$(ratio "${wall[$2]}" "${wall[$3]}")" "$4"
	goals+=("$(printf '  %-62s %8s' '    processor time' "$(ratio "${cpu[$2]}" "${cpu[$3]}")")")
}

show_goals() {
	printf '\n%s, %s processors, load %s\n' "$(uname -sr)" "$(nproc)" "$(cut -d' ' -f1-3 /proc/loadavg)"
	printf '  %-62s %8s   goal\n' '' measured
	printf '%s\n' "${goals[@]}"
}
