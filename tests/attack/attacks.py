#!/usr/bin/env python3
"""Attacks on the way to a channel, over the real binary: attacks.py BINARY

Each row is one attack on a copy of the same world: it must end with its exit code and its stable code, say one
line, print no control byte, and leave the ledger as it was (but for entries that record a refusal). Numbers are
those of the list that a release is checked against; each has at least four variants.
"""
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile

import hostile  # noqa: F401 (its rows)
from by_hand import lawful
from forge import INTOTO, TRUST, World, canon, envelope, opened, pae
from rows import ATTACKS, artifact, attack

ORDER = 2**252 + 27742317777372353535851937790883648493  # of Ed25519's group
def build(binary, folder):
    """a@1 and b@1 gated, a@1 in preview; a second trust version; files to play with."""
    w = World(binary, folder, "2026-01-02T00:00:00Z")
    here = os.path.dirname(os.path.abspath(__file__))
    for name, more in (("a", []), ("b", ["backwards"])):
        subprocess.run([sys.executable, here + "/../demo/alphabet.py", w.path("t" + name), *more], check=True)
        w.must("pack", "t" + name, "-o", name + ".slm", "--dtype", "q4_0")
    w.must("init", time="2026-01-01T00:00:00Z")
    w.must("init", keys="evil", store="evilstore", time="2026-01-01T00:00:00Z")
    w.must("key", "new", "extra")
    w.must("key", "export", "extra")
    for name in ("a", "b"):
        w.must("add", name + ".slm", "--name", name, "--version", "1")
        w.must("gate", name + "@1")
        w.must("manifest", name + "@1", "-o", "pub" + name)
        w.must("evidence", name + "@1", "-o", "ev" + name)
    w.must("promote", "a@1", "--to", "preview")
    w.must("attest", "a@1", "--type", "review", "--reason", "read")
    w.must("trust", "rotate", "--days", "300")
    w.must("log", "--verify")
    kept = w.must("log", "--verify")
    w.write("kept.json", canon(kept))
    for line in w.lines():
        entry = json.loads(line)["entry"]
        w.must("log", str(entry["seq"]), "-o", "e%d" % entry["seq"])
        if entry["type"] == "trust":
            w.write("trust%d.json" % entry["body"]["version"], w.read("e%d/digest.json" % entry["seq"]))
        if entry["type"] in ("policy", "promote", "attest"):
            name = "decision" if entry["type"] == "promote" else "envelope"
            w.write(entry["type"] + ".json", w.read("e%d/%s.json" % (entry["seq"], name)))
    return w


def trust_payload(w, **change):
    payload = json.loads(opened(w.read("trust2.json"))[1])
    payload["version"] = 3
    payload.update(change)
    return payload


def offer_trust(w, payload, *names, keys="keys"):
    w.write("offer.json", envelope(TRUST, canon(payload), *[w.key(n, keys) for n in names]))
    return ["trust", "install", "offer.json"]


def resigned(w, source, name, keys="keys", kind=None):
    old, payload = opened(w.read(source))
    w.write("forged.json", envelope(kind or old, payload, w.key(name, keys)))
    return "forged.json"


# ---- 1: what is signed by a stranger, by nobody, by the key of another role --------------------------------

for _who, _keys, _code in (("publisher", "evil", "unknown-signer"), ("gate", "keys", "wrong-role"),
                           ("release", "keys", "wrong-role"), ("log", "keys", "unknown-signer")):
    @attack(1, "manifest by %s of %s" % (_who, _keys), 5, _code)
    def _(w, who=_who, keys=_keys):
        return ["add", "b.slm", "--manifest", resigned(w, "pubb/manifest.dsse.json", who, keys)]

    @attack(1, "evidence by %s of %s" % (_who if _who != "gate" else "policy", _keys), 5, _code)
    def _(w, who=_who if _who != "gate" else "policy", keys=_keys):
        return ["evidence", "add", resigned(w, "eva/smoke.dsse.json", who, keys)]


@attack(1, "a stranger's next trust", 5, "unknown-signer")
def _(w):
    return offer_trust(w, trust_payload(w), "root", keys="evil")


@attack(1, "a bare manifest without an envelope", 7, "envelope-members")
def _(w):
    return ["add", "a.slm", "--manifest", "puba/manifest.json"]


