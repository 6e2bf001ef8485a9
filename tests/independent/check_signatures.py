#!/usr/bin/env python3
"""Every kind of signature, verified by tools that know nothing of this program.

    check_signatures.py BINARY TESTDATA NPM_FOLDER

A store is made, a model goes to preview, and every signed document is handed out: trust, policy, manifest,
evidence, attestation, decision, and the ledger's own entries. Each must verify under exactly the key that
should have signed it with `openssl pkeyutl` over the PAE bytes (DSSE), with minisign (the same signature in its
file format), and with @sigstore/verify (as a bundle); and not with one byte changed, nor under another key,
nor under another payload type. NPM_FOLDER holds the node modules; they are installed there when they are not.
"""
import base64
import hashlib
import json
import os
import subprocess
import sys
import tempfile

PACKAGES = ["@sigstore/verify@3.1.1", "@sigstore/bundle@4.0.0"]
LEDGER_TYPE = "application/vnd.assay.ledger-entry+json"
KINDS = {  # what it is called: the key that signs it
    "trust": "root", "policy": "policy", "manifest": "publisher", "evidence-structural": "gate",
    "evidence-smoke": "gate", "evidence-task": "gate", "evidence-safety": "gate", "evidence-browser": "gate",
    "attestation": "gate", "decision": "release", "ledger": "log"}

SIGSTORE = r"""
import { readFileSync } from 'node:fs';
import { createPublicKey } from 'node:crypto';
import { createRequire } from 'node:module';
const need = createRequire(process.argv[2] + '/');
const { bundleFromJSON } = need('@sigstore/bundle');
const { Verifier, toSignedEntity } = need('@sigstore/verify');
for (const line of readFileSync(0, 'utf8').split('\n').filter(Boolean)) {
  const { envelope, pem } = JSON.parse(line);
  const key = { publicKey: createPublicKey(pem), validFor: () => true };
  const trust = { certificateAuthorities: [], timestampAuthorities: [], tlogs: [], ctlogs: [], publicKey: () => key };
  const verifier = new Verifier(trust, { tlogThreshold: 0, ctlogThreshold: 0, tsaThreshold: 0, timestampThreshold: 0 });
  let said = 'yes';
  try {
    verifier.verify(toSignedEntity(bundleFromJSON({
      mediaType: 'application/vnd.dev.sigstore.bundle.v0.3+json',
      verificationMaterial: { publicKey: { hint: 'assay' }, tlogEntries: [] }, dsseEnvelope: envelope })));
  } catch (e) { said = 'no ' + (e.code ?? e.message); }
  console.log(said);
}
"""


def pae(kind, payload):
    kind = kind.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def expect(truth, *what):
    if not truth:
        raise SystemExit("signatures: " + " ".join(str(w) for w in what))


class Room:
    def __init__(self, binary, folder):
        self.binary, self.folder = os.path.abspath(binary), folder
        self.env = dict(os.environ, ASSAY_STORE=folder + "/store", ASSAY_KEYS=folder + "/keys", HOME=folder)
        for name in ("ASSAY_TIME", "ASSAY_SIGNER"):
            self.env.pop(name, None)

    def assay(self, *words, codes=(0,)):
        done = subprocess.run([self.binary, "-q", *words], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=300)
        expect(done.returncode in codes, words, done.stderr.decode())
        return done.stdout.decode()

    def path(self, name):
        return os.path.join(self.folder, name)

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()


def second_line(text):
    return base64.b64decode(text.split(b"\n")[1])


class Keys:
    """Public keys as minisign's file, raw, and PEM; secret seeds for the trusted comment of a minisig."""

    def __init__(self, room, names):
        self.raw, self.id, self.pem, self.secret, self.pub = {}, {}, {}, {}, {}
        for name in names:
            self.pub[name] = room.path("keys/%s.pub" % name)
            blob = second_line(room.read("keys/%s.pub" % name))
            self.id[name], self.raw[name] = blob[2:10], blob[10:]
            self.pem[name] = self.public_pem(room, name)
            seed = second_line(room.read("keys/%s.key" % name))[62:94]
            der = bytes.fromhex("302e020100300506032b657004220420") + seed
            path = room.write(name + ".der", der)
            self.secret[name] = room.path(name + ".secret.pem")
            subprocess.run(["openssl", "pkey", "-inform", "DER", "-in", path, "-out", self.secret[name]], check=True)

    def public_pem(self, room, name):
        der = bytes.fromhex("302a300506032b6570032100") + self.raw[name]
        text = b"-----BEGIN PUBLIC KEY-----\n" + base64.b64encode(der) + b"\n-----END PUBLIC KEY-----\n"
        return room.write(name + ".pem", text)


