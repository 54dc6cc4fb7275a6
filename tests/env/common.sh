# Sourced by setup, server and test: where the environment is, and how
# PostgreSQL, which refuses to run as root, is run when we are root.
# shellcheck shell=bash

top=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
testenv=${OFFKIT_TESTENV:-$top/build/testenv}
mkdir -p "$testenv"
testenv=$(cd "$testenv" && pwd -P)

say() { printf '%s: %s\n' "${0##*/}" "$*" >&2; }
die() { say "$*"; exit 1; }

# The tree and the work folders may lie below a home folder that only root can
# enter, so the unprivileged process keeps the right to pass through folders;
# the securebit makes access(2), which initdb asks, honour that right too.
unprivileged=()
if [ "$(id -u)" = 0 ]; then
	pass='-all,+dac_override'
	unprivileged=(setpriv --reuid=65534 --regid=65534 --clear-groups
		--securebits=+no_setuid_fixup "--inh-caps=$pass" "--ambient-caps=$pass")
	"${unprivileged[@]}" true 2>/dev/null || unprivileged=("${unprivileged[@]:0:4}")
	unset pass
fi

own_unprivileged() {
	if [ "$(id -u)" = 0 ]; then chown -R 65534:65534 "$@"; fi
}
