#!/bin/sh
# What a refusal names first: the text and not the model, the name's bytes and not a count, what --force does not do,
# and why bytes were refused though the quarantine has no room for them.
set -eu
A=${ASSAY_BINARY:?}
[ -x "$A" ] || exit 77
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
export ASSAY_STORE="$T/s" ASSAY_KEYS="$T/k"
fail() { echo "refusals: $*" >&2; exit 1; }
. tests/support/wants.sh
exec </dev/null
"$A" -q init >/dev/null
m=testdata/tinyworld/tinyworld-1.0.slm bad=testdata/bad/block-zero.slm
"$A" -q add "$m" --name t --version 1 >/dev/null

printf 'ab\377cd' >"$T/text"
code=0
"$A" tokenize "$m" <"$T/text" >"$T/out" 2>&1 || code=$?
[ "$code" -eq 2 ] && grep -q 'the text: .*at byte 2' "$T/out" || fail "tokenize: exit $code: $(cat "$T/out")"

"$A" -q quota --name n --set-bytes 10 >/dev/null
wants 8 'code quota-name-bytes' "$A" -q add README.md --name n --version 1

mkdir "$T/two"
cp README.md SECURITY.md "$T/two"
"$A" -q add "$T/two" --name two --version 1 >/dev/null
touch "$T/there"
wants 2 'becomes a folder' "$A" -q get two@1 -o "$T/there" --force

# The refusal with room for the bytes and without: the same stage, code and place, and the same exit.
wants 7 'code ' "$A" -q --json add "$bad" --name b --version 1
verdict() { sed -n 's/.*"exit":7,"code":"\([^"]*\)","stage":"\([^"]*\)".*"offset":\([^,]*\),.*/\1 \2 \3/p' "$T/out"; }
verdict >"$T/kept"
[ "$(wc -w <"$T/kept")" -eq 3 ] || fail "no code, stage and offset: $(cat "$T/out")"
"$A" -q quarantine purge --all >/dev/null
"$A" -q quota --quarantine --set-bytes 1 >/dev/null
wants 7 '"not_kept":{"exit":8,"code":"quota-quarantine"' "$A" -q --json add "$bad" --name b --version 1
verdict | cmp - "$T/kept"
wants 7 'could not be kept apart: .*quota-quarantine' "$A" -q add "$bad" --name b --version 1
head -n 1 "$T/out" | grep -q "code $(cut -d' ' -f1 "$T/kept")" || fail "the refusal is not first: $(cat "$T/out")"
tar -cf "$T/a.tar" -C "$T/two" README.md
head -c 600 "$T/a.tar" >"$T/cut.tar"
wants 7 'could not be kept apart' "$A" -q add "$T/cut.tar" --name c --version 1
head -n 1 "$T/out" | grep -q 'code archive-' || fail "the refusal is not first: $(cat "$T/out")"
[ "$("$A" -q quarantine ls --json | grep -c '"id"')" -eq 0 ] || fail 'something lies in a quarantine without room'
"$A" -q fsck >/dev/null
