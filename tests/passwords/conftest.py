"""An installation that sends mail, to a mailbox of the test's own; links as administrators and mails hand them out."""

from __future__ import annotations

import time

import pytest
from pydantic import SecretStr

import jobs.mail  # noqa: F401 - registers its job
from jobs import runner
from onyx.core.ids import uuid7
from tests.mailbox import Mailbox
from tests.waiting import PATIENT, all_done_later


@pytest.fixture
def world(fresh_world):
    return fresh_world


@pytest.fixture
def mailbox(app):
    box, state = Mailbox(), app.extensions["onyx"]
    before = state.settings
    changed = {"smtp_url": SecretStr(box.url), "smtp_from": "onyx@onyx.example", "public_url": "https://onyx.example"}
    state.settings = before.model_copy(update=changed)
    all_done_later()
    _send(app, state.platform)  # what other tests have left behind
    box.letters.clear()
    yield box
    state.settings = before
    box.close()


@pytest.fixture
def send_mail(app, world):
    """Do the job as the schedule does."""

    return lambda: _send(app, world.platform.id)


def _send(app, platform):
    with app.app_context():
        return runner.run("mail.send", {"tenant": platform.hex, "actor": {"kind": "schedule"}}, uuid7().hex)


@pytest.fixture
def posted(owner):
    """Wait until so many mails wait in a tenant; their states."""

    def wait(tenant, count=1, seconds=PATIENT):
        until = time.monotonic() + seconds
        while True:
            found = owner.execute(f"select state from {tenant.schema}.outgoing_mail order by created_at").fetchall()
            if len(found) >= count or time.monotonic() > until:
                return [row[0] for row in found]
            time.sleep(0.02)

    return wait


@pytest.fixture
def link_of(client_of, world):
    """A link as an administrator gets one where no mail is sent: the token."""

    def make(name):
        admin = "dana" if world[name].tenant is world.acme else "greta"
        answer = client_of(admin).post(f"/api/v1/users/{world[name].id}/reset-link")
        assert answer.status_code == 200, answer.text
        return answer.get_json()["data"]["link"].partition("#")[2]

    return make
