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
        token = place.token("alice", onyx)
        ask(onyx, "GET", "/api/v1/users/me", token)
        pss, rss = memory(onyx.pids[0])
        master = memory(onyx.process.pid)
        ours = _for_each_socket(onyx, token)
    with place.floor() as floor:
        theirs = _for_each_socket(floor, place.floor_token())
    rows = [
        [
            "web process at rest, PSS",
            (pss, 120, "MB"),
            f"RSS {rss:.0f} MB; gunicorn's own process PSS {master[0]:.0f} MB",
        ],
        [f"an idle socket, of {SOCKETS}", (ours, 80, "KiB"), f"floor {theirs:.1f} KiB"],
    ]
    return table("Memory", ["figure", "Onyx", "beside it"], rows)


def _for_each_socket(server: Server, token: str) -> float:
    """KiB of PSS for each of the sockets, after some were opened and closed before."""
    _open_sockets(server, token, 20).communicate()
    time.sleep(1)
    before = memory(server.pids[0])[0]
    holder = _open_sockets(server, token, SOCKETS)
    time.sleep(2)
    after = memory(server.pids[0])[0]
    holder.communicate()
    return (after - before) * 1024 / SOCKETS


def _open_sockets(server: Server, token: str, count: int) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "bench.sockets"]
    holder = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdin is not None and holder.stdout is not None
    holder.stdin.write(json.dumps({"do": "hold", "port": server.port, "token": token, "count": count}) + "\n")
    holder.stdin.flush()
    if holder.stdout.readline() != "open\n":
        raise RuntimeError("the sockets were not opened")
    return holder
