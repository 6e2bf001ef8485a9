"""Attacks by somebody who stole some keys and signs by hand what a program would not: decisions, laws, requests."""
import hashlib
import json
import os

from forge import INTOTO, canon, changed, envelope, opened, statement
from rows import artifact, attack

# ---- 17: decisions signed by hand: the keys release and log are the thief's, the others are not ---------------

POLICY = "application/vnd.assay.policy+json"
HAND_OUT = (["run", None, "--prompt", "a", "--max-new-tokens", "1"], ["get", None, "-o", "out"],
            ["export", None, "-o", "out.tar.zst"], ["eval", None, "--text", "kept.json"])


def newest(w, name):
    """The newest evidence of an artifact, by gate."""
    out = {}
    for key, value in w.state("evidence/%s/" % artifact(w, name)).items():
        out[key.split("/")[2]] = value
    return out


def decide(w, name="b", place=True, time=None, last="promote", **change):
    """Signs a decision about NAME@1, and puts it in the ledger as the program would have."""
    whole = {"artifact": artifact(w, name), "name": name, "number": 1, "before": None, "channel": "preview",
             "evidence": newest(w, name), "time": time or w.time, "trust": trust_digest(w)}
    whole.update(change)
    text = envelope(INTOTO, statement(w, "promote.json", **whole), w.key("release"))
    digest = hashlib.sha256(text).hexdigest()
    w.put_documents([text])
    seat = "%s/%s" % (name, whole["channel"])
    value = {"artifact": whole["artifact"], "decision": digest, "number": whole["number"], "since": whole["time"]}
    entry = {"channel/" + seat: canon(value).decode()}
    if place:
        entry["once/channel/%s/%016d" % (seat, whole["number"])] = digest
    w.append(entry, last, {"artifact": whole["artifact"], "channel": whole["channel"], "decision": digest,
                           "name": name, "number": whole["number"], "policy": "", "previous": None, "version": "1"})
    return digest


def trust_digest(w):
    return json.loads(w.state("trust")["trust"])["digest"]


def by_hand(number, name, code, exit_code=6, ref="b@preview"):
    def take(make):
        for words in HAND_OUT:
            @attack(number, "%s: %s" % (words[0], name), exit_code, code)
            def _(w, words=words):
                make(w)
                return [ref if word is None else word for word in words]
        return make
    return take


by_hand(17, "no evidence at all", "decision-unlawful")(lambda w: decide(w, evidence={}))
by_hand(17, "one gate of two", "decision-unlawful")(
    lambda w: decide(w, evidence={"smoke": newest(w, "b")["smoke"]}))
by_hand(17, "the evidence of a", "decision-unlawful")(lambda w: decide(w, evidence=newest(w, "a")))
by_hand(17, "evidence that is none", "decision-unlawful")(
    lambda w: decide(w, evidence=dict(newest(w, "b"), smoke=hashlib.sha256(w.read("trust1.json")).hexdigest())))
by_hand(4, "another policy than the law", "decision-unlawful")(lambda w: decide(w, policy="ab" * 32))
by_hand(4, "the trust of before", "decision-unlawful")(
    lambda w: decide(w, trust=hashlib.sha256(w.read("trust1.json")).hexdigest()))
by_hand(4, "a trust that nobody installed", "decision-unlawful")(lambda w: decide(w, trust="cd" * 32))
by_hand(3, "dated back", "decision-unlawful")(lambda w: decide(w, time="2026-01-01T00:00:00Z"))
by_hand(3, "dated ahead", "decision-unlawful")(lambda w: decide(w, time="2026-03-01T00:00:00Z"))
by_hand(16, "without a place", "decision-place")(lambda w: decide(w, place=False))
by_hand(16, "a rollback to itself", "decision-restores")(
    lambda w: decide(w, kind="rollback", reason="x", restores=1, last="rollback"))
by_hand(16, "a rollback to another's place", "decision-place", ref="b@preview")(
    lambda w: decide(w, kind="rollback", reason="x", restores=1, number=2, before="ab" * 32, last="rollback"))
by_hand(16, "stable without an approval or a day in preview", "decision-unlawful", ref="a@stable")(
    lambda w: decide(w, "a", channel="stable", evidence=newest(w, "a")))


