# For scripts of tests/scripts that set T to a folder and have a `fail`.
wants() { # CODE TEXT COMMAND…: ends so, and says that
    code=$1 text=$2
    shift 2
    got=0
    "$@" >"$T/out" 2>&1 || got=$?
    [ "$got" -eq "$code" ] || { cat "$T/out"; fail "$*: exit $got, not $code"; }
    grep -q -e "$text" "$T/out" || { cat "$T/out"; fail "$*: says nothing of: $text"; }
}
