#!/bin/sh
# Mixed load for MIXED_MINUTES (30): two adders, readers, eviction, gc, fsck, all as commands, and each minute every
# command under way is killed with -9. Ends with fsck clean, no staging left and memory flat: the peak of an add, a gc
# and a verify at the end is that of the beginning. The quota is so tight that adders are refused, and sampled all the time.
set -eu
A=${ASSAY_BINARY:?}
minutes=${MIXED_MINUTES:-30}
exec python3 - "$A" "$minutes" <<'PY'
import os, random, resource, shutil, signal, subprocess, sys, tempfile, threading, time
binary, minutes = sys.argv[1], float(sys.argv[2])
root = tempfile.mkdtemp(prefix="assay-mixed.")
env = dict(os.environ, ASSAY_STORE=root + "/s", ASSAY_KEYS=root + "/k")
def run(*words, **more):
    return subprocess.run([binary, "-q", *words], env=env, capture_output=True, **more)
def must(*words):
    p = run(*words)
    assert p.returncode == 0, (words, p.returncode, p.stderr)
    return p
def peak(*words):
    p = subprocess.run(["/usr/bin/env", "python3", "-c",
        "import resource,subprocess,sys; c=subprocess.run(sys.argv[1:],capture_output=True).returncode;"
        "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, c)", binary, "-q", *words], env=env, capture_output=True, text=True)
    kib, code = p.stdout.split()
    assert code == "0", (words, p.stdout, p.stderr)
    return int(kib)
must("init", "--no-passphrase")
QUOTA = 80 << 20
must("quota", "--set-bytes", str(QUOTA))
base = random.Random(1).randbytes(24 << 20)
def model(n):
    r = random.Random(n)
    b = bytearray(base)
    for _ in range(6):
        at = r.randrange(len(b) - (1 << 19))
        b[at:at + (1 << 19)] = r.randbytes(1 << 19)
    return bytes(b)
for n in range(8):
    with open(f"{root}/{n}.bin", "wb") as f:
        f.write(model(n))
OPS = ["add", "get", "evict", "gc", "fsck", "ls"]
counts, bad, running, stop = {}, [], set(), threading.Event()
lock = threading.Lock()
def work(seed):
    r, n = random.Random(seed), 0
    while not stop.is_set():
        n += 1
        k = r.randrange(8)
        op = r.choices(OPS, [30, 40, 12, 6, 2, 10])[0]
        words = {"add": ["add", f"{root}/{k}.bin", "--name", f"m{k}", "--version", str(r.randrange(4))],
                 "get": ["get", f"m{k}@{r.randrange(4)}", "-o", f"{root}/out.{seed}", "--force"],
                 "evict": ["evict", "--bytes", "20M"], "gc": ["gc"], "fsck": ["fsck"], "ls": ["ls", "--json"]}[op]
        p = subprocess.Popen([binary, "-q", *words], env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with lock:
            running.add(p)
        out, err = p.communicate()
        with lock:
            running.discard(p)
            counts[op] = counts.get(op, 0) + 1
            counts["refused for room"] = counts.get("refused for room", 0) + (p.returncode == 8)
        fine = {0, -9, 8} | ({9} if op == "get" else set()) | ({2} if op == "add" else set())
        if p.returncode not in fine and b"code locked" not in err:
            bad.append((op, p.returncode, out[-600:], err[-300:]))
            stop.set()
        if op == "get" and p.returncode == 0:
            with open(f"{root}/out.{seed}", "rb") as f:
                if f.read() != model(k):
                    bad.append(("get", "wrong bytes", k))
                    stop.set()
peaks = [(peak("add", f"{root}/0.bin", "--name", "m0", "--version", "0"), peak("gc"), peak("verify"))]
threads = [threading.Thread(target=work, args=(s,)) for s in range(4)]
for t in threads:
    t.start()
began, kills, most = time.time(), 0, 0
def size():
    try:
        n = os.stat(f"{root}/s/reserve").st_blocks * 512
    except FileNotFoundError:
        n = 0
    for d in ("packs", "staging", "quarantine"):
        for name in os.listdir(f"{root}/s/{d}"):
            try:
                n += os.stat(f"{root}/s/{d}/{name}").st_size
            except FileNotFoundError:
                pass
    return n
last = began
while time.time() - began < minutes * 60 and not stop.is_set():
    time.sleep(0.2)
    now = size()
    if now > QUOTA:
        now = min(size() for _ in range(3)) # files on their way, and the reserve while it is used, may be seen twice
    most = max(most, now)
    if now > QUOTA:
        bad.append(("quota", now, ""))
        stop.set()
    if time.time() - last >= min(60, minutes * 10):
        last = time.time()
        with lock:
            for p in running:
                p.send_signal(signal.SIGKILL)
                kills += 1
stop.set()
for t in threads:
    t.join()
print(f"{sum(counts[op] for op in OPS if op in counts)} commands in {(time.time() - began) / 60:.1f} minutes, {kills} killed; {counts}; at most {most} of {QUOTA} bytes")
if bad:
    print("BAD", bad[0], "store left at", root)
    sys.exit(1)
must("quota", "--set-bytes", "none")
must("gc")
must("fsck")
left = [n for n in os.listdir(root + "/s/staging")]
before = must("ls", "--json").stdout
must("fsck", "--rebuild-index")
assert must("ls", "--json").stdout == before, "the index folded anew says something else"
must("fsck")
peaks.append((peak("add", f"{root}/0.bin", "--name", "m0", "--version", "0"), peak("gc"), peak("verify")))
print(f"peak KiB of add, gc, verify: first {peaks[0]}, last {peaks[1]}; left in staging: {left}")
assert not left and all(b < a * 1.25 + 8192 for a, b in zip(*peaks)), "memory or staging grew"
print("clean")
shutil.rmtree(root)
PY
