#compdef netlang
# Completion of netlang for zsh: commands, options, files, nets, sections and topics.

_netlang() {
    local line="${(j: :)words[1,CURRENT-1]} $PREFIX" answer kind value help
    local -a described answers
    answers=("${(@f)$(COMP_WORDS=$line _NETLANG_COMPLETE=zsh_complete ${~${(Q)words[1]}} 2>/dev/null)}")
    [[ $PREFIX == *=* ]] && compset -P 1 '*='
    for answer in $answers; do
        kind=${answer%%$'\t'*}
        value=${${answer#*$'\t'}%%$'\t'*}
        help=${answer##*$'\t'}
        case $kind in
            plain) described+=("${value//:/\\:}${help:+:$help}") ;;
            dir) _files -/ ;;
            file)
                if [[ $value == '|' ]]; then
                    _files
                else
                    _files -g "*($value)(-.)"
                fi
                ;;
        esac
    done
    (( $#described )) && _describe -V netlang described
}

(( $+functions[compdef] )) || { autoload -Uz compinit && compinit }
if [[ $zsh_eval_context[-1] == loadautofunc ]]; then
    _netlang "$@"
else
    compdef _netlang netlang
fi
