"""usage: archives.py ASSAY

Good archives of one folder give the artifact that the folder gives; each bad one of the table is refused with its code,
names its entry, lands in quarantine byte for byte, and costs neither much memory nor much time."""
import bz2
import gzip
import io
import json
import lzma
import os
import stat
import subprocess
import sys
import tarfile
import tempfile
import time
import warnings
import zipfile

ASSAY = os.path.abspath(sys.argv[1])
RESIDENT_MAX_KIB = 160 << 10  # the program's own; the child has a limit of its own
SECONDS_MAX = 60
failures = []
warnings.simplefilter("ignore")  # names that are there twice are meant


def regular(tar, name, data=b"x"):
    info = tarfile.TarInfo(name)
    info.size = len(data)
    tar.addfile(info, io.BytesIO(data))


def tar_of(*names):
    def make(path):
        with tarfile.open(path, "w") as tar:
            for name in names:
                regular(tar, name)
    return make


def tar_with(kind, link=""):
    def make(path):
        with tarfile.open(path, "w") as tar:
            regular(tar, "fine.txt")
            info = tarfile.TarInfo("evil")
            info.type, info.linkname = kind, link
            tar.addfile(info)
    return make


def zip_of(*names):
    def make(path):
        with zipfile.ZipFile(path, "w") as z:
            for name in names:
                z.writestr(zipfile.ZipInfo(name), "x")
    return make


def zip_link(path):
    with zipfile.ZipFile(path, "w") as z:
        info = zipfile.ZipInfo("evil")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        z.writestr(info, "/etc/passwd")


def zip_bomb(path):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        with z.open("evil", "w") as entry:
            for _ in range(512):
                entry.write(bytes(1 << 20))


def zstd_bomb(path):
    info = tarfile.TarInfo("evil")
    info.size = 4 << 30
    packer = subprocess.Popen(["zstd", "-q", "-f", "-o", path], stdin=subprocess.PIPE)
    packer.stdin.write(info.tobuf())
    for _ in range(1024):
        packer.stdin.write(bytes(1 << 20))
    packer.stdin.close()
    assert packer.wait() == 0


def sparse(path):
    hole = path + ".hole"
    with open(hole, "wb") as f:
        f.truncate(1 << 33)
    subprocess.run(["tar", "-cf", path, "--sparse", "--transform=s/.*/evil/", "-C", "/", hole[1:]], check=True,
                   stderr=subprocess.DEVNULL)
    os.unlink(hole)


def sparse_tail(path):
    """Data, then a hole up to the end: what is read of it is right as far as it goes."""
    hole = path + ".hole"
    with open(hole, "wb") as f:
        f.write(bytes(range(256)) * 16)
        f.truncate(1 << 20)
    subprocess.run(["tar", "-cf", path, "--sparse", "--transform=s/.*/evil/", "-C", "/", hole[1:]], check=True,
                   stderr=subprocess.DEVNULL)
    os.unlink(hole)


def zip_changed(local, central, value, method=zipfile.ZIP_STORED):
    """One entry, evil, whose header says something else: offsets in the local and in the central header."""
    def make(path):
        with zipfile.ZipFile(path, "w", method) as z:
            z.writestr(zipfile.ZipInfo("evil"), bytes(range(256)) * 16, method)
        with open(path, "r+b") as f:
            data = bytearray(f.read())
            for magic, at in ((b"PK\x03\x04", local), (b"PK\x01\x02", central)):
                if at is not None:
                    data[data.rindex(magic) + at] ^= value
            f.seek(0)
            f.write(data)
    return make


def header(path):
    """The second entry's header does not match its own check sum."""
    tar_of("a", "evil")(path)
    with open(path, "r+b") as f:
        f.seek(1024 + 100)
        f.write(b"7")


def many(path):
    with tarfile.open(path, "w") as tar:
        for i in range(4097):
            regular(tar, f"f{i}", b"")


def folders(path):
    with tarfile.open(path, "w") as tar:
        for i in range(65537):
            info = tarfile.TarInfo(f"d{i}")
            info.type = tarfile.DIRTYPE
            tar.addfile(info)


def endless(size):
    """A size that is a lie: so many bytes are said to follow, a block does."""
    def make(path):
        info = tarfile.TarInfo("evil")
        info.size = size
        with open(path, "wb") as f:
            f.write(info.tobuf(tarfile.GNU_FORMAT) + bytes(512))
    return make


def filtered(module):
    def make(path):
        tar_of("a")(path + ".plain")
        with open(path + ".plain", "rb") as f, open(path, "wb") as out:
            out.write(module.compress(f.read()))
    return make


def cpio(path):
    def entry(name, data):
        head = "070701" + "".join(f"{n:08x}" for n in (1, 0o100644, 0, 0, 1, 0, len(data), 0, 0, 0, 0, len(name) + 1, 0))
        body = head.encode() + name.encode() + b"\0"
        return body + bytes(-len(body) % 4) + data + bytes(-len(data) % 4)
    with open(path, "wb") as f:
        f.write(entry("a", b"x") + entry("TRAILER!!!", b""))


