"""A steward at work: the same two functions that its process calls."""

import threading

import pytest

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
