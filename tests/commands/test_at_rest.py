"""`flask doctor` says what lies on disk and goes over the wire unencrypted."""

from __future__ import annotations

import json
import os

import pytest

from onyx.commands import at_rest
from tests.commands.test_commands import flask  # noqa: F401


def test_the_doctor_tells_of_keys_disk_and_wires(flask):  # noqa: F811
    found = {line["what"]: line for line in json.loads(flask("doctor", "--json").output)}
    assert found["master key"]["ok"] and "opens the keys" in found["master key"]["says"]
    assert "encrypted" in found["disk"]["says"]
    assert found["PostgreSQL's wire"]["says"] == "a socket of this machine"
    assert found["Redis' wire"]["says"] == "this machine"


@pytest.mark.parametrize(("below", "expected"), [("CRYPT-LUKS2-abc", True), ("LVM-abc", False), (None, False)])
def test_a_volume_on_an_encrypted_device_is_encrypted(tmp_path, below, expected):
    """A logical volume on dm-crypt, as the kernel shows it under /sys/dev/block."""
    number = tmp_path.stat().st_dev
    volume = tmp_path / "blocks" / f"{os.major(number)}:{os.minor(number)}"
    slave = volume / "slaves" / "dm-0"
    for folder, uuid in ((volume, "LVM-volume"), (slave, below)):
        (folder / "dm").mkdir(parents=True, exist_ok=True)
        if uuid:
            (folder / "dm" / "uuid").write_text(f"{uuid}\n")
    assert at_rest.encrypted(tmp_path, tmp_path / "blocks") is expected
    assert at_rest.encrypted(tmp_path, tmp_path / "nothing") is None


@pytest.mark.parametrize(("url", "says"), [("redis://cache.example:6379/0", "not encrypted"), ("rediss://cache.example", "TLS"),
                                           ("redis://127.0.0.1:6379/0", "this machine"), ("unix:///run/redis.sock", "this machine")])  # fmt: skip
def test_the_way_to_redis(url, says):
    assert says in at_rest._redis(url)