@attack(1, "the log key names a stranger's trust", 5, "trust-anchor")
def _(w):
    w.borrow_packs(Other(w, "evilstore"))
    digest = json.loads(next(iter(w.state("trust", "evilstore").values())))["digest"]
    w.append({"trust": canon({"digest": digest, "version": 3}).decode(),
              "once/trust/%016d/%s" % (3, digest): ""}, "trust")
    return ["promote", "b@1", "--to", "preview"]


class Other:
    """The second store of a world, where borrow_packs looks for packs."""

    def __init__(self, w, store):
        self.w, self.store = w, store

    def path(self, name):
        return self.w.path(name.replace("store/", self.store + "/", 1))


# ---- 2: set back ---------------------------------------------------------------------------------------------

@attack(2, "trust 1 after 2", 6, "trust-set-back")
def _(w):
    return ["trust", "install", "trust1.json"]


@attack(2, "another trust 2 after 2", 6, "trust-set-back")
def _(w):
    return offer_trust(w, trust_payload(w, version=2, expires="2026-05-05T00:00:00Z"), "root")


@attack(2, "the log key points back to trust 1", 6, "trust-set-back")
def _(w):
    digest = hashlib.sha256(w.read("trust1.json")).hexdigest()
    w.append({"trust": canon({"digest": digest, "version": 1}).decode()}, "trust")
    return ["promote", "b@1", "--to", "preview"]


@attack(2, "the log key forgets trust 2", 7, "state-once")
def _(w):
    w.append({key: None for key in w.state("once/trust/") if "/%016d/" % 2 in key}, "trust")
    return ["promote", "b@1", "--to", "preview"]


@attack(2, "the store set back whole", 6, None)
def _(w):
    w.put_lines(w.lines()[:-2])
    subprocess.run(["rm", "-r", w.path("store/index")], check=True)
    return ["log", "--verify", "--against", "kept.json"]


@attack(2, "older evidence after newer", 6, "evidence-older")
def _(w):
    statement = json.loads(opened(w.read("eva/smoke.dsse.json"))[1])
    for when in ("started", "ended"):
        statement["predicate"]["urn:assay:evidence:recorded"][when] = "2026-01-01T00:00:00Z"
    w.write("forged.json", envelope(INTOTO, canon(statement), w.key("gate")))
    return ["evidence", "add", "forged.json"]


# ---- 3: frozen clocks ----------------------------------------------------------------------------------------

for _what, _time in (("a day after it expired", "2026-10-30T00:00:00Z"), ("ten years on", "2036-01-02T00:00:00Z")):
    for _name, _words in (("promote", ["promote", "b@1", "--to", "preview"]), ("sign", ["sign", "a@1", "--key", "extra"]),
                          ("attest", ["attest", "a@1", "--type", "review", "--reason", "x"]),
                          ("add", ["add", "a.slm", "--name", "z", "--version", "1"])):
        @attack(3, "%s %s" % (_name, _what), 6, "trust-expired")
        def _(w, words=_words, time=_time):
            w.time = time
            return words

for _time in ("2026-01-01T00:00:00Z", "2025-01-02T00:00:00Z", "1970-01-02T00:00:00Z"):
    @attack(3, "the clock at " + _time, 1, "refused:clock")
    def _(w, time=_time):
        w.time = time
        return ["promote", "b@1", "--to", "preview"]


# ---- 4: parts of A and B -------------------------------------------------------------------------------------

for _gate, _other in (("smoke", "smoke"), ("structural", "structural"), ("smoke", "structural")):
    @attack(4, "b's %s is a's %s" % (_gate, _other), 1, "refused:gate " + _gate)
    def _(w, gate=_gate, other=_other):
        a, b = artifact(w, "a"), artifact(w, "b")
        of_a = list(w.state("evidence/%s/%s/" % (a, other)).values())[-1]
        w.append({"evidence/%s/%s/%016d" % (b, gate, len(w.lines()) + 1): of_a}, "evidence")
        return ["promote", "b@1", "--to", "preview"]


@attack(4, "b by a's decision", 6, "decision-channel")
def _(w):
    value = json.loads(w.state("channel/a/preview")["channel/a/preview"])
    value["artifact"] = artifact(w, "b")
    w.append({"channel/b/preview": canon(value).decode()}, "promote")
    return ["run", "b@preview", "--prompt", "a", "--max-new-tokens", "2"]


