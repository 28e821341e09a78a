"""The stage of the attack on the wall, the shell, and other master keys for a while."""

from __future__ import annotations

import base64
import io
import os

import pytest

from onyx.core import master
from onyx.tenancy import key_rotation, keyring
from tests.commands.test_commands import flask  # noqa: F401
from tests.tenancy.conftest import stage  # noqa: F401


def new_key() -> str:
    """A master key as an operator makes one."""
    return base64.b64encode(os.urandom(32)).decode()


def upload(client, text="The harbour opens at nine.", name="harbour.txt"):
    """Store a text file of somebody's own; its id."""
    sent = {"file": (io.BytesIO(text.encode()), name)}
    return client.post("/api/v1/files", data=sent, content_type="multipart/form-data").get_json()["data"]["id"]


@pytest.fixture
def masters(owner, addresses):
    """`masters(new, previous)` gives this process other master keys.

    In the end everything is wrapped again under the one that the servers of this run have.
    """
    before = addresses["ONYX_MASTER_KEY"]
    given = [before]

    def give(text, previous=None):
        master.install(text, previous)
        given.append(text)
        keyring._rings.clear()

    yield give
    current = owner.execute("select id from onyx.master_key where retired_at is null").fetchone()[0]
    last = next(text for text in reversed(given) if master.Master(master.parse(text)).id == bytes(current))
    if last != before:
        owner.execute("delete from onyx.master_key where id = %s", [master.Master(master.parse(before)).id])
        master.install(before, last)
        key_rotation.rotate_master(owner, lambda *_: None)
    master.install(before)
    keyring._rings.clear()
