"""What an attacker has: keys he stole, files he may write, and Python. Shared by attacks.py and matrix.py."""
import base64
import hashlib
import json
import os
import shutil
import subprocess

TRUST = "application/vnd.assay.trust+json"
MANIFEST = "application/vnd.assay.manifest+json"
INTOTO = "application/vnd.in-toto+json"
LEDGER = "application/vnd.assay.ledger-entry+json"


def canon(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def pae(kind, payload):
    return b"DSSEv1 %d %s %d %s" % (len(kind.encode()), kind.encode(), len(payload), payload)


class Key:
    """One of minisign's unencrypted secret keys."""

    def __init__(self, path):
        with open(path, "rb") as file:
            raw = base64.b64decode(file.read().split(b"\n")[1])
        self.id = raw[54:62][::-1].hex().upper()
        self.seed, self.public = raw[62:94], raw[94:126]
        self.der = path + ".der"
        with open(self.der, "wb") as file:
            file.write(bytes.fromhex("302e020100300506032b657004220420") + self.seed)

    def sign(self, message):
        done = subprocess.run(["openssl", "pkeyutl", "-sign", "-keyform", "DER", "-inkey", self.der, "-rawin", "-in",
                               self.put(message)], capture_output=True, check=True)
        return done.stdout

    def put(self, message):
        with open(self.der + ".m", "wb") as file:
            file.write(message)
        return self.der + ".m"


def envelope(kind, payload, *keys, sigs=None):
    if sigs is None:
        sigs = [(k.id, k.sign(pae(kind, payload))) for k in keys]
    return canon({"payload": base64.b64encode(payload).decode(), "payloadType": kind,
                  "signatures": [{"keyid": i, "sig": base64.b64encode(s).decode()} for i, s in sigs]})


def opened(text):
    v = json.loads(text)
    return v["payloadType"], base64.b64decode(v["payload"])


def changed(data, at):
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


class World:
    """A folder with a store and key folders; copied from another one in a moment."""

    def __init__(self, binary, folder, time):
        self.binary, self.folder, self.time = binary, folder, time
        os.makedirs(folder, exist_ok=True)

    def copy(self, folder):
        shutil.copytree(self.folder, folder)
        return World(self.binary, folder, self.time)

    def path(self, name):
        return os.path.join(self.folder, name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def write(self, name, data):
        with open(self.path(name), "wb") as file:
            file.write(data)
        return name

    def key(self, name, folder="keys"):
        return Key(self.path("%s/%s.key" % (folder, name)))

    def run(self, *words, keys="keys", store="store", time=None, env=None):
        """(exit code, the last object of the answer or {}, standard error)"""
        whole = {"PATH": "/usr/bin:/bin", "HOME": self.folder, "ASSAY_STORE": self.path(store),
                 "ASSAY_KEYS": self.path(keys), "USER": "ann", "LC_ALL": "C", "ASSAY_TIME": time or self.time}
        for name in ("ASAN_OPTIONS", "UBSAN_OPTIONS", "LSAN_OPTIONS", "MUTANT", "MUTANT_LOG"):
            if name in os.environ:
                whole[name] = os.environ[name]
        if words[0] == "init":
            whole.pop("ASSAY_TIME")
            words += ("--lab", "--at", time or self.time)
        whole.update(env or {})
        done = subprocess.run([self.binary, "--json", *words], cwd=self.folder, env=whole, stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=120)
        for byte in done.stdout + done.stderr:
            if byte != 10 and (byte < 0x20 or byte == 0x7f):
                raise SystemExit("a control byte was printed by %r" % (words,))
        lines = done.stdout.decode().splitlines()
        return done.returncode, json.loads(lines[-1]) if lines else {}, done.stderr.decode()

    def must(self, *words, **how):
        code, said, err = self.run(*words, **how)
        if code != 0:
            raise SystemExit("%r: exit %d: %s %s" % (words, code, said, err))
        return said

    # -- with the log key in hand --

    def lines(self, store="store"):
        return self.read(store + "/ledger").splitlines()

    def put_lines(self, lines, store="store", head=True):
        self.write(store + "/ledger", b"".join(line + b"\n" for line in lines))
        if head:
            self.write(store + "/ledger.head", lines[-1] + b"\n")

    def line(self, entry, key=None):
        text = canon(entry)
        sig = (key or self.key("log")).sign(pae(LEDGER, text))
        return b'{"entry":' + text + b',"sig":"' + base64.b64encode(sig) + b'"}'

    def append(self, set_, type_="test", body=None, store="store"):
        """An entry that only the log key signed."""
        lines = self.lines(store)
        last = json.loads(lines[-1])["entry"]
        entry = {"body": body or {}, "prev": hashlib.sha256(canon(last)).hexdigest(), "seq": last["seq"] + 1,
                 "set": set_, "time": last["time"], "type": type_}
        self.put_lines(lines + [self.line(entry)], store)

    def state(self, prefix, store="store"):
        """The keys below a prefix, folded from the ledger."""
        out = {}
        for line in self.lines(store):
            for key, value in json.loads(line)["entry"]["set"].items():
                if key.startswith(prefix):
                    out[key] = value
        return {k: v for k, v in sorted(out.items()) if v is not None}

    def borrow_packs(self, other):
        """Documents of another store become readable in this one: packs are learnt by their number."""
        have = sorted(os.listdir(self.path("store/packs")))
        number = int(have[-1].split(".")[0], 16)
        for name in sorted(os.listdir(other.path("store/packs"))):
            number += 1
            shutil.copy(other.path("store/packs/" + name), self.path("store/packs/%016x.pack" % number))

    def lose(self, digest):
        """A document cannot be read any more, wherever it lies: one of its bytes is changed."""
        for name in os.listdir(self.path("store/packs")):
            data = bytearray(self.read("store/packs/" + name))
            at = data.find(bytes.fromhex(digest))
            while at >= 0:
                data[at + 48 + 5] ^= 1  # a record's header is 64 bytes, its digest stands at 16
                at = data.find(bytes.fromhex(digest), at + 1)
            os.chmod(self.path("store/packs/" + name), 0o600)
            self.write("store/packs/" + name, data)

    def put_documents(self, texts):
        """Any bytes as documents of the store: a pack written by hand (store/pack_format.h)."""
        have = sorted(os.listdir(self.path("store/packs")))
        number = int(have[-1].split(".")[0], 16) + 1
        out, chain = b"ASSAYPK1" + (1).to_bytes(4, "little") + bytes(4), 0
        for text in texts:
            header = b"REC1" + bytes([4, 0, 0, 0]) + len(text).to_bytes(4, "little") * 2
            header += hashlib.sha256(text).digest() + hash64(text).to_bytes(8, "little")
            header += hash64(header).to_bytes(8, "little")
            chain = hash64(header, chain)
            out += header + text
        trailer = b"PEND" + len(texts).to_bytes(4, "little") + len(out).to_bytes(8, "little")
        trailer += chain.to_bytes(8, "little")
        out += trailer + hash64(trailer).to_bytes(8, "little")
        self.write("store/packs/%016x.pack" % number, out)


GATES = ("structural", "smoke", "task", "safety", "browser")


def statement(world, template, **change):
    """A decision's payload as a program would write it, after `change` of what it says."""
    v = json.loads(opened(world.read(template))[1])
    predicate = v["predicate"]
    said = predicate["assay:decision"]
    basis = said["basis"]
    for key, value in change.items():
        if key in basis:
            basis[key] = value
        elif key in said:
            said[key] = value
        elif key == "artifact":
            v["subject"][0]["digest"]["sha256"] = value
        elif key == "policy":
            predicate["policy"]["digest"]["sha256"] = value
        elif key == "time":
            predicate["timeVerified"] = value
        else:
            raise SystemExit("a decision says no " + key)
    store = said["store"]
    v["subject"][0]["name"] = "%s@%s" % (said["name"], said["version"])
    predicate["resourceUri"] = "assay:%s/%s@%s#%s" % (store, said["name"], said["version"], said["channel"])
    predicate["verifiedLevels"] = ["ASSAY_STABLE" if said["channel"] == "stable" else "ASSAY_PREVIEW"]
    inputs = [("evidence/" + g, basis["evidence"][g]) for g in GATES if g in basis["evidence"]]
    inputs += [("attestation/" + a, d) for a, d in sorted(basis["attestations"].items())]
    inputs += [("approval", d) for d in basis["approvals"]] + [("waiver", d) for d in basis["waivers"]]
    predicate["inputAttestations"] = [{"digest": {"sha256": d}, "uri": "assay:%s/%s" % (store, u)} for u, d in inputs]
    return canon(v)


P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
                      0x27D4EB2F165667C5)
MASK = 2**64 - 1


def _rotl(v, n):
    return (v << n | v >> (64 - n)) & MASK


def _round(acc, lane):
    return _rotl((acc + lane * P2) & MASK, 31) * P1 & MASK


def hash64(data, seed=0):
    """XXH64."""
    n, at = len(data), 0
    if n >= 32:
        lanes = [(seed + P1 + P2) & MASK, (seed + P2) & MASK, seed, (seed - P1) & MASK]
        while n - at >= 32:
            for i in range(4):
                lanes[i] = _round(lanes[i], int.from_bytes(data[at + 8 * i:at + 8 * i + 8], "little"))
            at += 32
        h = sum(_rotl(lane, r) for lane, r in zip(lanes, (1, 7, 12, 18))) & MASK
        for lane in lanes:
            h = ((h ^ _round(0, lane)) * P1 + P4) & MASK
    else:
        h = (seed + P5) & MASK
    h = (h + n) & MASK
    while n - at >= 8:
        h = (_rotl(h ^ _round(0, int.from_bytes(data[at:at + 8], "little")), 27) * P1 + P4) & MASK
        at += 8
    if n - at >= 4:
        h = (_rotl(h ^ int.from_bytes(data[at:at + 4], "little") * P1 & MASK, 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        h = _rotl(h ^ byte * P5 & MASK, 11) * P1 & MASK
    h = (h ^ h >> 33) * P2 & MASK
    h = (h ^ h >> 29) * P3 & MASK
    return h ^ h >> 32
