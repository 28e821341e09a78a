"""Memory: the web process at rest, and what an idle signed-in socket adds to it."""

import json
import subprocess
import sys
import time

from .place import Place, ask
from .processes import ROOT, Server, memory
from .report import table

SOCKETS = 500


def measure(place: Place) -> str:
    """The table of memory."""
    with place.onyx(application="wsgi:app") as onyx:
        tokens = [place.token(name, onyx) for name in ("alice", "bob", "cleo", "dana", "lee")]
        ask(onyx, "GET", "/api/v1/users/me", tokens[0])
        pss, rss = memory(onyx.pids[0])
        master = memory(onyx.process.pid)
        ours = _for_each_socket(onyx, tokens)
    with place.floor() as floor:
        theirs = _for_each_socket(floor, [place.floor_token()])
    rows = [
        [
            "web process at rest, PSS",
            (pss, 120, "MB"),
            f"RSS {rss:.0f} MB; gunicorn's own process PSS {master[0]:.0f} MB",
        ],
        [f"an idle socket, of {SOCKETS}", (ours, 80, "KiB"), f"floor {theirs:.1f} KiB"],
    ]
    return table("Memory", ["figure", "Onyx", "beside it"], rows)


def _for_each_socket(server: Server, tokens: list[str]) -> float:
    """KiB of PSS for each of the sockets, after some were opened and closed before."""
    _open_sockets(server, tokens, 20).communicate()
    time.sleep(1)
    before = memory(server.pids[0])[0]
    holder = _open_sockets(server, tokens, SOCKETS)
    time.sleep(2)
    after = memory(server.pids[0])[0]
    holder.communicate()
    return (after - before) * 1024 / SOCKETS


def _open_sockets(server: Server, tokens: list[str], count: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bench.sockets"]
    holder = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdin is not None and holder.stdout is not None
    holder.stdin.write(json.dumps({"do": "hold", "port": server.port, "tokens": tokens, "count": count}) + "\n")
    holder.stdin.flush()
    if holder.stdout.readline() != "open\n":
        raise RuntimeError("the sockets were not opened")
    return holder
