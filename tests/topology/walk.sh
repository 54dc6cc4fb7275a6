# walk.sh: sourced by the tests that walk through a proxy: what an undisturbed walk leaves, to compare with.
# shellcheck shell=bash
# shellcheck source=tests/database/common.sh
. "${BASH_SOURCE[0]%/*}/../database/common.sh"
# shellcheck source=tests/topology/proxy.sh
. tests/topology/proxy.sh

# begin_walks DATABASE: without a proxy; sets real, whole (the report's hash), want and before (shapes).
begin_walks() {
	sample_size=${sample_size:-300}
	start_server && make_kit || { echo "FAIL $1: no server or no kit"; failed=1; exit; }
	real=$uri
	sample "$1" "$sample_size"
	new_site "$1"
	kit_install --batch-size 100 >/dev/null 2>&1
	whole=$(report_hash)
	want=$(shape)
	rollback >/dev/null 2>&1
	before=$(shape)
	[ -n "$whole" ] || { echo "FAIL $1: the undisturbed walk failed"; failed=1; exit; }
}

# through_proxy SCENARIO [URI-OPTIONS]: the sample afresh, and a site that knows the proxy only.
through_proxy() {
	[ ! -e "$tmp/front.pid" ] || stop_proxy front
	uri=$real
	afresh
	start_proxy front "$1" || return 1
	uri=$proxy_uri${2:-}
	new_site "$database"
	uri=$real
}

as_undisturbed() {
	[ "$(report_hash)" = "$whole" ] || { echo "hash $(report_hash), wanted $whole"; return 1; }
	[ "$(shape)" = "$want" ] || { diff <(echo "$want") <(shape); return 1; }
}

as_before() { [ "$(shape)" = "$before" ] || { diff <(echo "$before") <(shape); return 1; }; }

# every_rule_acted COUNT: of the scenario in front.
every_rule_acted() {
	local rule
	for ((rule = 1; rule <= $1; rule++)); do
		grep -q "\"rule\":$rule}" "$tmp/front.log" || { echo "rule $rule did not act"; return 1; }
	done
}

# said_within FILE TEXT PID: until the file has the text, or the process has ended.
said_within() {
	while ! grep -q "$2" "$1" 2>/dev/null; do
		# Its last words may have come in between.
		kill -0 "$3" 2>/dev/null || grep -q "$2" "$1" || { cat "$1"; return 1; }
		sleep 0.02
	done
}
