# What the scripts here share: where things are, and check.
# shellcheck shell=bash
top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
cd "$top" || exit 1
out=$top/${OUT:-build/release} keys=$top/fixtures/keys interop=$top/tests/interop
testenv=${OFFKIT_TESTENV:-$top/${BUILD:-build}/testenv}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

fail() { # NAME WHY
	echo "FAIL $1: $2"
	failed=1
}

check() { # NAME COMMAND…
	local name=$1
	shift
	if "$@" >"$work/output" 2>&1; then
		echo "ok $name"
	else
		fail "$name" "$(tail -n 3 "$work/output" | tr '\n' ' ')"
	fi
}

# refuse NAME CODE COMMAND…: it must end with that exit code.
refuse() {
	local name=$1 code=$2 got=0
	shift 2
	"$@" >"$work/output" 2>&1 || got=$?
	if [ "$got" = "$code" ]; then
		echo "ok $name"
	else
		fail "$name" "exit code $got, not $code: $(tail -n 3 "$work/output" | tr '\n' ' ')"
	fi
}

need() { # COMMAND NAME
	command -v "$1" >/dev/null && return 0
	echo "skip $2: $1 is not here"
	return 1
}
