"""The private Redis (or Valkey) of one data folder: on 127.0.0.1, with a password, append-only file."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
from pathlib import Path

from onyx.embedded import background, binaries, processes
from onyx.embedded.places import Places, make_folder
from onyx.embedded.trouble import Trouble
from onyx.embedded.wheels import Say

# Paths are relative to the working directory, so that no blank or quote in them needs escaping.
SETTINGS = """\
bind 127.0.0.1
port {port}
requirepass {password}
pidfile redis.pid
appendonly yes
appendfsync everysec
save ""
notify-keyspace-events ""
"""


def port(places: Places) -> int:
    """The port of this installation: chosen once, kept as long as nobody else takes it."""
    note = places.var / "redis-port"
    try:
        return int(note.read_text())
    except (FileNotFoundError, ValueError):
        return choose_port(places)


def choose_port(places: Places) -> int:
    """Pick a free port and write it down."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        number = int(probe.getsockname()[1])
    fresh = places.var / f".redis-port.{os.getpid()}"
    fresh.write_text(f"{number}\n")
    fresh.replace(places.var / "redis-port")
    return number


def is_up(places: Places, password: str) -> bool:
    """Whether a Redis with our password answers on our port."""
    return ask(port(places), password, b"PING") == b"+PONG"


def ask(number: int, password: str, command: bytes) -> bytes:
    """The first line of the answer to an authenticated command; empty when there is no such server."""
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", number), timeout=2) as wire:
        wire.sendall(b"AUTH %s\r\n%s\r\n" % (password.encode(), command))
        answer = b""
        while answer.count(b"\r\n") < 2:
            piece = wire.recv(4096)
            if not piece:
                break
            answer += piece
        lines = answer.split(b"\r\n")
        return lines[1] if lines[0] == b"+OK" else b""
    return b""


def start(places: Places, password: str, say: Say) -> None:
    """Start the server unless it runs. The caller holds the lock."""
    if is_up(places, password):
        return
    found = binaries.redis(places, say)
    program = binaries.within_reach(found.program, found.whole, places)
    make_folder(places.redis, places.account)
    for _ in range(3):
        if server_pid(places) is None:
            if port_taken(port(places)):
                say(f"Port {port(places)} was taken by another program; Redis moves to {choose_port(places)}.")
            launch(places, program, password)
        if comes_up(places, password):
            return
    raise Trouble(
        f"Redis {found.version} did not start:\n{last_words(places)}\nThe whole log is {places.redis / 'redis.log'}."
    )


def port_taken(number: int) -> bool:
    """Whether something listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", number)) == 0


def launch(places: Places, program: Path, password: str) -> None:
    """Write the settings and run the program in the background."""
    settings = places.redis / "redis.conf"
    settings.unlink(missing_ok=True)
    with open(os.open(settings, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(SETTINGS.format(port=port(places), password=password))
    places.account.give(settings)
    background.launch(places.account, [str(program), "redis.conf"], places.redis, places.redis / "redis.log")


def comes_up(places: Places, password: str) -> bool:
    """Wait for an answer: briefly for the process to show itself, then as long as it loads its file."""
    processes.wait_until(lambda: is_up(places, password) or server_pid(places) is not None, 3)
    processes.wait_until(lambda: is_up(places, password) or server_pid(places) is None, 120)
    return is_up(places, password)


def server_pid(places: Places) -> int | None:
    """The pid in redis.pid, if that process is a Redis on our port."""
    try:
        pid = int((places.redis / "redis.pid").read_text())
    except (OSError, ValueError):
        return None
    return pid if processes.is_running(pid, "-server", f":{port(places)}") else None


def last_words(places: Places) -> str:
    """The end of the log."""
    with contextlib.suppress(OSError):
        return (places.redis / "redis.log").read_text(errors="replace")[-1000:]
    return "(it left no log)"


def stop(places: Places, say: Say) -> None:
    """Stop the server; SIGTERM makes it write what is left. The caller holds the lock."""
    pid = server_pid(places)
    if pid is None:
        return
    say("Stopping Redis ...")
    os.kill(pid, signal.SIGTERM)
    gone = processes.wait_until(lambda: not processes.command(pid), 20)
    background.reap()
    if not gone:
        raise Trouble(f"Redis (process {pid}) did not stop within 20 s. See {places.redis / 'redis.log'}.")
