# Says what zsh proposes: each candidate in <>. Arguments: a folder with completions, and what was typed before Tab.
zmodload zsh/zpty || exit 9
zpty shell zsh -f -i
# The inner shell prints what is added to its list, and leaves when the list is done. `zpty` takes lines in order, so nothing is waited for.
zpty -w shell "fpath=(${(q)1} \$fpath); autoload -Uz compinit && compinit -u -D
compadd() { local -a hits; [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]] || { builtin compadd -A hits \"\$@\"; (( \$#hits )) && print -l -- \"<\"\${^hits}\">\" }; builtin compadd \"\$@\" }
comppostfuncs=(exit)
print rea''dy"
while zpty -r shell line && [[ $line != *ready* ]]; do :; done
zpty -n -w shell "$2"$'\t'
while zpty -r shell line; do print -rn -- "$line"; done
