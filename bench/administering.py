"""Many tenants as a platform admin works with them: pages, commands, and rounds of the steward; a few minutes."""

import subprocess
import sys
import time
from collections.abc import Callable

from onyx.tenants.measuring import measure_all

from .load import median
from .place import Place, ask
from .processes import ROOT, Server, memory
from .report import Row
from .town import query, sign_in, slugs

PAGE_MS = 1000
# What is shown, and where; `{id}` is an organisation in the middle.
PAGES = (
    ("organisations, 25 of them", "/api/v1/tenants"),
    ("organisations by a part of their name", "/api/v1/tenants?q=house-0099"),
    ("an organisation", "/api/v1/tenants/{id}"),
    ("migrations: how far all are", "/api/v1/migrations/summary"),
    ("migrations: who failed", "/api/v1/migrations?state=failed"),
    ("isolation: how many held", "/api/v1/platform/isolation/summary"),
    ("isolation: 50 of them", "/api/v1/platform/isolation"),
    ("backups: the newest 50", "/api/v1/backups"),
    ("live sessions of all, 50 of as many organisations", "/api/v1/platform/live-sessions"),
    ("jobs", "/api/v1/jobs"),
    ("the installation's numbers", "/api/v1/platform/monitoring/summary"),
)
# Seconds that each may take, where the issue or patience sets a limit.
COMMANDS: tuple[tuple[tuple[str, ...], float | None], ...] = (
    (("tenants", "list", "--json"), None),
    (("tenants", "show", "{slug}", "--json"), None),
    (("keys", "status", "--json"), None),
    (("backups", "create", "--json"), None),
    (("backups", "list", "--json"), None),
    (("keys", "rotate", "--all", "--json"), None),
    (("isolation", "check", "--tenant", "{slug}", "--json"), None),
    (("isolation", "check", "--json"), 600),
)


def administer(many: Place, tenants: int) -> list[Row]:
    """First look and median of five for each page; each command once, with Python's start; one round of measuring."""
    slug = slugs(many, tenants)[tenants // 2]
    (row,) = query(many, f"select id from onyx.tenant where slug = '{slug}'")
    with many.onyx(application="wsgi:app") as onyx:
        token = sign_in(onyx, "owner@platform.example")
        made: list[Row] = [_page(onyx, token, title, path.format(id=row[0])) for title, path in PAGES]
        made += _all_pages(many, onyx, token)
    made += [_command(many, [word.format(slug=slug) for word in words], limit) for words, limit in COMMANDS]
    seconds = _timed(lambda: measure_all(many.addresses["DATABASE_OWNER_URL"]))
    return [*made, ["the steward measures all", f"{seconds:.1f} s", "every quarter of an hour, in a thread of its own"]]


def _page(onyx: Server, token: str, title: str, path: str) -> Row:
    first = _timed(lambda: ask(onyx, "GET", path, token))
    later = median([_timed(lambda: ask(onyx, "GET", path, token)) for _ in range(5)])
    return [title, (first * 1000, PAGE_MS, "ms"), f"then {later * 1000:.0f} ms; `{path}`"]


def _all_pages(many: Place, onyx: Server, token: str) -> list[Row]:
    """Each organisation's own answer, one after the other: what that leaves in memory."""
    ids = [row[0] for row in query(many, "select id from onyx.tenant where status = 'active' order by id")]
    before = memory(onyx.pids[0])[0]
    times = [_timed(lambda id=id: ask(onyx, "GET", f"/api/v1/tenants/{id}", token)) for id in ids]  # type: ignore[misc]
    after, largest = memory(onyx.pids[0])[0], max(memory(pid)[0] for pid in many.backends("onyx_app"))
    told = f"the web process grew by {after - before:.1f} MB to {after:.0f}, largest backend {largest:.0f} MB"
    return [[f"each of {len(ids):,} organisations once, the slowest", (max(times) * 1000, PAGE_MS, "ms"), told]]


def _command(many: Place, words: list[str], limit: float | None) -> Row:
    environment = {**many.environment, **many.addresses}
    command = [sys.executable, "-m", "flask", *words]
    seconds = _timed(lambda: subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True))
    shown = " ".join(word for word in words if word != "--json")
    return [f"`flask {shown}`", (seconds, limit, "s") if limit else f"{seconds:.1f} s", "with Python's start"]


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
