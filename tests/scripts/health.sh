#!/bin/sh
# A store's health on the command line: damage named and mended from a copy, what is lost registered, a lost head made
# again, foreign files told, foolish stores refused, one that may only be read opened all the same.
set -eu
A=${ASSAY_BINARY:?}
[ -x "$A" ] || exit 77
T=$(mktemp -d)
trap 'mountpoint -q "$T/ro" 2>/dev/null && umount "$T/ro"; rm -rf "$T"' EXIT
export ASSAY_STORE="$T/s" ASSAY_KEYS="$T/k"
fail() { echo "health: $*" >&2; exit 1; }
. tests/support/wants.sh
"$A" -q init >/dev/null
for v in 1.0 1.1; do "$A" -q add "testdata/tinyworld/tinyworld-$v.slm" --name t --version $v >/dev/null; done
wants 0 'all good: 2 artifacts' "$A" fsck
wants 0 'all good' "$A" fsck --index

# Foreign files are told and stay.
touch "$T/s/notes" "$T/s/packs/x" "$T/s/quarantine/y"
wants 0 'FOREIGN  notes' "$A" fsck
wants 0 'FOREIGN  packs/x' "$A" fsck
wants 0 'FOREIGN  quarantine/y' "$A" fsck
[ -f "$T/s/notes" ] && [ -f "$T/s/packs/x" ] && [ -f "$T/s/quarantine/y" ] || fail 'a foreign file was touched'
rm "$T/s/notes" "$T/s/packs/x" "$T/s/quarantine/y"

# A lost head; and no head where the ledger was cut.
rm "$T/s/ledger.head"
wants 7 'fsck --repair' "$A" ls
wants 0 'mended: ledger.head' "$A" fsck --repair
wants 0 't@1.0' "$A" ls
cp -r "$T/s" "$T/cut"
head -n -1 "$T/s/ledger" >"$T/cut/ledger"
rm "$T/cut/ledger.head"
wants 6 'ends with entry' "$A" --store "$T/cut" fsck --repair
cp -r "$T/s" "$T/blind"
rm -r "$T/blind/ledger.head" "$T/blind/index"
wants 6 'nobody knows where the ledger ended' "$A" --store "$T/blind" fsck --repair

# Damage: named, registered when nobody has it, healed from another store, from a file.
cp -r "$T/s" "$T/copy"
hit() {
    for p in "$T"/s/packs/*.pack; do
        [ "$(stat -c %s "$p")" -gt 500000 ] || continue
        chmod 600 "$p"
        printf 'xxxxxxxx' | dd of="$p" bs=1 seek=100000 conv=notrunc 2>/dev/null
        printf 'B' | dd of="$p" bs=1 seek=0 conv=notrunc 2>/dev/null
    done
}
hit
wants 7 't@1.0 tinyworld-1.0.slm: pack .* at byte' "$A" fsck
wants 7 'lost: 2 contents are registered' "$A" fsck --repair
[ "$("$A" log --json | grep -c '"type":"lost"')" -eq 1 ] || fail 'the lost are not in the ledger'
wants 0 'mended: 2 contents' "$A" fsck --repair --from "$T/copy"
wants 0 'all good: 2 artifacts' "$A" fsck
hit
wants 7 'lost' "$A" fsck --repair --from testdata/tinyworld/garbage-1.0.slm
wants 0 'mended: . contents' "$A" fsck --repair --from testdata/tinyworld
"$A" get t@1.0 -o "$T/back" >/dev/null
cmp "$T/back" testdata/tinyworld/tinyworld-1.0.slm
wants 0 'freed' "$A" gc
wants 0 'all good: 2 artifacts' "$A" fsck

# What holds trust, law and manifests: a pack that is gone is named and exits 7 like all damage, the rest is looked at all
# the same, and a copy brings it back, also when the index was folded anew meanwhile and knows nothing of it any more.
for fold in no yes; do
    for p in "$T"/copy/packs/*.pack; do
        rm -rf "$T/gone"
        cp -r "$T/copy" "$T/gone"
        rm "$T/gone/packs/${p##*/}"
        [ "$fold" = no ] || wants 0 'the index is new' "$A" --store "$T/gone" fsck --rebuild-index
        wants 7 'not good: . artifacts' "$A" --store "$T/gone" fsck
        wants 0 'all good: 2 artifacts' "$A" --store "$T/gone" fsck --repair --from "$T/copy"
    done
