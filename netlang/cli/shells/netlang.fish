# Completion of netlang for fish: commands, options, files, nets, sections and topics.

function __netlang_complete
    set -l token (commandline -ct | string collect)
    set -l line (commandline -cp | string collect)
    set -l words (commandline -opc)
    set -l prefix (string match -r '^[^=]*=' -- $token)
    set -l rest (string replace -r '^[^=]*=' '' -- $token)
    for reply in (env COMP_WORDS=$line _NETLANG_COMPLETE=fish_complete $words[1] 2>/dev/null)
        set -l parts (string split \t -- $reply)
        switch $parts[1]
            case plain
                printf '%s%s\t%s\n' "$prefix" $parts[2] $parts[3]
            case dir
                set -l found (__fish_complete_directories "$rest" '')
                string replace -r '^' -- "$prefix" $found
            case file
                set -l endings (string replace -a . '\\.' -- $parts[2])
                set -l found (complete -C "__fish_command_without_completions $rest" | string replace -r '\t.*' '')
                string replace -r '^' -- "$prefix" (string match -r "^.*(?:/|$endings)\$" -- $found)
        end
    end
end

complete --command netlang --no-files --arguments '(__netlang_complete)'
