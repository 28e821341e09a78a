"""A steward at work: the same two functions that its process calls."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import event

from jobs import runner
from onyx.core.db import control_engine, db
from onyx.core.ids import uuid7
from onyx.edge import queue
from onyx.tenancy import steward as steward_requests
from onyx.tenants import removal, service
from tests.waiting import PATIENT


@pytest.fixture
def means(app):
    """Redis and the data folder, as the steward's process names them."""
    state = app.extensions["onyx"]
    with queue.connect(state.settings.redis_url) as queues:
        removal.install(removal.Means(state.store, queues, state.settings.onyx_var, timedelta(days=30)))
        yield


@pytest.fixture
def redis(app):
    return app.extensions["onyx"].store.client


@pytest.fixture
def nothing_asked(owner):
    """What other tests asked the steward for, and what their killed ones had begun, is no business of this one."""
    owner.execute("delete from onyx.steward_request")


@pytest.fixture
def steward(owner_url, means, nothing_asked, monkeypatch):
    monkeypatch.setattr(service, "PATIENCE", PATIENT)  # whoever asks is not to be told that a busy machine's is away
    asked = threading.Event()

    def work():
        while not asked.wait(0.05):
            while (request := steward_requests.claim_next(owner_url)) is not None:
                steward_requests.run(owner_url, request, {"delete_tenant": removal.delete_tenant})

    thread = threading.Thread(target=work)
    thread.start()
    yield
    asked.set()
    thread.join()


@pytest.fixture
def run_job(app, world):
    """Run a job as the schedule does: `run_job("replies.recover")`."""

    def run(name):
        meta = {"tenant": world.platform.id.hex, "actor": {"kind": "schedule"}}
        with app.app_context():
            return runner.run(name, meta, uuid7().hex)

    return run


@pytest.fixture
def held(app):
    """What this thread held whenever it took a connection: (which pool it took from, main ones held, control ones)."""
    with app.app_context():
        pools = {"main": db.engine, "control": control_engine()}
    mine, holding, seen = threading.get_ident(), {"main": set(), "control": set()}, []
    listening = []

    def listen(name, engine):
        def taken(connection, _record, _proxy):
            if threading.get_ident() == mine:
                seen.append((name, len(holding["main"]), len(holding["control"])))
                holding[name].add(id(connection))

        def given_back(connection, _record):
            holding[name].discard(id(connection))

        for what, function in (("checkout", taken), ("checkin", given_back)):
            event.listen(engine, what, function)
            listening.append((engine, what, function))

    for name, engine in pools.items():
        listen(name, engine)
    yield seen
    for engine, what, function in listening:
        event.remove(engine, what, function)
