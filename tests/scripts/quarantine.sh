#!/bin/sh
# What is refused lies in quarantine whole, whatever its shape was, and release hands it in again: through the same
# checks, as it was said to be. What is refused again keeps its first reason.
set -eu
A=${ASSAY_BINARY:?}
[ -x "$A" ] || exit 77
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
export ASSAY_STORE="$T/s" ASSAY_KEYS="$T/k"
fail() { echo "quarantine: $*" >&2; exit 1; }
. tests/support/wants.sh
only() { "$A" quarantine ls | { read -r id _ && ! read -r _ && echo "$id"; } || fail "not one thing in quarantine"; }
none() { [ -z "$("$A" -q quarantine ls)" ] && [ -z "$(ls -A "$T/s/quarantine")" ] || fail "$*: something stayed behind"; }
kept() { cmp "$T/s/quarantine/$(only)" "$1" || fail "$1 is not in quarantine byte for byte"; }
"$A" -q init --no-passphrase >/dev/null
wrong=sha256:$(printf %064d 0)
mkdir -p "$T/f/sub"
head -c 300000 /dev/urandom >"$T/f/a"
echo two >"$T/f/sub/ß and a long name, a long name, a long name, a long name, a long name, a long name, a long name"
# Two names that look alike: ü as one character, and as u with two dots.
echo one >"$T/f/sub/$(printf '\303\274')"
echo other >"$T/f/sub/$(printf 'u\314\210')"
tar -C "$T/f" -cf "$T/f.tar" .
"$A" -q add "$T/f" --name right --version 1 >/dev/null
right=$("$A" --json show right@1 | sed 's/.*"artifact":"[0-9a-f]*","sha256":"\([0-9a-f]*\)".*/sha256:\1/')

# A folder lies there as a tar of it. What was said of it counts when it is handed in again, unless something else is
# said then.
wants 7 'bytes are kept apart' "$A" add "$T/f" --name folder --version 1 --expect $wrong
wants 0 '^kind  *folder' "$A" quarantine show "$(only)"
mkdir "$T/back"
tar -C "$T/back" -xf "$T/s/quarantine/$(only)"
diff -r "$T/f" "$T/back" || fail 'the folder is not whole'
wants 7 'code expect' "$A" quarantine release "$(only)"
wants 0 'folder@1' "$A" quarantine release "$(only)" --expect "$right"
none folder
"$A" -q get folder@1 -o "$T/g" >/dev/null
diff -r "$T/f" "$T/g" || fail 'another folder came back'

# An archive lies there as it came, and so does what came through a pipe.
wants 7 'code expect' "$A" add "$T/f.tar" --name archive --version 1 --expect $wrong
kept "$T/f.tar"
wants 0 'archive@1' "$A" quarantine release "$(only)" --expect "$right"
none archive
"$A" -q get archive@1 -o "$T/h" >/dev/null
diff -r "$T/f" "$T/h" || fail 'another archive came back'
cat "$T/f.tar" | wants 7 'code expect' "$A" add - --name pipe --version 1 --expect $wrong
kept "$T/f.tar"
wants 0 'pipe@1' "$A" quarantine release "$(only)" --expect "sha256:$(sha256sum "$T/f.tar" | cut -c1-64)"
wants 0 opaque "$A" --json show pipe@1
none pipe
"$A" -q get pipe@1 -o "$T/pipe" >/dev/null
cmp "$T/f.tar" "$T/pipe" || fail 'an archive from a pipe was taken apart'
wants 7 'code expect' "$A" add "$T/f.tar" --name plain --version 1 --format opaque --expect $wrong
wants 0 'plain@1' "$A" quarantine release "$(only)" --expect "sha256:$(sha256sum "$T/f.tar" | cut -c1-64)"
"$A" -q get plain@1 -o "$T/plain" >/dev/null
cmp "$T/f.tar" "$T/plain" || fail 'what was to stay an archive was taken apart'
wants 0 'put aside' "$A" quarantine add "$T/f.tar" --reason why
kept "$T/f.tar"
wants 0 'hand@1' "$A" quarantine release "$(only)" --name hand --version 1
wants 0 "${right#sha256:}" "$A" --json show hand@1
none hand

