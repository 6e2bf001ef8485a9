#!/usr/bin/env python3
"""Everything that a promotion to stable rests on, taken away in every way: matrix.py BINARY [STEP]

One world in which the promotion is allowed: two publishers, two gates, a review, two people's approvals, a policy
with soak and ages, a trust of several versions. Each cell changes one required thing in a copy of it (with the
log key, and with documents of any content put into a pack by hand): removed, replaced by each other document,
re-signed by each wrong key, stripped, changed, aged, duplicated; each key file and each ledger entry likewise.
Allow must become deny, in every cell. Then worlds in which it is denied, one for each reason: nothing that is
removed or duplicated there may make it allowed. Every STEP-th cell is run (1: all); the counts are printed.
"""
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile

from forge import World, canon, envelope, opened

POLICY = b"""schema: assay.policy/1
name: matrix
gates:
  structural: {}
  smoke:
    repeats: 2
    tokens: 8
channels:
  preview:
    from: candidate
    gates: [structural, smoke]
    allow_self_signed: true
  stable:
    from: preview
    gates: [structural, smoke]
    evidence_max_age: 7 d
    allow_self_signed: false
    soak: 1 h
    attestations: [review]
    approvals:
      role: release
      threshold: 2
      distinct: people
      valid: 7 d
"""
NOW = "2026-01-03T00:00:00Z"
ASK = ("promote", "a@1", "--to", "stable", "--dry-run")


def build(binary, folder):
    w = World(binary, folder, "2026-01-02T00:00:00Z")
    here = os.path.dirname(os.path.abspath(__file__))
    for name, more in (("a", []), ("b", ["backwards"])):
        subprocess.run([sys.executable, here + "/../demo/alphabet.py", w.path("t" + name), *more], check=True)
        w.must("pack", "t" + name, "-o", name + ".slm", "--dtype", "q4_0")
    w.write("matrix.yaml", POLICY)
    w.must("init", time="2026-01-01T00:00:00Z")
    w.must("init", keys="ben", store="benstore", time="2026-01-01T00:00:00Z")
    for role in ("publisher", "release"):
        w.write(role + ".pub", w.must("key", "export", role, keys="ben")["public"].encode())
        more = ["--threshold", "2"] if role == "publisher" else []
        w.must("trust", "add", role, role + ".pub", "--owner", "ben", *more)
    for end in ("key", "pub"):  # his signature in an envelope of its own, so that neither stands for both
        shutil.copy(w.path("ben/publisher." + end), w.path("keys/bens." + end))
    w.must("policy", "set", "matrix.yaml")
    for name in ("a", "b"):
        w.must("add", name + ".slm", "--name", name, "--version", "1")
        w.must("sign", name + "@1", "--key", "bens")
        w.must("gate", name + "@1")
        w.must("promote", name + "@1", "--to", "preview")
        w.must("attest", name + "@1", "--type", "review", "--reason", "read")
    w.time = NOW
    w.must("request", "a@1", "--to", "stable", "-o", "request.json")
    for who in ("keys", "ben"):
        w.must("approve", "request.json", "--key", "release", "--reason", "ok", "-o", who + ".yes", keys=who)
        w.must("approve", "request.json", "--key", "release", "--reject", "--reason", "no", "-o", who + ".no", keys=who)
    before = w.copy(folder + ".before")
    for who in ("keys", "ben"):
        w.must("approvals", "add", who + ".yes")
    allowed(w, True, "the world itself")
    return w, before


def allowed(w, want, what, words=ASK, keys="keys", time=None, proof=False):
    code, said, err = w.run(*words, keys=keys, time=time)
    gone = what.endswith((" gone", " removed", " lost", " all behind"))  # what is missing may be said to be missing
    denied = (1, 2, 5, 6, 7, 8, 9) if gone else (1, 5, 6, 7, 8)
    if code not in ((0,) if want else denied) or want and said.get("ok" if proof else "allowed") is not True:
        raise SystemExit("matrix: %s: exit %d %s %s" % (what, code, json.dumps(said)[:1500], err))


