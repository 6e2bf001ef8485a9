"""usage: resume.py ASSAY MIB

Adds a file of MIB MiB to one store without a break, and to another until about half of it lies in packs, where it is
killed (SIGKILL) and swept. What lies in packs is kept for a day, so the second add writes the other half only; the sum is
the whole, and both stores hold the same. After that nothing is kept any more: an eviction and a sweep take all of it. A
third store is killed in the same way and swept a day later: nothing of it is left. Times are printed, bytes are checked.
Neither add, get nor verify takes more than 64 MiB resident, however large the file is."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

ASSAY, MIB = os.path.abspath(sys.argv[1]), int(sys.argv[2])
RESIDENT = 64 << 10  # KiB
PACK = 48 << 20  # what may be lost: a pack that was not full yet, and those on their way


def packed(store):
    folder = store + "/packs"
    return sum(os.path.getsize(f"{folder}/{name}") for name in os.listdir(folder))


def environment(home, name):
    env = dict(os.environ, ASSAY_STORE=f"{home}/{name}", ASSAY_KEYS=f"{home}/{name}.keys")
    subprocess.run([ASSAY, "--quiet", "init", "--no-passphrase"], env=env, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    return env


residents = {}


def measured(env, *words):
    """The JSON answer; the most memory that such a command ever took is kept."""
    child = subprocess.Popen([ASSAY, "--quiet", "--json", *words], env=env, stdout=subprocess.PIPE)
    out = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    assert child.returncode == 0, (words, child.returncode, out)
    residents[words[0]] = max(residents.get(words[0], 0), used.ru_maxrss)
    return json.loads(out)


def add(env, path):
    began = time.monotonic()
    answer = measured(env, "add", path, "--name", "m", "--version", "1")
    return time.monotonic() - began, answer


def killed(env, store, path, enough):
    """An add that dies once so many bytes are in packs; how many there are then."""
    child = subprocess.Popen([ASSAY, "--quiet", "add", path, "--name", "m", "--version", "1"], env=env)
    while child.poll() is None and packed(store) < enough:
        time.sleep(0.002)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert child.returncode == -signal.SIGKILL, "it was through before it could be killed"
    subprocess.run([ASSAY, "--quiet", "ls"], env=env, check=True, stdout=subprocess.DEVNULL)
    return packed(store)


def sweep(env):
    subprocess.run([ASSAY, "--quiet", "gc"], env=env, check=True, stdout=subprocess.DEVNULL)


def main():
    with tempfile.TemporaryDirectory(prefix="assay-resume.") as home:
        path = home + "/model.bin"
        with open(path, "wb") as f:
            for _ in range(MIB):
                f.write(os.urandom(1 << 20))
        subprocess.run(["sync"])
        whole_env = environment(home, "whole")
        whole_time, whole = add(whole_env, path)
        whole_bytes = packed(home + "/whole")
        env = environment(home, "half")
        before = killed(env, home + "/half", path, whole_bytes // 2)
        sweep(env)
        kept = packed(home + "/half")
        names = json.loads(subprocess.run([ASSAY, "ls", "--json"], env=env, stdout=subprocess.PIPE, check=True).stdout)
        rest_time, rest = add(env, path)
        after = packed(home + "/half")
        sound = measured(env, "verify", "--all")["ok"]
        measured(env, "get", "m@1", "-o", home + "/back")
        same = subprocess.run(["cmp", path, home + "/back"]).returncode == 0
        os.unlink(home + "/back")
        left = os.listdir(home + "/half/staging")
        print(f"whole: {whole_bytes >> 20} MiB written in {whole_time:.2f} s; killed with {before >> 20} MiB in packs; "
              f"again: {(after - before) >> 20} MiB in {rest_time:.2f} s ({rest_time / whole_time:.2f} of the time, "
              f"{(after - before) / whole_bytes:.2f} of the bytes)")
        wrong = []
        if names["artifacts"]:
            wrong.append("the killed add is visible")
        if rest["artifact"] != whole["artifact"] or rest["sha256"] != whole["sha256"]:
            wrong.append("another artifact came of it")
        if after - before > whole_bytes - before + 65536:
            wrong.append("bytes that were staged were written again")
        if before < whole_bytes // 2 or after - before > whole_bytes // 2 + PACK:
            wrong.append("more than the other half was written")
        if kept != before:
            wrong.append(f"of {before} bytes a sweep left {kept}")
        subprocess.run([ASSAY, "--quiet", "evict", "m@1"], env=env, check=True, stdout=subprocess.DEVNULL)
        sweep(env)
        if packed(home + "/half") > 1 << 20:
            wrong.append(f"after eviction and sweep {packed(home + '/half')} bytes are left")
        late_env = environment(home, "late")
        killed(late_env, home + "/late", path, whole_bytes // 3)
        for name in os.listdir(home + "/late/leases"):
            os.utime(f"{home}/late/leases/{name}", (time.time() - 86500,) * 2)
        sweep(late_env)
        if packed(home + "/late") > 1 << 20:
            wrong.append(f"a day later {packed(home + '/late')} bytes are left")
        if not sound or not same or left:
            wrong.append(f"verify {sound}, the same bytes {same}, in staging {left}")
        print("resident at most: " + ", ".join(f"{op} {kib / 1024:.1f} MiB" for op, kib in residents.items()))
        if max(residents.values()) > RESIDENT:
            wrong.append(f"more than {RESIDENT} KiB resident: {residents}")
        for line in wrong:
            print("FAIL", line)
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
