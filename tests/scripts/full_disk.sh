#!/bin/sh
# Real full disks: on file systems of several sizes adding goes on until there is no room, is refused with exit 8 and
# loses nothing, and evict, rm, gc and quota still work out of the reserve. Without a reserve a command may stop between
# ledger and index, page by page: what was there before can be read all the same. Needs root to mount.
set -eu
A=${ASSAY_BINARY:?}
[ -x "$A" ] || exit 77
[ "$(id -u)" -eq 0 ] || exit 77
T=$(mktemp -d)
trap 'umount "$T/d" 2>/dev/null || true; rm -rf "$T"' EXIT
mkdir "$T/d"
mount -t tmpfs -o size=1m none "$T/d" 2>/dev/null || exit 77
umount "$T/d"
export ASSAY_STORE="$T/d/s" ASSAY_KEYS="$T/k"
fail() { echo "full_disk: $*" >&2; exit 1; }
bytes() { find "$T/d/s/packs" -type f -printf "%s\n" | awk "{ n += \$1 } END { print n + 0 }"; }
must() { "$A" -q "$@" >"$T/out" 2>&1 || { cat "$T/out"; df "$T/d"; fail "size $size: $* failed"; }; }
for size in 4m 6m 10m 25m; do
    mount -t tmpfs -o "size=$size" none "$T/d"
    rm -rf "$T/k"
    must init
    n=0 code=0
    while [ "$code" -eq 0 ]; do
        n=$((n + 1))
        head -c $((200000 + n * 1777)) /dev/zero | openssl enc -aes-128-ctr -K "$(printf %032d "$n")" -iv "$(printf %032d 0)" >"$T/$n.bin"
        "$A" -q add "$T/$n.bin" --name a --version "$n" >"$T/out" 2>&1 || code=$?
        [ "$n" -lt 300 ] || fail "size $size: it never became full"
    done
    [ "$code" -eq 8 ] || { cat "$T/out"; fail "size $size: exit $code, not 8"; }
    head -c 30000000 /dev/urandom >"$T/large"
    "$A" -q add "$T/large" --name large --version 1 >"$T/out" 2>&1 && fail "size $size: 30 MB found room"
    grep -q "sweeping's reserve included" "$T/out" || { cat "$T/out"; fail "size $size: nobody asked for room before"; }
    head -c 1000000000 /dev/zero >"$T/d/filler" 2>/dev/null || true # not a byte left
    must verify --all
    got=$("$A" ls | grep -c 'a@' || true)
    [ "$got" -eq $((n - 1)) ] || fail "size $size: $got artifacts, $((n - 1)) were acknowledged"
    if [ "$got" -gt 0 ]; then
        must get a@1 -o "$T/back" --force
        cmp "$T/back" "$T/1.bin" || fail "size $size: other bytes came back"
        "$A" -q get a@1 -o "$T/d/back" >/dev/null 2>&1 && fail "size $size: get took the sweep's reserve"
        must rm a@1
        must quota --set-count 1000
        [ "$got" -lt 2 ] || must evict a@2
        "$A" -q gc --dry-run --json >"$T/dry"
        before=$(bytes)
        must gc
        after=$(bytes)
        [ "$after" -lt "$before" ] || fail "size $size: gc freed nothing"
        promised=$(sed 's/.*"freed":\([0-9]*\).*/\1/' "$T/dry")
        # Without room the merged packs are smaller than planned: 48 bytes each.
        [ $((promised - before + after)) -ge 0 ] && [ $((promised - before + after)) -le 4800 ] || fail "size $size: promised $promised, gave $((before - after))"
    fi
    rm -f "$T/d/filler"
    must fsck
    [ "$got" -lt 2 ] || must add "$T/2.bin" --name a --version 2
    must verify --all
    echo "full_disk: $size: $got artifacts, then full; all kept"
    umount "$T/d"
    rm -f "$T"/*.bin
done

mount -t tmpfs -o size=6m none "$T/d"
rm -rf "$T/k"
size="6m, no reserve"
must init
head -c 200000 /dev/urandom >"$T/1.bin"
must add "$T/1.bin" --name a --version 1
stopped=0
for pages in 0 1 2 3 4 5 6 7 8 9 10 11 12; do
    rm -f "$T/d/s/reserve"
    head -c 1000000000 /dev/zero >"$T/d/filler" 2>/dev/null || true
    truncate -s "-$((pages * 4096))" "$T/d/filler"
    known=$(grep -c . "$T/d/s/ledger")
    code=0
    "$A" -q quota --set-count "$((1000 + pages))" >"$T/out" 2>&1 || code=$?
    [ "$code" -eq 0 ] || [ "$code" -eq 8 ] || { cat "$T/out"; fail "$pages pages left: exit $code"; }
    entries=$(grep -c . "$T/d/s/ledger")
    [ "$code" -eq 0 ] || [ "$entries" -eq "$known" ] || grep -q "is in the ledger and takes effect" "$T/out" ||
        { cat "$T/out"; fail "$pages pages left: failed, and the ledger has its entry"; }
    rm -f "$T/d/s/reserve"
    cat "$T/d/filler" >"$T/d/more" 2>/dev/null || true
    must verify --all
    must ls
    [ "$code" -eq 0 ] || stopped=$((stopped + 1))
    rm -f "$T/d/filler" "$T/d/more"
    must quota --set-count "$((2000 + pages))"
done
[ "$stopped" -ge 1 ] || fail "no command met a full disk"
must fsck
# An index that is not there is folded on a full disk, too: the reserve is lent to it.
head -c 200000 /dev/urandom >"$T/2.bin"
must add "$T/2.bin" --name a --version 2
rm -r "$T/d/s/index"
head -c 1000000000 /dev/zero >"$T/d/filler" 2>/dev/null || true
must ls
must fsck --rebuild-index
must get a@1 -o "$T/back" --force
rm -r "$T/d/s/index" "$T/d/s/reserve"
head -c 1000000000 /dev/zero >"$T/d/more" 2>/dev/null || true
code=0
"$A" -q ls >"$T/out" 2>&1 || code=$?
[ "$code" -eq 8 ] || { cat "$T/out"; fail "an index without room: exit $code"; }
rm "$T/d/filler" "$T/d/more"
must fsck
# What takes something in begins no entry with the last pages of a disk: its fold might end half way.
begun=0 warned=0
for pages in 2 4 8 12 16 20 24 28 40; do
    head -c 5000 /dev/urandom >"$T/small.bin"
    head -c 1000000000 /dev/zero >"$T/d/filler" 2>/dev/null || true
    truncate -s "-$((pages * 4096))" "$T/d/filler"
    known=$(grep -c . "$T/d/s/ledger")
    code=0
    "$A" -q add "$T/small.bin" --name small --version "$pages" >"$T/out" 2>&1 || code=$?
    rm "$T/d/filler"
    ! grep -q "bytes are free on the disk and 131072 are needed" "$T/out" || warned=1
    [ "$(grep -c . "$T/d/s/ledger")" -eq "$known" ] || [ "$pages" -ge 32 ] || begun=1
done
[ "$begun" -eq 0 ] || fail "an entry was begun with less than 32 free pages"
[ "$warned" -eq 1 ] || fail "nobody was told of the pages that are needed"
[ "$code" -eq 0 ] || { cat "$T/out"; fail "40 free pages: exit $code"; }
echo "full_disk: no reserve: $stopped commands stopped half-way, all could be read"
umount "$T/d"

# Moved onto a small disk, and used there again and again while it is full: the reserve is there, and stays.
reserve() { stat -c %b "$ASSAY_STORE/reserve"; }
for fs in tmpfs ext4; do
    size="24m of $fs, moved"
    if [ "$fs" = tmpfs ]; then
        mount -t tmpfs -o size=24m none "$T/d"
    else # where a disk that root filled owes some blocks before anything is free
        truncate -s 24M "$T/image"
        mkfs.ext4 -q "$T/image" 2>/dev/null && mount -o loop "$T/image" "$T/d" 2>/dev/null || continue
    fi
    rm -rf "$T/k" "$T/d/s" "$T/first"
    export ASSAY_STORE="$T/first"
    must init
    head -c 2000000 /dev/urandom >"$T/1.bin"
    must add "$T/1.bin" --name f --version 1
    for n in 1 2 3 4; do
        head -c 9000 /dev/urandom >"$T/s$n.bin"
        must add "$T/s$n.bin" --name s --version "$n"
    done
    whole=$(reserve)
    must copy --to "$T/d/s"
    export ASSAY_STORE="$T/d/s"
    [ "$(reserve)" -ge "$whole" ] || fail "a store that moved has a reserve of $(reserve) blocks, not $whole"
    head -c 1000000000 /dev/zero >"$T/d/filler" 2>/dev/null || true
    for n in 1 2 3 4; do
        must evict "s@$n"
        must gc
        must pin f@1
        must unpin f@1
        "$A" -q add "$T/s1.bin" --name t --version "$n" >/dev/null 2>&1 && fail "add took the reserve"
        head -c 1000000000 /dev/zero >"$T/d/filler$n" 2>/dev/null || true
        [ "$(reserve)" -ge $((whole - 128)) ] || fail "round $n: $(reserve) blocks of $whole are left"
    done
    must get f@1 -o "$T/back" --force
    must evict f@1
    must gc
    must pin f@1
    [ "$(reserve)" -ge 2048 ] || fail "gc made room, and the reserve has $(reserve) blocks"
    rm -f "$T"/d/filler* "$T/d/s/reserve"
    must fsck --repair
    [ "$(reserve)" -ge 2048 ] || fail "fsck --repair left no reserve"
    echo "full_disk: $size, full, used again and again: the reserve stays"
    umount "$T/d"
done
