"""A steward at work: the same two functions that its process calls."""

import threading
from datetime import timedelta

import pytest

from jobs import runner
from onyx.core.ids import uuid7
from onyx.edge import queue
from onyx.tenancy import steward as steward_requests
from onyx.tenants import removal


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
def steward(owner_url, means):
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
