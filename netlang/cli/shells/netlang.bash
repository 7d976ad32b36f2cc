# Completion of netlang for bash 4.4 or newer: commands, options, files, nets, sections and topics.

_netlang() {
    local current=${COMP_WORDS[COMP_CWORD]} kind value help path ending
    [[ $current == = ]] && current=
    current=${current#[\"\']}
    current=${current//\\/}
    COMPREPLY=()
    while IFS=$'\t' read -r kind value help; do
        case $kind in
            plain) COMPREPLY+=("$value") ;;
            dir)
                compopt -o filenames
                while IFS= read -r path; do COMPREPLY+=("$path"); done < <(compgen -d -- "$current")
                ;;
            file)
                compopt -o filenames
                while IFS= read -r path; do
                    if [[ -z ${value//|/} || -d ${path/#\~/$HOME} ]]; then
                        COMPREPLY+=("$path")
                        continue
                    fi
                    for ending in ${value//|/ }; do
                        [[ $path == *"$ending" ]] && COMPREPLY+=("$path")
                    done
                done < <(compgen -f -- "$current")
                ;;
        esac
    done < <(COMP_WORDS=${COMP_LINE:0:COMP_POINT} _NETLANG_COMPLETE=bash_complete \
        "${COMP_WORDS[0]/#\~/$HOME}" 2>/dev/null)
}

complete -o nosort -F _netlang netlang