def openssl(room, keys, key, message, sig):
    done = subprocess.run(["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", keys.pem[key], "-rawin", "-in",
                           room.write("m", message), "-sigfile", room.write("s", sig)], capture_output=True)
    return done.returncode == 0


def minisign(room, keys, key, message, sig):
    """The signature in minisign's file; its trusted comment needs a second one, which openssl makes."""
    comment = b"an independent check"
    room.write("c", sig + comment)
    subprocess.run(["openssl", "pkeyutl", "-sign", "-inkey", keys.secret[key], "-rawin", "-in", room.path("c"), "-out",
                    room.path("g")], check=True)
    text = b"untrusted comment: x\n%s\ntrusted comment: %s\n%s\n" % (
        base64.b64encode(b"Ed" + keys.id[key] + sig), comment, base64.b64encode(room.read("g")))
    room.write("m.minisig", text)
    room.write("m", message)
    done = subprocess.run(["minisign", "-q", "-V", "-p", keys.pub[key], "-m", room.path("m")], capture_output=True)
    return done.returncode == 0


def install(npm, *packages):
    os.makedirs(npm, exist_ok=True)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", npm, *packages], check=True)


def node20(npm):
    """@sigstore/verify needs node 20; Debian 12 has 18, npm's package `node` brings the newer one."""
    try:
        version = subprocess.run(["node", "--version"], capture_output=True, text=True).stdout
    except FileNotFoundError:
        version = "v0"
    if int(version.lstrip("v").split(".")[0] or 0) >= 20:
        return "node"
    own = os.path.join(npm, "node_modules/.bin/node")
    if not os.path.exists(own):
        install(npm, "node@20")
    return own


def sigstore(npm, script, rows):
    text = "".join(json.dumps(row) + "\n" for row in rows)
    done = subprocess.run([node20(npm), script, npm], input=text.encode(), capture_output=True, timeout=300)
    expect(done.returncode == 0, done.stderr.decode())
    return done.stdout.decode().splitlines()


SUITE = ('{"schema":"assay.suite/1","name":"s","kind":"choice","chance":"0.5","cases":1}\n'
         '{"id":"a","context":"Mia has a","choices":[" cat."," of"],"answer":0}\n')
BATTERY = ('{"schema":"assay.battery/1","name":"b","tokens":8,"detectors":[{"name":"x","kind":"words","texts":["zzz"]}],'
           '"cases":1}\n{"id":"a","hazard":"h","prompt":"Mia has"}\n')
LAW = """schema: assay.policy/1
name: all-gates
gates:
  task: {suites: {s: {sha256: %s, min_cases: 1}}}
  safety: {batteries: {b: {sha256: %s, min_cases: 1}}, static: {urls: 0}}
  browser: {tokens: 4}
channels:
  preview: {from: candidate, gates: [structural, smoke], allow_self_signed: true}
"""


def questions(room):
    """A suite, a battery, and the law that asks them."""
    digests = []
    for name, text in (("s", SUITE), ("b", BATTERY)):
        room.assay("add", room.write(name + ".jsonl", text.encode()), "--name", name, "--version", "1")
        digests.append(hashlib.sha256(text.encode()).hexdigest())
    room.assay("policy", "set", room.write("law.yaml", (LAW % tuple(digests)).encode()))


