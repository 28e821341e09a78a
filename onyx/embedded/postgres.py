"""The private PostgreSQL of one data folder: a unix socket, passwords, no network."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import struct
import subprocess
import time
from pathlib import Path

from onyx.embedded import background, binaries, processes
from onyx.embedded.binaries import Postgres
from onyx.embedded.places import SOCKET_NAME, Places, make_folder
from onyx.embedded.trouble import Trouble
from onyx.embedded.wheels import Say

SETTINGS = """\
# Written anew at each start; put changes of your own into the file local.conf beside this one.
listen_addresses = ''
unix_socket_directories = '{sockets}'
unix_socket_permissions = 0700
max_connections = 200
max_locks_per_transaction = 512
shared_buffers = 128MB
fsync = on
jit = off
track_functions = none
timezone = UTC
log_timezone = UTC
# The text of failed statements stays out of the log: it may hold what people wrote.
log_min_error_statement = panic
log_parameter_max_length_on_error = 0
include_if_exists = 'local.conf'
"""
RETRY_WORDS = ("pre-existing shared memory", "already exists", "is being used")
SECONDS_TO_RECOVER = 60.0


def is_up(places: Places) -> bool:
    """Whether a PostgreSQL on our socket lets people in and answers (an SSLRequest gets one letter, without a login)."""
    if not says_ready(places):
        return False
    try:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(2)
            wire.connect(str(places.sockets / SOCKET_NAME))
            wire.sendall(struct.pack("!ii", 8, 80877103))
            return wire.recv(1) in (b"N", b"S")
    except OSError:
        return False


def says_ready(places: Places) -> bool:
    """Whether line 8 of postmaster.pid says so; while the server recovers its socket already answers."""
    try:
        lines = (places.postgres / "postmaster.pid").read_text().split("\n")
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"


def start(places: Places, password: str, say: Say) -> None:
    """Start the server unless it runs; makes the cluster the first time. The caller holds the lock."""
    if is_up(places):
        return
    found = binaries.postgres(places, say)
    folder = binaries.within_reach(found.bin / "postgres", found.whole, places).parent
    for path in (places.sockets, places.logs):
        make_folder(path, places.account)
    if not (places.postgres / "PG_VERSION").exists():
        say(f"Creating the database (PostgreSQL {found.major}) ...")
        create(places, folder, found, password)
    write_settings(places)
    bring_up(places, folder)


def create(places: Places, folder: Path, found: Postgres, password: str) -> None:
    """Make the cluster beside its final place, so that a crash half-way leaves nothing that looks whole."""
    fresh = places.postgres.with_name("postgres.new")
    shutil.rmtree(fresh, ignore_errors=True)
    make_folder(fresh, places.account)
    secret = places.logs / "initial-password"
    with open(os.open(secret, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(password)
    places.account.give(secret)
    locale = ["--locale=C.UTF-8"]
    if found.major >= 17:
        locale += ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
    basics = ["-U", "postgres", "-E", "UTF8", "-A", "scram-sha-256", "--pwfile", str(secret)]
    program = str(folder / "initdb")
    done = places.account.run(program, "-D", str(fresh), *basics, *locale, cwd=places.logs, timeout=300)
    secret.unlink()
    if done.returncode:
        raise Trouble(f"PostgreSQL could not create its data folder. See why with: {program} -D /tmp/try -U postgres")
    fresh.rename(places.postgres)


def write_settings(places: Places) -> None:
    """Our settings in a file of their own, included by the server's."""
    settings = places.postgres / "onyx.conf"
    settings.write_text(SETTINGS.format(sockets=places.sockets))
    places.account.give(settings)
    main = places.postgres / "postgresql.conf"
    if "onyx.conf" not in main.read_text():
        with open(main, "a") as file:
            file.write("\ninclude_if_exists = 'onyx.conf'\n")


def bring_up(places: Places, folder: Path) -> None:
    """Start the server and wait for its answer; after a crash, for leftovers of the old one to go."""
    deadline = time.monotonic() + SECONDS_TO_RECOVER
    log = places.logs / "postgres.log"
    while True:
        clear_stale(places)
        before = log.stat().st_size if log.exists() else 0
        command = [str(folder / "postgres"), "-D", str(places.postgres)]  # not pg_ctl: its shell trips over quotes
        server = background.launch(places.account, command, places.postgres, log)
        if answers(places, server, deadline):
            return
        said = log.read_bytes()[before:].decode(errors="replace")
        if time.monotonic() > deadline or not any(word in said for word in RETRY_WORDS):
            raise Trouble(f"PostgreSQL did not start:\n{said[-1500:]}\nThe whole log is {log}.")
        time.sleep(0.3)


def answers(places: Places, server: subprocess.Popen[bytes], deadline: float) -> bool:
    """Wait until the socket answers; False when the process ends or time is up."""
    while not is_up(places):
        if server.poll() is not None or time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def server_pid(places: Places) -> int | None:
    """The pid in postmaster.pid, if that process is a PostgreSQL of this data folder."""
    try:
        pid = int((places.postgres / "postmaster.pid").read_text().split("\n", 1)[0])
    except (OSError, ValueError):
        return None
    return pid if processes.is_running(pid, "postgres", str(places.postgres)) else None


def clear_stale(places: Places) -> None:
    """Remove the lock files of a dead server, whose number may by now belong to another program.

    Should an orphan of the old server still live, PostgreSQL itself refuses by the shared memory segment.
    """
    if server_pid(places) is not None:
        return
    for path in (places.postgres / "postmaster.pid", places.sockets / SOCKET_NAME):
        path.unlink(missing_ok=True)
    (places.sockets / f"{SOCKET_NAME}.lock").unlink(missing_ok=True)


def stop(places: Places, say: Say) -> None:
    """Stop the server, ending its connections; the caller holds the lock."""
    pid = server_pid(places)
    if pid is None:
        return
    say("Stopping PostgreSQL ...")
    os.kill(pid, signal.SIGINT)  # the fast shutdown
    gone = processes.wait_until(lambda: not processes.command(pid), 30)
    background.reap()
    if not gone:
        raise Trouble(f"PostgreSQL (process {pid}) did not stop within 30 s. See {places.logs / 'postgres.log'}.")
