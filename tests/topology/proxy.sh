# proxy.sh: sourced after tests/database/common.sh: topology proxies in front of the test's server.
# shellcheck shell=bash

# start_proxy NAME SCENARIO: the scenario is JSON (tests/topology/proxy/README.md). Sets proxy_uri;
# $tmp/NAME.log is what was asked. Ends with the test.
start_proxy() {
	local name=$1 i
	printf '%s\n' "$2" >"$tmp/$name.json"
	rm -f "$tmp/$name.uri"
	"$tools/topology_proxy" --server "$uri" --scenario "$tmp/$name.json" --uri "$tmp/$name.uri" \
		--log "$tmp/$name.log" --while $$ >"$tmp/$name.out" 2>&1 &
	echo $! >"$tmp/$name.pid"
	for ((i = 0; i < 600; i++)); do
		if [ -s "$tmp/$name.uri" ]; then
			proxy_uri=$(cat "$tmp/$name.uri")
			return 0
		fi
		kill -0 "$(cat "$tmp/$name.pid")" 2>/dev/null || break
		sleep 0.05
	done
	cat "$tmp/$name.out"
	return 1
}

stop_proxy() { # NAME
	local pid
	pid=$(cat "$tmp/$1.pid") && kill "$pid" && wait "$pid"
	rm -f "$tmp/$1.pid"
}

# asked NAME COMMAND [COLLECTION]: how many such commands that proxy was sent.
asked() { grep -c "\"command\":\"$2\",\"ns\":\"[^.]*\.${3:-}" "$tmp/$1.log"; }

# await_file FILE: until it is there.
await_file() {
	local i
	for ((i = 0; i < 6000; i++)); do
		[ ! -e "$1" ] || return 0
		sleep 0.02
	done
	return 1
}