def documents(room, testdata):
    """kind → (payload type, payload, signature)"""
    room.assay("init")
    room.assay("add", os.path.join(testdata, "tinyworld/tinyworld-1.0.slm"), "--name", "w", "--version", "1")
    questions(room)
    room.assay("gate", "w@1", "--only", "structural,smoke,task,safety")
    room.assay("gate", "w@1", "--only", "browser", codes=(0, 1, 3))  # without a browser it is evidence of just that
    room.assay("attest", "w@1", "--type", "review", "--reason", "read")
    room.assay("promote", "w@1", "--to", "preview")
    room.assay("manifest", "w@1", "-o", room.path("published"))
    out = {}
    for line in room.assay("--json", "log").splitlines():
        entry = json.loads(line)
        folder = room.path("e%d" % entry["seq"])
        room.assay("log", str(entry["seq"]), "-o", folder)
        kind = {"trust": "trust", "policy": "policy", "add": "manifest", "promote": "decision",
                "attest": "attestation"}.get(entry["type"])
        if entry["type"] == "evidence":
            kind = "evidence-" + entry["body"]["gate"]
        for name in os.listdir(folder):
            text = room.read("e%d/%s" % (entry["seq"], name))
            if kind and name != "entry.json" and b'"payloadType"' in text:
                v = json.loads(text)
                expect(len(v["signatures"]) == 1, kind)
                out[kind] = (v["payloadType"], base64.b64decode(v["payload"]),
                             base64.b64decode(v["signatures"][0]["sig"]))
    line = json.loads(room.read("store/ledger").splitlines()[-1])
    canonical = room.read("e%d/entry.json" % line["entry"]["seq"]).rstrip(b"\n")
    out["ledger"] = (LEDGER_TYPE, canonical, base64.b64decode(line["sig"]))
    expect(set(out) == set(KINDS), "handed out", sorted(out))
    return out


def changed(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def cases(kind, docs, keys):
    """(what, key, type, payload, sig, verifies)"""
    type_, payload, sig = docs[kind]
    signer = KINDS[kind]
    yield "as it is", signer, type_, payload, sig, True
    yield "payload changed", signer, type_, changed(payload, len(payload) // 2), sig, False
    yield "payload cut", signer, type_, payload[:-1], sig, False
    yield "signature changed", signer, type_, payload, changed(sig, 9), False
    for other in sorted(set(KINDS.values()) - {signer}):
        yield "under " + other, other, type_, payload, sig, False
    for other in sorted({docs[k][0] for k in docs} - {type_}):
        yield "as " + other, signer, other, payload, sig, False


def envelope_of(type_, payload, sig):
    return {"payload": base64.b64encode(payload).decode(), "payloadType": type_,
            "signatures": [{"sig": base64.b64encode(sig).decode(), "keyid": ""}]}


def main(argv):
    binary, testdata, npm = argv[1:]
    if not os.path.isdir(os.path.join(npm, "node_modules/@sigstore/verify")):
        install(npm, *PACKAGES)
    with tempfile.TemporaryDirectory() as folder:
        room = Room(binary, folder)
        docs = documents(room, testdata)
        keys = Keys(room, sorted(set(KINDS.values())))
        script = room.write("verify.mjs", SIGSTORE.encode())
        tried = {"openssl": 0, "minisign": 0, "sigstore": 0}
        rows, wanted = [], []
        for kind in KINDS:
            for what, key, type_, payload, sig, good in cases(kind, docs, keys):
                message = pae(type_, payload)
                expect(openssl(room, keys, key, message, sig) == good, "openssl:", kind, what)
                expect(minisign(room, keys, key, message, sig) == good, "minisign:", kind, what)
                rows.append({"envelope": envelope_of(type_, payload, sig),
                             "pem": room.read(os.path.basename(keys.pem[key])).decode()})
                wanted.append((kind, what, good))
                tried["openssl"] += 1
                tried["minisign"] += 1
        for (kind, what, good), said in zip(wanted, sigstore(os.path.abspath(npm), script, rows)):
            expect(said.startswith("yes") == good, "sigstore:", kind, what, said)
            tried["sigstore"] += 1
        expect(tried["sigstore"] == len(rows), "sigstore answered", tried["sigstore"], "of", len(rows))
        done = subprocess.run(["minisign", "-q", "-V", "-p", keys.pub["publisher"], "-m",
                               room.path("published/manifest.json")], capture_output=True)
        expect(done.returncode == 0, "the published minisig", done.stderr)
    print("signatures: %d kinds; %s" % (len(KINDS), ", ".join("%s %d" % x for x in tried.items())))


if __name__ == "__main__":
    main(sys.argv)
