#!/bin/bash
# The shell's completion offers every command, and to each every option that its help lists.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
[ -x "${ASSAY_BINARY:-}" ] || exit 77
ASSAY_BINARY=$(realpath "$ASSAY_BINARY")
failed=0 commands=0 options=0

eval "$("$ASSAY_BINARY" completion bash)"

# Is the last word offered behind the others?
offered() {
    local wanted=${*: -1} i
    COMP_WORDS=(assay "${@:1:$#-1}" "$wanted") COMP_CWORD=$# COMPREPLY=()
    _assay || : # compgen says 1 when nothing fits
    for i in "${COMPREPLY[@]}"; do [ "$i" != "$wanted" ] || return 0; done
    echo "not offered: assay $*"
    failed=1
}

while read -r name; do
    read -ra words <<< "$name"
    commands=$((commands + 1))
    for ((i = 1; i <= ${#words[@]}; i++)); do
        offered "${words[@]:0:i}"
        offered help "${words[@]:0:i}"
    done
    while read -r option; do
        options=$((options + 1))
        offered "${words[@]}" "$option"
    done < <("$ASSAY_BINARY" help "${words[@]}" | sed -n '/^options:/,/^$/s/^ *\(-[a-z], \)\? *\(--[a-z-]*\).*/\2/p')
done < <("$ASSAY_BINARY" help | sed -n 's/^  \([a-z]\+\( [a-z]\+\)\?\)   *.*/\1/p')

echo "completion: $commands commands, $options options"
[ "$commands" -ge 60 ] && [ "$options" -ge $((commands * 5)) ] && exit "$failed"
exit 1