@attack(17, "run --unproven: no evidence at all", 6, "decision-unlawful")
def _(w):
    decide(w, evidence={})
    return ["run", "b@preview", "--unproven", "--prompt", "a", "--max-new-tokens", "1"]


@by_hand(16, "an older decision after a newer one", "decision-set-back", ref="a@preview")
def _(w):
    first = w.state("channel/a/preview")["channel/a/preview"]
    w.must("gate", "a@1", "--again")
    w.must("promote", "a@1", "--to", "preview")
    w.append({"channel/a/preview": first}, "promote")


@by_hand(17, "newer evidence that failed is left out", "decision-unlawful")
def _(w):
    passed = newest(w, "b")
    measured_again(w)
    decide(w, evidence=passed)


@by_hand(17, "a rejection is left out", "decision-unlawful")
def _(w):
    w.write("law.yaml", ASKING)
    w.must("policy", "set", "law.yaml")
    w.must("request", "b@1", "--to", "preview", "-o", "r.json")
    w.must("approve", "r.json", "--key", "release", "--reject", "--reason", "no", "-o", "no.json")
    w.must("approvals", "add", "no.json")
    w.must("approve", "r.json", "--key", "release", "--reason", "ok", "-o", "yes.json")
    w.put_documents([w.read("yes.json")])
    decide(w, policy=json.loads(w.state("policy")["policy"])["policy"],
           approvals=[hashlib.sha256(w.read("yes.json")).hexdigest()])


ASKING = b"""schema: assay.policy/1
name: asking
gates: {structural: {}, smoke: {}}
channels:
  preview: {from: candidate, gates: [structural, smoke], allow_self_signed: true,
            approvals: {role: release, threshold: 1}}
"""


@by_hand(17, "no approval where the law asks for one", "decision-unlawful")
def _(w):
    w.write("law.yaml", ASKING)
    w.must("policy", "set", "law.yaml")
    decide(w, policy=json.loads(w.state("policy")["policy"])["policy"])


@by_hand(17, "a freeze is left out", "decision-unlawful")
def _(w):
    w.must("freeze", "b", "--until", "2026-06-01T00:00:00Z", "--reason", "stop")
    decide(w)


@by_hand(6, "who agreed had his key revoked since", "decision-unlawful")
def _(w):
    w.write("law.yaml", ASKING)
    w.must("key", "new", "ben")
    w.write("ben.pub", w.must("key", "export", "ben")["public"].encode())
    w.must("trust", "add", "release", "ben.pub", "--owner", "ben")
    w.must("policy", "set", "law.yaml")
    w.must("gate", "b@1")
    w.must("request", "b@1", "--to", "preview", "-o", "r.json")
    w.must("approve", "r.json", "--key", "ben", "--reason", "ok", "-o", "yes.json")
    w.must("approvals", "add", "yes.json")
    w.must("promote", "b@1", "--to", "preview")
    obeyed(w, "b@preview", "by the word of somebody who is believed")
    w.must("trust", "revoke", w.key("ben").id)


# ---- what was set once is said again, or taken back, by the key log ----

@by_hand(17, "the law's place is taken again, later than a decision against it", "decision-unlawful")
def _(w):
    lax = json.loads(opened(w.read("policy.json"))[1])["policy"]
    w.must("policy", "set", "strict")
    decide(w, policy=hashlib.sha256(canon(lax)).hexdigest())
    w.append(w.state("once/policy/%016d" % 2), "policy")


def measured_again(w):
    """Newer evidence of b's gate smoke, which failed; what lay there before is the answer."""
    before = w.state("evidence/%s/smoke/" % artifact(w, "b"))
    kind, payload = opened(w.read("evb/smoke.dsse.json"))
    p = json.loads(payload)
    said = p["predicate"]
    check = said["urn:assay:evidence:checks"][0]
    check["verdict"] = said["urn:assay:evidence:verdict"] = "fail"
    said["passedTests"].remove(check["name"])
    said.update(failedTests=[check["name"]], result="FAILED")
    w.time = "2026-01-02T01:00:00Z"
    said["urn:assay:evidence:recorded"].update(started=w.time, ended=w.time)
    w.write("again.json", envelope(kind, canon(p), w.key("gate")))
    w.must("evidence", "add", "again.json")
    return before