def bytes_of(data):
    def make(path):
        with open(path, "wb") as f:
            f.write(data)
    return make


def cut(maker, keep):
    def make(path):
        maker(path)
        os.truncate(path, os.path.getsize(path) - keep if keep > 0 else -keep)
    return make


def boundary(path):
    """Cut right behind the first of two entries."""
    tar_of("a", "b")(path)
    os.truncate(path, 1024)


def boundary_zstd(path):
    boundary(path + ".plain")
    subprocess.run(["zstd", "-q", "-f", path + ".plain", "-o", path], check=True)


BAD = [  # file, how it is made, code, what the message names
    ("link.tar", tar_with(tarfile.SYMTYPE, "/etc/passwd"), "archive-link", "evil"),
    ("hard.tar", tar_with(tarfile.LNKTYPE, "fine.txt"), "archive-link", "evil"),
    ("char.tar", tar_with(tarfile.CHRTYPE), "archive-device", "evil"),
    ("block.tar", tar_with(tarfile.BLKTYPE), "archive-device", "evil"),
    ("fifo.tar", tar_with(tarfile.FIFOTYPE), "archive-device", "evil"),
    ("absolute.tar", tar_of("/etc/x"), "archive-name", "/etc/x"),
    ("up.tar", tar_of("a/../../x"), "archive-name", "a/../../x"),
    ("dots.tar", tar_of("fine", ".."), "archive-name", ".."),
    ("backslash.tar", tar_of("a\\b"), "archive-name", "a\\b"),
    ("control.tar", tar_of("a\nb"), "archive-name", "a"),
    ("deep.tar", tar_of("d/" * 40 + "x"), "archive-name", "32 folders deep"),
    ("long.tar", tar_of("n" * 600), "archive-name", "511 bytes"),
    ("longest.tar", tar_of("n" * 3000), "archive-name", "nnn"),
    ("twice.tar", tar_of("a", "b", "a"), "archive-twice", "a"),
    ("dotted.tar", tar_of("a", "./a"), "archive-twice", "a"),
    ("both.tar", tar_of("a", "a/b"), "archive-twice", "a/b"),
    ("many.tar", many, "archive-entries", "f4096"),
    ("folders.tar", folders, "archive-entries", "d65536"),
    ("endless.tar", endless(5 << 30), "archive-damaged", ""),
    ("larger.tar", endless((4 << 40) + 1), "archive-bytes", "evil"),
    ("gzip.tar", filtered(gzip), "archive-format", ""),
    ("bzip2.tar", filtered(bz2), "archive-format", ""),
    ("xz.tar", filtered(lzma), "archive-format", ""),
    ("gzip.tar.zst", filtered(gzip), "archive-format", ""),
    ("cpio.tar", cpio, "archive-format", ""),
    ("tar.zip", tar_of("a"), "archive-format", ""),
    ("zip.tar", zip_of("a"), "archive-format", ""),
    ("sparse.tar", sparse, "archive-sparse", "evil"),
    ("header.tar", header, "archive-damaged", ""),
    ("tail.tar", sparse_tail, "archive-sparse", "evil"),
    ("encrypted.zip", zip_changed(6, 8, 1), "archive-encrypted", "evil"),
    ("checksum.zip", zip_changed(14, 16, 1), "archive-damaged", "evil"),
    ("stored.zip", zip_changed(200, None, 1), "archive-damaged", "evil"),
    ("packed.zip", zip_changed(40, None, 0xff, zipfile.ZIP_DEFLATED), "archive-damaged", "evil"),
    ("link.zip", zip_link, "archive-link", "evil"),
    ("up.zip", zip_of("../x"), "archive-name", "../x"),
    ("twice.zip", zip_of("x", "x"), "archive-twice", "x"),
    ("bomb.zip", zip_bomb, "archive-ratio", "evil"),
    ("bomb.tar.zst", zstd_bomb, "archive-ratio", "evil"),
    ("noise.tar", bytes_of(bytes(range(1, 256)) * 40), "archive-format", ""),
    ("noise.zip", bytes_of(bytes(range(1, 256)) * 40), "archive-format", ""),
    ("noise.tar.zst", bytes_of(b"\x28\xb5\x2f\xfd" + bytes(range(1, 256)) * 40), "archive-format", ""),
    ("empty.tar", bytes_of(b""), "archive-format", ""),
    ("short.tar", cut(tar_of("a" * 99, "b"), -700), "archive-damaged", ""),
    ("boundary.tar", boundary, "archive-damaged", "is cut"),
    ("boundary.tar.zst", boundary_zstd, "archive-damaged", "is cut"),
]


def check(fine, what):
    if not fine:
        failures.append(what)


