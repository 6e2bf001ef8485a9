#!/bin/sh
# Moving house: killed again and again on the way, the store arrives whole, the ledger is an extension of the old one,
# and the old store can be read, not changed.
set -eu
A=${ASSAY_BINARY:?}
[ -x "$A" ] || exit 77
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
export ASSAY_STORE="$T/s" ASSAY_KEYS="$T/k"
fail() { echo "copy: $*" >&2; exit 1; }
"$A" -q init >/dev/null
for v in 1.0 1.1; do "$A" -q add "testdata/tinyworld/tinyworld-$v.slm" --name t --version $v >/dev/null; done
"$A" -q add testdata/bad/block-zero.slm >/dev/null 2>&1 && fail 'a bad model went in'
"$A" -q pin t@1.0 >/dev/null
"$A" ls --json >"$T/ls"
cp "$T/s/ledger" "$T/ledger"

# Something is there; a place that cannot be.
mkdir "$T/taken"
"$A" -q copy --to "$T/taken" 2>/dev/null && fail 'it was put over something'
"$A" -q copy --to "$T/no/such" 2>/dev/null && fail 'it went where no folder is'

# Not into itself; and what is damaged stays, and can be mended where it is.
"$A" -q copy --to "$T/s/new" 2>/dev/null && fail 'it went into itself'
cp -r "$T/s" "$T/hurt"
for p in "$T"/hurt/packs/*.pack; do
    [ "$(stat -c %s "$p")" -gt 500000 ] || continue
    chmod 600 "$p"
    printf 'xxxxxxxx' | dd of="$p" bs=1 seek=100000 conv=notrunc 2>/dev/null
done
"$A" -q --store "$T/hurt" copy --to "$T/whole" >/dev/null 2>"$T/err" && fail 'damage arrived'
grep -q 'stays here' "$T/err" || fail "damage: $(cat "$T/err")"
for v in 1.0 1.1; do "$A" -q --store "$T/hurt" add "testdata/tinyworld/tinyworld-$v.slm" --name t --version $v >/dev/null; done
"$A" -q --store "$T/hurt" fsck --repair >/dev/null
"$A" -q --store "$T/hurt" copy --to "$T/whole" >/dev/null || fail 'what was mended did not move'
"$A" -q --store "$T/whole" fsck >/dev/null
"$A" -q --store "$T/hurt" copy --to "$T/whole" >/dev/null || fail 'what had arrived was asked for again, and refused'

if command -v strace >/dev/null; then # killed at each mutating call in turn
    n=1 kills=0
    while :; do
        code=0
        strace -f -qq -o /dev/null -e trace=rename,renameat2,fsync,fdatasync,write,pwrite64,mkdirat,unlinkat \
            -e inject=rename,renameat2,fsync,fdatasync,write,pwrite64,mkdirat,unlinkat:signal=KILL:when=$n \
            "$A" -q copy --to "$T/new" >/dev/null 2>&1 || code=$?
        [ "$code" -eq 137 ] || break
        kills=$((kills + 1)) n=$((n + 1))
        "$A" ls >/dev/null || fail "after kill $kills the old store cannot be read"
    done
    [ "$kills" -gt 5 ] || fail "only $kills kills"
    echo "copy: $kills kills"
fi
[ -d "$T/new" ] || "$A" -q copy --to "$T/new" >/dev/null
[ -d "$T/new" ] || fail 'it did not arrive'

"$A" --store "$T/new" ls --json | cmp - "$T/ls"
"$A" --store "$T/new" fsck >/dev/null
"$A" --store "$T/new" log --verify >/dev/null
head -c "$(stat -c %s "$T/ledger")" "$T/new/ledger" | cmp - "$T/ledger"
"$A" --store "$T/new" quarantine ls | grep -q block-zero || fail 'quarantine stayed behind'
"$A" --store "$T/new" rm t@1.0 2>/dev/null && fail 'the pin stayed behind'
"$A" -q --store "$T/new" add README.md --name r --version 1 >/dev/null

"$A" get t@1.0 -o "$T/back" >/dev/null
for words in 'add README.md --name r --version 1' 'rm t@1.1' 'gc' 'pin t@1.1' 'evict --bytes 1'; do
    code=0
    # shellcheck disable=SC2086 # a list of words
    "$A" -q $words >/dev/null 2>"$T/err" || code=$?
    [ "$code" -eq 1 ] && grep -q "moved to $T/new" "$T/err" || fail "$words: exit $code: $(cat "$T/err")"
done
"$A" -q copy --to "$T/other" 2>/dev/null && fail 'it moved twice'
[ ! -e "$T/new.moving" ] || fail 'something was left'

# Back again: not while the new one can be seen, nor while nobody can tell; then by a signed entry that says why.
says() { # CODE TEXT COMMAND…
    want=$1 text=$2 code=0
    shift 2
    "$@" >"$T/out" 2>&1 || code=$?
    [ "$code" -eq "$want" ] && grep -q -- "$text" "$T/out" || fail "$*: exit $code: $(cat "$T/out")"
}
cp "$T/s/ledger" "$T/ledger"
says 2 'say --reason' "$A" copy --stay
says 2 'not both' "$A" copy --stay --reason r --to "$T/x"
says 1 'store-alive' "$A" copy --stay --reason 'by mistake'
says 1 'store-alive' "$A" copy --stay --reason 'by mistake' --dry-run
mv "$T/new/format" "$T/format"
echo '{}' >"$T/new/format"
says 1 'store-unclear' "$A" copy --stay --reason 'by mistake'
mv "$T/format" "$T/new/format"
mv "$T/new" "$T/lost"
if command -v flock >/dev/null; then
    mkdir "$T/new.moving"
    says 1 'move-running' flock "$T/new.moving" "$A" copy --stay --reason 'too early'
    rmdir "$T/new.moving"
fi
says 0 'would be the living store again' "$A" copy --stay --reason 'the disk died' --dry-run
cmp "$T/s/ledger" "$T/ledger" || fail 'a dry run, refusals: something was written'
says 0 '"seq":' "$A" --json copy --stay --reason 'the disk died'
says 9 'not-moved' "$A" copy --stay --reason 'the disk died'
"$A" log --json | grep '"type":"stayed"' | grep -q 'the disk died' || fail 'the ledger does not say why'
"$A" -q log --verify >/dev/null
"$A" -q add README.md --name back --version 1 >/dev/null || fail 'it cannot be changed'
"$A" -q fsck >/dev/null
"$A" --store "$T/lost" log --verify --json >"$T/head"
"$A" -q log --verify --against "$T/head" >/dev/null 2>&1 && fail 'the parting of the ledgers was not seen'
"$A" -q copy --to "$T/new" >/dev/null || fail 'it does not move again'
"$A" -q --store "$T/new" fsck >/dev/null
