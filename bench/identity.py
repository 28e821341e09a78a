"""Sessions: knowing who asks, signing in, the list of 100,000 live sessions, ending 10,000, one revocation under load."""

import json
import subprocess
import sys
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import psycopg

from .events import sockets
from .load import median, percentile, request, run
from .memory import _open_sockets
from .place import Place, ask
from .processes import ROOT, Server
from .report import Row, table
from .session_rows import SESSIONS, fill

ENDED, WITH_SOCKETS, REVOKED, HELD = 10_000, 200, 100, 1000
FILTERS = (
    {"q": "person77777"}, {"q": "person1"}, {"q": "person"}, {"q": "bench"}, {"q": "p"}, {"q": "nobody"}, {"q": "hundredth"},
    {"q": "tenth"}, {"q": "half"}, {"q": "person tenth"}, {"q": "half tenth"}, {"q": "person tenth", "device": "Safari"},
    {"q": "bench", "device": "Linux", "older_than": "27000"}, {"q": "half", "ip": "203.0.9.0/24"}, {"ip": "10.0.0.0/8"},
    {"ip": "203.0.9.9"}, {"ip": "203.0.0.0/16"}, {"device": "Safari"}, {"device": "Linux", "older_than": "20000"},
    {"older_than": "27000"}, {"device": "Linux", "ip": "203.0.9.0/24"},
)  # fmt: skip


def measure(place: Place) -> str:
    """The table of sessions."""
    rows: list[Row] = []
    acme, globex = _tenant(place, "acme"), _tenant(place, "globex")
    rows += _knowing(place)
    with _superuser(place) as database:
        fill(database, acme)
        fill(database, globex, ENDED, round=uuid4().hex)  # the last run ended those that were there
    with place.onyx(application="wsgi:app") as onyx:
        rows += _pages(place, onyx, "/api/v1/live-sessions", "dana", "one organisation")
        rows += _pages(place, onyx, "/api/v1/platform/live-sessions", "platform", "all organisations")
    with place.onyx(processes=2, application="wsgi:app") as onyx:
        rows += [_revocation(place, onyx)]
        rows += _end_all(place, onyx)
    return table(f"Sessions ({SESSIONS:,} live ones)", ["figure", "measured", "beside it"], rows)


def _knowing(place: Place) -> list[Row]:
    sent = json.dumps({"person": place.person("alice")})
    addresses = {name: value for name, value in place.addresses.items() if "OWNER" not in name and "SUPER" not in name}
    done = subprocess.run(
        [sys.executable, "-m", "bench.gate_cost"], cwd=ROOT, input=sent + "\n", capture_output=True, text=True,
        env={**place.environment, **addresses},
    )  # fmt: skip
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    cost = json.loads(done.stdout.strip().splitlines()[-1])
    return [
        ["round trips to Redis for a request", (cost["trips"], 1, ""), "counted"],
        ["connections to PostgreSQL taken before the handler", (cost["checkouts"], 0, ""), "counted"],
        ["identify and authorize, CPU", (cost["identify"], 250, "µs"), "JWT check included, Redis not"],
        _signing_in(place),
    ]


def _signing_in(place: Place) -> Row:
    """The server's whole CPU, less that of the threads that hash, of the same sign-ins."""
    text = request("POST", "/api/v1/auth/login", "", place.person("alice")).replace("Authorization: Bearer \r\n", "")
    rounds = []
    with place.onyx() as onyx:
        for _ in range(6):
            before = ask(onyx, "GET", "/bench/hashing")["seconds"]
            seen = run(place, onyx, "onyx_app", [text], 60, together=1)
            hashed = (ask(onyx, "GET", "/bench/hashing")["seconds"] - before) / 60 * 1000
            rounds.append((seen.server - hashed, hashed, seen.database))
    rest, hashed, database = map(median, map(list, zip(*rounds[1:], strict=True)))
    beside = f"hash {hashed:.1f} ms; PostgreSQL's own {database:.1f} ms"
    return ["a sign-in without the hash, CPU", (rest, 8, "ms"), beside]