def run(*words):
    """Exit code, the (last) JSON object, seconds, KiB."""
    began = time.monotonic()
    child = subprocess.Popen([ASSAY, "--json", "--quiet", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             stdin=subprocess.DEVNULL)
    out, err = child.stdout.read(), child.stderr.read()
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    lines = (out or err).splitlines()
    return child.returncode, json.loads(lines[-1]) if lines else {}, time.monotonic() - began, used.ru_maxrss


def good(home):
    folder = home + "/folder"
    os.makedirs(folder + "/sub/empty-folder")
    for name, data in (("weights.bin", os.urandom(300000)), ("sub/größe.txt", b"hello\n"), ("nothing", b"")):
        with open(f"{folder}/{name}", "wb") as f:
            f.write(data)
    subprocess.run(["tar", "-cf", home + "/good.tar", "-C", folder, "."], check=True)
    subprocess.run(["zstd", "-q", home + "/good.tar", "-o", home + "/good.tar.zst"], check=True)
    with zipfile.ZipFile(home + "/good.zip", "w", zipfile.ZIP_DEFLATED) as z:
        for name in ("weights.bin", "sub/größe.txt", "nothing"):
            z.write(f"{folder}/{name}", name)
    _, whole, _, _ = run("add", folder, "--name", "it", "--version", "folder")
    os.link(home + "/good.tar.zst", home + "/good.tzst")
    for archive in ("good.tar", "good.tar.zst", "good.tzst", "good.zip"):
        code, answer, _, _ = run("add", f"{home}/{archive}", "--name", "it", "--version", archive)
        check(code == 0 and answer.get("sha256") == whole["sha256"], f"{archive}: exit {code} {answer}")
    forms = (("pax", tarfile.PAX_FORMAT), ("gnu", tarfile.GNU_FORMAT), ("ustar", tarfile.USTAR_FORMAT))
    for name, form in forms:  # long names have headers of their own; one block of zeros is an end, too
        with tarfile.open(f"{home}/{name}.tar", "w", format=form) as tar:
            for path in ("weights.bin", "nothing", "sub/größe.txt"):
                tar.add(f"{folder}/{path}", path)
            end = tar.offset
        os.truncate(f"{home}/{name}.tar", end + 512)
        code, answer, _, _ = run("add", f"{home}/{name}.tar", "--name", "it", "--version", name)
        check(code == 0 and answer.get("sha256") == whole["sha256"], f"{name}.tar: exit {code} {answer}")
    code, answer, _, _ = run("add", home + "/good.zip", "--name", "it", "--version", "raw", "--format", "opaque")
    check(code == 0 and answer.get("bytes") == os.path.getsize(home + "/good.zip"), f"opaque: {code} {answer}")
    run("get", "it@good.zip", "-o", home + "/back")
    same = subprocess.run(["diff", "-r", folder, home + "/back"], stdout=subprocess.PIPE, text=True).stdout
    check(same.strip() in ("", f"Only in {folder}/sub: empty-folder"), f"get: {same}")


def bad(home):
    for name, make, want, entry in BAD:
        path = f"{home}/{name}"
        make(path)
        code, answer, seconds, resident = run("add", path)
        text = json.dumps(answer, ensure_ascii=False)
        check(code == 7 and f'"{want}"' in text, f"{name}: exit {code}, {text}")
        check(json.dumps(entry, ensure_ascii=False)[1:-1] in text, f"{name}: {entry} is not named in {text}")
        check("(null)" not in text, f"{name}: {text}")
        check("\n" not in answer.get("message", "").replace("a\nb", ""), f"{name}: {text}")
        check(seconds < SECONDS_MAX and resident < RESIDENT_MAX_KIB, f"{name}: {seconds:.1f} s, {resident} KiB")
        kept = [e for e in run("quarantine", "ls")[1]["entries"] if e["name"] == path]
        check(len(kept) == 1 and kept[0]["bytes"] == os.path.getsize(path) and kept[0]["stage"] == "archive",
              f"{name}: in quarantine {kept}")
        if kept:
            with open(path, "rb") as a, open(f"{home}/store/quarantine/{kept[0]['id']}", "rb") as b:
                check(a.read() == b.read(), f"{name}: other bytes are in quarantine")
    listed = len(run("quarantine", "ls")[1]["entries"])
    check(listed == len(BAD), f"{listed} in quarantine, {len(BAD)} were refused")


def main():
    with tempfile.TemporaryDirectory(prefix="assay-archives.") as home:
        os.environ.update(ASSAY_STORE=home + "/store", ASSAY_KEYS=home + "/keys")
        run("init", "--no-passphrase")
        good(home)
        bad(home)
        code, answer, _, _ = run("verify", "--all")
        check(code == 0, f"verify: exit {code} {answer}")
        for entry in run("quarantine", "ls")[1]["entries"][:3]:
            check(run("quarantine", "release", entry["id"])[0] == 7, f"{entry['name']} was released")
        check(len(run("quarantine", "ls")[1]["entries"]) == len(BAD), "a release that failed lost or doubled an entry")
        run("quarantine", "purge", "--all")
        check(os.listdir(home + "/store/quarantine") == [], "purge left bytes behind")
    for line in failures:
        print("FAIL", line)
    print(f"{len(BAD)} bad archives, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
