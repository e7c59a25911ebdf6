"""Who may read and write the nights: the daemon, a member of its group, and a stranger.

The folder is the daemon's and its group's (2770), and so are the files (0660). Each command runs in a process
of its own under another user id. Users who have no account may not be able to read Python's own files, so one
process of root loads everything first and forks; it is a script of its own, because pytest has threads.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can be three users")

ACTORS = r"""
import json, os, shutil, signal, sqlite3, sys, time, traceback
from contextlib import closing
from pathlib import Path
from bedtick.analysis.cli import main

folder, recording = Path(sys.argv[1]), sys.argv[2]
plan = json.loads(sys.argv[3])
GROUP = 64100
USERS = {"daemon": (64001, [GROUP]), "member": (64002, [64002, GROUP]), "stranger": (64003, [64003]),
         "reader": (64004, [64004])}
database = folder / "nights" / "bed.db"

def bedtick(arguments, out, err):
    os.dup2(out, 1); os.dup2(err, 2)
    try:
        main([str(argument) for argument in arguments], prog_name="bedtick")
    except SystemExit as end:
        return end.code or 0
    except BaseException:
        traceback.print_exc()
        return 99
    return 0

def start(user, arguments):
    paths = [folder / f"{user}.out", folder / f"{user}.err"]
    out, err = (os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600) for path in paths)
    child = os.fork()
    if child == 0:
        user_id, groups = USERS[user]
        os.setgroups(groups); os.setgid(groups[0]); os.setuid(user_id); os.umask(0o007)
        code = bedtick(arguments, out, err)
        sys.stdout.flush(); sys.stderr.flush()
        os._exit(code)
    os.close(out); os.close(err)
    return child, paths

def run(user, *arguments):
    child, paths = start(user, arguments)
    code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    return {"code": code, "out": paths[0].read_text(), "err": paths[1].read_text()}

def ask(query):
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchone()[0]

def share(name, endings):
    # A folder that everybody may read, and only its owner may write.
    (folder / name).mkdir()
    for ending in endings:
        shutil.copy(f"{database}{ending}", folder / name)
        (folder / name / f"bed.db{ending}").chmod(0o644)
    (folder / name).chmod(0o755)

def look():
    return {path.name: [oct(path.stat().st_mode & 0o7777), path.stat().st_uid, path.stat().st_gid]
            for path in [database.parent, *database.parent.iterdir()]}

def ask_all(users):
    return {user: [[words, run(user, *words, "--db", database)] for words in plan] for user in users}

# Everything that a command loads later is loaded here, while root reads Python's files.
warm = folder / "warm.db"
saved = os.dup(1), os.dup(2)
silent = os.open(os.devnull, os.O_WRONLY)
for words in [["run", "--bus", f"emulated:{recording}", "--speed", "max"], *plan]:
    bedtick([*words, "--db", warm], silent, silent)
os.dup2(saved[0], 1); os.dup2(saved[1], 2)

database.parent.mkdir()
os.chown(database.parent, 64001, GROUP)
database.parent.chmod(0o2770)
told = {"first": run("daemon", "run", "--bus", f"emulated:{recording}", "--speed", "max", "--db", database)}
assert told["first"]["code"] == 0, told["first"]["err"]
config = folder / "bedtick.toml"
config.write_text("[store]\nchunk_s = 1\n")
for end in (signal.SIGTERM, signal.SIGKILL):
    before = ask("SELECT count(*) FROM recordings")
    child, paths = start("daemon", ["run", "--bus", "emulated", "--config", config, "--db", database])
    deadline = time.monotonic() + 120
    while not ask(f"SELECT count(*) FROM raw_chunks WHERE recording_id > {before}"):
        assert os.waitpid(child, os.WNOHANG) == (0, 0), paths[1].read_text()
        assert time.monotonic() < deadline
        time.sleep(0.05)
    if end == signal.SIGTERM:
        told["up"] = ask_all(["member", "stranger"])
        told["files up"] = look()
    os.kill(child, end)
    os.waitpid(child, 0)
    told[f"log {end.name}"] = paths[1].read_text()
    if end == signal.SIGTERM:
        told["files down"] = look()
        share("no log", [""])
        told["no log"] = run("reader", *plan[0], "--db", folder / "no log" / "bed.db")
        told["left by a reader"] = os.listdir(folder / "no log")
        told["down"] = ask_all(["stranger", "member"])
        told["files after"] = look()
    else:
        told["files killed"] = look()
        for name, endings in {"with log": ["", "-wal", "-shm"], "log alone": ["", "-wal"]}.items():
            share(name, endings)
            told[name] = run("reader", *plan[0], "--db", folder / name / "bed.db")
        told["killed"] = ask_all(["stranger", "member"])
