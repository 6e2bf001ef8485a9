#!/bin/sh
# Gates side by side, stopped by Ctrl-C, by a polite kill and by kill -9 at several moments: no process and no
# folder stays, and the next run goes on from the evidence that was made.
set -eu
[ -x "${ASSAY_BINARY:-}" ] || exit 77
command -v setsid >/dev/null || exit 77
assay=$ASSAY_BINARY
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/g.XXXXXX")
trap 'rm -rf "$work"' EXIT
export ASSAY_STORE="$work/store" ASSAY_KEYS="$work/keys" TMPDIR="$work"
data=$root/testdata/tinyworld
"$assay" -q init --no-passphrase >/dev/null
for part in pairs exact battery; do "$assay" -q add "$data/tinyworld-$part.jsonl" --name "$part" >/dev/null; done
"$assay" -q add "$data/tinyworld-1.0.slm" --name tinyworld --version 1.0 --license CC0-1.0 >/dev/null
gates=structural,smoke,task,safety
[ ! -x /usr/bin/chromium ] || [ ! -x /usr/bin/chromedriver ] || gates=$gates,browser
sed "s/gates: \[structural, smoke, task, safety\]/gates: [$gates]/" "$root/tests/demo/tinyworld.yaml" >"$work/law.yaml"
"$assay" -q policy set "$work/law.yaml" >/dev/null

left() { # SESSION: nothing of it lives, nothing lies in the folder
    for try in 1 2 3 4 5 6 7 8 9 10; do
        alive=$(ps -o pid= -s "$1" || true)
        [ -n "$alive" ] || break
        sleep 0.3
    done
    [ -z "$alive" ] || { ps -o pid,args -s "$1"; echo "processes are left"; exit 1; }
    [ -z "$(find "$work" -mindepth 1 -name 'assay*')" ] || [ "$2" = KILL ] || { ls -R "$work"; echo "a folder is left"; exit 1; }
}

for how in INT TERM KILL; do
    for after in 0.1 0.6 1.5; do
        setsid "$assay" -q gate tinyworld@1.0 --again >/dev/null 2>"$work/err" &
        pid=$!
        sleep "$after"
        kill "-$how" "$pid" 2>/dev/null || true
        code=0
        wait "$pid" || code=$?
        case $how:$code in
        *:0 | INT:130 | TERM:130 | KILL:137) ;;
        *) cat "$work/err"; echo "$how after $after s: exit $code"; exit 1 ;;
        esac
        left "$pid" "$how"
    done
done
code=0
"$assay" --json gate tinyworld@1.0 >"$work/again" 2>&1 || code=$?
[ $code = 0 ] || { cat "$work/again"; echo "the next run: exit $code"; exit 1; }
"$assay" -q gate tinyworld@1.0 --json >"$work/again"
grep -q '"reused":true' "$work/again" || { cat "$work/again"; echo "nothing was used again"; exit 1; }
[ -z "$(find "$work" -mindepth 1 -name 'assay-browser*')" ] || { ls "$work"; echo "the next run swept nothing"; exit 1; }
"$assay" log --verify >/dev/null
# Events: every gate begins and ends once, and the last line is the answer.
"$assay" gate tinyworld@1.0 --only structural,smoke --again --json --stream >"$work/events"
[ "$(grep -c '"event":"started"' "$work/events")" = 2 ]
[ "$(grep -c '"event":"ended"' "$work/events")" = 2 ]
tail -n 1 "$work/events" | grep -q '"schema":"assay.gate/1"'
# A folder for what is temporary may have a name that is too long for a browser's sockets.
case $gates in *browser*)
    TMPDIR=$work/a/long/name/for/what/is/temporary/and/goes
    mkdir -p "$TMPDIR"
    "$assay" gate tinyworld@1.0 --only browser --again >"$work/again" 2>&1 || { cat "$work/again"; exit 1; }
    ;;
esac
