#!/bin/sh
# What lies in the place of each of the store's names: a link, a folder, a pipe, nothing in the file, others' right to
# write, another owner. Every command ends in time with a documented exit code and says what is wrong and where; fsck
# names it by its code; nothing is followed or lost: with the right thing put back, all is good again.
set -eu
A=${ASSAY_BINARY:?}
[ -x "$A" ] || exit 77
T=$(mktemp -d)
trap 'rm -rf "$T"' EXIT
export ASSAY_STORE="$T/s" ASSAY_KEYS="$T/k"
fail() { echo "places: $*" >&2; exit 1; }
"$A" -q --store "$T/good" init >/dev/null
"$A" -q --store "$T/good" add README.md --name t --version 1 >/dev/null
"$A" -q --store "$T/good" quarantine add SECURITY.md >/dev/null
mkdir -p "$T/good/leases"
touch "$T/good/leases/gate" "$T/good/reserve"
rm -rf "$T/precious"
mkdir "$T/precious"
echo precious >"$T/precious/file"
"$A" -q --store "$T/good" fsck >/dev/null || fail 'the store is not good to begin with'

run() { # COMMAND…: its exit in $code; what it says in $T/out
    code=0
    timeout -s KILL 120 "$A" -q "$@" >"$T/out" 2>&1 </dev/null || code=$?
    [ "$code" -le 10 ] || { cat "$T/out"; fail "$form for $name: $*: exit $code"; }
    [ "$code" -eq 0 ] || [ -s "$T/out" ] || fail "$form for $name: $*: exit $code without a word"
}
fresh() {
    rm -rf "$T/s"
    cp -a "$T/good" "$T/s"
    was=file
    [ -d "$T/s/$name" ] && was=folder
    [ "$form" = mode ] || [ "$form" = owner ] || mv "$T/s/$name" "$T/kept"
    case $form in
    link) if [ $was = folder ]; then ln -s "$T/precious" "$T/s/$name"; else ln -s "$T/precious/file" "$T/s/$name"; fi ;;
    home) ln -s "$T/kept" "$T/s/$name" ;; # to the very thing
    dangling) ln -s "$T/nowhere" "$T/s/$name" ;;
    folder) mkdir -m 700 "$T/s/$name"; echo x >"$T/s/$name/in" ;;
    pipe) mkfifo -m 600 "$T/s/$name" ;;
    empty) (umask 077; : >"$T/s/$name") ;;
    mode) chmod o+w "$T/s/$name" ;;
    owner) chown -h 4242 "$T/s/$name" ;;
    esac
}
undo() {
    [ ! -e "$T/kept" ] || { rm -rf "${T:?}/s/$name"; mv "$T/kept" "$T/s/$name"; }
    [ "$form" != mode ] || chmod o-w "$T/s/$name"
    [ "$form" != owner ] || chown -h "$(id -u)" "$T/s/$name"
}

pack=$(cd "$T/good" && ls packs/*.pack | head -n 1)
bytes=$(cd "$T/good" && ls -S packs/*.pack | head -n 1)
aside=$(cd "$T/good" && ls quarantine/* | head -n 1)
names="format lock ledger ledger.head reserve packs staging quarantine leases index index/data.mdb index/lock.mdb \
    leases/gate $pack $bytes $aside"
forms='link home dangling folder pipe empty mode owner'
[ "$(id -u)" -eq 0 ] || forms='link home dangling folder pipe empty mode'
looks=0
for name in ${PLACES:-$names}; do
    for form in ${FORMS:-$forms}; do
        [ "$form" = folder ] && [ -d "$T/good/$name" ] && continue # what belongs there
        expected=store-place
        case $form in
        mode | owner) expected=store-owner ;;
        empty) [ -d "$T/good/$name" ] || expected= ;;
        esac
        fresh
        run fsck
        if [ -n "$expected" ]; then
            [ "$code" -ne 0 ] || fail "$form for $name: fsck is content"
            grep -q "^[A-Z]*  $name: .*($expected)\$" "$T/out" || { cat "$T/out"; fail "$form for $name: fsck names it not"; }
            if [ "$expected" = store-place ]; then [ "$code" -eq 7 ]; else [ "$code" -eq 5 ]; fi ||
                fail "$form for $name: fsck exits $code"
        fi
        run ls
        run show t@1
        run verify t@1
        rm -f "$T/back"
        run get t@1 -o "$T/back"
        [ "$code" -ne 0 ] || cmp "$T/back" README.md || fail "$form for $name: wrong bytes come out"
        run gc
        run add CONTRIBUTING.md --name c --version 1
        run fsck --index
        case $form in mode | owner) ;; *) # nothing was followed, and nothing is lost
            [ "$form" = empty ] || [ -n "$(find "$T/s/$name" -maxdepth 0 ! -type f)" ] || [ -d "$T/good/$name" ] ||
                fail "$form for $name: it is gone" ;;
        esac
        run fsck --rebuild-index
        run fsck --repair
        if [ "$expected" = store-place ]; then
            case $name in
            format | ledger | packs) ;; # for the operator alone
            *) [ -n "$(find "$T/s" -name '*.aside')" ] || { cat "$T/out"; fail "$form for $name: --repair moved nothing aside"; } ;;
            esac
        fi
        [ "$(cat "$T/precious/file")" = precious ] && [ "$(ls "$T/precious")" = file ] || fail "$form for $name: it was followed"
        # Put back what belongs there: whole again, as far as the bytes that were there go.
        case $name in
        ledger | ledger.head | index* | format | lock) ;;
        *)
            undo
            run fsck --rebuild-index
            run fsck --repair
            run get t@1 -o "$T/back" --force
            [ "$code" -eq 0 ] || { cat "$T/out"; fail "$form for $name, mended by hand: get exits $code"; }
            cmp "$T/back" README.md ;;
        esac
        rm -rf "$T/kept"
        looks=$((looks + 1))
    done
done
echo "places: $looks looks"
