"""A steward at work: the same two functions that its process calls."""

import threading

import pytest

from jobs import runner
from onyx.core.ids import uuid7
from onyx.tenancy import steward as steward_requests


@pytest.fixture
def steward(owner_url):
    asked = threading.Event()

    def work():
        while not asked.wait(0.05):
            while (request := steward_requests.claim_next(owner_url)) is not None:
                steward_requests.run(owner_url, request)

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
