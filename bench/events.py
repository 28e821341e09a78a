"""From one socket to another of the same person: an event that is passed on, and a message that is stored first."""

import json
import subprocess
import sys
from typing import Any

from .load import median, percentile
from .place import Place
from .processes import ROOT
from .report import table

PASSED, STORED = 300, 60


def measure(place: Place) -> str:
    """The table of events."""
    with place.model() as model, place.onyx(LLM_BASE_URL=model) as onyx, place.floor() as floor:
        alice, bob, bare = place.token("alice", onyx), place.token("bob", onyx), place.floor_token()
        typing: dict[str, Any] = {"event": "typing:start", "heard": "typing", "count": PASSED, "pause": 0.02}
        chat = {"sessionId": str(place.chat)}
        passed = sockets({"do": "pass", "port": onyx.port, "token": alice, "payload": chat, **typing})
        floors = sockets({"do": "pass", "port": floor.port, "token": bare, "payload": {"token": bare}, **typing})
        message: dict[str, Any] = {"event": "message:sent", "heard": "message:received", "count": STORED, "pause": 0.3}
        payload = {"content": "Write a few words about foxes."}
        stored = sockets({"do": "pass", "port": onyx.port, "token": bob, "payload": payload, **message})
    rows = [
        ["typing, passed on", (median(passed), 5, "ms"), (percentile(passed, 99), 13, "ms")],
        ["typing, the floor", f"{median(floors):.1f} ms", f"{percentile(floors, 99):.1f} ms"],
        ["message, stored and audited first", (median(stored), 5, "ms"), (percentile(stored, 99), 13, "ms")],
    ]
    return table("An event from socket to socket", ["event", "p50", "p99"], rows)


def sockets(job: dict[str, Any]) -> list[float]:
    """Run one job of bench.sockets to its end; the times that it took, in ms."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.sockets"], cwd=ROOT, input=json.dumps(job) + "\n", capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    times: list[float] = json.loads(done.stdout)
    return times
