"""usage: store.py ASSAY MIB

Adds a file of MIB MiB whose bytes look like half-precision weights, verifies the store, gets the file back, adds a
second version that differs in a few places; five rounds, medians. Disk speed varies: compare only within one run."""
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

ROUNDS = 5
RESIDENT_MAX_MIB = 64


def weights(path, mib):
    """High bytes from few values, as exponents are; low bytes from all, as mantissas are."""
    source = random.Random(1)
    high = bytes(source.choices(range(0x38, 0x3F), k=1 << 19))
    with open(path, "wb") as f:
        for _ in range(mib):
            piece = bytearray(1 << 20)
            piece[0::2] = source.randbytes(1 << 19)
            turn = source.randrange(1 << 19)
            piece[1::2] = high[turn:] + high[:turn]
            f.write(piece)


def second(first, path):
    shutil.copyfile(first, path)
    with open(path, "r+b") as f:
        for place in range(8):
            f.seek(os.path.getsize(path) * place // 8 + 4097)
            f.write(b"another version")


def timed(*command):
    """Seconds and peak resident MiB of one command."""
    began = time.monotonic()
    child = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = status
    if status:
        sys.exit(f"{' '.join(command)}: status {status}")
    return time.monotonic() - began, used.ru_maxrss / 1024


def round_of(assay, home, files):
    os.environ.update(ASSAY_STORE=home + "/store", ASSAY_KEYS=home + "/keys")
    for folder in ("store", "keys"):
        shutil.rmtree(f"{home}/{folder}", ignore_errors=True)
    subprocess.run([assay, "--quiet", "init", "--no-passphrase"], check=True, stdout=subprocess.DEVNULL,
                   stdin=subprocess.DEVNULL)
    subprocess.run(["cat", *files], stdout=subprocess.DEVNULL, check=True)
    back = home + "/back"
    if os.path.exists(back):
        os.unlink(back)
    steps = {
        "add": timed(assay, "--quiet", "add", files[0], "--name", "m", "--version", "1"),
        "verify": timed(assay, "--quiet", "verify", "--all"),
        "get": timed(assay, "--quiet", "get", "m@1", "-o", back),
        "add again, changed": timed(assay, "--quiet", "add", files[1], "--name", "m", "--version", "2"),
    }
    subprocess.run(["cmp", files[0], back], check=True)
    return steps


def main():
    assay, mib = os.path.abspath(sys.argv[1]), int(sys.argv[2])
    with tempfile.TemporaryDirectory(prefix="assay-bench.") as home:
        files = [home + "/first.bin", home + "/second.bin"]
        weights(files[0], mib)
        second(*files)
        rounds = [round_of(assay, home, files) for _ in range(ROUNDS)]
    too_much = 0
    for step in rounds[0]:
        seconds = statistics.median(r[step][0] for r in rounds)
        peak = max(r[step][1] for r in rounds)
        too_much += peak > RESIDENT_MAX_MIB
        print(f"{step}: {mib * 1.048576 / seconds:.0f} MB/s, at most {peak:.0f} MiB resident")
    return 1 if too_much else 0


if __name__ == "__main__":
    sys.exit(main())
