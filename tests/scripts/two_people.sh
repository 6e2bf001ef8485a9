#!/bin/sh
# Two people with keys of their own, in two homes without each other's files, take a model to stable. Only files go
# between them, through the folder `post`; docs/promotion.md tells the same story. Needs no network and no waiting: the
# store is a lab store, so that its clock may be moved on by three days.
set -eu
assay=${ASSAY_BINARY:?}
case $assay in /*) ;; *) assay=$PWD/$assay ;; esac
model=$(cd "$(dirname "$0")/../.." && pwd)/testdata/tinyworld/tinyworld-1.0.slm
room=$(mktemp -d "${TMPDIR:-/tmp}/assay-two.XXXXXX")
trap 'rm -rf "$room"' EXIT
mkdir "$room/ada" "$room/ben" "$room/post"
cd "$room"
unset ASSAY_SIGNER XDG_DATA_HOME XDG_CONFIG_HOME ASSAY_STORE 2>/dev/null || true

day() { export ASSAY_TIME="2026-01-0${1}T12:00:00Z"; }
ada() { HOME=$room/ada ASSAY_KEYS=$room/ada/keys ASSAY_STORE=$room/ada/store "$assay" "$@" </dev/null; }
ben() { HOME=$room/ben ASSAY_KEYS=$room/ben/keys ASSAY_STORE=$room/ben/no-store "$assay" "$@" </dev/null; }
# must EXIT WHO WORDS…: runs it, and ends with what it said when the exit code is another.
must() {
    want=$1
    shift
    code=0
    "$@" >"$room/said" 2>&1 || code=$?
    [ "$code" -eq "$want" ] || { echo "exit $code instead of $want: $*"; cat "$room/said"; exit 1; }
}
says() { grep -q -- "$1" "$room/said" || { echo "\"$1\" is not in:"; cat "$room/said"; exit 1; }; }

# Ada has the store, Ben has nothing but a key.
day 1
must 0 ada init --lab --no-passphrase
ben key new ben --no-passphrase >/dev/null
ben key export ben >post/ben.pub
must 0 ada trust add release post/ben.pub --owner ben
must 0 ada policy set default
must 0 ada add "$model" --name tinyworld --version 1.0 --license CC0-1.0
must 0 ada gate tinyworld@1.0
must 0 ada promote tinyworld@1.0 --to preview

# Stable wants three days in preview, and two people.
must 1 ada promote tinyworld@1.0 --to stable --dry-run
says 'NOT MET  soak'
says 'it will have at 2026-01-04T12:00:00Z'
says '0 of 2 people with the role release agree'
must 0 ada request tinyworld@1.0 --to stable -o post/request.json

# Ben reads the request where he is, without any store, and answers; so does Ada.
day 2
must 0 ben review post/request.json
says 'promote tinyworld@1.0 to stable'
says 'ben'
says 'met      gate smoke'
must 0 ben approve post/request.json --key ben --reason 'read it, ran it' -o post/ben.json
must 0 ada approvals add post/ben.json
must 0 ada approve post/request.json --key release --reason 'mine, and good' -o post/ada.json
must 0 ada approvals add post/ada.json
must 0 ada approvals ls tinyworld@1.0
says 'ben.*agrees.*holds'
must 1 ada promote tinyworld@1.0 --to stable
says 'met      approvals'
says 'NOT MET  soak'

day 4
must 0 ada promote tinyworld@1.0 --to stable
must 0 ada run tinyworld@stable --prompt 'Mia' --max-new-tokens 4
must 0 ada log --verify --against post/request.json
must 0 ada log --verify --against post/ben.json

# An auditor decides it again, and sees what another law would have made of it.
seq=$(ada --json log | grep '"type":"promote"' | tail -n 1 | sed 's/.*"seq":\([0-9]*\).*/\1/')
must 0 ada audit "$seq"
says 'was granted; decided again: granted'
must 0 ada policy test default --history
says '0 would flip, 0 cannot'
must 0 ada policy test strict --history
says 'stable: granted then, would be refused'
says 'gate task: there is no evidence'

# One word is not two: the same person under a second key, a second word of one person, a stranger.
must 0 ada add "$model" --name other --version 1.0 --license CC0-1.0
must 0 ada gate other@1.0
must 0 ada promote other@1.0 --to preview
must 0 ada request other@1.0 --to stable -o post/other.json
must 0 ben approve post/other.json --key ben --reason 'yes' -o post/yes.json
must 0 ben approve post/other.json --key ben --reason 'yes again' -o post/again.json
must 0 ada approvals add post/yes.json post/again.json
must 1 ada promote other@1.0 --to stable --dry-run
says '1 of 2 people'
ben key new stranger --no-passphrase >/dev/null
must 5 ben approve post/other.json --key stranger --reason 'me too' -o post/stranger.json
# A rejection stands until the same person agrees again.
must 0 ben approve post/other.json --key ben --reject --reason 'no licence text' -o post/no.json
must 0 ada approvals add post/no.json
must 1 ada promote other@1.0 --to stable --dry-run
says 'ben rejects it: no licence text'
# Whoever changes a file finds it refused.
python3 -c '
import base64, json
v = json.load(open("post/other.json"))
v["payload"] = base64.b64encode(base64.b64decode(v["payload"]).replace(b"stable", b"stible")).decode()
open("post/changed.json", "w").write(json.dumps(v, separators=(",", ":"), sort_keys=True))'
must 7 ben review post/changed.json
python3 -c '
import base64, json
v = json.load(open("post/other.json"))
v["payload"] = base64.b64encode(base64.b64decode(v["payload"]).replace(b"2026-01-11", b"2027-01-11")).decode()
open("post/changed.json", "w").write(json.dumps(v, separators=(",", ":"), sort_keys=True))'
must 5 ben review post/changed.json
# A law that both have to sign: neither of them changes it alone.
ben key new law --no-passphrase >/dev/null
ben key export law >post/law.pub
must 0 ada trust add policy post/law.pub --owner ben --threshold 2
must 5 ada policy set strict
says 'policy sign'
must 0 ada policy set strict -o post/law.json
must 5 ada policy set post/law.json
says '1 of the 2 keys'
must 0 ben policy sign post/law.json --key law -o post/signed.json
says 'strict'
must 0 ada policy set post/signed.json
must 0 ada policy show
says 'strict'

# The store set back whole to before Ben's answer is caught by his file.
mkdir past
cp -r ada/store past/now
must 0 ada add "$model" --name third --version 1.0 --license CC0-1.0
must 0 ada request third@1.0 --to preview -o post/third.json
rm -rf ada/store
cp -r past/now ada/store
must 6 ada log --verify --against post/third.json
echo "two people: done"