done

# Without a copy, the same bytes bring the manifest back with them: it is signed alike each time.
for p in "$T"/copy/packs/*.pack; do
    [ "$(stat -c %s "$p")" -gt 500000 ] || continue
    rm -rf "$T/gone"
    cp -r "$T/copy" "$T/gone"
    rm "$T/gone/packs/${p##*/}"
    for v in 1.0 1.1; do "$A" -q --store "$T/gone" add "testdata/tinyworld/tinyworld-$v.slm" --name t --version $v >"$T/out"; done
    wants 0 'all good: 2 artifacts' "$A" --store "$T/gone" fsck --repair
done

# The lock is an empty file: who needs it makes it again.
rm "$T/gone/lock"
wants 0 'the index is new' "$A" --store "$T/gone" fsck --rebuild-index

# Quarantined bytes that are gone: the way out is said, and is one.
wants 0 'put aside' "$A" --store "$T/gone" quarantine add testdata/tinyworld/garbage-1.0.slm
rm "$T"/gone/quarantine/*
wants 7 'assay quarantine purge' "$A" --store "$T/gone" fsck
wants 0 'purged' "$A" --store "$T/gone" quarantine purge --all
wants 0 'all good' "$A" --store "$T/gone" fsck

# A pipe in the place of a file keeps nobody waiting.
for f in format ledger ledger.head index/data.mdb packs/0000000000000001.pack; do
    rm -rf "$T/pipe"
    cp -r "$T/copy" "$T/pipe"
    rm "$T/pipe/$f"
    mkfifo "$T/pipe/$f"
    timeout -s KILL 60 "$A" -q --store "$T/pipe" fsck >/dev/null 2>&1 || [ $? -lt 10 ] || fail "a pipe for $f: a hang"
done

# A damaged ledger heals by no added bytes.
sed -i '3s/"sig":"./"sig":"?/' "$T/gone/ledger"
wants 7 'the ledger comes back from a copy' "$A" --store "$T/gone" fsck

# The index folded anew says the same.
"$A" ls --json >"$T/before"
"$A" quota --json >>"$T/before"
wants 0 'the index is new' "$A" fsck --rebuild-index
"$A" ls --json >"$T/after"
"$A" quota --json >>"$T/after"
cmp "$T/before" "$T/after"

# Stores that others may write to, and of another version.
chmod o+w "$T/s"
wants 5 'chmod go-w' "$A" ls
chmod o-w "$T/s"
cp -r "$T/s" "$T/new"
sed -i 's|assay.store/[0-9]*|assay.store/9|' "$T/new/format"
wants 3 'assay.store/9' "$A" --store "$T/new" ls

# One that may only be read.
[ "$(id -u)" -eq 0 ] || { echo 'health: not root, so no read-only mount was tried'; exit 0; }
mkdir "$T/ro"
mount --bind "$T/s" "$T/ro" 2>/dev/null && mount -o remount,bind,ro "$T/ro" 2>/dev/null || exit 0
for words in 'ls' 'show t@1.0' 'verify --all' 'fsck' 'quota' 'channels' 'log --verify'; do
    # shellcheck disable=SC2086 # a list of words
    wants 0 '' "$A" --store "$T/ro" $words
done
wants 0 '' "$A" --store "$T/ro" get t@1.0 -o "$T/back" --force
wants 3 'may only be read' "$A" --store "$T/ro" rm t@1.0
