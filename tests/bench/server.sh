# server.sh: sourced by what measures against a database server: a server, and what it did itself.
# shellcheck shell=bash
server=$dir/server
declare -A server_cpu

# Ticks of both processes and what they started: of living children, and of those that ended.
server_ticks() {
	local name pid child sum=0
	local -a field
	[ -f "$server/pids" ] || { echo 0 && return; }
	while read -r name pid _; do
		read -ra field <<<"$(sed 's/.*) //' "/proc/$pid/stat")"
		sum=$((sum + field[11] + field[12] + field[13] + field[14]))
		for child in $(cat "/proc/$pid/task/$pid/children"); do
			read -ra field <<<"$(sed 's/.*) //' "/proc/$child/stat" 2>/dev/null || echo)"
			[ ${#field[@]} -lt 13 ] || sum=$((sum + field[11] + field[12]))
		done
	done <"$server/pids"
	echo "$sum"
}

timed() { # NAME COMMAND…
	local before after took
	before=$(server_ticks)
	one "$@"
	after=$(server_ticks)
	took=$(awk "BEGIN { printf \"%.3f\", ($after - $before) / $(getconf CLK_TCK) }")
	if [ -z "${server_cpu[$1]:-}" ] || less "$took" "${server_cpu[$1]}"; then server_cpu[$1]=$took; fi
}

show_with_server() { # NAME…
	local name
	printf '  %-44s %9s %9s %9s %9s\n' '' 'wall s' 'own cpu s' 'server s' 'peak MiB'
	for name; do
		printf '  %-44s %9.3f %9.3f %9.3f %9.1f\n' "$name" "${wall[$name]}" "${cpu[$name]}" "${server_cpu[$name]}" "${memory[$name]}"
	done
}

drop() { "$tools/db_command" "$uri" "$1" '{"dropDatabase":1}' >/dev/null; }

faster() { # TEXT NAME PEER LIMIT: how many times as many documents a second
	goal "$1" "$(ratio "${wall[$3]}" "${wall[$2]}")" "$4" least
}