@attack(4, "b with a's signatures", 7, "envelope-payload")
def _(w):
    a = json.loads(w.state("artifact/" + artifact(w, "a")).popitem()[1])["manifest"]
    w.append({"signature/%s/%s" % (artifact(w, "b"), "0" * 16): a}, "sign")
    return ["show", "b@1"]


@attack(4, "a's manifest for b's bytes", 7, "manifest-content")
def _(w):
    return ["add", "b.slm", "--manifest", "puba/manifest.dsse.json"]


# ---- 5: fast-forward, 6: thresholds, 7: rotations ------------------------------------------------------------

for _version, _exit, _code in ((4, 5, "trust-gap"), (2**31, 5, "trust-gap"), (2**32 + 1, 7, "trust-version"),
                               (2**53 - 1, 7, "trust-version"), (0, 7, "trust-version"), (-1, 7, "trust-version")):
    @attack(5, "trust version %d" % _version, _exit, _code)
    def _(w, version=_version):
        return offer_trust(w, trust_payload(w, version=version), "root")


def with_keys(w, role, count, threshold, twice=False):
    """A trust 3 in which `role` has more keys; the same key under a second id when `twice`."""
    payload = trust_payload(w, self_signed=False)
    extra = w.key("extra")
    key_id = "0123456789ABCDEF" if twice else extra.id
    public = w.key(role).public if twice else extra.public
    payload["keys"][key_id] = {"owner": "ben", "public": public.hex()}
    payload["roles"][role] = {"keys": (payload["roles"][role]["keys"] + [key_id])[:count], "threshold": threshold}
    return payload


for _threshold in (0, -1, 3, 2**31, 2**53 - 1):
    @attack(6, "threshold %d of 2" % _threshold, 5, "trust-threshold")
    def _(w, threshold=_threshold):
        return offer_trust(w, with_keys(w, "gate", 2, threshold), "root")


@attack(6, "one key under two ids", 5, "trust-same-key")
def _(w):
    return offer_trust(w, with_keys(w, "gate", 2, 2, twice=True), "root")


@attack(6, "one key listed twice", 7, "trust-role")
def _(w):
    payload = trust_payload(w)
    payload["roles"]["gate"] = {"keys": payload["roles"]["gate"]["keys"] * 2, "threshold": 2}
    return offer_trust(w, payload, "root")


def two_publishers(w):
    payload = with_keys(w, "publisher", 2, 2)
    w.must(*offer_trust(w, payload, "root"))


@attack(6, "one of two publishers", 5, "below-threshold")
def _(w):
    two_publishers(w)
    return ["add", "a.slm", "--manifest", "puba/manifest.dsse.json"]


@attack(6, "one publisher's signature twice", 5, "below-threshold")
def _(w):
    two_publishers(w)
    kind, payload = opened(w.read("puba/manifest.dsse.json"))
    sig = w.key("publisher").sign(pae(kind, payload))
    w.write("forged.json", envelope(kind, payload, sigs=[(w.key("publisher").id, sig), (w.key("extra").id, sig)]))
    return ["add", "a.slm", "--manifest", "forged.json"]


@attack(6, "promotion on one publisher of two", 1, "refused:publisher")
def _(w):
    two_publishers(w)
    return ["promote", "b@1", "--to", "preview"]


def new_root(w):
    payload = trust_payload(w, self_signed=False)
    extra = w.key("extra")
    payload["keys"].pop(payload["roles"]["root"]["keys"][0])
    payload["keys"][extra.id] = {"owner": "ben", "public": extra.public.hex()}
    payload["roles"]["root"] = {"keys": [extra.id], "threshold": 1}
    return payload


@attack(7, "a new root that the old did not sign", 5, "unknown-signer")
def _(w):
    return offer_trust(w, new_root(w), "extra")


@attack(7, "a new root that did not sign itself", 5, "unknown-signer")
def _(w):
    return offer_trust(w, new_root(w), "root")


@attack(7, "the former root goes on", 5, "unknown-signer")
def _(w):
    w.must(*offer_trust(w, new_root(w), "root", "extra"))
    return offer_trust(w, trust_payload(w, version=4), "root")


@attack(7, "a revoked key comes back", 5, "key-revoked")
def _(w):
    w.must("trust", "revoke", w.key("gate").id)
    payload = trust_payload(w, version=4)
    payload["revoked"] = {w.key("gate").id: {"public": w.key("gate").public.hex(), "since": "2026-01-02T00:00:00Z"}}
    return offer_trust(w, payload, "root")


