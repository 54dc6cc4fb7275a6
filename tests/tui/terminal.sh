# A terminal that a test types on and reads: tmux on a server of its own, without the user's
# configuration. To be sourced; wants $work, a folder of the test's.
#
#   terminal_open COLUMNSxROWS [NAME=VALUE…] -- COMMAND…   runs it in a new terminal
#   terminal_another …         the same beside those that are open, each by its number, $opened
#   terminal_use NUMBER        the one that is meant from now on
#   see TEXT, see_not TEXT    waits until the screen shows it, shows it no more
#   press KEY…                as tmux names them: Enter, Down, C-c, y
#   resize COLUMNSxROWS
#   screen [-e]               the screen as text; -e with its colours
#   ended STATUS              waits until the command ended with that status
#   terminal_same             whether the terminal's settings are as they were before it
#   terminal_close, terminal_close_all
#   $place/stderr      what the command said there; errors=/dev/tty shows it on the screen instead

terminal=offkit-$$
opened=0
terminals=0
place=
bound=${TERMINAL_BOUND:-600} # polls of 0.1 s until a test gives up

tm() { tmux -u -L "$terminal-$opened" -f /dev/null "$@"; }

terminal_open() {
	terminal_close
	terminal_another "$@"
}

terminal_use() {
	opened=$1
	place=$work/terminal-$opened
}

terminal_another() {
	local size=$1 environment=()
	shift
	while [ "$1" != -- ]; do
		environment+=("$1")
		shift
	done
	shift
	# A place of its own: what was closed may still be ending.
	terminals=$((terminals + 1))
	terminal_use "$terminals"
	mkdir "$place"
	: >"$place/stderr"
	{
		echo '#!/bin/bash'
		printf 'cd %q\n' "$PWD"
		printf 'stty -g >%q\n' "$place/stty-before"
		printf 'env %s%s 2>%q\n' "$(printf '%q ' "${environment[@]}")" "$(printf '%q ' "$@")" "${errors:-$place/stderr}"
		printf 'status=$?\nstty -g >%q\necho "$status" >%q.new\nmv %q.new %q\n' "$place/stty-after" \
			"$place/status" "$place/status" "$place/status"
		echo 'exec cat'
	} >"$place/inside"
	chmod +x "$place/inside"
	tm new-session -d -x "${size%x*}" -y "${size#*x}" -s test "$place/inside"
}

terminal_close() { tm kill-server 2>/dev/null; return 0; }

terminal_close_all() {
	for ((opened = 1; opened <= terminals; opened++)); do terminal_close; done
}

screen() { tm capture-pane -p "$@" -t test; }

until_true() {
	local i
	for ((i = 0; i < ${polls:-$bound}; i++)); do
		"$@" && return 0
		sleep 0.1
	done
	return 1
}

until_true_briefly() { polls=20 until_true "$@"; }

shows() { screen | grep -qF -- "$1"; }
shows_not() { ! shows "$1"; }

# Nothing more comes from a command that has ended.
shows_or_ended() { shows "$1" || [ -e "$place/status" ]; }

see() {
	until_true shows_or_ended "$1" && until_true_briefly shows "$1" && return 0
	why="the screen never showed \"$1\""
	[ ! -e "$place/status" ] || why+="; it ended with $(cat "$place/status"): $(tail -n +2 "$place/stderr" | head -n 2 | tr -s ' \n' ' ')"
	return 1
}

see_not() {
	until_true shows_not "$1" && return 0
	why="the screen still shows \"$1\""
	return 1
}

press() { tm send-keys -t test "$@"; }
resize() { tm resize-window -t test -x "${1%x*}" -y "${1#*x}"; }

ended() {
	if ! until_true test -e "$place/status"; then
		why="it did not end"
		return 1
	fi
	[ "$(cat "$place/status")" = "$1" ] && return 0
	why="it ended with $(cat "$place/status"), not $1: $(head -n 1 "$place/stderr")"
	return 1
}

terminal_same() {
	cmp -s "$place/stty-before" "$place/stty-after" && return 0
	why="the terminal's settings are not as they were"
	return 1
}
