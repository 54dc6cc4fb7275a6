# ensure.sh: sourced after common.sh: one ensure migration by itself, and what it finds.
# shellcheck shell=bash
database=ensure

# What is there: collections with options, and indexes, byte by byte; not the uuid, which a collection
# that is made anew has not.
definitions() {
	local name
	for name in $(command_reply '{"listCollections":1}' | grep -o '"name" : "[a-z_]*", "type"' |
		cut -d'"' -f4 | sort); do
		command_reply '{"listCollections":1,"filter":{"name":"'"$name"'"}}' |
			grep -o '"options" : .*, "info"' || return 1
		command_reply "{\"listIndexes\":\"$name\"}" || return 1
	done
}
commands() { "$tools/db_command" "$uri" "$database" - >"$tmp/replies" || { cat "$tmp/replies"; return 1; }; }
migration() { # COLLECTIONS: as JSON
	printf '{"id":"1","kind":"ensure","title":"t","collections":%s}\n' "$1" >"$tmp/migration.json"
}
step() { # VERB OPTION…
	local verb=$1
	shift
	"$tools/try_step" "$@" "$verb" "$tmp/migration.json" "$uri" "$database" "$tmp/step"
}
afresh() {
	rm -rf "$tmp/step"
	commands <<-'EOF'
	{"dropDatabase":1}
	{"create":"old"}
	{"collMod":"old","validator":{"size":{"$ne":{"$numberLong":"5"}}},"validationLevel":"moderate","validationAction":"warn"}
	{"createIndexes":"old","indexes":[{"key":{"at":1},"name":"at","expireAfterSeconds":{"$numberLong":"86400"}},{"key":{"kept":1},"name":"kept"},{"key":{"r":{"$numberDouble":"1.0"}},"name":"was","partialFilterExpression":{"r":{"$gt":{"$numberLong":"5"}}}}]}
	{"insert":"old","documents":[{"_id":1,"r":7,"u":1,"at":{"$date":"2026-01-01T00:00:00Z"}},{"_id":2,"u":2}]}
	EOF
}
