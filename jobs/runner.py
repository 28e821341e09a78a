"""Jobs' way in: `@job(name, purpose)`: identify → authorize again → lease → scope → one service call → event → commit.

A job arrives as a name with a tenant and whoever asked; what is not named is refused, nothing is guessed (T8).
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import structlog
from rq import get_current_job
from sqlalchemy.orm import Session

from onyx.audit.actions import Action
from onyx.audit.record import record_alone, target
from onyx.core.actor import Actor, Request
from onyx.core.ids import uuid7
from onyx.core.scope import Scope, tenant_scope
from onyx.edge import queue, runs
from onyx.edge.judging import is_open
from onyx.edge.state import state
from onyx.edge.store import Away
from onyx.work.ordering import connection
from onyx.work.table import BY_NAME, Entry

from . import due
from .asker import Asker, Refused, identify
from .lease import Busy, Lease

_log = structlog.get_logger()
# Seconds that a sweep over all tenants may take before whatever else waits has its turn; it goes on behind that.
SLICE = 15.0


class Closed(Exception):
    """The tenant was suspended, archived or is being deleted: nothing more is done for it (T1)."""


@dataclass(frozen=True, slots=True)
class Done:
    """What a run did: how many things it changed, and when its tenant has something to do again (None: unknown)."""

    effects: int = 0
    next_at: datetime | None = None


@dataclass(slots=True)
class Run:
    """One run of a job for one tenant, as its function sees it."""

    id: str
    name: str
    tenant: UUID
    actor: Actor
    lease: Lease
    tell: Callable[[int, int], None]

    @contextmanager
    def unit_of_work(self) -> Iterator[Session]:
        """A transaction in the job's scope, fenced by its lease. Raises Closed for a tenant that is not open any more."""
        _must_be_open(self.tenant)
        with self.lease.unit_of_work() as session:
            yield session


@dataclass(frozen=True, slots=True)
class Job:
    """A registered job: its line in the table, the function, its purpose, and the name under which work is due."""

    entry: Entry
    work: Callable[[Run], Done]
    purpose: str
    due: str | None


JOBS: dict[str, Job] = {}


def job(name: str, purpose: str, due: str | None = None) -> Callable[[Callable[[Run], Done]], Callable[[Run], Done]]:
    """Register the function that does the job `name` of onyx.work.table, for one tenant, under `purpose`."""

    def register(work: Callable[[Run], Done]) -> Callable[[Run], Done]:
        JOBS[name] = Job(BY_NAME[name], work, purpose, due)
        return work

    return register


def perform(name: str) -> None:
    """Do what a queue asks for. Raises Refused for a job without tenant or actor, or whose asker may not any more."""
    waiting = get_current_job()
    meta = waiting.meta if waiting else {}
    try:
        if isinstance(meta.get("mark"), str):
            state().store.call(state().store.client.delete, meta["mark"])
    except Away:
        pass  # it runs out by itself
    run(name, meta, waiting.id if waiting else uuid7().hex)


def run(name: str, meta: dict[str, object], id: str) -> runs.Run:
    """Run a job now, in this process; needs an app context. Returns what it did; raises Refused."""
    chosen = JOBS.get(name)
    if chosen is None:
        raise Refused(f"there is no job called {name!r}")
    asker = identify(meta, state().platform)
    if asker.everywhere and chosen.entry.reach == "tenants":
        return _sweep(chosen, asker, id)
    if not asker.everywhere and chosen.entry.reach == "installation":
        raise Refused(f"{name} is work on the whole installation")
    return _visit(chosen, asker, asker.tenant, id, public=asker.everywhere)


def _sweep(chosen: Job, asker: Asker, id: str) -> runs.Run:
    """Visit the tenants that have something due, for as long as a slice lasts; one that fails does not keep the others
    (F42), and many of them do not keep other jobs.
    """
    began, control = time.time(), Scope(state().platform, "job:control")
    found = due.tenants_due(control, chosen.due or chosen.entry.name)
    visited = effects = failed = 0
    for tenant in found:
        if visited and time.time() - began > SLICE:
            _go_on_later(chosen, asker)
            break
        _tell_progress(chosen, None, id, visited, len(found), asker.shown)
        done = _visit(chosen, asker, tenant, id, public=False)
        visited += 1
        effects += done.effects
        failed += done.outcome == "failed"
    outcome = "failed" if failed else "success"
    whole = runs.Run(id, began, time.time() - began, outcome, effects, asker.shown, None, visited, failed)
    _remember(chosen, None, whole)
    return whole