@attack(2, "the log key takes evidence back that failed", 7, "state-once")
def _(w):
    old = measured_again(w)
    w.append({k: None for k in w.state("evidence/%s/smoke/" % artifact(w, "b")) if k not in old}, "evidence")
    return ["promote", "b@1", "--to", "preview"]


@attack(2, "the log key puts older evidence on top", 1, "refused:gate smoke")
def _(w):
    (key, value), = measured_again(w).items()
    w.append({key[:-16] + "%016d" % (len(w.lines()) + 1): value}, "evidence")
    return ["promote", "b@1", "--to", "preview"]


@by_hand(17, "older evidence on top of what failed", "decision-unlawful")
def _(w):
    (key, value), = measured_again(w).items()
    w.append({key[:-16] + "%016d" % (len(w.lines()) + 1): value}, "evidence")
    decide(w)


@attack(2, "the log key takes a rejection back", 7, "state-once")
def _(w):
    w.write("law.yaml", ASKING)
    w.must("policy", "set", "law.yaml")
    w.must("request", "b@1", "--to", "preview", "-o", "r.json")
    w.must("approve", "r.json", "--key", "release", "--reject", "--reason", "no", "-o", "no.json")
    w.must("approvals", "add", "no.json")
    w.append({key: None for key in w.state("approval/")}, "reject")
    return ["promote", "b@1", "--to", "preview"]


@attack(2, "the log key brings back what was retired", 7, "state-once")
def _(w):
    w.must("retire", "a@1", "--reason", "bad")
    w.append({key: None for key in w.state("retired/")}, "retire")
    return ["promote", "a@1", "--to", "preview"]


def back(w, name, decision, **change):
    decide(w, name, kind="rollback", reason="x", restores=1, number=2, before=decision, last="rollback", **change)


@by_hand(17, "a rollback that leaves out evidence of a revoked key", "decision-restores", ref="a@preview")
def _(w):
    w.must("key", "new", "gate2")
    w.write("gate2.pub", w.must("key", "export", "gate2")["public"].encode())
    w.must("trust", "add", "gate", "gate2.pub", "--owner", "ann")
    w.must("trust", "revoke", w.key("gate").id)
    back(w, "a", json.loads(w.state("channel/a/preview")["channel/a/preview"])["decision"], evidence={})


@by_hand(17, "a rollback to what another runtime was proven for", "decision-restores")
def _(w):
    runtime = json.loads(opened(w.read("promote.json"))[1])["predicate"]["assay:decision"]["basis"]["runtime"]
    w.time = "2026-01-02T01:00:00Z"
    for gate in ("structural", "smoke"):
        kind, payload = opened(w.read("evb/%s.dsse.json" % gate))
        text = payload.replace(runtime.encode(), b"ab" * 32)
        p = json.loads(text)
        p["predicate"]["urn:assay:evidence:recorded"].update(started=w.time, ended=w.time)
        w.write("other.json", envelope(kind, canon(p), w.key("gate")))
        w.must("evidence", "add", "other.json")
    back(w, "b", decide(w, runtime="ab" * 32, program="ab" * 32))


# Alike, but in order: what the law allows is handed out, whoever wrote it down.
def obeyed(w, ref, when, exit_code=0):
    done = w.run("run", ref, "--prompt", "a", "--max-new-tokens", "1")
    if done[0] != exit_code:
        raise SystemExit("run %s %s: %s" % (ref, when, done))


def lawful(w):
    decide(w)
    obeyed(w, "b@preview", "by a lawful decision")
    # What the store lost comes back with its file, and what rested on it holds again.
    w.lose(newest(w, "a")["smoke"])
    obeyed(w, "a@preview", "with evidence lost", 6)
    w.must("evidence", "add", "eva/smoke.dsse.json")
    obeyed(w, "a@preview", "with evidence back")
    w.lose(trust_digest(w))
    obeyed(w, "b@preview", "with its trust lost", 7)
    w.must("trust", "install", "trust2.json")
    obeyed(w, "b@preview", "with its trust back")
    w.must("log", "--verify")