def digest(text):
    return hashlib.sha256(text).hexdigest()


def documents(w):
    """digest → bytes of every document that an entry names."""
    out = {}
    for line in w.lines():
        seq = json.loads(line)["entry"]["seq"]
        folder = w.path("doc%d" % seq)
        w.must("log", str(seq), "-o", folder)
        for name in os.listdir(folder):
            text = w.read("doc%d/%s" % (seq, name))
            if name != "entry.json" and b'"payloadType"' in text:
                out[digest(text)] = text
    return out


def pieces(w, docs):
    """Of the state: (name, key, digest of the envelope that the value names, whose keys may sign it)."""
    a = next(k.split("/")[1] for k, v in w.state("artifact/").items() if json.loads(v)["name"] == "a")
    ann, ben = "keys", "ben"
    rows = [("manifest", "artifact/" + a, [(ann, "publisher")]), ("policy", "policy", [(ann, "policy")]),
            ("preview", "channel/a/preview", [(ann, "release"), (ben, "release")])]
    rows += [("signature", k, [(ben, "publisher")]) for k in w.state("signature/%s/" % a)]
    rows += [("evidence", k, [(ann, "gate")]) for k in w.state("evidence/%s/" % a)]
    rows += [("review", k, [(ann, "gate")]) for k in w.state("attest/%s/" % a)]
    rows += [("approval", k, [(ann, "release"), (ben, "release")]) for k in w.state("approval/%s/" % a)]
    rows += [("trust", "trust", [(ann, "root")])]
    for name, key, may in rows:
        value = w.state(key)[key]
        found = [d for d in docs if d in value]
        if len(found) != 1:
            raise SystemExit("matrix: %s names %d documents" % (key, len(found)))
        yield name, key, found[0], may


SIGNERS = [("keys", n) for n in ("root", "publisher", "gate", "release", "policy", "log")] + \
          [("ben", n) for n in ("root", "publisher", "gate", "release", "policy", "log")]


def strippings(text):
    v = json.loads(text)
    yield "unsigned", canon(dict(v, signatures=[]))
    sig = v["signatures"][0]
    yield "another signature", canon(dict(v, signatures=[dict(sig, sig="A" * 86 + "==")]))
    yield "another type", canon(dict(v, payloadType="application/json"))
    yield "two other signatures", canon(dict(v, signatures=[dict(sig, sig=c * 85 + "A==") for c in "AB"]))
    middle = len(v["payload"]) // 2 // 4 * 4
    yield "a changed payload", canon(dict(v, payload=v["payload"][:middle] + "AAAA" + v["payload"][middle + 4:]))


def aged(name, payload):
    """The same statement with other times, which its own signer signs again."""
    p = json.loads(payload)
    if name == "evidence":
        for when in ("2025-12-01T00:00:00Z", "2026-02-01T00:00:00Z"):
            p["predicate"]["urn:assay:evidence:recorded"].update(started=when, ended=when)
            yield "ended " + when, canon(p)
    if name == "approval":
        ask = p["ask"]
        for member in ask:
            if member in ("expires", "until"):
                yield "expired", canon(dict(p, ask=dict(ask, **{member: "2026-01-02T12:00:00Z"})))


def set_value(w, key, old, text):
    """The state's value names another document now, which lies in the store."""
    w.put_documents([text])
    w.append({key: w.state(key)[key].replace(old, digest(text))}, "test")


def state_cells(w, docs):
    for name, key, old, may in list(pieces(w, docs)):
        where = "%s %s" % (name, key[-20:])
        yield where + " removed", lambda v, k=key: v.append({k: None})
        yield where + " lost", lambda v, k=key, o=old: v.append({k: v.state(k)[k].replace(o, "5" * 64)})
        for other in sorted(docs):
            if other != old:
                yield "%s replaced by %s" % (where, other[:12]), lambda v, k=key, o=old, n=other: \
                    v.append({k: v.state(k)[k].replace(o, n)})
        kind, payload = opened(docs[old])
        for folder, who in SIGNERS:
            if (folder, who) in may or name == "trust" and who == "root":
                continue
            yield "%s re-signed by %s of %s" % (where, who, folder), lambda v, k=key, o=old, f=folder, n=who, t=kind, \
                p=payload: set_value(v, k, o, envelope(t, p, v.key(n, f)))
        for what, text in strippings(docs[old]):
            yield "%s: %s" % (where, what), lambda v, k=key, o=old, t=text: set_value(v, k, o, t)
        for what, changed in aged(name, payload):
            yield "%s %s" % (where, what), lambda v, k=key, o=old, t=kind, p=changed, m=may[0]: \
                set_value(v, k, o, envelope(t, p, v.key(m[1], m[0])))


