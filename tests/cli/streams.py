#!/usr/bin/env python3
"""Streams that end too early, and signals. Usage: streams.py BINARY MODEL"""
import json
import os
import pty
import signal
import subprocess
import sys
import tempfile
import time

failures = []


def expect(truth, *what):
    if not truth:
        failures.append(" ".join(str(w) for w in what))


class Program:
    def __init__(self, binary, room):
        self.binary = os.path.abspath(binary)
        self.env = dict(os.environ, ASSAY_STORE=room + "/store", ASSAY_KEYS=room + "/keys", HOME=room)
        self.env.pop("ASSAY_TIME", None)

    def start(self, *words, **how):
        return subprocess.Popen([self.binary, *words], env=self.env, **how)

    def shell(self, line):
        return subprocess.run(["sh", "-c", line], env=dict(self.env, A=self.binary), stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=120)

    def __call__(self, *words, **how):
        done = subprocess.run([self.binary, *words], env=self.env, stdin=subprocess.DEVNULL, capture_output=True,
                              timeout=120, **how)
        return done.returncode, done.stdout, done.stderr


def silent_pipe(assay, sig):
    """A signal is heard while standard input says nothing; nothing of the artifact is there then."""
    before = assay("log", "--json")[1]
    child = assay.start("add", "-", "--name", "slow", stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                        stderr=subprocess.PIPE)
    child.stdin.write(b"the beginning of something")
    child.stdin.flush()
    time.sleep(0.5)
    child.send_signal(sig)
    child.wait(timeout=20)
    expect(child.returncode == 130, "add, interrupted by", sig, "exits", child.returncode)
    child.communicate()
    expect(assay("log", "--json")[1] == before, "an interrupted add left an entry")
    expect(os.listdir(assay.env["ASSAY_STORE"] + "/staging") == [], "staging is not empty")


