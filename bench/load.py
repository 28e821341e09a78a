"""Runs the load generator in its own process and measures what the servers spend meanwhile."""

import json
import statistics
import subprocess
import sys
from dataclasses import dataclass, field
from typing import Any

from .place import Place
from .processes import ROOT, Server, cpu_seconds


@dataclass(slots=True)
class Seen:
    """What one round took: CPU ms of server and PostgreSQL for each operation, rate, latencies in ms."""

    server: float
    database: float
    rate: float
    latencies: list[float] = field(default_factory=list)


def request(method: str, path: str, token: str, body: Any = None) -> str:
    """An HTTP/1.1 request as text."""
    data = json.dumps(body) if body is not None else ""
    kind = f"Content-Type: application/json\r\nContent-Length: {len(data)}\r\n" if data else ""
    return f"{method} {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n{kind}\r\n{data}"


def run(
    place: Place, server: Server, user: str, requests: list[str], count: int, together: int = 4, until: str = ""
) -> Seen:
    """`count` operations; raises RuntimeError when an answer was not 2xx."""
    pids = server.pids
    backends = place.backends(user)
    before = cpu_seconds(pids), {pid: cpu_seconds([pid]) for pid in backends}
    job = {"port": server.port, "requests": requests, "count": count, "together": together, "until": until}
    done = subprocess.run(
        [sys.executable, "-m", "bench.client"],
        cwd=ROOT,
        input=json.dumps(job),
        capture_output=True,
        text=True,
        check=True,
    )
    found = json.loads(done.stdout)
    if found["wrong"]:
        told = server.log.read_text()[-2000:]
        raise RuntimeError(f"{requests[0].splitlines()[0]} was answered by {set(found['wrong'])}\n{told}")
    after = place.backends(user)  # what one that has ended meanwhile spent is not known any more
    server_ms = (cpu_seconds(pids) - before[0]) / count * 1000
    database_ms = sum(cpu_seconds([pid]) - before[1].get(pid, 0.0) for pid in after) / count * 1000
    return Seen(server_ms, database_ms, count / found["seconds"], found["latencies"])


def median(values: list[float]) -> float:
    return statistics.median(values)


def percentile(values: list[float], part: int) -> float:
    """The `part` percentile of a list."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, len(ordered) * part // 100)]