def line_cells(w, bare):
    """Each entry of the ledger; bare: the index is gone, so all of it is folded again."""
    n = len(w.lines())
    for i in range(n):
        def edit(v, change, i=i):
            lines = v.lines()
            change(lines, i)
            v.put_lines(lines)
            if bare:
                shutil.rmtree(v.path("store/index"))
        where = "entry %d" % (i + 1)
        yield where + " dropped", lambda v, e=edit: e(v, lambda l, k: l.pop(k))
        yield where + " twice", lambda v, e=edit: e(v, lambda l, k: l.insert(k, l[k]))
        yield where + " changed", lambda v, e=edit: e(v, lambda l, k: l.__setitem__(k, l[k].replace(b"2026", b"2027", 1)))
        yield where + " cut off with all behind", lambda v, e=edit: e(
            v, lambda l, k: l.__delitem__(slice(max(k, 1), None)))
        if i + 1 < n:
            yield where + " behind the next", lambda v, e=edit: e(v, lambda l, k: l.insert(k, l.pop(k + 1)))
        for who in ("gate", "root"):
            yield "%s re-signed by %s" % (where, who), lambda v, e=edit, a=who: e(
                v, lambda l, k: l.__setitem__(k, v.line(json.loads(l[k])["entry"], v.key(a))))


def key_cells():
    """Each key that a promotion signs with: gone, or another's in its place."""
    for name in ("release", "log"):
        yield name + ".key gone", lambda v, n=name: os.remove(v.path("keys/%s.key" % n))
        for folder, other in SIGNERS:
            if (folder, other) in (("keys", name), ("ben", "release") if name == "release" else ("keys", name)):
                continue
            yield "%s.key is %s of %s" % (name, other, folder), lambda v, n=name, o=other, f=folder: [
                shutil.copy(v.path("%s/%s.%s" % (f, o, e)), v.path("keys/%s.%s" % (n, e))) for e in ("key", "pub")]


def time_cells():
    for time in ("2025-12-31T00:00:00Z", "2026-01-02T00:30:00Z", "2026-01-09T12:00:00Z", "2026-02-01T00:00:00Z",
                 "2036-01-01T00:00:00Z"):
        yield "the clock at " + time, time


def denials(base, before):
    """Worlds that say no, one for each reason."""
    def world(what, make, source=base):
        w = source.copy("%s.no%d" % (base.folder, len(out)))
        make(w)
        allowed(w, False, what)
        out.append((what, w))
    out = []
    world("one approval", lambda w: w.must("approvals", "add", "keys.yes"), before)
    world("a rejection", lambda w: w.must("approvals", "add", "ben.no"))
    world("a failed gate", lambda w: fail_gate(w))
    world("a freeze", lambda w: w.must("freeze", "a", "--until", "2026-06-01T00:00:00Z", "--reason", "stop"))
    world("a revoked publisher", revoke_publisher)
    return out


def revoke_publisher(w):
    w.write("cleo.pub", w.must("key", "export", "root", keys="ben")["public"].encode())
    w.must("trust", "rotate", "publisher", "--threshold", "1")
    w.must("trust", "revoke", w.key("publisher", "ben").id)
    w.must("trust", "add", "publisher", "cleo.pub", "--owner", "cleo", "--threshold", "2")


