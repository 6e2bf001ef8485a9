"""usage: resume.py ASSAY MIB

Adds a file of MIB MiB to one store without a break, and to another until about half of it lies in packs, where it is
killed (SIGKILL) and added again. The second add writes the other half only; the sum is the whole, and both stores hold the
same. Times are printed, bytes are checked."""
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

ASSAY, MIB = os.path.abspath(sys.argv[1]), int(sys.argv[2])
PACK = 48 << 20  # what may be lost: a pack that was not full yet, and those on their way


def packed(store):
    folder = store + "/packs"
    return sum(os.path.getsize(f"{folder}/{name}") for name in os.listdir(folder))


def environment(home, name):
    env = dict(os.environ, ASSAY_STORE=f"{home}/{name}", ASSAY_KEYS=f"{home}/{name}.keys")
    subprocess.run([ASSAY, "--quiet", "init", "--no-passphrase"], env=env, check=True, stdin=subprocess.DEVNULL,
                   stdout=subprocess.DEVNULL)
    return env


def add(env, path):
    began = time.monotonic()
    out = subprocess.run([ASSAY, "--quiet", "--json", "add", path, "--name", "m", "--version", "1"], env=env, check=True,
                         stdout=subprocess.PIPE).stdout
    return time.monotonic() - began, json.loads(out)


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
        child = subprocess.Popen([ASSAY, "--quiet", "add", path, "--name", "m", "--version", "1"], env=env)
        while child.poll() is None and packed(home + "/half") < whole_bytes // 2:
            time.sleep(0.002)
        child.send_signal(signal.SIGKILL)
        child.wait()
        assert child.returncode == -signal.SIGKILL, "it was through before it could be killed"
        before = packed(home + "/half")
        names = json.loads(subprocess.run([ASSAY, "ls", "--json"], env=env, stdout=subprocess.PIPE, check=True).stdout)
        rest_time, rest = add(env, path)
        after = packed(home + "/half")
        sound = subprocess.run([ASSAY, "--quiet", "verify", "--all"], env=env, stdout=subprocess.DEVNULL).returncode
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
        if sound != 0 or left:
            wrong.append(f"verify {sound}, in staging {left}")
        for line in wrong:
            print("FAIL", line)
        return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