told["last"] = run("daemon", "run", "--bus", f"emulated:{recording}", "--speed", "max", "--db", database)
told["sound"] = run("daemon", "verify", "--db", database)
print(json.dumps(told))
"""
READING = (["summary"], ["nights"], ["events"], ["verify"])
WRITING = (["rescore", "--set", "high_ratio=4"], ["note", "r1", "--starts", "2026-02-03T22:00Z"])
DAEMON, GROUP = 64001, 64100


@pytest.fixture
def open_folder():
    """Make a folder that everybody may enter: pytest's own are closed."""
    folder = Path(tempfile.mkdtemp(prefix="bedtick-users-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def told(open_folder, restless):
    """Let the three of them do everything, and give what each got."""
    recording = shutil.copy(restless, open_folder)
    Path(recording).chmod(0o644)
    done = subprocess.run(
        [sys.executable, "-c", ACTORS, str(open_folder), recording, json.dumps([*READING, *WRITING])],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def check_users(told):
    """Check that a member may do everything at any time, and that a stranger gets one clear line."""
    for phase in ("up", "down", "killed"):
        for words, result in told[phase]["member"]:
            assert (result["code"], result["err"]) == (0, ""), (phase, words, result)
        for words, result in told[phase]["stranger"]:
            assert (result["code"], result["out"]) == (1, ""), (phase, words, result)
            (line,) = result["err"].splitlines()
            assert line.startswith("Error: ")
            assert "bed.db" in line
    assert "running" in told["up"]["member"][0][1]["out"]
    for words, result in told["up"]["stranger"]:
        assert "group bedtick" in result["err"], words


def check_files(told):
    """Check that what anybody made is the group's to read and write."""
    files = {"bed.db", "bed.db-wal", "bed.db-shm"}
    assert told["files up"].keys() == told["files killed"].keys() == {"nights", *files}
    assert told["files down"].keys() == {"nights", "bed.db"}
    for when in ("files up", "files down", "files after", "files killed"):
        mode, owner, group = told[when].pop("nights")
        assert (mode, owner, group) == ("0o2770", DAEMON, GROUP)
        for name, (mode, _, group) in told[when].items():
            assert (mode, group) == ("0o660", GROUP), (when, name)


def check_reader(told):
    """Check that who may not write reads a closed file, and an open one only with its log."""
    for name in ("no log", "with log"):
        assert (told[name]["code"], told[name]["err"]) == (0, ""), name
        assert "Events" in told[name]["out"]
    assert told["left by a reader"] == ["bed.db"]
    assert (told["log alone"]["code"], told["log alone"]["out"]) == (1, "")
    (line,) = told["log alone"]["err"].splitlines()
    assert "group bedtick" in line


def test_daemon_member_stranger_and_reader(told):
    """With the daemon up, down and killed, each may do what the modes say, and the next start is sound."""
    check_users(told)
    check_files(told)
    check_reader(told)
    assert told["last"]["code"] == 0, told["last"]["err"]
    assert "was unplugged: closed; at most its last 10 s of samples" in told["last"]["err"]
    assert told["sound"] == {"code": 0, "out": told["sound"]["out"], "err": ""}