def fail_gate(w):
    """Newer evidence that says no, by the right key."""
    a = next(k.split("/")[1] for k, v in w.state("artifact/").items() if json.loads(v)["name"] == "a")
    w.must("evidence", "a@1", "--gate", "smoke", "-o", "out")
    kind, payload = opened(w.read("out/smoke.dsse.json"))
    p = json.loads(payload)
    said = p["predicate"]
    said["urn:assay:evidence:recorded"].update(started=NOW, ended=NOW)
    said["urn:assay:evidence:checks"][0]["verdict"] = "fail"
    name = said["urn:assay:evidence:checks"][0]["name"]
    said["passedTests"].remove(name)
    said.update(failedTests=[name], result="FAILED")
    said["urn:assay:evidence:verdict"] = "fail"
    w.write("fail.json", envelope(kind, canon(p), w.key("gate")))
    w.must("evidence", "add", "fail.json")
    return a


def deny_cells(w):
    """Whatever is taken out of the state or said again; the reason for the denial itself stays."""
    reason = json.loads(w.lines()[-1])["entry"]["set"]
    for key, value in w.state("").items():
        if key in reason:
            continue
        if not key.startswith("once/"):
            yield key[-40:] + " removed", lambda v, k=key: v.append({k: None})
        yield key[-40:] + " said again", lambda v, k=key, t=value: v.append({k: t})
        if key[-16:].isdigit():
            yield key[-40:] + " under a newer number", lambda v, k=key, t=value: v.append({k[:-16] + "%016d" % 999: t}) \
                if not same_place(k, reason) else v.append({})


def same_place(key, reason):
    """The log key may reorder what is newest of one kind: that is what it is trusted with."""
    return any(key[:-16] == other[:-16] for other in reason)


def set_back_cells(base):
    """The store restored whole from an older copy, against each kind of file that carries a head."""
    base.must("manifest", "a@1", "-o", "kept")
    base.write("kept.json", canon(base.must("log", "--verify")))
    for name in ("request.json", "keys.yes", "ben.yes", "kept/head.json", "kept.json", "store/ledger.head"):
        allowed(base, True, "against " + name, ("log", "--verify", "--against", name), proof=True)
        w = base.copy(base.folder + ".cell")
        shutil.copy(w.path(name), w.path("elsewhere"))
        w.put_lines(w.lines()[:-3])
        shutil.rmtree(w.path("store/index"))
        allowed(w, False, "set back, against " + name, ("log", "--verify", "--against", "elsewhere"))
        shutil.rmtree(w.folder)
        yield name


def run(base, cells, step, want, tried, kind, words=ASK):
    for i, (what, make) in enumerate(cells):
        if i % step:
            continue
        w = base.copy(base.folder + ".cell")
        make(w)
        allowed(w, want, kind + ": " + what, words)
        if kind == "keys" and len([x for x in w.lines() if json.loads(x)["entry"]["type"] == "promote"]) != 2:
            raise SystemExit("matrix: %s: promoted all the same" % what)
        shutil.rmtree(w.folder)
        tried[kind] = tried.get(kind, 0) + 1


def main(argv):
    step, tried = int(argv[2]) if len(argv) > 2 else 1, {}
    with tempfile.TemporaryDirectory() as folder:
        base, before = build(os.path.abspath(argv[1]), folder + "/base")
        docs = documents(base)
        run(base, state_cells(base, docs), step, False, tried, "state")
        run(base, line_cells(base, True), step, False, tried, "ledger")
        run(base, line_cells(base, False), step, False, tried, "ledger behind its index")
        run(base, key_cells(), step, False, tried, "keys", ASK[:-1])
        for what, time in time_cells():
            allowed(base, False, what, time=time)
            tried["clock"] = tried.get("clock", 0) + 1
        tried["set back whole"] = len(list(set_back_cells(base)))
        for what, w in denials(base, before):
            run(w, deny_cells(w), step, False, tried, "denied by " + what)
        allowed(base, True, "the world itself, after all")
    print("matrix: %d cells, 0 wrong; %s" % (sum(tried.values()), ", ".join("%s %d" % x for x in tried.items())))
    return 0 if step > 1 or sum(tried.values()) >= 500 else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv))