def _go_on_later(chosen: Job, asker: Asker) -> None:
    """Queue the same sweep behind what waits there; what it has not visited is still due, so that nothing is lost."""
    try:
        mark = queue.mark_of(chosen.entry.name, None)
        queue.place(connection(), chosen.entry.queue, chosen.entry.name, state().platform, asker.meta, mark)
    except (queue.AlreadyWaiting, queue.NoQueue) as reason:  # the schedule has placed it, or will
        _log.debug("sweep goes on by the schedule", job=chosen.entry.name, reason=type(reason).__name__)


def _visit(chosen: Job, asker: Asker, tenant: UUID, id: str, public: bool) -> runs.Run:
    """Do the job for one tenant; whatever goes wrong ends as a remembered run, never as an exception."""
    began, effects, outcome, error = time.time(), 0, "success", None
    place = None if public else tenant
    try:
        effects = _do(chosen, asker, tenant, id, place)
    except Busy:
        outcome = "busy"
    except Closed:
        outcome = "stopped"
    except Exception as trouble:
        outcome, error = "failed", type(trouble).__name__
        _log.exception("job failed", job=chosen.entry.name, tenant=str(tenant), run=id)
        _report(chosen, asker, tenant, id, place, error)
    done = runs.Run(id, began, time.time() - began, outcome, effects, asker.shown, error)
    _remember(chosen, place, done)
    return done


def _do(chosen: Job, asker: Asker, tenant: UUID, id: str, place: UUID | None) -> int:
    name, here = chosen.entry.name, state()
    control = Scope(here.platform, "job:control")
    lease = Lease(here.store, name, tenant, here.bus.process)
    _must_be_open(tenant)
    with lease.held(_living()), tenant_scope(tenant, chosen.purpose, asker.user, asker.session):
        if chosen.due:
            due.claim(control, chosen.due, tenant)
        _tell_progress(chosen, place, id, 0, 0, asker.shown)
        done = chosen.work(
            Run(
                id, name, tenant, _actor(chosen, asker, tenant, id), lease,
                lambda so_far, total: _tell_progress(chosen, place, id, so_far, total, asker.shown),
            )
        )  # fmt: skip
        if chosen.due:
            due.settle(control, chosen.due, tenant, done.next_at)
    return done.effects


def _must_be_open(tenant: UUID) -> None:
    if not is_open(tenant):
        raise Closed(str(tenant))


def _actor(chosen: Job, asker: Asker, tenant: UUID, id: str) -> Actor:
    where = Request(id=id, method="JOB", route=chosen.entry.name)
    kind = "user" if asker.user else "job"
    return Actor(tenant, "", "", asker.user, asker.email, "Onyx", session_id=asker.session, kind=kind, request=where)


def _report(chosen: Job, asker: Asker, tenant: UUID, id: str, place: UUID | None, error: str) -> None:
    """Tell the tenant's trail of the first failure in a row; a job that fails every minute must not drown it."""
    name = chosen.entry.name
    try:
        if runs.last_outcome(state().store, name, place) == "failed":
            return
        record_alone(
            _actor(chosen, asker, tenant, id), Action.JOB_FAILED, target("job", name, chosen.entry.title),
            purpose=chosen.purpose, outcome="error", reason=error,
        )  # fmt: skip
    except Exception:
        _log.exception("failure of a job not recorded", job=name, tenant=str(tenant))


def _living() -> set[str]:
    try:
        return {process["name"] for process in queue.alive(state().store)}
    except Away:
        return set()


def _tell_progress(chosen: Job, place: UUID | None, id: str, done: int, total: int, by: str) -> None:
    try:
        runs.progress(state().store, chosen.entry.name, place, id, done, total, by)
    except Away:
        return


def _remember(chosen: Job, place: UUID | None, done: runs.Run) -> None:
    try:
        runs.remember(state().store, chosen.entry.name, place, done)
    except Away:
        _log.warning("run not remembered: redis is away", job=chosen.entry.name, outcome=done.outcome)