def _pages(place: Place, onyx: Server, path: str, who: str, where: str) -> list[Row]:
    token = place.token(who, onyx)
    first = _latency(place, onyx, f"{path}?limit=50", token)
    worst, slowest = 0.0, ""
    after = ""
    for number in range(24):
        answer = _page(onyx, f"{path}?limit=200&after={after}", token)
        after = answer["next"] or ""
        if number % 6 == 0:
            took = _latency(place, onyx, f"{path}?limit=50&after={after}", token)
            worst, slowest = max((worst, slowest), (took, f"page {number + 1}"))
    for wanted in FILTERS:
        took = _latency(place, onyx, f"{path}?limit=50&{urlencode(wanted)}", token)
        worst, slowest = max((worst, slowest), (took, urlencode(wanted)))
    counted = _latency(place, onyx, f"{path}/count", token)
    return [
        [f"first page of live sessions, {where}", (first, 100, "ms"), f"bounded count {counted:.0f} ms"],
        [f"any page, any filter, {where}", (worst, 120, "ms"), f"the slowest: {slowest}"],
    ]


def _page(onyx: Server, path: str, token: str) -> Any:
    import urllib.request

    asked = urllib.request.Request(f"http://127.0.0.1:{onyx.port}{path}", headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        return json.loads(answer.read())


def _latency(place: Place, onyx: Server, path: str, token: str) -> float:
    """Milliseconds, the median of eleven after two that warm up."""
    text = request("GET", path, token)
    run(place, onyx, "onyx_app", [text], 2, together=1)
    return median(run(place, onyx, "onyx_app", [text], 11, together=1).latencies)


def _revocation(place: Place, onyx: Server) -> Row:
    """With a thousand sockets open on two processes and reads going on."""
    tokens = [place.token(name, onyx) for name in ("alice", "bob", "cleo", "dana", "lee")]
    holder = _open_sockets(onyx, tokens, HELD)
    reads = request("GET", "/api/v1/sessions?limit=50", tokens[0])
    job = {"port": onyx.port, "requests": [reads], "count": 100_000_000, "together": 2, "until": ""}
    load = subprocess.Popen(
        [sys.executable, "-m", "bench.client"], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    )
    assert load.stdin is not None
    load.stdin.write(json.dumps(job).encode())
    load.stdin.close()
    try:
        times = sockets(
            {"do": "revoke", "port": onyx.port, "token": tokens[3], "person": place.person("bob"), "count": REVOKED}
        )
    finally:
        load.kill()
        load.wait()
        holder.communicate()
    p99 = percentile(times, 99) / 1000
    beside = f"median {median(times):.0f} ms, of {REVOKED}; {HELD} sockets, reads on 2 connections"
    return ["one revocation to closed socket, two processes, p99", (p99, 1, "s"), beside]


def _end_all(place: Place, onyx: Server) -> list[Row]:
    job = {"do": "end_all", "port": onyx.port, "token": place.token("greta", onyx), "person": place.person("mallory")}
    ended, answered, closed, done = sockets({**job, "count": WITH_SOCKETS})
    beside = f"answer after {answered:.1f} s, the last of {WITH_SOCKETS} sockets {closed:.1f} s, receipt {done:.1f} s"
    return [[f"“End all” of {ended:,.0f} sessions, done everywhere", (max(closed, done), 5, "s"), beside]]


def _superuser(place: Place) -> Any:
    return psycopg.connect(place.addresses["DATABASE_SUPERUSER_URL"], dbname="onyx", autocommit=True)


def _tenant(place: Place, slug: str) -> Any:
    with _superuser(place) as database:
        row = database.execute("select id from onyx.tenant where slug = %s", [slug]).fetchone()
    assert row is not None
    return row[0]