@attack(7, "a revocation is forgotten", 6, "revocation-lost")
def _(w):
    w.must("trust", "revoke", w.key("gate").id)
    return offer_trust(w, trust_payload(w, version=4), "root")


# ---- 9: asked for A, given B ---------------------------------------------------------------------------------

for _words in (["show", "a@1"], ["get", "a@1", "-o", "out"], ["run", "a@1", "--prompt", "a", "--max-new-tokens", "1"],
               ["promote", "a@1", "--to", "preview"]):
    @attack(9, "a@1 leads to b: " + _words[0], 7, "ref-swapped")
    def _(w, words=_words):
        w.append({"name/a@1": artifact(w, "b")}, "add")
        return words


@attack(9, "a@preview leads to b", 7, "ref-swapped")
def _(w):
    value = json.loads(w.state("channel/a/preview")["channel/a/preview"])
    value["artifact"] = artifact(w, "b")
    w.append({"channel/a/preview": canon(value).decode()}, "promote")
    return ["get", "a@preview", "-o", "out"]


@attack(9, "a's content leads to b", 7, "ref-swapped")
def _(w):
    key = next(k for k in w.state("content/") if k.endswith(artifact(w, "a")))
    w.append({key: None, key.replace(artifact(w, "a"), artifact(w, "b")): ""}, "add")
    return ["get", "sha256:" + key.split("/")[1], "-o", "out"]


@attack(9, "other bytes than expected", 7, "expect")
def _(w):
    return ["add", "b.slm", "--name", "c", "--expect", "sha256:" + hashlib.sha256(w.read("a.slm")).hexdigest()]


# ---- 12: stripped, 13: downgraded, 14: malleable, 15: of another type ---------------------------------------

CONSUMERS = {"trust": (["trust", "install"], "trust2.json"), "manifest": (["add", "a.slm", "--manifest"],
             "puba/manifest.dsse.json"), "evidence": (["evidence", "add"], "eva/smoke.dsse.json")}


def mangled(change):
    """Every consumer is given its document after `change` of the envelope's JSON."""
    out = []
    for name, (words, source) in CONSUMERS.items():
        def make(w, words=words, source=source):
            v = json.loads(w.read(source))
            change(v)
            w.write("forged.json", canon(v))
            return words + ["forged.json"]
        out.append((name, make))
    return out


def strip(number, what, exit_code, code, change):
    for name, make in mangled(change):
        attack(number, "%s: %s" % (name, what), exit_code, code)(make)


strip(12, "no signatures", 5, "unsigned", lambda v: v.update(signatures=[]))
strip(12, "signatures missing", 7, "envelope-signatures", lambda v: v.pop("signatures"))
strip(12, "signature without sig", 7, "envelope-signature", lambda v: v["signatures"][0].pop("sig"))
strip(12, "no payload type", 7, "envelope-type", lambda v: v.update(payloadType=""))
strip(13, "alg none", 7, "envelope-signature", lambda v: v["signatures"][0].update(alg="none"))
strip(13, "an empty signature", 7, "envelope-signature", lambda v: v["signatures"][0].update(sig=""))
strip(13, "a short signature", 7, "envelope-signature", lambda v: v["signatures"][0].update(sig="AAAA"))
strip(13, "strong and weak mixed", 7, "envelope-signature",
      lambda v: v["signatures"].append({"keyid": "", "sig": base64.b64encode(b"\0" * 20).decode()}))
strip(13, "a header beside", 7, "envelope-members", lambda v: v.update(algorithm="ed25519"))


def bend(v, how):
    sig = base64.b64decode(v["signatures"][0]["sig"])
    v["signatures"][0]["sig"] = base64.b64encode(how(sig)).decode()


def plus_order(sig):
    s = int.from_bytes(sig[32:], "little") + ORDER
    return sig[:32] + s.to_bytes(32, "little")


