"""Many tenants: creating one, migrating all, serving any, closing one; beside the same with few tenants.

`python -m bench tenants --tenants 200` does it with fewer than 1,000; `--parts create,migrate` only a part.
"""

import json
import subprocess
import sys
import time
from collections.abc import Callable
from random import Random

from onyx.tenancy import migrate, stock

from .administering import administer
from .load import Seen, median, percentile, request, run
from .place import Place, ask, module
from .processes import ROOT, Server, memory
from .report import Row, table
from .town import query, remove, sign_in, size, slugs, tokens, town

FEW, MADE, ROUNDS = 10, 20, 5
SOCKETS = 500
KEPT_AFTER = 6  # times that a tenant is served before it counts: PostgreSQL plans a prepared statement anew five times
LEAD, STEADY = 1500, 5000  # requests
HEAD = ("figure", "measured", "beside it")


def measure(tenants: int, parts: list[str]) -> str:
    """The table of tenants; builds what is missing first. Raises SystemExit for an unknown part or a full disk."""
    unknown = [part for part in parts if part not in PARTS]
    if unknown:
        raise SystemExit(f"There is no part {unknown[0]!r}; there are {', '.join(PARTS)}.")
    rows: list[Row] = []
    with town("many", tenants) as many:
        rows.append(["disk", f"{size(many):.0f} MB", f"{size(many) / tenants:.2f} MB for each tenant"])
        for part in parts or PARTS:
            began = time.monotonic()
            made = PARTS[part](many, tenants)
            rows += made
            # Also at once: a later part may fail.
            sys.stderr.write(table(f"{part} ({time.monotonic() - began:.0f} s)", HEAD, made) + "\n")
    return table(f"{tenants:,} tenants", HEAD, rows)


def create(many: Place, tenants: int) -> list[Row]:
    """Creations at ten tenants and at many, in turn, so that a busy machine hits both: of a prepared one, and anew."""
    rows: list[Row] = []
    with town("few", FEW) as few:
        for kind, prepared in (("from the stock", 1), ("with an empty stock", 0)):
            times: dict[str, list[float]] = {"few": [], "many": []}
            for number in range(MADE):
                for name, place in (("few", few), ("many", many)):
                    stock.fill(place.addresses["DATABASE_OWNER_URL"], prepared)
                    began = time.perf_counter()
                    migrate.provision(place.addresses["DATABASE_OWNER_URL"], f"guest-{number}", "Guest")
                    times[name].append((time.perf_counter() - began) * 1000)
            for number in range(MADE):
                for place in (few, many):
                    remove(place, f"guest-{number}")
            rows += _created(kind, tenants, times)
    return rows


def _created(kind: str, tenants: int, times: dict[str, list[float]]) -> list[Row]:
    first, last = median(times["few"]), median(times["many"])
    few, many = (f"create a tenant {kind}, at {number:,}, p50" for number in (FEW, tenants))
    return [
        [few, (first, 150, "ms"), f"p90 {percentile(times['few'], 90):.0f} ms"],
        [many, (last / first, 1.3, "×"), f"{last:.0f} ms"],
    ]


def migration(many: Place, tenants: int) -> list[Row]:
    """A migration that finds nothing to do, with Python's start; and a column more for everybody."""
    environment = {**many.environment, **many.addresses}
    flask = [sys.executable, "-m", "flask", "migrate", "--json"]
    nothing = []
    for _ in range(3):
        began = time.monotonic()
        subprocess.run(flask, cwd=ROOT, env=environment, check=True, stdout=subprocess.DEVNULL)
        nothing.append(time.monotonic() - began)
    grown = [sys.executable, "-m", "bench.grown"]
    done = subprocess.run(grown, cwd=ROOT, env=environment, check=True, capture_output=True, text=True)
    seconds, count = done.stdout.split()
    return [
        ["`flask migrate` with nothing to do", (median(nothing), 3, "s"), "with Python's start; median of 3"],
        ["an added column", (float(seconds), 20, "s"), f"{count} tenants, two workers"],
    ]


