#!/bin/zsh -f
# completions.zsh PROGRAM WORK LINE…: what an interactive zsh with its completion system proposes for
# each LINE when the tab key is pressed, as a line of sorted words; the program is on the PATH, and
# WORK is a folder for this run. The completion is loaded from the function path, as it is installed.
zmodload zsh/zpty || exit 1
program=$1 work=$2
shift 2
mkdir -p $work/functions || exit 1
$program completion zsh >$work/functions/_$program || exit 1
cat >$work/setup <<'END'
PS1= PS2= RPS1= HISTFILE=
fpath=($WORK/functions $fpath)
autoload -Uz compinit && compinit -u -D
bindkey '^I' complete-word
bindkey '^U' kill-whole-line
unsetopt zle_bracketed_paste prompt_sp 2>/dev/null
zle_highlight=(none)
zstyle ':completion:*' menu no
zstyle ':completion:*' completer _complete
compprefuncs=(mark) comppostfuncs=(mark)
mark() { compprefuncs=(mark) comppostfuncs=(mark); print -rn -- $'\001' }
# What would be proposed, as the system adds it.
compadd() {
	local -a hits
	if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then
		builtin compadd "$@"
		return
	fi
	builtin compadd -A hits "$@"
	((!$#hits)) || print -rl -- "" $'\002'$^hits
	builtin compadd "$@"
}
print -r -- $'\001'ready$'\001'
END
zpty shell "WORK=${(q)work} TERM=dumb HOME=${(q)work} zsh -f -i"
zpty -w shell "source ${(q)work}/setup"
zpty -r shell answer $'*\001ready\001*' || exit 1
for line; do
	zpty -w -n shell "$line"$'\t'
	zpty -r shell answer $'*\001*\001*' || exit 1
	print -r -- ${(oj: :)${(M)${(f)${answer//$'\r'/}}:#$'\002'*}#$'\002'}
	zpty -w -n shell $'\x15'
done
zpty -d shell
