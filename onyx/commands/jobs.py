"""`flask jobs`: what happens by itself, and starting it now."""

import click
from flask.cli import AppGroup

from onyx.audit.actions import Action
from onyx.audit.record import record, target
from onyx.edge import queue
from onyx.work import ordering, view
from onyx.work.table import BY_NAME

from .shell import acting_in, command, json_option, platform, show

jobs = AppGroup("jobs", help="See what happens by itself, and start it now.")
_COLUMNS = ("name", "every_seconds", "last", "outcome", "next_at", "what")


@jobs.command("list")
@json_option
@command
def list_all(as_json: bool) -> None:
    """All jobs with their last runs."""
    found = view.overview(None)
    if as_json:
        show(found, True)
        return
    for job in found["jobs"]:
        newest = job["runs"][0] if job["runs"] else {}
        job |= {"last": newest.get("started_at"), "outcome": newest.get("outcome")}
    show(found["jobs"], False, _COLUMNS)


@jobs.command()
@click.argument("name")
@json_option
@command
def run(name: str, as_json: bool) -> None:
    """Have a worker do a job now, wherever there is something to do."""
    entry = BY_NAME.get(name)
    if entry is None:
        raise click.ClickException(f"There is no job {name!r}. `flask jobs list` names them.")
    place = platform()
    with acting_in(place, "admin", "jobs run") as (session, actor):
        record(session, actor, Action.JOB_STARTED, target("job", entry.name, entry.title))
    try:
        mark = queue.mark_of(name, None)
        id = queue.place(ordering.connection(), entry.queue, name, place.id, {"kind": "schedule"}, mark)
    except queue.AlreadyWaiting:
        raise click.ClickException("This job waits already; is a worker running? `flask jobs list` tells.") from None
    except queue.NoQueue:
        raise click.ClickException("Redis is away: nothing can be put into its queue.") from None
    show({"name": name, "run": id, "state": "waiting"}, as_json)