strip(14, "S + L", 5, "signature-wrong", lambda v: bend(v, plus_order))
strip(14, "S zero", 5, "signature-wrong", lambda v: bend(v, lambda s: s[:32] + bytes(32)))
strip(14, "R and S of small order", 5, "signature-wrong", lambda v: bend(v, lambda s: b"\1" + bytes(63)))
for _bit in (0, 77, 255, 256, 300, 404, 511):
    strip(14, "bit %d" % _bit, 5, "signature-wrong",
          lambda v, b=_bit: bend(v, lambda s: s[:b // 8] + bytes([s[b // 8] ^ 1 << b % 8]) + s[b // 8 + 1:]))

for _weak in ("00" * 32, "01" + "00" * 31, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
              "ec" + "ff" * 30 + "7f"):
    @attack(14, "weak key %s in a trust" % _weak[:8], 5, "key-weak")
    def _(w, weak=_weak):
        payload = with_keys(w, "gate", 2, 1)
        payload["keys"][w.key("extra").id]["public"] = weak
        return offer_trust(w, payload, "root")

    @attack(14, "weak key %s as a file" % _weak[:8], 5, "key-weak")
    def _(w, weak=_weak):
        text = base64.b64encode(b"Ed" + bytes(8) + bytes.fromhex(weak)).decode()
        w.write("weak.pub", ("untrusted comment: x\n%s\n" % text).encode())
        return ["trust", "add", "gate", "weak.pub", "--owner", "eve"]

KINDS = {"trust": "trust2.json", "policy": "policy.json", "manifest": "puba/manifest.dsse.json",
         "evidence": "eva/smoke.dsse.json", "attestation": "attest.json", "decision": "promote.json"}
for _name, (_words, _own) in CONSUMERS.items():
    for _kind, _file in KINDS.items():
        if _file == _own:
            continue

        @attack(15, "a %s shown as %s" % (_kind, _name), None, "any")
        def _(w, words=_words, file=_file):
            return words + [file]

        @attack(15, "a %s relabelled as %s" % (_kind, _name), None, "any")
        def _(w, words=_words, file=_file, own=_own):
            v = json.loads(w.read(file))
            v["payloadType"] = json.loads(w.read(own))["payloadType"]
            w.write("forged.json", canon(v))
            return words + ["forged.json"]


# ---- 16: replayed decisions, 19: another history -------------------------------------------------------------

def replayed(change):
    def make(w):
        value = json.loads(w.state("channel/a/preview")["channel/a/preview"])
        key, ref = change(w, value)
        w.append({key: canon(value).decode()}, "promote")
        return ["run", ref, "--prompt", "a", "--max-new-tokens", "1"]
    return make


attack(16, "in another channel", 6, "decision-channel")(replayed(lambda w, v: ("channel/a/stable", "a@stable")))
attack(16, "out of its order", 6, "decision-number")(
    replayed(lambda w, v: (v.update(number=7), ("channel/a/preview", "a@preview"))[1]))
attack(16, "under another name", 7, "ref-swapped")(replayed(lambda w, v: ("channel/z/preview", "z@preview")))


@attack(16, "of another store", 6, "decision-store")
def _(w):
    other = w.copy(w.folder + ".other")
    subprocess.run(["rm", "-r", other.path("store")], check=True)
    other.must("init", time="2026-01-01T00:00:00Z")
    other.must("add", "a.slm", "--name", "a", "--version", "1")
    other.must("gate", "a@1")
    other.must("promote", "a@1", "--to", "preview")
    w.borrow_packs(other)
    w.append({"channel/a/preview": other.state("channel/")["channel/a/preview"]}, "promote")
    return ["run", "a@preview", "--prompt", "a", "--max-new-tokens", "1"]


def edited(change, drop_index=True):
    def make(w):
        lines = w.lines()
        change(w, lines)
        w.put_lines(lines)
        if drop_index:
            subprocess.run(["rm", "-r", w.path("store/index")], check=True)
        return ["promote", "b@1", "--to", "preview"]
    return make


def swap(lines, i, k):
    lines[i], lines[k] = lines[k], lines[i]


attack(16, "an entry stands twice", 7, "ledger-seq")(edited(lambda w, l: l.append(l[-1])))
attack(16, "two entries change places", 7, "ledger-seq")(edited(lambda w, l: swap(l, -2, -3)))
attack(19, "an entry is dropped", 7, "ledger-seq")(edited(lambda w, l: l.pop(5)))
attack(19, "the first is dropped", 7, "ledger-seq")(edited(lambda w, l: l.pop(0)))
attack(19, "the end is cut, the head with it", 6, "ledger-cut")(edited(lambda w, l: l.pop(), False))
attack(19, "an entry is edited", 7, "ledger-signature")(
    edited(lambda w, l: l.__setitem__(3, l[3].replace(b'"name":"a"', b'"name":"z"'))))


def forked(w):
    lines = w.lines()
    entry = json.loads(lines[-1])["entry"]
    entry["body"] = {"forked": True}
    w.put_lines(lines[:-1] + [w.line(entry)])
    return lines


@attack(19, "a fork by the log key, seen by the index", 6, "ledger-cut")
def _(w):
    forked(w)
    return ["promote", "b@1", "--to", "preview"]


@attack(19, "a fork by the log key, seen by a head kept elsewhere", 6, None)
def _(w):
    forked(w)
    subprocess.run(["rm", "-r", w.path("store/index")], check=True)
    return ["log", "--verify", "--against", "kept.json"]


@attack(19, "an entry by another key", 7, "ledger-signature")
def _(w):
    lines = w.lines()
    last = json.loads(lines[-1])["entry"]
    entry = dict(last, seq=last["seq"] + 1, prev=hashlib.sha256(canon(last)).hexdigest(), set={}, body={}, type="test")
    w.put_lines(lines + [w.line(entry, w.key("log", "evil"))], head=False)
    return ["promote", "b@1", "--to", "preview"]


# ---- 37: names, environment, arguments -----------------------------------------------------------------------

for _name in ("-rf", "$(touch pwned)", "../../x", "a;touch pwned", "a\nb", "A", "\x1b[2J", "x" * 129):
    @attack(37, "named %r" % _name[:12], 2, "any")
    def _(w, name=_name):
        return ["add", "a.slm", "--name=" + name]

for _signer in ("sh -c 'touch pwned'", "echo $(touch pwned)", "cat", "/nonexistent", "yes", "echo AAAA"):
    @attack(37, "$ASSAY_SIGNER is %s" % _signer, None, "any")
    def _(w, signer=_signer):
        w.env = {"ASSAY_SIGNER": signer}
        return ["add", "b.slm", "--name", "y"]


# ---- running -------------------------------------------------------------------------------------------------

def judge(w, before, want, got):
    exit_code, code = want
    rc, said, err = got
    if exit_code is None and rc in (0, 130) or exit_code is not None and rc != exit_code:
        return "exit %d: %s %s" % (rc, said, err)
    unmet = [r["rule"] for r in said.get("rules", []) if not r["met"]]
    if code is None:  # an answer with findings
        if not said.get("findings"):
            return "no finding: %s" % said
    elif code.startswith("refused:"):
        if said.get("allowed") is not False and said.get("decision") != "refused" or code[8:] not in unmet:
            return "unmet are %s: %s" % (unmet, said)
    elif said.get("schema") != "assay.error/1" or code not in ("any", said["code"]):
        return "said %s" % said
    if "message" in said and (not said["message"] or len(said["message"]) > 500 or len(err.splitlines()) > 4):
        return "not a line or two: %r" % err
    if os.path.exists(w.path("pwned")) or os.path.exists(w.path("store/pwned")):
        return "a command was run"
    after = w.lines()
    recorded = {json.loads(line)["entry"]["type"] for line in after[len(before):]}
    if after[:len(before)] != before or not recorded <= {"refuse", "quarantine"}:
        return "the ledger changed: %s" % recorded
    return None


def main(argv):
    tried, bad = {}, 0
    with tempfile.TemporaryDirectory() as folder:
        base = build(os.path.abspath(argv[1]), folder + "/base")
        lawful(base.copy(folder + "/lawful"))
        for i, (number, name, exit_code, code, make) in enumerate(ATTACKS):
            w = base.copy("%s/%d" % (folder, i))
            w.env = {}
            words = make(w)
            before = w.lines()
            why = judge(w, before, (exit_code, code), w.run(*words, env=w.env))
            tried[number] = tried.get(number, 0) + 1
            if why is not None:
                bad += 1
                print("attack %d, %s: %s" % (number, name, why))
            subprocess.run(["rm", "-rf", w.folder, w.folder + ".other"], check=True)
    few = [n for n, count in tried.items() if count < 4]
    print("attacks: %d of %d kinds, %d bad; %s" % (len(ATTACKS), len(tried), bad,
                                                   ", ".join("%d: %d" % x for x in sorted(tried.items()))))
    return 1 if bad or few else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