def what_waits_hears(assay, model):
    """A command that waits for its input stops at a signal, at whichever of its ways in it waits."""
    child = assay.start("tokenize", model, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    time.sleep(0.5)
    child.send_signal(signal.SIGINT)
    try:
        child.wait(timeout=10)
    except subprocess.TimeoutExpired:
        child.kill()
    child.communicate()
    expect(child.returncode == 130, "tokenize, interrupted, exits", child.returncode)
    child, terminal = pty.fork()
    if child == 0:
        os.execve(assay.binary, [assay.binary, "key", "new", "asked"], assay.env)
    said = b""
    while not said.rstrip().endswith(b":"):
        said += os.read(terminal, 4096)
    time.sleep(0.1)
    os.write(terminal, b"\x03")
    for turn in range(100):
        pid, how = os.waitpid(child, os.WNOHANG)
        if pid != 0:
            break
        time.sleep(0.1)
    if pid == 0:
        os.kill(child, signal.SIGKILL)
        how = os.waitpid(child, 0)[1]
    os.close(terminal)
    expect(os.waitstatus_to_exitcode(how) == 130, "Ctrl-C at a passphrase:", os.waitstatus_to_exitcode(how))


def a_pipe_is_no_file(assay, room):
    """A FIFO where a file is wanted is refused; nothing waits for somebody to write into it."""
    os.mkfifo(room + "/fifo")
    done = assay.shell("timeout -s KILL 10 $A inspect %s/fifo" % room)
    expect(done.returncode == 2 and b"no regular file" in done.stderr, "inspect of a FIFO:", done.returncode)
    os.mkdir(room + "/tensors")
    os.mkfifo(room + "/tensors/tok_embeddings.weight.f32")
    with open(room + "/tensors/shape.json", "w", encoding="utf-8") as shape:
        json.dump({"vocab_size": 260, "hidden_size": 8, "layer_count": 1, "head_count": 2, "kv_head_count": 2,
                   "head_dim": 4, "ffn_size": 24, "max_context": 64, "rope_theta": "10000",
                   "rms_norm_epsilon": "0.00001", "tied": True}, shape)
    done = assay.shell("timeout -s KILL 10 $A pack %s/tensors -o %s/packed" % (room, room))
    expect(done.returncode == 2 and b"no regular file" in done.stderr, "pack of a FIFO:", done.returncode)


def told_facts_are_kept_as_told(assay, model):
    """Bytes that a signed manifest cannot hold as they are given are refused, never replaced."""
    for flag, text in (("--license", b"\xff"), ("--source", b"a\x1b[31m"), ("--revision", b"1\n2")):
        code, _, said = assay("add", model, "--name", "told", flag, text)
        expect(code == 2 and flag.encode() in said and b"\x1b" not in said, flag, text, "exits", code, said)


def closed_streams(assay):
    for line, code in (("$A version >&-", 3), ("$A --json version >&-", 3), ("$A version > /dev/full", 8),
                       ("$A version 2>&-", 0), ("$A nonsense 2>&-", 2), ("$A version <&-", 0),
                       ("$A add - --name closed <&-", 3), ("$A ls >&- 2>&- <&-", 3)):
        done = assay.shell(line)
        expect(done.returncode == code, line, "exits", done.returncode, done.stderr)
    done = assay.shell("$A version >&-")
    expect(b"standard output" in done.stderr, "a closed stdout is not named:", done.stderr)


def broken_pipe(assay):
    out, into = os.pipe()
    os.close(out)
    done = subprocess.run([assay.binary, "help"], env=assay.env, stdout=into, stderr=subprocess.PIPE, timeout=60)
    os.close(into)
    expect(done.returncode == 3 and b"standard output" in done.stderr, "EPIPE:", done.returncode, done.stderr)


def tokens_come_one_by_one(assay, ref):
    """Each token is a write of its own, so that a reader sees it when it is drawn."""
    out, into = os.pipe()
    done = subprocess.run([assay.binary, "--json", "run", "--stream", ref, "--max-new-tokens", "3"], env=assay.env,
                          stdout=into, stderr=subprocess.PIPE, timeout=60)
    os.close(into)
    with os.fdopen(out, "rb") as file:
        lines = [json.loads(line) for line in file.read().splitlines()]
    schemas = [line["schema"] for line in lines]
    expect(schemas[:3] == ["assay.token/1"] * 3, "streamed", schemas, done.stderr)
    expect(lines[-1]["token_ids"] == [line["id"] for line in lines[:3]], "tokens differ from the result's")


def passphrases_must_agree(assay, room):
    """On a terminal a passphrase is asked for twice, unseen; when the two differ nothing is made."""
    child, terminal = pty.fork()
    if child == 0:
        os.execve(assay.binary, [assay.binary, "init"],
                  dict(assay.env, ASSAY_STORE=room + "/asked", ASSAY_KEYS=room + "/asked-keys"))
    said = b""
    for answer in (b"one\n", b"two\n"):
        while not said.rstrip().endswith(b":"):
            said += os.read(terminal, 4096)
        time.sleep(0.1)
        os.write(terminal, answer)
        said += b"|"
    try:
        while True:
            said += os.read(terminal, 4096)
    except OSError:
        pass
    os.close(terminal)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    expect(code == 2 and b"differ" in said, "init, asked:", code, said)
    expect(b"one" not in said and b"two" not in said.replace(b"the two", b""), "a passphrase was shown:", said)
    expect(not os.path.exists(room + "/asked") and os.listdir(room + "/asked-keys") == [], "something was made")


def another_umask(assay, room):
    done = assay.shell("umask 000; $A get m@1 -o %s/open && umask 077 && $A get m@1 -o %s/closed" % (room, room))
    expect(done.returncode == 0, "get", done.stderr)
    modes = [os.stat(room + name).st_mode & 0o777 for name in ("/open", "/closed")]
    expect(modes == [0o666, 0o600], "files from get have modes", [oct(m) for m in modes])
    for folder, folders, files in os.walk(assay.env["ASSAY_STORE"]):
        for name in folders + files:
            mode = os.lstat(os.path.join(folder, name)).st_mode & 0o077
            expect(mode == 0, os.path.join(folder, name), "can be reached by others")


def main(argv):
    with tempfile.TemporaryDirectory() as room:
        assay = Program(argv[1], room)
        expect(assay("init")[0] == 0, "init")
        expect(assay("add", argv[2], "--name", "m", "--version", "1")[0] == 0, "add")
        silent_pipe(assay, signal.SIGINT)
        silent_pipe(assay, signal.SIGTERM)
        signal.signal(signal.SIGHUP, signal.SIG_DFL)  # the tests may run under nohup
        silent_pipe(assay, signal.SIGHUP)
        what_waits_hears(assay, argv[2])
        a_pipe_is_no_file(assay, room)
        told_facts_are_kept_as_told(assay, argv[2])
        closed_streams(assay)
        broken_pipe(assay)
        tokens_come_one_by_one(assay, "m@1")
        passphrases_must_agree(assay, room)
        another_umask(assay, room)
        expect(assay("verify")[0] == 0, "the store is not whole afterwards")
    for failure in failures:
        print("streams:", failure)
    print("streams: %d failures" % len(failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
