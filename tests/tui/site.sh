# A site to walk on: a server, sample advisories, a signed kit, hooks, a site file. To be sourced;
# wants $work. OFFKIT_TEST_URI names a server that is there already.
#
#   site_make COUNT     $work/site.json and $work/lnm.kit.tar.zst
#   site_remove

site_make() {
	database=${database:-offkit_tui_$$}
	local hook
	for hook in freeze unfreeze; do
		printf '#!/bin/sh\nexec %s %s\n' "$PWD/tests/demo/hooks/$hook" "$work" >"$work/$hook"
		chmod 755 "$work/$hook"
	done
	if [ -n "${OFFKIT_TEST_URI:-}" ]; then
		printf '%s\n' "$OFFKIT_TEST_URI" >"$work/uri"
	else
		tests/env/server start "$work/server" >"$work/uri" || return 1
	fi
	chmod 600 "$work/uri"
	printf '%s\n' "$database" >"$work/database"
	"$OUT/tools/sample" load --drop --seed 7 --count "$1" "$(cat "$work/uri")" "$database" >/dev/null || return 1
	tests/demo/kit-sources "$OUT/offkit-pack" "$work/lnm" &&
	"$OUT/offkit-pack" build "$work/lnm" -o "$work/lnm.kit.tar.zst" \
		--key fixtures/keys/release-eu.key --key fixtures/keys/release-us.key >/dev/null 2>&1 || return 1
	(
		umask 077
		cat >"$work/site.json" <<-SITE
		{
		  "name": "vault-3",
		  "environment": "staging",
		  "database": { "uriFile": "$work/uri", "name": "$database" },
		  "stateDir": "$work/state",
		  "ingest": {
		    "collections": ["advisory_raw", "advisory_observation_events"],
		    "freeze": { "argv": ["$work/freeze"] },
		    "unfreeze": { "argv": ["$work/unfreeze"] },
		    "silenceSeconds": 1,
		    "watchSeconds": 3
		  }
		}
		SITE
	)
}

site_remove() {
	[ ! -e "$work/publisher.pid" ] || tests/demo/hooks/freeze "$work" >/dev/null 2>&1
	if [ -e "$work/server" ]; then
		tests/env/server stop "$work/server" >/dev/null 2>&1
	elif [ -e "$work/uri" ]; then
		"$OUT/tools/db_command" "$(cat "$work/uri")" "$database" '{"dropDatabase": 1}' >/dev/null 2>&1
	fi
	return 0
}
