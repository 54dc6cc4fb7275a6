# shellcheck shell=bash
# Servers of Amazon S3's API for tests, on 127.0.0.1, in $tmp.

testenv=${OFFKIT_TESTENV:-${BUILD:-build}/testenv}
case $testenv in /*) ;; *) testenv=$PWD/$testenv ;; esac
export AWS_ACCESS_KEY_ID=offkitkey AWS_SECRET_ACCESS_KEY=secretOfTheTest
unset AWS_SESSION_TOKEN
started=()

stop_servers() {
	local pid
	for pid in "${started[@]}"; do kill "$pid" 2>/dev/null && wait "$pid" 2>/dev/null; done
	started=()
}

# until_it COMMAND…: waits for it to hold, a minute at most.
until_it() {
	local i
	for ((i = 0; i < 600; i++)); do
		"$@" && return
		sleep 0.1
	done
	return 1
}
answers() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
free_port() { python3 -c 'import socket
s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }

# Another may take a free port before the server does: then another is tried.
on_free_port() { # COMMAND… with PORT for the port; sets port
	local tries words
	for tries in 1 2 3 4 5; do
		port=$(free_port)
		words=("${@//PORT/$port}")
		"${words[@]}" >>"$tmp/servers.log" 2>&1 &
		started+=($!)
		until_it eval "answers $port || ! kill -0 $! 2>/dev/null"
		sleep 0.1
		kill -0 $! 2>/dev/null && return
	done
	tail -n 5 "$tmp/servers.log"
	return 1
}

start_versitygw() { # FOLDER [OPTION…]; sets port
	local folder=$1
	shift
	mkdir -p "$folder/bucket"
	on_free_port env "ROOT_ACCESS_KEY=$AWS_ACCESS_KEY_ID" "ROOT_SECRET_KEY=$AWS_SECRET_ACCESS_KEY" \
		"$testenv/versitygw/versitygw" --port 127.0.0.1:PORT "$@" posix "$folder"
}
start_moto() { # sets port
	on_free_port env "PYTHONPATH=$testenv/moto" PYTHONDONTWRITEBYTECODE=1 python3 -m moto.server -H 127.0.0.1 -p PORT &&
		python3 -c 'import sys, urllib.request
urllib.request.urlopen(urllib.request.Request("http://127.0.0.1:%s/bucket" % sys.argv[1], method="PUT"))' "$port"
}
# Between a store and the server at port; sets faults_port.
start_faults() { # NAME
	mkdir -p "$tmp/$1"
	python3 tests/object-s3/faults "$port" "$tmp/$1" >>"$tmp/servers.log" 2>&1 &
	started+=($!)
	until_it test -s "$tmp/$1/port" && faults_port=$(<"$tmp/$1/port")
}