# ---- 17: requests that their carrier signs again: the reviewer must not see facts of his ------------------------

REQUEST = "application/vnd.assay.request+json"


def carried(w, key="log", keys="evil", **change):
    w.write("law.yaml", ASKING)
    w.must("policy", "set", "law.yaml")
    w.must("request", "b@1", "--to", "preview", "-o", "r.json")
    p = json.loads(opened(w.read("r.json"))[1])
    p.update(soaked=9999999, holds=True)
    for name, value in change.items():
        p[name] = value(p)
    w.write("forged.json", envelope(REQUEST, canon(p), w.key(key, keys)))
    return "forged.json"


def charter_with(w, **change):
    return lambda p: dict(p["charter"], **change)


def of_evil(w):
    return json.loads(w.read("evilstore/format"))


for _words in (["review", "forged.json"], ["approve", "forged.json", "--key", "release", "--reason", "ok", "-o", "y.json"]):
    @attack(17, _words[0] + ": a request under the carrier's log key", 5, "signature-wrong")
    def _(w, words=_words):
        carried(w)
        return words

    @attack(17, _words[0] + ": his log key in the charter", 5, "request-charter")
    def _(w, words=_words):
        key = w.key("log", "evil")
        carried(w, charter=charter_with(w, log_key=key.public.hex(), log_key_id=key.id.lower()))
        return words

    @attack(17, _words[0] + ": the charter of his store", 5, "request-charter")
    def _(w, words=_words):
        carried(w, charter=lambda p: of_evil(w))
        return words

    @attack(17, _words[0] + ": a lab store of his", 5, "request-charter")
    def _(w, words=_words):
        carried(w, charter=charter_with(w, lab=False))
        return words


@attack(17, "an approval of a request for his store", 6, "head-store")
def _(w):
    evil = of_evil(w)
    carried(w, charter=lambda p: evil, ask=lambda p: dict(p["ask"], store=evil["store_id"]),
            head=lambda p: dict(p["head"], store=evil["store_id"]))
    p = json.loads(opened(w.read("forged.json"))[1])
    yes = {"ask": p["ask"], "head": p["head"], "reason": "ok", "schema": "assay.approval/1", "time": w.time,
           "verdict": "approve"}
    w.write("y.json", envelope("application/vnd.assay.approval+json", canon(yes), w.key("release")))
    return ["approvals", "add", "y.json"]


# ---- 2: the law set back ------------------------------------------------------------------------------------

def enact(w, by=("policy",), keys="keys", **change):
    """An enactment of the lax law, by those keys, put in its place by the key log."""
    now = json.loads(w.state("policy")["policy"])
    kind, payload = opened(w.read("policy.json"))
    n = json.loads(payload)
    n.update(version=now["version"] + 1, before=now["envelope"])
    n.update(change)
    text = envelope(kind, canon(n), *[w.key(k, keys) for k in by])
    w.write("enact.json", text)
    return n, text


def in_force(w, n, text, place=None):
    digest = hashlib.sha256(text).hexdigest()
    w.put_documents([text])
    value = {"envelope": digest, "name": "x", "policy": hashlib.sha256(canon(n["policy"])).hexdigest(),
             "version": place or n["version"]}
    w.append({"policy": canon(value).decode(), "once/policy/%016d" % (place or n["version"]): digest}, "policy")
    return ["promote", "b@1", "--to", "preview"]


@attack(2, "the log key points back to an older policy", 6, "policy-set-back")
def _(w):
    old = w.state("policy")["policy"]
    w.must("policy", "set", "strict")
    w.append({"policy": old}, "policy")
    return ["promote", "b@1", "--to", "preview"]


@attack(2, "run under an older policy that the log key points back to", 6, "policy-set-back")
def _(w):
    old = w.state("policy")["policy"]
    w.must("policy", "set", "strict")
    w.append({"policy": old}, "policy")
    decide(w)
    return ["run", "b@preview", "--prompt", "a", "--max-new-tokens", "1"]


@attack(2, "an older policy in a new place", 6, "policy-set-back")
def _(w):
    n, _text = enact(w)
    w.must("policy", "set", "strict")
    return in_force(w, json.loads(opened(w.read("policy.json"))[1]), w.read("policy.json"), place=3)