# A model that is refused among other files goes in by no way round, and takes them with it; where it is wrong is shown
# in that file's own bytes.
mkdir "$T/m"
cp testdata/bad/magic.slm "$T/m/z.slm"
echo x >"$T/m/README"
tar -C "$T/m" -cf "$T/m.tar" .
"$A" add testdata/bad/magic.slm >"$T/out" 2>&1 && fail 'a bad model was admitted'
"$A" quarantine show "$(only)" | grep '^  0000' >"$T/view"
wants 0 purged "$A" quarantine purge --all
for what in m m.tar; do
    wants 7 'z.slm.*code slm1-magic' "$A" add "$T/$what"
    id=$(only)
    wants 0 '^inside  *z.slm$' "$A" quarantine show "$id"
    grep '^  0000' "$T/out" | cmp - "$T/view" || fail "$what: other bytes are shown"
    wants 7 'code slm1-magic' "$A" quarantine release "$id"
    [ $what = m.tar ] || wants 2 'claims to be a model' "$A" quarantine release "$id" --format opaque
    [ "$(only)" = "$id" ] || fail "$what: a release that was refused has another entry"
    wants 0 '"code":"slm1-magic"' "$A" --json quarantine ls
    [ $what = m ] || kept "$T/m.tar"
    mkdir "$T/$what.back"
    tar -C "$T/$what.back" -xf "$T/s/quarantine/$id"
    diff -r "$T/m" "$T/$what.back" || fail "$what is not whole"
    wants 0 purged "$A" quarantine purge --all
done
wants 0 '' "$A" ls
grep -q '^m@' "$T/out" && fail 'the bad model went in'

# Zeros pack well: a folder of them is no bomb when it comes back.
truncate -s 70M "$T/m/zeros"
wants 7 'code slm1-magic' "$A" add "$T/m"
wants 7 'code slm1-magic' "$A" quarantine release "$(only)"
wants 0 purged "$A" quarantine purge --all
rm "$T/m/zeros"

# What has no room in quarantine stays outside, as any bytes.
"$A" -q quota --quarantine --set-bytes 300000 >/dev/null
wants 7 'quota-quarantine' "$A" add "$T/f" --expect $wrong
wants 7 'quota-quarantine' "$A" add "$T/f.tar" --expect $wrong
"$A" -q quota --quarantine --set-bytes none >/dev/null
none quota

# A signed manifest that went with it has to go with it again.
"$A" -q add testdata/tinyworld/tinyworld-1.0.slm --name model --version 1 >/dev/null
"$A" -q manifest model@1 -o "$T/model" >/dev/null
wants 7 'code manifest-content' "$A" add testdata/tinyworld/tinyworld-1.1.slm --manifest "$T/model/manifest.dsse.json"
wants 2 'say --manifest' "$A" quarantine release "$(only)"
wants 7 'code manifest-content' "$A" quarantine release "$(only)" --manifest "$T/model/manifest.dsse.json"
wants 0 purged "$A" quarantine purge --all

# A stranger's bundle, of one model and of a folder, comes in when he is none any more.
"$A" -q export model@1 -o "$T/model.tar.zst" >/dev/null
"$A" -q export right@1 -o "$T/right.tar.zst" >/dev/null
"$A" -q key export publisher >"$T/publisher.pub"
export ASSAY_STORE="$T/s2" ASSAY_KEYS="$T/k2"
"$A" -q init --no-passphrase >/dev/null
for name in model right; do
    wants 5 'code unknown-signer' "$A" import "$T/$name.tar.zst"
done
cmp "$T/right.tar.zst" "$T/s2/quarantine/$("$A" quarantine ls | sed -n 's/ .*right.*//p')" || fail 'the bundle is not whole'
for id in $("$A" quarantine ls | cut -d' ' -f1); do
    wants 5 'code unknown-signer' "$A" quarantine release "$id"
    wants 0 '^kind  *bundle' "$A" quarantine show "$id"
    wants 2 'manifest inside' "$A" quarantine release "$id" --manifest "$T/model/manifest.dsse.json"
done
wants 0 '"code":"unknown-signer"' "$A" --json quarantine ls
"$A" -q trust add publisher "$T/publisher.pub" --owner home >/dev/null
for id in $("$A" quarantine ls | cut -d' ' -f1); do
    wants 0 'artifact' "$A" quarantine release "$id"
done
[ -z "$("$A" -q quarantine ls)" ] || fail 'a bundle stayed behind'
"$A" -q get right@1 -o "$T/r" >/dev/null
diff -r "$T/f" "$T/r" || fail 'another folder came out of the bundle'
"$A" -q get model@1 -o "$T/r.slm" >/dev/null
cmp testdata/tinyworld/tinyworld-1.0.slm "$T/r.slm"
head -c 1000 "$T/right.tar.zst" >"$T/cut.tar.zst"
wants 7 'stage archive' "$A" import "$T/cut.tar.zst"
wants 7 'stage archive' "$A" quarantine release "$("$A" quarantine ls | cut -d' ' -f1)"
cmp "$T/cut.tar.zst" "$T/s2/quarantine/"*
wants 0 'all good' "$A" fsck
