"""The list of attacks: a number, a name, the exit code and the stable code it must end with, and what makes it."""
import json

ATTACKS = []


def attack(number, name, exit_code, code):
    def take(make):
        ATTACKS.append((number, name, exit_code, code, make))
        return make
    return take


def ids(w):
    return {k: json.loads(v) for k, v in w.state("artifact/").items()}


def artifact(w, name):
    return next(k.split("/")[1] for k, v in ids(w).items() if v["name"] == name)