def serving(many: Place, tenants: int) -> list[Row]:
    """One web process: an old tenant beside a young one, and everybody at random beside one alone."""
    with many.onyx(application="wsgi:app") as onyx:
        everybody = tokens(many, onyx, tenants)
        old, young = everybody[FEW - 1], everybody[-1]
        chats = "/api/v1/sessions?limit=50"

        def one(token: str, count: int = 200) -> Seen:
            return run(many, onyx, "onyx_app", [request("GET", chats, token)], count)

        one(old), one(young)
        pairs = [(one(old), one(young)) for _ in range(ROUNDS)]
        ratio = median([_cost(last) / _cost(first) for first, last in pairs])
        shuffled = Random(7).sample(everybody, len(everybody))
        mixed = [request("GET", chats, token) for token in shuffled]
        run(many, onyx, "onyx_app", mixed, KEPT_AFTER * tenants)
        before = memory(onyx.pids[0])[0]
        alone = [request("GET", chats, old)]
        pairs = [(_steady(many, onyx, alone), _steady(many, onyx, mixed)) for _ in range(ROUNDS)]
        after = memory(onyx.pids[0])[0]
        backends = [memory(pid) for pid in many.backends("onyx_app")]
    return [
        [f"a request for tenant {tenants:,} beside one for tenant {FEW}, CPU", (ratio, 1.15, "×"), "server and PostgreSQL"],
        [f"{tenants:,} at random beside one, rate", _least(_between(pairs, "rate"), 0.85), _told(pairs)],
        ["largest backend, PSS", (max(pss for pss, _ in backends), 64, "MB"), f"{len(backends)} backends"],
        ["the web process, growth over these rounds", (after - before, 4, "MB"), f"PSS {after:.0f} MB"],
    ]  # fmt: skip


def _steady(many: Place, onyx: Server, requests: list[str]) -> Seen:
    """Long enough for what is written in the background each second, ten or twenty to fall upon whoever caused it."""
    run(many, onyx, "onyx_app", requests, LEAD)
    return run(many, onyx, "onyx_app", requests, STEADY)


def _between(pairs: list[tuple[Seen, Seen]], what: str) -> float:
    return median([getattr(second, what) / getattr(first, what) for first, second in pairs])


def _told(pairs: list[tuple[Seen, Seen]]) -> str:
    """Beside the ratio of rates: what a request costs, which other work on the machine does not change as much."""
    first, last = (_middle([pair[place] for pair in pairs]) for place in (0, 1))
    return f"{last} beside {first}; CPU of the server {_between(pairs, 'server'):.2f} ×"


def _middle(seen: list[Seen]) -> str:
    rate, server, database = (median([getattr(one, what) for one in seen]) for what in ("rate", "server", "database"))
    return f"{rate:.0f} in a second ({server:.2f} + {database:.2f} ms)"


def closing(many: Place, tenants: int) -> list[Row]:
    """A tenant with 500 open sockets on two web processes is suspended."""
    slug = slugs(many, tenants)[FEW]
    with many.onyx(processes=2, application="wsgi:app") as onyx:
        owner = f"owner@{slug}.example"
        sessions = [sign_in(onyx, owner) for _ in range(10)]
        petra = sign_in(onyx, "owner@platform.example")
        (row,) = query(many, f"select id from onyx.tenant where slug = '{slug}'")
        path = f"/api/v1/tenants/{row[0]}"
        job = {
            "do": "close",
            "port": onyx.port,
            "tokens": sessions,
            "count": SOCKETS,
            "token": petra,
            "path": f"{path}/suspend",
        }
        try:
            done = subprocess.run(
                [sys.executable, "-m", "bench.sockets"], cwd=ROOT, input=json.dumps(job) + "\n", capture_output=True, text=True
            )  # fmt: skip
        finally:
            ask(onyx, "POST", f"{path}/resume", petra)
            (many.var / "tokens.json").unlink(missing_ok=True)  # its people have to sign in anew
    if done.returncode:
        raise RuntimeError(done.stderr[-2000:])
    times: list[float] = json.loads(done.stdout)
    told = f"p50 {median(times):.0f} ms, worst {max(times):.0f} ms"
    return [[f"suspension to the last of {SOCKETS} sockets, p99", (percentile(times, 99) / 1000, 1, "s"), told]]


def starting(many: Place, tenants: int) -> list[Row]:
    """The look at the walls before a process serves."""
    out = module({**many.environment, **many.addresses}, "bench.walls").split()
    return [["the boot check, best of 5", f"{float(out[0]) * 1000:.0f} ms", f"first {float(out[1]) * 1000:.0f} ms"]]


def _cost(seen: Seen) -> float:
    return seen.server + seen.database


def _least(figure: float, limit: float) -> str:
    return f"{figure:.2f} × {'✓' if figure >= limit else '✗'} (≥ {limit:g})"


PARTS: dict[str, Callable[[Place, int], list[Row]]] = {
    "create": create,
    "migrate": migration,
    "serve": serving,
    "close": closing,
    "start": starting,
    "administer": administer,
}