@attack(2, "the log key forgets the newest policy", 7, "state-once")
def _(w):
    w.must("policy", "set", "strict")
    w.append({"once/policy/%016d" % 2: None}, "policy")
    return ["promote", "b@1", "--to", "preview"]


@attack(2, "an older policy is installed again", 6, "policy-set-back")
def _(w):
    w.must("policy", "set", "strict")
    w.must("policy", "set", "default")
    w.must("policy", "set", "nightly")
    return ["policy", "set", "policy.json"]


attack(1, "a policy by the key release", 5, "wrong-role")(lambda w: in_force(w, *enact(w, by=("release",))))
attack(1, "a policy by a stranger", 5, "unknown-signer")(lambda w: in_force(w, *enact(w, keys="evil")))
attack(16, "a policy of another store", 6, "policy-store")(lambda w: in_force(w, *enact(w, store="0" * 32)))
attack(16, "a policy that follows another", 6, "policy-set-back")(lambda w: in_force(w, *enact(w, before="ab" * 32)))
attack(5, "a policy of version 9", 6, "policy-set-back")(
    lambda w: in_force(w, *enact(w, version=9), place=2))


# ---- 10: chunks that the disk changed ----------------------------------------------------------------------------

def spoiled(change, words):
    """In every pack that begins with a chunk, behind the heads of pack and record."""
    def make(w):
        for name in sorted(os.listdir(w.path("store/packs"))):
            data = w.read("store/packs/" + name)
            if data[16:21] == b"REC1\x01":
                w.write("store/packs/" + name, change(data, 16 + 64 + 9))
        return words
    return make


for _words in (["promote", "b@1", "--to", "preview"], ["promote", "b@1", "--to", "preview", "--dry-run"]):
    attack(10, "a flipped bit: " + " ".join(_words), 7, "pack-stored-check")(spoiled(changed, _words))
    attack(10, "zeros: " + " ".join(_words), 7, "pack-stored-check")(
        spoiled(lambda data, at: data[:at] + bytes(16) + data[at + 16:], _words))
    attack(10, "another digest: " + " ".join(_words), 7, "any")(
        spoiled(lambda data, at: changed(data, 16 + 16), _words))


# ---- 6, 12: laws that several have to sign ----------------------------------------------------------------------

def two_lawyers(w):
    w.must("trust", "add", "policy", "keys/extra.pub", "--owner", "ben", "--threshold", "2")
    w.write("law.yaml", ASKING)
    w.must("policy", "set", "law.yaml", "-o", "law1.json")
    w.must("policy", "sign", "law1.json", "--key", "extra", "-o", "law2.json")
    return json.loads(w.read("law2.json"))


@attack(6, "a law that one of two signed", 5, "below-threshold")
def _(w):
    two_lawyers(w)
    return ["policy", "set", "law1.json"]


@attack(6, "a law that one of two signed twice", 5, "below-threshold")
def _(w):
    v = two_lawyers(w)
    w.write("law2.json", canon(dict(v, signatures=[v["signatures"][0], dict(v["signatures"][0], keyid="0" * 16)])))
    return ["policy", "set", "law2.json"]


@attack(6, "a law by one key alone", 5, "below-threshold")
def _(w):
    two_lawyers(w)
    return ["policy", "set", "strict"]


@attack(12, "a law without its signatures", 5, "unsigned")
def _(w):
    w.write("law2.json", canon(dict(two_lawyers(w), signatures=[])))
    return ["policy", "set", "law2.json"]


@attack(15, "a law as another type", 5, "wrong-type")
def _(w):
    w.write("law2.json", canon(dict(two_lawyers(w), payloadType=INTOTO)))
    return ["policy", "set", "law2.json"]


@attack(2, "a law that both signed, after another came", 6, "policy-set-back")
def _(w):
    two_lawyers(w)
    w.must("policy", "sign", "law1.json", "--key", "extra", "-o", "once.json")
    w.must("policy", "set", "strict", "-o", "s1.json")
    w.must("policy", "sign", "s1.json", "--key", "extra", "-o", "s2.json")
    w.must("policy", "set", "s2.json")
    return ["policy", "set", "once.json"]
